"""The demo company: complete, believable in structure, and the same every time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from service_desk.actions.staff import sign_in
from service_desk.bulk import fill, number_of
from service_desk.demo import load_demo
from service_desk.demo_people import SHARED
from service_desk.demo_words import in_office_hours
from service_desk.desk import Desk
from service_desk.model import (
    Case,
    ContactPoint,
    Conversation,
    Customer,
    CustomerWorth,
    FollowUp,
    Leg,
    Product,
)
from service_desk.queries.customer_card import card_for_call
from service_desk.queries.staff import staff_list

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


async def test_the_demo_company(desk: Desk) -> None:
    """300 customers, 40 products, 2,000 cases, one per call; loading again changes nothing."""
    loaded = await load_demo(desk, now=NOW, passwords={"ava": "long enough"})
    assert (loaded.customers, loaded.products, loaded.cases) == (300, 40, 2000)
    again = await load_demo(desk, now=NOW, passwords={"ava": "long enough"})
    assert again.customers == 0

    def read(connection: Any) -> dict[str, int]:
        run = connection.execute
        return {
            "customers": run(select(func.count(Customer.id))).scalar_one(),
            "products": run(select(func.count(Product.id))).scalar_one(),
            "cases": run(select(func.count(Case.id))).scalar_one(),
            "calls": run(select(func.count(Conversation.call_id))).scalar_one(),
            "open": run(select(func.count(Case.id)).where(Case.status != "resolved")).scalar_one(),
            "future": run(
                select(func.count(Conversation.call_id)).where(Conversation.ended_at > NOW)
            ).scalar_one(),
            "sharing": run(
                select(func.count(ContactPoint.id)).where(ContactPoint.value == SHARED)
            ).scalar_one(),
            "promises": run(select(func.count(FollowUp.id))).scalar_one(),
            "answered": run(
                select(func.count(Conversation.call_id)).where(Conversation.outcome == "answered")
            ).scalar_one(),
            "talked": run(
                select(func.count(Conversation.call_id)).where(Conversation.talked > 10)
            ).scalar_one(),
            "consulted": run(select(func.count(Leg.leg_id)).where(Leg.consulted > 0)).scalar_one(),
            "tops": run(select(func.count()).where(CustomerWorth.segment == "A")).scalar_one(),
        }

    found = await desk.fetch(read)
    assert (found["customers"], found["products"]) == (300, 40)
    assert found["cases"] == found["calls"] == 2000
    assert 20 < found["open"] < 200
    assert found["future"] == 0
    assert found["talked"] == found["answered"] > 1000
    assert found["consulted"] == 0
    assert found["sharing"] == 3
    assert found["promises"] > 5
    assert 5 < found["tops"] < 30
    assert {each.name for each in await staff_list(desk)} == {"ava", "ben", "carla", "sam", "alex"}
    signed = await sign_in(desk, name="ava", password="long enough", address="x")
    assert signed.actor.role == "agent"
    card = await card_for_call(desk, "demo-000001", language="zh")
    assert card.customer is not None
    assert card.path
    assert card.timeline


async def test_a_large_database_is_filled(desk: Desk) -> None:
    """The filler's rows make a card like any other, and new cases get new numbers."""
    await fill(desk.engine, customers=200, conversations=1000)
    card = await card_for_call(desk, "bulk-7")
    assert card.customer is not None
    assert card.number == number_of(card.customer.id)
    assert len(card.conversations) == 4
    assert card.products
    assert card.case is not None
    later = NOW + timedelta(days=1)
    async with desk.engine.begin() as connection:
        await connection.execute(
            Case.__table__.insert(), {"year": 2026, "opened_at": later, "subject": "x"}
        )


def test_nobody_promises_a_call_in_the_night() -> None:
    """Whenever the demo is tried: promises are due that day, in office hours, on a quarter."""
    for hour in range(24):
        due = in_office_hours(NOW.replace(hour=hour, minute=52, second=9))
        assert due.date() == NOW.date()
        assert 8 <= due.hour < 17
        assert (due.minute, due.second) == (45, 0)
