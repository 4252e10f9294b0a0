"""Whom the demo's customer phone may be: a handful of telephone numbers, each with its story.

Read at the start of a demo; an installation without demo data gets the unknown and the withheld.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import Connection, func, select

from service_desk.desk import Desk
from service_desk.model import Case, ContactPoint, Customer, CustomerWorth
from service_desk.offers.suggest import offers_for
from service_desk.queries import briefs
from service_desk.queries.panels import Panels

Story = Literal["offers", "complaint", "several", "chinese", "hostile", "unknown", "withheld"]

UNKNOWN = "+493023125999"  # out of the range set aside for fiction, and nobody's
LOOK_AT = 60  # customers, best first, until one has an offer


class DemoCaller(Struct, frozen=True, kw_only=True):
    """A number in E.164, "" for withheld; the names of those who have it; what to expect."""

    number: str
    names: tuple[str, ...] = ()
    story: Story


async def demo_callers(desk: Desk) -> tuple[DemoCaller, ...]:
    """As many of the stories as the data has, each with a number of its own."""
    return await desk.fetch(read_callers, desk)


def read_callers(connection: Connection, desk: Desk) -> tuple[DemoCaller, ...]:
    """`demo_callers` over a plain connection."""
    found: dict[str, DemoCaller] = {}
    for caller in _with_a_story(connection, desk):
        found.setdefault(caller.number, caller)
    return (
        *found.values(),
        DemoCaller(number=UNKNOWN, story="unknown"),
        DemoCaller(number="", story="withheld"),
    )


def _with_a_story(connection: Connection, desk: Desk) -> Iterator[DemoCaller]:
    alone = _alone().subquery()
    people = (
        select(Customer.id, Customer.name, Customer.language, alone.c.value)
        .join(alone, alone.c.customer_id == Customer.id)
        .outerjoin(CustomerWorth, briefs.WORTH_NOW)
        .where(
            ~Customer.do_not_contact,
            ~Customer.name.contains("<"),
            ~Customer.name.contains(";"),
        )
        .order_by(briefs.PERCENTILE.desc(), Customer.id)
        .limit(LOOK_AT)
    )
    yield from _first_with_offer(connection, desk, people.where(Customer.language == "en"))
    complaint = select(Case.customer_id).where(
        Case.kind == "complaint", Case.status.in_(briefs.OPEN)
    )
    yield from _one(connection, people.where(Customer.id.in_(complaint)), "complaint")
    yield from _shared(connection)
    chinese = people.where(Customer.language == "zh")
    yield from _first_with_offer(connection, desk, chinese, "chinese")
    hostile = (
        select(Customer.id, Customer.name, alone.c.value)
        .join(alone, alone.c.customer_id == Customer.id)
        .where(Customer.name.contains("<"))
        .order_by(Customer.id)
    )
    yield from _one(connection, hostile, "hostile")


def _alone() -> Any:
    """Numbers that exactly one customer has."""
    return (
        select(func.min(ContactPoint.customer_id).label("customer_id"), ContactPoint.value)
        .where(ContactPoint.kind == "phone")
        .group_by(ContactPoint.value)
        .having(func.count(ContactPoint.customer_id) == 1)
    )


def _one(connection: Connection, statement: Any, story: Story) -> Iterator[DemoCaller]:
    row = connection.execute(statement.limit(1)).first()
    if row is not None:
        yield DemoCaller(number=row.value, names=(row.name,), story=story)


def _first_with_offer(
    connection: Connection, desk: Desk, statement: Any, story: Story = "offers"
) -> Iterator[DemoCaller]:
    for row in connection.execute(statement).all():
        customer = briefs.customer(connection, row.id, Panels(connection, "phone"))
        if offers_for(connection, desk, customer, language="en").offers:
            yield DemoCaller(number=row.value, names=(row.name,), story=story)
            return


def _shared(connection: Connection) -> Iterator[DemoCaller]:
    """The number of several whose first customer came first."""
    number = connection.scalar(
        select(ContactPoint.value)
        .where(ContactPoint.kind == "phone")
        .group_by(ContactPoint.value)
        .having(func.count(ContactPoint.customer_id) > 1)
        .order_by(func.min(ContactPoint.customer_id))
        .limit(1)
    )
    if number is not None:
        rows = briefs.customers_of_number(connection, number)
        yield DemoCaller(number=number, names=tuple(row.name for row in rows), story="several")
