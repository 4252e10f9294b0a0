"""A queue's day is counted once, from the visits in the database: board, API and figures page show
that one count, whichever process was started anew meanwhile (docs/figures.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TypeVar

from msgspec import Struct, structs

from agent_console.edge import beside
from agent_console.tasks import Tasks
from cti.events import LiveCall, LiveQueue
from service_desk.queries.figures import QueueFigures

Q = TypeVar("Q", bound=LiveQueue)

GATHER = 1.0  # seconds: many calls that end at once are one reading
SECONDS = 5.0
EVERY = 30.0  # seconds: midnight passes, and figures change, without a word


class QueueDay(Struct, frozen=True, kw_only=True):
    """The company's day that began at `since`, by queue."""

    since: datetime
    queues: Mapping[str, QueueFigures]


Read = Callable[[], Awaitable[QueueDay]]


def as_counted(queue: Q, day: QueueDay | None) -> Q:
    """A queue as it is now with its day as it was counted; as told while that is not known."""
    if day is None:
        return queue
    found = day.queues.get(queue.queue)
    return structs.replace(
        queue,
        offered=found.offered if found else 0,
        answered=found.answered if found else 0,
        abandoned=found.abandoned if found else 0,
        abandoned_late=found.abandoned_late if found else 0,
        turned_away=found.turned_away if found else 0,
        in_time=found.in_time if found else 0,
        counted_since=day.since,
    )


def longest_since(queue: LiveQueue, calls: Mapping[str, LiveCall]) -> datetime | None:
    """When the one who has waited longest in the queue came into it; None if nobody waits.

    That need not be the one who is next: who has priority goes before others.
    """
    waiting = (calls[call_id].queued_at for call_id in queue.waiting if call_id in calls)
    return min((at for at in waiting if at is not None), default=None)


class QueueDays:
    """The day on the board: read when calls changed, a second's worth at once, and now and then.
    While it cannot be read, what was read last stays."""

    def __init__(self, read: Read, changed: Callable[[], None], tasks: Tasks) -> None:
        self.day: QueueDay | None = None
        self.missing = False
        self._read = read
        self._changed = changed
        self._tasks = tasks
        self._wanted = False
        self._running = False
        self._looked_at = 0.0

    def want(self) -> None:
        """It may have changed: have it read."""
        self._wanted = True
        if not self._running:
            self._running = True
            self._tasks.start(self._work())

    def tick(self) -> None:
        """Time passes."""
        if asyncio.get_running_loop().time() - self._looked_at >= EVERY:
            self.want()

    async def _work(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                await self._look()
                await asyncio.sleep(GATHER)
        finally:
            self._running = False

    async def _look(self) -> None:
        self._looked_at = asyncio.get_running_loop().time()
        before = self.day, self.missing
        read = await beside("live.queue_days_failed", self._read, seconds=SECONDS)
        self.missing = read is None
        if read is not None:
            self.day = read.value
        if (self.day, self.missing) != before:
            self._changed()
