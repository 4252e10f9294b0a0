"""INVARIANTS 2, 3 and 7: nobody of ours is there while calls come; then the records tell."""

from __future__ import annotations

import asyncio
import time
from signal import SIGKILL

import pytest

from tests.faults.conftest import Check, length
from tests.faults.floor import WRITTEN_SECONDS, Floor
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = 6.0


async def test_calls_come_while_ringdesk_is_down_and_records_rotate_twice(
    floor: Floor, check: Check
) -> None:
    """Killed with calls up; others come and go; the records are rotated twice; then it starts."""
    check.of(2, "down while calls come, records rotated twice")
    count = length(40, 1_000)
    floor.call(count, RATE, talk=1.5)
    flowing = asyncio.create_task(floor.counted())
    await asyncio.wait({flowing}, timeout=2.0)
    await floor.stop_by(SIGKILL)
    records = floor.folder / "data/records/cel.csv"
    for number in (1, 2):
        await asyncio.wait({flowing}, timeout=count / RATE / 4)
        records.rename(records.with_name(f"cel-test-{floor.made}-{number}.csv"))
    sipp = await flowing
    await floor.start_again()
    started = time.monotonic()
    tally = await floor.tally(sipp)
    took = time.monotonic() - started
    check.count(tally)
    check.note(f"everything was right {took:.1f} s after the start")
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    assert took < WRITTEN_SECONDS
    await floor.agents_agree()


async def test_agents_who_were_left_in_the_middle_are_free(floor: Floor, check: Check) -> None:
    """Killed with every agent on a call; the calls end unseen; everybody is free again."""
    check.of(7, "killed with agents ringing and talking, started when they are through")
    floor.call(length(20, 200), 10.0, talk=2.0)
    flowing = asyncio.create_task(floor.counted())
    await asyncio.wait({flowing}, timeout=2.0)
    await floor.stop_by(SIGKILL)
    sipp = await flowing
    await floor.start_again()
    await floor.agents_agree()
    tally = await floor.tally(sipp)
    check.count(tally)
    assert tally.exact, tally


async def test_the_records_are_fed_again_in_another_order(floor: Floor, check: Check) -> None:
    """All that Asterisk has written is read a second time, channels interleaved otherwise."""
    check.of(3, "the journal read again from its first byte, channels shuffled")
    floor.call(length(16, 200), RATE)
    tally = await floor.tally(await floor.counted())
    check.count(tally)
    assert tally.exact, tally
    await floor.agents_agree()
    await until(floor.journal_left, lambda left: left == 0, seconds=60.0)
    before = await floor.settled_lines()
    await floor.stop_by(SIGKILL)
    floor.shuffle_records()
    await floor.change("DELETE FROM journal_cursor")
    await floor.start_again()
    await until(floor.journal_left, lambda left: left == 0, seconds=60.0)
    after = await floor.settled_lines()
    assert sorted(set(after) ^ set(before)) == []
