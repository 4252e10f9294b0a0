"""The caller's counter: what every call's session shares, and which number leads to which flow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct, field

from cti.about import about
from cti.agi.channel import Channel
from ivr.desk_port import DeskPort
from ivr.flow import Flow
from ivr.leftovers import Leftovers
from ivr.prompts import Prompts
from ivr.protocol import NightSwitch
from ivr.session import MESSAGES, Session
from ivr.telling import Telling

DESK_WITHIN: Final = 2.0  # seconds the caller waits for an answer of the desk


class Routes(Struct, frozen=True, kw_only=True):
    """Which DID leads where. A DID in neither, and a flow that is none, get `default_flow`."""

    flows: Mapping[str, Flow]
    dids: Mapping[str, str]  # DID -> flow
    default_flow: str
    queues: Mapping[str, str] = field(default_factory=dict)  # DID -> queue, without a menu

    def flow(self, name: str | None) -> Flow:
        """The flow of that name, else the default one."""
        return self.flows.get(name or "", self.flows[self.default_flow])


class Counter:
    """The handler of `cti.agi.server.AgiServer`: `await counter(channel)` is one call.

    `recordings`: the folder Asterisk writes to, under the same path here. `zone`: the company's.
    `now` tells UTC. After the server is closed, `close()` waits for what the desk is still told.
    """

    def __init__(
        self,
        *,
        routes: Routes,
        desk: DeskPort,
        prompts: Prompts,
        recordings: Path,
        zone: tzinfo,
        system: str,
        night: NightSwitch = "auto",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        desk_within: float = DESK_WITHIN,
    ) -> None:
        self.routes = routes
        self.desk = desk
        self.prompts = prompts
        self.messages = recordings.resolve() / MESSAGES
        self.zone = zone
        self.system = system
        self.night = night
        self.now = now
        self.desk_within = desk_within
        self.telling = Telling()
        self._leftovers: asyncio.Task[None] | None = None

    async def __call__(self, channel: Channel) -> None:
        """Serve one call. Raises AgiEnded when it ended before we were done."""
        session = Session(self, channel)
        # The call's own task: whatever is logged in it from here on, by whomever, names the call.
        structlog.contextvars.bind_contextvars(**about(session))
        await session.run()

    def tell_leftovers(self) -> None:
        """Start to look for messages that a menu before this one could not tell the desk of."""
        work = Leftovers(self.messages, MESSAGES, desk=self.desk, telling=self.telling)
        self._leftovers = asyncio.create_task(work.run(), name="ivr-leftovers")

    async def close(self) -> None:
        """Wait for what the desk is being told (bounded)."""
        if self._leftovers is not None:
            self._leftovers.cancel()
            await asyncio.gather(self._leftovers, return_exceptions=True)
        await self.telling.close()
