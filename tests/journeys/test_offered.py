"""Whom a queue offers a call: not again who missed or rejected it, and nobody waits for a prompt.

Real telephones on Asterisk, and our bridge beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from config.parts_of import bridge_to
from config.secrets import open_secrets
from cti import wishes as w
from cti.bridge import Bridge
from cti.bus import InProcessBus
from tests.conftest import need
from tests.polling import until
from tests.recordings.kinds import caller, pause
from tests.recordings.phone import Call
from tests.recordings.stage import Stage

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RING = 5  # seconds, the shortest a queue may have
RETRY = 0.8  # seconds, at least, until Asterisk looks again by itself
SOON = 1.5  # seconds until the next rings, or who is ready
# Who has been idle for longest is rung first, and would be again.
QUEUE = {"strategy": "leastrecent", "ring": RING, "announce_position": False}


class House:
    """A stage with our bridge: what people wish, and how the agents are."""

    def __init__(self, stage: Stage, bus: InProcessBus, bridge: Bridge) -> None:
        self.stage, self.bus, self.bridge = stage, bus, bridge

    async def wish(self, wish: w.Wish) -> None:
        reply = await self.bus.request(wish)
        assert isinstance(reply, w.CommandDone), reply

    async def away(self, *agents: str) -> None:
        """They make a pause."""
        for agent in agents:
            await self.wish(w.Pause(agent=agent, reason="lunch"))
            await self.state(agent, "paused")

    async def back(self, agent: str) -> None:
        """They take calls again."""
        await self.wish(w.Unpause(agent=agent))

    async def state(self, agent: str, status: str, reason: str | None = None) -> None:
        async def now() -> tuple[str, str]:
            shown = self.bridge.snapshot().agents[agent]
            return shown.status, shown.reason

        found = await until(now, lambda it: it[0] == status, seconds=10, every=0.01)
        assert reason is None or found[1] == reason

    async def rings(self, agent: str, within: float = 10) -> Call:
        return await self.stage.phones[agent].rings(within)

    async def has_talked(self, agent: str) -> None:
        """They took a call, and it is over."""
        call = caller(self.stage)
        theirs = (await self.rings(agent)).answer()
        await self.state(agent, "talking")
        call.hang_up()
        await theirs.until_over()

    async def has_taken_one(self, agent: str) -> None:
        """Their last call is now: another who is free comes first."""
        await self.has_talked(agent)
        await self.state(agent, "available")

    async def penalty(self, agent: str) -> str:
        """Their rank in the queue, as Asterisk has it."""
        members = await self.bridge.link.listing("QueueStatus", Queue="support")
        return next(m.get("Penalty") for m in members if m.get("Name") == agent)


@asynccontextmanager
async def house(folder: Path, **queue: Any) -> AsyncIterator[House]:
    need("asterisk")
    stage = Stage(folder, {"support": QUEUE | queue})
    async with stage, bridged(stage) as (bus, bridge):
        yield House(stage, bus, bridge)


@asynccontextmanager
async def bridged(stage: Stage) -> AsyncIterator[tuple[InProcessBus, Bridge]]:
    settings, bus = stage.settings, InProcessBus()
    bridge = bridge_to(settings, open_secrets(settings.data_folder, {}), bus)
    async with bus, bridge:
        await asyncio.wait_for(bridge.synced(), 10)
        yield bus, bridge


async def test_who_missed_a_call_is_not_answering_and_the_next_rings(tmp_path: Path) -> None:
    async with house(tmp_path) as at:
        await at.away("ava", "cat")
        await at.has_taken_one("ben")
        await at.back("ava")
        call = caller(at.stage)
        await (await at.rings("ava")).until_over(RING + 3)
        over = time.monotonic()
        ben = await at.rings("ben", SOON)
        assert time.monotonic() - over < SOON
        await at.state("ava", "not_answering", "missed")
        ben.answer()
        await at.state("ben", "talking")
        call.hang_up()
        await ben.until_over()
        # Nobody but she herself brings her back; then she is rung first again.
        second = caller(at.stage)
        (await at.rings("ben")).refuse()
        await at.back("ava")
        await at.rings("ava", SOON)
        second.hang_up()


async def test_who_may_miss_two_comes_after_the_others_for_that_call(tmp_path: Path) -> None:
    async with house(tmp_path, missed_limit=2) as at:
        await at.away("ava", "cat")
        await at.has_taken_one("ben")
        await at.back("ava")
        call = caller(at.stage)
        await (await at.rings("ava")).until_over(RING + 3)
        (await at.rings("ben", SOON)).answer()
        await at.state("ben", "talking")
        await at.state("ava", "available")
        call.hang_up()
        await at.state("ben", "available")
        await until(lambda: at.penalty("ava"), lambda it: it == "0", seconds=5)
        call = caller(at.stage)
        await (await at.rings("ava")).until_over(RING + 3)
        await at.state("ava", "not_answering")
        call.hang_up()


async def test_who_gave_up_or_whose_time_was_up_was_missed_by_nobody(tmp_path: Path) -> None:
    async with house(tmp_path, max_wait=2, overflow="everyone") as at:
        await at.away("ben", "cat")
        call = caller(at.stage)
        ava = await at.rings("ava")
        call.hang_up()
        await ava.until_over()
        await at.state("ava", "available")
        call = caller(at.stage)
        await (await at.rings("ava")).until_over()
        await at.rings("ava")  # the other queue
        call.hang_up()
        await at.state("ava", "available")


async def test_who_takes_or_places_a_call_is_there_again(tmp_path: Path) -> None:
    """A desk phone has no key for it."""
    async with house(tmp_path) as at:
        await at.away("ben", "cat")
        call = caller(at.stage)
        await (await at.rings("ava")).until_over(RING + 3)
        await at.state("ava", "not_answering")
        colleague = at.stage.phones["ben"].dial("101")
        ava = (await at.rings("ava")).answer()
        await at.state("ava", "talking")
        colleague.hang_up()
        await ava.until_over()
        await at.rings("ava", SOON)
        call.hang_up()


async def test_who_rejected_a_call_is_not_rung_for_it_while_others_are_free(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as at:
        await at.away("ava", "ben")
        await at.has_taken_one("cat")
        await at.away("cat")
        await at.back("ben")
        await at.has_taken_one("ben")
        await at.back("ava")
        call = caller(at.stage)
        (await at.rings("ava")).refuse()
        ben = await at.rings("ben", SOON)
        await at.back("cat")  # idle for less long than ava
        await ben.until_over(RING + 3)
        cat = await at.rings("cat", SOON)
        assert at.stage.phones["ava"].unexpected == 0
        # Another call is hers.
        second = caller(at.stage)
        ava = await at.rings("ava", SOON)
        # Nobody is left who has not declined it: hers again.
        second.hang_up()
        await ava.until_over()
        cat.refuse()
        await at.rings("ava", SOON + 1)
        call.hang_up()
        await until(lambda: at.penalty("ava"), lambda it: it == "0", seconds=5)


async def test_the_next_bridge_puts_back_what_the_one_before_raised(tmp_path: Path) -> None:
    need("asterisk")
    async with Stage(tmp_path, {"support": QUEUE}) as stage:
        async with bridged(stage) as (bus, bridge):
            at = House(stage, bus, bridge)
            await at.away("ben", "cat")
            call = caller(stage)
            (await at.rings("ava")).refuse()
            await until(lambda: at.penalty("ava"), lambda it: it != "0", seconds=5)
        call.hang_up()
        stage.forget()
        async with bridged(stage) as (bus, bridge):
            at = House(stage, bus, bridge)
            await until(lambda: at.penalty("ava"), lambda it: it == "0", seconds=5)


async def test_who_is_ready_while_the_caller_is_told_the_place_is_rung_at_once(
    tmp_path: Path,
) -> None:
    """The announcement begins a second after nobody was free, and takes some eight."""
    async with house(tmp_path, announce_position=True) as at:
        await at.away("ava", "ben", "cat")
        for into in (1.3, 2.0, 3.5):
            call = caller(at.stage)
            await call.until_up()
            await pause(into)
            await at.back("ava")
            ava = await at.rings("ava", SOON)
            await at.away("ava")
            call.hang_up()
            await ava.until_over()


async def test_who_is_ready_at_once_after_a_call_is_rung_at_once(tmp_path: Path) -> None:
    """Asterisk spares who has just hung up, until our pause is there: for no longer than that."""
    async with house(tmp_path, announce_position=True, wrap_up=30) as at:
        await at.away("ben", "cat")
        for _ in range(3):
            call, waiting = caller(at.stage), caller(at.stage)
            ava = (await at.rings("ava")).answer()
            await at.state("ava", "talking")
            await pause(1)
            ava.hang_up()
            await at.state("ava", "wrap_up")
            await at.wish(w.EndWrapUp(agent="ava"))
            second = await at.rings("ava", SOON)
            for each in (call, waiting):
                each.hang_up()
            await second.until_over()


async def test_a_lone_telephone_that_refuses_everything_is_left_alone(tmp_path: Path) -> None:
    """Rung by Asterisk's own time, and three times: not until the caller goes."""
    async with house(tmp_path) as at:
        await at.away("ben", "cat")
        call = caller(at.stage)
        (await at.rings("ava")).refuse()
        for _ in range(2):
            before = time.monotonic()
            again = await at.rings("ava", 3)
            assert time.monotonic() - before > RETRY
            again.refuse()
        await at.state("ava", "not_answering", "rejected")
        await at.back("ava")
        await at.rings("ava", SOON)
        call.hang_up()


async def test_where_all_are_rung_one_stays(tmp_path: Path) -> None:
    """Nobody took it: all of them put aside the queue would ring nobody any more."""
    async with house(tmp_path, strategy="ringall") as at:
        await at.away("cat")
        call = caller(at.stage)
        first = [await at.rings(name) for name in ("ava", "ben")]
        for each in first:
            await each.until_over(RING + 3)
        stays = {"ava", "ben"}
        async with asyncio.timeout(10):
            while len(stays) > 1:
                agents = at.bridge.snapshot().agents
                stays = {name for name in stays if agents[name].status != "not_answering"}
                await asyncio.sleep(0.05)
        [last] = stays
        await (await at.rings(last, SOON + 1)).until_over(RING + 3)
        await at.rings(last, SOON + 1)
        call.hang_up()


async def test_a_call_in_vain_does_not_end_the_wrap_up(tmp_path: Path) -> None:
    """The next caller waits for the wrap-up's end, as if nobody had been called."""
    async with house(tmp_path, wrap_up=30) as at:
        await at.away("ben", "cat")
        await at.has_talked("ava")
        waiting = caller(at.stage)
        mine = at.stage.phones["ava"].dial("102")
        (await at.rings("ben")).refuse()
        await mine.until_over()
        await at.state("ava", "wrap_up")
        await pause(2)
        assert at.stage.phones["ava"].unexpected == 0
        waiting.hang_up()
