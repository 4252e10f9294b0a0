"""Counting what is bought together: anew now and then, never while a card is built."""

from __future__ import annotations

from sqlalchemy import Connection, delete, distinct, func, insert, select

from service_desk.desk import Desk
from service_desk.model import PairCount, Purchase


async def refresh(desk: Desk) -> int:
    """Count all pairs anew in one transaction; how many there are."""
    return await desk.transact(count_pairs)


def count_pairs(connection: Connection) -> int:
    """`refresh` over a plain connection."""
    held = select(Purchase.customer_id, Purchase.product_id).distinct()
    first, second = held.subquery("first"), held.subquery("second")
    buyers = {
        row[0]: row[1]
        for row in connection.execute(
            select(Purchase.product_id, func.count(distinct(Purchase.customer_id))).group_by(
                Purchase.product_id
            )
        )
    }
    pairs = connection.execute(
        select(first.c.product_id, second.c.product_id, func.count())
        .join(second, second.c.customer_id == first.c.customer_id)
        .where(first.c.product_id != second.c.product_id)
        .group_by(first.c.product_id, second.c.product_id)
    ).all()
    connection.execute(delete(PairCount))
    rows = [
        {"first_id": one, "second_id": two, "have_first": buyers[one], "have_both": both}
        for one, two, both in pairs
    ]
    if rows:
        connection.execute(insert(PairCount), rows)
    return len(rows)
