"""An agent in a real browser: signs in, takes calls, answers over WebRTC; reads the page."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.journeys.house import PASSWORD, House

FAKE_MEDIA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
# Keeps each peer connection, so that the test can read what the network really carried.
KEEP_CONNECTIONS = """
const Original = window.RTCPeerConnection;
window.connections = [];
window.RTCPeerConnection = class extends Original {
  constructor(...a) { super(...a); window.connections.push(this); }
};
"""
COUNT = """async () => {
  const sum = {sent: 0, received: 0, energy: 0};
  for (const connection of window.connections) {
    for (const stat of (await connection.getStats()).values()) {
      if (stat.type === "outbound-rtp") sum.sent += stat.packetsSent;
      if (stat.type === "inbound-rtp") {
        sum.received += stat.packetsReceived;
        sum.energy += stat.totalAudioEnergy || 0;
      }
    }
  }
  return sum;
}"""


@dataclass
class Agent:
    """One agent's tab."""

    name: str
    house: House
    context: BrowserContext
    page: Page
    errors: list[str]

    async def take_calls(self) -> None:
        """Press F10 and be available."""
        # The button is there once the desk has told who we are: a key before that does nothing.
        await expect(self.page.locator("#availability")).to_contain_text("Take calls")
        await self.page.keyboard.press("F10")
        await self.in_state("available")

    async def in_state(self, state: str, seconds: float = 20) -> None:
        """Wait until the page shows this state of the agent."""
        bar = self.page.locator(".agent-button")
        await expect(bar).to_have_attribute("data-state", state, timeout=seconds * 1000)

    async def answer(self) -> None:
        """Press F2 while it rings, and talk."""
        await self.in_state("ringing")
        await self.page.keyboard.press("F2")
        await self.in_state("talking")

    async def hang_up(self) -> None:
        """Press F4, and talk no more."""
        await self.page.keyboard.press("F4")
        await expect(self.page.locator(".agent-button")).not_to_have_attribute(
            "data-state", "talking", timeout=20_000
        )

    async def transfer(self, to: str) -> None:
        """Hand the caller on to an extension or number."""
        await self.page.keyboard.press("F8")
        field = self.page.locator("rd-transfer input")
        await field.fill(to)
        await field.press("Enter")

    async def packets(self) -> dict[str, float]:
        """RTP packets sent and received, and the energy of what was heard."""
        counted: dict[str, float] = await self.page.evaluate(COUNT)
        return counted

    async def leave_queues(self) -> None:
        """Take no more calls, whatever the state was."""
        await self.page.keyboard.press("Escape")
        await self.page.locator(".agent-button").click()
        item = self.page.locator("wa-dropdown-item[value=sign_out]")
        if await item.count():
            await item.click()
            await self.in_state("signed_out")

    async def heard(self, packets: float, seconds: float = 20) -> dict[str, float]:
        """Wait until so many packets have come in; what was counted then."""
        async with asyncio.timeout(seconds):
            while True:
                counted = await self.packets()
                if counted["received"] >= packets:
                    return counted
                await asyncio.sleep(0.1)  # the browser tells nobody of a packet

    async def close(self) -> None:
        """Close the tab; nothing may have gone wrong in it."""
        await self.context.close()
        assert self.errors == []


async def sign_in(browser: Browser, house: House, name: str, path: str = "/desk") -> Agent:
    """Open the sign-in page and get to `path` by keyboard."""
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.add_init_script(KEEP_CONNECTIONS)
    await page.goto(f"{house.web}/sign-in")
    await page.fill("input[name=name]", name)
    await page.fill("input[name=password]", PASSWORD)
    await page.press("input[name=password]", "Enter")
    await page.wait_for_url(f"**{path}")
    return Agent(name, house, context, page, errors)
