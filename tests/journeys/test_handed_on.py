"""A caller who is handed on is never lost: whom it does not reach it comes back from, with why.

Real telephones, nobody of ours: first to the agent who handed the caller on, else to the head of
the queue the call came from.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import need
from tests.recordings.kinds import caller, pause, rings, talking
from tests.recordings.phone import Call
from tests.recordings.stage import OUTSIDE, Stage

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RING = 30  # seconds that a colleague, and 60 that somebody outside, is rung


@pytest_asyncio.fixture(loop_scope="session")
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Asterisk and telephones, nobody else; anew for each, so that nothing rings from before."""
    need("asterisk")
    async with Stage(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def impatient(tmp_path: Path) -> AsyncIterator[Stage]:
    """The same; whom nobody fetches is parked for three seconds, not for three minutes."""
    need("asterisk")
    async with Stage(tmp_path, parked_for=3, absent=TARGETS["absent colleague"]) as running:
        yield running


async def hand_on(stage: Stage, ava: Call, to: str) -> None:
    """Ava hands the caller on and leaves."""
    ava.refer(to.replace("+", "%2B"))
    await ava.until_over()


TARGETS = {
    "colleague": "102",
    "absent colleague": "104",
    "queue": "q-single",
    "no queue": "q-none",
    "outside": OUTSIDE,
    "nobody's extension": "199",
    "parking place": "700",
}
OUTCOMES = ("answers", "busy", "no answer", "unreachable or denied")
CANNOT = {
    ("absent colleague", "answers"): "nobody is at that telephone",
    ("absent colleague", "busy"): "nobody is at that telephone",
    ("absent colleague", "no answer"): "it does not ring",
    ("no queue", "answers"): "there is none: the transfer is refused",
    ("no queue", "busy"): "there is none",
    ("no queue", "no answer"): "there is none",
    ("nobody's extension", "answers"): "it is refused before anybody is rung",
    ("nobody's extension", "busy"): "nobody is rung",
    ("nobody's extension", "no answer"): "nobody is rung",
    ("parking place", "unreachable or denied"): "a place is no telephone, and any agent may park",
    # With twenty parked Asterisk keeps nobody, and says it did (docs/trunks-and-phones.md).
    ("parking place", "busy"): "a place is no telephone",
}
REFUSES = {
    "busy": "486 Busy Here",
    "no answer": "480 Temporarily Unavailable",  # that is what Asterisk makes of it
    "unreachable or denied": "503 Service Unavailable",
}
# Why it comes back to the agent who handed it on, as their page says it.
COMES_BACK = {
    ("colleague", "busy"): "busy",
    ("colleague", "no answer"): "no_answer",
    ("colleague", "unreachable or denied"): "unreachable",
    ("absent colleague", "unreachable or denied"): "unreachable",
    ("outside", "busy"): "busy",
    ("outside", "no answer"): "no_answer",
    ("outside", "unreachable or denied"): "unreachable",
    ("nobody's extension", "unreachable or denied"): "denied",
}
RUNG = {"colleague": "ben", "queue": "ben", "outside": "carrier"}


async def comes_back(stage: Stage, call: Call, why: str) -> None:
    """The agent is rung, the page says why, and the two talk again until she hangs up."""
    again = await rings(stage, "ava")
    assert again.invite is not None
    assert again.invite.get("X-Ringdesk-Returned") == why
    assert not call.over.is_set()
    again.answer()
    await again.until_up()
    await pause(0.5)
    assert not call.over.is_set()
    again.hang_up()
    await call.until_over()


async def is_had_by(call: Call, third: Call) -> None:
    """They talk until the third hangs up."""
    third.answer()
    await third.until_up()
    await pause(0.5)
    assert not call.over.is_set()
    third.hang_up()
    await call.until_over()


async def waits_on(stage: Stage, call: Call, outcome: str) -> None:
    """A queue's member who is not to be had loses nobody: the caller waits, it rings again."""
    if outcome == "unreachable or denied":
        await stage.ami.event("QueueCallerJoin", lambda m: m["Queue"] == "single")
        await pause(2)
        assert not call.over.is_set()
        call.hang_up()
        return
    first = await rings(stage, "ben")
    if outcome == "busy":
        first.refuse(REFUSES[outcome])
    else:
        await first.until_over()
    await is_had_by(call, await rings(stage, "ben"))


async def is_parked(stage: Stage, call: Call, outcome: str) -> None:
    """A colleague fetches the caller; whom nobody fetches goes to the default queue's head."""
    place = await stage.ami.event("ParkedCall")
    if outcome == "answers":
        await stage.phones["ben"].dial(place["ParkingSpace"]).until_up()
    else:
        joined = "QueueCallerJoin"
        await stage.ami.event(joined, lambda m: (m["Queue"], m["Priority"]) == ("support", "12"))
        await (await rings(stage, "ava")).answer().until_up()
    await pause(0.5)
    assert not call.over.is_set()
    call.hang_up()
    await call.until_over()


async def is_refused(call: Call, ava: Call) -> None:
    """The agent's telephone is told so; the two go on talking."""
    await pause(1)
    assert not call.over.is_set()
    assert not ava.over.is_set()
    call.hang_up()
    await ava.until_over()


PAIRS = [pair for pair in product(TARGETS, OUTCOMES) if pair not in CANNOT]
assert set(CANNOT) < set(product(TARGETS, OUTCOMES))
assert set(COMES_BACK) < set(PAIRS)


@pytest.mark.parametrize(("target", "outcome"), PAIRS)
async def test_nobody_is_lost_whatever_becomes_of_it(
    impatient: Stage, target: str, outcome: str
) -> None:
    """Seven kinds of target, and what may become of each."""
    stage = impatient
    if (target, outcome) == ("queue", "unreachable or denied"):
        stage.phones["ben"].unplug()
    call, ava = await talking(stage, units=0.5)
    ava.refer(TARGETS[target].replace("+", "%2B"))
    if target == "no queue":
        await is_refused(call, ava)
        return
    await ava.until_over()
    if target == "parking place":
        await is_parked(stage, call, outcome)
    elif outcome == "answers":
        await is_had_by(call, await rings(stage, RUNG[target]))
    elif target == "queue":
        await waits_on(stage, call, outcome)
    else:
        if target in RUNG:
            (await rings(stage, RUNG[target])).refuse(REFUSES[outcome])
        await comes_back(stage, call, COMES_BACK[target, outcome])


@pytest.mark.parametrize("to", ["0900123456", "+499001234567", "*43", "11899"])
async def test_what_may_not_be_dialled_comes_back_and_says_so(stage: Stage, to: str) -> None:
    call, ava = await talking(stage, units=1)
    await hand_on(stage, ava, to)
    await comes_back(stage, call, "denied")


@pytest.mark.parametrize("why", ["refuses", "is gone"])
async def test_else_to_the_head_of_the_queue_it_came_from(stage: Stage, why: str) -> None:
    """Not to the default queue: somebody else waits in theirs already."""
    call, ava = await talking(stage, "2003", units=1)
    other = caller(stage, "2003")
    (await rings(stage, "ben", 0)).refuse()
    await hand_on(stage, ava, "199")
    again = await rings(stage, "ava")
    assert again.invite is not None
    while again.invite.get("X-Ringdesk-Returned") is None:  # the other one's ring
        again.refuse()
        again = await rings(stage, "ava")
    again.refuse("603 Decline" if why == "refuses" else "480 Temporarily Unavailable")
    await stage.ami.event("QueueCallerJoin", lambda m: m["Queue"] == "two" and m["Position"] == "1")
    assert not call.over.is_set()
    for each in (call, other):
        each.hang_up()
        await each.until_over()


async def test_a_colleague_who_lets_it_ring(stage: Stage) -> None:
    call, ava = await talking(stage, units=1)
    await hand_on(stage, ava, "102")
    ben = await rings(stage, "ben")
    again = await stage.phones["ava"].rings(RING + 10)
    assert again.invite is not None
    assert again.invite.get("X-Ringdesk-Returned") == "no_answer"
    await ben.until_over()
    call.hang_up()
    await asyncio.gather(call.until_over(), again.until_over())


@pytest.mark.parametrize("to", ["nobody", "x%0d%0ay"])
async def test_what_is_no_target_leaves_everything_as_it_is(stage: Stage, to: str) -> None:
    """The telephone is told so; caller and agent go on talking."""
    call, ava = await talking(stage, units=1)
    ava.refer(to)
    await is_refused(call, ava)
