"""A program that we start and that outlives us: a child with a process group of its own.

A crash of ours does not touch it, and the next start finds it by its pid file and takes it over. A
wanted end (`stop`) ends it, unless it is to be kept for the version that comes next.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

STOP_SECONDS: Final = 10.0
KILL_SECONDS: Final = 5.0
FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class Outliving:
    """One such program; `pid` while there is one. `keep` is asked at a wanted end."""

    name = "program"

    def __init__(self, *, keep: Callable[[], bool] = lambda: False) -> None:
        self._keep = keep
        self._child: asyncio.subprocess.Process | None = None
        self.pid: int | None = None
        self.adopted = False

    def adopt(self, pid: int) -> None:
        """Take over one that an earlier start left."""
        self.pid, self.adopted = pid, True

    async def spawn(
        self, *command: str, log: Path, cwd: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it; what it says is appended to `log`, which is for our eyes alone."""
        handle = os.open(log, FLAGS, 0o600)
        try:
            self._child = await asyncio.create_subprocess_exec(
                # Recordings, call records and keys are for nobody else's eyes. By a shell that
                # becomes the program: uvloop takes no `umask`.
                *("/bin/sh", "-c", 'umask 077; exec "$@"', "sh", *command),
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=environment,
                start_new_session=True,  # Ctrl-C is for us; we tell it when to end
            )
        finally:
            os.close(handle)
        self.pid, self.adopted = self._child.pid, False

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.pid is not None and is_alive(self.pid)

    async def ended(self) -> int | None:
        """Wait until it is gone; its exit status, None when it was not our child."""
        if self._child is not None:
            return await self._child.wait()
        if self.pid is not None:
            await until_gone(self.pid)
        return None

    def forget(self) -> None:
        """It has ended."""
        self.pid, self._child = None, None

    async def stop(self) -> None:
        """End it: first politely, then surely. Safe to call twice."""
        pid = self.pid
        if pid is None:
            return
        if self._keep() and is_alive(pid):
            _log.info(f"{self.name}.kept", pid=pid)
            self.pid = None
            return
        await self.end()

    async def end(self) -> None:
        """End it, whatever is to be kept."""
        pid, self.pid = self.pid, None
        if pid is None:
            return
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await (until_gone(pid) if self._child is None else self._child.wait())
                    break
        self._child = None

    def tell(self, number: signal.Signals) -> None:
        """Tell it something."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def running_pid(pid_file: Path, word: Path) -> int | None:
    """The pid in a pid file, if that process has `word` on its command line: ours, not a later
    one that was given the same number."""
    try:
        pid = int(pid_file.read_text())
        said = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if str(word).encode() in said else None


async def until_gone(pid: int) -> None:
    """Wait for the end of a process that is no child of ours."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def is_alive(pid: int) -> bool:
    """Not even one that has ended and that nobody has waited for."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in {"Z", "X"}
