"""The work of passwords: two at a time, in a bounded line, those who are known here first.

An Argon2 verification takes 64 MB and a core for some 50 ms. Whoever sends thousands of guesses
must neither take the machine nor keep those out who know their password: so the line is short, and
who has signed in from there lately, without a wrong try since, does not stand behind the guesses.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from itertools import count
from typing import Final, TypeVar

from service_desk.errors import TooManyTries

T = TypeVar("T")

AT_ONCE: Final = 2
WAITING: Final = 32  # in each part of the line: a second or so of work


class Part(IntEnum):
    """Parts of the line, the first is served first."""

    KNOWN = 0  # has signed in from there lately, and made no mistake since
    NEW = 1  # nothing speaks against them
    WRONG = 2  # has been wrong lately


class PasswordWork:
    """The line and who works on it. One for each process, and used in one event loop at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._busy = 0
        self._order = count()
        self._line: list[tuple[Part, int, asyncio.Future[None]]] = []
        self._waiting: Counter[Part] = Counter()

    async def do(self, work: Callable[[], T], part: Part = Part.KNOWN) -> T:
        """Have it done, off the loop. Raises TooManyTries when that part of the line is full."""
        if self._busy >= AT_ONCE:
            await self._wait(part)
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._busy -= 1
            self._next()

    async def _wait(self, part: Part) -> None:
        if self._waiting[part] >= WAITING:
            raise TooManyTries("too many people sign in at once; try again in a moment", 2.0)
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._line, (part, next(self._order), turn))
        self._waiting[part] += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()  # it was our turn already: it is the next one's now
            raise
        finally:
            self._waiting[part] -= 1

    def _next(self) -> None:
        while self._line:
            _, _, turn = heapq.heappop(self._line)
            if not turn.done() and not turn.get_loop().is_closed():
                turn.set_result(None)
                return
