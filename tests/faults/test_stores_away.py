"""INVARIANTS 16 and 17: the database locked or read-only, Redis gone and emptied."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import need
from tests.faults.conftest import Check, length
from tests.faults.floor import Floor, floor_settings, open_floor
from tests.faults.stores import a_redis

pytestmark = [
    pytest.mark.journey,
    pytest.mark.xdist_group("faults"),
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
