"""A queue's day: a call rejected, wrap-up, pause, hold, a desk phone, a wait that is too long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.journeys.conftest import Dial, SignIn
from tests.journeys.house import House
from tests.journeys.test_one_call import number, only_call

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_rejected_call_rings_the_next_and_wrap_up_ends_by_itself(
    house: House, call: Dial, agent: SignIn
) -> None:
    """Not the same agent again; after 3 s of wrap-up he is available without a key."""
    caller = number()
    both = {name: await agent(name) for name in ("ava", "ben")}
    for each in both.values():
        await each.take_calls()
    phone = await call("5000", caller=caller)
    ringing = ".agent-button[data-state=ringing]"
    pages = {name: each.page.locator(ringing) for name, each in both.items()}
    waiting = {
        asyncio.create_task(page.wait_for(timeout=20_000), name=name)
        for name, page in pages.items()
    }
    done, late = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    first = done.pop().get_name()
    second = "ben" if first == "ava" else "ava"
    await both[first].page.locator("button.reject").click()
    await both[second].in_state("ringing")
    await both[first].in_state("available")
    await expect(both[first].page.locator(".call-bar[data-state=ringing]")).to_have_count(0)
    await both[second].answer()
    assert await phone.hang_up() == 0
    await both[second].in_state("wrap_up")
    await both[second].in_state("available")
    conversation = await only_call(house, caller, outcome="answered")
    assert conversation["agents"] == [second]


async def test_who_misses_a_call_is_shown_so_and_comes_back_by_a_key(
    house: House, call: Dial, agent: SignIn
) -> None:
    """On her desk and on the floor; the caller who waited rings at once then."""
    ava, sam = await agent("ava"), await agent("sam", "/board")
    await ava.take_calls()
    phone = await call("9500", caller=number())
    await ava.in_state("ringing")
    await ava.in_state("not_answering")
    await expect(ava.page.locator(".call-bar")).to_contain_text("You missed a call")
    on_floor = sam.page.locator("[data-state=not_answering]").first
    await expect(on_floor).to_contain_text("Not answering")
    await expect(sam.page.locator("body")).to_contain_text("missed a call")
    await ava.page.keyboard.press("F10")
    await ava.answer()
    assert await phone.hang_up() == 0


async def test_a_pause_keeps_calls_away_and_a_hold_is_shown(
    house: House, call: Dial, agent: SignIn
) -> None:
    """The call waits and rings as soon as she is back; on hold and back again she sees it."""
    caller = number()
    ava = await agent("ava")
    await ava.take_calls()
    await ava.page.locator(".agent-button").click()
    await ava.page.locator("wa-dropdown-item[value='pause:lunch']").click()
    await ava.in_state("paused")
    phone = await call("5000", caller=caller)
    await phone.answered()
    await only_call(house, caller, queue="pair")
    await ava.in_state("paused")
    await ava.page.keyboard.press("F10")
    await ava.answer()
    await ava.page.keyboard.press("F6")
    await ava.in_state("held")
    await ava.page.keyboard.press("F6")
    await ava.in_state("talking")
    assert await phone.hang_up() == 0
    await ava.in_state("wrap_up")


async def test_who_waits_too_long_may_leave_a_message(house: House, call: Dial) -> None:
    """The queue gives up after its max_wait, the menu takes a message, the case has it."""
    caller = number()
    phone = await call("6000", caller=caller)
    await phone.answered()
    recordings = house.folder / "data" / "recordings" / "messages"
    before = set(recordings.glob("*"))
    for _ in range(40):
        await phone.press("1")
        if begun := set(recordings.glob("*")) - before:
            break
    await house.until(
        "/conversations?limit=1", lambda _: any(f.stat().st_size > 30_000 for f in begun)
    )
    await phone.press("1")
    assert await phone.ended() == 0
    conversation = await only_call(house, caller, outcome="message")
    assert conversation["recordings"]


async def test_a_queue_that_spills_over_reaches_the_second_queues_agent(
    house: House, call: Dial, agent: SignIn
) -> None:
    """Nobody is in the first queue: the second one's agent takes the call; it is one case."""
    caller = number()
    ava = await agent("ava")
    await ava.take_calls()
    phone = await call("9000", caller=caller)
    await ava.answer()
    assert await phone.hang_up() == 0
    await ava.in_state("wrap_up")
    conversation = await only_call(house, caller, outcome="answered")
    assert (conversation["queue"], conversation["agents"]) == ("pair", ["ava"])
    assert conversation["waited"] > 1
    case = await house.api("GET", f"/cases/{conversation['case_number']}")
    assert len(case["conversations"]) == 1
    told = [entry["kind"] for entry in case["timeline"]]
    assert (told.count("queued"), told.count("answered"), told.count("ended")) == (2, 1, 1)


@pytest_asyncio.fixture(loop_scope="session")
async def desk_phone(house: House, sipp: str, tmp_path: Path) -> AsyncIterator[None]:
    """Dora's phone at its fixed address: it answers whatever comes, until the other hangs up."""
    where = urlsplit(house.config["agents"]["dora"]["device"]["uri"].replace("sip:", "sip://"))
    process = await asyncio.create_subprocess_exec(
        *(sipp, "-sn", "uas", "-i", str(where.hostname), "-p", str(where.port), "-nostdin"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    yield
    process.terminate()
    await asyncio.wait_for(process.wait(), 10)


async def test_a_desk_phone_at_a_fixed_address_takes_calls(
    house: House, call: Dial, desk_phone: None
) -> None:
    """No browser: the call rings there, is answered, and is on record with her name."""
    caller = number()
    phone = await call("7000", caller=caller)
    await phone.answered()
    await only_call(house, caller, agents=["dora"])
    assert await phone.hang_up() == 0
    await only_call(house, caller, agents=["dora"], outcome="answered")
