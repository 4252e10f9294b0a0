"""Whoever is left alone when an agent's device is lost: kept by the dialplan, nobody of ours runs.

Real telephones; a page that goes says BYE with cause 27. However the agent came to the call, and
however often before: the device that was lost rings again, and nobody else's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import need
from tests.recordings.kinds import consult, pause, rings, talking, transfer
from tests.recordings.phone import Call
from tests.recordings.stage import OUTSIDE, Stage

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]


@pytest_asyncio.fixture(loop_scope="session")
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Asterisk and telephones, nobody else; anew for each, so that nothing rings from before."""
    need("asterisk")
    async with Stage(tmp_path) as running:
        yield running


async def taken(stage: Stage, who: str) -> Call:
    """Their telephone rings, they answer, and are put through."""
    call = await rings(stage, who)
    stage.ami.events.clear()
    call.answer()
    await stage.ami.event("BridgeEnter", lambda m: m["Channel"].startswith(f"PJSIP/{who}-"))
    return call


async def loses(stage: Stage, who: str, call: Call, other: Call, times: int = 2) -> Call:
    """The device of an agent is lost after a word or two, rings again, is taken, is lost again."""
    for _ in range(times):
        await pause(0.5)  # whoever handed the call on has left by then
        call.leave()
        call = await taken(stage, who)
        assert call.invite is not None
        assert call.invite.get("X-Ringdesk-Back") == "yes"
        assert not other.over.is_set()
    return call


@contextlib.asynccontextmanager
async def refusing(stage: Stage, who: str) -> AsyncIterator[None]:
    """They refuse each call. Whom a queue rings first it decides by what it knows of telephones,
    and that a ringing one was refused a moment ago it may not know yet."""

    async def refuse() -> None:
        while True:
            (await rings(stage, who)).refuse()

    task = asyncio.create_task(refuse(), name=f"{who} refuses")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def means_it(call: Call, other: Call) -> None:
    """Hung up by hand: the other one's call ends at once."""
    call.hang_up()
    await other.until_over(3)


async def test_a_callers_agent(stage: Stage) -> None:
    call, ava = await talking(stage)
    await means_it(await loses(stage, "ava", ava, call), call)


async def test_whom_an_agent_called_outside(stage: Stage) -> None:
    ava = stage.phones["ava"].dial(OUTSIDE)
    out = await taken(stage, "carrier")
    await means_it(await loses(stage, "ava", ava, out), out)


async def test_a_colleague_who_was_handed_the_call(stage: Stage) -> None:
    call, ava = await talking(stage)
    await transfer(stage, "102")
    ben = await taken(stage, "ben")
    await ava.until_over()
    await means_it(await loses(stage, "ben", ben, call), call)


async def test_a_colleague_who_was_asked_first(stage: Stage) -> None:
    """After an attended transfer nothing on the caller's channel tells who has the call."""
    call, ava = await talking(stage)
    second, ben = await consult(stage, ava, "102", "ben")
    ava.refer("102", replaces=second)
    await stage.ami.event("AttendedTransfer")
    await ava.until_over()
    await means_it(await loses(stage, "ben", ben, call), call)


async def test_an_agent_after_another_queue(stage: Stage) -> None:
    """The first agent's device was lost and did not come back; the second one hangs up."""
    call, ava = await talking(stage, "2003")
    ava.leave()
    (await rings(stage, "ava")).refuse("603 Decline")
    async with refusing(stage, "ava"):
        ben = await taken(stage, "ben")
    again = await loses(stage, "ben", ben, call, times=1)
    await means_it(again, call)


async def test_two_colleagues_each(stage: Stage) -> None:
    ava = stage.phones["ava"].dial("102")
    ben = await taken(stage, "ben")
    ava = await loses(stage, "ava", ava, ben, times=1)
    ben = await loses(stage, "ben", ben, ava, times=1)
    ava = await loses(stage, "ava", ava, ben, times=1)
    await means_it(ava, ben)


async def test_a_caller_who_hangs_up_is_not_looked_for(stage: Stage) -> None:
    call, ava = await talking(stage)
    ava = await loses(stage, "ava", ava, call, times=1)
    await means_it(call, ava)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(rings(stage, "ava"), 1.5)
