"""One telephone for all of an agent's pages; and none where nobody could be heard."""

from __future__ import annotations

import time
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.conftest import ARGUMENTS, chromium_path
from tests.journeys.agent import FAKE_MEDIA, KEEP_CONNECTIONS, Agent, sign_in
from tests.journeys.conftest import Dial, SignIn
from tests.journeys.house import House
from tests.journeys.phone_proxy import PhoneProxy
from tests.journeys.test_gate import contact_of
from tests.journeys.test_one_call import number
from tests.journeys.test_page_link import registered_anew, rings, talks_with
from tests.journeys.test_refresh import crash

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
AT_ONCE_SECONDS = 2.0


@pytest_asyncio.fixture(loop_scope="session")
async def house(phone_house: tuple[House, PhoneProxy]) -> House:
    """One on SQLite: none of this depends on the database."""
    return phone_house[0]


def notice(agent: Agent) -> Any:
    """What the page says about its telephone."""
    return expect(agent.page.locator("rd-phone-notice"))


async def another_tab(of: Agent) -> Agent:
    """A second tab of the same browser at the desk."""
    page = await of.context.new_page()
    page.on("pageerror", lambda error: of.errors.append(str(error)))
    await page.add_init_script(KEEP_CONNECTIONS)
    await page.goto(f"{of.house.web}/desk")
    return Agent(of.name, of.house, of.context, page, of.errors)


async def test_an_idle_second_tab_says_where_the_telephone_is_and_closes_without_harm(
    house: House, call: Dial, agent: SignIn
) -> None:
    """The first one stays registered, is rung, and talks."""
    ava = await agent("ava")
    await ava.take_calls()
    before = await contact_of(house, "ava")
    second = await another_tab(ava)
    await notice(second).to_contain_text("in another tab of this browser")
    await notice(ava).to_be_empty()
    assert await contact_of(house, "ava") == before
    await second.page.close()
    phone = await call("2000", caller=number())
    await ava.answer()
    await talks_with(ava)
    assert await contact_of(house, "ava") == before
    assert await phone.hang_up() == 0


@pytest.mark.parametrize("how", ["closed", "crashed"])
async def test_who_is_left_has_the_telephone_at_once(house: House, agent: SignIn, how: str) -> None:
    """The tab that had it goes: within two seconds Asterisk would ring the other one."""
    ava = await agent("ava")
    await ava.take_calls()
    second = await another_tab(ava)
    await notice(second).to_contain_text("in another tab")
    before = await contact_of(house, "ava")
    if how == "closed":
        await ava.page.close()
    else:
        await crash(ava)
    began = time.monotonic()
    await registered_anew(house, "ava", before, AT_ONCE_SECONDS)
    assert time.monotonic() - began < AT_ONCE_SECONDS
    await notice(second).to_be_empty()
    await second.in_state("available")
    ava.page = second.page


async def test_one_key_takes_the_telephone_and_what_rings_rings_there(
    house: House, call: Dial, agent: SignIn
) -> None:
    """F2 in the tab without it: the caller is offered again, and is answered by the same key."""
    ava = await agent("ava")
    await ava.take_calls()
    second = await another_tab(ava)
    await notice(second).to_contain_text("in another tab")
    phone = await call("2000", caller=number())
    await rings(ava)
    await second.in_state("ringing")
    await second.page.keyboard.press("F2")
    await second.in_state("talking")
    await talks_with(second)
    await notice(ava).to_contain_text("in another tab")
    assert await phone.hang_up() == 0
    ava.page = second.page


@pytest.mark.parametrize("where", ["tab", "browser"])
async def test_a_call_comes_along_to_the_page_that_takes_the_telephone(
    house: House, browser: Browser, call: Dial, agent: SignIn, where: str
) -> None:
    """In mid-call, by a key; the page it was on says so and does not take it back."""
    ava = await agent("ava")
    await ava.take_calls()
    phone = await call("2000", caller=number())
    await ava.answer()
    await talks_with(ava)
    other = await another_tab(ava) if where == "tab" else await sign_in(browser, house, "ava")
    await notice(other).to_contain_text(f"in another {where}")
    before = await contact_of(house, "ava")
    await other.page.keyboard.press("F2")
    await registered_anew(house, "ava", before, AT_ONCE_SECONDS)
    await notice(ava).to_contain_text(f"in another {where}")
    await other.page.wait_for_function(
        "() => document.querySelector('rd-desk').desk.softphone.call?.phase === 'connected'"
    )
    await talks_with(other)
    now = await contact_of(house, "ava")
    assert await phone.hang_up() == 0
    await other.in_state("wrap_up")
    assert await contact_of(house, "ava") == now
    if where == "tab":
        ava.page = other.page
        return
    await other.close()
    await registered_anew(house, "ava", now, AT_ONCE_SECONDS + 1)  # of the first page again
    await notice(ava).to_be_empty()


async def test_a_page_that_had_it_has_it_again_after_a_reload(house: House, agent: SignIn) -> None:
    """Another tab is open: it does not go there and stay."""
    ava = await agent("ava")
    await ava.take_calls()
    second = await another_tab(ava)
    await notice(second).to_contain_text("in another tab")
    await ava.page.reload()
    await ava.in_state("available")
    await notice(ava).to_be_empty()
    await notice(second).to_contain_text("in another tab")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def asking(browser: Browser) -> Any:
    """Chromium that has a microphone and asks for it: whoever is not granted it is refused."""
    started = await browser.browser_type.launch(
        executable_path=chromium_path(),
        args=[*ARGUMENTS, FAKE_MEDIA[0]],
    )
    yield started
    await started.close()


async def test_without_a_microphone_nobody_is_offered_and_the_page_says_what_to_do(
    house: House, asking: Browser, call: Dial, agent: SignIn
) -> None:
    """Refused: unreachable, with words; a caller goes to a colleague; allowed: there at once."""
    ben = await agent("ben")
    await ben.take_calls()
    ava = await sign_in(asking, house, "ava")
    try:
        await notice(ava).to_contain_text("the microphone is blocked")
        await expect(ava.page.locator("#availability")).to_contain_text("Take calls")
        await ava.page.keyboard.press("F10")
        await ava.in_state("unreachable")
        phone = await call("2000", caller=number())
        await ben.answer()
        assert await ava.page.locator(".call-bar[data-state=ringing]").count() == 0
        assert await phone.hang_up() == 0
        began = time.monotonic()
        await ava.context.grant_permissions(["microphone"])
        await ava.in_state("available")
        assert time.monotonic() - began < AT_ONCE_SECONDS
        await notice(ava).to_be_empty()
    finally:
        await ava.leave_queues()
        await ava.close()


# A microphone that a test can unplug, break and plug in again.
DEVICES = """
const real = navigator.mediaDevices;
const ask = real.getUserMedia.bind(real);
const list = real.enumerateDevices.bind(real);
window.plugged = true;
window.works = true;
window.given = [];
real.getUserMedia = async (wanted) => {
  if (!window.plugged) throw new DOMException("none", "NotFoundError");
  if (!window.works) throw new DOMException("busy", "NotReadableError");
  const stream = await ask(wanted);
  window.given.push(...stream.getTracks());
  return stream;
};
real.enumerateDevices = async () =>
  (await list()).filter((one) => window.plugged || one.kind !== "audioinput");
window.plug = (plugged) => {
  window.plugged = plugged;
  if (!plugged) window.pull();
  real.dispatchEvent(new Event("devicechange"));
};
window.pull = () => {
  for (const track of window.given) {
    if (track.readyState === "ended") continue;
    track.stop();
    track.dispatchEvent(new Event("ended"));
  }
};
"""


async def with_devices(agent: SignIn, name: str) -> Agent:
    """An agent at a page whose microphone can be unplugged."""
    made = await agent(name)
    await made.page.add_init_script(DEVICES)
    await made.page.reload()
    return made


async def test_a_headset_that_is_unplugged_is_missed_at_once_and_found_again(
    house: House, agent: SignIn
) -> None:
    """Between two calls: not reachable without it, reachable with it, and nobody clicks."""
    ava = await with_devices(agent, "ava")
    await ava.take_calls()
    await ava.page.evaluate("plug(false)")
    await notice(ava).to_contain_text("there is no microphone", timeout=AT_ONCE_SECONDS * 1000)
    await ava.in_state("unreachable")
    await ava.page.evaluate("plug(true)")
    await notice(ava).to_be_empty()
    await ava.in_state("available", AT_ONCE_SECONDS)


@pytest.mark.parametrize("how", ["plugged", "works"])
async def test_a_microphone_that_fails_while_it_rings_loses_nobody(
    house: House, call: Dial, agent: SignIn, how: str
) -> None:
    """F2: the caller goes on to a colleague, the page says why, and no other call comes."""
    ava, ben = await with_devices(agent, "ava"), await agent("ben")
    await ava.take_calls()
    phone = await call("2000", caller=number())
    await rings(ava)
    await ben.take_calls()
    await ava.page.evaluate(f"window.{how} = false")
    await ava.page.keyboard.press("F2")
    await expect(ava.page.locator(".toast")).to_contain_text("The microphone did not start")
    await ben.answer()
    await talks_with(ben)
    await notice(ava).to_contain_text("No calls come to you")
    await ava.in_state("unreachable")
    assert await phone.hang_up() == 0
    await ava.page.evaluate(f"window.{how} = true")
    await ava.page.locator("#mend-phone").click()
    await ava.in_state("available", AT_ONCE_SECONDS)


async def test_while_the_browser_still_asks_nobody_is_offered(house: House, agent: SignIn) -> None:
    """The question is there when the desk opens, not when a customer waits."""
    ava = await agent("ava")
    await ava.take_calls()
    await ava.page.add_init_script("""
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      const answered = new Promise((yes) => { window.allow = yes; });
      navigator.mediaDevices.getUserMedia = (wanted) => answered.then(() => ask(wanted));
      navigator.permissions.query = () => Promise.resolve({state: "prompt"});
    """)
    await ava.page.reload()
    await notice(ava).to_contain_text("Allow the microphone in the browser's question")
    await ava.in_state("unreachable")
    await ava.page.evaluate("window.allow()")
    await ava.in_state("available", AT_ONCE_SECONDS)
    await notice(ava).to_be_empty()
