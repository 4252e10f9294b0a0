"""Who missed or declined a call, and whose prompt is cut short: by facts alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cti import events as e
from cti import wishes as w
from cti.agent_state import NOT_ANSWERING
from cti.ami.errors import AmiTimeout
from cti.ami.wire import message
from cti.declined import RAISED, Declined
from cti.errands import TRIES, Errands
from cti.events import Fact
from cti.hurry import LOOKS, Hurry
from cti.missed import Missed
from cti.roster import AgentPlan, QueuePlan
from tests.fakes.ami_link import FakeLink, refused

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
AGENTS = {
    name: AgentPlan(name=name, extension=extension, queues={"support": rank, "sales": 0})
    for name, extension, rank in (("ava", "101", 0), ("ben", "102", 5))
}


def at(seconds: float) -> dict[str, Any]:
    return {"at": NOON + timedelta(seconds=seconds), "system": "s"}


def rang(
    agent: str, ended: float, reason: e.OfferEnd, *, call: str = "c", queue: str | None = "support"
) -> list[Fact]:
    """A device rang from 0 until `ended` seconds."""
    about: dict[str, Any] = {"call_id": call, "agent": agent, "leg_id": f"{agent}-{call}"}
    return [
        e.CallOffered(**at(0), **about, queue=queue),
        e.CallOfferEnded(**at(ended), **about, reason=reason),
    ]


def queued(call: str = "c", queue: str = "support") -> e.CallQueued:
    return e.CallQueued(**at(0), call_id=call, queue=queue, position=1, leg_id=call)


def answered(agent: str, call: str = "c") -> e.CallAnswered:
    return e.CallAnswered(**at(9), call_id=call, agent=agent, leg_id=f"{agent}-{call}")


class Count:
    """Missed calls of queues that ring 20 s."""

    def __init__(self, limit: int) -> None:
        plan = QueuePlan(name="support", ring=20, missed_limit=limit)
        self.missed = Missed({"support": plan})

    def hears(self, *facts: Fact) -> list[str]:
        found = (self.missed.apply(fact) for fact in facts)
        return [f"{away.agent} {away.reason}" for away in found if away is not None]


def test_a_full_ring_that_nobody_answered_is_missed() -> None:
    assert Count(1).hears(*rang("ava", 19.5, "no_answer")) == ["ava not-answering"]


@pytest.mark.parametrize(
    "facts",
    [
        rang("ava", 3, "no_answer"),  # the caller's time was up
        rang("ava", 20, "withdrawn"),
        rang("ava", 20, "answered_elsewhere"),
        rang("ava", 20, "rejected"),
        rang("ava", 20, "no_answer", queue=None),  # a colleague called
        rang("ava", 20, "no_answer", queue="unknown"),
        rang("ava", 20, "no_answer")[1:],  # its beginning was not told
    ],
)
def test_what_is_not_missed(facts: list[Fact]) -> None:
    assert Count(1).hears(*facts) == []


def test_the_limit_counts_calls_in_a_row() -> None:
    count, miss = Count(2), rang("ava", 20, "no_answer")
    assert count.hears(*miss, answered("ava"), *miss) == []
    assert count.hears(*rang("ben", 20, "no_answer")) == []
    placed = e.CallArrived(
        **at(30),
        call_id="d",
        leg_id="d",
        channel="",
        direction="outbound",
        caller_number="",
        caller_name="",
        dialed="",
        agent="ava",
    )
    assert count.hears(placed, *miss) == []
    assert count.hears(*miss) == ["ava not-answering"]
    count.missed.forget("ava")
    assert count.hears(*miss) == []


def test_who_rejects_the_same_call_again_and_again_is_put_aside() -> None:
    """A telephone that refuses all by itself; three callers whom somebody does not want are not."""
    count, rejects = Count(0), rang("ava", 0.1, "rejected")
    assert count.hears(*rejects, *rejects, *rejects) == ["ava rejecting"]
    count = Count(0)
    others = [fact for call in "abc" for fact in rang("ava", 0.1, "rejected", call=call)]
    assert count.hears(*others, *rejects) == []
    over = e.CallEnded(**at(9), call_id="c", cause=16, by="caller")
    assert count.hears(over, *rejects, *rejects) == []


def test_without_a_limit_nobody_is_put_aside() -> None:
    assert Count(0).hears(*rang("ava", 20, "no_answer") * 5) == []


def test_who_declined_comes_after_the_others_while_the_call_waits() -> None:
    all_ = Declined(AGENTS)
    all_.apply(queued())
    assert all_.apply(rang("ben", 3, "rejected")[1]) == {("ben", "support")}
    assert all_.penalty(("ben", "support")) == 5 + RAISED
    assert all_.penalty(("ben", "sales")) == 0, "another queue"
    assert all_.penalty(("ava", "support")) == 0
    left = e.CallLeftQueue(**at(9), call_id="c", queue="support", reason="answered", waited=9)
    assert all_.apply(left) == {("ben", "support")}
    assert all_.penalty(("ben", "support")) == 5


def test_of_two_calls_each_is_declined_by_itself() -> None:
    all_ = Declined(AGENTS)
    for call in ("c", "d"):
        all_.apply(queued(call))
        all_.apply(rang("ava", 3, "rejected", call=call)[1])
    all_.apply(e.CallEnded(**at(9), call_id="c", cause=16, by="caller"))
    assert all_.penalty(("ava", "support")) == RAISED
    all_.apply(e.CallEnded(**at(9), call_id="d", cause=16, by="caller"))
    assert all_.penalty(("ava", "support")) == 0


def test_a_call_that_goes_on_by_another_id_or_queue() -> None:
    all_ = Declined(AGENTS)
    all_.apply(queued())
    all_.apply(rang("ava", 3, "no_answer")[1])
    assert all_.apply(e.CallMerged(**at(4), call_id="d", absorbed="c")) == set()
    assert all_.penalty(("ava", "support")) == RAISED
    assert all_.apply(queued("d")) == set(), "told twice"
    assert all_.apply(queued("d", "sales")) == {("ava", "support")}
    assert all_.penalty(("ava", "support")) == all_.penalty(("ava", "sales")) == 0


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (rang("ava", 3, "withdrawn")[1], "nobody declined"),
        (rang("ava", 3, "rejected", call="x")[1], "it waits nowhere"),
        (rang("stranger", 3, "rejected")[1], "not an agent of ours"),
    ],
)
def test_what_changes_no_rank(fact: Fact, why: str) -> None:
    all_ = Declined(AGENTS)
    all_.apply(queued())
    assert all_.apply(fact) == set(), why


def test_a_rank_that_somebody_before_us_raised_is_wrong() -> None:
    members = [
        message(("Event", "QueueMember"), ("Name", name), ("Queue", queue), ("Penalty", rank))
        for name, queue, rank in (
            ("ava", "support", "1001"),
            ("ben", "support", "5"),
            ("ben", "sales", ""),
            ("ben", "elsewhere", "7"),
            ("stranger", "support", "7"),
        )
    ]
    assert Declined(AGENTS).resync(members) == {("ava", "support")}


@asynccontextmanager
async def running(task: Any) -> AsyncIterator[None]:
    own = asyncio.create_task(task)
    try:
        yield
    finally:
        own.cancel()
        await asyncio.gather(own, return_exceptions=True)


async def test_an_errand_is_tried_again_and_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cti.errands.AGAIN_AFTER", 0.0)
    tried, over = [], asyncio.Event()

    async def make(key: str) -> None:
        tried.append(key)
        raise AmiTimeout("no answer")

    errands = Errands("test.failed", make, given_up=lambda _key: over.set())
    async with running(errands.keep()):
        errands.want("a")
        assert not errands.idle
        await asyncio.wait_for(over.wait(), 5)
        assert tried == ["a"] * TRIES
        assert errands.idle


def link() -> FakeLink:
    async def up() -> None: ...

    made = FakeLink(
        wanted=frozenset(), on_event=lambda _m: None, on_up=up, on_down=lambda _why: None
    )
    made.connected = True
    return made


async def test_a_caller_is_hurried_until_they_ring_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cti.hurry.EVERY", 0.0)
    monkeypatch.setattr("cti.hurry.AFTER", 0.0)
    fake, waits, settled, asked = link(), ["PJSIP/a-1"], [False], asyncio.Event()

    def ready() -> bool:
        asked.set()
        return settled[0]

    hurry = Hurry(fake, held_up=lambda queue: waits if queue == "support" else [], settled=ready)
    async with running(hurry.keep()):
        hurry.want("support")
        await asyncio.wait_for(asked.wait(), 5)
        assert fake.said == [], "not before Asterisk knows who is not to be rung"
        settled[0] = True
        await fake.until_said(LOOKS)
        asked.clear()
        hurry.want("sales")
        await asyncio.wait_for(asked.wait(), 5)
        assert len(fake.said) == LOOKS
        fields = {"Channel": "PJSIP/a-1", "Digit": "D", "Receive": "true"}
        assert fake.said[0] == ("PlayDTMF", fields)


async def test_a_caller_who_has_gone_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cti.hurry.EVERY", 0.0)
    fake = link()
    fake.fail = [refused("Channel not found")]
    hurry = Hurry(fake, held_up=lambda _queue: ["PJSIP/a-1", "PJSIP/a-2"], settled=lambda: True)
    async with running(hurry.keep()):
        hurry.want("support")
        await fake.until_said(2)
        assert [f["Channel"] for _, f in fake.said[:2]] == ["PJSIP/a-1", "PJSIP/a-2"]


async def test_nobody_chooses_our_reason_for_a_pause() -> None:
    from tests.cti.test_bridge import running as house  # noqa: PLC0415

    async with house() as world:
        reply = await world.ask(w.Pause(agent="ava", reason=NOT_ANSWERING))
        assert isinstance(reply, w.CommandRefused)
