"""Takes README's pictures anew: the demo company, a real Asterisk, calls that are really made.

    python -m tests.browser.pictures          # docs/images, as README shows them
    python -m tests.browser.pictures FOLDER   # every page too, in English and dark in Chinese

`make pictures` does the first. Nothing is painted: what is wrong on a page is wrong on its picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.conftest import ARGUMENTS, chromium_path
from tests.driver import use_our_node
from tests.journeys.agent import FAKE_MEDIA
from tests.journeys.house import CHECKOUT, House, installation
from tests.signals import hand_down_defaults

IMAGES = CHECKOUT / "docs" / "images"
SIZE: Any = {"width": 1280, "height": 720}
START_SECONDS = 300.0  # the first start speaks the menu and writes the company's past
RING_SECONDS = 90.0  # the menu says everything once before the keys are pressed
SUPPORT = "2000"
Theme = Literal["light", "dark"]


@dataclass
class Studio:
    """A running demo, and a browser. `everything`: a folder for every page, or None."""

    house: House
    browser: Browser
    logins: dict[str, str]
    everything: Path | None
    contexts: list[BrowserContext] = field(default_factory=list)

    async def tab(self, theme: Theme = "light", lang: str = "en") -> Page:
        """A profile of its own."""
        context = await self.browser.new_context(viewport=SIZE, color_scheme=theme)
        cookie: Any = {"name": "ringdesk_lang", "value": lang, "url": self.house.web}
        await context.add_cookies([cookie])
        self.contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(60_000)
        return page

    async def sign_in(self, name: str, path: str, theme: Theme = "light", lang: str = "en") -> Page:
        """Somebody's page."""
        page = await self.tab(theme, lang)
        await page.goto(f"{self.house.web}/sign-in?next={path}")
        await page.fill("input[name=name]", name)
        await page.fill("input[name=password]", self.logins[name])
        await page.press("input[name=password]", "Enter")
        await page.wait_for_url(f"**{path}")
        return page

    async def take(self, page: Page, name: str, *, also: str = "") -> None:
        """Into docs/images as `also`, and into the folder of everything as `name`."""
        await page.mouse.move(640, 5)
        await page.wait_for_timeout(600)  # transitions and the level meters settle
        if also:
            await page.screenshot(path=IMAGES / f"{also}.png")
        if self.everything is None:
            return
        await page.screenshot(path=self.everything / f"{name}.png")
        await page.emulate_media(color_scheme="dark")
        await self.speak(page, "zh")
        await page.screenshot(path=self.everything / f"{name}-dark-zh.png")
        await page.emulate_media(color_scheme="light")
        await self.speak(page, "en")

    async def speak(self, page: Page, lang: str) -> None:
        """Switch the language; scripted pages do it without a reload."""
        shown = await page.evaluate("document.documentElement.lang")
        if shown.startswith(lang):
            return
        label = "切换到中文" if lang == "zh" else "Switch to English"
        scripted = page.locator(f"button[aria-label='{label}']")
        if await scripted.count():
            await scripted.click()
        else:
            await page.locator(f"form.languages button[value={lang}]").click()
        await page.wait_for_timeout(500)

    async def call(self, caller: str, to: str) -> Page:
        """A customer's phone that dials; the phone."""
        phone = await self.tab()
        await phone.goto(f"{self.house.web}/phone")
        await phone.fill("#from", caller)
        await phone.fill("input.dialled", to)
        await expect(phone.locator("#call")).to_be_enabled()
        await phone.click("#call")
        return phone


async def in_state(page: Page, state: str, seconds: float = RING_SECONDS) -> None:
    """Wait until the desk's agent is so."""
    button = page.locator(".agent-button")
    await expect(button).to_have_attribute("data-state", state, timeout=seconds * 1000)


async def press_until(phone: Page, key: str, page: Page, state: str) -> None:
    """Press a key of the menu until the desk shows that state."""
    wanted = page.locator(f".agent-button[data-state={state}]")
    await expect(phone.locator("#mute")).to_be_enabled(timeout=RING_SECONDS * 1000)
    async with asyncio.timeout(RING_SECONDS):
        while not await wanted.count():
            await phone.get_by_role("button", name=key, exact=True).click()
            await phone.wait_for_timeout(1_500)


async def pictures(studio: Studio) -> None:
    """The day in order: who signs in, who calls, what is shown when."""
    entrance = await studio.tab()
    await entrance.goto(f"{studio.house.web}/sign-in")
    await studio.take(entrance, "sign-in")
    ava = await studio.sign_in("ava", "/desk")
    ben = await studio.sign_in("ben", "/desk")
    carla = await studio.sign_in("carla", "/desk", "dark", "zh")
    sam = await studio.sign_in("sam", "/board")
    await expect(sam.locator("main[aria-busy=false]")).to_be_visible()
    await in_state(ava, "signed_out")
    await studio.take(ava, "desk-signed-out")
    await ava.keyboard.press("F10")
    await in_state(ava, "available")
    await studio.take(ava, "desk-idle")

    # The first customer who has bought a lot, through the menu.
    phone = await studio.tab()
    await phone.goto(f"{studio.house.web}/phone")
    await expect(phone.locator("#call")).to_be_enabled()
    first = phone.locator(".identities button").first
    await first.click()
    await phone.fill("input.dialled", "1000")
    await phone.click("#call")
    await press_until(phone, "2", ava, "ringing")
    await expect(ava.locator("#who-name")).to_be_visible()
    await studio.take(ava, "desk-ringing", also="desk-ringing")
    await ava.keyboard.press("F2")
    await in_state(ava, "talking")
    await studio.take(phone, "phone", also="phone")
    await ava.fill("#note", "The second line drops at noon. Sends the log today; wants a quote.")
    await studio.take(ava, "desk-talking", also="desk-talking")
    await ava.keyboard.press("F8")
    await studio.take(ava, "desk-transfer")
    await ava.keyboard.press("Escape")
    await ava.keyboard.press("Control+s")

    # A Chinese customer reaches a Chinese colleague; a third waits.
    await carla.keyboard.press("F10")
    await in_state(carla, "available")
    second = await studio.call("+862155550142", SUPPORT)
    await in_state(carla, "ringing")
    await carla.keyboard.press("F2")
    await in_state(carla, "talking")
    await carla.wait_for_timeout(6_000)
    await carla.screenshot(path=IMAGES / "desk-dark-zh.png")
    third = await studio.call("+442079460018", SUPPORT)
    await sam.wait_for_timeout(8_000)
    await studio.take(sam, "board", also="board")

    # The first call is held, taken back and handed on: who was on the line is on the case.
    await ava.keyboard.press("F6")
    await in_state(ava, "held")
    await studio.take(ava, "desk-held")
    await ava.keyboard.press("F6")
    await in_state(ava, "talking")
    await third.click("#hang-up")
    await ben.keyboard.press("F10")
    await in_state(ben, "available")
    await ava.keyboard.press("F8")
    field_ = ava.locator("rd-transfer input")
    await field_.fill("102")
    await field_.press("Enter")
    await in_state(ben, "ringing")
    await ben.keyboard.press("F2")
    await in_state(ben, "talking")
    await in_state(ava, "wrap_up")
    await studio.take(ava, "desk-handed-on")
    await ben.wait_for_timeout(5_000)
    case = await ben.locator("rd-case-panel .case-number").inner_text()
    await phone.click("#hang-up")
    await in_state(ben, "wrap_up")
    await ben.locator("#disposition").select_option(index=1)
    await studio.take(ben, "desk-wrap-up")
    await ben.keyboard.press("F10")
    await in_state(ben, "available")
    await second.click("#hang-up")
    await ava.keyboard.press("F10")
    await in_state(ava, "available")
    await studio.take(ava, "desk-last-call")

    await sam.goto(f"{studio.house.web}/cases/{case.strip()}")
    await studio.take(sam, "case", also="case")
    if studio.everything is None:
        return
    customer = await sam.locator("a[href^='/customers/']").first.get_attribute("href")
    for name, path in (
        ("cases", "/cases"),
        ("customer", customer or "/search"),
        ("search", "/search?q=schulz"),
        ("search-none", "/search?q=zzzz"),
        ("figures", "/figures"),
        ("missing", "/cases/C-2026-999999"),
    ):
        await sam.goto(f"{studio.house.web}{path}")
        await studio.take(sam, name)
        if name in ("figures", "customer", "cases"):
            await sam.screenshot(path=studio.everything / f"{name}-whole.png", full_page=True)
    await sam.goto(f"{studio.house.web}/cases/{case.strip()}")
    await sam.screenshot(path=studio.everything / "case-whole.png", full_page=True)
    for name, key in (("palette", "Control+k"), ("keys", "?"), ("keypad", "F9")):
        await ava.keyboard.press(key)
        await ava.wait_for_timeout(500)
        await ava.screenshot(path=studio.everything / f"desk-{name}.png")
        await ava.keyboard.press("Escape")


class DemoHouse(House):
    """Its queues are in the order of the settings, as on every installation."""

    def write(self) -> None:
        """Write the settings file as `config` is now."""
        self.file.write_text(yaml.safe_dump(self.config, allow_unicode=True, sort_keys=False))


@contextlib.asynccontextmanager
async def the_demo(folder: Path) -> AsyncIterator[House]:
    """The demo with the settings as shipped, on ports and in a folder of its own."""
    shipped = yaml.safe_load((CHECKOUT / "config" / "ringdesk.yaml").read_text())
    own = installation(folder, "pictures")
    config = shipped | {
        key: own[key] for key in ("data", "database", "asterisk", "web", "live", "health")
    }
    house = DemoHouse(folder, config)
    try:
        await house.start("demo", seconds=START_SECONDS)
        yield house
    finally:
        await house.stop()


async def main(everything: Path | None) -> None:
    """Start, take, end."""
    with tempfile.TemporaryDirectory(prefix="ringdesk-pictures-") as place:
        async with the_demo(Path(place)) as house, async_playwright() as playwright:
            logins = json.loads((Path(place) / "data/secrets/demo_logins.json").read_text())
            browser = await playwright.chromium.launch(
                executable_path=chromium_path(), args=[*ARGUMENTS, *FAKE_MEDIA]
            )
            try:
                await pictures(Studio(house, browser, logins, everything))
            finally:
                await browser.close()


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    hand_down_defaults()
    use_our_node()
    asyncio.run(main(folder))
