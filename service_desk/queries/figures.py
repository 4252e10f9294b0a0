"""Figures per queue for a day, from the visits in the database; defined in docs/figures.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, and_, bindparam, case, func, select

from cti.events import TURNED_AWAY
from service_desk.desk import Desk
from service_desk.model import Leg, QueueVisit
from service_desk.queries.agenda import day_of

THRESHOLD = 20  # seconds, where a queue has none of its own


class QueueFigures(Struct, frozen=True, kw_only=True):
    """One queue's day, times in seconds. `service_level` is 0..1, None before the first call that
    counts; an average is None before there is something to average."""

    queue: str
    threshold: int
    offered: int
    answered: int
    in_time: int
    abandoned: int
    abandoned_late: int
    overflowed: int
    turned_away: int
    waited_average: float | None
    waited_longest: float | None
    talked_average: float | None  # of the agents' parts in the answered calls that are over
    wrapped_up_average: float | None
    service_level: float | None


# What the agents whom the queue found did: their own leg began while the caller was in it, so that
# neither a colleague's part after a transfer nor another queue's agent is counted here.
_PARTS = (
    select(
        QueueVisit.queue,
        func.avg(Leg.talked).label("talked"),
        func.avg(Leg.wrapped_up).label("wrapped_up"),
    )
    .join(
        Leg,
        and_(
            Leg.call_id == QueueVisit.call_id,
            Leg.agent == QueueVisit.agent,
            Leg.started_at.between(QueueVisit.entered_at, QueueVisit.left_at),
            Leg.answered_at.is_not(None),
            Leg.ended_at.is_not(None),
        ),
    )
    .where(
        QueueVisit.reason == "answered",
        QueueVisit.entered_at >= bindparam("begin"),
        QueueVisit.entered_at < bindparam("end"),
    )
    .group_by(QueueVisit.queue)
)


async def queue_figures(
    desk: Desk, *, day: datetime | None = None, thresholds: Mapping[str, int] | None = None
) -> tuple[QueueFigures, ...]:
    """Every queue that had visits on the company's day that `day` (now) lies in."""
    begin, end = day_of(desk, day)
    limits = dict(thresholds or {})

    def read(connection: Connection) -> tuple[QueueFigures, ...]:
        limit = case(limits, value=QueueVisit.queue, else_=THRESHOLD) if limits else THRESHOLD
        answered = QueueVisit.reason == "answered"
        abandoned = QueueVisit.reason == "abandoned"
        turned_away = func.coalesce(QueueVisit.reason, "").in_(TURNED_AWAY)
        rows = connection.execute(
            select(
                QueueVisit.queue,
                func.count().label("offered"),
                func.sum(case((answered, 1), else_=0)).label("answered"),
                func.sum(case((answered & (QueueVisit.waited <= limit), 1), else_=0)).label(
                    "in_time"
                ),
                func.sum(case((abandoned, 1), else_=0)).label("abandoned"),
                func.sum(case((abandoned & (QueueVisit.waited > limit), 1), else_=0)).label(
                    "abandoned_late"
                ),
                func.sum(case((QueueVisit.reason.in_(("timeout", "overflow")), 1), else_=0)).label(
                    "overflowed"
                ),
                func.sum(case((turned_away, 1), else_=0)).label("turned_away"),
                # Who was not let in has not waited.
                func.avg(case((~turned_away, QueueVisit.waited))).label("average"),
                func.max(QueueVisit.waited).label("longest"),
            )
            .where(QueueVisit.entered_at >= begin, QueueVisit.entered_at < end)
            .group_by(QueueVisit.queue)
            .order_by(QueueVisit.queue)
        )
        parts = {row.queue: row for row in connection.execute(_PARTS, {"begin": begin, "end": end})}
        return tuple(
            QueueFigures(
                queue=row.queue,
                threshold=limits.get(row.queue, THRESHOLD),
                offered=row.offered,
                answered=row.answered,
                in_time=row.in_time,
                abandoned=row.abandoned,
                abandoned_late=row.abandoned_late,
                overflowed=row.overflowed,
                turned_away=row.turned_away,
                waited_average=_rounded(row.average),
                waited_longest=row.longest,
                talked_average=_rounded(getattr(parts.get(row.queue), "talked", None)),
                wrapped_up_average=_rounded(getattr(parts.get(row.queue), "wrapped_up", None)),
                service_level=service_level(row.in_time, row.answered, row.abandoned_late),
            )
            for row in rows
        )

    return await desk.fetch(read)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def service_level(in_time: int, answered: int, abandoned_late: int) -> float | None:
    """Answered in time / (answered + abandoned after the threshold); None of nothing."""
    counted = answered + abandoned_late
    return round(in_time / counted, 4) if counted else None
