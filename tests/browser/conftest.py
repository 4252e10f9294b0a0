"""One headless Chromium for all tests of the pages, and a fake desk for each."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from config import parts
from tests.browser import company
from tests.browser.fake_desk import BUILT, FakeDesk

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """Its path; skips by name when there is none."""
    found = os.environ.get("RINGDESK_CHROMIUM") or shutil.which("chromium")
    if not found:
        try:
            found = parts.chromium()
        except parts.PartMissingError as why:
            pytest.skip(str(why))
    if not (BUILT / "manifest.json").exists():
        pytest.skip("missing part: the built pages (npm run build in agent_console)")
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Started once: a start costs more than a test."""
    path = chromium_path()
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def desk() -> AsyncIterator[FakeDesk]:
    """The server's side."""
    fake = FakeDesk()
    await fake.start()
    for page in ("desk", "board", "phone"):
        fake.boots[page] = company.boot(page, live=fake.live)
    fake.topics = {"desk": company.desk(), "board": company.board()}
    yield fake
    await fake.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A fresh profile. What the page complains of (a broken policy, a script) fails the test."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 720}, reduced_motion="reduce"
    )
    opened = await context.new_page()
    opened.set_default_timeout(5_000)
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda said: (
            complaints.append(said.text) if "Content Security Policy" in said.text else None
        ),
    )
    yield opened
    await context.close()
    assert complaints == []
