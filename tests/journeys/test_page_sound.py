"""What is heard in a call: a microphone that goes, or is chosen; a line that carries nothing."""

from __future__ import annotations

import time

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.journeys.agent import Agent
from tests.journeys.conftest import Dial, SignIn
from tests.journeys.house import House
from tests.journeys.phone_proxy import PhoneProxy
from tests.journeys.test_one_call import number
from tests.journeys.test_page_link import takes_a_call
from tests.journeys.test_page_telephone import AT_ONCE_SECONDS, notice, with_devices
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]


@pytest_asyncio.fixture(loop_scope="session")
async def house(phone_house: tuple[House, PhoneProxy]) -> House:
    """One on SQLite: none of this depends on the database."""
    return phone_house[0]


async def sound_goes_out(agent: Agent, more: int = 50) -> None:
    """Packets are sent, and there is a sound in them."""
    before = await sent(agent.page)
    await until(
        lambda: sent(agent.page),
        lambda now: now["sent"] >= before["sent"] + more and now["energy"] > before["energy"],
        every=0.1,
    )


async def sent(page: Page) -> dict[str, float]:
    """RTP packets sent by the newest connection, and the energy of what was spoken into it."""
    counted: dict[str, float] = await page.evaluate("""async () => {
      const sum = {sent: 0, energy: 0};
      for (const stat of (await window.connections.at(-1).getStats()).values()) {
        if (stat.type === "outbound-rtp") sum.sent += stat.packetsSent;
        if (stat.type === "media-source") sum.energy += stat.totalAudioEnergy || 0;
      }
      return sum;
    }""")
    return counted


async def test_a_headset_unplugged_in_mid_call_is_replaced_by_another_microphone(
    house: House, call: Dial, agent: SignIn
) -> None:
    """By itself, and said; muted stays muted."""
    ava = await with_devices(agent, "ava")
    await ava.take_calls()
    phone = await takes_a_call(ava, call)
    await sound_goes_out(ava)
    await ava.page.evaluate("pull()")
    await expect(ava.page.locator(".toast")).to_contain_text(
        "You speak through", timeout=AT_ONCE_SECONDS * 1000
    )
    await notice(ava).to_be_empty()
    await ava.page.wait_for_function("() => window.given.some((one) => one.readyState === 'live')")
    await sound_goes_out(ava)
    await ava.page.keyboard.press("F7")
    await expect(ava.page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    await ava.page.evaluate("pull()")
    await ava.page.wait_for_function(
        "() => window.connections.at(-1).getSenders()[0].track.readyState === 'live'"
    )
    assert not await ava.page.evaluate("window.connections.at(-1).getSenders()[0].track.enabled")
    await notice(ava).to_be_empty()
    await ava.page.keyboard.press("F7")
    await sound_goes_out(ava)
    assert await phone.hang_up() == 0


async def test_the_last_microphone_gone_is_said_and_the_call_goes_on_until_one_is_back(
    house: House, call: Dial, agent: SignIn
) -> None:
    """The caller is still heard, far longer than Asterisk waits for a silent telephone (5 s)."""
    ava = await with_devices(agent, "ava")
    await ava.take_calls()
    phone = await takes_a_call(ava, call)
    began = time.monotonic()
    await ava.page.evaluate("plug(false)")
    await notice(ava).to_contain_text("no microphone is left", timeout=AT_ONCE_SECONDS * 1000)
    assert time.monotonic() - began < AT_ONCE_SECONDS
    await expect(ava.page.locator("#audio")).to_have_attribute(
        "aria-label", "Sound: nobody hears you"
    )
    heard = await ava.packets()
    await ava.heard(heard["received"] + 8 * 50)  # eight seconds of the caller
    await ava.in_state("talking")
    await ava.page.evaluate("plug(true)")
    await notice(ava).to_be_empty()
    await sound_goes_out(ava)
    assert await phone.hang_up() == 0


async def test_a_line_that_sends_nothing_is_no_good_line(
    house: House, call: Dial, agent: SignIn
) -> None:
    """Whatever the microphone says of itself: what goes out is counted."""
    ava = await agent("ava")
    await ava.take_calls()
    phone = await call("2000", caller=number())
    await ava.answer()
    await expect(ava.page.locator("#audio")).to_have_attribute("aria-label", "Sound: good line")
    await ava.page.evaluate("""() => {
      const [sender] = window.connections.at(-1).getSenders();
      window.taken = sender.track;
      return sender.replaceTrack(null);
    }""")
    await notice(ava).to_contain_text("nothing is sent", timeout=AT_ONCE_SECONDS * 1000)
    await ava.page.evaluate("window.connections.at(-1).getSenders()[0].replaceTrack(window.taken)")
    await notice(ava).to_be_empty()
    assert await phone.hang_up() == 0


async def test_nothing_that_arrives_is_said_in_words(
    house: House, call: Dial, agent: SignIn
) -> None:
    """Not by an icon alone; on hold it is meant to be so."""
    ava = await agent("ava")
    await ava.page.add_init_script("""
      const read = RTCPeerConnection.prototype.getStats;
      RTCPeerConnection.prototype.getStats = async function () {
        const stats = await read.call(this);
        if (!window.deaf) return stats;
        return new Map([...stats].map(([id, one]) =>
          [id, one.type === "inbound-rtp" ? {...one, packetsReceived: 1} : one]));
      };
    """)
    await ava.page.reload()
    await ava.take_calls()
    phone = await takes_a_call(ava, call)
    await notice(ava).to_be_empty()
    await ava.page.evaluate("window.deaf = true")
    await notice(ava).to_contain_text("You hear nothing", timeout=AT_ONCE_SECONDS * 1000)
    await ava.page.keyboard.press("F6")
    await notice(ava).to_be_empty()
    await ava.page.keyboard.press("F6")
    await ava.page.evaluate("window.deaf = false")
    await notice(ava).to_be_empty()
    assert await phone.hang_up() == 0


async def test_a_microphone_chosen_in_mid_call_speaks_at_once(
    house: House, call: Dial, agent: SignIn
) -> None:
    """Out of the sheet; on hold it is taken, and stays still until the caller is taken back."""
    ava = await with_devices(agent, "ava")
    await ava.take_calls()
    phone = await takes_a_call(ava, call)
    await sound_goes_out(ava)
    await ava.page.locator("#audio").click()
    choice = ava.page.locator("#mic")
    before = await ava.page.evaluate("window.connections.at(-1).getSenders()[0].track.id")
    await choice.select_option(index=2)
    await ava.page.wait_for_function(
        "(before) => window.connections.at(-1).getSenders()[0].track.id !== before", arg=before
    )
    chosen = await choice.input_value()
    settings = await ava.page.evaluate(
        "window.connections.at(-1).getSenders()[0].track.getSettings().deviceId"
    )
    assert settings == chosen
    await sound_goes_out(ava)
    assert await phone.hang_up() == 0


async def test_a_microphone_that_is_switched_off_is_said_to_be_unless_it_was_muted_here(
    house: House, call: Dial, agent: SignIn
) -> None:
    """By what the browser says of it, or by the zeros it gives; F7 is no fault."""
    ava = await agent("ava")
    await ava.page.add_init_script("""
      window.loud = true;
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        if (window.loud) return ask(wanted);
        window.context = new AudioContext();
        const gain = new GainNode(window.context, {gain: 0});
        const end = window.context.createMediaStreamDestination();
        const source = new ConstantSourceNode(window.context);
        source.connect(gain).connect(end);
        source.start();
        await window.context.resume();
        return end.stream;
      };
    """)
    await ava.page.reload()
    await ava.take_calls()
    await ava.page.evaluate("window.loud = false")
    phone = await call("2000", caller=number())
    await ava.answer()
    await notice(ava).to_contain_text("no sound at all", timeout=8_000)
    await ava.page.keyboard.press("F7")
    await notice(ava).to_be_empty()
    await ava.page.keyboard.press("F7")
    track = "window.connections.at(-1).getSenders()[0].track"
    await ava.page.evaluate(f"{track}.dispatchEvent(new Event('mute'))")
    await notice(ava).to_contain_text("switched off", timeout=AT_ONCE_SECONDS * 1000)
    await ava.page.evaluate(f"{track}.dispatchEvent(new Event('unmute'))")
    await notice(ava).not_to_contain_text("switched off")  # of its zeros it may be told again
    assert await phone.hang_up() == 0


async def test_the_loudspeaker_is_chosen_and_given_up_when_it_is_unplugged(
    house: House, agent: SignIn
) -> None:
    """Out of the sheet, where the browser lets a page choose."""
    ava = await agent("ava")
    await ava.page.add_init_script("""
      window.sinks = [];
      HTMLMediaElement.prototype.setSinkId = async function (id) { window.sinks.push(id); };
      const list = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
      window.speakers = [{kind: "audiooutput", deviceId: "desk-7", label: "On the desk"}];
      navigator.mediaDevices.enumerateDevices = async () => [...await list(), ...window.speakers];
    """)
    await ava.page.reload()
    await notice(ava).to_be_empty()
    await ava.page.locator("#audio").click()
    await ava.page.locator("#speaker").select_option("desk-7")
    await ava.page.wait_for_function("() => window.sinks.at(-1) === 'desk-7'")
    await ava.page.evaluate("""() => {
      window.speakers = [];
      navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
    }""")
    await ava.page.wait_for_function("() => window.sinks.at(-1) === ''")
