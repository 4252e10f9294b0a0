"""What the telephone tells of somebody who tries: forged events, calls that a cap kept in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from cti.bus import Bus
from cti.events import CapReached, EventsRefused
from cti.where import where
from service_desk import alarms
from service_desk.actor import SYSTEM
from service_desk.desk import Desk
from service_desk.errors import DeskError

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.0  # seconds: a flood is written once
KEPT: Final = timedelta(days=1)
CLEAR_EVERY: Final = timedelta(minutes=1)
MOST: Final = 100  # subjects of a kind that wait to be written
KINDS: Final = (alarms.EVENTS_FORGED, alarms.CAP_REACHED)


class TelephoneWatch:
    """Owned by the process of the active bridge; raises alarms of what the bus tells."""

    def __init__(self, desk: Desk, bus: Bus, system: str) -> None:
        self._desk = desk
        self._system = system
        self._waiting: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in KINDS}
        self._cleared_at = datetime.min.replace(tzinfo=desk.clock.now().tzinfo)
        self._undo: tuple[Callable[[], None], ...] = (
            bus.subscribe(EventsRefused, self._forged),
            bus.subscribe(CapReached, self._capped),
        )

    def close(self) -> None:
        """Hear nothing any more."""
        for undo in self._undo:
            undo()

    async def keep(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await asyncio.sleep(LOOK_EVERY)
                try:
                    await self.look()
                except DeskError as error:
                    log.warning("telephone_watch.not_written", error=where(error))
        finally:
            self.close()

    async def look(self) -> None:
        """Raise what was heard, clear what is old. Raises DatabaseAway; then it is tried again."""
        now = self._desk.clock.now()
        if now - self._cleared_at >= CLEAR_EVERY:
            await self._clear(now - KEPT)
            self._cleared_at = now
        for kind, about in self._waiting.items():
            if about:
                taken = dict(about)
                async with self._desk.write(by=SYSTEM) as unit:
                    await alarms.raise_alarms(unit, self._system, kind, taken)
                for each in taken:
                    about.pop(each, None)

    async def _clear(self, before: datetime) -> None:
        for kind in KINDS:
            on = await alarms.subjects_on(self._desk, self._system, kind)
            old = [each.about for each in on if each.raised_at < before]
            if old:
                async with self._desk.write(by=SYSTEM) as unit:
                    await alarms.clear_alarms(unit, self._system, kind, old)

    def _forged(self, fact: EventsRefused) -> None:
        # A minute is a subject: how long it goes on is what the alarm counts.
        minute = f"{fact.at:%Y-%m-%d %H:%M} UTC"
        self._wait(alarms.EVENTS_FORGED, minute, {"many": fact.many})

    def _capped(self, fact: CapReached) -> None:
        about = {"agent": fact.agent, "why": fact.why}
        self._wait(alarms.CAP_REACHED, f"{fact.agent}: {fact.why}", about)

    def _wait(self, kind: str, about: str, data: dict[str, Any]) -> None:
        if len(self._waiting[kind]) < MOST:
            self._waiting[kind].setdefault(about, data)
