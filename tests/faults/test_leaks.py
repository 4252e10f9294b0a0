"""INVARIANTS 20: after an hour of calls everything is as it was at the start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.faults.conftest import FULL, Check, length
from tests.faults.floor import Floor
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = 8.0  # calls a second
MORE_FILES = 3  # a connection of the database's pool may have come since
MORE_TASKS = 2  # one page that is being answered
# Bytes. What is remembered of calls is bounded (tests/cti/test_bounded.py), and is full after some
# thousands: 20 KB of each of the last 2,000, less of the last 5,000 (docs/decisions/015-a-rush.md).
MORE_MEMORY = (64 if FULL else 48) << 20
MORE_LATER = 0.10  # of the memory after the first half: by then nearly all that is bounded is full


@dataclass(frozen=True)
class Level:
    """What a process holds, seen from outside; `tasks` and `calls` it tells itself."""

    files: int
    theirs: int  # Asterisk's open files
    threads: int
    tasks: int
    calls: int

    def back_at(self, start: Level) -> bool:
        """Nothing was left behind since."""
        return (
            self.files <= start.files + MORE_FILES
            and self.theirs <= start.theirs + MORE_FILES
            and self.threads <= start.threads + MORE_FILES
            and self.tasks <= start.tasks + MORE_TASKS
            and not self.calls
        )


async def level(floor: Floor) -> Level:
    """What it holds now."""
    process, asterisk = floor.house.process, floor.house.asterisk_pid()
    assert process is not None
    assert asterisk is not None
    port = floor.house.config["health"]["port"]
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        page = await answer.text()
    values = {
        family.name: sum(sample.value for sample in family.samples)
        for family in text_string_to_metric_families(page)
    }
    return Level(
        files=entries(process.pid, "fd"),
        theirs=entries(asterisk, "fd"),
        threads=entries(process.pid, "task"),
        tasks=int(values["ringdesk_tasks"]),
        calls=int(values["ringdesk_active_calls"]),
    )


def entries(pid: int, folder: str) -> int:
    """Open files (`fd`) or threads (`task`) of a process."""
    return len(list(Path(f"/proc/{pid}/{folder}").iterdir()))


def memory(pid: int) -> int:
    """Bytes of a process that are in memory now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.timeout(5400)
async def test_nothing_leaks(floor: Floor, check: Check) -> None:
    """Files, threads, tasks, memory, calls and channels."""
    check.of(20, "an hour of calls" if FULL else "a minute of calls")
    process = floor.house.process
    asterisk = floor.house.asterisk_pid()
    assert process is not None
    assert asterisk is not None
    floor.call(40, RATE, talk=0.5)  # everything that is made once is made
    await floor.counted()
    await floor.agents_agree()
    start = await level(floor)
    ours, theirs = [memory(process.pid)], [memory(asterisk)]

    for _half in range(2):
        floor.call(length(100, int(1800 * RATE)), RATE, talk=0.5, patience=60.0)
        sipp = await floor.counted()
        ours.append(memory(process.pid))
        theirs.append(memory(asterisk))
    tally = await floor.tally(sipp)
    await floor.agents_agree()  # and Asterisk has no channel any more
    check.count(tally)
    end = await until(lambda: level(floor), lambda now: now.back_at(start), seconds=60.0)
    check.note(
        f"files {start.files} to {end.files}, tasks {start.tasks} to {end.tasks},"
        f" MiB {in_mib(ours)}; Asterisk's files {start.theirs} to {end.theirs},"
        f" MiB {in_mib(theirs)}"
    )
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    assert ours[2] - ours[0] < MORE_MEMORY
    if FULL:
        assert ours[2] < ours[1] * (1 + MORE_LATER)


def in_mib(levels: list[int]) -> str:
    """The memory at the start, half-way and at the end."""
    return ", ".join(f"{each / 2**20:.0f}" for each in levels)
