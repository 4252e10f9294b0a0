"""The figures of a queue's day: what is counted, and what is averaged over which calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from service_desk.clock import HandClock
from service_desk.desk import Desk
from service_desk.model import Leg, QueueVisit
from service_desk.queries.agenda import day_of
from service_desk.queries.figures import QueueFigures, queue_figures


class Day:
    """Visits and legs as the intake leaves them, written at once."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.visits: list[dict[str, Any]] = []
        self.legs: list[dict[str, Any]] = []

    def visit(
        self, call: str, waited: float | None, reason: str | None, *, queue: str = "support",
        agent: str | None = None, after: float = 0.0,
    ) -> None:  # fmt: skip
        entered = self.at + timedelta(seconds=after)
        left = None if waited is None else entered + timedelta(seconds=waited)
        self.visits.append(
            {"call_id": call, "queue": queue, "entered_at": entered, "left_at": left,
             "reason": reason, "waited": waited, "agent": agent}
        )  # fmt: skip

    def leg(
        self, call: str, agent: str, after: float, *, talked: float = 0.0, answered: bool = True,
        wrapped_up: float | None = None, over: bool = True,
    ) -> None:  # fmt: skip
        start = self.at + timedelta(seconds=after)
        self.legs.append(
            {"call_id": call, "leg_id": f"{call}-{agent}-{after}", "party": "agent", "agent": agent,
             "started_at": start, "answered_at": start if answered else None,
             "ended_at": start + timedelta(seconds=talked) if over else None,
             "talked": talked, "wrapped_up": wrapped_up}
        )  # fmt: skip

    async def write(self, desk: Desk) -> None:
        def put(connection: Connection) -> None:
            connection.execute(insert(QueueVisit), self.visits)
            if self.legs:
                connection.execute(insert(Leg), self.legs)

        await desk.transact(put)


async def only(desk: Desk, **more: Any) -> QueueFigures:
    [row] = await queue_figures(desk, **more)
    return row


async def test_means_are_over_what_the_queues_agents_did(desk: Desk, clock: HandClock) -> None:
    """Not over a ring without an answer, a colleague after a transfer, or a talk that goes on."""
    day = Day(clock.now())
    day.visit("a", 10, "answered", agent="ava")
    day.leg("a", "ben", 2, answered=False)
    day.leg("a", "ava", 8, talked=100, wrapped_up=20)
    day.leg("a", "ben", 110, talked=500, wrapped_up=60)  # it was handed on to him
    day.visit("b", 30, "answered", agent="ben")
    day.leg("b", "ben", 25, talked=50)  # nothing is known of a wrap-up
    day.visit("c", 20, "abandoned")
    day.visit("d", None, None)
    day.visit("f", 0, "full")
    day.visit("g", 0, "closed")
    day.visit("e", 4, "answered", agent="ava")
    day.leg("e", "ava", 3, talked=0, over=False)
    await day.write(desk)
    row = await only(desk, thresholds={"support": 20})
    assert (row.offered, row.answered, row.abandoned, row.turned_away) == (7, 3, 1, 2)
    assert (row.in_time, row.abandoned_late, row.service_level) == (2, 0, round(2 / 3, 4))
    assert (row.waited_average, row.talked_average, row.wrapped_up_average) == (16.0, 75.0, 20.0)


async def test_who_comes_back_to_a_queue_is_counted_by_visit(desk: Desk, clock: HandClock) -> None:
    """Each visit with the part that followed it, also when the same agent takes both."""
    day = Day(clock.now())
    day.visit("a", 10, "answered", agent="ava")
    day.leg("a", "ava", 5, talked=40)
    day.visit("a", 10, "answered", queue="sales", agent="ava", after=100)
    day.leg("a", "ava", 105, talked=80)
    await day.write(desk)
    rows = {row.queue: row.talked_average for row in await queue_figures(desk)}
    assert rows == {"support": 40.0, "sales": 80.0}


async def test_yesterday_is_a_day_of_its_own(desk: Desk, clock: HandClock) -> None:
    begin, _ = day_of(desk)
    yesterday, today = Day(begin - timedelta(seconds=1)), Day(begin)
    yesterday.visit("a", 10, "answered", agent="ava")
    yesterday.leg("a", "ava", 2, talked=60)  # he is answered today: the visit's day counts
    today.visit("b", 5, "abandoned")
    await yesterday.write(desk)
    await today.write(desk)
    row = await only(desk, day=begin - timedelta(hours=1))
    assert (row.offered, row.answered, row.talked_average) == (1, 1, 60.0)
    row = await only(desk)
    assert (row.offered, row.abandoned, row.talked_average) == (1, 1, None)
