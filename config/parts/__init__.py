"""The programs Ringdesk needs and a bare Debian machine may not have, brought without root.

A program of the machine's own is used when it is there and new enough. Otherwise Debian's archive
is asked through a private apt world (apt checks the signatures), and the packages are unpacked into
`.ringdesk/parts/` of this checkout, or into the folder that `RINGDESK_PARTS` names, which several
checkouts may share. Nothing outside that folder is written, also not as root.

Asterisk comes from Debian's unstable suite, with that suite's own C library and loader. The others
come from the machine's own release, so that they fit its C library: Chromium and PostgreSQL start
themselves again by path, which the loader's trick does not survive.

It runs before any virtual environment exists: standard library only, and nothing else of ours.

    python3 -m config.parts install asterisk espeak
    python3 -m config.parts where sipp
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from config.parts.apt import AptWorld
from config.parts.table import (
    ASTERISK_AT_LEAST,
    PARTS,
    PartMissingError,
    asterisk_version,
    first,
)
from config.parts.unpack import CHECKOUT, bring, is_installed, parts_folder

__all__ = [
    "ASTERISK_AT_LEAST",
    "CHECKOUT",
    "PARTS",
    "AptWorld",
    "AsteriskFiles",
    "PartMissingError",
    "asterisk",
    "asterisk_version",
    "chromium",
    "espeak",
    "install",
    "parts_folder",
    "postgres_bindir",
    "program",
    "redis_server",
    "sipp",
]

LOCK_SECONDS = 1800


def program(name: str) -> str:
    """The path of a program, the machine's own or ours. Raises PartMissingError."""
    part_name = next((key for key, part in PARTS.items() if name in part.programs), None)
    if part_name is None:
        raise PartMissingError(f"no part holds the program {name!r}")
    own = PARTS[part_name].own(name)
    if own is not None:
        return own
    ours = parts_folder() / "bin" / name
    if ours.exists() and is_installed(part_name):
        return str(ours)
    raise PartMissingError(
        f"missing part: {part_name} (python3 -m config.parts install {part_name})"
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
    modules = first(root, "usr/lib/*/asterisk/modules") or first(root, "usr/lib*/asterisk/modules")
    share = root / "usr/share/asterisk"
    sounds = first(share, "sounds/en*/queue-thankyou.*")
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
            if not is_installed(name):
                bring(name, say)


def _is_there(name: str) -> bool:
    part = PARTS[name]
    return all(part.own(program) is not None for program in part.programs) or is_installed(name)


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
