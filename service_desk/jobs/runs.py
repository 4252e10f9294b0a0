"""The rows of the jobs: when each is due, that it runs, and how it went.

Whoever writes here owns the jobs (`confirm`), but for `ask` and `soon`, which only say when.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from service_desk.jobs.table import Job
from service_desk.jobs.when import back_off
from service_desk.lease import Lease, confirm, this_process
from service_desk.model import Job as Row
from service_desk.model import Lease as LeaseRow
from service_desk.model.base import table_of

OWNER: Final = "jobs"  # the lease's name
Result = Literal["done", "failed", "too_long", "cut_off"]
RESULTS: Final[tuple[str, ...]] = get_args(Result)
_UNDER_WAY = Row.started_at.is_not(None) & or_(
    Row.ended_at.is_(None), Row.ended_at < Row.started_at
)


class Outcome(Struct, frozen=True, kw_only=True):
    """How a run ended. `many`: how many things it did; `why` not, in types and places.

    `wanted`: it was ended because its owner ends, and is no failure.
    """

    result: Result
    seconds: float
    many: int | None = None
    why: str = ""
    wanted: bool = False


def lease_of_jobs(holder: str | None = None) -> Lease:
    """Who holds it runs the jobs of this database; this process unless `holder` is named."""
    return Lease(table_of(LeaseRow), OWNER, holder or this_process())


def is_under_way(row: Any) -> bool:
    """Whether a row's job runs now (or its owner died of it)."""
    started: datetime | None = row.started_at
    ended: datetime | None = row.ended_at
    return started is not None and (ended is None or ended < started)


def due(
    connection: Connection, jobs: Mapping[str, Job], now: datetime, zone: ZoneInfo
) -> list[str]:
    """The jobs that are due, the longest due first. One that never ran is due at once.

    A time further ahead than the job's next is none: the clock was set back since.
    """
    rows = {
        row.name: row.due_at
        for row in connection.execute(select(Row.name, Row.due_at).where(Row.name.in_(jobs)))
    }
    at = {
        name: min(rows[name], job.when.after(now, zone)) if name in rows else now
        for name, job in jobs.items()
    }
    return sorted((name for name in jobs if at[name] <= now), key=lambda name: at[name])


def begin(
    connection: Connection, lease: Lease, name: str, now: datetime, following: datetime
) -> None:
    """It runs, and is due again at `following`. Raises Conflict if the jobs are another's."""
    confirm(connection, lease)
    _have_row(connection, name, now)
    connection.execute(
        update(Row)
        .where(Row.name == name)
        .values(started_at=now, due_at=following, runs=Row.runs + 1)
    )


def end(connection: Connection, lease: Lease, name: str, now: datetime, outcome: Outcome) -> bool:
    """It ended; whether it went well before and does no more, or the other way round.

    One that failed is tried again after a while that grows; one that was cut off by the wanted end
    of its owner is due at once. Who was asked for meanwhile is due as asked.
    """
    confirm(connection, lease)
    row = connection.execute(select(Row).where(Row.name == name)).one()
    values: dict[str, Any] = {
        "ended_at": now,
        "result": outcome.result,
        "many": outcome.many,
        "seconds": outcome.seconds,
        "why": outcome.why[:200],
    }
    failures = row.failures
    if outcome.result == "done":
        failures = 0
        values["done_at"] = now
    elif outcome.wanted:
        values["due_at"] = now
    else:
        failures += 1
        values["due_at"] = min(row.due_at, now + back_off(failures))
    connection.execute(update(Row).where(Row.name == name).values(**values, failures=failures))
    return bool((failures == 0) != (row.failures == 0))


def left_under_way(connection: Connection, jobs: Collection[str]) -> list[str]:
    """Jobs that run, for who owns them and runs none: their owner died."""
    return list(connection.scalars(select(Row.name).where(Row.name.in_(jobs), _UNDER_WAY)))


def ask(connection: Connection, name: str, now: datetime) -> int:
    """Have it run now; how often it will have begun before it does so."""
    _have_row(connection, name, now)
    connection.execute(update(Row).where(Row.name == name).values(due_at=now))
    return int(connection.execute(select(Row.runs).where(Row.name == name)).scalar_one())


def soon(connection: Connection, names: Iterable[str], now: datetime, within: timedelta) -> None:
    """Have these run within a while: what they are computed from has changed."""
    connection.execute(
        update(Row)
        .where(Row.name.in_(list(names)), Row.due_at > now + within)
        .values(due_at=now + within)
    )


def _have_row(connection: Connection, name: str, now: datetime) -> None:
    if connection.scalar(select(Row.name).where(Row.name == name)) is not None:
        return
    try:
        with connection.begin_nested():
            connection.execute(
                insert(Row),
                {"name": name, "due_at": now, "result": "", "why": "", "runs": 0, "failures": 0},
            )
    except IntegrityError:
        return  # somebody else was first
