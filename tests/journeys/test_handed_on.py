"""A caller who is handed on is never lost: whom it does not reach it comes back from, with why.

Real telephones, nobody of ours: first to the agent who handed the caller on, else to the head of
the queue the call came from.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
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


async def busy(stage: Stage, who: str) -> None:
    (await rings(stage, who)).refuse("486 Busy Here")


async def away(stage: Stage, who: str) -> None:
    (await rings(stage, who)).refuse("480 Temporarily Unavailable")


async def gone(stage: Stage, who: str) -> None:
    (await rings(stage, who)).refuse("503 Service Unavailable")


async def nothing(_stage: Stage, _who: str) -> None:
    """Nobody is rung at all."""


async def hand_on(stage: Stage, ava: Call, to: str) -> None:
    """Ava hands the caller on and leaves."""
    ava.refer(to.replace("+", "%2B"))
    await ava.until_over()


# (where to, who is rung there, what they do, why it comes back)
KINDS: tuple[tuple[str, str, Callable[[Stage, str], Awaitable[None]], str], ...] = (
    ("102", "ben", busy, "busy"),
    ("102", "ben", away, "no_answer"),  # that is what Asterisk makes of 480
    ("102", "ben", gone, "unreachable"),
    (OUTSIDE, "carrier", busy, "busy"),
    (OUTSIDE, "carrier", away, "no_answer"),
    (OUTSIDE, "carrier", gone, "unreachable"),
    ("0900123456", "", nothing, "denied"),
    ("+499001234567", "", nothing, "denied"),
    ("199", "", nothing, "denied"),
    ("*43", "", nothing, "denied"),
    ("11899", "", nothing, "denied"),
)


@pytest.mark.parametrize(("to", "who", "does", "why"), KINDS)
async def test_it_comes_back_to_the_agent_and_says_why(
    stage: Stage, to: str, who: str, does: Callable[[Stage, str], Awaitable[None]], why: str
) -> None:
    call, ava = await talking(stage, units=1)
    await hand_on(stage, ava, to)
    await does(stage, who)
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


@pytest.mark.parametrize(("to", "who"), [("102", "ben"), (OUTSIDE, "carrier"), ("q-single", "ben")])
async def test_whom_it_reaches_has_it(stage: Stage, to: str, who: str) -> None:
    call, ava = await talking(stage, units=1)
    await hand_on(stage, ava, to)
    third = (await rings(stage, who)).answer()
    await third.until_up()
    await pause(0.5)
    assert not call.over.is_set()
    third.hang_up()
    await call.until_over()


@pytest.mark.parametrize("to", ["q-none", "nobody", "x%0d%0ay"])
async def test_what_is_no_target_leaves_everything_as_it_is(stage: Stage, to: str) -> None:
    """The telephone is told so; caller and agent go on talking."""
    call, ava = await talking(stage, units=1)
    ava.refer(to)
    await pause(1)
    assert not call.over.is_set()
    assert not ava.over.is_set()
    call.hang_up()
    await ava.until_over()
