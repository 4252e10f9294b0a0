"""The Asterisk to run, or one line on what is wrong with what was found."""

from __future__ import annotations

import os
import shutil

from config import parts
from config.problems import Problem


def asterisk_to_run() -> parts.AsteriskFiles:
    """An Asterisk that is new enough. Raises Problem if there is none, or only an older one."""
    try:
        files = parts.asterisk()
    except parts.PartMissingError as why:
        older = _version_on_path()
        raise _too_old(older) if older else Problem(f"Asterisk: {why}") from None
    version = parts.asterisk_version(files.command)
    if version < parts.ASTERISK_AT_LEAST:
        raise _too_old(version)
    return files


def _too_old(version: tuple[int, ...]) -> Problem:
    least = _shown(parts.ASTERISK_AT_LEAST)
    return Problem(
        f"Asterisk {_shown(version)} is too old: {least} or newer is needed"
        " (python3 -m config.parts install asterisk)"
    )


def _version_on_path() -> tuple[int, ...]:
    """The machine's own one was passed over: for its age, if it says that."""
    command = shutil.which("asterisk", path=os.environ.get("PATH", "") + ":/usr/sbin")
    version = parts.asterisk_version(command) if command else ()
    return version if version < parts.ASTERISK_AT_LEAST else ()


def _shown(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version)) or "?"
