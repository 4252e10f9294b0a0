"""An agent's own day: what was promised, what is open, how many calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Connection, distinct, func, select

from service_desk import views
from service_desk.clock import zone_of
from service_desk.desk import Desk
from service_desk.errors import FollowUpNotFound
from service_desk.model import Case, CaseEntry, Conversation, Disposition, FollowUp, Leg
from service_desk.queries import briefs, dealings
from service_desk.queries.briefs import OPEN, in_language


class Today(Struct, frozen=True, kw_only=True):
    """The line at the foot of the desk. Talk time in seconds."""

    calls: int
    talked: float
    open_cases: int
    promises: int
    next: views.Promise | None


class LastCall(Struct, frozen=True, kw_only=True):
    """A call that is over for an agent since `at`; `handed_on`, it went on without them."""

    call_id: str
    at: datetime
    handed_on: bool


class Agenda(Struct, frozen=True, kw_only=True):
    """What an agent has to do: promises by due time, own open cases newest first."""

    promises: tuple[views.Promise, ...]
    cases: tuple[views.CaseBrief, ...]


def day_of(desk: Desk, at: datetime | None = None) -> tuple[datetime, datetime]:
    """Begin and end (UTC) of the company's day that `at` (now) lies in."""
    zone = zone_of(desk.settings.time_zone)
    local = (at or desk.clock.now()).astimezone(zone)
    # The first of the two where the hour at midnight comes twice (Havana, in autumn).
    begin = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    end = (begin + timedelta(days=1, hours=12)).replace(hour=0)  # a day may have 23 or 25 hours
    utc = ZoneInfo("UTC")
    return begin.astimezone(utc), end.astimezone(utc)


async def today(desk: Desk, agent: str) -> Today:
    """An agent's day so far."""
    begin, end = day_of(desk)

    def read(connection: Connection) -> Today:
        calls, talked = connection.execute(
            select(func.count(distinct(Leg.call_id)), func.sum(Leg.talked)).where(
                Leg.agent == agent,
                Leg.started_at >= begin,
                Leg.started_at < end,
                Leg.answered_at.is_not(None),
            )
        ).one()
        cases = connection.scalar(
            select(func.count()).select_from(Case).where(Case.owner == agent, Case.status.in_(OPEN))
        )
        mine = dealings.PROMISES.where(FollowUp.owner == agent)
        due = connection.execute(mine.limit(1)).first()
        return Today(
            calls=calls,
            talked=round(talked or 0.0, 1),
            open_cases=cases or 0,
            promises=briefs.count(connection, mine, {}),
            next=None if due is None else dealings.promise(due, desk.clock.now()),
        )

    return await desk.fetch(read)


async def last_call(desk: Desk, agent: str) -> LastCall | None:
    """The agent's last call of the day; None when they wrote a note on its case since it began."""
    begin, _ = day_of(desk)

    def read(connection: Connection) -> LastCall | None:
        row = connection.execute(
            select(Leg.call_id, Leg.started_at, Leg.ended_at, Leg.ended_by, Conversation.case_id)
            .join(Conversation, Conversation.call_id == Leg.call_id)
            .where(
                Leg.agent == agent,
                Leg.started_at >= begin,
                Leg.answered_at.is_not(None),
                Leg.ended_at.is_not(None),
                Conversation.case_id.is_not(None),
            )
            .order_by(Leg.started_at.desc())
            .limit(1)
        ).first()
        if row is None or connection.scalar(
            select(CaseEntry.id)
            .where(
                CaseEntry.case_id == row.case_id,
                CaseEntry.kind == "note",
                CaseEntry.actor == agent,
                CaseEntry.at >= row.started_at,
            )
            .limit(1)
        ):
            return None
        return LastCall(
            call_id=row.call_id, at=row.ended_at, handed_on=row.ended_by == "transferred"
        )

    return await desk.fetch(read)


async def agenda(desk: Desk, agent: str, *, limit: int = 50) -> Agenda:
    """What an agent has to do."""
    now = desk.clock.now()

    def read(connection: Connection) -> Agenda:
        promises = connection.execute(dealings.PROMISES.where(FollowUp.owner == agent).limit(limit))
        cases = connection.execute(
            briefs.CASES.where(Case.owner == agent, Case.status.in_(OPEN))
            .order_by(Case.opened_at.desc(), Case.id.desc())
            .limit(limit)
        )
        return Agenda(
            promises=tuple(dealings.promise(row, now) for row in promises),
            cases=tuple(briefs.brief_of_case(row, desk.settings.titles) for row in cases),
        )

    return await desk.fetch(read)


async def owners_of_promise(desk: Desk, follow_up_id: int) -> tuple[str, ...]:
    """Who owns a promise, and who owns the case it was made on. Raises FollowUpNotFound."""

    def read(connection: Connection) -> tuple[str, ...]:
        row = connection.execute(
            select(FollowUp.owner, Case.owner.label("case_owner"))
            .outerjoin(Case, Case.id == FollowUp.case_id)
            .where(FollowUp.id == follow_up_id)
        ).first()
        if row is None:
            raise FollowUpNotFound("there is no such follow-up")
        return tuple(name for name in (row.owner, row.case_owner) if name)

    return await desk.fetch(read)


async def dispositions(desk: Desk, *, language: str = "en") -> tuple[views.Disposition, ...]:
    """What an agent may say of how a call ended, in their order."""

    def read(connection: Connection) -> tuple[views.Disposition, ...]:
        rows = connection.execute(
            select(Disposition)
            .where(Disposition.active)
            .order_by(Disposition.position, Disposition.code)
        )
        return tuple(
            views.Disposition(
                code=row.code,
                label=in_language(language, row.label_en, row.label_zh),
                resolves=row.resolves,
            )
            for row in rows
        )

    return await desk.fetch(read)
