"""Which browser holds an agent's telephone: it is one, and its agent may have several browsers.

Inside one browser the tabs agree among themselves (static/core/phone-place.ts); between browsers
and computers this table says so, and every page of that agent is told. Asterisk would let them take
the registration from each other in turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from agent_console.context import ConsoleContext
from agent_console.live.hub import Client
from agent_console.tasks import Tasks
from service_desk.events import PhoneHeld

GRACE = 1.0  # seconds a browser whose socket has ended keeps it: a page that is loaded anew


class Held(NamedTuple):
    """`browser` (empty: none) has the telephone since `at`."""

    browser: str
    at: datetime


class Holders:
    """Who holds each agent's telephone; `changed` is called with the agent's name.

    Processes of the live side tell each other by the bus; the later word holds.
    """

    def __init__(
        self, context: ConsoleContext, tasks: Tasks, changed: Callable[[str], None]
    ) -> None:
        self._context = context
        self._tasks = tasks
        self._changed = changed
        self._held: dict[str, Held] = {}
        self._said: dict[Client, str] = {}  # which browser a socket speaks for

    def of(self, agent: str) -> str:
        """The browser that holds the agent's telephone; "" for none."""
        held = self._held.get(agent)
        return held.browser if held is not None else ""

    def hold(self, client: Client, browser: str, *, take: bool) -> str:
        """This browser wants the telephone; it gets it if nobody has it, or if it takes it.

        Returns who holds it now.
        """
        agent = client.viewer.user
        self._said[client] = browser
        if self.of(agent) != browser and (take or not self.of(agent)):
            self._tell(agent, browser)
        return self.of(agent)

    def left(self, client: Client) -> None:
        """The socket has ended; if the browser does not come back soon, the telephone is free."""
        browser = self._said.pop(client, "")
        if browser and self.of(client.viewer.user) == browser:
            self._tasks.start(self._free(client.viewer.user, browser))

    def told(self, event: PhoneHeld) -> None:
        """Follow what was published, here or by another process."""
        held = self._held.get(event.agent)
        if held is not None and (held.at, held.browser) > (event.at, event.browser):
            return
        self._held[event.agent] = Held(event.browser, event.at)
        if held is None or held.browser != event.browser:
            self._changed(event.agent)

    async def _free(self, agent: str, browser: str) -> None:
        await asyncio.sleep(GRACE)
        still = any(
            said == browser and client.viewer.user == agent for client, said in self._said.items()
        )
        if self.of(agent) == browser and not still:
            self._tell(agent, "")

    def _tell(self, agent: str, browser: str) -> None:
        event = PhoneHeld(at=self._context.desk.clock.now(), agent=agent, browser=browser)
        self.told(event)  # also while the bus cannot be reached
        self._context.bus.publish(event)
