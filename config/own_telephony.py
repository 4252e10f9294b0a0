"""Our own Asterisk, the gate before it and the logs of both: one owner, one life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from config.log_files import LogFiles
from config.own_asterisk import OwnAsterisk
from config.own_gate import OwnGate
from config.secrets import Secrets
from config.settings import Settings


class OwnTelephony:
    """What the active bridge runs with `asterisk: {mode: own}`. `keep` is asked at a wanted end."""

    def __init__(
        self, settings: Settings, secrets: Secrets, *, keep: Callable[[], bool] = lambda: False
    ) -> None:
        self.asterisk = OwnAsterisk(settings, secrets, keep=keep)
        self.gate = OwnGate(settings, secrets, keep=keep)
        self._logs = LogFiles(
            self.asterisk.log_folder, self.asterisk.console, appended=(self.gate.log,)
        )

    def check_ports(self) -> None:
        """Raise Problem if a port is another program's."""
        self.asterisk.check_ports()
        self.gate.check_port()

    async def start(self) -> None:
        """Both, at once; return when calls are taken. Raises Problem, nothing left running."""
        gate = asyncio.create_task(self.gate.start(), name="gate-start")
        try:
            await self.asterisk.start()
            await gate
        except BaseException:
            gate.cancel()
            await asyncio.gather(gate, return_exceptions=True)
            await self.stop()
            raise

    async def keep_running(self) -> None:
        """Start again what ends by itself, keep logs small; never returns.

        Raises Problem (in a group) when Asterisk ended too often, or does not start.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self.asterisk.keep_running(), name="asterisk")
            group.create_task(self.gate.keep_running(), name="gate")
            group.create_task(self._logs.keep_small(), name="logs")

    async def stop(self) -> None:
        """End both, or leave both to who comes next."""
        await self.gate.stop()
        await self.asterisk.stop()

    def find(self) -> int | None:
        """Take over what an earlier start left, so that `stop` ends it; Asterisk's pid."""
        self.gate.find()
        return self.asterisk.find()
