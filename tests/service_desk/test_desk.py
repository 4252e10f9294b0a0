"""The unit of work: commit, then tell; what a crash leaves behind is told later."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from service_desk import desk as desk_module
from service_desk.actor import SYSTEM
from service_desk.clock import HandClock
from service_desk.desk import Desk, connect
from service_desk.errors import DatabaseAway
from service_desk.events import CardChanged, DeskEvent, StaffChanged
from service_desk.migrations import migrate
from service_desk.model import BridgeLock, Outbox
from service_desk.outbox import leftovers
from tests.polling import until


async def outbox(desk: Desk) -> int:
    return await desk.fetch(lambda c: len(c.execute(select(Outbox.id)).all()))


def row(desk: Desk, name: str) -> dict[str, Any]:
    return {
        "system": name,
        "holder": "h",
        "since": desk.clock.now(),
        "beat_at": desk.clock.now(),
    }


async def test_events_are_told_after_the_commit(desk: Desk, told: list[DeskEvent]) -> None:
    """Inside the block nothing is told; after it everything, once."""
    async with desk.write(by=SYSTEM) as uow:
        uow.tell(CardChanged(at=uow.now, call_id="a"))
        uow.tell(CardChanged(at=uow.now, call_id="a"))
        assert told == []
    assert told == [CardChanged(at=desk.clock.now(), call_id="a")]


async def test_a_failure_writes_and_tells_nothing(desk: Desk, told: list[DeskEvent]) -> None:
    """An exception in the block rolls back."""

    async def fail() -> None:
        async with desk.write(by=SYSTEM) as uow:
            await uow.execute(insert(BridgeLock), row(desk, "x"))
            uow.tell(CardChanged(at=uow.now, call_id="a"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert told == []
    assert await desk.fetch(lambda c: c.execute(select(BridgeLock)).all()) == []


async def test_what_was_told_leaves_the_outbox_with_the_next_write(desk: Desk) -> None:
    """The outbox holds at most what the last write told."""
    for number in range(3):
        async with desk.write(by=SYSTEM) as uow:
            uow.tell(CardChanged(at=uow.now, call_id=str(number)))
    assert await outbox(desk) == 1
    async with desk.write(by=SYSTEM):
        pass
    assert await outbox(desk) == 0


async def test_leftovers_are_told_at_the_start(
    desk: Desk, told: list[DeskEvent], clock: HandClock
) -> None:
    """What a crash left between commit and publish is published by whoever starts next."""
    left = StaffChanged(at=clock.now(), staff="ava")
    await desk.transact(desk.outbox.leave, [left])
    await desk.publish_leftovers()
    assert told == []  # still being published by the one who wrote it
    clock.advance(60)
    assert await desk.publish_leftovers() == 1
    assert told == [left]
    assert await outbox(desk) == 0


async def test_the_owner_tells_what_others_leave_while_it_runs(
    desk: Desk, told: list[DeskEvent], clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that died between commit and publish: nobody waits for a restart."""
    monkeypatch.setattr(desk_module, "LEFTOVERS_EVERY", 0.01)
    left = StaffChanged(at=clock.now(), staff="ava")
    await desk.transact(desk.outbox.leave, [left])
    clock.advance(11)
    owner = asyncio.create_task(desk.keep_told())
    await until(lambda: outbox(desk), lambda rows: rows == 0, every=0.01)
    owner.cancel()
    assert told == [left]


async def test_what_was_told_is_deleted_without_another_write(
    desk: Desk, told: list[DeskEvent], clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the owner would tell it again; what it has told itself it tells once in any case."""
    async with desk.write(by=SYSTEM) as uow:
        uow.tell(CardChanged(at=uow.now, call_id="a"))
    clock.advance(11)
    await desk.outbox.tell(await desk.fetch(leftovers, clock.now()))
    assert len(told) == 1
    monkeypatch.setattr(desk_module, "TIDY_EVERY", 0.01)
    await desk.start()
    async with desk.write(by=SYSTEM) as uow:
        uow.tell(CardChanged(at=uow.now, call_id="b"))
    await until(lambda: outbox(desk), lambda rows: rows == 0, every=0.01)
    assert len(told) == 2


async def test_a_bus_that_is_away_costs_nothing_written(desk: Desk, clock: HandClock) -> None:
    """The write stands, and the event waits in the outbox."""

    def broken(_: DeskEvent) -> None:
        raise ConnectionError("away")

    desk.outbox.publish = broken
    async with desk.write(by=SYSTEM) as uow:
        await uow.execute(insert(BridgeLock), row(desk, "x"))
        uow.tell(CardChanged(at=uow.now, call_id="a"))
    assert len(await desk.fetch(lambda c: c.execute(select(BridgeLock)).all())) == 1
    assert await outbox(desk) == 1


async def test_many_writers_at_once(desk: Desk) -> None:
    """Fifty at a time: none fails for a lock, each is written."""

    async def one(number: int) -> None:
        async with desk.write(by=SYSTEM) as uow:
            await uow.execute(insert(BridgeLock), row(desk, f"s{number}"))

    await asyncio.gather(*(one(number) for number in range(50)))
    assert len(await desk.fetch(lambda c: c.execute(select(BridgeLock)).all())) == 50


async def test_times_come_back_as_they_went(desk: Desk) -> None:
    """UTC and timezone-aware to the microsecond; a naive time is refused."""
    at = desk.clock.now() + timedelta(microseconds=123_457)
    async with desk.write(by=SYSTEM) as uow:
        await uow.execute(insert(BridgeLock), {**row(desk, "x"), "since": at})
    [stored] = await desk.fetch(lambda c: c.execute(select(BridgeLock.since)).all())
    assert stored.since == at
    assert stored.since.tzinfo is not None
    with pytest.raises(Exception, match="time zone"):
        async with desk.write(by=SYSTEM) as uow:
            await uow.execute(
                insert(BridgeLock), {**row(desk, "y"), "since": at.replace(tzinfo=None)}
            )


async def test_nobody_waits_for_ever_behind_a_write_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has one writer: those in the line give up in time, and the line goes on after it."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    await migrate(url)
    desk = Desk(connect(url))
    monkeypatch.setattr(desk_module, "BUSY_SECONDS", 0.02)
    try:
        async with desk.write(by=SYSTEM), asyncio.timeout(5):
            with pytest.raises(DatabaseAway):
                await desk.transact(desk.outbox.leave, [])
            with pytest.raises(DatabaseAway):
                async with desk.write(by=SYSTEM):
                    pytest.fail("two writers at once")
        await desk.transact(desk.outbox.leave, [])
    finally:
        await desk.close()
