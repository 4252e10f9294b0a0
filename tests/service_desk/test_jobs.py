"""The jobs: one owner, runs that are noted, failures that are told and tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from service_desk import alarms
from service_desk.clock import HandClock
from service_desk.desk import Desk, connect
from service_desk.jobs import runs
from service_desk.jobs.apart import run_apart
from service_desk.jobs.scheduler import LOOK, Scheduler
from service_desk.jobs.table import TABLE, Job
from service_desk.jobs.when import FIRST_BACK_OFF, LONGEST_BACK_OFF, Daily, Every, back_off
from service_desk.jobs.work import Work
from service_desk.lease import BEAT, EXPIRY, Lease, look, take
from service_desk.model import Job as Row
from tests.naps import Naps
from tests.polling import until

BERLIN = ZoneInfo("Europe/Berlin")


async def nothing(_work: Work) -> int:
    return 0


JOB = Job(Every(60), nothing, 600.0)


class Stage:
    """A job that begins, says so, and ends when and how the test says."""

    def __init__(self) -> None:
        self.under_way: list[str] = []  # who runs it now
        self.begun: list[str] = []
        self._ends: asyncio.Queue[int | Exception] = asyncio.Queue()
        self._begins = asyncio.Event()
        self._ended = asyncio.Event()

    def of(self, owner: str) -> Callable[[Desk, Job, Lease], Awaitable[int]]:
        async def run(_desk: Desk, _job: Job, _lease: Lease) -> int:
            self.under_way.append(owner)
            self.begun.append(owner)
            assert len(self.under_way) == 1, "two processes run one job at once"
            self._begins.set()
            try:
                how = await self._ends.get()
            finally:
                self.under_way.remove(owner)
                self._ended.set()
            if isinstance(how, Exception):
                raise how
            return how

        return run

    def end(self, how: int | Exception = 1) -> None:
        self._ends.put_nowait(how)

    async def ended(self) -> None:
        async with asyncio.timeout(10):
            await self._ended.wait()

    async def begins(self) -> None:
        async with asyncio.timeout(10):
            await self._begins.wait()
        self._begins.clear()


class House:
    """Schedulers that share a database, each with its own desk."""

    def __init__(self, url: str, clock: HandClock) -> None:
        self.clock = clock
        self.naps = Naps(clock)
        self.stage = Stage()
        self._url = url
        self.desks: list[Desk] = []
        self.schedulers: list[Scheduler] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def opens(self, owner: str, **more: Any) -> asyncio.Task[None]:
        desk = Desk(connect(self._url), clock=self.clock)
        self.desks.append(desk)
        given: dict[str, Any] = {"table": {"it": JOB}, "run_job": self.stage.of(owner), **more}
        scheduler = Scheduler(desk, system="pbx", sleep=self.naps.sleep, holder=owner, **given)
        self.schedulers.append(scheduler)
        task = asyncio.create_task(scheduler.run())
        self._tasks.append(task)
        return task

    async def row(self, name: str = "it") -> Any:
        return await self.desks[0].fetch(
            lambda c: c.execute(select(Row).where(Row.name == name)).one()
        )

    async def noted(self, many: int, name: str = "it") -> Any:
        """Wait until so many runs have ended, and their scheduler knows it."""

        async def ask() -> Any:
            return await self.desks[0].fetch(
                lambda c: c.execute(select(Row).where(Row.name == name)).one_or_none()
            )

        def good(row: Any) -> bool:
            busy = any(name in each._running for each in self.schedulers)
            return row is not None and row.runs == many and not runs.is_under_way(row) and not busy

        return await until(ask, good, every=0.0)

    async def on(self) -> list[alarms.Subject]:
        return await alarms.subjects_on(self.desks[0], "pbx")

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for desk in self.desks:
            await desk.close()


@pytest.fixture
async def house(migrated_url: str, clock: HandClock) -> AsyncIterator[House]:
    made = House(migrated_url, clock)
    yield made
    await made.close()


async def test_a_job_runs_and_its_run_is_noted(house: House) -> None:
    """One that never ran is due at once; then again when its time has come, and not before."""
    await house.opens("one")
    await house.stage.begins()
    running = await house.row()
    assert runs.is_under_way(running)
    assert running.due_at == house.clock.now() + timedelta(minutes=60)
    house.clock.advance(7)
    house.stage.end(12)
    row = await house.noted(1)
    assert (row.result, row.many, row.seconds, row.why) == ("done", 12, 7.0, "")
    assert row.done_at == row.ended_at == house.clock.now()
    await house.naps.asleep(2)  # a beat, a look
    await house.naps.advance(3600 - 7 - LOOK)
    assert (await house.row()).runs == 1
    await house.naps.advance(2 * LOOK)
    await house.stage.begins()
    assert await house.on() == []


async def test_missed_runs_are_made_up_once(house: House) -> None:
    """A week without an owner: one run, and the next in its ordinary time."""
    task = await house.opens("one")
    await house.stage.begins()
    house.stage.end()
    await house.noted(1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    house.clock.advance(7 * 24 * 3600)
    await house.opens("two")
    await house.stage.begins()
    house.stage.end()
    row = await house.noted(2)
    assert row.due_at == house.clock.now() + timedelta(minutes=60)


async def test_two_processes_never_run_one_job_at_once(house: House) -> None:
    """Many turns of the clock with the job under way all the time: the stage would tell."""
    await house.opens("one")
    await house.opens("two")
    await house.stage.begins()
    await house.naps.asleep(3)  # the owner's beat and look, the other's look
    await house.naps.advance(10 * EXPIRY)
    assert len(house.stage.under_way) == 1
    assert len(house.stage.begun) == 1


async def test_another_takes_over_when_the_owner_was_killed(house: House) -> None:
    """Not before the lease's end. What was under way is noted, told, and done again."""
    desk = Desk(connect(house._url), clock=house.clock)
    house.desks.append(desk)
    dead = runs.lease_of_jobs("dead")
    now = house.clock.now()
    assert await desk.transact(take, dead, None, now)
    await desk.transact(runs.begin, dead, "it", now, now + timedelta(minutes=60))
    await house.opens("two")
    await house.naps.asleep(1)
    await house.naps.advance(EXPIRY - 1)
    assert house.stage.begun == []
    house.clock.advance(1)
    house.naps.wake()
    row = await house.noted(1)
    assert (row.result, row.failures) == ("cut_off", 1)
    [alarm] = await house.on()
    assert (alarm.kind, alarm.about) == (alarms.JOB_FAILED, "it")
    await house.naps.asleep(2)
    await house.naps.advance(FIRST_BACK_OFF.total_seconds() + LOOK)
    await house.stage.begins()
    house.stage.end()
    assert (await house.noted(2)).result == "done"
    assert await house.on() == []


async def test_who_lost_the_lease_ends_its_job_and_writes_nothing(house: House) -> None:
    """It had been stopped for too long: its run is not noted, the new owner's is."""
    await house.opens("one")
    await house.stage.begins()
    taker = runs.lease_of_jobs("taker")
    found = await house.desks[0].fetch(look, taker)
    assert await house.desks[0].transact(take, taker, found, house.clock.now())
    await house.naps.asleep(2)
    house.clock.advance(BEAT)
    house.naps.wake()
    await house.stage.ended()
    assert runs.is_under_way(await house.row())


async def test_a_failed_job_is_an_alarm_and_tried_again(house: House) -> None:
    """The types and places are said, no message; each pause is longer; success ends the alarm."""
    await house.opens("one")
    await house.stage.begins()
    house.stage.end(ValueError("+49301234567 rang"))
    row = await house.noted(1)
    assert row.result == "failed"
    assert row.why.startswith("ValueError at test_jobs.py:")
    assert "+4930" not in row.why
    assert row.due_at == house.clock.now() + back_off(1)
    [alarm] = await house.on()
    assert alarm.data["result"] == "failed"
    await house.naps.asleep(2)
    await house.naps.advance(back_off(1).total_seconds() + LOOK)
    await house.stage.begins()
    house.stage.end(ValueError())
    assert (await house.noted(2)).due_at == house.clock.now() + back_off(2)
    await house.naps.asleep(2)
    await house.naps.advance(back_off(2).total_seconds() + LOOK)
    await house.stage.begins()
    house.stage.end()
    row = await house.noted(3)
    assert (row.result, row.failures) == ("done", 0)
    assert await house.on() == []


async def test_one_that_hangs_stops_no_other(house: House) -> None:
    """Another job runs while the first is under way."""
    other = asyncio.Event()

    async def run(desk: Desk, job: Job, lease: Lease) -> int:
        if job is JOB:
            return await house.stage.of("one")(desk, job, lease)
        other.set()
        return 0

    table = {"it": JOB, "other": Job(Every(60), nothing, 600.0)}
    await house.opens("one", table=table, run_job=run)
    await house.stage.begins()
    async with asyncio.timeout(10):
        await other.wait()
    assert (await house.noted(1, "other")).result == "done"
    assert house.stage.under_way == ["one"]


async def test_one_that_takes_too_long_is_ended_and_said_so(house: House) -> None:
    """Its limit is no time at all here."""
    await house.opens("one", table={"it": Job(Every(60), nothing, 0.0)})
    row = await house.noted(1)
    assert (row.result, row.why) == ("too_long", "ended after 0 s, the longest it may take")
    assert house.stage.under_way == []
    assert [each.about for each in await house.on()] == ["it"]


async def test_a_wanted_end_is_no_failure(house: House) -> None:
    """Its run is due again at once, and nobody is alarmed."""
    task = await house.opens("one")
    await house.stage.begins()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    row = await house.row()
    assert (row.result, row.failures, row.due_at) == ("cut_off", 0, house.clock.now())
    assert await house.on() == []


async def test_who_asks_while_it_runs_gets_another_run(house: House) -> None:
    """What changed after it began may not be in what it computes."""
    await house.opens("one")
    await house.stage.begins()
    before = await house.desks[0].transact(runs.ask, "it", house.clock.now())
    assert before == 1
    house.stage.end()
    await house.noted(1)
    await house.naps.asleep(2)
    await house.naps.advance(LOOK)
    await house.stage.begins()
    assert (await house.row()).runs == 2


async def test_what_changed_is_counted_soon(desk: Desk, clock: HandClock) -> None:
    """Never later than it would have been, and not at all if it never ran: it is due then."""
    now = clock.now()
    await desk.transact(runs.soon, ["it"], now, timedelta(hours=1))
    await desk.transact(runs.ask, "it", now)
    await desk.transact(runs.soon, ["it"], now, timedelta(hours=1))
    [at] = await desk.fetch(lambda c: list(c.scalars(select(Row.due_at))))
    assert at == now
    later = now + timedelta(hours=20)
    await desk.transact(lambda c: c.execute(update(Row).values(due_at=later)) and None)
    await desk.transact(runs.soon, ["it"], now, timedelta(hours=1))
    [at] = await desk.fetch(lambda c: list(c.scalars(select(Row.due_at))))
    assert at == now + timedelta(hours=1)


async def test_a_clock_that_was_set_back_delays_nothing(desk: Desk, clock: HandClock) -> None:
    """Due in a year: that was written by a clock a year ahead."""
    await desk.transact(runs.ask, "it", clock.now() + timedelta(days=365))
    clock.advance(60)
    due = await desk.fetch(runs.due, {"it": JOB}, clock.now() + timedelta(minutes=61), BERLIN)
    assert due == []
    await desk.transact(runs.ask, "it", clock.now())
    assert await desk.fetch(runs.due, {"it": JOB}, clock.now(), BERLIN) == ["it"]


def test_daily_is_by_the_companys_clock() -> None:
    """Over both changes of clocks; a time that is left out is the one after it."""
    night = Daily(time(2, 30))
    at = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    assert night.after(at, BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    at = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    assert night.after(at, BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert night.after(datetime(2026, 6, 1, 0, 30, tzinfo=UTC), BERLIN) == datetime(
        2026, 6, 2, 0, 30, tzinfo=UTC
    )


def test_the_pause_grows_to_its_bound() -> None:
    """After a hundred failures an hour, as after ten."""
    assert back_off(1) == FIRST_BACK_OFF
    assert back_off(2) == 2 * FIRST_BACK_OFF
    assert back_off(100) == back_off(10) == LONGEST_BACK_OFF


# In a process of its own


async def count_to_three(_work: Work) -> int:
    return 3


async def break_down(_work: Work) -> int:
    raise ValueError("+49301234567")


async def hang(work: Work) -> int:
    """Holds Python's lock for good, as no task can be ended in this process."""
    await work.write(lambda c: runs._have_row(c, "hangs", work.desk.clock.now()))
    while True:
        pass


async def the_true_ones(desk: Desk) -> Lease:
    lease = runs.lease_of_jobs("owner")
    assert await desk.transact(take, lease, None, desk.clock.now())
    return lease


async def test_a_job_runs_in_a_process_of_its_own(desk: Desk) -> None:
    """What it returns comes back; what it raises by its type and place, without its words."""
    lease = await the_true_ones(desk)
    assert await run_apart(desk, Job(Every(1), count_to_three, 9.0), lease) == 3
    with pytest.raises(Exception, match=r"^ValueError at test_jobs.py:\d+") as raised:
        await run_apart(desk, Job(Every(1), break_down, 9.0), lease)
    assert "4930" not in str(raised.value)


async def test_one_that_holds_its_processor_is_killed(desk: Desk) -> None:
    """A cancel ends the process, whatever it does; nothing of it is left behind."""
    lease = await the_true_ones(desk)
    running = asyncio.create_task(run_apart(desk, Job(Every(1), hang, 9.0), lease))
    names = select(Row.name)
    await until(lambda: desk.fetch(lambda c: list(c.scalars(names))), bool, every=0.02)
    running.cancel()
    async with asyncio.timeout(10):
        with suppress(asyncio.CancelledError):
            await running
    assert running.cancelled()


@pytest.mark.parametrize("name", TABLE)
async def test_each_line_of_the_table_can_be_run(desk: Desk, name: str) -> None:
    """On an empty database there is nothing to do, and that is no failure."""
    lease = await the_true_ones(desk)
    assert await run_apart(desk, TABLE[name], lease) == 0
