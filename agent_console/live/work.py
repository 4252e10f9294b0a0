"""Commands about customers and cases: the desk's own writes, told to every screen by the desk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from agent_console import reading, writing
from agent_console.access import require_call
from agent_console.context import ConsoleContext
from agent_console.live import schemas
from agent_console.live.presenting import Present
from agent_console.live.session import Session
from service_desk.actor import Actor
from service_desk.errors import DeskError
from service_desk.views import OfferView

log = structlog.get_logger(__name__)


def presenter(context: ConsoleContext) -> Present:
    """Keeps what a card offered."""

    async def present(call_id: str, offers: Sequence[OfferView], by: Actor) -> None:
        await writing.present(context, call_id, offers, by=by)

    return present


async def choose_customer(session: Session, command: schemas.Choose) -> dict[str, Any]:
    """One of the candidates is the caller; None: none of them."""
    _must_be_mine(session, command.call_id)
    await writing.choose_customer(
        session.context, command.call_id, command.customer_id, by=session.actor
    )
    return {}


async def take_along(session: Session, command: schemas.OnCall) -> dict[str, Any]:
    """The cases of this number that are nobody's are the caller's."""
    _must_be_mine(session, command.call_id)
    taken = await writing.take_along(session.context, command.call_id, by=session.actor)
    return {"cases": taken}


async def new_customer(session: Session, command: schemas.NewCustomer) -> dict[str, Any]:
    """Make a customer and say that they are the caller."""
    _must_be_mine(session, command.call_id)
    customer_id = await writing.create_customer(
        session.context,
        name=command.name,
        kind=command.kind,
        organisation=command.organisation,
        city=command.city,
        language=command.language,
        phone=command.phone,
        email=command.email,
        call_id=command.call_id,
        by=session.actor,
    )
    return {"customer_id": customer_id}


async def note(session: Session, command: schemas.Note) -> dict[str, Any]:
    """Add a note; its draft is forgotten."""
    await writing.note(session.context, command.case_id, command.text, by=session.actor)
    return {}


async def disposition(session: Session, command: schemas.Disposition) -> dict[str, Any]:
    """Say how the call ended."""
    await writing.disposition(
        session.context,
        command.case_id,
        command.code,
        call_id=command.call_id,
        by=session.actor,
    )
    return {}


async def status(session: Session, command: schemas.Status) -> dict[str, Any]:
    """Move the case."""
    await writing.status(session.context, command.case_id, command.status, by=session.actor)
    return {}


async def priority(session: Session, command: schemas.CasePriority) -> dict[str, Any]:
    """Say how urgent it is."""
    await writing.priority(session.context, command.case_id, command.priority, by=session.actor)
    return {}


async def subject(session: Session, command: schemas.Subject) -> dict[str, Any]:
    """Say what it is about."""
    await writing.subject(session.context, command.case_id, command.subject, by=session.actor)
    return {}


async def follow_up(session: Session, command: schemas.FollowUp) -> dict[str, Any]:
    """Promise something, with a due time."""
    made = await writing.follow_up(
        session.context, command.case_id, command.text, command.due_at, by=session.actor
    )
    return {"follow_up_id": made}


async def file_under(session: Session, command: schemas.FileUnder) -> dict[str, Any]:
    """The call belongs to a case that is open already."""
    _must_be_mine(session, command.call_id)
    await writing.file_under(session.context, command.call_id, command.case_id, by=session.actor)
    return {}


async def resolve(session: Session, command: schemas.Resolve) -> dict[str, Any]:
    """It is done."""
    await writing.resolve(session.context, command.case_id, by=session.actor)
    return {}


async def offer_outcome(session: Session, command: schemas.Outcome) -> dict[str, Any]:
    """What became of an offer."""
    _must_be_mine(session, command.call_id)
    card = session.screens.cards.any(command.call_id)
    offers = card.suggestion.offers if card is not None else ()
    await writing.offer_outcome(
        session.context,
        command.call_id,
        command.product_id,
        command.outcome,
        shown=[offer for offer in offers if offer.product_id == command.product_id],
        by=session.actor,
    )
    return {}


async def forget_last(session: Session, _command: schemas.Nothing) -> dict[str, Any]:
    """Done with the call just had."""
    session.screens.forget_last(session.viewer.user)
    return {}


async def draft(session: Session, command: schemas.Draft) -> dict[str, Any]:
    """Keep what is being typed; an empty text forgets it."""
    await writing.draft(session.context, command.key, command.text, by=session.actor)
    return {}


async def drafts(session: Session) -> dict[str, dict[str, Any]]:
    """The section `draft` of the desk's snapshot."""
    return {"draft": await reading.drafts(session.context, session.viewer.user)}


async def watched(session: Session) -> None:
    """Who watches the floor sees who calls: kept, but a database that is away hides no board."""
    try:
        await writing.board_watched(session.context, "live", by=session.actor)
    except DeskError as error:
        log.warning("live.watching_not_kept", error=type(error).__name__, user=session.viewer.user)


def _must_be_mine(session: Session, call_id: str) -> None:
    require_call(session.viewer, session.screens.agents_of(call_id))
