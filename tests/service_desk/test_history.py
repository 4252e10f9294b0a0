"""What was before: of the customer and of the number, and whose the cases of a stranger become."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service_desk.actions import customer as customers
from service_desk.actions import follow_up
from service_desk.actor import SYSTEM, Actor
from service_desk.clock import HandClock
from service_desk.desk import Desk
from service_desk.errors import BadValue
from service_desk.events import CardChanged, DeskEvent
from service_desk.model import Case, FollowUp
from service_desk.queries.customer_card import card_for_call
from service_desk.queries.customer_page import customer_page
from tests.service_desk.test_case_actions import arrive

AVA = Actor("ava", "agent", 1)


def calls_of(shown: Any) -> list[str]:
    return [each.call_id for each in shown.conversations]


@pytest.fixture
async def stranger(desk: Desk, clock: HandClock) -> list[int]:
    """Three calls of a number that nobody has; their cases' ids."""
    made = []
    for name in ("a", "b", "c"):
        made.append(await arrive(desk, name))
        clock.advance(600)
    return made


async def test_a_strangers_third_call_shows_the_two_before_and_what_they_left(
    desk: Desk, stranger: list[int]
) -> None:
    card = await card_for_call(desk, "c")
    assert card.customer is None
    assert calls_of(card) == ["b", "a"]
    assert [each.id for each in card.loose_cases] == [stranger[1], stranger[0]]


async def test_history_stays_when_a_stranger_becomes_a_customer(
    desk: Desk, stranger: list[int], told: list[DeskEvent]
) -> None:
    due = desk.clock.now() + timedelta(days=1)
    await follow_up.promise(desk, text="Call", due_at=due, case_id=stranger[0], by=AVA)
    mara = await customers.create_customer(desk, name="Mara", call_id="c", by=AVA)
    card = await card_for_call(desk, "c")
    assert calls_of(card) == ["b", "a"]
    assert [each.id for each in card.loose_cases] == [stranger[1], stranger[0]]
    assert [each.id for each in card.open_cases] == []
    told.clear()
    for again in (2, 0):
        assert await customers.take_along(desk, call_id="c", by=AVA) == again
    card = await card_for_call(desk, "c")
    assert calls_of(card) == ["b", "a"]
    assert card.loose_cases == ()
    assert {each.id for each in card.open_cases} == set(stranger[:2])
    assert "Call" in [each.text for each in card.promises]
    page = await customer_page(desk, mara)
    assert calls_of(page) == ["c", "b", "a"]
    assert len(page.cases) == 3
    assert {each.call_id for each in told if isinstance(each, CardChanged)} >= {"a", "b", "c"}
    whose = await desk.fetch(lambda c: c.scalars(select(FollowUp.customer_id)).all())
    assert whose == [mara]


async def test_nothing_comes_along_before_somebody_is_chosen(
    desk: Desk, stranger: list[int]
) -> None:
    with pytest.raises(BadValue):
        await customers.take_along(desk, call_id="c", by=AVA)
    assert await desk.fetch(lambda c: c.scalars(select(Case.customer_id)).all()) == [None] * 3


async def test_what_another_person_of_the_number_said_is_not_shown_and_does_not_come_along(
    desk: Desk, stranger: list[int]
) -> None:
    """A household: the number is both's, each call was one's."""
    mara = await customers.create_customer(desk, name="Mara", call_id="a", by=AVA)
    bo = await customers.create_customer(desk, name="Bo", call_id="c", by=AVA)
    assert calls_of(await card_for_call(desk, "c")) == ["b"]
    assert await customers.take_along(desk, call_id="c", by=AVA) == 1
    assert calls_of(await customer_page(desk, bo)) == ["c", "b"]
    assert calls_of(await customer_page(desk, mara)) == ["a"]


async def test_a_customer_on_another_line_has_both_histories(
    desk: Desk, stranger: list[int], clock: HandClock
) -> None:
    mara = await customers.create_customer(desk, name="Mara", phones=("030 901820",), by=SYSTEM)
    await arrive(desk, "own", "030901820")
    clock.advance(60)
    await arrive(desk, "new")
    await customers.choose_customer(desk, call_id="new", customer_id=mara, by=AVA)
    assert calls_of(await card_for_call(desk, "new")) == ["own", "c", "b", "a"]


async def test_hidden_callers_have_no_history_in_common(desk: Desk) -> None:
    await arrive(desk, "a", "anonymous")
    await arrive(desk, "b", "anonymous")
    card = await card_for_call(desk, "b")
    assert (card.conversations, card.loose_cases) == ((), ())
