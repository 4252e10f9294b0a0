"""What `ringdesk doctor` says of lines that were put aside and of alarms."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from config import doctor_records
from config.findings import Finding, Patient
from config.settings import Database, Queue, Settings
from service_desk import alarms
from service_desk.actor import SYSTEM
from service_desk.desk import Desk, connect
from service_desk.migrations import migrate
from service_desk.model import JournalCursor, JournalReject

AT = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
OURS = {"system": "ringdesk-1", "kind": "cel", "files": {}, "state": b"", "read_at": AT}
LINE = {"system": "ringdesk-1", "file": "f", "position": 7, "line": b"x", "used": False}


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(
        Settings(
            system="ringdesk-1",
            database=Database(url=f"sqlite+aiosqlite:///{tmp_path / 'ringdesk.db'}"),
            queues={"support": Queue()},
        )
    )


async def said(patient: Patient) -> list[tuple[str, str]]:
    checks = (doctor_records.aside, doctor_records.alarms)
    found: list[Finding] = [each for check in checks async for each in check(patient)]
    return [(each.state, each.line()) for each in found]


async def test_without_a_database_it_says_nothing_and_makes_none(
    patient: Patient, tmp_path: Path
) -> None:
    assert await said(patient) == []
    assert not (tmp_path / "ringdesk.db").exists()


async def test_lines_put_aside_and_alarms_are_told(patient: Patient) -> None:
    await migrate(patient.settings.database.url)
    desk = Desk(connect(patient.settings.database.url))
    await desk.start()
    try:
        assert [each for each, _ in await said(patient)] == ["ok", "ok"]

        def keep(connection: Connection) -> None:
            counts: dict[str, Any] = {"records": 120, "rejects": 3}
            connection.execute(insert(JournalCursor), {**OURS, **counts})
            connection.execute(insert(JournalReject), {**LINE, "at": AT, "reason": "unknown kind"})

        await desk.transact(keep)
        async with desk.write(by=SYSTEM) as unit:
            about: dict[str, Any] = {"f@7": {"reason": "unknown kind"}}
            await alarms.raise_alarms(unit, "ringdesk-1", alarms.RECORDS_ASIDE, about)
        assert await said(patient) == [
            (
                "ok",
                "ok   call records: 120 lines read, 3 put aside;"
                " last 2026-11-22 02:30 UTC: unknown kind",
            ),
            (
                "warning",
                "warn alarm records_aside: 1 on -> ringdesk reconcile shows the last of them",
            ),
        ]
    finally:
        await desk.close()
