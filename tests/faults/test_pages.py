"""INVARIANTS 9 and 10: a page whose socket is cut inside a frame, and one that missed too much."""

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
from tests.faults.floor import Floor
from tests.faults.live_proxy import LiveProxy, live_proxy
from tests.polling import until
from tests.ports import free_port

pytestmark = [
    pytest.mark.journey,
    pytest.mark.xdist_group("faults"),
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = 5.0
UP = 6  # calls that are up while two boards are compared
TALK = 12.0  # seconds they last


@dataclass
class Watched:
    """A board whose way to the live screens is the proxy's."""

    page: Page
    proxy: LiveProxy
    browser: Browser


@contextlib.asynccontextmanager
async def watched(floor: Floor) -> AsyncIterator[Watched]:
    """A supervisor's board behind a proxy. A console beside it keeps the numbers going on."""
    live, between = int(floor.house.config["live"]["port"]), free_port()
    cookie = (await sessions_of(floor, [SUPERVISOR]))[SUPERVISOR]
    async with contextlib.AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(live_proxy(between, live))
        browser = await stack.enter_async_context(
            a_browser(f"--host-resolver-rules=MAP localhost:{live} 127.0.0.1:{between}")
        )
        client, _ = await console(floor, cookie, "board")
        stack.push_async_callback(client.close)
        reading = asyncio.create_task(_read_on(client))
        stack.callback(reading.cancel)
        board = await stack.enter_async_context(a_board(browser, floor))
        assert proxy.links, "the page found its way around the proxy"
        yield Watched(board.page, proxy, browser)


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
