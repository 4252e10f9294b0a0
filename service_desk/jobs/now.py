"""One job at once, by whoever owns the jobs, or else by us."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from sqlalchemy import Connection, select

from service_desk.desk import Desk
from service_desk.errors import Conflict, DatabaseAway
from service_desk.jobs import runs
from service_desk.jobs.scheduler import Scheduler
from service_desk.jobs.table import TABLE
from service_desk.model import Job as Row
from service_desk.queries.jobs import JobView, jobs

LOOK: Final = 0.5  # seconds between two looks whether it is over
MARGIN: Final = 60.0  # seconds until whoever owns the jobs has seen it, or we do


async def run_now(desk: Desk, name: str, *, system: str) -> JobView:
    """Ask for it, stand by to run it ourselves, and wait until it was run; how that went.

    A run that is under way is waited for, and followed by ours. Raises DatabaseAway, and Conflict
    after twice the time it may take.
    """
    longest = 2 * TABLE[name].longest + MARGIN
    before = await desk.transact(runs.ask, name, desk.clock.now())
    scheduler = Scheduler(desk, system=system, table={name: TABLE[name]})
    standing_by = asyncio.create_task(scheduler.run(), name="jobs")
    try:
        async with asyncio.timeout(longest):
            await _until_ran(desk, name, before)
    except TimeoutError:
        raise Conflict(
            "{name} was not run within {longest} s", name=name, longest=longest
        ) from None
    finally:
        standing_by.cancel()
        await asyncio.gather(standing_by, return_exceptions=True)
    found = await jobs(desk)
    return next(job for job in found.jobs if job.name == name)


async def _until_ran(desk: Desk, name: str, before: int) -> None:
    while True:
        with contextlib.suppress(DatabaseAway):
            row = await desk.fetch(_row, name)
            if row.runs > before and not runs.is_under_way(row):
                return
        await asyncio.sleep(LOOK)


def _row(connection: Connection, name: str) -> Any:
    return connection.execute(select(Row).where(Row.name == name)).one()
