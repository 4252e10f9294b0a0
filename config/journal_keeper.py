"""What the one active bridge does with Asterisk's own records: read on, compare, tidy up; and
with the disks they are on (config/disk_watch.py).

At the start and every minute records and cases are compared; in between the journal is read on
every few seconds. A database or a disk that is away costs time, not calls: everything waits and
catches up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from config.disk_watch import DiskWatch
from config.health import Health
from config.settings import Settings
from cti.bridge import Bridge
from cti.call_details import parse_detail
from cti.journal import Journal
from cti.journal_reader import JournalReader
from cti.journal_rotate import rotate
from cti.where import where
from service_desk import alarms
from service_desk.actor import SYSTEM
from service_desk.desk import Desk
from service_desk.errors import DatabaseAway
from service_desk.intake import Intake
from service_desk.intake_journal import JournalIntake
from service_desk.reconcile import Reconciler

log = structlog.get_logger(__name__)

READ_EVERY: Final = 10.0  # seconds between two readings
COMPARE_EVERY: Final = 60.0  # seconds between two comparisons


def reader_of(settings: Settings) -> JournalReader:
    """The journal of this installation's Asterisk."""
    journal = Journal(settings.records_folder, settings.system)
    return JournalReader(journal, {name: a.extension for name, a in settings.agents.items()})


def details_of(settings: Settings) -> Journal | None:
    """Its CDRs, where we know their folder: our own Asterisk's."""
    if settings.asterisk.mode != "own":
        return None
    folder = settings.data_folder / "asterisk" / "log" / "cdr-csv"
    return Journal(folder, settings.system, "Master.csv", parse=parse_detail)


class JournalKeeper:
    """Owned by the bridge's process; `run` it while this one is active."""

    def __init__(self, settings: Settings, desk: Desk, intake: Intake, bridge: Bridge) -> None:
        self._settings = settings
        self._desk = desk
        self._bridge = bridge
        self._reader = reader_of(settings)
        self.journal = JournalIntake(desk, intake, self._reader)
        details = details_of(settings)
        self.reconciler = Reconciler(
            desk, self.journal, details, channels=self._channels, booted=lambda: bridge.booted
        )
        self._disks = DiskWatch(settings, desk)
        self._failing = ""

    def _channels(self) -> Collection[str] | None:
        return tuple(self._bridge.interpreter.world.legs) if self._bridge.connected else None

    def measured(self, health: Health) -> None:
        """Its figures and alarms."""
        metrics = health.metrics
        metrics.provide("ringdesk_journal_behind_bytes", lambda: self.journal.behind)
        metrics.provide("ringdesk_journal_behind_seconds", self._behind)
        metrics.provide("ringdesk_journal_set_aside", lambda: self.journal.tally.rejected)
        for kind in alarms.KINDS:
            metrics.alarm(kind, partial(self._alarms, kind))

    def _alarms(self, kind: str) -> int:
        return self.reconciler.alarms.get(kind, 0)

    def _behind(self) -> float:
        told_at = self.journal.told_at
        if self.journal.behind == 0 or told_at is None:
            return 0.0
        return max((self._desk.clock.now() - told_at).total_seconds(), 0.0)

    async def run(self) -> None:
        """Until cancelled. Nothing that a disk or a database does ends it."""
        try:
            await self._run()
        finally:
            await self.journal.close()

    async def _run(self) -> None:
        clock = self._desk.clock
        loaded = False
        compared = clock.monotonic() - COMPARE_EVERY
        while True:
            if await self._disks.look():
                await self._for_sure(self._count_alarms)
            if not loaded:
                loaded = await self._for_sure(self.journal.load)
            if not loaded:
                pass  # without its cursor everything would be read again
            elif clock.monotonic() - compared >= COMPARE_EVERY:
                compared = clock.monotonic()
                await self._for_sure(self._compare)
            else:
                await self._for_sure(self._read_on)
            await asyncio.sleep(READ_EVERY)

    async def _count_alarms(self) -> None:
        self.reconciler.alarms = await self._desk.fetch(alarms.count_of, self._settings.system)

    async def _read_on(self) -> None:
        await self.reconciler.catch_up()

    async def _compare(self) -> None:
        await self.reconciler.round()
        await self._alarm_unreadable("")
        await asyncio.to_thread(self._tidy)

    def _tidy(self) -> None:
        keep = timedelta(days=self._settings.asterisk.records_days)
        now = self._desk.clock.now()
        rotate(self._reader.journal, self._reader.cursor, now=now, keep=keep)
        details, cursor = self.reconciler.details, self.reconciler.details_cursor
        if details is not None:
            rotate(details, cursor, now=now, keep=keep)

    async def _for_sure(self, what: Callable[[], Awaitable[None]]) -> bool:
        """Do it; whether it was done. A failure is told once, and done again the next time."""
        try:
            await what()
        except DatabaseAway as why:
            self._told("the database is away", str(why))
        except OSError as why:
            self._told("the records cannot be read", type(why).__name__)
            await self._alarm_unreadable(type(why).__name__)
        except Exception as error:  # noqa: BLE001 - the task's edge: it must outlive one bad round
            self._told("failed", where(error))
            await self._alarm_unreadable(type(error).__name__)
        else:
            if self._failing:
                log.info("journal.goes_on")
            self._failing = ""
            return True
        return False

    def _told(self, what: str, why: str) -> None:
        if self._failing != what:
            log.warning("journal.waits", what=what, why=why)
        self._failing = what

    async def _alarm_unreadable(self, why: str) -> None:
        folder, system = "records", self._settings.system
        kind = alarms.RECORDS_UNREADABLE
        try:
            async with self._desk.write(by=SYSTEM) as unit:
                if why:
                    changed = await alarms.raise_alarms(unit, system, kind, {folder: {"why": why}})
                else:
                    changed = await alarms.clear_alarms(unit, system, kind, [folder])
            if changed:  # told now: the round that counts them may be what fails
                await self._count_alarms()
        except DatabaseAway:
            return
