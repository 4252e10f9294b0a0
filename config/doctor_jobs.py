"""The doctor's look at the jobs: whether they run, and how it went."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from config.doctor_records import asked
from config.findings import Finding, Patient, fine, warning
from service_desk.queries.jobs import Jobs, read_jobs


async def jobs(patient: Patient) -> AsyncIterator[Finding]:
    """Those that fail, with why; those that are due while nobody runs them."""
    zone = ZoneInfo(patient.settings.company.time_zone)
    found = await asked(patient.settings, partial(_read, zone))
    if found is None:
        return
    failing = [job for job in found.jobs if job.failures]
    for job in failing:
        said = f"{job.result} {_times(job.failures)}, the last time {_at(job.ended_at)}: {job.why}"
        yield warning(f"job {job.name}", said, "the log of that time; it is tried again by itself")
    late = [job.name for job in found.jobs if job.late]
    if late and not found.owner:
        said = f"nobody runs them, and {', '.join(late)} is due"
        yield warning("jobs", said, "they run in `ringdesk serve` and `ringdesk bridge`: start one")
    elif late:
        said = f"{found.owner} runs them, and is late with {', '.join(late)}"
        yield warning("jobs", said, "look at its log, and how busy the machine is")
    elif not failing:
        yield fine("jobs", _in_order(found))


def _read(zone: ZoneInfo, connection: Connection, _system: str) -> Jobs:
    return read_jobs(connection, datetime.now(UTC), zone)


def _in_order(found: Jobs) -> str:
    ends = [job.ended_at for job in found.jobs if job.ended_at is not None]
    if not ends:
        return f"{len(found.jobs)}, none has run yet"
    return f"{len(found.jobs)}, the last ended {_at(max(ends))}"


def _times(failures: int) -> str:
    return "once" if failures == 1 else f"{failures} times in a row"


def _at(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
