"""The legs of calls, in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from service_desk import views
from service_desk.model import Leg

MOST_LEGS = 100  # of one call: ring-all to many agents


def legs_of(connection: Connection, calls: Sequence[str]) -> dict[str, tuple[views.LegView, ...]]:
    """By call id."""
    found: dict[str, tuple[views.LegView, ...]] = {}
    rows = connection.execute(
        select(Leg).where(Leg.call_id.in_(calls)).order_by(Leg.started_at, Leg.leg_id)
    )
    for row in rows:
        before = found.get(row.call_id, ())
        if len(before) < MOST_LEGS:
            found[row.call_id] = (*before, _leg(row))
    return found


def _leg(row: Any) -> views.LegView:
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
        spans=tuple(views.LegSpan(kind=kind, begin=b, end=e) for kind, b, e in row.spans),
    )
