"""An agent's page goes in mid-call: the caller is kept, and comes back to the same agent."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import CDPSession, Error, expect

from tests.journeys.agent import KEEP_CONNECTIONS, Agent
from tests.journeys.conftest import Dial, SignIn
from tests.journeys.ear import length, level, samples
from tests.journeys.house import House
from tests.journeys.test_one_call import number, only_call
from tests.journeys.test_what_is_heard import grown
from tests.journeys.tones import RATE
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
SECONDS = 10.0  # from the refresh until both hear each other
AGAIN = 2  # further refreshes in the same call


async def hear_each_other(agent: Agent, ear: Path) -> None:
    """Sound flows both ways, on the page and at the caller's ear."""
    before = await agent.packets()
    after = await agent.heard(before["received"] + 30)
    assert after["energy"] > before["energy"]
    assert level(await grown(ear, 2)) > 100  # Chromium's microphone beeps every second


def next_recording(house: House) -> Callable[[], Awaitable[Path]]:
    """What waits for the one recording that is not there yet."""
    folder = house.folder / "data" / "recordings"
    before = set(folder.rglob("*.wav"))

    async def new() -> set[Path]:
        return set(folder.rglob("*.wav")) - before

    async def recorded() -> Path:
        [file] = await until(new, bool)
        return file

    return recorded


async def reloaded(agent: Agent) -> float:
    """The page is loaded anew; the seconds until its agent talks again."""
    began = time.monotonic()
    await agent.page.reload(wait_until="commit")
    await agent.in_state("talking")
    return time.monotonic() - began


async def both_in(recording: Path) -> None:
    """Caller and agent are in the recording from now on: both are at 3,100, the caller at 940."""
    assert level(await grown(recording, 3)) > 2000


async def crash(agent: Agent) -> None:
    """The tab dies at once, without a word."""
    session: CDPSession = await agent.context.new_cdp_session(agent.page)
    with contextlib.suppress(Error, TimeoutError):  # nobody is there to answer
        await asyncio.wait_for(session.send("Page.crash"), 1)


async def test_a_refresh_in_mid_call_gives_the_caller_back_to_the_same_agent(
    house: House, call: Dial, agent: SignIn, tmp_path: Path
) -> None:
    """Nobody clicks; both hear each other, the draft is there, it is one call of one case."""
    caller, ear, recorded = number(), tmp_path / "heard.wav", next_recording(house)
    ava, ben = await agent("ava"), await agent("ben")
    await ava.take_calls()
    phone = await call("2000", caller=caller)
    await ava.answer()
    talking_since = time.monotonic()
    await ben.take_calls()
    await house.hear(await house.channel_of(caller), ear)
    await ava.page.fill("#note", "Half a sentence")
    away = await reloaded(ava)
    assert away < SECONDS
    await hear_each_other(ava, ear)
    await expect(ava.page.locator("#note")).to_have_value("Half a sentence")
    await ben.in_state("available")
    recording = await recorded()  # one from beginning to end
    await both_in(recording)
    for _again in range(AGAIN):
        away += await reloaded(ava)
        await both_in(recording)
    talked = time.monotonic() - talking_since
    assert await phone.hang_up() == 0
    await ava.in_state("wrap_up")
    await ava.page.keyboard.press("F10")
    await ava.in_state("available")
    conversation = await only_call(house, caller, outcome="answered")
    assert conversation["agents"] == ["ava"]
    case = await house.api("GET", f"/cases/{conversation['case_number']}")
    assert len(case["conversations"]) == 1
    told = [entry["kind"] for entry in case["timeline"]]
    assert {kind: told.count(kind) for kind in ("answered", "cut_off", "back", "ended")} == {
        "answered": 1, "cut_off": 1 + AGAIN, "back": 1 + AGAIN, "ended": 1,
    }  # fmt: skip
    assert "not_taken" not in told
    assert len(conversation["recordings"]) == 1
    assert length(recording) > talked - away - 1  # only talk is in it
    assert level(samples(recording)[-2 * RATE :]) > 100


async def test_who_was_handed_a_call_is_in_its_recording_and_keeps_its_caller(
    house: House, call: Dial, agent: SignIn
) -> None:
    """To and fro between two agents: who has it now is heard; a page that goes is awaited."""
    caller, recorded = number(), next_recording(house)
    ava, ben = await agent("ava"), await agent("ben")
    await ava.take_calls()
    phone = await call("2000", caller=caller)
    await ava.answer()
    recording = await recorded()
    await both_in(recording)
    for _round in range(2):
        await ava.transfer("102")
        await ben.answer()
        await both_in(recording)
        await ben.transfer("101")
        await ava.answer()
        await both_in(recording)
    await ava.page.reload(wait_until="commit")
    await ava.in_state("talking")
    await both_in(recording)
    await ava.page.keyboard.press("F4")
    assert await phone.ended() == 0
    for each, then in ((ava, "available"), (ben, "signed_out")):  # ben was not asked for calls
        await each.in_state("wrap_up")
        await each.page.keyboard.press("F10")
        await each.in_state(then)
    conversation = await only_call(house, caller, outcome="answered")
    legs = (await house.api("GET", f"/conversations/{conversation['call_id']}"))["legs"]
    assert [leg["ended_by"] for leg in legs if leg["agent"]][-1] == "agent"


async def test_whom_an_agent_called_is_kept_as_well(
    house: House, call: Dial, agent: SignIn
) -> None:
    """A colleague called by extension: the caller's page goes, then the called one's."""
    ava, ben = await agent("ava"), await agent("ben")
    await ava.take_calls()
    await ben.take_calls()
    await ava.page.keyboard.press("F9")
    await ava.page.locator("rd-keypad input").fill("102")
    await ava.page.keyboard.press("Enter")
    await ben.answer()
    await ava.in_state("talking")
    for gone, stays in ((ava, ben), (ben, ava), (ava, ben)):
        await gone.page.reload(wait_until="commit")
        await gone.in_state("talking")
        before = await stays.packets()
        after = await stays.heard(before["received"] + 30)
        assert after["energy"] > before["energy"]
    await ben.page.keyboard.press("F4")
    await ava.in_state("available")
    await ben.in_state("available")


async def test_a_tab_that_crashed_is_noticed_and_another_one_takes_the_call(
    house: House, call: Dial, agent: SignIn
) -> None:
    """Asterisk notices the silence in 5 s; a page that has lost no call itself rings."""
    caller = number()
    ava = await agent("ava")
    await ava.take_calls()
    phone = await call("2000", caller=caller)
    await ava.answer()
    await crash(ava)
    ava.page = await ava.context.new_page()
    await ava.page.add_init_script(KEEP_CONNECTIONS)
    await ava.page.goto(f"{house.web}/desk")
    await ava.in_state("reconnecting")
    await ava.page.locator(".call-bar[data-state=ringing]").wait_for(timeout=10_000)
    await ava.page.keyboard.press("F2")
    await ava.in_state("talking")
    before = await ava.packets()
    await ava.heard(before["received"] + 30)
    assert await phone.hang_up() == 0
    await ava.in_state("wrap_up")
    await ava.page.keyboard.press("F10")
    await ava.in_state("available")
    conversation = await only_call(house, caller, outcome="answered")
    assert conversation["agents"] == ["ava"]


async def does(house: House, caller: str, application: str) -> None:
    """Wait until the caller's channel runs this application of the dialplan."""
    channel = await house.channel_of(caller)

    async def now() -> str:
        return await house.asterisk_says(f"core show channel {channel}")

    await until(now, lambda said: f"Application: {application}" in said, seconds=40, every=0.2)


async def test_who_does_not_come_back_loses_the_caller_to_the_queue_ahead_of_others(
    house: House, call: Dial, agent: SignIn
) -> None:
    """The page is left: music, then the queue's first place, then a colleague."""
    caller, second = number(), number()
    ava, ben = await agent("ava"), await agent("ben")
    await ava.take_calls()
    phone = await call("2000", caller=caller)
    await ava.answer()
    waiting = await call("2000", caller=second)
    await only_call(house, second, queue="support")
    await ava.page.goto("about:blank")
    await does(house, caller, "Wait")
    await house.until(
        "/agents",
        lambda a: ("ava", "reconnecting") in [(x["agent"], x["status"]) for x in a["items"]],
    )
    await does(house, caller, "Queue")
    await expect(ben.page.locator("#availability")).to_contain_text("Take calls")
    await ben.page.keyboard.press("F10")
    await ben.in_state("ringing")
    await expect(ben.page.locator(".call-bar")).to_contain_text(caller[-4:])
    await ben.answer()
    await does(house, second, "Queue")
    assert await phone.hang_up() == 0
    assert await waiting.hang_up() == 0
    conversation = await only_call(house, caller, outcome="answered")
    assert conversation["agents"] == ["ava", "ben"]
    case = await house.api("GET", f"/cases/{conversation['case_number']}")
    told = [entry["kind"] for entry in case["timeline"]]
    assert (told.count("cut_off"), told.count("back"), told.count("queued")) == (1, 0, 2)
    await ava.page.goto(f"{house.web}/desk")
    await ava.in_state("wrap_up")


async def test_an_agent_who_hangs_up_ends_the_call(house: House, call: Dial, agent: SignIn) -> None:
    """The button means it, however often the page was loaded anew before."""
    caller = number()
    ava = await agent("ava")
    await ava.take_calls()
    phone = await call("2000", caller=caller)
    await ava.answer()
    await ava.page.reload(wait_until="commit")
    await ava.in_state("talking")
    await ava.page.keyboard.press("F4")
    assert await phone.ended() == 0
    await ava.in_state("wrap_up")
    await ava.page.keyboard.press("F10")
    await ava.in_state("available")
    conversation = await only_call(house, caller, outcome="answered")
    legs = (await house.api("GET", f"/conversations/{conversation['call_id']}"))["legs"]
    assert [leg["ended_by"] for leg in legs if leg["agent"] == "ava"] == ["system", "agent"]
