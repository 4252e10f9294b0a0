"""Whose a telephone number is, for a place that has room for a name alone."""

from __future__ import annotations

from sqlalchemy import Connection, select

from service_desk.desk import Desk
from service_desk.model import ContactPoint, Customer
from service_desk.phone_number import understand


async def whose_number(desk: Desk, number: str) -> str:
    """The name of the one customer who has this number; "" of none, and where several have it.

    Raises DatabaseAway.
    """
    return await desk.fetch(_read, understand(number, desk.settings.region).key)


def _read(connection: Connection, key: str) -> str:
    wanted = (
        select(Customer.name)
        .join(ContactPoint, ContactPoint.customer_id == Customer.id)
        .where(ContactPoint.value == key, ContactPoint.kind == "phone")
        .limit(2)
    )
    names = connection.scalars(wanted).all() if key else ()
    return str(names[0]) if len(names) == 1 else ""
