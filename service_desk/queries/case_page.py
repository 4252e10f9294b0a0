"""Everything about one case."""

from __future__ import annotations

from sqlalchemy import BindParameter, Connection, bindparam, select

from service_desk import views
from service_desk.case_number import Named, case_named, case_number
from service_desk.desk import Desk
from service_desk.errors import CaseNotFound
from service_desk.model import Case, Conversation, FollowUp
from service_desk.queries import briefs, dealings
from service_desk.queries.legs import legs_of
from service_desk.queries.lists import Lists
from service_desk.queries.panels import Panels

MOST_CALLS = 50
MOST_TIMELINE = 500

_OF: BindParameter[int] = bindparam("case_id")
_CALLS = dealings.CONVERSATIONS.where(Conversation.case_id == _OF).order_by(
    Conversation.arrived_at.desc()
)
_PROMISES = dealings.PROMISES.where(FollowUp.case_id == _OF)
_JOINED = select(Case.id, Case.year).where(Case.merged_into == _OF).order_by(Case.id)


async def case_page(
    desk: Desk, number: str, *, language: str = "en", times: int = 1
) -> views.CasePage:
    """The case by its number ("C-2026-004711", "4711"); `times`: so many times as much of each
    kind, of which `totals` says how many there are. Raises CaseNotFound."""
    named = case_named(number)
    if named is None:
        raise CaseNotFound("that is no case number")
    return await desk.fetch(_read_named, desk, named, language, times)


async def case_by_id(desk: Desk, case_id: int, *, language: str = "en") -> views.CasePage:
    """The same by id. Raises CaseNotFound."""
    return await desk.fetch(read_case, desk, case_id, language)


def _read_named(
    connection: Connection, desk: Desk, named: Named, language: str, times: int
) -> views.CasePage:
    year = connection.scalar(select(Case.year).where(Case.id == named.id))
    if year is None or not named.fits(year):
        raise CaseNotFound("there is no such case")
    return read_case(connection, desk, named.id, language, times)


def read_case(
    connection: Connection, desk: Desk, case_id: int, language: str, times: int = 1
) -> views.CasePage:
    """`case_page` over a plain connection."""
    row = connection.execute(
        briefs.CASES.add_columns(Case.disposition, Case.merged_into).where(Case.id == case_id)
    ).first()
    if row is None:
        raise CaseNotFound("there is no such case")
    panels = Panels(connection, "case")
    customer = None
    if row.customer_id is not None:
        customer = briefs.customer(connection, row.customer_id, panels)
    of_case, lists = {"case_id": case_id}, Lists(connection, desk, language, panels)
    calls = lists.conversations(MOST_CALLS * times, _CALLS, of_case)
    return views.CasePage(
        case=briefs.brief_of_case(row, desk.settings.titles),
        customer=customer,
        timeline=lists.timeline(MOST_TIMELINE * times, case_id),
        conversations=calls,
        promises=lists.promises(MOST_CALLS * times, _PROMISES, of_case),
        disposition=row.disposition,
        merged_into=_number_of(connection, row.merged_into),
        legs=panels.read("legs", {}, legs_of, connection, desk, [each.call_id for each in calls]),
        joined=lists.of(
            "joined",
            MOST_CALLS * times,
            _JOINED,
            of_case,
            lambda rows: tuple(case_number(each.year, each.id) for each in rows),
        ),
        totals=panels.totals,
        missing=panels.missing,
    )


def _number_of(connection: Connection, case_id: int | None) -> str | None:
    if case_id is None:
        return None
    into = connection.execute(select(Case.id, Case.year).where(Case.id == case_id)).one()
    return case_number(into.year, into.id)
