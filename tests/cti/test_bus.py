"""The bus within one process: who gets what, in which order, and that nobody stops anybody."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from msgspec import Struct

from cti.bus import FAILED, NO_ANSWER, NO_BRIDGE, EventCodec, InProcessBus
from cti.events import AgentChanged, CallEnded, CallFact, CallTransferred, Fact
from cti.wishes import CommandDone, CommandRefused, Reply, SignIn, Wish

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def ended(call_id: str = "c1") -> CallEnded:
    return CallEnded(at=AT, system="s", call_id=call_id, cause=16, by="caller")


def test_a_subscriber_of_a_base_class_gets_its_subclasses_and_no_others() -> None:
    bus, calls, everything = InProcessBus(), list[Struct](), list[Struct]()
    bus.subscribe(CallFact, calls.append)
    bus.subscribe(Fact, everything.append)
    agent = AgentChanged(at=AT, system="s", agent="ava", status="available", since=AT)
    bus.publish(ended())
    bus.publish(agent)
    assert calls == [ended()]
    assert everything == [ended(), agent]


def test_undo_ends_a_subscription_and_may_be_called_twice() -> None:
    bus, got = InProcessBus(), list[Struct]()
    undo = bus.subscribe(CallEnded, got.append)
    undo()
    undo()
    bus.publish(ended())
    assert got == []


def test_a_handler_that_raises_stops_nobody() -> None:
    bus, got = InProcessBus(), list[Struct]()

    def bad(_event: CallEnded) -> None:
        raise RuntimeError("no")

    bus.subscribe(CallEnded, bad)
    bus.subscribe(CallEnded, got.append)
    bus.publish(ended())
    assert got == [ended()]


def test_a_group_gets_each_event_once() -> None:
    bus, first, second, other = InProcessBus(), list[Struct](), list[Struct](), list[Struct]()
    undo = bus.subscribe(CallFact, first.append, once="intake")
    bus.subscribe(CallFact, second.append, once="intake")
    bus.subscribe(CallFact, other.append, once="figures")
    bus.publish(ended("a"))
    assert ([len(x) for x in (first, second, other)]) == [1, 0, 1]
    undo()
    bus.publish(ended("b"))
    assert ([len(x) for x in (first, second, other)]) == [1, 1, 2]


async def test_async_handlers_run_in_order_and_outlive_an_exception() -> None:
    got: list[str] = []

    async def slow(event: CallEnded) -> None:
        await asyncio.sleep(0)
        if event.call_id == "2":
            raise RuntimeError("no")
        got.append(event.call_id)

    async with InProcessBus() as bus:
        bus.subscribe(CallEnded, slow)
        for number in range(5):
            bus.publish(ended(str(number)))
        assert got == []
        await bus.drained()
        assert got == ["0", "1", "3", "4"]


async def test_a_subscriber_that_is_too_far_behind_loses_the_newest_and_nobody_waits() -> None:
    got: list[str] = []

    async def slow(event: CallEnded) -> None:
        got.append(event.call_id)

    async with InProcessBus() as bus:
        bus.subscribe(CallEnded, slow, depth=2)
        for number in range(5):
            bus.publish(ended(str(number)))
        await bus.drained()
        assert got == ["0", "1"]
        bus.publish(ended("again"))
        await bus.drained()
        assert got == ["0", "1", "again"]


async def test_close_ends_the_tasks() -> None:
    bus = InProcessBus()
    entered = asyncio.Event()

    async def stuck(_event: CallEnded) -> None:
        entered.set()
        await asyncio.Event().wait()

    bus.subscribe(CallEnded, stuck)
    bus.publish(ended())
    await entered.wait()
    await bus.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_wish_is_answered_by_the_bridge() -> None:
    bus = InProcessBus()

    async def bridge(wish: Wish) -> Reply:
        return CommandDone(detail=type(wish).__name__)

    undo = bus.serve(bridge)
    assert await bus.request(SignIn(agent="ava")) == CommandDone(detail="SignIn")
    with pytest.raises(RuntimeError):
        bus.serve(bridge)
    undo()
    assert await bus.request(SignIn(agent="ava")) == CommandRefused(reason=NO_BRIDGE)


async def test_a_wish_whose_bridge_is_silent_or_fails_is_refused_in_words() -> None:
    bus = InProcessBus()

    async def silent(_wish: Wish) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    async def failing(_wish: Wish) -> Reply:
        raise RuntimeError("secret detail")

    undo = bus.serve(silent)
    assert await bus.request(SignIn(agent="ava"), 0.01) == CommandRefused(reason=NO_ANSWER)
    undo()
    bus.serve(failing)
    assert await bus.request(SignIn(agent="ava")) == CommandRefused(reason=FAILED)


class DeskThing(Struct, frozen=True, kw_only=True, tag_field="event", tag=True):
    """Stands for a base class of a layer above."""


class ThingHappened(DeskThing, frozen=True, kw_only=True):
    """Stands for an event of a layer above."""

    n: int


def test_the_codec_carries_every_registered_family() -> None:
    codec = EventCodec([Fact, DeskThing])
    transferred = CallTransferred(at=AT, system="s", call_id="c", kind="blind", by=None, to="102")
    for event in (ended(), transferred, ThingHappened(n=1)):
        assert codec.decode(type(event).__name__, codec.encode(event)) == event


def test_the_codec_refuses_what_was_not_registered() -> None:
    codec = EventCodec([Fact])
    with pytest.raises(ValueError, match="ThingHappened is not registered"):
        codec.encode(ThingHappened(n=1))
    assert codec.kind("ThingHappened") is None
