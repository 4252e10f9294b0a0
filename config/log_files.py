"""Logs stay small and are for our own eyes: of Asterisk, of what it prints, of the gate.

Asterisk's own log is renamed by Asterisk itself (`logger rotate`), so that no line is lost. What a
program prints is appended to a file that stays open for its life, so that is copied and cut: in
the moment between the two a line may be lost, and nothing that matters stands only there (warnings
and errors go to Asterisk's log).
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

MOST: Final = 16 * 1024 * 1024  # bytes of one file
KEPT: Final = 4  # files beside the one that is written, the newest
LOOK_EVERY: Final = 5.0  # seconds
ALONE: Final = 0o600
MESSAGES: Final = "messages.log"  # Asterisk's own (logger.conf)
CONSOLE: Final = "console.log"


class LogFiles:
    """The logs of one Asterisk in `folder`, and others that are appended to.

    `console` has Asterisk carry out a command; it may raise OSError or TimeoutError.
    """

    def __init__(
        self,
        folder: Path,
        console: Callable[[str], Awaitable[object]],
        *,
        appended: Iterable[Path] = (),
        most: int = MOST,
        kept: int = KEPT,
    ) -> None:
        self._messages = folder / MESSAGES
        self._console = console
        self._appended = (folder / CONSOLE, *appended)
        self._most = most
        self._kept = kept

    async def keep_small(self) -> None:
        """Until cancelled; no disk and no Asterisk that is away ends it."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Put away what has grown, delete what is old."""
        try:
            if _size(self._messages) > self._most:
                await self._console("logger rotate")
                _give_names(self._messages)
            for file in self._appended:
                if _size(file) > self._most:
                    await asyncio.to_thread(_put_away, file)
            for file in (self._messages, *self._appended):
                self._tidy(file)
        except (OSError, TimeoutError) as why:
            _log.warning("logs.not_kept_small", error=type(why).__name__)

    def _tidy(self, file: Path) -> None:
        old = sorted(_put_away_before(file), key=lambda each: each.stat().st_mtime_ns)
        for each in old[: -self._kept]:
            each.unlink(missing_ok=True)
        for each in (file, *old[-self._kept :]):
            with contextlib.suppress(FileNotFoundError):
                if each.stat().st_mode & 0o777 != ALONE:  # an earlier version's
                    each.chmod(ALONE)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _put_away(file: Path) -> None:
    """Copy and cut. Whoever has it open appends, so what comes next begins at nought."""
    with file.open("r+b") as source:
        target = file.with_name(f"{file.name}.{time.time_ns()}")
        with target.open("xb") as copy:
            target.chmod(ALONE)
            shutil.copyfileobj(source, copy)
        source.truncate(0)


def _give_names(file: Path) -> None:
    """Asterisk takes the first number that is free: that would be an old one's place."""
    for each in list(_put_away_before(file)):
        if len(each.suffix) <= len(".999999"):
            each.rename(each.with_suffix(f".{each.stat().st_mtime_ns}"))


def _put_away_before(file: Path) -> Iterator[Path]:
    for each in file.parent.glob(f"{file.name}.*"):
        if each.suffix[1:].isdecimal():
            yield each
