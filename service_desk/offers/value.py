"""What a customer is worth to us: weighted, then a place among all, then a step of the pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, structs
from sqlalchemy import Connection, case, func, select

from service_desk.generations import replace
from service_desk.jobs.work import Work
from service_desk.model import Customer, CustomerWorth, Purchase
from service_desk.model.base import table_of
from service_desk.settings import SegmentEdges, ValueWeights

READ: Final = 5_000  # customers in one look, in a snapshot of its own


class Dealings(Struct, frozen=True, kw_only=True):
    """What there has been between a customer and us. Money in minor units."""

    customer_id: int
    sales: float
    recent: float  # of the last year
    purchases: int
    days: float  # a customer for so long


class Worth(Struct, frozen=True, kw_only=True):
    """`percentile` 1..100, 100 is the best."""

    customer_id: int
    value: float
    percentile: int
    segment: str


def worths(dealings: Sequence[Dealings], weights: ValueWeights, edges: SegmentEdges) -> list[Worth]:
    """The worth of each. Each part is a rank from 0 to 1, so that no unit outweighs another."""
    parts = [
        (weights.sales, _ranks([each.sales for each in dealings])),
        (weights.recent, _ranks([each.recent for each in dealings])),
        (weights.frequency, _ranks([float(each.purchases) for each in dealings])),
        (weights.loyalty, _ranks([each.days for each in dealings])),
    ]
    total = sum(weight for weight, _ in parts) or 1.0
    values = [
        sum(weight * ranks[i] for weight, ranks in parts) / total for i in range(len(dealings))
    ]
    places = _ranks(values)
    return [
        Worth(
            customer_id=each.customer_id,
            value=round(value, 6),
            percentile=max(1, min(100, round(place * 99) + 1)),
            segment=segment_of(max(1, min(100, round(place * 99) + 1)), edges),
        )
        for each, value, place in zip(dealings, values, places, strict=True)
    ]


def segment_of(percentile: int, edges: SegmentEdges) -> str:
    """A, B, C or D."""
    if percentile >= edges.a:
        return "A"
    if percentile >= edges.b:
        return "B"
    return "C" if percentile >= edges.c else "D"


def _ranks(values: Sequence[float]) -> list[float]:
    """Each value's place from 0 to 1; equal values share the lowest place of theirs."""
    if len(values) < 2:
        return [0.0] * len(values)
    ordered = sorted(values)
    first: dict[float, int] = {}
    for place, value in enumerate(ordered):
        first.setdefault(value, place)
    return [first[value] / (len(values) - 1) for value in values]


async def refresh(work: Work) -> int:
    """Value all customers anew; how many."""
    settings, year = work.desk.settings, work.desk.clock.now() - timedelta(days=365)
    dealings: list[Dealings] = []
    while True:
        after = dealings[-1].customer_id if dealings else 0
        found = await work.read(_dealings, after, year, READ)
        dealings += found
        if len(found) < READ:
            break
    rows = (structs.asdict(each) for each in worths(dealings, settings.weights, settings.segments))
    return await replace(work, table_of(CustomerWorth), rows)


def _dealings(connection: Connection, after: int, year: datetime, most: int) -> list[Dealings]:
    """Of the customers that follow `after`; `year`: since when something is recent."""
    now = year + timedelta(days=365)
    some = select(Customer.id, Customer.since).where(Customer.id > after)
    some_of = some.order_by(Customer.id).limit(most).subquery()
    rows = connection.execute(
        select(
            some_of.c.id,
            some_of.c.since,
            func.coalesce(func.sum(Purchase.price), 0),
            func.coalesce(func.sum(case((Purchase.bought_at >= year, Purchase.price), else_=0)), 0),
            func.count(Purchase.id),
        )
        .outerjoin(Purchase, Purchase.customer_id == some_of.c.id)
        .group_by(some_of.c.id, some_of.c.since)
        .order_by(some_of.c.id)
    )
    return [
        Dealings(
            customer_id=row[0],
            sales=float(row[2]),
            recent=float(row[3]),
            purchases=row[4],
            days=0.0 if row[1] is None else (now - row[1]).total_seconds() / 86_400,
        )
        for row in rows
    ]
