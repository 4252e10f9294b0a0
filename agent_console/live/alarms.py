"""The alarms on the supervisors' board: read at the start and whenever they changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent_console.edge import beside
from agent_console.tasks import Tasks

Read = Callable[[], Awaitable[Mapping[str, Any]]]  # kind -> the object shown

GATHER = 0.5  # seconds: an alarm for each of many recordings is one reading
SECONDS = 5.0
RETRY = 5.0  # seconds until a database that did not answer is asked again


class Alarms:
    """What is on, by kind; at most one reading at a time. What is not known is not shown as off:
    while the database is away, the last that was read stays."""

    def __init__(self, read: Read, changed: Callable[[], None], tasks: Tasks) -> None:
        self.on: Mapping[str, Any] = {}
        self.missing = False  # what `on` says is old, or nothing yet
        self._read = read
        self._changed = changed
        self._tasks = tasks
        self._wanted = False
        self._running = False

    def want(self) -> None:
        """They may have changed: have them read."""
        self._wanted = True
        if not self._running:
            self._running = True
            self._tasks.start(self._work())

    async def _work(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                if await self._look():
                    await asyncio.sleep(GATHER)
                else:
                    self._wanted = True
                    await asyncio.sleep(RETRY)
        finally:
            self._running = False

    async def _look(self) -> bool:
        read = await beside("live.alarms_failed", self._read, seconds=SECONDS)
        if read is None:
            if not self.missing:
                self.missing = True
                self._changed()
            return False
        self.on, self.missing = read.value, False
        self._changed()
        return True
