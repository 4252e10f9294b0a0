"""What is written at once, what waits for its neighbours, and what is told of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from cti import events as cti
from service_desk import intake as intake_module
from service_desk.desk import Desk
from service_desk.events import CaseChanged, CaseOpened, DeskEvent
from service_desk.intake import Intake
from service_desk.model import Case, ConversationFacts, Outbox

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FOR_EVER = 10_000.0
SOON = 10.0


def arrived(name: str) -> cti.CallArrived:
    return cti.CallArrived(
        at=T0, system="pbx-1", call_id=name, leg_id=f"{name}.1", channel="PJSIP/t-1",
        direction="inbound", caller_number="+493055501001", caller_name="", dialed="1000",
    )  # fmt: skip


def queued(name: str) -> cti.CallQueued:
    return cti.CallQueued(
        at=T0 + timedelta(seconds=1), system="pbx-1", call_id=name, queue="support", position=1,
        leg_id=f"{name}.1",
    )  # fmt: skip


def answered(name: str, agent: str) -> cti.CallAnswered:
    return cti.CallAnswered(
        at=T0 + timedelta(seconds=9), system="pbx-1", call_id=name, agent=agent,
        leg_id=f"{name}.2", queue="support", waited=8.0,
    )  # fmt: skip


async def until(told: list[DeskEvent], count: int) -> list[str | None]:
    """The calls whose cases were told of, once there are so many."""
    async with asyncio.timeout(SOON):
        while True:
            calls = [event.call_id for event in told if isinstance(event, CaseOpened)]
            if len(calls) >= count:
                return calls
            await asyncio.sleep(0.005)


async def count_of(desk: Desk, noun: Any) -> int:
    def read(connection: Any) -> int:
        return int(connection.scalar(select(func.count()).select_from(noun)))

    return await desk.fetch(read)


async def test_arrivals_wait_for_nobody_however_many_come(
    desk: Desk, told: list[DeskEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases are there although what else is known would wait for ever."""
    monkeypatch.setattr(intake_module, "LINGER", FOR_EVER)
    intake = Intake(desk)
    await intake.start()
    for number in range(100):
        intake.take(arrived(f"c{number}"))
        if number % 10 == 0:
            await asyncio.sleep(0)
    assert sorted(map(str, await until(told, 100))) == sorted(f"c{n}" for n in range(100))
    assert await count_of(desk, Case) == 100
    await intake.stop()


async def test_an_urgent_fact_takes_its_own_call_along_and_no_other(
    desk: Desk, told: list[DeskEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts of a call that nobody waits for stay until the portion is due."""
    monkeypatch.setattr(intake_module, "LINGER", FOR_EVER)
    intake = Intake(desk)
    await intake.start()
    intake.take(queued("other"))
    intake.take(queued("mine"))
    intake.take(arrived("mine"))
    assert await until(told, 1) == ["mine"]
    assert intake.waiting == 1
    assert await count_of(desk, ConversationFacts) == 1
    await intake.settled()
    assert intake.waiting == 0
    assert await count_of(desk, ConversationFacts) == 2
    await intake.stop()


async def test_what_nobody_waits_for_is_written_in_portions_behind_what_is_urgent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An arrival waits for one portion at most, however many calls are due."""
    monkeypatch.setattr(intake_module, "LINGER", 0.0)
    intake = Intake(desk)
    portions: list[set[str]] = []
    write = intake.write

    async def noted(batch: Any) -> None:
        portions.append({fact.call_id for _, fact in batch})
        if len(portions) == 1:
            intake.take(arrived("urgent"))
        await write(batch)
        if intake.written == 13:
            all_written.set()

    all_written = asyncio.Event()
    monkeypatch.setattr(intake, "write", noted)
    others = {f"c{number}" for number in range(12)}
    for name in sorted(others):
        intake.take(queued(name))
    await intake.start()
    async with asyncio.timeout(SOON):
        await all_written.wait()
    await intake.stop()
    assert portions[1] == {"urgent"}
    assert len(portions) == 4
    assert set().union(*portions) == others | {"urgent"}


async def test_a_call_with_more_facts_than_a_portion_is_written_whole(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that loops is cut into portions; none of it is lost."""
    monkeypatch.setattr(intake_module, "MOST_IN_BATCH", 3)
    intake = Intake(desk)
    await intake.start()
    intake.take(arrived("c"))
    for number in range(10):
        intake.take(answered("c", f"agent{number}"))
    await intake.settled()
    assert intake.written == 11
    assert intake.waiting == 0
    await intake.stop()


async def test_what_was_told_leaves_the_outbox_with_a_write_that_nobody_waits_for(
    desk: Desk, told: list[DeskEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleting is no work for a write that a screen waits for."""
    monkeypatch.setattr(intake_module, "LINGER", FOR_EVER)
    intake = Intake(desk)
    await intake.start()
    for number in range(3):
        intake.take(arrived(f"c{number}"))
        await until(told, number + 1)
    assert await count_of(desk, Outbox) == 3
    intake.take(queued("c0"))
    await intake.settled()
    assert await count_of(desk, Outbox) == 1  # its own
    await intake.stop()


async def test_a_change_names_the_agents_whose_day_it_is(desk: Desk, told: list[DeskEvent]) -> None:
    """Nobody else's screen needs to read anything for it."""
    intake = Intake(desk)
    await intake.start()
    intake.take(arrived("c"))
    await intake.settled()
    intake.take(queued("c"))
    await intake.settled()
    intake.take(answered("c", "ava"))
    await intake.settled()
    await intake.stop()
    changes = [event.agents for event in told if isinstance(event, CaseChanged)]
    assert changes == [(), ("ava",)]
