"""When a processor of this machine stood still, whatever ran on it.

A machine that is a guest is stopped by its host now and then: the one that this was written on for
98 ms, when both of its processors had been busy for long. Whatever runs stands still then, however
urgent, and it is no gap that any program made. A program of its own (`python -m
tests.faults.stalls`): a thread on each processor, ahead of all others, that wakes every few
milliseconds and notes when it was not woken. A line on stdin asks for what was since the last.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

import msgspec

from tests.faults.asked import ask, program

PACE = 0.005
STILL = 0.025  # seconds late that are noted
MOST = 1_000  # stalls
MOST_PROCESSORS = 16

Span = tuple[float, float]  # from, until; seconds since the epoch


def _watch(processor: int, into: deque[Span]) -> None:
    with contextlib.suppress(PermissionError, OSError):
        os.sched_setaffinity(0, {processor})  # of this thread
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20))
    before = time.time()
    while True:
        time.sleep(PACE)
        now = time.time()
        if now - before > PACE + STILL:
            into.append((before, now))
        before = now


def serve() -> None:
    """Until stdin ends."""
    found: deque[Span] = deque(maxlen=MOST)
    for processor in sorted(os.sched_getaffinity(0))[:MOST_PROCESSORS]:
        threading.Thread(target=_watch, args=(processor, found), daemon=True).start()
    while sys.stdin.readline():
        told = [found.popleft() for _ in range(len(found))]
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        sys.stdout.flush()


@dataclass
class Stalls:
    """The running program, and all that it told."""

    process: asyncio.subprocess.Process
    spans: deque[Span] = field(default_factory=lambda: deque(maxlen=MOST))

    async def ask(self) -> None:
        """Learn of those since the last time."""
        self.spans += await ask(self.process, list[Span])

    def left_of(self, gap: Span) -> float:
        """Seconds of a gap in which no processor stood still."""
        return length([gap]) - length(common([gap], self.spans))


def common(some: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """What two lists of spans have in common; may overlap."""
    found = [(max(one[0], other[0]), min(one[1], other[1])) for one in some for other in others]
    return [each for each in found if each[0] < each[1]]


def length(spans: Iterable[Span]) -> float:
    """Seconds that they cover together."""
    covered, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        covered += max(end - max(begin, until), 0.0)
        until = max(until, end)
    return covered


@contextlib.asynccontextmanager
async def stalls() -> AsyncIterator[Stalls]:
    """The program, until the end of the block."""
    async with program(__name__) as process:
        yield Stalls(process)


if __name__ == "__main__":
    serve()
