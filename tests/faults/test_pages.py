"""INVARIANTS 9 and 10, on the board and on the desk: a page whose socket is cut inside a frame, and
one that missed too much."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page
from websockets.asyncio.client import ClientConnection

from tests.faults.board import (
    SUPERVISOR,
    a_board,
    a_browser,
    applied_on,
    assert_each_once,
    same_as_fresh,
    shown_on,
)
from tests.faults.conftest import Check, length
from tests.faults.consoles import console, sessions_of
from tests.faults.desk import AGENT, SALES, Twin, a_desk
from tests.faults.floor import Floor
from tests.faults.live_proxy import LiveProxy, live_proxy
from tests.journeys.agent import FAKE_MEDIA, Agent
from tests.polling import until
from tests.ports import free_port

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = 5.0
UP = 6  # calls that are up while two boards are compared
TALK = 12.0  # seconds they last
DESK_TALK = 9.0


@dataclass
class Watched:
    """A page whose way to the live screens is the proxy's."""

    agent: Agent
    page: Page
    proxy: LiveProxy
    browser: Browser


@contextlib.asynccontextmanager
async def watched(floor: Floor, topic: str = "board") -> AsyncIterator[Watched]:
    """A supervisor's board, or an agent's desk, behind a proxy. A console beside it keeps the
    numbers going on."""
    live, between = int(floor.house.config["live"]["port"]), free_port()
    who, open_page = (SUPERVISOR, a_board) if topic == "board" else (AGENT, a_desk)
    cookie = (await sessions_of(floor, [who]))[who]
    async with contextlib.AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(live_proxy(between, live))
        browser = await stack.enter_async_context(
            a_browser(
                f"--host-resolver-rules=MAP localhost:{live} 127.0.0.1:{between}", *FAKE_MEDIA
            )
        )
        client, _ = await console(floor, cookie, topic)
        stack.push_async_callback(client.close)
        reading = asyncio.create_task(_read_on(client))
        stack.callback(reading.cancel)
        opened = await stack.enter_async_context(open_page(browser, floor))
        await until_linked(proxy)
        yield Watched(opened, opened.page, proxy, browser)


async def until_linked(proxy: LiveProxy) -> None:
    """The page's way is by the proxy, and by nothing else."""

    async def links() -> int:
        return proxy.links

    await until(links, bool)


async def _read_on(client: ClientConnection) -> None:
    async for _ in client:
        pass


async def compare_while_they_talk(floor: Floor, on: Watched) -> None:
    """With calls up, and again when they are over: the page is what a fresh one is."""
    floor.call(UP, UP, talk=TALK)
    flowing = asyncio.create_task(floor.counted())
    await until(
        lambda: shown_on(on.page),
        lambda told: sum(row.startswith("talking") for row in told["rows"]) >= 2 * UP,
    )
    await same_as_fresh(on.page, on.browser, floor)
    counts = await flowing
    assert counts.failed == 0
    await floor.agents_agree()
    await same_as_fresh(on.page, on.browser, floor)


@pytest.mark.timeout(1800)
async def test_the_socket_is_cut_inside_a_frame(floor: Floor, check: Check) -> None:
    """Again and again while calls flow, and every frame comes twice: each is applied once."""
    check.of(9, "the live socket cut inside a frame, every frame twice")
    async with watched(floor) as on:
        on.proxy.twice = True
        floor.call(length(40, 2_000), RATE)
        flowing = asyncio.create_task(floor.counted())
        while not flowing.done():
            cutting = asyncio.create_task(on.proxy.cut_inside_a_frame())
            await asyncio.wait({flowing, cutting}, return_when=asyncio.FIRST_COMPLETED)
            if not cutting.done():
                cutting.cancel()
        await compare_while_they_talk(floor, on)
        log = await applied_on(on.page)
        check.note(f"{on.proxy.cuts} cuts, {on.proxy.repeated} frames twice, {len(log)} applied")
        check.count(await floor.tally(await floor.counted()))
        assert on.proxy.cuts >= length(4, 100)
        assert on.proxy.repeated > on.proxy.cuts
        assert_each_once(log)


@pytest.mark.timeout(1800)
async def test_a_page_that_missed_more_than_its_buffer_holds(floor: Floor, check: Check) -> None:
    """Its reading is held back until it is given up; then deltas vanish: it misses nothing."""
    check.of(10, "a page that reads nothing until it is cut; deltas that vanish")
    async with watched(floor) as on:
        floor.call(length(40, 1_000), RATE)
        flowing = asyncio.create_task(floor.counted())
        on.proxy.hold()
        asked = await on.proxy.ask_until_cut("board")
        await asyncio.wait({flowing}, timeout=1.0)
        seen = len(await applied_on(on.page))
        on.proxy.let_go()
        await until(lambda: applied_on(on.page), lambda log: len(log) > seen)

        on.proxy.swallow(True)
        gone = length(20, 300)

        async def swallowed() -> int:
            return on.proxy.swallowed

        await until(swallowed, lambda many: many >= gone, seconds=60.0)
        on.proxy.swallow(False)
        await flowing
        await compare_while_they_talk(floor, on)
        check.note(f"{asked} snapshots unread when it was cut, {on.proxy.swallowed} deltas gone")
        check.count(await floor.tally(await floor.counted()))
        assert on.proxy.links > 1
        assert_each_once(await applied_on(on.page))


@pytest.mark.timeout(600)
async def test_the_desks_socket_is_cut_inside_a_frame(floor: Floor, check: Check) -> None:
    """While a call rings on it and when it is answered: the ring, the talk and the end are each on
    the page after the cut that took their frame, and what comes twice is applied once."""
    check.of(9, "the desk's socket cut inside the frames of a call that it answers")
    async with watched(floor, "desk") as on:
        twin = await Twin.of(on.browser, floor)
        await on.agent.take_calls()
        on.proxy.twice = True
        for _ in range(length(1, 20)):
            ringing = asyncio.create_task(on.proxy.cut_inside_a_frame())
            floor.call(1, 1.0, talk=DESK_TALK, dialed=SALES)
            await ringing
            await on.agent.in_state("ringing")
            told = await twin.same(on.page, "ringing")
            assert floor.flows[-1].numbers[0][-6:] in "".join(told["who"]).replace(" ", "")
            talking = asyncio.create_task(on.proxy.cut_inside_a_frame())
            await on.agent.answer()
            await talking
            await twin.same(on.page, "talking")
            ending = asyncio.create_task(on.proxy.cut_inside_a_frame())
            await ending
            await on.agent.in_state("wrap_up")
            await twin.same(on.page, "wrap_up")
            await on.page.keyboard.press("F10")
            await on.agent.in_state("available")
        log = await applied_on(on.page)
        check.note(f"{on.proxy.cuts} cuts, {on.proxy.repeated} frames twice, {len(log)} applied")
        check.count(await floor.tally(await floor.counted()))
        assert on.proxy.cuts == 3 * length(1, 20)
        assert_each_once(log)


@pytest.mark.timeout(600)
async def test_a_desk_that_missed_more_than_its_buffer_holds(floor: Floor, check: Check) -> None:
    """Given up while a call rings, then without a word of the answer: it shows what a fresh one
    does, and the call is talked in all the same."""
    check.of(10, "a desk that reads nothing while it rings; deltas that vanish while it answers")
    async with watched(floor, "desk") as on:
        twin = await Twin.of(on.browser, floor)
        await on.agent.take_calls()
        on.proxy.hold()
        floor.call(1, 1.0, talk=DESK_TALK / 2, dialed=SALES)
        asked = await on.proxy.ask_until_cut("desk")
        on.proxy.let_go()
        await on.agent.in_state("ringing")
        await twin.same(on.page, "ringing")
        on.proxy.swallow(True)
        await on.page.keyboard.press("F2")  # the telephone in the page answers by itself

        async def swallowed() -> int:
            return on.proxy.swallowed

        await until(swallowed, lambda many: many >= 2, seconds=20.0)
        on.proxy.swallow(False)
        await on.agent.in_state("wrap_up", DESK_TALK + 10)  # its frame shows the gap
        await twin.same(on.page, "wrap_up")
        await on.page.keyboard.press("F10")
        await on.agent.in_state("available")
        await twin.same(on.page, "none")
        check.note(f"{asked} snapshots unread when it was cut, {on.proxy.swallowed} deltas gone")
        check.count(await floor.tally(await floor.counted()))
        assert on.proxy.links > 1
        assert_each_once(await applied_on(on.page))
