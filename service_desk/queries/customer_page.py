"""The whole history of one customer on one page."""

from __future__ import annotations

from sqlalchemy import Connection

from service_desk import views
from service_desk.desk import Desk
from service_desk.errors import CustomerNotFound
from service_desk.model import Case, Conversation
from service_desk.offers.suggest import offers_for
from service_desk.queries import parts
from service_desk.queries.panels import Panels

MOST = 100


async def customer_page(
    desk: Desk, customer_id: int, *, language: str = "en"
) -> views.CustomerPage:
    """Raises CustomerNotFound."""
    return await desk.fetch(_read, desk, customer_id, language)


def _read(
    connection: Connection, desk: Desk, customer_id: int, language: str
) -> views.CustomerPage:
    panels = Panels(connection, "customer")
    customer = parts.customer(connection, customer_id, panels)
    if customer is None:
        raise CustomerNotFound("there is no such customer")
    whose = (connection, desk, customer_id)
    return views.CustomerPage(
        customer=customer,
        cases=panels.read("cases", (), _cases, *whose),
        conversations=panels.read("conversations", (), _calls, *whose),
        products=panels.read(
            "products", (), parts.products, connection, customer_id, language, MOST
        ),
        promises=panels.read(
            "promises", (), parts.promises_to, connection, customer_id, desk.clock.now()
        ),
        suggestion=panels.read(
            "offers",
            views.Suggestion(),
            offers_for,
            connection,
            desk,
            customer,
            language=language,
        ),
        missing=panels.missing,
    )


def _cases(connection: Connection, desk: Desk, customer_id: int) -> tuple[views.CaseBrief, ...]:
    rows = connection.execute(
        parts.CASES.where(Case.customer_id == customer_id, Case.status != "merged")
        .order_by(Case.opened_at.desc(), Case.id.desc())
        .limit(MOST)
    )
    return tuple(parts.brief_of_case(row, desk.settings.titles) for row in rows)


def _calls(
    connection: Connection, desk: Desk, customer_id: int
) -> tuple[views.ConversationBrief, ...]:
    rows = connection.execute(
        parts.CONVERSATIONS.where(Conversation.customer_id == customer_id)
        .order_by(Conversation.arrived_at.desc())
        .limit(MOST)
    ).all()
    return parts.conversations(connection, rows, desk.settings.titles)
