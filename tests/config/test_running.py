"""What a process that has started does about its memory."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import resource
from pathlib import Path

from config.running import Running, give_back_memory, trim
from tests.polling import until

PIECES, PIECE = 600, 100_000  # bytes; glibc maps from 128 KiB on apart, and unmaps these at once


def in_memory() -> int:
    """Bytes of this process that are in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def test_what_is_free_goes_back_to_the_system() -> None:
    """Freed pieces below one that stays are kept by the allocator until they are asked for."""
    libc, give_back = ctypes.CDLL(None), trim()
    assert give_back is not None, "another C library than glibc"
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
    pieces = [libc.malloc(PIECE) for _ in range(PIECES)]
    for each in pieces:
        ctypes.memset(each, 1, PIECE)
    for each in pieces[:-1]:
        libc.free(each)
    kept = in_memory()
    task = asyncio.create_task(give_back_memory(give_back, every=0.01))
    try:

        async def given_back() -> int:
            return kept - in_memory()

        assert await until(given_back, lambda back: back > PIECES * PIECE // 2, seconds=20)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        libc.free(pieces[-1])


async def test_a_process_that_has_started_does_it_until_its_end() -> None:
    """By a task that its owner ends."""
    try:
        async with Running() as running:
            running.settle()
            [task] = [each for each in asyncio.all_tasks() if each.get_name() == "memory"]
    finally:
        gc.unfreeze()  # the tests' own objects
    assert task.cancelled()
