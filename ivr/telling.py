"""Telling the desk things without making a caller wait for it.

A message that somebody left must not be lost to a database that is locked for a moment, so each is
tried a few times; and a desk that is away for long must not fill our memory, so they are bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from cti.where import where

log = structlog.get_logger(__name__)

Wish = Callable[[], Coroutine[Any, Any, None]]

TRY_WITHIN: Final = 4.0  # seconds
TRIES: Final = 3
# For what exists nowhere else, such as where a message lies: ten minutes and more of an outage.
PATIENT_TRIES: Final = 300
CLOSE_WITHIN: Final = 10.0  # seconds
MAX_UNDER_WAY: Final = 2_000


class Telling:
    """The owner of the tasks that tell the desk."""

    def __init__(
        self, *, pauses: tuple[float, ...] = (0.5, 2.0), within: float = TRY_WITHIN
    ) -> None:
        self._within = within
        self._pauses = pauses  # seconds before the second and third try
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> int:
        """What the desk has not been told yet."""
        return len(self._tasks)

    def tell(self, what: str, wish: Wish, *, tries: int = TRIES) -> asyncio.Task[None]:
        """Start telling; the task never raises. `what` names it in the log."""
        if len(self._tasks) >= MAX_UNDER_WAY:
            log.error("ivr.desk_told_too_much", what=what)
            wish = _nothing
        task = asyncio.create_task(self._tell(what, wish, tries), name=f"ivr-tell-{what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Wait for what is under way, then give up on it."""
        tasks = set(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_WITHIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _tell(self, what: str, wish: Wish, tries: int) -> None:
        for attempt in range(tries):
            if attempt:
                await asyncio.sleep(self._pauses[min(attempt, len(self._pauses)) - 1])
            try:
                async with asyncio.timeout(self._within):
                    await wish()
            except Exception as error:  # noqa: BLE001 - a task's edge
                if attempt < TRIES:  # the outage is known by then
                    log.warning("ivr.desk_not_told", what=what, error=where(error))
            else:
                return
        log.error("ivr.desk_gave_up", what=what)


async def _nothing() -> None:
    return None
