"""The whole history of one customer on one page."""

from __future__ import annotations

from sqlalchemy import Connection

from service_desk import views
from service_desk.desk import Desk
from service_desk.errors import CustomerNotFound
from service_desk.model import Case, Conversation
from service_desk.offers.suggest import offers_for
from service_desk.queries import parts

MOST = 100


async def customer_page(
    desk: Desk, customer_id: int, *, language: str = "en"
) -> views.CustomerPage:
    """Raises CustomerNotFound."""
    return await desk.fetch(_read, desk, customer_id, language)


def _read(
    connection: Connection, desk: Desk, customer_id: int, language: str
) -> views.CustomerPage:
    customer = parts.customer(connection, customer_id)
    if customer is None:
        raise CustomerNotFound("there is no such customer")
    cases = connection.execute(
        parts.CASES.where(Case.customer_id == customer_id, Case.status != "merged")
        .order_by(Case.opened_at.desc(), Case.id.desc())
        .limit(MOST)
    )
    calls = connection.execute(
        parts.CONVERSATIONS.where(Conversation.customer_id == customer_id)
        .order_by(Conversation.arrived_at.desc())
        .limit(MOST)
    ).all()
    now = desk.clock.now()
    promises = connection.execute(parts.PROMISES_TO, {"customer_id": customer_id})
    return views.CustomerPage(
        customer=customer,
        cases=tuple(parts.brief_of_case(row, desk.settings.titles) for row in cases),
        conversations=parts.conversations(connection, calls, desk.settings.titles),
        products=parts.products(connection, customer_id, language, MOST),
        promises=tuple(parts.promise(row, now) for row in promises),
        suggestion=offers_for(connection, desk, customer, language=language),
    )
