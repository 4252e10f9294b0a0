"""Waiting for what nothing tells an outsider of: a row, a file, a process that has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(
    ask: Callable[[], Awaitable[T]],
    good: Callable[[T], object],
    *,
    seconds: float = 20.0,
    every: float = 0.2,
) -> T:
    """Ask until the answer is good; that answer. Raises TimeoutError, with the last answer told."""
    answer: list[T] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer[:] = [await ask()]
                if good(answer[0]):
                    return answer[0]
                await asyncio.sleep(every)
    except TimeoutError:
        raise TimeoutError(
            f"not within {seconds:g} s; the last answer: {answer!r}"[:2000]
        ) from None
