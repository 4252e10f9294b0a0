"""Everything that a set-up brings finds what it links to; what does not is told in one line."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

from config import parts, set_up
from config.parts import links

BROUGHT = ["asterisk", "espeak", "sipp", "chromium", "postgresql", "redis"]


@pytest.mark.parametrize("name", BROUGHT)
def test_each_program_and_library_of_a_part_finds_what_it_links_to(name: str) -> None:
    """All that lies in it: Asterisk's modules and PostgreSQL's too."""
    root = parts.parts_folder() / name
    if not root.exists():  # the machine's own is used
        own = {parts.program(each) for each in parts.PARTS[name].programs}
        assert links.missing(map(Path, own)) == {}
        return
    files = [file for file in root.rglob("*") if links.is_elf(file) and not file.is_symlink()]
    assert files
    assert links.missing_from_part(name, root, files) == {}


def test_what_pip_and_npm_brought_finds_what_it_links_to() -> None:
    files = [file for file in set_up.linked_files() if links.is_elf(file)]
    assert len(files) > 50
    assert links.missing(files) == {}


def test_the_browser_tests_driver_runs_in_a_node_that_starts() -> None:
    """Not in Playwright's own, which wants a library that a minimal Debian lacks."""
    node, _ = compute_driver_executable()
    assert node == os.environ["PLAYWRIGHT_NODEJS_PATH"]
    assert links.missing([Path(node)]) == {}
    assert subprocess.run([node, "--version"], check=False, capture_output=True).returncode == 0


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A program that links to a library which no machine has."""
    program = Path(shutil.which("cat") or sys.executable).resolve().read_bytes()
    assert program.count(b"libc.so.6\0") == 1
    file = tmp_path / "node"
    file.write_bytes(program.replace(b"libc.so.6\0", b"libq.so.6\0"))
    file.chmod(0o755)
    return file


def test_what_is_missing_is_told_by_file_and_library(broken: Path) -> None:
    good = Path(sys.executable).resolve()
    for files in ([broken], [good, broken], [broken, good]):
        assert links.missing(files) == {broken.resolve(): ["libq.so.6"]}
    assert links.missing([good, broken.with_name("none")]) == {}


def test_a_library_of_a_parts_own_folder_is_found(broken: Path, tmp_path: Path) -> None:
    folder = tmp_path / "libraries"
    folder.mkdir()
    line = subprocess.run(["ldd", sys.executable], capture_output=True, text=True, check=True)
    libc = next(w for w in line.stdout.split() if w.endswith("/libc.so.6"))
    (folder / "libq.so.6").symlink_to(libc)
    assert links.missing([broken], [folder]) == {}


def test_a_set_up_names_what_is_missing_in_one_line(
    broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_up, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(set_up, "VENV", tmp_path / "none")
    monkeypatch.setattr(set_up, "CONSOLE", tmp_path / "none")
    monkeypatch.setattr(set_up, "node", lambda: broken)
    with pytest.raises(set_up.SetUpError) as why:
        set_up.check_links()
    said = str(why.value)
    assert "\n" not in said
    assert "libq.so.6" in said
    assert str(broken) in said
    assert not (tmp_path / "stamps" / "links").exists(), "the next set-up looks again"


def test_a_part_that_would_not_start_is_not_brought(
    broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told at the set-up, not by the first test or call that needs it."""
    monkeypatch.setenv("RINGDESK_PARTS", str(tmp_path / "parts"))
    root = tmp_path / "deb"
    (root / "usr/bin").mkdir(parents=True)
    shutil.copy(broken, root / "usr/bin/sipp")
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/control").write_text(
        "Package: sip-tester\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n"
    )
    archive = tmp_path / "sip-tester_1_all.deb"
    command = ["dpkg-deb", "--build", "--root-owner-group", str(root), str(archive)]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setattr(parts.AptWorld, "fetch", lambda *_: [archive])
    monkeypatch.setattr("config.parts.unpack.machine_suite", lambda: "bookworm")
    ours = dataclasses.replace(parts.PARTS["sipp"], own=lambda _: None)
    monkeypatch.setitem(parts.PARTS, "sipp", ours)
    with pytest.raises(parts.PartMissingError, match=r"sipp: this machine has no libq\.so\.6"):
        parts.install(["sipp"], lambda _: None)
