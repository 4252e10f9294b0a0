"""The doctor walks the audit's chain and names the first row that does not hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from config.doctor import TABLE
from config.doctor_audit import audit
from config.findings import Finding, Patient
from config.settings import load
from service_desk.actions import checks
from service_desk.actor import SYSTEM
from service_desk.audit_chain import seal_all
from service_desk.clock import HandClock
from service_desk.desk import Desk, connect
from service_desk.migrations import migrate
from tests.config.outside import Site


async def looked(patient: Patient) -> list[Finding]:
    return [each async for each in audit(patient)]


async def test_a_changed_row_is_wrong_and_named(tmp_path: Path) -> None:
    """None yet; in order; waiting for too long; rewritten by somebody with the file in hand."""
    patient = Patient(load(Site(tmp_path).file))
    url = patient.settings.database.url
    assert await looked(patient) == []
    await migrate(url)
    clock = HandClock(datetime.now(UTC) - timedelta(hours=1))
    desk = Desk(connect(url), clock=clock)
    try:
        for name in ("ava", "ben", "cora"):
            async with desk.write(by=SYSTEM) as uow:
                await checks.audit(uow, "staff.create", name)
            clock.advance(60)
        [late] = await looked(patient)
        assert (late.state, "3 wait for their seal since" in late.said) == ("warning", True)
        await seal_all(desk)
        [well] = await looked(patient)
        assert well.state == "ok"
        assert well.said.startswith("3 rows in one chain, the last ")
        for statement in (
            "DROP TRIGGER audit_no_update",
            "UPDATE audit SET about = 'eve' WHERE id = 2",
        ):
            await desk.transact(lambda connection, each=statement: connection.execute(text(each)))
        [found] = await looked(patient)
        assert found.state == "wrong"
        assert found.said.startswith(f"row 2 of {datetime.now(UTC):%Y}-")
        assert found.said.endswith("number 2 of the chain, is not as it was written")
    finally:
        await desk.close()


def test_the_doctor_looks_at_it() -> None:
    assert ("audit", audit) in TABLE
