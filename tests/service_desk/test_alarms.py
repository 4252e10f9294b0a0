"""An alarm is one kind with a count, whoever raises it and however often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from service_desk import alarms
from service_desk.actor import SYSTEM
from service_desk.alarms import AlarmOn, alarms_on, subjects_on
from service_desk.clock import HandClock
from service_desk.desk import Desk
from service_desk.events import AlarmsChanged, DeskEvent
from service_desk.model import Alarm
from service_desk.queries.alarms import alarms_by_kind

SYSTEM_NAME = "here"
# What 30 hostile calls left: as many lines that nobody can read.
LINES: dict[str, dict[str, Any]] = {f"cel@{n}": {"reason": "not JSON"} for n in range(790)}


async def put(desk: Desk, kind: str, about: dict[str, dict[str, Any]]) -> int:
    async with desk.write(by=SYSTEM) as unit:
        return await alarms.raise_alarms(unit, SYSTEM_NAME, kind, about)


async def end(desk: Desk, kind: str, *about: str) -> int:
    async with desk.write(by=SYSTEM) as unit:
        return await alarms.clear_alarms(unit, SYSTEM_NAME, kind, about)


async def only(desk: Desk) -> AlarmOn:
    [alarm] = await alarms_on(desk, SYSTEM_NAME)
    return alarm


async def test_hostile_calls_by_the_dozen_are_one_alarm(
    desk: Desk, clock: HandClock, told: list[DeskEvent]
) -> None:
    """With how many, when first, when last, and the newest of them."""
    began = clock.now()
    lines = list(LINES.items())
    for at in range(0, len(lines), 79):
        await put(desk, alarms.RECORDS_ASIDE, dict(lines[: at + 79]))
        clock.advance(60)
    alarm = await only(desk)
    assert (alarm.kind, alarm.count) == (alarms.RECORDS_ASIDE, 790)
    assert (alarm.since, alarm.last) == (began, began + timedelta(minutes=9))
    assert [each.about for each in alarm.newest] == [
        f"cel@{n}" for n in range(789, 789 - alarms.SHOWN, -1)
    ]
    [shown] = await alarms_by_kind(desk, SYSTEM_NAME)
    assert (shown.count, shown.last, len(shown.newest)) == (790, alarm.last, alarms.SHOWN)
    changed = [each for each in told if isinstance(each, AlarmsChanged)]
    assert len(changed) == 10  # one a portion, not one a line


async def test_it_goes_off_with_the_last_of_what_it_is_about(desk: Desk, clock: HandClock) -> None:
    await put(desk, alarms.RECORDS_ASIDE, LINES)
    clock.advance(5)
    await put(desk, alarms.DISK_FULL, {"data": {"free": 1}})
    assert await end(desk, alarms.RECORDS_ASIDE, *list(LINES)[:789]) == 789
    kinds = {each.kind: each.count for each in await alarms_on(desk, SYSTEM_NAME)}
    assert kinds == {alarms.RECORDS_ASIDE: 1, alarms.DISK_FULL: 1}
    assert await end(desk, alarms.RECORDS_ASIDE, "cel@789") == 1
    assert (await only(desk)).kind == alarms.DISK_FULL
    clock.advance(5)
    await put(desk, alarms.RECORDS_ASIDE, {"cel@789": {"reason": "torn"}})
    again = {each.kind: each for each in await alarms_on(desk, SYSTEM_NAME)}
    assert again[alarms.RECORDS_ASIDE].since == clock.now()
    assert again[alarms.RECORDS_ASIDE].newest[0].data == {"reason": "torn"}
    [subject] = await subjects_on(desk, SYSTEM_NAME, alarms.RECORDS_ASIDE)
    assert subject.about == "cel@789"


async def test_what_is_read_and_kept_is_bounded(desk: Desk) -> None:
    """A flood costs a thousand rows, and whoever looks reads the newest twenty."""
    many: dict[str, dict[str, Any]] = {f"x{n}": {} for n in range(alarms.MOST + 700)}
    assert await put(desk, alarms.CALL_WITHOUT_DETAIL, many) == alarms.MOST
    assert await put(desk, alarms.CALL_WITHOUT_DETAIL, many) == 0
    rows = await desk.fetch(lambda c: c.scalar(select(func.count()).select_from(Alarm)))
    assert rows == alarms.MOST
    alarm = await only(desk)
    assert (alarm.count, len(alarm.newest)) == (alarms.MOST, alarms.SHOWN)
