"""A full disk is loud: alarms of folders without room, and of recordings that were not written.

The calls go on: Asterisk gives up the file, not the call.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from config.settings import Settings
from service_desk import alarms
from service_desk.actor import SYSTEM
from service_desk.desk import Desk
from service_desk.errors import DatabaseAway
from service_desk.queries import recording_files

log = structlog.get_logger(__name__)

FULL: Final = 16 * 1024 * 1024  # bytes that are left: ten calls fill them in less than two minutes
SETTLED: Final = timedelta(seconds=10)  # after a call's end, until its file is closed
LOOK_BACK: Final = timedelta(minutes=15)  # at the start
KEPT: Final = timedelta(days=1)  # the alarm of a recording; its case says it for good


def folders_of(settings: Settings) -> dict[str, Path]:
    """Where calls leave files, by the name that alarms and figures say."""
    return {
        "data": settings.data_folder,
        "recordings": settings.recordings_folder,
        "records": settings.records_folder,
    }


def free_in(folders: Mapping[str, Path]) -> dict[str, int]:
    """Bytes that are left where each of these is, or will be made."""
    found = {}
    for name, folder in folders.items():
        there = next((each for each in (folder, *folder.parents) if each.exists()), None)
        if there is not None:
            found[name] = shutil.disk_usage(there).free
    return found


class DiskWatch:
    """Owned by the active bridge's process: `look` every few seconds."""

    def __init__(self, settings: Settings, desk: Desk) -> None:
        self._settings = settings
        self._desk = desk
        self._full: set[str] | None = None  # as the database has it; None: not known yet
        self._looked_until = desk.clock.now() - LOOK_BACK

    async def look(self) -> bool:
        """Raise and clear what there is to; whether anything changed.

        A database or a folder that is away (the same disk, perhaps) is no reason to end: the figure
        `ringdesk_disk_free_bytes` and the alarm `disk_low` do without it.
        """
        try:
            changed = await self._folders()
            return await self._recordings() or changed
        except (DatabaseAway, OSError):
            return False

    async def _folders(self) -> bool:
        free = free_in(folders_of(self._settings))
        full = {name for name, left in free.items() if left < FULL}
        if full == self._full:
            return False
        for name in full - (self._full or set()):
            log.warning("disk.full", folder=name, free=free[name])
        system = self._settings.system
        async with self._desk.write(by=SYSTEM) as unit:
            about = {name: {"free": free[name]} for name in full}
            await alarms.raise_alarms(unit, system, alarms.DISK_FULL, about)
            await alarms.clear_alarms(unit, system, alarms.DISK_FULL, free.keys() - full)
        self._full = full
        return True

    async def _recordings(self) -> bool:
        """What calls that ended since the last look should have left; and what is no news now."""
        now, system = self._desk.clock.now(), self._settings.system
        since, until = self._looked_until, now - SETTLED
        folder = self._settings.recordings_folder
        if until <= since or not folder.exists():  # an Asterisk elsewhere keeps its files there
            return False
        gone = await recording_files.missing_since(self._desk, folder, system, since, until)
        on = await alarms.subjects_on(self._desk, system, alarms.RECORDING_MISSING)
        old = await asyncio.to_thread(_no_news, on, now - KEPT, folder)
        if gone or old:
            about = {file: {"call_id": call_id} for file, call_id in gone.items()}
            async with self._desk.write(by=SYSTEM) as unit:
                await alarms.raise_alarms(unit, system, alarms.RECORDING_MISSING, about)
                await alarms.clear_alarms(unit, system, alarms.RECORDING_MISSING, old)
            for file, call_id in gone.items():
                log.warning("recording.missing", call_id=call_id, file=file)
        self._looked_until = until
        return bool(gone or old)


def _no_news(on: Iterable[alarms.Subject], before: datetime, folder: Path) -> list[str]:
    """Of the recordings that are alarms: told for long enough, or there again."""
    return [
        each.about
        for each in on
        if each.raised_at < before or not recording_files.is_missing(folder, each.about)
    ]
