"""One active bridge per Asterisk, on both databases, by a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
from sqlalchemy import select

from service_desk import lease as leases
from service_desk.actions.bridge_lock import bridge_lease, one_active_bridge
from service_desk.clock import HandClock
from service_desk.desk import Desk
from service_desk.errors import Conflict
from service_desk.lease import BEAT, EXPIRY, LOOK, Lease
from service_desk.model import BridgeLock
from tests.naps import Naps


class Runner:
    """A bridge in a task: `active` while it acts."""

    def __init__(self, desk: Desk, naps: Naps, holder: str) -> None:
        self.active = asyncio.Event()
        self.waits_for: list[str] = []
        self.lease: Lease | None = None
        self.task = asyncio.create_task(self._run(desk, naps, holder))

    async def _run(self, desk: Desk, naps: Naps, holder: str) -> None:
        async with one_active_bridge(
            desk, "pbx", holder=holder, on_standby=self.waits_for.append, sleep=naps.sleep
        ) as self.lease:
            self.active.set()
            await asyncio.get_running_loop().create_future()

    async def acts(self) -> None:
        await asyncio.wait_for(self.active.wait(), 10)

    async def end(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


Start = Callable[[str], Runner]


@pytest.fixture
def naps(clock: HandClock) -> Naps:
    return Naps(clock)


@pytest.fixture
async def start(desk: Desk, naps: Naps) -> AsyncIterator[Start]:
    runners: list[Runner] = []

    def begin(holder: str) -> Runner:
        runners.append(Runner(desk, naps, holder))
        return runners[-1]

    yield begin
    for each in runners:
        if not each.task.done():
            await each.end()


async def holder(desk: Desk) -> str | None:
    return await desk.fetch(lambda c: c.scalar(select(BridgeLock.holder)))


async def test_the_second_waits_while_the_first_lives(desk: Desk, naps: Naps, start: Start) -> None:
    """Ten expiries long; it is told once who acts."""
    first = start("one")
    await first.acts()
    second = start("two")
    await naps.asleep(2)
    await naps.advance(EXPIRY * 10)
    assert not second.active.is_set()
    assert second.waits_for == ["one"]
    assert await holder(desk) == "one"


async def test_who_ends_makes_room_at_once(desk: Desk, naps: Naps, start: Start) -> None:
    """The standby acts at its next look, and nothing is left when it ends too."""
    first = start("one")
    await first.acts()
    second = start("two")
    await naps.asleep(2)
    await first.end()
    naps.clock.advance(LOOK)
    naps.wake()
    await second.acts()
    assert await holder(desk) == "two"
    await second.end()
    assert await holder(desk) is None


async def test_one_standby_takes_over_when_the_first_is_silent(
    desk: Desk, naps: Naps, start: Start
) -> None:
    """A holder that never beats: after the expiry exactly one of two takes over, not before."""
    lease = bridge_lease("pbx", "dead")
    assert await desk.transact(leases.take, lease, None, desk.clock.now())
    both = [start("two"), start("three")]
    await naps.asleep(2)
    await naps.advance(EXPIRY - 1)
    assert not any(each.active.is_set() for each in both)
    naps.clock.advance(LOOK)
    naps.wake()
    await naps.asleep(2)  # one beats, one looks
    assert [each.active.is_set() for each in both].count(True) == 1


async def test_who_was_stopped_for_too_long_ends_when_it_wakes(
    desk: Desk, naps: Naps, start: Start
) -> None:
    """It finds the other's name in the row: its block is cancelled, the row stays the other's."""
    first = start("one")
    await first.acts()
    await naps.asleep(1)
    lease = bridge_lease("pbx", "two")
    found = await desk.fetch(leases.look, bridge_lease("pbx"))
    assert await desk.transact(leases.take, lease, found, desk.clock.now())
    naps.clock.advance(BEAT)
    naps.wake()
    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(first.task, 10)
    assert raised.group_contains(Conflict, match="another bridge acts for pbx now")
    assert first.lease is not None
    assert first.lease.lost
    assert await holder(desk) == "two"


async def test_a_swap_against_an_old_look_fails(desk: Desk) -> None:
    """A standby that looked before the holder's beat must look again."""
    first, second = bridge_lease("pbx", "one"), bridge_lease("pbx", "two")
    assert await desk.transact(leases.take, first, None, desk.clock.now())
    assert not await desk.transact(leases.take, second, None, desk.clock.now())
    old = await desk.fetch(leases.look, bridge_lease("pbx"))
    assert isinstance(desk.clock, HandClock)
    desk.clock.advance(1)
    assert await desk.transact(leases.renew, first, desk.clock.now())
    assert not await desk.transact(leases.take, second, old, desk.clock.now())


async def test_a_holder_that_ended_on_this_machine_is_seen_at_once(
    desk: Desk, naps: Naps, start: Start
) -> None:
    """A killed bridge's successor does not wait for the expiry."""
    child = await asyncio.create_subprocess_exec("sleep", "60")
    mine = leases.this_process().split(":")
    mine[2:4] = [str(child.pid), leases.started(child.pid)]
    dead = bridge_lease("pbx", ":".join(mine))
    assert await desk.transact(leases.take, dead, None, desk.clock.now())
    second = start("two")
    await naps.asleep(1)
    assert not second.active.is_set()
    child.kill()
    await child.wait()
    naps.clock.advance(LOOK)
    naps.wake()
    await second.acts()


def test_our_own_name_fits_and_lives() -> None:
    """The column holds 80 characters; we are not seen as ended; two of us differ."""
    one, two = leases.this_process(), leases.this_process()
    assert len(one) <= 80
    assert one != two
    assert not leases.ended_here(one)
    assert not leases.ended_here("elsewhere:0123456789abcdef:1:1:ab")
    assert not leases.ended_here("garbage")
    assert str(os.getpid()) in leases.shown(one)
