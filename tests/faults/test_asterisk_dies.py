"""INVARIANTS 14: Asterisk itself is killed with calls up."""

from __future__ import annotations

import os
from signal import SIGKILL
from typing import Any

import pytest

from tests.faults.conftest import Check, length
from tests.faults.floor import Floor
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_asterisk_is_killed_with_calls_up(floor: Floor, check: Check) -> None:
    """Its calls end as lost, with the cause; it is started again; agents are free; calls go on."""
    check.of(14, "kill -9 of Asterisk with calls up")
    up = length(8, 15)
    floor.call(up, 8.0, talk=300.0)
    callers = set(floor.flows[0].numbers)

    async def theirs() -> list[tuple[Any, ...]]:
        rows = await floor.ask(
            "SELECT number, answered_at, ended_at, outcome, ended_by FROM conversation"
        )
        return [tuple(row)[1:] for row in rows if row[0] in callers]

    await until(theirs, lambda found: sum(bool(answered) for answered, *_ in found) == up)
    pid = floor.house.asterisk_pid()
    assert pid is not None
    os.kill(pid, SIGKILL)

    ended = await until(theirs, lambda found: all(at for _, at, *_ in found), seconds=60.0)
    assert [how for _, _, *how in ended] == [["lost", "asterisk"]] * up
    assert await told_of(floor, callers) == {"Call lost: Asterisk ended or was restarted"}
    for flow in floor.flows:
        flow.end()
    await until(floor.asterisk, lambda other: other not in (None, pid), seconds=60.0)
    await floor.agents_agree()

    before = floor.flows[:]
    del floor.flows[:]
    floor.call(length(16, 100), 8.0)
    counts = await floor.counted()
    floor.flows[:0] = before
    tally = await floor.tally(counts)
    check.count(tally)
    assert counts.failed == 0
    assert tally.exact, tally


async def told_of(floor: Floor, callers: set[str]) -> set[str]:
    """The last line of the story of each of these callers' cases."""
    rows = await floor.ask(
        "SELECT c.number, s.year, s.id FROM service_case s"
        " JOIN conversation c ON c.call_id = s.opened_by_call_id"
    )
    told = set()
    for number, year, case_id in rows:
        if number in callers:
            case = await floor.house.api("GET", f"/cases/C-{year}-{case_id:06d}")
            told |= {each["text"] for each in case["timeline"] if each["kind"] == "ended"}
    return told
