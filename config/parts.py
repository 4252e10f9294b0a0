"""The programs Ringdesk needs and a bare Debian machine may not have, brought without root.

A program of the machine's own is used when it is there and new enough. Otherwise Debian's archive
is asked through a private apt world (apt checks the signatures), and the packages are unpacked into
`.ringdesk/parts/` of this checkout, or into the folder that `RINGDESK_PARTS` names, which several
checkouts may share. Nothing outside that folder is written, also not as root.

Asterisk comes from Debian's unstable suite, with that suite's own C library and loader. The others
come from the machine's own release, so that they fit its C library: Chromium and PostgreSQL start
themselves again by path, which the loader's trick does not survive.

This file runs before any virtual environment exists: standard library only.

    python3 config/parts.py install asterisk espeak
    python3 config/parts.py where sipp
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ASTERISK_AT_LEAST = (22, 10, 1)
RECIPE = 1  # raise it when what lies in an unpacked part changes

DOWNLOAD_SECONDS = 1800
LOCK_SECONDS = 1800
QUICK_SECONDS = 60


class PartMissingError(Exception):
    """A part is not there, or cannot be brought; the message is one line for a person."""


@dataclass(frozen=True)
class Part:
    """A named set of programs. `suite` is None for the machine's own release."""

    packages: tuple[str, ...]
    programs: dict[str, str]  # name -> glob below the unpacked folder
    suite: str | None = None
    own: Callable[[str], str | None] = shutil.which  # the machine's own program, when good enough
    env: tuple[tuple[str, str], ...] = ()  # $root stands for the unpacked folder


def _version(text: str) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(group or 0) for group in found.groups()) if found else ()


def asterisk_version(command: str) -> tuple[int, ...]:
    """What `asterisk -V` says, as numbers; empty when it does not run."""
    try:
        run = subprocess.run(
            [command, "-V"], capture_output=True, text=True, timeout=QUICK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return _version(run.stdout)


def _own_asterisk(name: str) -> str | None:
    # /usr/sbin is not on an ordinary user's PATH.
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None or asterisk_version(path) < ASTERISK_AT_LEAST:
        return None
    return path if _first(Path("/usr/share/asterisk"), "sounds/en*/queue-thankyou.*") else None


def _own_postgres(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[4]))
    return str(found[-1]) if found else shutil.which(name)


PARTS: dict[str, Part] = {
    "asterisk": Part(
        packages=("asterisk", "asterisk-core-sounds-en-wav"),
        programs={"asterisk": "usr/sbin/asterisk"},
        suite="sid",
        own=_own_asterisk,
    ),
    "espeak": Part(
        packages=("espeak-ng",),
        programs={"espeak-ng": "usr/bin/espeak-ng"},
        env=(("ESPEAK_DATA_PATH", "$root/usr/lib/*/espeak-ng-data"),),
    ),
    "sipp": Part(packages=("sip-tester",), programs={"sipp": "usr/bin/sipp"}),
    "chromium": Part(
        packages=("chromium", "fonts-dejavu-core", "fonts-wqy-microhei"),
        programs={"chromium": "usr/lib/chromium/chromium"},
        env=(("FONTCONFIG_FILE", "$root/fonts.conf"),),
    ),
    "postgresql": Part(
        packages=("postgresql",),
        programs={
            name: f"usr/lib/postgresql/*/bin/{name}"
            for name in ("postgres", "initdb", "pg_ctl", "psql", "createdb", "pg_isready")
        },
        own=_own_postgres,
    ),
    "redis": Part(
        packages=("redis-server",),
        programs={"redis-server": "usr/bin/redis-server", "redis-cli": "usr/bin/redis-cli"},
    ),
    "pip": Part(
        packages=("python3-pip-whl",), programs={"pip.whl": "usr/share/python-wheels/pip-*.whl"}
    ),
}

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


def parts_folder() -> Path:
    """Where parts are unpacked: `RINGDESK_PARTS`, else `.ringdesk/parts` of this checkout."""
    named = os.environ.get("RINGDESK_PARTS")
    return Path(named).resolve() if named else CHECKOUT / ".ringdesk" / "parts"


def program(name: str) -> str:
    """The path of a program, the machine's own or ours. Raises PartMissingError."""
    part_name = next((key for key, part in PARTS.items() if name in part.programs), None)
    if part_name is None:
        raise PartMissingError(f"no part holds the program {name!r}")
    own = PARTS[part_name].own(name)
    if own is not None:
        return own
    ours = parts_folder() / "bin" / name
    if ours.exists() and _is_installed(part_name):
        return str(ours)
    raise PartMissingError(
        f"missing part: {part_name} (python3 config/parts.py install {part_name})"
    )


@dataclass(frozen=True)
class AsteriskFiles:
    """An Asterisk that can be started: the command, and where its own files lie."""

    command: str
    modules: Path
    documentation: Path  # the XML that configuration modules need to load at all
    sounds: Path  # the folder of the English sounds


def asterisk() -> AsteriskFiles:
    """The Asterisk to run. Raises PartMissingError."""
    command = program("asterisk")
    ours = Path(command).parent == parts_folder() / "bin"
    root = parts_folder() / "asterisk" if ours else Path("/")
    modules = _first(root, "usr/lib/*/asterisk/modules") or _first(
        root, "usr/lib*/asterisk/modules"
    )
    share = root / "usr/share/asterisk"
    sounds = _first(share, "sounds/en*/queue-thankyou.*")
    if modules is None or sounds is None:
        raise PartMissingError(f"missing part: asterisk ({command} has no modules or no sounds)")
    return AsteriskFiles(command, modules, share / "documentation", sounds.parent)


def espeak() -> str:
    """The path of espeak-ng. Raises PartMissingError."""
    return program("espeak-ng")


def sipp() -> str:
    """The path of sipp. Raises PartMissingError."""
    return program("sipp")


def chromium() -> str:
    """The path of Chromium. Raises PartMissingError."""
    return program("chromium")


def postgres_bindir() -> Path:
    """The folder with postgres, initdb, pg_ctl and psql. Raises PartMissingError."""
    return Path(program("initdb")).parent


def redis_server() -> str:
    """The path of redis-server. Raises PartMissingError."""
    return program("redis-server")


def install(names: list[str], say: Callable[[str], None]) -> None:
    """Bring each named part unless it is there. Safe to run twice, or twice at once.

    Raises PartMissingError with one line that says which part, and why.
    """
    for name in names:
        if name not in PARTS:
            raise PartMissingError(f"no such part: {name}; there are {', '.join(PARTS)}")
    wanted = [name for name in names if not _is_there(name)]
    if not wanted:
        return
    with _locked(parts_folder() / "lock", say):
        for name in wanted:
            if not _is_installed(name):
                _bring(name, say)


def _is_there(name: str) -> bool:
    part = PARTS[name]
    return all(part.own(program) is not None for program in part.programs) or _is_installed(name)


def _is_installed(name: str) -> bool:
    stamp = parts_folder() / name / "stamp.json"
    try:
        return bool(json.loads(stamp.read_text())["recipe"] == _recipe(name))
    except (OSError, ValueError, KeyError):
        return False


def _recipe(name: str) -> str:
    part = PARTS[name]
    said = repr((RECIPE, part.suite, part.packages, sorted(part.programs.items()), part.env))
    return hashlib.sha256(said.encode()).hexdigest()


def _bring(name: str, say: Callable[[str], None]) -> None:
    part = PARTS[name]
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise PartMissingError(f"{name}: this machine has no apt; install {name} by its own means")
    suite = part.suite or _machine_suite()
    say(f"{name}: 1 of 3: asking Debian {suite} what there is")
    world = AptWorld(parts_folder() / "apt" / suite, suite)
    archives = world.fetch(part.packages, lambda text: say(f"{name}: 2 of 3: {text}"))
    if part.suite is None:
        # The machine's own C library and loader must stay a pair.
        archives = [a for a in archives if not a.name.startswith(("libc6_", "libc-bin_"))]
    fresh = parts_folder() / f"{name}.tmp.{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        _unpack(archives, fresh, lambda text: say(f"{name}: 3 of 3: {text}"))
        (fresh / "fonts.conf").write_text(FONTS)
        for wanted in part.programs.values():
            if _first(fresh, wanted) is None:
                raise PartMissingError(f"{name}: Debian {suite} brought no {wanted}")
        stamp = {"recipe": _recipe(name), "suite": suite, "archives": [a.name for a in archives]}
        (fresh / "stamp.json").write_text(json.dumps(stamp, indent=1))
        # The folder's own mode must let a server that drops root read it.
        fresh.chmod(0o755)
        shutil.rmtree(parts_folder() / name, ignore_errors=True)
        fresh.rename(parts_folder() / name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    _write_wrappers(name)
    for archive in archives:
        archive.unlink(missing_ok=True)
    say(f"{name}: ready")


def _unpack(archives: list[Path], into: Path, say: Callable[[str], None]) -> None:
    for number, archive in enumerate(archives, 1):
        if number == 1 or number % 25 == 0 or number == len(archives):
            say(f"unpacking {number} of {len(archives)}")
        run = subprocess.run(
            ["dpkg-deb", "-x", str(archive), str(into)],
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
            check=False,
        )
        if run.returncode != 0:
            raise PartMissingError(f"{archive.name}: cannot unpack: {_last_line(run.stderr)}")


def _write_wrappers(name: str) -> None:
    """A script for each program, so that for everyone else a part is just a path."""
    part, root = PARTS[name], parts_folder() / name
    folder = parts_folder() / "bin"
    folder.mkdir(exist_ok=True)
    for program_name, wanted in part.programs.items():
        target = _first(root, wanted)
        if target is None:  # _bring checked it before the stamp was written
            raise PartMissingError(f"{name}: {wanted} is gone")
        script = _wrapper(name, target) if os.access(target, os.X_OK) else None
        fresh = folder / f".{program_name}.{os.getpid()}"
        if script is None:
            fresh.symlink_to(Path("..") / name / target.relative_to(root))
        else:
            fresh.write_text(script)
            fresh.chmod(0o755)
        fresh.replace(folder / program_name)


def _wrapper(name: str, target: Path) -> str:
    part, root = PARTS[name], parts_folder() / name
    libraries = sorted(
        {str(file.parent.relative_to(root)) for file in root.glob("usr/lib/*-linux-gnu*/lib*.so*")}
        | {
            str(file.parent.relative_to(root))
            for file in root.glob("usr/lib/*-linux-gnu*/*/lib*.so*")
        }
        | {str(file.parent.relative_to(root)) for file in root.glob("lib/*-linux-gnu*/lib*.so*")}
    )
    path = ":".join(f"$root/{library}" for library in libraries)
    lines = ["#!/bin/sh", f'root=$(cd "$(dirname "$0")/../{name}" && pwd) || exit 127']
    for key, value in part.env:
        below = value.removeprefix("$root/")
        found = _first(root, below)
        if found is not None:
            lines.append(f'export {key}="$root/{found.relative_to(root)}"')
    if part.suite is None:
        lines.append(f'export LD_LIBRARY_PATH="{path}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"')
        lines.append(f'exec "$root/{target.relative_to(root)}" "$@"')
    else:
        loader = _first(root, "usr/lib*/ld-linux-*.so.*") or _first(
            root, "usr/lib/*/ld-linux-*.so.*"
        )
        if loader is None:
            raise PartMissingError(f"{name}: the unpacked packages hold no loader")
        lines.append(
            f'exec "$root/{loader.relative_to(root)}" --library-path "{path}"'
            f' "$root/{target.relative_to(root)}" "$@"'
        )
    return "\n".join(lines) + "\n"


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
        keyring = _first(Path("/usr/share/keyrings"), "debian-archive-keyring.[gp][gp][gp]")
        if keyring is None:
            raise PartMissingError("Debian's keyring is missing (package debian-archive-keyring)")
        return f"deb [signed-by={keyring}] {_mirror()} {self._suite} main\n"

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
            raise PartMissingError(f"apt-get {verb[0]} ({self._suite}): {_last_line(err or out)}")
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


def _mirror() -> str:
    """The mirror of the machine's own apt: whichever it is, it is not ours to choose."""
    run = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        timeout=QUICK_SECONDS,
        check=False,
    )
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


def _machine_suite() -> str:
    text = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    found = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    if found.get("ID") != "debian":
        raise PartMissingError("this machine is no Debian; use the compose file instead")
    return found.get("VERSION_CODENAME") or "sid"


@contextlib.contextmanager
def _locked(file: Path, say: Callable[[str], None]) -> Iterator[None]:
    """One installer at a time in a folder that several checkouts may share."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        deadline, told = time.monotonic() + LOCK_SECONDS, False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise PartMissingError(f"{file}: another set-up holds it") from None
                if not told:
                    say("waiting for another set-up in the same folder")
                    told = True
                time.sleep(0.5)
        yield


def _first(root: Path, wanted: str) -> Path | None:
    return next(iter(sorted(root.glob(wanted))), None)


def _last_line(text: str) -> str:
    """The line that says why: apt's own `E:` line when there is one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "dpkg-deb: error"))]
    return (errors or lines or ["no reason given"])[-1]


def main(arguments: list[str]) -> int:
    """`install PART...` or `where PROGRAM`; 0 done, 1 cannot, 2 asked wrongly."""
    match arguments:
        case ["install", *names] if names:
            install(names, lambda text: print(text, flush=True))
        case ["where", name]:
            known = PARTS.get(name)
            print(program(next(iter(known.programs)) if known else name))
        case _:
            print(f"parts.py install [{'|'.join(PARTS)}]... or parts.py where PROGRAM")
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PartMissingError as error:
        sys.exit(f"parts: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
