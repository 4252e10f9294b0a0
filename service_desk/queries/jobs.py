"""The jobs as people look at them: a line of the TABLE each, whether it ever ran or not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Connection, select

from service_desk.desk import Desk
from service_desk.jobs import runs
from service_desk.jobs.table import TABLE, Job
from service_desk.jobs.when import Daily
from service_desk.lease import EXPIRY, Seen, look, place
from service_desk.model import Job as Row

LATE: Final = timedelta(minutes=10)  # after it was due: whoever runs jobs looks every few seconds

LAST: Final = ("due_at", "started_at", "ended_at", "done_at", "seconds", "many")


class JobView(Struct, frozen=True, kw_only=True):
    """One job. `state`: due, running, waiting; `result`: of the last run, "" before the first.

    `daily_at` (of the company's day) or `every_minutes`; `seconds` and `many` (how many things it
    did) of the last run; `done_at`: the end of the last that did its work.
    """

    name: str
    state: str
    result: str
    daily_at: str
    every_minutes: int | None
    longest: float
    due_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    done_at: datetime | None
    seconds: float | None
    many: int | None
    why: str
    failures: int
    late: bool


class Jobs(Struct, frozen=True, kw_only=True):
    """All jobs, and the machine and process that runs them ("": none that lives)."""

    jobs: tuple[JobView, ...]
    host: str
    process: str

    @property
    def owner(self) -> str:
        """Who runs them, on one line."""
        return f"{self.host}, process {self.process}" if self.host else ""


async def jobs(desk: Desk) -> Jobs:
    """All jobs, in the TABLE's order. Raises DatabaseAway."""
    return await desk.fetch(read_jobs, desk.clock.now(), ZoneInfo(desk.settings.time_zone))


def read_jobs(connection: Connection, now: datetime, zone: ZoneInfo) -> Jobs:
    """`jobs` over a plain connection."""
    rows = {row.name: row for row in connection.execute(select(Row).where(Row.name.in_(TABLE)))}
    due = set(runs.due(connection, TABLE, now, zone))
    host, process = _owner(look(connection, runs.lease_of_jobs("")), now)
    return Jobs(
        jobs=tuple(_view(name, job, rows, due, now) for name, job in TABLE.items()),
        host=host,
        process=process,
    )


def _owner(seen: Seen | None, now: datetime) -> tuple[str, str]:
    """By the clock here: for people, who see that it does not work; who takes over knows better."""
    if seen is None or now - seen.beat_at > timedelta(seconds=2 * EXPIRY):
        return "", ""
    return place(seen.holder)


def _view(name: str, job: Job, rows: Mapping[str, Any], due: set[str], now: datetime) -> JobView:
    row = rows.get(name)
    last = {key: None if row is None else row._mapping[key] for key in LAST}
    running = row is not None and runs.is_under_way(row)
    return JobView(
        name=name,
        state="running" if running else "due" if name in due else "waiting",
        daily_at=job.when.at.strftime("%H:%M") if isinstance(job.when, Daily) else "",
        every_minutes=None if isinstance(job.when, Daily) else job.when.minutes,
        longest=job.longest,
        late=not running and row is not None and now - row.due_at > LATE,
        result="" if row is None else row.result,
        why="" if row is None else row.why,
        failures=0 if row is None else row.failures,
        **last,
    )
