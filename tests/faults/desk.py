"""An agent's desk in a real browser, read from outside; and a second one without a telephone."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.faults.board import SAME_SECONDS, WATCH
from tests.faults.consoles import sessions_of
from tests.faults.floor import Floor
from tests.journeys.agent import Agent, sign_in
from tests.polling import until

AGENT = "ava"
SALES = "3000"  # a number that leads to this agent's queue
# What the desk tells; what only the telephone in the page knows (its keys, its line) is left out.
SHOWN = """() => {
  const copy = document.querySelector("rd-desk").cloneNode(true);
  for (const one of copy.querySelectorAll("rd-since, rd-toast, rd-note-box")) one.remove();
  const text = (selector) =>
    [...copy.querySelectorAll(selector)].map((one) => one.textContent.replace(/\\s+/g, " ").trim());
  const call = document.querySelector("header.call-bar").dataset.state;
  return {
    call,
    agent: document.querySelector(".agent-button").dataset.state,
    who: call === "none" || call === "wrap_up" ? [] : text(".call-who"),
    panes: text("main > *"),
    day: text("rd-bottom-bar"),
  };
}"""


@contextlib.asynccontextmanager
async def a_desk(browser: Browser, floor: Floor) -> AsyncIterator[Agent]:
    """The agent's own tab, with a log of what it applied from its first frame on."""
    made = await sign_in(browser, floor.house, AGENT)
    try:
        await made.page.add_init_script(WATCH)
        await made.page.reload()
        yield made
    finally:
        await made.leave_queues()
        await made.close()


@contextlib.asynccontextmanager
async def a_fresh_desk(browser: Browser, floor: Floor, cookie: str) -> AsyncIterator[Page]:
    """The same agent's desk, opened just now; its telephone reaches nobody, so it takes no call."""
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    try:
        await context.add_cookies(
            [{"name": "ringdesk_session", "value": cookie, "url": floor.house.web}]
        )
        await context.route_web_socket(re.compile(r"/ws(\?|$)"), lambda _socket: None)
        page = await context.new_page()
        await page.goto(f"{floor.house.web}/desk")
        await expect(page.locator(".agent-button[data-state]")).to_be_visible(timeout=15_000)
        yield page
    finally:
        await context.close()


async def desk_shown_on(page: Page) -> Any:
    """State, caller, panes and day, as people see them."""
    return await page.evaluate(SHOWN)


class Twin:
    """Asks again and again what a fresh desk shows; one session serves all of them."""

    def __init__(self, browser: Browser, floor: Floor, cookie: str) -> None:
        self._browser, self._floor, self._cookie = browser, floor, cookie

    @classmethod
    async def of(cls, browser: Browser, floor: Floor) -> Twin:
        """With a session of its own."""
        return cls(browser, floor, (await sessions_of(floor, [AGENT]))[AGENT])

    async def same(self, page: Page, state: str) -> Any:
        """Wait until the page, with its call in this state, shows what a fresh one shows; that."""
        async with a_fresh_desk(self._browser, self._floor, self._cookie) as fresh:

            async def both() -> tuple[Any, Any]:
                return await desk_shown_on(page), await desk_shown_on(fresh)

            told, _ = await until(
                both,
                lambda pair: pair[0] == pair[1] and pair[0]["call"] == state,
                seconds=SAME_SECONDS,
            )
        return told
