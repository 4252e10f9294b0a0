"""Messages that the desk was never told of: the menu ended while the database was away.

Where a message lies is told nowhere but by the menu (`telling.py`). A file that no recording of
the desk's names would be heard by nobody, so whoever starts a menu looks once for such files.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct

from ivr.desk_port import DeskPort
from ivr.message_files import is_silent, seconds_in
from ivr.nodes.message import SHORTEST_MESSAGE
from ivr.telling import PATIENT_TRIES, Telling

log = structlog.get_logger(__name__)

# `<call_id>.wav`, or `<call_id>-2.wav` for the second message of the call (message_files.py).
NAME: Final = re.compile(r"\A([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-[2-9])?\.wav\Z")
MOST: Final = 1_000  # files, the newest
OLDEST: Final = 7 * 24 * 3600.0  # seconds: later nobody waits for the call back
SETTLED: Final = 60.0  # seconds without a change: Asterisk is not writing it any more
EVERY: Final = 30.0  # seconds between looks at those that were being written when we started
LOOKS: Final = 40  # a message takes ten minutes at most


class Left(Struct, frozen=True):
    """A message's file: its name, and the seconds since it was last written to."""

    name: str
    age: float


def look(folder: Path, now: float, only: Collection[str] | None = None) -> list[Left]:
    """The newest messages in `folder`, or those of `only` that are there; oldest first."""
    try:
        names = [file.name for file in folder.iterdir() if NAME.match(file.name)]
    except OSError:
        return []  # no message was ever left here, or the files are on another machine
    found: list[Left] = []
    for name in names:
        if only is None or name in only:
            with contextlib.suppress(OSError):  # discarded meanwhile
                found.append(Left(name, now - (folder / name).stat().st_mtime))
    found = [left for left in found if left.age <= OLDEST]
    found.sort(key=lambda left: -left.age)
    return found[-MOST:]


class Leftovers:
    """`await run()` looks, tells and ends. `place` is the folder's name within the recordings."""

    def __init__(
        self,
        folder: Path,
        place: str,
        *,
        desk: DeskPort,
        telling: Telling,
        now: Callable[[], float] = time.time,
        every: float = EVERY,
    ) -> None:
        self._folder = folder
        self._place = place
        self._desk = desk
        self._telling = telling
        self._now = now
        self._every = every

    async def run(self) -> None:
        """Tell what was left behind; those still being written when they are whole."""
        only: set[str] | None = None
        for _ in range(LOOKS):
            found = await asyncio.to_thread(look, self._folder, self._now(), only)
            await self._tell_unknown([left.name for left in found if left.age >= SETTLED])
            only = {left.name for left in found if left.age < SETTLED}
            if not only:
                return
            await asyncio.sleep(self._every)

    async def _tell_unknown(self, names: list[str]) -> None:
        if not names:
            return
        unknown: list[str] = []

        async def ask() -> None:
            known = await self._desk.known_messages([f"{self._place}/{name}" for name in names])
            unknown[:] = [name for name in names if f"{self._place}/{name}" not in known]

        await self._telling.tell("leftovers", ask, tries=PATIENT_TRIES)
        for name in unknown:
            # One after the other: the calls of this moment come first.
            await self._tell(name)

    async def _tell(self, name: str) -> None:
        file, matched = self._folder / name, NAME.match(name)
        seconds = await asyncio.to_thread(seconds_in, file)
        if matched is None or seconds < SHORTEST_MESSAGE:
            return
        if await asyncio.to_thread(is_silent, file):
            return
        call_id = matched.group(1)
        log.warning("ivr.message_left_over", call_id=call_id)
        await self._telling.tell(
            "message",
            lambda: self._desk.leave_message(call_id, f"{self._place}/{name}", seconds),
            tries=PATIENT_TRIES,
        )
