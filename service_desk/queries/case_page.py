"""Everything about one case."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from service_desk import views
from service_desk.case_number import Named, case_named, case_number
from service_desk.desk import Desk
from service_desk.errors import CaseNotFound
from service_desk.model import Case, Conversation, FollowUp
from service_desk.queries import parts
from service_desk.queries.legs import legs_of
from service_desk.queries.panels import Panels

MOST_CALLS = 50
MOST_TIMELINE = 500


async def case_page(desk: Desk, number: str, *, language: str = "en") -> views.CasePage:
    """The case by its number ("C-2026-004711", "4711"). Raises CaseNotFound."""
    named = case_named(number)
    if named is None:
        raise CaseNotFound("that is no case number")
    return await desk.fetch(_read_named, desk, named, language)


async def case_by_id(desk: Desk, case_id: int, *, language: str = "en") -> views.CasePage:
    """The same by id. Raises CaseNotFound."""
    return await desk.fetch(read_case, desk, case_id, language)


def _read_named(connection: Connection, desk: Desk, named: Named, language: str) -> views.CasePage:
    year = connection.scalar(select(Case.year).where(Case.id == named.id))
    if year is None or not named.fits(year):
        raise CaseNotFound("there is no such case")
    return read_case(connection, desk, named.id, language)


def read_case(connection: Connection, desk: Desk, case_id: int, language: str) -> views.CasePage:
    """`case_page` over a plain connection."""
    row = connection.execute(
        parts.CASES.add_columns(Case.disposition, Case.merged_into).where(Case.id == case_id)
    ).first()
    if row is None:
        raise CaseNotFound("there is no such case")
    panels = Panels(connection, "case")
    customer = None
    if row.customer_id is not None:
        customer = parts.customer(connection, row.customer_id, panels)
    calls = panels.read("conversations", (), _calls, connection, desk, case_id)
    return views.CasePage(
        case=parts.brief_of_case(row, desk.settings.titles),
        customer=customer,
        timeline=panels.read(
            "timeline",
            (),
            parts.timeline,
            connection,
            case_id,
            language,
            MOST_TIMELINE,
            targets=desk.settings.targets(language),
        ),
        conversations=calls,
        promises=panels.read("promises", (), _promises, connection, case_id, desk.clock.now()),
        disposition=row.disposition,
        merged_into=_number_of(connection, row.merged_into),
        legs=panels.read("legs", {}, legs_of, connection, desk, [each.call_id for each in calls]),
        joined=panels.read("joined", (), _joined, connection, case_id),
        missing=panels.missing,
    )


def _number_of(connection: Connection, case_id: int | None) -> str | None:
    if case_id is None:
        return None
    into = connection.execute(select(Case.id, Case.year).where(Case.id == case_id)).one()
    return case_number(into.year, into.id)


def _calls(connection: Connection, desk: Desk, case_id: int) -> tuple[views.ConversationBrief, ...]:
    rows = connection.execute(
        parts.CONVERSATIONS.where(Conversation.case_id == case_id)
        .order_by(Conversation.arrived_at.desc())
        .limit(MOST_CALLS)
    ).all()
    return parts.conversations(connection, rows, desk.settings.titles)


def _promises(connection: Connection, case_id: int, now: datetime) -> tuple[views.Promise, ...]:
    rows = connection.execute(parts.PROMISES.where(FollowUp.case_id == case_id).limit(50))
    return tuple(parts.promise(each, now) for each in rows)


def _joined(connection: Connection, case_id: int) -> tuple[str, ...]:
    rows = connection.execute(
        select(Case.id, Case.year)
        .where(Case.merged_into == case_id)
        .order_by(Case.id)
        .limit(MOST_CALLS)
    )
    return tuple(case_number(each.year, each.id) for each in rows)
