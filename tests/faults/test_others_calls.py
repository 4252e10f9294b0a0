"""INVARIANTS 8: nobody sees another's call, however many ring at once."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection

from config.secrets import open_secrets
from config.settings import load
from cti.ami.link import AmiLink
from cti.ami.wire import Message
from cti.conversation import call_id_of
from tests.conftest import need
from tests.faults.conftest import Check, length
from tests.faults.consoles import console, sessions_of
from tests.faults.floor import Floor, floor_settings, open_floor

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
AGENTS = 8
RATE = 4.0


class Witness:
    """Asterisk's own word, over a link of the test's: whom each call was offered to."""

    def __init__(self, floor: Floor) -> None:
        settings = load(floor.house.file)
        self.offered: dict[str, set[str]] = defaultdict(set)  # agent -> call ids
        self.up = asyncio.Event()
        ami = settings.asterisk.ami
        self.link = AmiLink(
            ami.host, ami.port, ami.user, open_secrets(settings.data_folder, {}).ami_password,
            wanted=frozenset({"AgentCalled"}),
            on_event=self._called, on_up=self._on_up, on_down=lambda _: None,
        )  # fmt: skip

    async def _on_up(self) -> None:
        self.up.set()

    def _called(self, message: Message) -> None:
        self.offered[message.get("MemberName")].add(call_id_of("floor", message.get("Linkedid")))


async def test_every_card_was_offered_to_its_agent(
    tmp_path: Path, prompts: Path, check: Check
) -> None:
    """Ring-all and simultaneous calls: each call and card on a desk was offered to that agent."""
    check.of(8, "ring-all, calls at once, an open desk for every agent")
    for part in ("asterisk", "espeak-ng", "sipp"):
        need(part)
    config = floor_settings(tmp_path, agents=AGENTS)
    config["queues"]["support"]["strategy"] = "ringall"
    names = [f"agent{number}" for number in range(1, AGENTS + 1)]
    seen: dict[str, set[str]] = defaultdict(set)

    async def look(name: str, client: ClientConnection) -> None:
        async for frame in client:
            changed = json.loads(frame).get("delta", {}).get("set", {})
            seen[name] |= changed.get("call", {}).keys() | changed.get("card", {}).keys()

    async with AsyncExitStack() as stack:
        floor = await stack.enter_async_context(open_floor(tmp_path, prompts, config=config))
        cookies = await sessions_of(floor, names, new=True)
        readers = []
        for name in names:
            client, _ = await console(floor, cookies[name], "desk")
            stack.push_async_callback(client.close)
            readers.append(asyncio.create_task(look(name, client)))
        witness = Witness(floor)
        watching = asyncio.create_task(witness.link.run())
        try:
            await asyncio.wait_for(witness.up.wait(), 15)
            floor.call(length(30, 400), RATE, talk=1.5)  # time to ring, on a busy machine too
            tally = await floor.tally(await floor.counted())
        finally:
            for task in (*readers, watching):
                task.cancel()
            await asyncio.gather(*readers, watching, return_exceptions=True)
    check.count(tally)
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    assert sum(map(len, witness.offered.values())) > tally.calls, "it rang at one agent at a time"
    for name in names:
        assert seen[name], name
        assert seen[name] <= witness.offered[name], name
