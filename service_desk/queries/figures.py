"""Figures per queue for a day, from the visits in the database; defined in docs/figures.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, case, func, select

from service_desk.desk import Desk
from service_desk.model import QueueVisit
from service_desk.queries.agenda import day_of

THRESHOLD = 20  # seconds, where a queue has none of its own


class QueueFigures(Struct, frozen=True, kw_only=True):
    """One queue's day. `service_level` is 0..1, None before the first call that counts."""

    queue: str
    threshold: int
    entered: int
    answered: int
    in_time: int
    abandoned: int
    abandoned_late: int
    overflowed: int
    waited_average: float | None
    waited_longest: float | None
    service_level: float | None


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
        rows = connection.execute(
            select(
                QueueVisit.queue,
                func.count().label("entered"),
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
                func.avg(QueueVisit.waited).label("average"),
                func.max(QueueVisit.waited).label("longest"),
            )
            .where(QueueVisit.entered_at >= begin, QueueVisit.entered_at < end)
            .group_by(QueueVisit.queue)
            .order_by(QueueVisit.queue)
        )
        return tuple(
            QueueFigures(
                queue=row.queue,
                threshold=limits.get(row.queue, THRESHOLD),
                entered=row.entered,
                answered=row.answered,
                in_time=row.in_time,
                abandoned=row.abandoned,
                abandoned_late=row.abandoned_late,
                overflowed=row.overflowed,
                waited_average=None if row.average is None else round(row.average, 1),
                waited_longest=row.longest,
                service_level=service_level(row.in_time, row.answered, row.abandoned_late),
            )
            for row in rows
        )

    return await desk.fetch(read)


def service_level(in_time: int, answered: int, abandoned_late: int) -> float | None:
    """Answered in time / (answered + abandoned after the threshold); None of nothing."""
    counted = answered + abandoned_late
    return round(in_time / counted, 4) if counted else None
