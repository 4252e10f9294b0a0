"""What people do to a case holds: who promised exists, no merge deletes it, words are said of its
own calls, and a word that is taken back is taken back with what it did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from cti import events as cti
from service_desk.actions import case as cases
from service_desk.actions import customer as customers
from service_desk.actions import follow_up, offer, staff
from service_desk.actions.join_cases import join_cases
from service_desk.actor import SYSTEM, Actor
from service_desk.demo_people import load_catalogue
from service_desk.desk import Desk
from service_desk.errors import (
    BadValue,
    ConversationNotFound,
    IllegalMove,
    StaffNotFound,
)
from service_desk.intake import Intake
from service_desk.model import Case, Conversation, FollowUp, Product
from service_desk.queries.case_page import case_by_id
from tests.service_desk.test_case_actions import NUMBER, arrive

TOKEN = Actor("erp", "supervisor")


@pytest.fixture
async def ava(desk: Desk) -> Actor:
    """An agent who exists, and words for how calls end."""
    await desk.transact(load_catalogue)
    made = await staff.create_staff(desk, name="ava", role="agent", by=SYSTEM)
    return Actor("ava", "agent", made)


async def promise(desk: Desk, case_id: int | None, *, by: Actor, **more: object) -> int:
    due = desk.clock.now() + timedelta(hours=2)
    return await follow_up.promise(
        desk, text="Call back", due_at=due, case_id=case_id, by=by, **more
    )


async def test_a_promise_is_for_somebody_who_works_here(desk: Desk, ava: Actor) -> None:
    """Else it stands in nobody's agenda and is never kept."""
    case_id = await arrive(desk)
    with pytest.raises(StaffNotFound):
        await promise(desk, case_id, by=ava, owner="nobody")
    await staff.create_staff(desk, name="ben", role="agent", by=SYSTEM)
    await staff.change_staff(desk, name="ben", active=False, by=SYSTEM)
    with pytest.raises(StaffNotFound):
        await promise(desk, case_id, by=ava, owner="ben")
    with pytest.raises(BadValue, match="owner"):
        await promise(desk, case_id, by=TOKEN)
    await cases.assign_case(desk, case_id=case_id, to="ava", by=ava)
    await promise(desk, case_id, by=TOKEN)
    owners = await desk.fetch(lambda c: c.scalars(select(FollowUp.owner)).all())
    assert owners == ["ava"]


async def test_a_promise_is_not_made_to_another_customer(desk: Desk, ava: Actor) -> None:
    await customers.create_customer(desk, name="Mara", phones=(NUMBER,), by=ava)
    case_id = await arrive(desk)
    other = await customers.create_customer(desk, name="Bo", by=ava)
    with pytest.raises(IllegalMove, match="another customer's"):
        await promise(desk, case_id, by=ava, customer_id=other)


async def promised(desk: Desk, case_id: int, by: Actor) -> None:
    await promise(desk, case_id, by=by)


async def offered(desk: Desk, case_id: int, by: Actor) -> None:
    product = await desk.fetch(lambda c: c.scalar(select(Product.id)))
    await offer.record_outcome(desk, call_id="b", product_id=product, outcome="later", by=by)


async def joined(desk: Desk, case_id: int, by: Actor) -> None:
    other = await arrive(desk, "c")
    await join_cases(desk, case_id=other, into=case_id, by=by)


async def chosen(desk: Desk, case_id: int, by: Actor) -> None:
    """Somebody says who it is, on a case that stays another's."""
    async with desk.engine.begin() as connection:
        await connection.execute(update(Case).values(opened_by_call_id="b", touched=False))
    await customers.choose_customer(desk, call_id="b", customer_id=1, by=by)


ACTS: list[Callable[[Desk, int, Actor], Awaitable[None]]] = [promised, offered, joined, chosen]


@pytest.mark.parametrize("act", ACTS)
async def test_a_case_somebody_did_something_to_outlives_a_merge(
    desk: Desk, ava: Actor, act: Callable[[Desk, int, Actor], Awaitable[None]]
) -> None:
    """The call that stays opens no case (an internal one): the other's case must stay."""
    await customers.create_customer(desk, name="Mara", phones=(NUMBER,), by=ava)
    case_id = await arrive(desk, "b")
    async with desk.engine.begin() as connection:
        await connection.execute(update(Case).values(touched=False))
    await act(desk, case_id, ava)
    touched = await desk.fetch(lambda c: c.scalar(select(Case.touched).where(Case.id == case_id)))
    assert touched
    async with desk.engine.begin() as connection:
        await connection.execute(
            insert(Conversation),
            {"call_id": "a", "direction": "internal", "arrived_at": desk.clock.now()},
        )
    intake = Intake(desk)
    await intake.start()
    intake.take(cti.CallMerged(at=desk.clock.now(), system="p", call_id="a", absorbed="b"))
    await intake.settled()
    await intake.stop()
    page = await case_by_id(desk, case_id)
    assert {each.call_id for each in page.conversations} >= {"a"}


async def test_a_disposition_is_said_of_a_call_of_this_case(desk: Desk, ava: Actor) -> None:
    own, other = await arrive(desk, "a"), await arrive(desk, "b")
    for call_id, wrong in (("b", IllegalMove), ("nothing", ConversationNotFound)):
        with pytest.raises(wrong):
            await cases.set_disposition(desk, case_id=own, code="quote", call_id=call_id, by=ava)
    said = await desk.fetch(lambda c: c.scalars(select(Case.disposition)).all())
    assert said == [None, None]
    await cases.file_under(desk, call_id="a", case_id=other, by=ava)
    await cases.set_disposition(desk, case_id=own, code="quote", call_id="a", by=ava)
    assert (await case_by_id(desk, other)).disposition == "quote"


async def test_solved_corrected_to_call_back_opens_the_case_again(desk: Desk, ava: Actor) -> None:
    case_id = await arrive(desk)
    await cases.set_disposition(desk, case_id=case_id, code="solved", call_id="a", by=ava)
    assert (await case_by_id(desk, case_id)).case.status == "resolved"
    await cases.set_disposition(desk, case_id=case_id, code="call_back", call_id="a", by=ava)
    page = await case_by_id(desk, case_id)
    assert (page.case.status, page.disposition) == ("open", "call_back")
    assert {"status": "open", "before": "resolved"} in [each.data for each in page.timeline]
    at = await desk.fetch(lambda c: c.scalar(select(Case.resolved_at)))
    assert at is None
    await cases.set_disposition(desk, case_id=case_id, code="solved", call_id="a", by=ava)
    assert (await case_by_id(desk, case_id)).case.status == "resolved"


async def test_what_a_person_closed_is_not_opened_by_a_word(desk: Desk, ava: Actor) -> None:
    case_id = await arrive(desk)
    await cases.set_disposition(desk, case_id=case_id, code="quote", call_id="a", by=ava)
    await cases.resolve(desk, case_id=case_id, by=ava)
    await cases.set_disposition(desk, case_id=case_id, code="call_back", call_id="a", by=ava)
    assert (await case_by_id(desk, case_id)).case.status == "resolved"
