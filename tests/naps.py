"""Sleeps that a test ends by moving its clock."""

from __future__ import annotations

import asyncio

from service_desk.clock import HandClock


class Naps:
    """Sleeps that end when the clock is moved: `advance` lets everybody do one round a second."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self._sleepers: list[tuple[float, asyncio.Event]] = []
        self._slept = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.clock.monotonic() + seconds, woken))
        self._slept.set()
        await woken.wait()

    async def asleep(self, count: int) -> None:
        """Wait until so many sleep."""
        async with asyncio.timeout(10):
            while len(self._sleepers) < count:
                self._slept.clear()
                await self._slept.wait()

    def wake(self) -> int:
        """Wake who has slept long enough; how many."""
        now = self.clock.monotonic()
        due = [woken for until, woken in self._sleepers if until <= now]
        self._sleepers = [each for each in self._sleepers if each[0] > now]
        for woken in due:
            woken.set()
        return len(due)

    async def advance(self, seconds: float) -> None:
        """Second by second; whoever wakes does its round and sleeps again."""
        for _ in range(int(seconds)):
            self.clock.advance(1)
            sleeping = len(self._sleepers)
            if self.wake():
                await self.asleep(sleeping)
