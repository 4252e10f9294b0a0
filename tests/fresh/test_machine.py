"""What `make fresh` hands on to the machines that it makes, and what it leaves of them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.fresh import indexes, machine
from tests.fresh.__main__ import main
from tests.fresh.machine import FreshError, Machine
from tests.signals import ENDING

# What a command inside needs, where there is no Debian: this machine's own, to be read only.
BORROWED = ("bin", "usr", "lib", "lib64", "etc")


def test_no_mirror_index_or_registry_is_named(checkout: Path) -> None:
    for file in (checkout / "tests" / "fresh").glob("*.py"):
        if file.name not in {"call.py", Path(__file__).name}:
            assert "://" not in file.read_text(), file.name


def test_where_packages_come_from_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else of the environment: no secret, no folder of this machine."""
    monkeypatch.setattr(indexes, "_npm_registry", lambda: "")
    monkeypatch.setattr(
        indexes,
        "_said",
        lambda _: (
            "global.index-url='http://i/simple'\nglobal.extra-index-url='file:///x http://e'\n"
            "global.find-links='/opt/wheels'\nglobal.proxy='http://p'\n"
        ),
    )
    for name in list(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", "http://q")
    monkeypatch.setenv("PIP_PROXY", "http://r")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/authority.crt")
    said = indexes.environment(Path("/home/fresh"))
    ours = {"HOME", "PATH", "LANG", "TERM"}
    assert {name: value for name, value in said.items() if name not in ours} == {
        "HTTPS_PROXY": "http://q",
        "PIP_PROXY": "http://r",  # the environment's word counts, as with pip itself
        "PIP_INDEX_URL": "http://i/simple",
        "PIP_EXTRA_INDEX_URL": "http://e",
        "SSL_CERT_FILE": "/etc/authority.crt",
    }
    assert said["HOME"] == "/home/fresh"
    assert indexes.files_named() == ["/etc/authority.crt"]


def test_a_release_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["woody"]) == 2
    assert "no such release: woody; there are bookworm, trixie" in capsys.readouterr().out


@pytest.fixture
def borrowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine of this one's own programs, if namespaces can be had."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mount and process namespaces")
    made = Machine("borrowed", tmp_path)
    made.checkout.mkdir(parents=True)
    (made.root / "proc").mkdir()
    (made.root / "dev").mkdir()
    for name in BORROWED:
        (made.root / name).mkdir(exist_ok=True)
    monkeypatch.setattr(machine, "ENTER", _lend(machine.ENTER))
    made._files = []
    possible = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "true"]
    if subprocess.run(possible, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root with namespaces")
    return made


def _lend(enter: str) -> str:
    lent = "".join(f'mount --rbind /{name} "$root/{name}"\n' for name in BORROWED)
    return enter.replace("for file in", f"{lent}for file in", 1)


def test_a_command_runs_as_an_ordinary_user_on_a_nameless_host(
    borrowed: Machine, tmp_path: Path
) -> None:
    here = (os.uname().nodename, Path("/proc/mounts").read_text())
    with (tmp_path / "out").open("wb") as out:
        words = "id -u; hostname; pwd; grep SigIgn /proc/self/status; exit 7"
        with borrowed.started("sh", "-c", words, out=out) as process:
            assert process.wait(30) == 7
    said = (tmp_path / "out").read_text().split()
    assert said[:3] == ["1000", "fresh-borrowed", "/home/fresh/ringdesk"], said
    assert not any(int(said[4], 16) >> (number - 1) & 1 for number in ENDING)
    assert (os.uname().nodename, Path("/proc/mounts").read_text()) == here


def test_what_a_command_left_running_goes_with_it(
    borrowed: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it has a session of its own and takes no notice of Ctrl-C."""
    file = tmp_path / "out"
    monkeypatch.setattr(machine, "ASKED_SECONDS", 0.2)
    with file.open("wb") as out:
        words = "trap '' INT TERM HUP; setsid sleep 4321 & echo started; wait"
        with borrowed.started("sh", "-c", words, out=out) as process:
            while b"started" not in file.read_bytes():
                assert process.poll() is None, file.read_text()
    left = [
        each
        for each in Path("/proc").glob("[0-9]*")
        if _root_of(each).startswith(str(borrowed.root))
    ]
    assert left == []
    borrowed.remove()
    assert not borrowed.root.exists()
    assert Path("/usr/bin/env").exists(), "what was lent is still here"


def _root_of(process: Path) -> str:
    try:
        return str((process / "root").readlink())
    except OSError:
        return ""


def test_nothing_is_removed_below_which_something_is_mounted(
    borrowed: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_text
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda self: (
            f"dev {borrowed.root}/dev devtmpfs rw 0 0\n"
            if str(self) == "/proc/mounts"
            else read(self)
        ),
    )
    with pytest.raises(FreshError, match="still mounted"):
        borrowed.remove()
    monkeypatch.undo()
    assert borrowed.root.exists()
