"""Bridge, menu, pages and live screens as four processes over Redis; each may die and come back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bench.roots import records_in
from tests.conftest import need
from tests.journeys.agent import Agent, sign_in
from tests.journeys.caller import Caller, dial
from tests.journeys.conftest import new_database
from tests.journeys.house import House, settings
from tests.journeys.test_one_call import new_customer, number, only_call, press_until_ringing

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
ROLES = ("bridge", "ivr", "live", "web")
STEP_SECONDS = 40  # more than any step of the shipped menu takes, and the 3 s on top of it


@dataclass
class Apart:
    """Four processes of one house; `house` is that of the pages."""

    parts: dict[str, House]

    @property
    def house(self) -> House:
        """Where the pages and the settings are."""
        return self.parts["web"]

    async def kill(self, role: str) -> None:
        """As a crash does: no goodbye."""
        process = self.parts[role].process
        assert process is not None
        process.send_signal(SIGKILL)
        await process.wait()

    def signal(self, role: str, number: int) -> None:
        """Stop or continue it."""
        process = self.parts[role].process
        assert process is not None
        process.send_signal(number)

    async def call(self, sipp: str, tones: Path, to: str, caller: str) -> Caller:
        """Somebody calls."""
        return await dial([sipp], self.house.sip, to, folder=tones, tones=tones, caller=caller)

    def records(self, caller: str) -> list[dict[str, Any]]:
        """Asterisk's own records of this caller's call, in the order it wrote them."""
        told = records_in(self.house.folder / "data/records")
        return [record for record in told if caller[1:] in json.dumps(record)]


async def assert_talked_as_in_asterisks_records(apart: Apart, caller: str, call_id: str) -> None:
    """Talk and hold together are as long as both were in the bridge; a gap may cost a second."""
    legs = (await apart.house.api("GET", f"/conversations/{call_id}"))["legs"]
    told = sum(leg["talked"] + leg["held"] for leg in legs if leg["agent"] == "ava")
    times = {
        name: [float(r["eventtime"]) for r in apart.records(caller) if r["eventtype"] == name]
        for name in ("BRIDGE_ENTER", "BRIDGE_EXIT")
    }
    talked = min(times["BRIDGE_EXIT"]) - max(times["BRIDGE_ENTER"])
    assert abs(told - talked) < 1.5


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def apart(
    tmp_path_factory: pytest.TempPathFactory, prompts: Path, redis_url: str, postgres_url: str
) -> AsyncIterator[Apart]:
    """All four, running, on PostgreSQL."""
    need("asterisk")
    need("espeak-ng")
    folder = tmp_path_factory.mktemp("apart")
    config = settings(folder, await new_database(postgres_url)) | {"bus": {"url": redis_url}}
    web = House(folder, config)
    await web.furnish(prompts)
    made = Apart({role: House(folder, config, web.token) for role in ROLES} | {"web": web})
    await asyncio.gather(*(house.start(role) for role, house in made.parts.items()))
    yield made
    await asyncio.gather(*(made.parts[role].stop() for role in ("web", "live", "ivr")))
    await made.parts["bridge"].stop()
    for house in made.parts.values():
        assert house.process is not None
        assert house.process.returncode == 0, "\n".join(house.said[-30:])


@pytest_asyncio.fixture(loop_scope="session")
async def ava(apart: Apart, browser: Browser) -> AsyncIterator[Agent]:
    """An agent who takes calls; she leaves the queues at the end."""
    made = await sign_in(browser, apart.house, "ava")
    await made.take_calls()
    yield made
    await made.leave_queues()
    await made.close()


async def test_a_call_through_four_processes_outlives_the_bridge(
    apart: Apart, ava: Agent, sipp: str, tones: Path
) -> None:
    """Menu, card while it rings, talk; the bridge is killed, a standby takes over; they talk on."""
    caller = number()
    customer = await new_customer(apart.house, "Chen Wei 陈伟", caller)
    phone = await apart.call(sipp, tones, "1000", caller)
    try:
        await press_until_ringing(phone, "2", ava)
        await expect(ava.page.locator("#who-name")).to_contain_text("Chen Wei 陈伟")
        await ava.answer()
        await ava.heard(50)

        house = apart.house
        spare = House(house.folder, house.config, house.token)
        await spare.start("bridge")
        assert any("Standing by: another bridge" in line for line in spare.said)
        await ava.page.keyboard.press("F6")
        await ava.in_state("held")
        await ava.page.wait_for_timeout(2_000)  # what is older than a second is written down
        await apart.kill("bridge")
        apart.parts["bridge"] = spare
        await house.until(
            "/conversations?limit=1", lambda _: any("bridge.synced" in x for x in spare.said), 30
        )
        await ava.in_state("held")
        await ava.page.keyboard.press("F6")
        await ava.in_state("talking")
        before = (await ava.packets())["received"]
        await ava.heard(before + 50)  # nobody but Asterisk carries their talk

        assert await phone.hang_up() == 0
        await ava.in_state("wrap_up")  # the new one knows that she took it out of a queue
        conversation = await only_call(apart.house, caller, outcome="answered")
        assert conversation["agents"] == ["ava"]
        assert conversation["queue"] == "support"
        await assert_talked_as_in_asterisks_records(apart, caller, conversation["call_id"])
        case = await apart.house.api("GET", f"/cases/{conversation['case_number']}")
        assert case["customer"]["id"] == customer
        told = [entry["kind"] for entry in case["timeline"]]
        assert [told.count(kind) for kind in ("arrived", "queued", "answered", "ended")] == [1] * 4
        await ava.page.keyboard.press("F10")
        await ava.in_state("available")
    finally:
        await phone.close()


async def test_a_call_taken_while_no_bridge_was_there_is_known_to_the_next(
    apart: Apart, ava: Agent, sipp: str, tones: Path
) -> None:
    """Killed while it rings; she answers on her phone; the next bridge finds queue and time."""
    caller = number()
    phone = await apart.call(sipp, tones, "2000", caller)
    try:
        await ava.in_state("ringing")
        await apart.kill("bridge")
        await ava.page.keyboard.press("F2")
        await ava.heard(150)  # for three seconds nobody listens
        await apart.parts["bridge"].start("bridge")
        await ava.in_state("talking")
        conversation = await only_call(apart.house, caller, agents=["ava"])
        assert conversation["queue"] == "support"
        assert await phone.hang_up() == 0
        await ava.in_state("wrap_up")
        conversation = await only_call(apart.house, caller, outcome="answered")
        await assert_talked_as_in_asterisks_records(apart, caller, conversation["call_id"])
        await ava.page.keyboard.press("F10")
        await ava.in_state("available")
    finally:
        await phone.close()


async def test_each_process_tells_how_it_is(apart: Apart, ava: Agent) -> None:
    """On a port of its own: ready, and with the figures of what it does, and of nothing else."""
    own = {
        "bridge": "ringdesk_link_up 1.0",
        "ivr": "ringdesk_agi_sessions 0.0",
        "web": "ringdesk_database_up 1.0",
        "live": "ringdesk_live_clients 1.0",  # ava's desk
    }
    first = apart.house.config["health"]["port"]
    pages = {}
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        for offset, role in enumerate(("bridge", "ivr", "web", "live"), 1):
            at = f"http://127.0.0.1:{first + offset}"
            while True:
                with contextlib.suppress(aiohttp.ClientConnectorError):
                    async with session.get(f"{at}/readyz") as answer:
                        assert answer.status == 200, (role, await answer.text())
                        break
                await asyncio.sleep(0.2)  # the bridge took over a moment ago, not yet its port
            async with session.get(f"{at}/metrics") as answer:
                pages[role] = await answer.text()
    for role, figure in own.items():
        assert figure in pages[role], role
    assert "ringdesk_agi" not in pages["bridge"]
    assert "ringdesk_event_lag_seconds_bucket" in pages["live"]
    assert "ringdesk_event_lag_seconds_bucket" not in pages["web"]


async def test_screens_come_back_after_pages_and_live_died(
    apart: Apart, ava: Agent, sipp: str, tones: Path
) -> None:
    """Both are killed; a call comes meanwhile; the same tab shows it without being touched."""
    caller = number()
    await new_customer(apart.house, "Lin Fang 林芳", caller)
    await apart.kill("live")
    await apart.kill("web")
    phone = await apart.call(sipp, tones, "2000", caller)
    try:
        await phone.answered()
        await asyncio.gather(*(apart.parts[role].start(role) for role in ("web", "live")))
        await expect(ava.page.locator("#who-name")).to_have_text("Lin Fang 林芳", timeout=30_000)
        await ava.answer()
        assert await phone.hang_up() == 0
        await ava.in_state("wrap_up")
    finally:
        await phone.close()


async def test_a_menu_that_stops_in_the_middle_loses_nobody(
    apart: Apart, ava: Agent, sipp: str, tones: Path
) -> None:
    """Stopped while it speaks: Asterisk's own switch leads the caller to the default queue."""
    caller = number()
    await new_customer(apart.house, "Maria Vogel", caller)
    phone = await apart.call(sipp, tones, "1000", caller)
    try:
        await phone.answered()
        await ava.page.wait_for_timeout(500)  # well into the greeting
        apart.signal("ivr", SIGSTOP)
        try:
            await ava.in_state("ringing", STEP_SECONDS * 2)
            await expect(ava.page.locator("#who-name")).to_have_text("Maria Vogel")
        finally:
            apart.signal("ivr", SIGCONT)
        conversation = await only_call(apart.house, caller, queue="support")
        assert conversation["queue"] == "support"
        times = [float(record["eventtime"]) for record in apart.records(caller)]
        assert max(times) - min(times) < STEP_SECONDS
        await ava.answer()
        assert await phone.hang_up() == 0
        await ava.in_state("wrap_up")
    finally:
        await phone.close()


async def test_a_menu_that_is_dead_loses_nobody(
    apart: Apart, ava: Agent, sipp: str, tones: Path
) -> None:
    """Killed in the middle of one call, refused for the next: both are in the default queue."""
    first, second = number(), number()
    await new_customer(apart.house, "Anna Berg", first)
    phone = await apart.call(sipp, tones, "1000", first)
    later: Caller | None = None
    try:
        await phone.answered()
        await apart.kill("ivr")
        await ava.in_state("ringing")
        await expect(ava.page.locator("#who-name")).to_have_text("Anna Berg")
        later = await apart.call(sipp, tones, "1000", second)
        await later.answered()
        await only_call(apart.house, second, queue="support")
        assert await later.hang_up() == 0
        await ava.answer()
        assert await phone.hang_up() == 0
        await ava.in_state("wrap_up")
    finally:
        await phone.close()
        if later is not None:
            await later.close()
        await apart.parts["ivr"].start("ivr")
