"""The gate of our own Asterisk: started, watched and ended by whoever owns that.

A process of its own, because browsers' telephones stay registered through it while we are away
(config/outliving.py). One that an earlier start left is taken over if it is what the settings want
now; another one is replaced: pages connect again within a second or two, and calls go on, for
their sound does not run through it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from config.gate.plan import CHECKOUT, PID, PLAN, plan_of
from config.outliving import Outliving, running_pid
from config.problems import Problem, port_is_free
from config.secrets import Secrets
from config.settings import Settings

_log = structlog.get_logger(__name__)

READY_SECONDS: Final = 30.0
AGAIN_AFTER: Final = 2.0  # seconds until it is started anew, if it ended by itself
TICK: Final = 0.05
LOG: Final = "gate.log"


class OwnGate(Outliving):
    """`start` it before or after Asterisk: telephones try until both are there."""

    name = "gate"

    def __init__(
        self, settings: Settings, secrets: Secrets, *, keep: Callable[[], bool] = lambda: False
    ) -> None:
        super().__init__(keep=keep)
        self._settings = settings
        self._plan = msgspec.json.format(
            msgspec.json.encode(plan_of(settings, secrets.cookie_key)), indent=1
        )
        self.folder = settings.data_folder / "gate"
        self._kept = False  # running, by us

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / LOG

    async def start(self) -> None:
        """Have it listen, with today's settings. Raises Problem, nothing left running."""
        if self.find() is not None:
            if self._planned() == self._plan:
                return
            _log.info("gate.replaced", pid=self.pid)
            await self.end()
        self.check_port()
        self._prepare()
        await self.spawn(
            *(sys.executable, "-m", "config.gate", str(self.folder)),
            log=self.log,
            cwd=CHECKOUT,
        )
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._until_it_listens()
        except TimeoutError:
            await self.end()
            raise Problem(
                f"the gate was not ready within {READY_SECONDS:.0f} s ({self.log})"
            ) from None
        except BaseException:
            await self.end()
            raise

    async def _until_it_listens(self) -> None:
        while self._running_pid() != self.pid:
            if not self.alive:
                raise Problem(f"the gate ended at its start ({self.log})")
            await asyncio.sleep(TICK)

    async def keep_running(self) -> None:
        """Start it again whenever it ends by itself; never returns, and stops nobody's calls."""
        self._kept = True
        try:
            while True:
                status = await self.ended()
                _log.error("gate.ended_by_itself", status=status)
                self.forget()
                await self._start_again()
                _log.warning("gate.started_again", pid=self.pid)
        finally:
            self._kept = False

    async def _start_again(self) -> None:
        while self.pid is None:
            await asyncio.sleep(AGAIN_AFTER)
            try:
                await self.start()
            except (Problem, OSError) as why:
                _log.error("gate.not_started", why=str(why))

    async def trouble(self) -> str:
        """What keeps browsers' telephones away; "" if nothing does."""
        return "" if self.alive or not self._kept else "does not run"

    def find(self) -> int | None:
        """Take over one that an earlier start left, so that `stop` ends it; its pid."""
        if (pid := self._running_pid()) is not None:
            self.adopt(pid)
        return pid

    def check_port(self) -> None:
        """Raise Problem if its port is another program's."""
        if self._running_pid() is None:
            gate = self._settings.gate
            port_is_free("the browser phones' gate", gate.host, gate.port, "gate.port")

    def _running_pid(self) -> int | None:
        return running_pid(self.folder / PID, self.folder)

    def _planned(self) -> bytes:
        try:
            return (self.folder / PLAN).read_bytes()
        except OSError:
            return b""

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / PID).unlink(missing_ok=True)
        handle = os.open(self.folder / PLAN, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(self._plan)
