"""Calls: lists, one with its legs, and what Asterisk calls them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, func, select

from service_desk import views
from service_desk.case_number import case_number
from service_desk.desk import Desk
from service_desk.errors import BadValue, ConversationNotFound, RecordingNotFound
from service_desk.model import (
    Case,
    Conversation,
    ConversationAlias,
    Leg,
    Recording,
)
from service_desk.phone_number import understand
from service_desk.queries import briefs, dealings
from service_desk.queries.legs import legs_of
from service_desk.queries.panels import Panels

MOST = 200


class ConversationList(Struct, frozen=True, kw_only=True):
    """One page of calls, newest first."""

    conversations: tuple[views.ConversationBrief, ...]
    page: views.Page


class ConversationPage(Struct, frozen=True, kw_only=True):
    """One call with its legs."""

    conversation: views.ConversationBrief
    legs: tuple[views.LegView, ...]
    customer: views.CustomerBrief | None
    path: tuple[views.PathStep, ...]


class CallerFound(Struct, frozen=True, kw_only=True):
    """Who has a number, as far as the number tells; the rest only when exactly one has it."""

    matches: int
    customer_id: int | None = None
    name: str = ""
    language: str | None = None


class RecordingFile(Struct, frozen=True, kw_only=True):
    """A sound file, relative to the recordings folder, and whose call it is."""

    id: int
    call_id: str
    file: str
    kind: str
    seconds: float | None
    agents: tuple[str, ...]
    case_number: str | None


async def conversation_list(
    desk: Desk,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    queue: str | None = None,
    outcome: views.Outcome | None = None,
    customer_id: int | None = None,
    number: str | None = None,
    agent: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> ConversationList:
    """Calls that fit all that is given; `after` is the `page.next` before. Raises BadValue."""
    where: list[ColumnElement[bool]] = [Conversation.merged_into.is_(None)]
    if since is not None:
        where.append(Conversation.arrived_at >= since)
    if until is not None:
        where.append(Conversation.arrived_at < until)
    if queue is not None:
        where.append(Conversation.queue == queue)
    if outcome == "message":
        where += [Conversation.message_at.is_not(None), Conversation.answered_at.is_(None)]
    elif outcome is not None:
        where.append(Conversation.outcome == outcome)
    if customer_id is not None:
        where.append(Conversation.customer_id == customer_id)
    if number is not None:
        where.append(Conversation.number == _key(desk, number))
    if agent is not None:
        where.append(Conversation.call_id.in_(select(Leg.call_id).where(Leg.agent == agent)))
    place = _cursor(after)
    most = max(1, min(limit, MOST))

    def read(connection: Connection) -> ConversationList:
        total = connection.scalar(select(func.count()).select_from(Conversation).where(*where)) or 0
        page: Any = dealings.CONVERSATIONS.where(*where)
        if place is not None:
            page = page.where(
                (Conversation.arrived_at < place[0])
                | ((Conversation.arrived_at == place[0]) & (Conversation.call_id < place[1]))
            )
        rows = connection.execute(
            page.order_by(Conversation.arrived_at.desc(), Conversation.call_id.desc()).limit(
                most + 1
            )
        ).all()
        last = rows[most - 1] if len(rows) > most else None
        more = None if last is None else f"{last.arrived_at.isoformat()}~{last.call_id}"
        return ConversationList(
            conversations=dealings.conversations(connection, rows[:most], desk.settings.titles),
            page=views.Page(total=total, next=more),
        )

    return await desk.fetch(read)


def _cursor(after: str | None) -> tuple[datetime, str] | None:
    if not after:
        return None
    at, _, call_id = after.partition("~")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+"))
    except ValueError:
        raise BadValue("after", "is no cursor of ours") from None
    if moment.tzinfo is None or not call_id:
        raise BadValue("after", "is no cursor of ours")
    return moment, call_id


async def conversation_page(desk: Desk, call_id: str) -> ConversationPage:
    """One call; a merged one is shown as what it is now. Raises ConversationNotFound."""

    def read(connection: Connection) -> ConversationPage:
        merged: Any = select(Conversation.merged_into).where(Conversation.call_id == call_id)
        now = connection.scalar(merged) or call_id
        row = connection.execute(
            dealings.CONVERSATIONS.add_columns(Conversation.path, Conversation.customer_id).where(
                Conversation.call_id == now
            )
        ).first()
        if row is None:
            raise ConversationNotFound("there is no such call")
        return ConversationPage(
            conversation=dealings.conversations(connection, [row], desk.settings.titles)[0],
            legs=legs_of(connection, desk, [now]).get(now, ()),
            customer=None
            if row.customer_id is None
            else briefs.customer(connection, row.customer_id, Panels(connection, "call")),
            path=dealings.way(row.path),
        )

    return await desk.fetch(read)


async def call_id_of_alias(desk: Desk, *, system: str, alias: str) -> str | None:
    """Our id of the call that Asterisk's `system` calls by this uniqueid; None if unknown."""

    def read(connection: Connection) -> str | None:
        found: str | None = connection.scalar(
            select(ConversationAlias.call_id).where(
                ConversationAlias.system == system, ConversationAlias.alias == alias
            )
        )
        return found

    return await desk.fetch(read)


def _key(desk: Desk, number: str) -> str:
    return understand(number, desk.settings.region, desk.settings.system).key


async def caller(desk: Desk, number: str) -> CallerFound:
    """Who has this number (raw and hostile)."""
    key = _key(desk, number)
    if not key:
        return CallerFound(matches=0)

    def read(connection: Connection) -> CallerFound:
        from_number = briefs.customers_of_number(connection, key)
        if len(from_number) != 1:
            return CallerFound(matches=len(from_number))
        row = from_number[0]
        return CallerFound(matches=1, customer_id=row.id, name=row.name, language=row.language)

    return await desk.fetch(read)


async def case_status_for(
    desk: Desk, *, digits: str, number: str
) -> tuple[str, views.CaseStatus] | None:
    """Number and status of the case people type as `digits`, if it belongs to a customer of this
    telephone number (raw); None otherwise, and nothing that would tell which of the two it was."""
    key = _key(desk, number)
    if not key or not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        return None

    def read(connection: Connection) -> tuple[str, views.CaseStatus] | None:
        theirs = [row.id for row in briefs.customers_of_number(connection, key)]
        if not theirs:
            return None
        # People type the year as well, or not: C-2026-004711 is 2026004711 or 4711.
        wanted = {int(digits)}
        if len(digits) > 6:
            wanted.add(int(digits[4:]))
        rows = connection.execute(
            select(Case.id, Case.year, Case.status).where(
                Case.id.in_(sorted(wanted)), Case.customer_id.in_(theirs)
            )
        ).all()
        for row in rows:
            if int(digits) == row.id or digits == f"{row.year}{row.id:06d}":
                return case_number(row.year, row.id), row.status
        return None

    return await desk.fetch(read)


async def recording_file(desk: Desk, recording_id: int) -> RecordingFile:
    """Where a recording lies. Raises RecordingNotFound."""

    def read(connection: Connection) -> RecordingFile:
        row = connection.execute(
            select(
                Recording.id,
                Recording.call_id,
                Recording.file,
                Recording.kind,
                Recording.seconds,
                Conversation.agents,
                Case.id.label("case_id"),
                Case.year,
            )
            .outerjoin(Conversation, Conversation.call_id == Recording.call_id)
            .outerjoin(Case, Case.id == Conversation.case_id)
            .where(Recording.id == recording_id)
        ).first()
        if row is None:
            raise RecordingNotFound("there is no such recording")
        return RecordingFile(
            id=row.id,
            call_id=row.call_id,
            file=row.file,
            kind=row.kind,
            seconds=row.seconds,
            agents=tuple(row.agents or ()),
            case_number=None if row.case_id is None else case_number(row.year, row.case_id),
        )

    return await desk.fetch(read)
