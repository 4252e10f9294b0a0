"""One run of a job in a process of its own.

What a job computes would hold Python's lock in the process that hears the telephone, and a job
that hangs could not be ended there. The child (`python -m service_desk.jobs.apart`) is told on its
standard input which function to run on which database, answers with one line, and ends when its
owner does: the input is closed then. It runs at the lowest priority.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

import msgspec
import structlog
from msgspec import Struct

from cti.where import where
from service_desk.desk import Desk, connect
from service_desk.jobs.runs import lease_of_jobs
from service_desk.jobs.table import Job
from service_desk.jobs.work import Work
from service_desk.lease import Lease
from service_desk.settings import DeskSettings

NICE: Final = 10
MOST_LINE: Final = 64 * 1024  # bytes


class RunFailedError(Exception):
    """The job failed in its process: the types and places of why."""


class _Task(Struct, frozen=True, kw_only=True):
    """What the child is told. The address of the database may hold a password: it is on no
    command line and in no environment."""

    module: str
    function: str
    url: str
    settings: DeskSettings
    holder: str


class _Told(Struct, frozen=True, kw_only=True):
    """What it answers."""

    many: int | None = None
    why: str = ""


async def run_apart(desk: Desk, job: Job, lease: Lease) -> int:
    """Run it, and return what it returns. Raises RunFailedError, and OSError if no process starts.

    Cancelled, it is killed: what was not committed is rolled back by the database.
    """
    task = _Task(
        module=job.work.__module__,
        function=job.work.__qualname__,
        url=desk.engine.url.render_as_string(hide_password=False),
        settings=desk.settings,
        holder=lease.holder,
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE, limit=MOST_LINE
    )
    assert process.stdin is not None  # noqa: S101 - for the type checker: they are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        with contextlib.suppress(OSError):  # it died at once: its answer says so, or its status
            process.stdin.write(msgspec.json.encode(task) + b"\n")
            await process.stdin.drain()
        line = await process.stdout.readline()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        status = await process.wait()
    try:
        told = msgspec.json.decode(line, type=_Told)
    except msgspec.MsgspecError:
        raise RunFailedError(f"its process ended with status {status}") from None
    if told.many is None:
        raise RunFailedError(told.why)
    return told.many


# The child


async def _do(task: _Task) -> int:
    function: Callable[[Work], Awaitable[int]] = getattr(
        importlib.import_module(task.module), task.function
    )
    desk = Desk(connect(task.url), settings=task.settings)
    try:
        return await function(Work(desk, lease=lease_of_jobs(task.holder)))
    finally:
        desk.let_go()
        await desk.engine.dispose()


def _end_with_owner() -> NoReturn:
    """The owner keeps the pipe open for as long as it lives, and says no more on it."""
    sys.stdin.buffer.read(1)
    os._exit(1)


def child() -> None:
    """Be the child: one task, one answer."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the owner, who ends us
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    os.nice(NICE)
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=_Task)
    threading.Thread(target=_end_with_owner, name="owner", daemon=True).start()
    try:
        told = _Told(many=asyncio.run(_do(task)))
    except Exception as error:  # noqa: BLE001 - the process's edge: the owner says it
        told = _Told(why=where(error))
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    child()
