"""A person wants a job run now."""

from __future__ import annotations

from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.desk import Desk
from service_desk.errors import JobNotFound
from service_desk.jobs import runs
from service_desk.jobs.table import TABLE


async def run_soon(desk: Desk, name: str, *, by: Actor) -> None:
    """Whoever runs the jobs runs it within seconds. Raises JobNotFound, DatabaseAway."""
    if name not in TABLE:
        raise JobNotFound("there is no such job")
    async with desk.write(by=by) as uow:
        await uow.run(runs.ask, name, uow.now)
        await checks.audit(uow, "job.run", name)
