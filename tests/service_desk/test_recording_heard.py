"""Who heard a recording is remembered, once an hour."""

from __future__ import annotations

from service_desk.actions.recording import heard
from service_desk.actor import Actor
from service_desk.clock import HandClock
from service_desk.desk import Desk
from service_desk.queries.staff import audit_list

AVA = Actor("ava", "agent", 1, "192.0.2.7")
SUE = Actor("sue", "supervisor", 2)


async def acts(desk: Desk) -> list[tuple[str, str, str]]:
    return [(row.act, row.actor, row.about) for row in reversed(await audit_list(desk))]


async def test_hearing_is_remembered_once_per_person_recording_and_hour(
    desk: Desk, clock: HandClock
) -> None:
    for by, recording_id in ((AVA, 1), (AVA, 1), (SUE, 1), (AVA, 2), (AVA, 1)):
        await heard(desk, recording_id=recording_id, call_id="c1", by=by)
        clock.advance(60)
    first = ("recording.heard", "ava", "1")
    expected = [first, ("recording.heard", "sue", "1"), ("recording.heard", "ava", "2")]
    assert await acts(desk) == expected
    clock.advance(3600)
    await heard(desk, recording_id=1, call_id="c1", by=AVA)
    assert await acts(desk) == [*expected, first]
    assert {row.address for row in await audit_list(desk) if row.actor == "ava"} == {"192.0.2.7"}
