"""INVARIANTS 16 and 17: the database locked or read-only, Redis gone and emptied."""

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
from tests.faults.floor import Floor, floor_settings, open_floor
from tests.ports import free_port

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


class Redis:
    """A redis-server that may be stopped, and started again with nothing in it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty."""
        self._process = subprocess.Popen(
            [need("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1",
             "--save", "", "--appendonly", "no", "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self) -> None:
        """As a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def a_redis(folder: Path) -> Iterator[Redis]:
    """One that runs, and is ended."""
    made = Redis(folder)
    made.start()
    try:
        yield made
    finally:
        made.kill()


async def test_redis_is_killed_and_comes_back_empty(
    tmp_path: Path, prompts: Path, check: Check
) -> None:
    """Calls and cases do without it; screens are right again when it is back."""
    check.of(17, "Redis killed, away, back with nothing in it")
    for part in ("asterisk", "espeak-ng", "sipp"):
        need(part)
    with a_redis(tmp_path) as redis:
        url = f"redis://127.0.0.1:{redis.port}/0"
        config = floor_settings(tmp_path) | {"bus": {"url": url}}
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
