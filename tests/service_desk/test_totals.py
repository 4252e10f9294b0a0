"""What is listed says how many there are, and not only how many of them are shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from service_desk.actions import case as cases
from service_desk.actions import customer as customers
from service_desk.actor import SYSTEM, Actor
from service_desk.desk import Desk
from service_desk.model import (
    Case,
    CaseEntry,
    ContactPoint,
    Conversation,
    Customer,
    FollowUp,
    Product,
    Purchase,
)
from service_desk.queries.agenda import today
from service_desk.queries.case_page import case_by_id, case_page
from service_desk.queries.customer_card import card_for_call
from service_desk.queries.customer_page import customer_page
from service_desk.queries.search import search
from tests.service_desk.test_case_actions import NUMBER, arrive

AVA = Actor("ava", "agent", 1)
MANY = 211


@pytest.fixture
async def busy(desk: Desk) -> int:
    """A customer with 211 of everything, and a call, `now`; its case's id."""
    who = await customers.create_customer(desk, name="Mara", phones=(NUMBER,), by=SYSTEM)
    case_id = await arrive(desk, "now")
    now = desk.clock.now()
    some = range(MANY)

    def each(**row: Any) -> list[dict[str, Any]]:
        return [{k: v(n) if callable(v) else v for k, v in row.items()} for n in some]

    before = {"arrived_at": lambda n: now - timedelta(hours=n + 1), "direction": "inbound"}
    rows: list[tuple[Any, list[dict[str, Any]]]] = [
        (Conversation, each(call_id=lambda n: f"c{n}", customer_id=who, case_id=case_id, **before)),
        (CaseEntry, each(case_id=case_id, at=now, kind="note", actor="ava", text="x", data={})),
        (Case, each(year=2026, subject="Kettle", customer_id=who, opened_at=now, status="open")),
        (
            FollowUp,
            each(text="x", due_at=now, owner="ava", case_id=case_id, customer_id=who,
                 made_by="ava", made_at=now),
        ),
        (ContactPoint, each(customer_id=who, kind="email", value=lambda n: f"{n}@x.example")),
        (Product, each(sku=lambda n: f"K{n}", name_en="K", price=1, currency="EUR")),
        (Customer, each(name="Mara", name_key="mara", created_at=now, changed_at=now)),
    ]  # fmt: skip
    async with desk.write(by=SYSTEM) as uow:
        for noun, values in rows:
            await uow.execute(insert(noun), values)
        products = (await uow.execute(select(Product.id))).scalars().all()
        bought = {"customer_id": who, "bought_at": now, "price": 1, "currency": "EUR"}
        await uow.execute(insert(Purchase), [{**bought, "product_id": each} for each in products])
        others = (await uow.execute(select(Customer.id).where(Customer.id != who))).scalars()
        point = {"kind": "phone", "value": "+493023125001", "raw": ""}
        await uow.execute(insert(ContactPoint), [{**point, "customer_id": each} for each in others])
    await customers.choose_customer(desk, call_id="now", customer_id=who, by=AVA)
    return case_id


async def test_a_card_says_how_many_there_are(desk: Desk, busy: int) -> None:
    card = await card_for_call(desk, "now")
    entries = await desk.fetch(lambda c: len(c.execute(select(CaseEntry.id)).all()))
    assert entries > MANY
    assert card.totals == {
        "candidates": MANY + 1,
        "contacts": MANY + 1,
        "cases": MANY,
        "timeline": entries,
        "conversations": MANY,
        "products": MANY,
        "promises": MANY,
    }
    assert (len(card.conversations), len(card.timeline), len(card.products)) == (8, 30, 20)
    assert card.missing == ()


async def test_a_list_that_is_whole_costs_no_count(desk: Desk) -> None:
    await customers.create_customer(desk, name="Mara", phones=(NUMBER,), by=SYSTEM)
    await arrive(desk, "a")
    await arrive(desk, "b")
    card = await card_for_call(desk, "b")
    assert (card.totals["conversations"], card.totals["timeline"]) == (1, len(card.timeline))
    assert card.totals["products"] == 0


async def test_a_customers_page_says_how_many_there_are_and_shows_more(
    desk: Desk, busy: int
) -> None:
    page = await customer_page(desk, 1)
    assert page.totals == {
        "contacts": MANY + 1,
        "cases": MANY + 1,
        "conversations": MANY + 1,
        "products": MANY,
        "promises": MANY,
    }
    assert (len(page.cases), len(page.conversations)) == (100, 100)
    whole = await customer_page(desk, 1, times=3)
    assert (len(whole.cases), len(whole.conversations)) == (MANY + 1, MANY + 1)


async def test_a_cases_page_says_how_many_there_are_and_shows_more(desk: Desk, busy: int) -> None:
    for _ in range(60):
        goes = await cases.open_case(desk, subject="x", customer_id=1, by=SYSTEM)
        async with desk.write(by=SYSTEM) as uow:
            await uow.execute(
                Case.__table__.update().where(Case.id == goes).values(merged_into=busy)
            )
    page = await case_by_id(desk, busy)
    assert (len(page.conversations), page.totals["conversations"]) == (50, MANY + 1)
    assert (len(page.promises), page.totals["promises"]) == (50, MANY)
    assert (len(page.joined), page.totals["joined"]) == (50, 60)
    assert page.totals["timeline"] == len(page.timeline)
    whole = await case_page(desk, page.case.number, times=5)
    assert (len(whole.conversations), len(whole.promises)) == (MANY + 1, MANY)


async def test_a_search_says_how_many_fit(desk: Desk, busy: int) -> None:
    people, matters = await search(desk, "mara"), await search(desk, "kettle")
    assert (len(people.customers), people.customers_total) == (20, MANY + 1)
    assert (len(matters.cases), matters.cases_total) == (20, MANY)


async def test_a_day_says_how_many_promises_there_are(desk: Desk, busy: int) -> None:
    assert (await today(desk, "ava")).promises == MANY
