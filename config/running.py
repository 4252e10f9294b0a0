"""What has been started: the owner of the long tasks, and of everything that must be ended."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self


def freeze() -> None:
    """Take what the start made, modules above all, out of the garbage collector's way: one full
    collection of it stops every call's facts and cards for a tenth of a second."""
    gc.collect()
    gc.freeze()


def trim() -> Callable[[int], object] | None:
    """The C library's way to hand free pages back to the system; only glibc needs and has one."""
    found: Callable[[int], object] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return found


async def give_back_memory(give_back: Callable[[int], object], every: float = 60.0) -> None:
    """Until cancelled: hand free memory back to the system, each minute.

    SQLite's pages and the records' lines come and go in several threads, and glibc returns only
    what is free at the end of each thread's memory: after 29,000 calls 40 MiB of 87 were free and
    kept (docs/decisions/015-a-rush.md).
    """
    while True:
        await asyncio.sleep(every)
        await asyncio.to_thread(give_back, 0)  # 1 to 4 ms, in a process of 150 MiB


async def first_of(task: asyncio.Task[Any], *others: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of `others` is through. If `task` ends before, raises what it raised."""
    waiting = [asyncio.create_task(other) for other in others]
    try:
        await asyncio.wait([task, *waiting], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


class Ending:
    """How a wanted end is meant: with Asterisk and its calls, or leaving them to who comes next."""

    def __init__(self, *, keep_asterisk: bool = False) -> None:
        self.keep_asterisk = keep_asterisk


class Running:
    """Owns tasks and a stack of things to end; `async with Running() as running:`."""

    def __init__(self, ending: Ending | None = None) -> None:
        self.ending = ending or Ending()
        self.stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[Any]] = []

    def settle(self) -> None:
        """Everything has started: what it took is there to stay, what is freed later is not."""
        freeze()
        if (give_back := trim()) is not None:
            self.own(give_back_memory(give_back), "memory")

    def own(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `work` until the end; should it end by itself, that is everything's end."""
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        self.stack.push_async_callback(self._end, task)
        return task

    async def until_one_ends(self) -> None:
        """Wait until a task ends, and raise what it raised. For ever, if there is none."""
        if not self._tasks:
            await asyncio.get_running_loop().create_future()
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _end(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # it was raised by until_one_ends, or came of the ending itself

    async def __aenter__(self) -> Self:
        await self.stack.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stack.__aexit__(kind, error, trace)
