"""INVARIANTS 14: how young a call is that a kill -9 of Asterisk can lose without a trace.

Seen from the callers: a call has reached Asterisk when its INVITE was answered with 100 Trying. It
has left a trace when Asterisk has written it down (CEL) or told it (AMI, so that it has a case).
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL

import pytest

from bench.roots import roots_in
from bench.sipp import Agents
from config.outliving import until_gone
from tests.conftest import need
from tests.faults.conftest import Check, length
from tests.faults.floor import Floor, Tally, floor_settings
from tests.faults.sip_log import seen_in
from tests.faults.voices import ahead_of_others
from tests.journeys.house import House
from tests.polling import until
from tests.ports import free_ports

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
KILLS = length(1, 60)
RATE = 40.0
WINDOW = 0.5  # seconds: no call that is older is ever lost. On an idle machine it is milliseconds
TRACED_SECONDS = 60.0  # until each call that left a trace has its case
GONE_SECONDS = 30.0  # until all of Asterisk's threads are gone after a kill
YOUNG = 0.1  # seconds: of these the share that is lost is told


@dataclass
class Killed:
    """What the callers saw of each kill: number -> seconds since the call reached Asterisk."""

    ages: dict[str, float] = field(default_factory=dict)
    calls: int = 0  # INVITEs sent


def _command_of(pid: int) -> list[str]:
    said = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return [os.fsdecode(each) for each in said if each]


@dataclass
class Pbx:
    """Asterisk by itself: nobody starts it again but we, so it may be killed often."""

    house: House
    command: list[str] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None

    async def begin(self) -> None:
        """Start it as `ringdesk pbx start` does, and take it over."""
        await self.house.start("pbx", "start")
        pid = self.house.asterisk_pid()
        assert pid is not None
        self.command = _command_of(pid)
        ahead_of_others(pid)
        assert self.house.process is not None
        self.house.process.send_signal(SIGKILL)
        await self.house.process.wait()

    async def kill(self) -> float:
        """As a crash does; when that was."""
        pid = self.house.asterisk_pid()
        assert pid is not None
        at = time.time()
        os.kill(pid, SIGKILL)
        async with asyncio.timeout(GONE_SECONDS):
            await until_gone(pid)  # with its socket: the next one would take it for one that runs
        return at

    async def start(self) -> None:
        """Start it again, and wait until it knows its agents."""
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

        async def agents() -> str:
            return await self.house.asterisk_says("queue show support")

        ahead_of_others(self.process.pid)
        await until(agents, lambda said: said.count("(Not in use)") > 0, seconds=60.0)

    async def end(self) -> None:
        """For good."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await self.house.end_asterisk()


@contextlib.asynccontextmanager
async def open_floor_beside(folder: Path, prompts: Path) -> AsyncIterator[tuple[Floor, Pbx]]:
    """A floor whose Asterisk is nobody's."""
    config = floor_settings(folder)
    config["agent_ranges"][0]["count"] = 40
    house = House(folder, copy.deepcopy(config))
    house.config["asterisk"]["mode"] = "external"
    await house.furnish(prompts)
    pbx = Pbx(House(folder, config, name="pbx.yaml"))
    phones = int(config["agent_ranges"][0]["contact"].rpartition(":")[2])
    with Agents(folder, phones):
        try:
            await pbx.begin()
            await house.start()
            floor = Floor(house, free_ports(1)[0])
            try:
                yield floor, pbx
            finally:
                for flow in floor.flows:
                    flow.end()
                await house.stop()
        finally:
            await pbx.end()


async def kill_with_calls_coming(floor: Floor, pbx: Pbx, killed: Killed) -> None:
    """Calls come; at some moment Asterisk is gone; it is started again."""
    log = floor.folder / f"messages{floor.made}.log"
    floor.call(400, RATE, talk=0.5, patience=5.0, log=log)
    ahead_of_others(floor.flows[-1].process.pid)
    await asyncio.sleep(random.SystemRandom().uniform(1.0, 2.0))
    killed_at = await pbx.kill()
    floor.flows[-1].end()
    seen = await asyncio.to_thread(seen_in, log)
    killed.calls += len(seen)
    killed.ages |= {
        number: killed_at - call.trying
        for number, call in seen.items()
        if 0 < call.trying < killed_at
    }
    log.unlink()
    await pbx.start()


@pytest.mark.timeout(3600)
async def test_the_window_in_which_a_call_leaves_no_trace(
    tmp_path: Path, prompts: Path, check: Check
) -> None:
    """Measured and told; every call that left one has its case, those cut off with the cause."""
    check.of(14, f"kill -9 of Asterisk at random, {RATE:.0f} calls/s arriving: the window")
    for part in ("asterisk", "espeak-ng", "sipp"):
        need(part)
    killed = Killed()
    async with open_floor_beside(tmp_path, prompts) as (floor, pbx):
        for _ in range(KILLS):
            await kill_with_calls_coming(floor, pbx, killed)

        async def cases() -> Counter[str]:
            rows = await floor.ask(
                "SELECT c.number FROM service_case s"
                " JOIN conversation c ON c.call_id = s.opened_by_call_id"
                " WHERE c.ended_at IS NOT NULL"
            )
            return Counter(str(row[0]) for row in rows)

        written = set(roots_in(floor.records()).values())
        known = await until(
            cases, lambda found: written <= found.keys(), seconds=TRACED_SECONDS, every=1.0
        )
        cut_off = await floor.ask(
            "SELECT c.ended_by, count(*) FROM conversation c WHERE c.outcome = 'lost' GROUP BY 1"
        )
    lost = sorted(age for number, age in killed.ages.items() if number not in known)
    young = sum(age < YOUNG for age in killed.ages.values())
    twice = [number for number, many in known.items() if many > 1]
    check.count(Tally(calls=len(killed.ages), duplicated=twice))
    check.note(told(lost, young, dict(tuple(row) for row in cut_off)))
    assert killed.ages
    assert not twice
    assert {by for by, _ in cut_off} == {"asterisk"}
    assert max(lost, default=0.0) < WINDOW


def told(lost: list[float], young: int, cut_off: dict[str, int]) -> str:
    """The window in words; `lost`: ages in seconds, the youngest first."""
    many, cause = sum(cut_off.values()), cut_off.get("asterisk", 0)
    said = f"{KILLS} kills; {many} calls cut off, each with its case, {cause} with the cause"
    if not lost:
        return f"{said}; no call without a trace among {young} younger than {YOUNG * 1000:.0f} ms"
    p99 = lost[min(int(len(lost) * 0.99), len(lost) - 1)]
    return (
        f"{said}; without a trace {len(lost)} of {young} younger than {YOUNG * 1000:.0f} ms:"
        f" largest age {lost[-1] * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms,"
        f" median {lost[len(lost) // 2] * 1000:.1f} ms"
    )
