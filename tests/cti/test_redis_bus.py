"""The bus over a real redis-server: across processes, once per group, through its absence."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import Struct

from config.parts import PartMissingError, redis_server
from cti.bus import NO_ANSWER, NO_BRIDGE, BusRestored
from cti.events import CallEnded, CallFact, Fact
from cti.redis_bus import RedisBus
from cti.wishes import CommandDone, CommandRefused, Originate, Pause, Reply, Wish
from tests.ports import free_port

AT = datetime(2026, 1, 2, tzinfo=UTC)


def ended(call_id: str) -> CallEnded:
    return CallEnded(at=AT, system="s", call_id=call_id, cause=16, by="caller")


def command() -> str:
    """redis-server as the parts installer finds it: the machine's own, or its wrapper."""
    try:
        return redis_server()
    except PartMissingError:
        if os.environ.get("CI"):
            pytest.fail("redis-server is missing")
        pytest.skip("redis-server")


class Server:
    """One redis-server on a port of its own; may be stopped and started again, empty."""

    def __init__(self, folder: Path) -> None:
        self._command = command()
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = await asyncio.create_subprocess_exec(
            self._command,
            *options,
            "--dir",
            str(self._folder),
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    return

    async def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()
            self._process = None


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr("cti.redis_bus.BACKOFF", (0.02, 0.1))
    running = Server(tmp_path)
    await running.start()
    yield running
    await running.stop()


class Got:
    """What a subscriber heard; may be awaited."""

    def __init__(self) -> None:
        self.events: list[Struct] = []
        self.also: Got | None = None
        self._changed = asyncio.Event()

    def __call__(self, event: Struct) -> None:
        self.events.append(event)
        if self.also is not None:
            self.also(event)
        self._changed.set()

    async def until(self, enough: Callable[[list[Struct]], bool]) -> None:
        async with asyncio.timeout(10):
            while not enough(self.events):
                self._changed.clear()
                await self._changed.wait()

    def ids(self) -> list[str]:
        return [event.call_id for event in self.events if isinstance(event, CallEnded)]


async def test_events_reach_other_processes_in_order_and_their_own_once(server: Server) -> None:
    async with (
        RedisBus(server.url, events=[Fact]) as one,
        RedisBus(server.url, events=[Fact]) as two,
    ):
        own, other = Got(), Got()
        one.subscribe(CallFact, own)
        two.subscribe(CallFact, other)
        await asyncio.gather(one.ready.wait(), two.ready.wait())
        for n in range(200):
            one.publish(ended(str(n)))
        assert len(own.events) == 200  # at once
        await other.until(lambda events: len(events) == 200)
        assert other.ids() == [str(n) for n in range(200)]
        two.publish(ended("back"))
        await own.until(lambda events: len(events) == 201)
        assert len(other.events) == 201


async def test_a_group_takes_each_event_once_across_processes(server: Server) -> None:
    buses = [RedisBus(server.url, events=[Fact]) for _ in range(3)]
    sender, *workers = buses
    shares, both = [Got(), Got()], Got()
    for share in shares:
        share.also = both
    try:
        for bus, share in zip(workers, shares, strict=True):
            bus.subscribe(CallFact, share, once="intake")
            await bus.ready.wait()
        # The group is made in the background: publish until it hears.
        async with asyncio.timeout(10):
            while not any(share.events for share in shares):
                sender.publish(ended("hello"))
                await asyncio.sleep(0.05)
        everything = {str(n) for n in range(100)}
        for call_id in everything:
            sender.publish(ended(call_id))
        await both.until(lambda _: everything <= set(both.ids()))
        heard = [i for i in (*shares[0].ids(), *shares[1].ids()) if i != "hello"]
        assert len(heard) == len(everything)
    finally:
        for bus in buses:
            await bus.close()


async def test_a_group_with_a_member_at_home_is_served_there_only(server: Server) -> None:
    async with (
        RedisBus(server.url, events=[Fact]) as home,
        RedisBus(server.url, events=[Fact]) as away,
    ):
        here, there, screen = Got(), Got(), Got()
        home.subscribe(CallFact, here, once="intake")
        away.subscribe(CallFact, there, once="intake")
        away.subscribe(CallFact, screen)
        await asyncio.gather(home.ready.wait(), away.ready.wait())
        for n in range(50):
            home.publish(ended(str(n)))
        assert len(here.events) == 50
        await screen.until(lambda events: len(events) == 50)
        away.publish(ended("last"))  # handled by the member of its own process
        assert there.ids() == ["last"]
        assert len(here.events) == 50


async def test_a_wish_is_answered_across_processes(server: Server) -> None:
    async with (
        RedisBus(server.url, events=[Fact]) as bridge,
        RedisBus(server.url, events=[Fact]) as web,
    ):
        assert await web.request(Pause(agent="ava", reason="x")) == CommandRefused(reason=NO_BRIDGE)
        wishes: list[Wish] = []

        async def serve(wish: Wish) -> Reply:
            wishes.append(wish)
            if len(wishes) == 3:
                await asyncio.Event().wait()
            return CommandDone(detail="done", board=b"\x00\xff")

        undo = bridge.serve(serve)
        done = CommandDone(detail="done", board=b"\x00\xff")
        await bridge.serving.wait()
        assert await web.request(Originate(agent="ava", to="102")) == done
        assert await web.request(Pause(agent="ava", reason="lunch")) == done
        assert wishes == [Originate(agent="ava", to="102"), Pause(agent="ava", reason="lunch")]
        late = await web.request(Pause(agent="ava", reason="late"), 0.1)
        assert late == CommandRefused(reason=NO_ANSWER)
        # The one that hangs keeps nobody waiting.
        assert await web.request(Pause(agent="ben", reason="lunch")) == done
        undo()
        assert await bridge.request(Pause(agent="ava", reason="x"), 0.5) != done


async def test_redis_may_die_and_come_back_empty(server: Server) -> None:
    async with (
        RedisBus(server.url, events=[Fact]) as one,
        RedisBus(server.url, events=[Fact]) as two,
    ):
        own, other, restored, share = Got(), Got(), Got(), Got()
        one.subscribe(CallFact, own)
        two.subscribe(CallFact, other)
        two.subscribe(BusRestored, restored)
        two.subscribe(CallFact, share, once="intake")
        await restored.until(lambda events: len(events) >= 1)
        await server.stop()
        one.publish(ended("while away"))
        assert own.ids() == ["while away"]
        refused = await two.request(Pause(agent="ava", reason="x"), 0.2)
        assert isinstance(refused, CommandRefused)
        await server.start()
        await restored.until(lambda events: len(events) >= 2)
        async with asyncio.timeout(10):
            while "back" not in other.ids() or "back" not in share.ids():
                one.publish(ended("back"))
                await asyncio.sleep(0.05)


async def test_what_was_not_registered_is_refused_at_once(server: Server) -> None:
    class Stranger(Struct, frozen=True):
        n: int

    async with RedisBus(server.url, events=[Fact]) as bus:
        with pytest.raises(ValueError, match="Stranger is not registered"):
            bus.publish(Stranger(1))


async def test_garbage_on_the_channels_is_ignored(server: Server) -> None:
    async with (
        RedisBus(server.url, events=[Fact]) as bus,
        RedisBus(server.url, events=[Fact]) as two,
    ):
        got = Got()
        bus.subscribe(CallFact, got)
        await bus.ready.wait()
        for channel in ("ringdesk:event:CallEnded", "ringdesk:event:Nothing", "ringdesk:wishes"):
            await two._redis.publish(channel, b'{"origin": 1')
        two.publish(ended("good"))
        await got.until(lambda events: len(events) == 1)
        assert got.ids() == ["good"]
