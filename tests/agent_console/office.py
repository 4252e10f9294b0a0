"""An office for tests: a real desk with staff, customers, a call and its case."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from cti import events as e
from cti.bus import InProcessBus
from service_desk.actions import customer, staff
from service_desk.actor import SYSTEM
from service_desk.desk import Desk, connect
from service_desk.intake import Intake
from service_desk.migrations import migrate

PASSWORD = "correct horse 9"
HOSTILE = '"><img src=x onerror=alert(1)>'
CALL = "call-1"


@dataclass
class Office:
    """A desk with a bus, and what is in it."""

    desk: Desk
    bus: InProcessBus
    intake: Intake
    recordings: Path
    customer_id: int = 0

    async def take(self, *facts: e.Fact) -> None:
        """Let the intake write facts, and wait until it has."""
        for fact in facts:
            self.intake.take(fact)
            self.bus.publish(fact)
        await self.intake.settled()


async def database_like(template: str, folder: Path) -> str:
    """A database of a test's own, like the one that `template` (a URL) names; its URL."""
    if template.startswith("sqlite"):
        shutil.copy(template.partition(":///")[2], folder / "desk.db")
        return f"sqlite+aiosqlite:///{folder / 'desk.db'}"
    return await postgres_database(*template.rsplit("/", 1))


async def postgres_database(server: str, template: str = "template1") -> str:
    """A database on a PostgreSQL server (a URL without a database's name); its URL."""
    name = f"office_{uuid.uuid4().hex[:12]}"
    await _run(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return f"{server}/{name}"


async def drop_database(url: str) -> None:
    """Give back the room; SQLite's lies in the test's own folder."""
    if not url.startswith("sqlite"):
        server, name = url.rsplit("/", 1)
        await _run(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _run(server: str, statement: str) -> None:
    address = server.replace("+asyncpg", "") + "/postgres"
    connection = await asyncpg.connect(address, timeout=10)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def open_office(folder: Path, url: str, *, fresh: bool = False) -> Office:
    """An office on the database `url`; `fresh`: an empty one, to be filled first."""
    if fresh:
        await migrate(url)
    bus = InProcessBus()
    desk = Desk(connect(url), publish=bus.publish)
    await desk.start()
    intake = Intake(desk)
    await intake.start()
    recordings = folder / "recordings"
    recordings.mkdir(exist_ok=True)
    office = Office(desk, bus, intake, recordings)
    if not fresh:
        office.customer_id = 1
        return office
    for name, role in (("ava", "agent"), ("ben", "agent"), ("sue", "supervisor")):
        await staff.create_staff(
            desk, name=name, role=role, shown=name.title(), password=PASSWORD, by=SYSTEM
        )
    office.customer_id = await customer.create_customer(
        desk, name=HOSTILE, city=HOSTILE, phones=["+49 30 901820"], by=SYSTEM
    )
    return office


def a_call(agent: str = "ava", call_id: str = CALL, number: str = "+4930901820") -> list[e.Fact]:
    """The facts of an answered call, recorded, with a hostile caller's name."""
    at = datetime.now(UTC)
    same = {"at": at, "system": "s", "call_id": call_id}
    leg = f"{call_id}-{agent}"
    return [
        e.CallArrived(
            **same, leg_id=f"{call_id}-in", channel="PJSIP/t-1", direction="inbound",
            caller_number=number, caller_name=HOSTILE + "\ufffd", dialed="2000",
        ),
        e.CallQueued(**same, queue="support", position=1, leg_id=f"{call_id}-in"),
        e.LegStarted(
            **same, leg_id=leg, channel="PJSIP/a-1", party="agent", address=agent, agent=agent
        ),
        e.CallOffered(**same, agent=agent, leg_id=leg, queue="support"),
        e.CallAnswered(**same, agent=agent, leg_id=leg, queue="support", waited=4.0),
        e.RecordingStarted(**same, file=f"2026/11/21/{call_id}.wav"),
    ]  # fmt: skip
