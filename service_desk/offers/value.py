"""What a customer is worth to us: weighted, then a place among all, then a step of the pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, bindparam, case, func, select, update

from service_desk.desk import Desk
from service_desk.model import Customer, Purchase
from service_desk.settings import SegmentEdges, ValueWeights


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


async def refresh(desk: Desk) -> int:
    """Value all customers anew; how many."""
    return await desk.transact(
        value_customers, desk.clock.now(), desk.settings.weights, desk.settings.segments
    )


def value_customers(
    connection: Connection, now: datetime, weights: ValueWeights, edges: SegmentEdges
) -> int:
    """`refresh` over a plain connection."""
    year = now - timedelta(days=365)
    rows = connection.execute(
        select(
            Customer.id,
            Customer.since,
            func.coalesce(func.sum(Purchase.price), 0),
            func.coalesce(func.sum(case((Purchase.bought_at >= year, Purchase.price), else_=0)), 0),
            func.count(Purchase.id),
        )
        .outerjoin(Purchase, Purchase.customer_id == Customer.id)
        .group_by(Customer.id, Customer.since)
    ).all()
    dealings = [
        Dealings(
            customer_id=row[0],
            sales=float(row[2]),
            recent=float(row[3]),
            purchases=row[4],
            days=0.0 if row[1] is None else (now - row[1]).total_seconds() / 86_400,
        )
        for row in rows
    ]
    found = worths(dealings, weights, edges)
    if found:
        connection.execute(
            update(Customer)
            .where(Customer.id == bindparam("b_id"))
            .values(
                value=bindparam("b_value"),
                value_percentile=bindparam("b_percentile"),
                segment=bindparam("b_segment"),
            ),
            [
                {
                    "b_id": each.customer_id,
                    "b_value": each.value,
                    "b_percentile": each.percentile,
                    "b_segment": each.segment,
                }
                for each in found
            ],
        )
    return len(found)
