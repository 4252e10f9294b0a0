"""Internal and hidden numbers through the whole desk: saved, matched, and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cti import events as cti
from service_desk.actions import customer as customers
from service_desk.actor import SYSTEM, Actor
from service_desk.desk import Desk
from service_desk.errors import BadValue
from service_desk.intake import Intake
from service_desk.queries.conversations import caller, conversation_list
from service_desk.queries.customer_card import card_for_call
from service_desk.queries.search import search
from service_desk.settings import DeskSettings

AVA = Actor("ava", "agent", 1)


@pytest.fixture
async def intake(desk: Desk) -> AsyncIterator[Intake]:
    desk.settings = DeskSettings(region="DE", system="house")
    made = Intake(desk)
    await made.start()
    yield made
    await made.stop()


async def call(intake: Intake, desk: Desk, name: str, number: str, system: str = "house") -> Any:
    intake.take(
        cti.CallArrived(
            at=desk.clock.now(), system=system, call_id=name, leg_id=f"{name}.1", channel="c",
            direction="inbound", caller_number=number, caller_name="", dialed="1000",
        )
    )  # fmt: skip
    await intake.settled()
    return await card_for_call(desk, name)


async def test_an_internal_number_is_saved_and_known_within_its_system(
    desk: Desk, intake: Intake
) -> None:
    mara = await customers.create_customer(desk, name="Mara", phones=("ext. 4711",), by=SYSTEM)
    card = await call(intake, desk, "a", "4711")
    assert card.customer is not None
    assert (card.customer.id, card.number, card.number_shown) == (mara, "4711", "4711")
    assert [each.customer_id for each in card.candidates] == [mara]
    [point] = card.customer.contact_points
    assert point.raw == "ext. 4711"
    other = await call(intake, desk, "b", "4711", system="branch")
    assert (other.customer, other.candidates, other.conversations) == (None, (), ())
    assert (await caller(desk, "4711")).customer_id == mara
    assert [each.id for each in (await search(desk, "4711")).customers] == [mara]
    listed = await conversation_list(desk, number="4711")
    assert [(each.call_id, each.number) for each in listed.conversations] == [("a", "4711")]


async def test_a_new_customer_gets_the_internal_number_of_their_call(
    desk: Desk, intake: Intake
) -> None:
    await call(intake, desk, "a", "12")
    bo = await customers.create_customer(desk, name="Bo", call_id="a", by=AVA)
    card = await call(intake, desk, "b", "12")
    assert card.customer is not None
    assert card.customer.id == bo


@pytest.mark.parametrize("hidden", ["0000000000", "+49000000000", "anonymous@anonymous.invalid"])
async def test_no_customer_owns_hidden_callers(desk: Desk, intake: Intake, hidden: str) -> None:
    with pytest.raises(BadValue):
        await customers.create_customer(desk, name="Mara", phones=(hidden,), by=SYSTEM)
    first = await call(intake, desk, "a", hidden)
    assert (first.number_kind, first.number_shown) == ("withheld", "withheld")
    await customers.create_customer(desk, name="Bo", call_id="a", by=AVA)
    second = await call(intake, desk, "b", hidden)
    assert (second.customer, second.candidates, second.conversations) == (None, (), ())
    assert (await caller(desk, hidden)).matches == 0


async def test_a_number_with_what_cannot_be_seen_is_saved_and_found(
    desk: Desk, intake: Intake
) -> None:
    mara = await customers.create_customer(
        desk, name="Mara", phones=("\u202a+49 30\u20112312\u00ad5001\u202c",), by=SYSTEM
    )
    card = await call(intake, desk, "a", "03023125001")
    assert card.customer is not None
    assert card.customer.id == mara
    assert (await search(desk, "030\u20112312\u20135001")).customers


async def test_an_old_mexican_number_is_that_of_today(desk: Desk, intake: Intake) -> None:
    mara = await customers.create_customer(
        desk, name="Mara", phones=("+52 1 55 1234 5678",), by=SYSTEM
    )
    card = await call(intake, desk, "a", "+525512345678")
    assert card.customer is not None
    assert card.customer.id == mara
