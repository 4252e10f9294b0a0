"""INVARIANTS 11 to 13: the link half-open, its reader stopped, its events shuffled."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGSTOP

import pytest
from playwright.async_api import Page, expect

from tests.conftest import need
from tests.faults.board import a_board, a_browser, same_as_fresh
from tests.faults.conftest import Check, length
from tests.faults.floor import Floor, open_distant_floor, open_proxied_floor
from tests.faults.netns import a_wire
from tests.faults.proxy import Mischief
from tests.faults.sip_log import Seen, seen_in
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
STALE_SECONDS = 15.0  # INVARIANTS 11
BACK_SECONDS = 30.0
RATE = 8.0
SLOWER = 0.05  # seconds: a reader that Asterisk waits for costs more, usually seconds


@pytest.fixture(autouse=True)
def _parts() -> None:
    for part in ("asterisk", "espeak-ng", "sipp"):
        need(part)


async def test_the_link_is_half_open(tmp_path: Path, prompts: Path, check: Check) -> None:
    """Nothing comes and nothing is refused: said on the board within 15 s, then resynced."""
    check.of(11, "the manager's link swallows everything; a browser watches")
    async with open_proxied_floor(tmp_path, prompts) as (floor, proxy):
        await noticed_and_mended(floor, proxy.swallow, check)
        assert proxy.links > 1


async def test_packets_vanish(tmp_path: Path, prompts: Path, check: Check) -> None:
    """The same where nobody answers for the other side: packets are dropped, both ways."""
    check.of(11, "packets dropped in a network namespace; a browser watches")
    with a_wire() as wire:
        async with open_distant_floor(tmp_path, prompts, wire) as floor:
            await noticed_and_mended(floor, wire.drop, check)


async def noticed_and_mended(floor: Floor, break_it: Callable[[bool], None], check: Check) -> None:
    """Break the link while calls flow and a board is open; then everything is as it was."""
    async with a_browser() as browser, a_board(browser, floor) as board:
        floor.call(length(40, 400), 4.0)
        flowing = asyncio.create_task(floor.counted())
        said = await stale_and_back(board.page, break_it)
        tally = await floor.tally(await flowing)
        await floor.agents_agree()
        await same_as_fresh(board.page, browser, floor)
    check.count(tally)
    check.note(f"the banner was there after {said:.1f} s")
    assert tally.sipp.failed == 0
    assert tally.exact, tally


async def stale_and_back(page: Page, break_it: Callable[[bool], None]) -> float:
    """Break the link until the board's banner says so, then mend it until it is gone; seconds."""
    banner = page.locator(".stale")
    await expect(banner).to_have_count(0)
    began = time.monotonic()
    break_it(True)
    try:
        await expect(banner).to_contain_text("has not been heard", timeout=STALE_SECONDS * 1000)
        said = time.monotonic() - began
    finally:
        break_it(False)
    await expect(banner).to_have_count(0, timeout=BACK_SECONDS * 1000)
    return said


async def test_the_reader_stops_for_thirty_seconds(floor: Floor, check: Check) -> None:
    """Asterisk sets calls up as before; afterwards we know everything."""
    check.of(12, "STOP of serve while calls flow")
    log = floor.folder / "stopped.log"
    floor.call(length(200, 1_200), RATE, log=log)
    flowing = asyncio.create_task(floor.counted())
    before = length(40, 240)
    await until(
        lambda: asyncio.to_thread(seen_in, log),
        lambda seen: len(seen) >= before,
        seconds=before / RATE + 30.0,
        every=0.5,
    )
    stopped_at = time.time()
    await floor.stop_by(SIGSTOP)
    try:
        await asyncio.wait({flowing}, timeout=length(10, 30))
    finally:
        gone_on_at = time.time()
        await floor.stop_by(SIGCONT)
    tally = await floor.tally(await flowing)
    check.count(tally)
    seen = (await asyncio.to_thread(seen_in, log)).values()
    usual = set_up([call for call in seen if 0 < call.answered < stopped_at])
    meanwhile = set_up([call for call in seen if stopped_at < call.asked < gone_on_at])
    check.note(f"until the call was taken: {usual}; while we stood still: {meanwhile}")
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    assert meanwhile.calls > before / 2
    assert meanwhile.median < usual.median * 2 + SLOWER
    await floor.agents_agree()


@dataclass(frozen=True)
class SetUp:
    """How long callers waited for the answer to their INVITE, which leads to the queue; seconds."""

    calls: int
    median: float
    p90: float

    def __str__(self) -> str:
        return f"median {self.median * 1000:.0f}, p90 {self.p90 * 1000:.0f} ms ({self.calls} calls)"


def set_up(calls: Sequence[Seen]) -> SetUp:
    """Of these, which were all answered."""
    waits = sorted(call.answered - call.asked for call in calls)
    assert all(wait > 0 for wait in waits)
    return SetUp(len(waits), statistics.median(waits), waits[len(waits) * 9 // 10])


async def test_events_out_of_order_and_twice(tmp_path: Path, prompts: Path, check: Check) -> None:
    """Shuffled and repeated: the same calls, ended by their callers, and agents who are free."""
    check.of(13, "events late, twice, and shuffled across channels")
    mischief = Mischief(delay=0.5, twice=0.2)
    async with open_proxied_floor(tmp_path, prompts, mischief) as (floor, proxy):
        floor.call(length(60, 1_000), RATE)
        tally = await floor.tally(await floor.counted())
        check.count(tally)
        check.note(f"{proxy.moved} events overtaken, {proxy.repeated} twice")
        assert proxy.moved
        assert proxy.repeated
        assert tally.sipp.failed == 0
        assert tally.exact, tally
        await floor.agents_agree()

        async def told() -> list[tuple[object, ...]]:
            return [
                tuple(row)
                for row in await floor.ask(
                    "SELECT c.direction, c.outcome, c.ended_by, l.party, l.ended_by, count(*)"
                    " FROM conversation c JOIN leg l ON l.call_id = c.call_id"
                    " GROUP BY 1, 2, 3, 4, 5 ORDER BY 4"
                )
            ]

        # The records put right what came late; they are told some seconds after they are read.
        each = "inbound", "answered", "caller"
        await until(
            told,
            lambda found: (
                found == [(*each, party, "caller", tally.calls) for party in ("agent", "caller")]
            ),
            seconds=60.0,
        )
