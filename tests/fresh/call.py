"""README's own words, done: the customer's phone in one tab dials, the agent in another answers."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

from config import parts
from tests.browser.conftest import ARGUMENTS
from tests.journeys.agent import COUNT, FAKE_MEDIA, KEEP_CONNECTIONS

WEB = "http://localhost:8080"
SUPPORT = "2000"
PACKETS = 100  # two seconds of talk
SECONDS = 60.0


async def call(checkout: Path) -> dict[str, float]:
    """Seconds until it rang in the agent's browser, and packets that the agent heard."""
    logins = json.loads((checkout / ".ringdesk/data/secrets/demo_logins.json").read_text())
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=parts.chromium(), args=[*ARGUMENTS, *FAKE_MEDIA]
        )
        try:
            return await _call(browser, logins["ava"])
        finally:
            await browser.close()


async def _call(browser: Browser, password: str) -> dict[str, float]:
    agent = await _tab(browser)
    await agent.goto(f"{WEB}/sign-in?next=/desk")
    await agent.fill("input[name=name]", "ava")
    await agent.fill("input[name=password]", password)
    await agent.press("input[name=password]", "Enter")
    await agent.wait_for_url("**/desk")
    await expect(agent.locator("#availability")).to_contain_text("Take calls")
    await agent.keyboard.press("F10")
    await _in_state(agent, "available")
    phone = await _tab(browser)
    await phone.goto(f"{WEB}/phone")
    await expect(phone.locator("#call")).to_be_enabled()
    await phone.locator(".identities button").first.click()
    await phone.fill("input.dialled", SUPPORT)
    began = time.monotonic()
    await phone.click("#call")
    await _in_state(agent, "ringing")
    rang = time.monotonic() - began
    await agent.keyboard.press("F2")
    await _in_state(agent, "talking")
    heard = await _heard(agent)
    await phone.click("#hang-up")
    await _in_state(agent, "wrap_up")
    return {"rang_after": round(rang, 1), "packets": heard}


async def _tab(browser: Browser) -> Page:
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    page = await context.new_page()
    page.set_default_timeout(SECONDS * 1000)
    await page.add_init_script(KEEP_CONNECTIONS)
    return page


async def _in_state(page: Page, state: str) -> None:
    button = page.locator(".agent-button")
    await expect(button).to_have_attribute("data-state", state, timeout=SECONDS * 1000)


async def _heard(page: Page) -> float:
    """Wait for sound; what has come by then."""
    async with asyncio.timeout(SECONDS):
        while True:
            counted = await page.evaluate(COUNT)
            if counted["received"] >= PACKETS:
                return float(counted["received"])
            await asyncio.sleep(0.1)  # the browser tells nobody of a packet
