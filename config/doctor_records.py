"""The doctor's look at what the database tells of this installation's own troubles: lines of
Asterisk's call records that nobody could read, and the alarms that are on.

A database that is away, or has another schema, is what `doctor_here.database` says; then these
say nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final, TypeVar

from msgspec import Struct
from sqlalchemy import Connection, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from config.doctor_here import is_there
from config.findings import Finding, Patient, fine, warning
from config.settings import Settings
from service_desk import alarms as kinds
from service_desk.desk import connect
from service_desk.errors import DeskError
from service_desk.migrations import check_schema
from service_desk.model import JournalCursor, JournalReject

SECONDS: Final = 10.0
TO_DO: Final = {
    kinds.RECORDS_ASIDE: "ringdesk reconcile shows the last of them",
    kinds.RECORDS_UNREADABLE: "give us the right to read that folder",
    kinds.DISK_FULL: "make room on that disk",
    kinds.JOB_FAILED: "ringdesk jobs says which and why",
}
LOOK: Final = "the table of alarms in docs/operations.md says what it means and where to look"
Found = TypeVar("Found")


class _Read(Struct, frozen=True):
    """How many lines were read and put aside; of the last put aside, when and why."""

    lines: int
    put_aside: int
    at: datetime | None
    reason: str


async def aside(patient: Patient) -> AsyncIterator[Finding]:
    """Lines that were read, and those that are none. While they are news, an alarm says so too."""
    found = await asked(patient.settings, _lines_read)
    if found is None:
        return
    if found.put_aside == 0:
        yield fine("call records", f"{found.lines} lines read, all understood")
        return
    last = f"; last {found.at:%Y-%m-%d %H:%M} UTC: {found.reason}" if found.at else ""
    yield fine("call records", f"{found.lines} lines read, {found.put_aside} put aside{last}")


async def alarms(patient: Patient) -> AsyncIterator[Finding]:
    """Those that are on, by kind; the supervisors' board shows the same."""
    found = await asked(patient.settings, kinds.count_of)
    if found is None:
        return
    on = {kind: many for kind, many in found.items() if many}
    for kind, many in on.items():
        yield warning(f"alarm {kind}", f"{many} on", TO_DO.get(kind, LOOK))
    if not on:
        yield fine("alarms", "none is on")


async def asked(settings: Settings, question: Callable[[Connection, str], Found]) -> Found | None:
    """The answer; None where there is no database that could give one. It is told the system."""
    url = make_url(settings.database.url)
    if url.get_backend_name() == "sqlite" and not is_there(url.database):
        return None
    engine = connect(settings.database.url)
    try:
        async with asyncio.timeout(SECONDS):
            await check_schema(engine)
            async with engine.connect() as connection:
                return await connection.run_sync(question, settings.system)
    except (DeskError, DBAPIError, TimeoutError, OSError):
        return None
    finally:
        await engine.dispose()


def _lines_read(connection: Connection, system: str) -> _Read:
    ours = JournalCursor.system == system
    row = connection.execute(
        select(func.sum(JournalCursor.records), func.sum(JournalCursor.rejects)).where(ours)
    ).one()
    last = connection.execute(
        select(JournalReject.at, JournalReject.reason)
        .where(JournalReject.system == system)
        .order_by(JournalReject.id.desc())
        .limit(1)
    ).first()
    at, reason = (None, "") if last is None else (last.at, last.reason)
    return _Read(int(row[0] or 0), int(row[1] or 0), at, reason)
