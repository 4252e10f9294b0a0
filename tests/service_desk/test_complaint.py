"""An open case is a complaint if it, any call of it or any case that became part of it is one.

Each test is a way in which the gate opened by itself: offers were made to who had complained.
"""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from cti import events as cti
from service_desk.actions import case as cases
from service_desk.actions import customer as customers
from service_desk.actions.join_cases import join_cases
from service_desk.actor import SYSTEM, Actor
from service_desk.demo_people import load_catalogue
from service_desk.desk import Desk
from service_desk.intake import Intake
from service_desk.model import Case, Conversation
from service_desk.queries.complaint import open_complaint
from tests.service_desk.test_case_actions import NUMBER, arrive

AVA = Actor("ava", "agent", 1)


@pytest.fixture
async def mara(desk: Desk) -> int:
    """A customer, whom the calls of these tests are from."""
    await desk.transact(load_catalogue)
    return await customers.create_customer(desk, name="Mara", phones=(NUMBER,), by=AVA)


async def complains(desk: Desk, customer_id: int) -> bool:
    return await desk.fetch(open_complaint, customer_id, ("complaint",))


async def says(desk: Desk, case_id: int, code: str, call_id: str | None = None) -> None:
    await cases.set_disposition(desk, case_id=case_id, code=code, call_id=call_id, by=AVA)


async def test_a_second_call_on_a_complaint_with_another_word(desk: Desk, mara: int) -> None:
    case_id = await arrive(desk, "a")
    await says(desk, case_id, "complaint", "a")
    await arrive(desk, "b")
    await cases.file_under(desk, call_id="b", case_id=case_id, by=AVA)
    await says(desk, case_id, "quote", "b")
    assert await complains(desk, mara)


async def test_a_complaint_call_filed_under_a_repair(desk: Desk, mara: int) -> None:
    repair = await cases.open_case(desk, subject="x", kind="repair", customer_id=mara, by=AVA)
    own = await arrive(desk, "a")
    await says(desk, own, "complaint", "a")
    await cases.file_under(desk, call_id="a", case_id=repair, by=AVA)
    await says(desk, repair, "quote")
    assert await complains(desk, mara)


@pytest.mark.parametrize("by_kind", [True, False])
async def test_a_complaint_joined_into_a_question(desk: Desk, mara: int, by_kind: bool) -> None:
    into = await cases.open_case(desk, subject="x", kind="question", customer_id=mara, by=AVA)
    kind = "complaint" if by_kind else "call"
    goes = await cases.open_case(desk, subject="y", kind=kind, customer_id=mara, by=AVA)
    await says(desk, into, "quote")
    if not by_kind:
        await says(desk, goes, "complaint")
    await join_cases(desk, case_id=goes, into=into, by=AVA)
    assert await complains(desk, mara)
    await cases.resolve(desk, case_id=into, by=AVA)
    assert not await complains(desk, mara)


async def test_a_case_that_is_a_complaint_by_itself_and_a_call_with_another_word(
    desk: Desk, mara: int
) -> None:
    """Nobody said it of a call: no call's word takes it back. Said of the case, it is."""
    case_id = await cases.open_case(desk, subject="x", customer_id=mara, by=AVA)
    await says(desk, case_id, "complaint")
    await arrive(desk, "a")
    await cases.file_under(desk, call_id="a", case_id=case_id, by=AVA)
    await says(desk, case_id, "quote", "a")
    assert await complains(desk, mara)
    await says(desk, case_id, "quote")
    assert not await complains(desk, mara)


async def test_two_complaints_that_turn_out_to_be_one_call(desk: Desk, mara: int) -> None:
    """Each was given its own word before anybody knew."""
    stays, goes = await arrive(desk, "a"), await arrive(desk, "b")
    await says(desk, stays, "quote", "a")
    await says(desk, goes, "complaint", "b")
    intake = Intake(desk)
    await intake.start()
    intake.take(cti.CallMerged(at=desk.clock.now(), system="p", call_id="a", absorbed="b"))
    await intake.settled()
    await intake.stop()
    assert await complains(desk, mara)
    await says(desk, stays, "quote", "a")
    assert not await complains(desk, mara)


async def test_a_complaint_said_on_somebody_elses_case(desk: Desk, mara: int) -> None:
    other = await customers.create_customer(desk, name="Bo", by=AVA)
    case_id = await arrive(desk, "a")
    await says(desk, case_id, "complaint", "a")
    async with desk.engine.begin() as connection:
        await connection.execute(update(Case).where(Case.id == case_id).values(customer_id=other))
    assert await complains(desk, mara)


async def test_a_complaint_that_was_a_mistake_is_none(desk: Desk, mara: int) -> None:
    """Corrected on the same call, also after its case became part of another."""
    own = await arrive(desk, "a")
    await says(desk, own, "complaint", "a")
    assert await complains(desk, mara)
    repair = await cases.open_case(desk, subject="x", customer_id=mara, by=AVA)
    await cases.file_under(desk, call_id="a", case_id=repair, by=AVA)
    assert await complains(desk, mara)
    await says(desk, repair, "quote", "a")
    assert not await complains(desk, mara)


async def test_nobody_elses_complaint_counts(desk: Desk, mara: int) -> None:
    other = await customers.create_customer(desk, name="Bo", by=SYSTEM)
    await cases.open_case(desk, subject="x", kind="complaint", customer_id=other, by=AVA)
    assert not await complains(desk, mara)
    assert await desk.fetch(lambda c: c.scalar(select(Conversation.call_id))) is None
