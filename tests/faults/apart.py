"""A floor as large installations run it: each role a process of its own, over PostgreSQL and Redis.

Half of the callers come through the menu, by a flow that looks them up and leads to the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, Signals

import yaml

from bench.sipp import Agents
from tests.faults.conftest import FULL
from tests.faults.floor import QUEUE, Floor, floor_settings
from tests.faults.stores import Redis, a_postgres, a_redis
from tests.faults.voices import Voices, voices
from tests.journeys.house import House
from tests.ports import free_ports, rtp_ports
from tests.postgres import Server

ROLES = ("bridge", "ivr", "live", "web")
AGENTS = 30
MENU = "3000"
STRAIGHT = {
    "description": "Who is it; then to the queue",
    "languages": ["en"],
    "start": "who",
    "nodes": {
        "who": {"kind": "identify", "label": "-", "next": "support"},
        "support": {"kind": "queue", "label": "Support", "queue": "support"},
        "bye": {"kind": "hangup", "label": "Goodbye", "prompt": {"en": "Goodbye."}},
    },
    "after": {"full": "bye", "timeout": "bye", "closed": "bye"},
}


@dataclass
class FloorApart(Floor):
    """Four processes of one floor; `house` is that of the pages."""

    parts: dict[str, House] = field(default_factory=dict)
    stores: tuple[Server, Redis] | None = None
    voices: Voices | None = None

    async def kill(self, *roles: str) -> None:
        """As a crash does: no goodbye, and all at once."""
        self.signal(SIGKILL, *roles)
        for role in roles:
            process = self.parts[role].process
            assert process is not None
            await process.wait()

    def signal(self, number: Signals, *roles: str) -> None:
        """Stop or continue them."""
        for role in roles:
            process = self.parts[role].process
            assert process is not None
            process.send_signal(number)

    async def start(self, *roles: str) -> None:
        """Start them, and wait until each says that it is ready."""
        await asyncio.gather(*(self.parts[role].start(role) for role in roles))

    def call_both_ways(self, count: int, rate: float, *, talk: float = 1.0) -> None:
        """So many calls, half of them through the menu."""
        self.call(count // 2, rate / 2, talk=talk, dialed=MENU)
        self.call(count - count // 2, rate / 2, talk=talk, dialed=QUEUE)


@contextlib.asynccontextmanager
async def open_floor_apart(folder: Path, prompts: Path) -> AsyncIterator[FloorApart]:
    """One that runs, with its agents and stores; ends all of it."""
    async with contextlib.AsyncExitStack() as stack:
        postgres = stack.enter_context(a_postgres(folder / "postgres"))
        redis = stack.enter_context(a_redis(folder))
        line = await stack.enter_async_context(voices())
        config = floor_settings(folder, postgres.url, AGENTS) | {"bus": {"url": redis.url}}
        config["dids"][MENU] = {"flow": "straight"}
        if FULL:  # a call has four ports; a machine that starts four programs frees them late
            first, last = rtp_ports(990)
            config["asterisk"]["rtp"] = {"from": first, "to": last}
        web = House(folder, config)
        await web.furnish(prompts)
        (folder / "data/flows/straight.yaml").write_text(yaml.safe_dump(STRAIGHT))
        parts = {role: House(folder, config, web.token) for role in ROLES} | {"web": web}
        phones = int(config["agent_ranges"][0]["contact"].rpartition(":")[2])
        stack.enter_context(Agents(folder, phones, media=line.mouth))
        floor = FloorApart(
            web, free_ports(1)[0], parts=parts, stores=(postgres, redis), voices=line
        )
        await floor.start(*ROLES)
        try:
            yield floor
        finally:
            for flow in floor.flows:
                flow.end()
            for role in ("web", "live", "ivr", "bridge"):
                await parts[role].stop()
            await web.end_asterisk()
