"""No side panel takes the page: what cannot be read is missing, said so and logged; the rest stays.

The table that a panel alone is read from is taken away, as a migration that was not run would.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from structlog.testing import capture_logs

from cti import events as e
from service_desk import bounded
from service_desk.actions.customer import create_customer
from service_desk.actor import SYSTEM
from service_desk.desk import Desk
from service_desk.errors import DatabaseAway
from service_desk.intake import Intake
from service_desk.model import Product, Purchase
from service_desk.queries import customer_card, customer_page, dealings, panels
from service_desk.queries.case_page import case_by_id
from service_desk.queries.customer_card import card_for_call
from service_desk.queries.search import search

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NUMBER = "+49301234567"


@pytest.fixture
async def known(desk: Desk) -> int:
    """A customer whose call is answered; their id."""
    made = await create_customer(desk, name="Mara Lindt", phones=(NUMBER,), by=SYSTEM)
    intake = Intake(desk)
    await intake.start()
    same: dict[str, Any] = {"at": NOW, "system": "s", "call_id": "a"}
    for fact in (
        e.CallArrived(
            **same, leg_id="in", channel="PJSIP/t-1", direction="inbound",
            caller_number=NUMBER, caller_name="Mara", dialed="2000",
        ),
        e.CallQueued(**same, queue="support", position=1, leg_id="in"),
        e.LegStarted(
            **same, leg_id="l", channel="PJSIP/a-1", party="agent", address="ava", agent="ava"
        ),
        e.CallAnswered(**same, agent="ava", leg_id="l", queue="support", waited=4.0),
    ):  # fmt: skip
        intake.take(fact)
    await intake.settled()
    await intake.stop()
    return made


async def without(desk: Desk, table: str) -> None:
    async with desk.engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE {table} RENAME TO away_{table}"))


CARD = {
    "pair_count": {"offers"},
    "customer_worth": {"worth"},
    "presentation": {"offers"},
    "contact_point": {"candidates", "worth", "contacts"},
    "case_entry": {"timeline"},
    "recording": {"conversations"},
    "purchase": {"worth", "products", "offers"},
    "follow_up": {"promises"},
}


@pytest.mark.parametrize("table", CARD)
async def test_a_card_comes_without_the_panel_that_cannot_be_read(
    desk: Desk, known: int, table: str
) -> None:
    if table in ("recording", "pair_count"):
        await prepare(desk, known)
    whole = await card_for_call(desk, "a")
    assert whole.missing == ()
    await without(desk, table)
    with capture_logs() as logs:
        card = await card_for_call(desk, "a")
    assert set(card.missing) == CARD[table]
    assert card.customer is not None
    assert card.customer.name == "Mara Lindt"
    assert card.case == whole.case
    for panel in {"timeline", "conversations", "products", "promises"} - CARD[table]:
        assert getattr(card, panel) == getattr(whole, panel)
    logged = [each for each in logs if each["event"] == "panel.missing"]
    assert {each["panel"] for each in logged} == CARD[table]
    assert all(".py:" in each["error"] and NUMBER not in str(each) for each in logged)


async def prepare(desk: Desk, customer_id: int) -> None:
    """Something bought, and a call before: else pairs and recordings are not asked for."""
    async with desk.write(by=SYSTEM) as uow:
        product = {"id": 1, "sku": "K", "name_en": "Kettle", "price": 1, "currency": "EUR"}
        await uow.execute(insert(Product), product)
        bought = {"customer_id": customer_id, "product_id": 1, "bought_at": NOW}
        await uow.execute(insert(Purchase), {**bought, "price": 1, "currency": "EUR"})
    intake = Intake(desk)
    await intake.start()
    at = NOW - timedelta(days=1)
    intake.take(
        e.CallArrived(
            at=at, system="s", call_id="before", leg_id="b", channel="PJSIP/t-2",
            direction="inbound", caller_number=NUMBER, caller_name="", dialed="2000",
        )
    )  # fmt: skip
    await intake.settled()
    await intake.stop()


@pytest.mark.parametrize("table", ["pair_count", "customer_worth", "follow_up", "recording"])
async def test_a_customers_page_comes_without_what_cannot_be_read(
    desk: Desk, known: int, table: str
) -> None:
    await prepare(desk, known)
    await without(desk, table)
    page = await customer_page.customer_page(desk, known)
    assert set(page.missing) == CARD[table]
    assert (page.customer.name, len(page.cases)) == ("Mara Lindt", 2)


@pytest.mark.parametrize(
    ("table", "panel"),
    [
        ("leg", "legs"),
        ("conversation_facts", "legs"),
        ("case_entry", "timeline"),
        ("follow_up", "promises"),
        ("customer_worth", "worth"),
        ("recording", "conversations"),
    ],
)
async def test_a_cases_page_comes_without_what_cannot_be_read(
    desk: Desk, known: int, table: str, panel: str
) -> None:
    case = (await card_for_call(desk, "a")).case
    assert case is not None
    await without(desk, table)
    page = await case_by_id(desk, case.id)
    assert page.missing == (panel,)
    assert page.case.number == case.number


async def test_people_are_found_though_nobody_knows_what_they_are_worth(
    desk: Desk, known: int
) -> None:
    await without(desk, "customer_worth")
    [found] = (await search(desk, "Mara")).customers
    assert (found.id, found.segment) == (known, "")


async def test_whatever_goes_wrong_in_a_panel_is_its_own(
    desk: Desk, known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the database's errors alone: a bug in what makes the words is no better."""

    def broken(*_args: object, **_more: object) -> None:
        raise KeyError("a customer's words")

    monkeypatch.setattr(dealings, "timeline", broken)
    monkeypatch.setattr(customer_card, "offers_for", broken)
    with capture_logs() as logs:
        card = await card_for_call(desk, "a")
    assert card.missing == ("timeline", "offers")
    assert "customer's words" not in str(logs)


async def test_without_its_subject_there_is_no_card(desk: Desk, known: int) -> None:
    await without(desk, "service_case")
    with pytest.raises((DatabaseAway, ProgrammingError)):  # SQLite cannot tell the two apart
        await card_for_call(desk, "a")


ENDLESS = """
    WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i > 0)
    SELECT count(*) FROM n WHERE i < 0
"""


def _endless(connection: Connection, *_asked: Any) -> Any:
    """A panel that hangs: its query comes to no end."""
    return connection.execute(text(ENDLESS)).all()


async def test_a_panel_that_hangs_takes_its_own_time_and_no_more(
    desk: Desk, known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the page is there, and the connection serves whoever comes next."""
    monkeypatch.setattr(panels, "PANEL_SECONDS", 0.3)
    whole = await customer_page.customer_page(desk, known)
    monkeypatch.setattr(dealings, "products", _endless)
    began = time.monotonic()
    with capture_logs() as logs:
        page = await customer_page.customer_page(desk, known)
    assert 0.3 <= time.monotonic() - began < 3
    assert page.missing == ("products",)
    assert (page.cases, page.conversations) == (whole.cases, whole.conversations)
    assert [line["panel"] for line in logs if line["event"] == "panel.missing"] == ["products"]
    monkeypatch.undo()
    assert await customer_page.customer_page(desk, known) == whole


async def test_panels_that_all_hang_leave_the_page_its_time(
    desk: Desk, known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_card, "CARD_SECONDS", 0.4)
    for name in ("products", "promises_to", "timeline"):
        monkeypatch.setattr(dealings, name, _endless)
    began = time.monotonic()
    card = await card_for_call(desk, "a")
    assert time.monotonic() - began < 3
    assert {"products", "promises", "timeline"} <= set(card.missing)
    assert card.customer is not None


async def test_a_read_aside_that_hangs_is_broken_off(desk: Desk) -> None:
    token = bounded.READ_SECONDS.set(0.2)
    try:
        began = time.monotonic()
        with pytest.raises((DBAPIError, DatabaseAway)):
            await desk.fetch(_endless)
        assert time.monotonic() - began < 3
    finally:
        bounded.READ_SECONDS.reset(token)


async def test_a_panels_bound_leaves_the_one_around_it(desk: Desk) -> None:
    def read(connection: Connection) -> None:
        with bounded.bound(connection, 0.05):
            connection.execute(text("SELECT 1"))
        _endless(connection)

    token = bounded.READ_SECONDS.set(0.4)
    try:
        began = time.monotonic()
        with pytest.raises((DBAPIError, DatabaseAway)):
            await desk.fetch(read)
        assert time.monotonic() - began < 3
    finally:
        bounded.READ_SECONDS.reset(token)
