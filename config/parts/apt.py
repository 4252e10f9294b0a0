"""Debian's archive, asked through an apt world of our own: nothing of the machine's is written."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from config.parts.table import QUICK_SECONDS, PartMissingError, first

DOWNLOAD_SECONDS = 1800


class AptWorld:
    """An apt of our own: lists, cache and sources lie in `folder`; the mirror is the machine's."""

    def __init__(self, folder: Path, suite: str) -> None:
        self._folder = folder
        self._suite = suite

    def fetch(self, packages: tuple[str, ...], say: Callable[[str], None]) -> list[Path]:
        """Download the packages with all they need; returns their archives."""
        state, cache = self._folder / "state", self._folder / "cache"
        (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        (cache / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        (self._folder / "status").write_text("")
        (self._folder / "sources.list").write_text(self._sources())
        self._apt(["update"], say, "package lists")
        wanted = ["install", "--download-only", "--no-install-recommends", "--yes", *packages]
        listed = self._apt([*wanted, "--print-uris"], say, "", status=False)
        # 'uri' name.deb size hash: apt quotes the address, then names the file and its size.
        files = re.findall(r"^'[^']*' (\S+\.deb) (\d+) ", listed, re.MULTILINE)
        size = sum(int(size) for _, size in files) / 1e6
        say(f"downloading {len(files)} packages, {size:.0f} MB")
        self._apt(wanted, say, f"of {size:.0f} MB")
        planned = self._apt([*wanted, "--no-download", "--simulate"], say, "", status=False)
        names = set(re.findall(r"^Inst (\S+) ", planned, re.MULTILINE))
        archives = sorted((cache / "archives").glob("*.deb"))
        return [a for a in archives if a.name.split("_")[0] in names]

    def _sources(self) -> str:
        keyring = first(Path("/usr/share/keyrings"), "debian-archive-keyring.[gp][gp][gp]")
        if keyring is None:
            raise PartMissingError("Debian's keyring is missing (package debian-archive-keyring)")
        return f"deb [signed-by={keyring}] {machine_mirror()} {self._suite} main\n"

    def _apt(
        self, verb: list[str], say: Callable[[str], None], what: str, *, status: bool = True
    ) -> str:
        folder = self._folder
        settings = {
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Sandbox::User": "",
            "Debug::NoLocking": "1",
            "Acquire::Retries": "3",
            "Acquire::Languages": "none",
        }
        command = ["apt-get", "-q"]
        for key, value in settings.items():
            command += ["-o", f"{key}={value}"]
        readable, writable = os.pipe()
        if status:
            command += ["-o", f"APT::Status-Fd={writable}"]
        try:
            process = subprocess.Popen(
                [*command, *verb],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
                text=True,
                pass_fds=(writable,),
                env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            )
        finally:
            os.close(writable)
        watcher = threading.Thread(target=_tell_progress, args=(readable, what, say), daemon=True)
        watcher.start()
        try:
            out, err = process.communicate(timeout=DOWNLOAD_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise PartMissingError(
                f"apt-get {verb[0]} took longer than {DOWNLOAD_SECONDS} s"
            ) from None
        finally:
            watcher.join(timeout=5)
        if process.returncode != 0:
            raise PartMissingError(f"apt-get {verb[0]} ({self._suite}): {last_line(err or out)}")
        return out


def _tell_progress(readable: int, what: str, say: Callable[[str], None]) -> None:
    """Say every further tenth. apt writes `dlstatus:<file>:<percent>:<words>`."""
    last = 0
    with os.fdopen(readable, errors="replace") as lines:
        for line in lines:
            found = re.match(r"dlstatus:\d+:([\d.]+):", line)
            if found is None:
                continue
            tenth = int(float(found.group(1)) // 10) * 10
            if tenth > last:
                last = tenth
                say(f"{tenth} % {what}")


def machine_mirror() -> str:
    """The mirror of the machine's own apt: whichever it is, it is not ours to choose."""
    try:
        run = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"],
            capture_output=True,
            text=True,
            timeout=QUICK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PartMissingError(f"apt-get does not answer within {QUICK_SECONDS} s") from None
    sites = [line.strip() for line in run.stdout.splitlines()] or list(_configured_sites())
    for site in sites:
        if site.startswith(("http", "file:", "copy:", "mirror")) and "security" not in site:
            return site
    raise PartMissingError("this machine's apt has no Debian mirror set up (apt-get indextargets)")


def _configured_sites() -> Iterator[str]:
    """Mirrors out of the sources files: apt lists no targets before its first update."""
    folder = Path("/etc/apt")
    for file in [*sorted(folder.glob("sources.list.d/*.sources")), folder / "sources.list"]:
        with contextlib.suppress(OSError):
            for line in file.read_text().splitlines():
                found = re.match(r"(?:URIs:|deb (?:\[.*?\] )?)\s*(\S+)", line)
                if found and "debian" in found.group(1):
                    yield found.group(1)


def machine_suite() -> str:
    """The machine's own release of Debian, by name."""
    text = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    found = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    if found.get("ID") != "debian":
        raise PartMissingError("this machine is no Debian; use the compose file instead")
    return found.get("VERSION_CODENAME") or "sid"


def last_line(text: str) -> str:
    """The line that says why: apt's own `E:` line when there is one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "dpkg-deb: error"))]
    return (errors or lines or ["no reason given"])[-1]
