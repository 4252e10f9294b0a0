"""Browsers' telephones through the gate: a call, and what becomes of them when we are killed."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from signal import SIGKILL

import pytest
from playwright.async_api import Browser

from tests.conftest import need
from tests.journeys.agent import Agent, sign_in
from tests.journeys.caller import dial
from tests.journeys.house import House, settings
from tests.journeys.test_one_call import number, only_call
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]


async def contact_of(house: House, name: str) -> str:
    """The address that Asterisk would ring; "" for nobody's."""
    out = await house.asterisk_says("pjsip show contacts")
    found = [line.split()[1] for line in out.splitlines() if f"Contact:  {name}/" in line]
    return found[0] if found else ""


def rings_ava(channels: str) -> bool:
    """By `core show channels`."""
    return bool(re.search(r"^PJSIP/ava-.* Ringing ", channels, re.MULTILINE))


async def address_in_page(agent: Agent) -> str:
    """Where the page's telephone connects."""
    said: str = await agent.page.evaluate(
        "JSON.parse(document.getElementById('boot').textContent).softphone.ws"
    )
    return said


@pytest.mark.timeout(300)
async def test_a_page_stays_reachable_through_our_death(
    tmp_path: Path, prompts: Path, browser: Browser, sipp: str, tones: Path
) -> None:
    """Registered through the gate, it takes a call; killed, a new one rings it while nobody of ours
    runs, and is talked to the end; the next start takes gate and Asterisk over as they are."""
    for part in ("asterisk", "espeak-ng"):
        need(part)
    house = House(tmp_path, settings(tmp_path))
    await house.furnish(prompts)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(house.end_asterisk)
        await house.start()
        stack.push_async_callback(house.stop)
        gate, asterisk = house.gate_pid(), house.asterisk_pid()
        ava = await sign_in(browser, house, "ava")
        stack.push_async_callback(ava.context.close)
        port = house.config["gate"]["port"]
        assert (await address_in_page(ava)).startswith(f"ws://localhost:{port}/ws?ticket=ava.")
        await ava.take_calls()
        first = await dial([sipp], house.sip, "5000", folder=tones, tones=tones, caller=number())
        stack.push_async_callback(first.close)
        await ava.answer()
        await ava.heard(50)
        assert await first.hang_up() == 0
        await ava.in_state("wrap_up")
        await ava.in_state("available")
        registered = await contact_of(house, "ava")
        assert registered

        assert house.process is not None
        house.process.kill()
        await house.process.wait()
        assert await contact_of(house, "ava") == registered
        caller = number()
        second = await dial([sipp], house.sip, "5000", folder=tones, tones=tones, caller=caller)
        stack.push_async_callback(second.close)
        before = (await ava.packets())["received"]
        await until(lambda: house.asterisk_says("core show channels"), rings_ava, seconds=60)
        await ava.page.keyboard.press("F2")
        await ava.heard(before + 50)
        assert (house.gate_pid(), house.asterisk_pid()) == (gate, asterisk)

        await house.start()
        assert (house.gate_pid(), house.asterisk_pid()) == (gate, asterisk), "taken over"
        assert await contact_of(house, "ava") == registered
        await ava.in_state("talking", 60)
        assert await second.hang_up() == 0
        conversation = await only_call(house, caller, outcome="answered")
        assert conversation["agents"] == ["ava"]
    assert (house.gate_pid(), house.asterisk_pid()) == (None, None), "a wanted end ends both"


@pytest.mark.timeout(300)
async def test_a_gate_that_dies_or_is_another_comes_back_and_so_do_the_telephones(
    tmp_path: Path, prompts: Path, browser: Browser
) -> None:
    """Killed, it is started anew; Asterisk killed, it stays; other settings replace it."""
    for part in ("asterisk", "espeak-ng"):
        need(part)
    house = House(tmp_path, settings(tmp_path))
    await house.furnish(prompts)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(house.end_asterisk)
        await house.start()
        stack.push_async_callback(house.stop)
        ava = await sign_in(browser, house, "ava")
        stack.push_async_callback(ava.context.close)
        await ava.take_calls()

        async def contact() -> str:
            return await contact_of(house, "ava")

        async def gate() -> int | None:
            return house.gate_pid()

        first = await until(contact, bool)
        before = house.gate_pid()
        assert before is not None
        os.kill(before, SIGKILL)
        after = await until(gate, lambda pid: pid not in {None, before})
        second = await until(contact, lambda said: said and said != first, seconds=30)

        pbx = house.asterisk_pid()
        assert pbx is not None
        os.kill(pbx, SIGKILL)  # the gate stays, and has nowhere to pass them on to for a while
        third = await until(contact, lambda said: said and said != second, seconds=60)
        assert house.gate_pid() == after

        assert house.process is not None
        house.process.kill()
        await house.process.wait()
        house.config["web"]["proxies"] = ["192.0.2.0/24"]
        await house.start()
        assert house.gate_pid() not in {None, after}
        await until(contact, lambda said: said and said != third, seconds=30)


async def test_asterisks_own_websocket_is_on_this_machine_alone(house: House) -> None:
    """Browsers, wherever they are, have the gate."""
    http = house.config["asterisk"]["http"]["port"]
    out = await house.asterisk_says("http show status")
    assert f"127.0.0.1:{http}" in out
