"""The whole history of one customer on one page."""

from __future__ import annotations

from sqlalchemy import BindParameter, Connection, bindparam

from service_desk import views
from service_desk.desk import Desk
from service_desk.errors import CustomerNotFound
from service_desk.model import Case, Conversation
from service_desk.offers.suggest import offers_for
from service_desk.queries import briefs, dealings
from service_desk.queries.lists import Lists
from service_desk.queries.panels import Panels

MOST = 100

_WHOSE: BindParameter[int] = bindparam("customer_id")
_CASES = briefs.CASES.where(Case.customer_id == _WHOSE, Case.status != "merged").order_by(
    Case.opened_at.desc(), Case.id.desc()
)
_CALLS = dealings.CONVERSATIONS.where(Conversation.customer_id == _WHOSE).order_by(
    Conversation.arrived_at.desc()
)


async def customer_page(
    desk: Desk, customer_id: int, *, language: str = "en", times: int = 1
) -> views.CustomerPage:
    """`times`: so many times as much of each kind; how many there are stands in `totals`.

    Raises CustomerNotFound.
    """
    return await desk.fetch(_read, desk, customer_id, language, MOST * times)


def _read(
    connection: Connection, desk: Desk, customer_id: int, language: str, most: int
) -> views.CustomerPage:
    panels = Panels(connection, "customer")
    customer = briefs.customer(connection, customer_id, panels)
    if customer is None:
        raise CustomerNotFound("there is no such customer")
    whose = {"customer_id": customer_id}
    lists = Lists(connection, desk, language, panels)
    return views.CustomerPage(
        customer=customer,
        cases=lists.cases(most, _CASES, whose),
        conversations=lists.conversations(most, _CALLS, whose),
        products=lists.products(most, customer_id),
        promises=lists.promises_to(most, customer_id),
        suggestion=panels.read(
            "offers",
            views.Suggestion(),
            offers_for,
            connection,
            desk,
            customer,
            language=language,
        ),
        totals=panels.totals,
        missing=panels.missing,
    )
