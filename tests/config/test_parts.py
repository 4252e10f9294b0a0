"""Parts: what is asked of apt, what is unpacked, and what a person is told."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import parts


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of parts of the test's own."""
    monkeypatch.setenv("RINGDESK_PARTS", str(tmp_path / "parts"))
    return tmp_path / "parts"


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has none of the programs."""
    for name, part in list(parts.PARTS.items()):
        monkeypatch.setitem(parts.PARTS, name, dataclasses.replace(part, own=lambda _: None))


def package(folder: Path, name: str, files: dict[str, str]) -> Path:
    """A Debian package of these files."""
    root = folder / name
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
        (root / file).chmod(0o755)
    (root / "DEBIAN").mkdir()
    control = (
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n"
    )
    (root / "DEBIAN" / "control").write_text(control)
    archive = folder / f"{name}_1_all.deb"
    command = ["dpkg-deb", "--build", "--root-owner-group", str(root), str(archive)]
    subprocess.run(command, check=True, capture_output=True)
    return archive


@pytest.mark.usefixtures("nothing_installed")
def test_a_missing_part_says_how_it_comes() -> None:
    with pytest.raises(parts.PartMissingError, match=r"missing part: sipp \(.* install sipp\)"):
        parts.sipp()


def test_an_unknown_part_is_told_what_there_is() -> None:
    with pytest.raises(parts.PartMissingError, match="no such part: beer; there are asterisk"):
        parts.install(["beer"], print)


@pytest.mark.usefixtures("nothing_installed")
def test_a_part_is_unpacked_wrapped_and_found(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = package(
        tmp_path,
        "sip-tester",
        {
            "usr/bin/sipp": '#!/bin/sh\necho "$LD_LIBRARY_PATH" "$@"\n',
            "usr/lib/x86_64-linux-gnu/libfoo.so.1": "",
        },
    )
    libc = package(tmp_path, "libc6", {"usr/lib/x86_64-linux-gnu/libc.so.6": ""})
    monkeypatch.setattr(parts.AptWorld, "fetch", lambda *_: [archive, libc])
    monkeypatch.setattr("config.parts.unpack.machine_suite", lambda: "bookworm")
    said: list[str] = []
    parts.install(["sipp"], said.append)
    assert said[-1] == "sipp: ready"
    path = parts.sipp()
    assert Path(path) == folder / "bin" / "sipp"
    out = subprocess.run([path, "a b"], capture_output=True, text=True, check=True).stdout
    assert out == f"{folder}/sipp/usr/lib/x86_64-linux-gnu a b\n"
    assert not list(folder.rglob("libc.so.6")), "the machine's own C library stays a pair"

    said.clear()
    parts.install(["sipp"], said.append)
    assert said == [], "a second time does nothing"


@pytest.mark.usefixtures("nothing_installed")
def test_a_part_that_broke_off_is_not_there(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "sip-tester_1_all.deb"
    broken.write_bytes(b"no archive")
    monkeypatch.setattr(parts.AptWorld, "fetch", lambda *_: [broken])
    monkeypatch.setattr("config.parts.unpack.machine_suite", lambda: "bookworm")
    with pytest.raises(parts.PartMissingError, match="cannot unpack"):
        parts.install(["sipp"], lambda _: None)
    assert not (folder / "sipp").exists()
    assert not list(folder.glob("*.tmp.*"))
    with pytest.raises(parts.PartMissingError, match="missing part: sipp"):
        parts.sipp()


def test_an_old_asterisk_is_not_good_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "asterisk"
    old.write_text("#!/bin/sh\necho Asterisk 20.6.0~dfsg\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert parts.asterisk_version(str(old)) == (20, 6, 0)
    with pytest.raises(parts.PartMissingError, match="missing part: asterisk"):
        parts.asterisk()


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1", (22, 10, 1)),
        ("Asterisk 23.0", (23, 0, 0)),
        ("Asterisk certified/20.7-cert2", (20, 7, 0)),
        ("", ()),
    ],
)
def test_versions_are_read(tmp_path: Path, said: str, version: tuple[int, ...]) -> None:
    program = tmp_path / "asterisk"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    assert parts.asterisk_version(str(program)) == version


@pytest.mark.usefixtures("nothing_installed")
def test_an_apt_that_hangs_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = tmp_path / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text("#!/bin/sh\nexec sleep 60\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(apt.parent), prepend=":")
    monkeypatch.setattr("config.parts.apt.QUICK_SECONDS", 0.2)
    monkeypatch.setattr("config.parts.unpack.machine_suite", lambda: "bookworm")
    with pytest.raises(parts.PartMissingError, match="apt-get does not answer within"):
        parts.install(["sipp"], lambda _: None)


def test_no_mirror_is_named(checkout: Path) -> None:
    """Which mirror, index or registry is asked is the machine's business."""
    config = checkout / "config"
    files = [config / "set_up.py", *(config / "parts").glob("*.py")]
    assert len(files) > 4
    for file in files:
        assert "http://" not in file.read_text()
        assert "https://" not in file.read_text()


def test_it_runs_before_any_virtual_environment(checkout: Path, tmp_path: Path) -> None:
    """With a bare Python, no package of ours or of others beside it, isolated from its user's."""
    alone = tmp_path / "config"
    shutil.copytree(checkout / "config" / "parts", alone / "parts")
    (alone / "__init__.py").touch()
    # What lies in config/ beside it must neither be needed nor hide Python's own.
    (alone / "secrets.py").write_text("raise SystemExit('hidden')")
    bare = [Path(sys.base_prefix) / "bin" / "python3", "-S", "-m", "config.parts"]
    asked = subprocess.run(
        [*bare, "where", "beer"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert asked.stderr == "parts: no part holds the program 'beer'\n"
    said = subprocess.run(bare, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (2, "")
    assert "asterisk" in said.stdout
