"""A day and a year are the company's: also where midnight comes twice, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service_desk.actions import case as cases
from service_desk.actions import conversation as calls
from service_desk.actor import IVR, SYSTEM
from service_desk.clock import HandClock
from service_desk.desk import Desk
from service_desk.queries.agenda import day_of
from service_desk.queries.case_page import case_by_id
from service_desk.settings import DeskSettings
from tests.service_desk.test_case_actions import arrive


@pytest.mark.parametrize(
    ("zone", "at", "begin", "hours"),
    [
        # 2026-11-01: at 1:00 the clocks go back to 0:00.
        ("America/Havana", "2026-11-01T04:30", "2026-11-01T04:00", 25),
        ("America/Havana", "2026-11-01T05:30", "2026-11-01T04:00", 25),
        ("America/Havana", "2026-11-01T15:00", "2026-11-01T04:00", 25),
        # 2026-03-08: there is no midnight, 0:00 is 1:00.
        ("America/Havana", "2026-03-08T06:00", "2026-03-08T05:00", 23),
        ("Europe/Berlin", "2026-10-25T12:00", "2026-10-24T22:00", 25),
        ("Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00", 23),
        ("Asia/Shanghai", "2026-05-05T15:59", "2026-05-04T16:00", 24),
        ("no/such", "2026-05-05T15:59", "2026-05-05T00:00", 24),
    ],
)
def test_a_day_is_whole(desk: Desk, zone: str, at: str, begin: str, hours: int) -> None:
    desk.settings = DeskSettings(time_zone=zone)
    first, last = day_of(desk, datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert first == datetime.fromisoformat(begin).replace(tzinfo=UTC)
    assert last - first == timedelta(hours=hours)


@pytest.mark.parametrize(("zone", "year"), [("Asia/Shanghai", 2027), ("America/New_York", 2026)])
async def test_the_year_of_a_case_is_the_companys(
    desk: Desk, clock: HandClock, zone: str, year: int
) -> None:
    """At 20:00 UTC on New Year's Eve it is next year in Shanghai."""
    desk.settings = DeskSettings(time_zone=zone)
    clock.advance((datetime(2026, 12, 31, 20, tzinfo=UTC) - clock.now()).total_seconds())
    made = await cases.open_case(desk, subject="x", by=SYSTEM)
    assert (await case_by_id(desk, made)).case.number.startswith(f"C-{year}-")
    await calls.note_path(desk, call_id="a", steps=(("Main", "1"),), by=IVR)
    assert (await case_by_id(desk, made + 1)).case.number.startswith(f"C-{year}-")
    opened = await arrive(desk, "b")
    assert (await case_by_id(desk, opened)).case.number.startswith(f"C-{year}-")
