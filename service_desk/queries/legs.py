"""The legs of calls, in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from service_desk import views
from service_desk.desk import Desk
from service_desk.fold import fold
from service_desk.intake_known import unpack
from service_desk.model import ConversationFacts, Leg

MOST_LEGS = 100  # of one call: ring-all to many agents


def legs_of(
    connection: Connection, desk: Desk, calls: Sequence[str]
) -> dict[str, tuple[views.LegView, ...]]:
    """By call id. Of a call that goes on, what goes on is told up to now: rows say what is over."""
    found: dict[str, tuple[views.LegView, ...]] = {}
    running = _parts_now(connection, desk, calls)
    rows = connection.execute(
        select(Leg).where(Leg.call_id.in_(calls)).order_by(Leg.started_at, Leg.leg_id)
    )
    for row in rows:
        before = found.get(row.call_id, ())
        if len(before) < MOST_LEGS:
            spans = running.get((row.call_id, row.leg_id), row.spans)
            found[row.call_id] = (*before, _leg(row, spans))
    return found


def _parts_now(
    connection: Connection, desk: Desk, calls: Sequence[str]
) -> dict[tuple[str, str], list[Any]]:
    """The parts of every leg of the calls that go on, by call and leg."""
    going_on = connection.execute(
        select(ConversationFacts.call_id, ConversationFacts.facts).where(
            ConversationFacts.call_id.in_(calls), ConversationFacts.ended_at.is_(None)
        )
    )
    found: dict[tuple[str, str], list[Any]] = {}
    for call_id, stored in going_on:
        facts = unpack(stored)
        if facts:
            story = fold(call_id, facts, desk.settings.region, now=desk.clock.now())
            found |= {(call_id, leg_id): leg["spans"] for leg_id, leg in story.legs.items()}
    return found


def _leg(row: Any, spans: Sequence[Any]) -> views.LegView:
    return views.LegView(
        leg_id=row.leg_id,
        party=row.party,
        agent=row.agent,
        address=row.address,
        started_at=row.started_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        ringing=row.ringing,
        talked=row.talked,
        held=row.held,
        consulted=row.consulted,
        wrapped_up=row.wrapped_up,
        cause=row.cause,
        ended_by=row.ended_by,
        spans=tuple(views.LegSpan(kind=kind, begin=b, end=e) for kind, b, e in spans),
    )
