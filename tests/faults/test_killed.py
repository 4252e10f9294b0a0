"""INVARIANTS 1, 5 and 7: Ringdesk is killed while calls flow, again and again."""

from __future__ import annotations

import asyncio
import random
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest

from tests.faults.conftest import Check, length
from tests.faults.floor import Floor

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = length(8, 15)
TALK = 0.8


@pytest.mark.timeout(3600)
async def test_killed_at_random_while_calls_flow(floor: Floor, check: Check) -> None:
    """Every call that reached Asterisk has exactly one case; nobody's call fails."""
    check.of(1, "kill -9 of serve at random while calls flow")
    chance = random.SystemRandom()
    calls = length(80, 10_000)
    floor.call(calls, RATE, talk=TALK)
    flowing = asyncio.create_task(floor.counted())
    kills = 0
    while True:
        done, _ = await asyncio.wait({flowing}, timeout=chance.uniform(0.5, length(3, 10)))
        if done:
            break
        await floor.stop_by(SIGKILL)
        kills += 1
        await floor.start_again()
    tally = await floor.tally(await flowing)
    check.count(tally)
    check.note(f"{kills} kills")
    assert kills
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    await floor.agents_agree()


async def test_stopped_and_continued(floor: Floor, check: Check) -> None:
    """While we stand still, calls are queued, answered and ended; then everything is known."""
    check.of(5, "STOP of serve for ten seconds")
    floor.call(length(60, 600), RATE, talk=TALK)
    flowing = asyncio.create_task(floor.counted())
    await floor.stop_by(SIGSTOP)
    try:
        await asyncio.wait({flowing}, timeout=10.0)
    finally:
        await floor.stop_by(SIGCONT)
    tally = await floor.tally(await flowing)
    check.count(tally)
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    await floor.agents_agree()
