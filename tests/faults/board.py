"""The supervisor's board in a real browser, read from outside: what it shows, what it applied."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.conftest import ARGUMENTS, chromium_path
from tests.faults.floor import Floor
from tests.journeys.agent import Agent, sign_in
from tests.polling import until

SUPERVISOR = "sam"
SAME_SECONDS = 15.0
# The page tells of each frame that it applied (agent_console/static/core/live.ts).
WATCH = """
window.applied = [];
document.addEventListener("ringdesk-applied", (event) => window.applied.push(event.detail));
"""
# Times as the page holds them: what it counts up from them differs from second to second.
SHOWN = """() => {
  const main = document.querySelector("#main");
  const times = [...main.querySelectorAll("rd-since")].map((one) => one.at);
  const copy = main.cloneNode(true);
  for (const one of copy.querySelectorAll("rd-since, rd-sparkline")) one.remove();
  const rows = [...copy.querySelectorAll("tbody tr, li, dl > div, h2")];
  const text = (one) => one.textContent.replace(/\\s+/g, " ").trim();
  return {times, rows: rows.map((one) => (one.dataset.state ?? "") + " " + text(one))};
}"""


@contextlib.asynccontextmanager
async def a_browser(*arguments: str) -> AsyncIterator[Browser]:
    """Chromium, with these arguments besides the usual ones; skips by name when there is none."""
    path = chromium_path()
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=path, args=[*ARGUMENTS, *arguments]
        )
        try:
            yield started
        finally:
            await started.close()


@contextlib.asynccontextmanager
async def a_board(browser: Browser, floor: Floor) -> AsyncIterator[Agent]:
    """The board of a supervisor, with a log of what it applied from its first frame on."""
    made = await sign_in(browser, floor.house, SUPERVISOR, "/board")
    try:
        await made.page.add_init_script(WATCH)
        await made.page.reload()
        await is_there(made.page)
        yield made
    finally:
        await made.close()


async def is_there(page: Page) -> None:
    """Wait until the board has its first snapshot."""
    await expect(page.locator("main[aria-busy=false]")).to_be_visible(timeout=15_000)


async def shown_on(page: Page) -> Any:
    """All rows and times of the board, as people see them."""
    return await page.evaluate(SHOWN)


async def applied_on(page: Page) -> list[dict[str, Any]]:
    """What the page has applied so far: {topic, seq, snapshot}."""
    found: list[dict[str, Any]] = await page.evaluate("() => window.applied")
    return found


def assert_each_once(log: list[dict[str, Any]]) -> None:
    """Each delta follows what was there, and none is applied twice, whatever the connections."""
    last = -1
    numbers = [each["seq"] for each in log if not each["snapshot"]]
    assert len(numbers) == len(set(numbers))
    for each in log:
        if each["snapshot"]:
            assert each["seq"] >= last
        else:
            assert each["seq"] == last + 1, (last, each)
        last = each["seq"]


async def same_as_fresh(page: Page, browser: Browser, floor: Floor) -> Any:
    """Wait until the page shows what one that was opened just now shows; that."""
    async with a_board(browser, floor) as fresh:

        async def both() -> tuple[Any, Any]:
            return await shown_on(page), await shown_on(fresh.page)

        told, _ = await until(both, lambda pair: pair[0] == pair[1], seconds=SAME_SECONDS)
    return told
