"""File descriptors that run out are an alarm on the board, one subject a process.

Each process looks at its own. One that was killed meanwhile takes its alarm back at its next start.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

import structlog

from cti.where import where
from service_desk import alarms
from service_desk.actor import SYSTEM
from service_desk.desk import Desk
from service_desk.errors import DeskError

log = structlog.get_logger(__name__)


class DescriptorWatch:
    """Of the process that does `roles` for the Asterisk `system`."""

    def __init__(self, desk: Desk, system: str, roles: Iterable[str]) -> None:
        self._desk = desk
        self._system = system
        self.about = f"{', '.join(sorted(roles))} ({socket.gethostname()})"
        self._low: bool | None = None  # as the database has it; None: not known yet

    async def tell(self, low: bool, used: int, limit: int) -> None:
        """Have the alarm be on or off; one that cannot be written is, when it is told again."""
        if low == self._low:
            return
        kind, about = alarms.DESCRIPTORS_FEW, self.about
        try:
            async with self._desk.write(by=SYSTEM) as unit:
                if low:
                    data = {about: {"used": used, "limit": limit}}
                    await alarms.raise_alarms(unit, self._system, kind, data)
                else:
                    await alarms.clear_alarms(unit, self._system, kind, [about])
        except DeskError as error:
            log.warning("descriptors.not_told", error=where(error))
        else:
            self._low = low
