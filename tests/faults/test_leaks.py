"""INVARIANTS 20: after an hour of calls everything is as it was at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import FULL, Check, length
from tests.faults.floor import Floor
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.xdist_group("faults"),
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = 8.0
MORE_FILES = 3  # a connection of the database's pool may have come since
MORE_MEMORY = (64 if FULL else 48) << 20  # bytes; what is remembered of calls is bounded


def descriptors(pid: int) -> int:
    """Open files of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def memory(pid: int) -> int:
    """Bytes of a process that are in memory now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.timeout(5400)
async def test_nothing_leaks(floor: Floor, check: Check) -> None:
    """Files, tasks, memory and channels."""
    check.of(20, "an hour of calls" if FULL else "a minute of calls")
    process = floor.house.process
    asterisk = floor.house.asterisk_pid()
    assert process is not None
    assert asterisk is not None
    floor.call(40, RATE, talk=0.5)  # everything that is made once is made
    await floor.counted()
    await floor.agents_agree()
    ours, theirs = descriptors(process.pid), descriptors(asterisk)
    before = memory(process.pid)

    floor.call(length(200, int(3600 * RATE)), RATE, talk=0.5, patience=60.0)
    tally = await floor.tally(await floor.counted())
    await floor.agents_agree()

    async def files() -> tuple[int, int]:
        return descriptors(process.pid), descriptors(asterisk)

    await until(files, lambda now: now[0] <= ours + MORE_FILES and now[1] <= theirs + MORE_FILES)
    grown = memory(process.pid) - before
    check.count(tally)
    check.note(f"{grown / 2**20:.1f} MiB more")
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    assert grown < MORE_MEMORY
