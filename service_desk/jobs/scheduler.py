"""Runs the jobs of the TABLE: one owner among all processes, by a lease.

Every bridge's process runs a scheduler (`ringdesk serve`, `ringdesk bridge`); the one that holds
the lease looks every few seconds at what is due. What was missed while nobody ran is due in the
past, and so run once. Each job runs in a process of its own (`jobs/apart.py`), the others go on
meanwhile; what becomes of it stands in its row, and in an alarm while it fails.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from cti.where import where
from service_desk import alarms
from service_desk.actor import SYSTEM
from service_desk.desk import Desk
from service_desk.errors import Conflict, DatabaseAway
from service_desk.jobs import runs
from service_desk.jobs.apart import RunFailedError, run_apart
from service_desk.jobs.runs import Outcome
from service_desk.jobs.table import TABLE, Job
from service_desk.lease import Lease, Sleep, hold

log = structlog.get_logger(__name__)

LOOK: Final = 5.0  # seconds between two looks at what is due
AT_ONCE: Final = 2  # jobs: one that takes long holds up no other, and a rush of them nobody

Run = Callable[[Desk, Job, Lease], Awaitable[int]]


class Scheduler:
    """One process's side of it; `run` until cancelled. `system`: where its alarms are shown.

    `run_job`: how one job is run, raising what it raises; `sleep` is asked between two looks.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        system: str,
        table: Mapping[str, Job] = TABLE,
        run_job: Run = run_apart,
        sleep: Sleep = asyncio.sleep,
        holder: str | None = None,
    ) -> None:
        self.owns = False
        self._desk = desk
        self._system = system
        self._table = table
        self._run_job = run_job
        self._sleep = sleep
        self._holder = holder
        self._running: dict[str, asyncio.Task[None]] = {}
        self._zone = ZoneInfo(desk.settings.time_zone)

    async def run(self) -> None:
        """Own the jobs when it is our turn, and run what is due. Nothing but a cancel ends it."""
        while True:
            try:
                await self._own()
            except* Conflict:
                log.warning("jobs.lost")
            except* Exception as group:  # noqa: BLE001 - the task's edge: jobs never end a process
                log.error("jobs.failed", error=where(_first(group)))
            # A group that fails at the moment of a cancel tells of the failure alone (3.11, 3.12).
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError
            await self._sleep(LOOK)

    async def _own(self) -> None:
        lease = runs.lease_of_jobs(self._holder)
        async with hold(self._desk, lease, sleep=self._sleep):
            self.owns = True
            try:
                async with asyncio.TaskGroup() as group:
                    await self._keep_looking(lease, group)
            finally:
                self.owns = False
                self._running.clear()

    async def _keep_looking(self, lease: Lease, group: asyncio.TaskGroup) -> None:
        mended = False
        while True:
            with contextlib.suppress(DatabaseAway):
                if not mended:
                    await self._mend(lease)
                    mended = True
                await self._look(lease, group)
            await self._sleep(LOOK)

    async def _mend(self, lease: Lease) -> None:
        """What runs, and by nobody: its owner was killed."""
        for name in await self._desk.fetch(runs.left_under_way, tuple(self._table)):
            log.warning("job.cut_off", job=name)
            why = "whoever ran it was killed"
            await self._note(lease, name, Outcome(result="cut_off", seconds=0.0, why=why))

    async def _look(self, lease: Lease, group: asyncio.TaskGroup) -> None:
        now = self._desk.clock.now()
        for name in await self._desk.fetch(runs.due, self._table, now, self._zone):
            if name not in self._running and len(self._running) < AT_ONCE:
                task = group.create_task(self._once(lease, name), name=f"job-{name}")
                self._running[name] = task

    async def _once(self, lease: Lease, name: str) -> None:
        """One run, from its beginning to its row. Raises Conflict if the lease is another's."""
        job, clock = self._table[name], self._desk.clock
        now = clock.now()
        begun = clock.monotonic()
        try:
            with contextlib.suppress(DatabaseAway):  # then it is due again at the next look
                following = job.when.after(now, self._zone)
                await self._desk.transact(runs.begin, lease, name, now, following)
                log.info("job.began", job=name)
                outcome = await self._outcome(lease, name, job, begun)
                await self._note_for_sure(lease, name, outcome)
        finally:
            self._running.pop(name, None)

    async def _outcome(self, lease: Lease, name: str, job: Job, begun: float) -> Outcome:
        def took() -> float:
            return self._desk.clock.monotonic() - begun

        try:
            async with asyncio.timeout(job.longest) as limit:
                many = await self._run_job(self._desk, job, lease)
        except asyncio.CancelledError:
            if not lease.lost:
                wanted = Outcome(result="cut_off", seconds=took(), why="ended", wanted=True)
                with contextlib.suppress(Conflict, DatabaseAway):
                    await asyncio.shield(self._note(lease, name, wanted))
            raise
        except TimeoutError as error:
            if limit.expired():
                why = f"ended after {job.longest:.0f} s, the longest it may take"
                return Outcome(result="too_long", seconds=took(), why=why)
            return Outcome(result="failed", seconds=took(), why=where(error))
        except RunFailedError as error:
            return Outcome(result="failed", seconds=took(), why=str(error))
        except Exception as error:  # noqa: BLE001 - a job's edge: the others go on
            return Outcome(result="failed", seconds=took(), why=where(error))
        return Outcome(result="done", seconds=took(), many=many)

    async def _note_for_sure(self, lease: Lease, name: str, outcome: Outcome) -> None:
        """However long the database is away."""
        while True:
            try:
                return await self._note(lease, name, outcome)
            except DatabaseAway as why:
                log.warning("job.not_noted", job=name, why=str(why))
            await self._sleep(LOOK)

    async def _note(self, lease: Lease, name: str, outcome: Outcome) -> None:
        said = {"job": name, "result": outcome.result, "seconds": round(outcome.seconds, 1)}
        if outcome.result == "done":
            log.info("job.ended", **said, many=outcome.many)
        else:
            log.warning("job.ended", **said, why=outcome.why)
        async with self._desk.write(by=SYSTEM) as unit:
            turned = await unit.run(runs.end, lease, name, unit.now, outcome)
            if not turned:
                return
            if outcome.result == "done":
                await alarms.clear_everywhere(unit, alarms.JOB_FAILED, [name])
            else:
                about = {name: {"result": outcome.result, "why": outcome.why}}
                await alarms.raise_alarms(unit, self._system, alarms.JOB_FAILED, about)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
