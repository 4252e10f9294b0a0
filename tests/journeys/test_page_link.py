"""The link between a page's telephone and Asterisk goes silent, or the machine sleeps.

What only rang is over with the link; the telephone is there again at once; a call goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from signal import SIGCONT, SIGSTOP

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.faults.board import a_browser
from tests.journeys.agent import FAKE_MEDIA, Agent, sign_in
from tests.journeys.caller import Caller
from tests.journeys.conftest import Dial, SignIn
from tests.journeys.house import House
from tests.journeys.phone_proxy import PhoneProxy
from tests.journeys.test_gate import contact_of
from tests.journeys.test_one_call import number
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
NOTICED_SECONDS = 10.0  # a link that is half open
AWAKE_SECONDS = 3.0  # from the machine's waking until Asterisk can ring the page
ASLEEP_SECONDS = 5.0  # less is not told apart from a busy machine (static/core/pulse.ts)


@pytest_asyncio.fixture(loop_scope="session")
async def house(phone_house: tuple[House, PhoneProxy]) -> House:
    """The one with a proxy before its gate."""
    return phone_house[0]


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(phone_house: tuple[House, PhoneProxy]) -> PhoneProxy:
    """What the pages' telephones pass."""
    return phone_house[1]


def bar(agent: Agent, state: str) -> str:
    """The bar at the top in this state."""
    return f".call-bar[data-state={state}]"


async def ready(agent: Agent) -> None:
    """Take calls, by this page's telephone: one whose link went silent may still be known."""
    await agent.page.wait_for_function(
        "() => document.querySelector('rd-desk').desk.softphone.registered"
    )
    await agent.take_calls()


async def rings(agent: Agent) -> None:
    """Wait until the telephone in the page rings, not only the desk's word of it."""
    await agent.in_state("ringing")
    await agent.page.wait_for_function(
        "() => document.querySelector('rd-desk').desk.softphone.call?.phase === 'incoming'"
    )


async def registered_anew(house: House, name: str, before: str, seconds: float) -> None:
    """Wait until Asterisk would ring the agent at another address than before."""
    await until(
        lambda: contact_of(house, name),
        lambda now: now not in ("", before),
        seconds=seconds,
        every=0.1,
    )


async def talks_with(agent: Agent) -> None:
    """Sound arrives at the page."""
    before = await agent.packets()
    await agent.heard(before["received"] + 30)


async def takes_a_call(agent: Agent, call: Dial) -> Caller:
    """Somebody calls, and they talk."""
    phone = await call("2000", caller=number())
    await agent.answer()
    await talks_with(agent)
    return phone


async def test_a_ring_of_a_silent_link_ends_and_the_next_call_is_taken(
    house: House, proxy: PhoneProxy, call: Dial, agent: SignIn
) -> None:
    """The caller hangs up unheard; within ten seconds nothing rings, and the telephone is there."""
    ava = await agent("ava")
    await ready(ava)
    gone = await call("2000", caller=number())
    await rings(ava)
    before = await contact_of(house, "ava")
    proxy.silence()
    await gone.close()
    await registered_anew(house, "ava", before, NOTICED_SECONDS + 2)
    await expect(ava.page.locator(".toast")).to_contain_text("A call rang here")
    await expect(ava.page.locator(bar(ava, "ringing"))).to_have_count(0)
    await ava.in_state("available")
    phone = await takes_a_call(ava, call)
    assert await phone.hang_up() == 0


async def test_an_answer_that_nobody_hears_is_said_to_be_too_late(
    house: House, proxy: PhoneProxy, call: Dial, agent: SignIn
) -> None:
    """F2 on a ring that Asterisk has no more never shows "Talking"."""
    ava = await agent("ava")
    await ready(ava)
    gone = await call("2000", caller=number())
    await rings(ava)
    before = await contact_of(house, "ava")
    proxy.silence()
    await gone.close()
    await ava.page.evaluate("""() => {
      window.shown = [];
      const bar = document.querySelector(".call-bar");
      new MutationObserver(() => window.shown.push(bar.dataset.state))
        .observe(bar, {attributes: true, attributeFilter: ["data-state"]});
    }""")
    await ava.page.keyboard.press("F2")
    await expect(ava.page.locator(".toast")).to_contain_text("This call rings no more")
    await registered_anew(house, "ava", before, AWAKE_SECONDS)
    assert "talking" not in await ava.page.evaluate("window.shown")
    await ava.in_state("available")


@contextlib.asynccontextmanager
async def asleep(browser: Browser, proxy: PhoneProxy) -> AsyncIterator[None]:
    """All of a browser of this test alone stands still for a while, and its link dies meanwhile."""
    session = await browser.new_browser_cdp_session()
    said = await session.send("SystemInfo.getProcessInfo")
    pids = [int(each["id"]) for each in said["processInfo"]]
    for pid in pids:
        os.kill(pid, SIGSTOP)
    try:
        proxy.silence()
        yield
        await asyncio.sleep(ASLEEP_SECONDS)  # what is tested is that time passes
    finally:
        for pid in pids:
            os.kill(pid, SIGCONT)


@contextlib.asynccontextmanager
async def alone(house: House) -> AsyncIterator[tuple[Agent, Browser]]:
    """An agent in a browser of this test alone, taking calls."""
    async with a_browser(*FAKE_MEDIA) as browser:
        ava = await sign_in(browser, house, "ava")
        await ready(ava)
        try:
            yield ava, browser
        finally:
            await ava.leave_queues()
            await ava.close()


async def test_a_machine_that_slept_is_there_again_at_once(
    house: House, proxy: PhoneProxy, call: Dial
) -> None:
    """A call came and went meanwhile; who calls next is taken."""
    async with alone(house) as (ava, browser):
        before = await contact_of(house, "ava")
        async with asleep(browser, proxy):
            gone = await call("2000", caller=number())
            await until(
                lambda: house.asterisk_says("core show channels"), lambda said: "PJSIP/ava-" in said
            )
            await gone.close()
        await registered_anew(house, "ava", before, AWAKE_SECONDS)
        await ava.in_state("available")
        phone = await takes_a_call(ava, call)
        assert await phone.hang_up() == 0
        await ava.in_state("wrap_up")


async def test_a_machine_that_slept_in_mid_call_has_its_caller_back(
    house: House, proxy: PhoneProxy, call: Dial
) -> None:
    """Asterisk has taken it for lost and keeps the caller; nobody clicks."""
    async with alone(house) as (ava, browser):
        phone = await takes_a_call(ava, call)
        async with asleep(browser, proxy):
            await house.until(
                "/agents",
                lambda a: (
                    ("ava", "reconnecting") in [(x["agent"], x["status"]) for x in a["items"]]
                ),
            )
        await ava.in_state("talking", AWAKE_SECONDS + 5)  # it is rung anew every five seconds
        await talks_with(ava)
        assert await phone.hang_up() == 0
        await ava.in_state("wrap_up")


async def test_a_hang_up_into_a_silent_link_ends_the_call(
    house: House, proxy: PhoneProxy, call: Dial, agent: SignIn
) -> None:
    """Asterisk does not hear of it over that link; the caller is not kept for who meant to go."""
    ava = await agent("ava")
    await ready(ava)
    phone = await takes_a_call(ava, call)
    proxy.silence()
    await ava.page.keyboard.press("F4")
    assert await phone.ended(4) == 0  # Asterisk takes a silent telephone for lost after 5
    await ava.in_state("wrap_up")
    await ava.page.keyboard.press("F10")
    await ava.in_state("available")


async def test_hold_pressed_on_a_silent_link_loses_nobody(
    house: House, proxy: PhoneProxy, call: Dial, agent: SignIn
) -> None:
    """What nobody answers ends the leg here; the caller is kept, and back without a click."""
    ava = await agent("ava")
    await ready(ava)
    phone = await takes_a_call(ava, call)
    proxy.silence()
    await ava.page.keyboard.press("F6")
    await ava.in_state("reconnecting", NOTICED_SECONDS + 10)
    await ava.in_state("talking", NOTICED_SECONDS)
    await talks_with(ava)
    assert await phone.hang_up() == 0


async def test_a_call_outlives_its_link_and_its_end_is_heard_over_the_next(
    house: House, proxy: PhoneProxy, call: Dial, agent: SignIn
) -> None:
    """Sound flows on while the link is silent; the caller's hanging-up reaches the page."""
    ava = await agent("ava")
    await ready(ava)
    phone = await takes_a_call(ava, call)
    before = await contact_of(house, "ava")
    proxy.silence()
    await registered_anew(house, "ava", before, NOTICED_SECONDS + 2)
    await talks_with(ava)
    assert await ava.page.locator(bar(ava, "talking")).count() == 1
    assert await phone.hang_up() == 0
    await ava.page.wait_for_function(
        "() => !document.querySelector('rd-desk').desk.softphone.call", timeout=5_000
    )
    await ava.in_state("wrap_up")
