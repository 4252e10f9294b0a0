"""A program of ours beside a test, on its own so that nothing of the test makes it late.

It answers each line on stdin with one line of JSON on stdout, and ends with its stdin.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec

T = TypeVar("T")
ANSWER_SECONDS = 10.0


@contextlib.asynccontextmanager
async def program(module: str, *arguments: str) -> AsyncIterator[Process]:
    """`python -m MODULE ARGUMENTS`, until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=PIPE, stdout=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ask(process: Process, kind: type[T]) -> T:
    """What it answers now."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n")
    async with asyncio.timeout(ANSWER_SECONDS):
        line = await process.stdout.readline()
    return msgspec.json.decode(line, type=kind)
