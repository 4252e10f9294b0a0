"""A telephone's width: nothing lies on anything else, nothing is out of reach to the right."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.fake_desk import FakeDesk
from tests.browser.test_desk_page import open_desk, ring

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Pairs of parts of the page that lie on each other, by what they are; and what is too wide.
WRONG = """() => {
  const parts = [...document.querySelectorAll(
    ".state-block, .call-who, .call-controls, .bar-end, .panes .left, .panes .middle,"
    + ".panes .right, .floor .panel, .figures, .page-bar > *"
  )].filter(e => !e.parentElement.closest(".left, .middle, .right, .panel, .page-bar > *"))
    .map(e => [e.className || e.localName, e.getBoundingClientRect()])
    .filter(([, r]) => r.width > 0 && r.height > 0);
  const wrong = [];
  parts.forEach(([a, p], i) => parts.slice(i + 1).forEach(([b, q]) => {
    const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (wide > 1 && high > 1) wrong.push(`${a} lies on ${b}`);
  }));
  for (const [a, r] of parts) if (r.right > innerWidth + 1) wrong.push(`${a} is too wide`);
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is too wide");
  return wrong;
}"""


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_desk_without_a_call_and_with_one(
    page: Page, desk: FakeDesk, language: str
) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await open_desk(page, desk)
    if language == "zh":
        await page.locator("#language").click()
        await expect(page.locator("#language")).to_have_text("En")
    assert await page.evaluate(WRONG) == []
    await ring(desk)
    await expect(page.locator("#who-name")).to_be_visible()
    assert await page.evaluate(WRONG) == []


async def test_the_floor(page: Page, desk: FakeDesk) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(f"{desk.base}/board")
    await expect(page.locator(".floor .panel").first).to_be_visible()
    assert await page.evaluate(WRONG) == []
