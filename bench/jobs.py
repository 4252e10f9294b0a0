"""Jobs beside calls: what a call's commit waits for while the jobs count 2,000,000 purchases.

The same calls (an arrival, which a screen waits for, and the rest of the call) are written by the
intake at an even rate while nothing else runs, while the jobs `pairs` and `worth` run as they do
in a house (in a process of their own), and while the pairs are counted as they were before there
were jobs: in one transaction. SQLite and PostgreSQL, one after the other.
`python -m bench.jobs CUSTOMERS` does it for so many.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, distinct, func, insert, select

from bench.harness import Figure, RunFailedError, silence
from config import parts
from cti import events as cti
from service_desk import bulk
from service_desk.desk import Desk, connect
from service_desk.errors import DatabaseAway
from service_desk.intake import Intake, packed
from service_desk.jobs import runs
from service_desk.jobs.apart import run_apart
from service_desk.jobs.table import OF_PURCHASES, TABLE
from service_desk.lease import take
from service_desk.migrations import migrate
from service_desk.model import PairCount, Purchase
from tests import postgres

CUSTOMERS = 500_000  # with four purchases each
CALLS = 20_000  # of before
RATE = 20  # calls a second, of two commits each
ALONE = 15.0  # seconds of each stretch without a job
BEFORE = 30.0  # seconds of the way that was; it takes longer
TARGET = 100.0  # ms


def run() -> list[Figure]:
    """The figures of both databases."""
    return asyncio.run(_run(CUSTOMERS))


async def _run(customers: int) -> list[Figure]:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="ringdesk-bench-") as name:
        folder = Path(name)
        figures += await _of("SQLite", f"sqlite+aiosqlite:///{folder / 'desk.db'}", customers)
        try:
            url, stop = postgres.start(parts.postgres_bindir(), folder / "postgres")
        except (parts.PartMissingError, postgres.PostgresMissingError) as why:
            raise RunFailedError(str(why)) from why
        try:
            figures += await _of("PostgreSQL", url, customers)
        finally:
            stop()
    return figures


class Load:
    """Calls at an even rate; `commits`: how long each took, in seconds."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._number = 0
        self.commits: list[float] = []
        self.failed = 0

    async def during(self, work: Coroutine[Any, Any, Any]) -> float:
        """Calls until this work has ended; how long that took."""
        task = asyncio.ensure_future(work)
        calls: set[asyncio.Task[None]] = set()
        begun = time.monotonic()
        made = 0
        while not task.done():
            made += 1
            call = asyncio.create_task(self._call())
            calls.add(call)
            call.add_done_callback(calls.discard)
            await asyncio.sleep(max(begun + made / RATE - time.monotonic(), 0.0))
        took = time.monotonic() - begun
        await asyncio.gather(*calls)
        await task
        return took

    async def _call(self) -> None:
        self._number += 1
        first, *rest = _facts(self._number)
        await self._commit([first])
        await self._commit(rest)

    async def _commit(self, facts: list[cti.CallFact]) -> None:
        begun = time.perf_counter()
        try:
            await self._intake.write([packed(fact) for fact in facts])
        except DatabaseAway:
            self.failed += 1
        self.commits.append(time.perf_counter() - begun)

    def taken(self) -> tuple[list[float], int]:
        """What was measured since the last time, and how many failed."""
        found = sorted(self.commits), self.failed
        self.commits, self.failed = [], 0
        return found


def _facts(number: int) -> list[cti.CallFact]:
    base: dict[str, Any] = {"system": "bench", "call_id": f"bench-{number}"}
    at = datetime.now(UTC)
    leg = {**base, "leg_id": f"{number}.1"}
    caller = bulk.number_of(1 + number % 1000)
    return [
        cti.CallArrived(
            **leg, at=at, channel="PJSIP/t-1", direction="inbound", caller_number=caller,
            caller_name="", dialed="1000",
        ),
        cti.LegStarted(**leg, at=at, channel="PJSIP/t-1", party="caller", address=caller),
        cti.CallQueued(**leg, at=at, queue="support", position=1),
        cti.LegEnded(**leg, at=at + timedelta(seconds=30), cause=16),
        cti.CallEnded(**base, at=at + timedelta(seconds=30), cause=16, by="caller"),
    ]  # fmt: skip


@asynccontextmanager
async def _filled(url: str, customers: int) -> AsyncIterator[Desk]:
    await migrate(url)
    desk = Desk(connect(url))
    await bulk.fill(desk.engine, customers=customers, conversations=CALLS)
    await asyncio.to_thread(os.sync)
    try:
        yield desk
    finally:
        await desk.close()


async def _of(kind: str, url: str, customers: int) -> list[Figure]:
    async with _filled(url, customers) as desk:
        load = Load(Intake(desk))
        lease = runs.lease_of_jobs()
        await desk.transact(take, lease, None, desk.clock.now())
        await load.during(asyncio.sleep(5.0))
        load.taken()
        alone: list[float] = []
        beside: list[float] = []
        failed = 0
        seconds: dict[str, float] = {}
        for name in OF_PURCHASES:
            await load.during(asyncio.sleep(ALONE))
            alone += load.taken()[0]
            seconds[name] = await load.during(run_apart(desk, TABLE[name], lease))
            took, missed = load.taken()
            beside += took
            failed += missed
        await load.during(_before(url))
        before, lost = load.taken()
    note = (
        f"{4 * customers:,} purchases; {len(alone)} commits alone, {len(beside)} beside the jobs "
        f"({failed} failed), {len(before)} beside one transaction ({lost} failed); "
        f"load {os.getloadavg()[0]:.2f}"
    )
    print(f"  {kind}: {note}", flush=True)
    return [
        *(
            Figure(
                name=f"a call's commit while jobs run, {kind}, {what}",
                unit="ms",
                better="lower",
                ours=None if failed else _at(sorted(beside), part),
                peers={
                    "without a job": _at(sorted(alone), part),
                    "counted in one transaction": _at(before, part),
                },
                target=TARGET if what == "p99" else None,
                note=note,
            )
            for what, part in (("median", 0.5), ("p99", 0.99), ("longest", 1.0))
        ),
        *(
            Figure(name=f"job {name}, {kind}", unit="s", better="lower", ours=took, note=note)
            for name, took in seconds.items()
        ),
    ]


def _at(values: list[float], part: float) -> float | None:
    if not values:
        return None
    return values[min(int(len(values) * part), len(values) - 1)] * 1e3


# The way it was, in a process of its own; ended when it has taken long enough.


async def _before(url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "bench.jobs", "--before", url
    )
    try:
        async with asyncio.timeout(BEFORE):
            if await process.wait():
                raise RunFailedError("the way it was: it failed")
    except TimeoutError:
        process.kill()
        await process.wait()


def _count_in_one_go(connection: Connection) -> None:
    held = select(Purchase.customer_id, Purchase.product_id).distinct()
    first, second = held.subquery("first"), held.subquery("second")
    buyers = select(Purchase.product_id, func.count(distinct(Purchase.customer_id)))
    have = {row[0]: row[1] for row in connection.execute(buyers.group_by(Purchase.product_id))}
    pairs = connection.execute(
        select(first.c.product_id, second.c.product_id, func.count())
        .join(second, second.c.customer_id == first.c.customer_id)
        .where(first.c.product_id != second.c.product_id)
        .group_by(first.c.product_id, second.c.product_id)
    ).all()
    connection.execute(delete(PairCount))
    connection.execute(
        insert(PairCount),
        [
            {"generation": 1, "first_id": a, "second_id": b, "have_first": have[a], "have_both": n}
            for a, b, n in pairs
        ],
    )


async def _count_as_before(url: str) -> None:
    desk = Desk(connect(url))
    await desk.transact(_count_in_one_go)
    await desk.close()


def _main(words: list[str]) -> None:
    silence()
    if words[:1] == ["--before"]:
        asyncio.run(_count_as_before(words[1]))
        return
    figures = asyncio.run(_run(int(words[0]) if words else CUSTOMERS))
    print(json.dumps([figure.as_json() for figure in figures], indent=2))


if __name__ == "__main__":
    _main(sys.argv[1:])
