"""INVARIANTS 15: the clock of the machine jumps an hour, forth and back, around restarts."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.conftest import need
from tests.faults.clock import HOUR, a_fake_clock
from tests.faults.conftest import Check, length
from tests.faults.floor import Floor, open_floor

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = 5.0
# Of calls that send no voice (sipp's do not) Asterisk believes at the jump that they have been
# silent for an hour, and ends them.
NO_VOICE = 44
# What must not be: each counts the rows that are so. When something was, is what the clock said.
NEGATIVE = {
    "conversation": "waited < 0 OR talked < 0 OR held < 0",
    "leg": "ringing < 0 OR talked < 0 OR held < 0 OR consulted < 0 OR wrapped_up < 0",
    "queue_visit": "waited < 0",
    "recording": "seconds < 0",
}


@pytest.mark.timeout(900)
async def test_the_clock_jumps_around_restarts(tmp_path: Path, prompts: Path, check: Check) -> None:
    """Ours is killed and started with the clock ahead, then Asterisk with the clock set back."""
    check.of(15, "an hour forth around our restart, back around Asterisk's")
    for part in ("asterisk", "espeak-ng", "sipp"):
        need(part)
    count = length(12, 300)
    clock = a_fake_clock(tmp_path)
    async with open_floor(tmp_path, prompts, env=clock.env) as floor:
        began = time.time()
        floor.call(count, RATE, talk=2.0)
        flowing = asyncio.create_task(floor.counted())
        await asyncio.wait({flowing}, timeout=1.0)
        await floor.stop_by(SIGKILL)
        clock.ahead(HOUR)  # calls are up, and Asterisk's clock jumps under them
        await asyncio.wait({flowing}, timeout=1.0)
        await floor.start_again()
        await flowing

        await floor.house.stop()
        await floor.house.end_asterisk()
        clock.ahead(0)
        await floor.start_again()
        # The seconds of the first calls come again, and Asterisk counts from nought again.
        clock.ahead(round(began - time.time()))
        floor.call(count, RATE, talk=2.0)
        flowing = asyncio.create_task(floor.counted())
        await asyncio.wait({flowing}, timeout=1.0)
        await floor.stop_by(SIGKILL)
        clock.ahead(-HOUR)
        await asyncio.wait({flowing}, timeout=1.0)
        await floor.start_again()
        tally = await floor.tally(await flowing)
        check.count(tally)
        negative = {table: await rows_where(floor, table, NEGATIVE[table]) for table in NEGATIVE}
        negative["spans"] = await spans_backwards(floor)
        ids = Counter(
            record["uniqueid"]
            for record in floor.records()
            if record.get("eventtype") == "CHAN_START"
        )
        silent = await rows_where(floor, "conversation", f"cause = {NO_VOICE}")
        await floor.agents_agree()
    check.note(f"{silent} calls without voice were ended by Asterisk at the jump forth")
    assert tally.sipp.failed == silent
    assert tally.exact, tally
    assert max(ids.values()) == 1
    assert not any(negative.values()), negative


async def rows_where(floor: Floor, table: str, condition: str) -> int:
    """How many rows are so."""
    rows = await floor.ask(f"SELECT count(*) FROM {table} WHERE {condition}")  # noqa: S608 - ours
    return int(rows[0][0])


async def spans_backwards(floor: Floor) -> int:
    """Parts of a leg's time that end before they begin."""
    rows = await floor.ask(
        "SELECT count(*) FROM leg, json_each(leg.spans) AS span"
        " WHERE json_extract(span.value, '$[2]') < json_extract(span.value, '$[1]')"
    )
    return int(rows[0][0])
