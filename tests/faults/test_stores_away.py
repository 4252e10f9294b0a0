"""INVARIANTS 16 and 17: the database locked, full or read-only, Redis gone and emptied."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.conftest import need
from tests.faults.conftest import Check, length
from tests.faults.disk import SmallDisk, a_small_disk
from tests.faults.floor import WRITTEN_SECONDS, Floor, floor_settings, open_floor
from tests.faults.stores import a_redis
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = 6.0


async def test_the_database_is_locked(floor: Floor, check: Check) -> None:
    """Nobody can write; calls are routed and answered; then every one of them has its case."""
    check.of(16, "SQLite locked by another program")
    floor.call(length(60, 500), RATE)
    flowing = asyncio.create_task(floor.counted())
    with closing(sqlite3.connect(floor.folder / "data/ringdesk.db")) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        await asyncio.wait({flowing}, timeout=length(15, 60))
        other.execute("ROLLBACK")
    tally = await floor.tally(await flowing)
    check.count(tally)
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    await floor.agents_agree()


@contextmanager
def full(disk: SmallDisk) -> Iterator[None]:
    """Not one byte more fits beside the database."""
    disk.fill()
    try:
        yield
    finally:
        disk.empty()


@contextmanager
def read_only(disk: SmallDisk) -> Iterator[None]:
    """Nothing can be written to its files, also by who has them open; not even by root."""
    # Not the -shm: it is mapped, and who writes to it would be killed.
    files = [disk.folder / name for name in ("ringdesk.db", "ringdesk.db-wal")]
    subprocess.run(["chattr", "+i", *map(str, files)], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *map(str, files)], check=True)


@pytest.mark.timeout(600)
async def test_the_databases_disk_is_full_and_then_read_only(
    tmp_path: Path, prompts: Path, check: Check
) -> None:
    """Calls are routed and answered, the journal's cursor waits; then each call has its case."""
    check.of(16, "SQLite's disk full, then its files read-only")
    for part in ("asterisk", "espeak-ng", "sipp"):
        need(part)
    waited = {}
    with a_small_disk(tmp_path) as disk:
        config = floor_settings(tmp_path, f"sqlite+aiosqlite:///{disk.folder / 'ringdesk.db'}")
        async with open_floor(tmp_path, prompts, config=config) as floor:
            for fault in (full, read_only):
                with fault(disk):
                    floor.call(length(12, 200), RATE)
                    counts = await floor.counted()
                    assert counts.failed == 0, fault.__name__
                    waited[fault.__name__] = await floor.journal_left()
                tally = await floor.tally(counts)
                assert tally.exact, (fault.__name__, tally)
                await until(floor.journal_left, lambda left: left == 0, seconds=WRITTEN_SECONDS)
                await floor.agents_agree()
    check.count(tally)
    check.note(f"bytes of records that waited: {waited}")
    assert waited["read_only"] > 0
    assert not tally.open


async def test_redis_is_killed_and_comes_back_empty(
    tmp_path: Path, prompts: Path, check: Check
) -> None:
    """Calls and cases do without it; screens are right again when it is back."""
    check.of(17, "Redis killed, away, back with nothing in it")
    for part in ("asterisk", "espeak-ng", "sipp"):
        need(part)
    with a_redis(tmp_path) as redis:
        config = floor_settings(tmp_path) | {"bus": {"url": redis.url}}
        async with open_floor(tmp_path, prompts, config=config) as floor:
            floor.call(length(60, 500), RATE)
            flowing = asyncio.create_task(floor.counted())
            await asyncio.wait({flowing}, timeout=2.0)
            redis.kill()
            await asyncio.wait({flowing}, timeout=length(5, 30))
            redis.start()
            tally = await floor.tally(await flowing)
            check.count(tally)
            assert tally.sipp.failed == 0
            assert tally.exact, tally
            await floor.agents_agree()
