"""Offers: gates first, then what goes together; and what customers are worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from service_desk.actions import case as cases
from service_desk.actions import customer as customers
from service_desk.actor import SYSTEM
from service_desk.demo_people import load_catalogue
from service_desk.desk import Desk
from service_desk.jobs.work import Work
from service_desk.model import PairCount, Product, Purchase
from service_desk.offers import gates, value
from service_desk.offers.counts import refresh
from service_desk.offers.score import Pair, best, reason, score
from service_desk.offers.value import Dealings, worths
from service_desk.queries.customer_page import customer_page
from service_desk.queries.search import search
from service_desk.settings import DeskSettings, OfferSettings, SegmentEdges, ValueWeights

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def standing(**changes: object) -> gates.Standing:
    usual = {"do_not_contact": False, "open_complaint": False, "owned": frozenset({1})}
    return gates.Standing(**{**usual, **changes})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"do_not_contact": True}, "do_not_contact"),
        ({"open_complaint": True}, "open_complaint"),
        ({"owned": frozenset()}, "nothing_held"),
    ],
)
def test_gates(changes: dict[str, object], why: str | None) -> None:
    """Each gate closes for its own reason, said in both languages."""
    assert gates.closed(standing(**changes), OfferSettings()) == why
    if why is not None:
        assert gates.none_because(why, "en") != gates.none_because(why, "zh")


def test_offers_may_be_switched_off() -> None:
    """The module is off: nothing is offered to anybody."""
    assert gates.closed(standing(), OfferSettings(enabled=False)) == "off"


def test_a_no_is_respected_for_a_while() -> None:
    """Declined rests long, later rests short, not presented not at all."""
    answers = [
        (1, "declined", NOW - timedelta(days=89)),
        (2, "declined", NOW - timedelta(days=91)),
        (3, "later", NOW - timedelta(days=13)),
        (4, "later", NOW - timedelta(days=15)),
        (5, "not_presented", NOW),
    ]
    assert gates.resting(answers, NOW, OfferSettings()) == {1, 3}


def test_few_counts_prove_nothing() -> None:
    """Three of three is worth less than two hundred of four hundred."""
    few = Pair(first_id=1, second_id=2, have_first=3, have_both=3)
    many = Pair(first_id=1, second_id=3, have_first=400, have_both=200)
    assert score(few) < score(many)
    assert best([few, many], not_these=frozenset(), least=5, most=3) == [many]


def test_the_reason_has_its_counts() -> None:
    """As a person would say it, with thousands separated."""
    pair = Pair(first_id=1, second_id=2, have_first=1040, have_both=212)
    assert reason(pair, "X", "Y", "en") == "212 of 1,040 who have X also have Y"
    assert "1,040" in reason(pair, "X", "Y", "zh")


pairs = st.builds(
    Pair,
    first_id=st.integers(1, 5),
    second_id=st.integers(1, 9),
    have_first=st.integers(10, 500),
    have_both=st.integers(0, 10),
)


@given(st.lists(pairs, max_size=30), st.sets(st.integers(1, 9)))
def test_best_is_stable_and_respects_what_is_owned(found: list[Pair], owned: set[int]) -> None:
    """At most three, each product once, none owned, and order of the input does not matter."""
    chosen = best(found, not_these=frozenset(owned), least=2, most=3)
    assert len(chosen) <= 3
    seconds = [pair.second_id for pair in chosen]
    assert len(set(seconds)) == len(seconds)
    assert not owned & set(seconds)
    again = best(reversed(found), not_these=frozenset(owned), least=2, most=3)
    assert [score(each) for each in again] == [score(each) for each in chosen]


async def test_offers_follow_the_counts(desk: Desk) -> None:
    """Counted from purchases; the reason says the counts; an open complaint stops all of it."""
    await desk.transact(load_catalogue)
    ids = [
        await customers.create_customer(desk, name=f"C{number}", by=SYSTEM) for number in range(8)
    ]
    by_sku = await desk.fetch(
        lambda c: {row.sku: row.id for row in c.execute(select(Product.sku, Product.id))}
    )
    rows = [(each, "PR-B1") for each in ids] + [(each, "TN-B") for each in ids[1:7]]
    async with desk.engine.begin() as connection:
        await connection.execute(
            insert(Purchase),
            [
                {
                    "customer_id": who,
                    "product_id": by_sku[sku],
                    "bought_at": NOW,
                    "price": 100,
                    "currency": "EUR",
                }
                for who, sku in rows
            ],
        )
    assert await refresh(Work(desk)) == 2
    counted = await desk.fetch(lambda c: c.execute(select(PairCount)).all())
    assert {(each.have_first, each.have_both) for each in counted} == {(8, 6), (6, 6)}
    [offer] = (await customer_page(desk, ids[0])).suggestion.offers
    assert offer.sku == "TN-B"
    assert offer.reason == "6 of 8 who have Laser printer B1 also have Toner, black"
    owner = (await customer_page(desk, ids[1])).suggestion
    assert (owner.offers, owner.none_because) == ((), "nothing that goes with what they have")
    complaint = await cases.open_case(
        desk, subject="x", kind="complaint", customer_id=ids[0], by=SYSTEM
    )
    assert (await customer_page(desk, ids[0])).suggestion.none_because == "open complaint"
    await cases.resolve(desk, case_id=complaint, by=SYSTEM)
    assert (await customer_page(desk, ids[0], language="zh")).suggestion.offers
    desk.settings = DeskSettings(offers=OfferSettings(enabled=False))
    off = (await customer_page(desk, ids[0])).suggestion
    assert off.none_because == "offers are switched off"


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 50), st.integers(0, 4000)
        ),
        max_size=60,
    )
)
def test_worth_is_a_place_among_all(dealings: list[tuple[int, int, int, int]]) -> None:
    """1 to 100; more of everything is never worth less."""
    found = worths(
        [
            Dealings(customer_id=n, sales=s, recent=r, purchases=p, days=d)
            for n, (s, r, p, d) in enumerate(dealings)
        ],
        ValueWeights(),
        SegmentEdges(),
    )
    for each in found:
        assert 1 <= each.percentile <= 100
        assert each.segment in "ABCD"
    for one, mine in zip(found, dealings, strict=True):
        for other, theirs in zip(found, dealings, strict=True):
            if all(a >= b for a, b in zip(mine, theirs, strict=True)):
                assert one.percentile >= other.percentile


async def test_customers_are_valued(desk: Desk) -> None:
    """The best of all is an A, and the card says so."""
    ids = [
        await customers.create_customer(desk, name=f"C{number}", by=SYSTEM) for number in range(30)
    ]
    await desk.transact(load_catalogue)
    async with desk.engine.begin() as connection:
        await connection.execute(
            insert(Purchase),
            {
                "customer_id": ids[7],
                "product_id": 1,
                "bought_at": NOW,
                "price": 10**6,
                "currency": "EUR",
            },
        )
    assert await value.refresh(Work(desk)) == 30
    brief = (await customer_page(desk, ids[7])).customer
    assert (brief.segment, brief.value_percentile) == ("A", 100)
    # Of whoever bought nothing a place in the pyramid says nothing, wherever they are shown.
    assert brief.bought
    assert not (await customer_page(desk, ids[8])).customer.bought
    [found] = (await search(desk, "C8")).customers
    assert not found.bought
