"""Consoles without a browser: the live side's own protocol, as many as wanted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from config.settings import load
from service_desk.actions import staff
from service_desk.actor import SYSTEM
from service_desk.desk import Desk
from service_desk.desk import connect as connect_to
from tests.faults.floor import Floor
from tests.journeys.house import PASSWORD

OPEN_SECONDS = 30.0


async def sessions_of(floor: Floor, names: Iterable[str], *, new: bool = False) -> dict[str, str]:
    """A session cookie for each name; `new` ones are made agents first."""
    desk = Desk(connect_to(load(floor.house.file).database.url))
    cookies = {}
    try:
        for name in names:
            if new:
                await staff.create_staff(
                    desk, name=name, shown=name, role="agent", password=PASSWORD, by=SYSTEM
                )
            made = await staff.sign_in(desk, name=name, password=PASSWORD, address="127.0.0.1")
            cookies[name] = made.token
    finally:
        await desk.close()
    return cookies


async def console(floor: Floor, cookie: str, topic: str) -> tuple[ClientConnection, Any]:
    """A console that has its snapshot of `topic`; and the snapshot."""
    port = int(floor.house.config["live"]["port"])
    client = await connect(
        f"ws://127.0.0.1:{port}/live",
        origin=Origin(f"http://127.0.0.1:{port}"),
        additional_headers={"Cookie": f"ringdesk_session={cookie}"},
        compression=None,
        open_timeout=OPEN_SECONDS,
        max_queue=None,
    )
    await client.send(json.dumps({"id": 1, "do": "subscribe", "topic": topic}))
    while True:
        frame = json.loads(await client.recv())
        if "snapshot" in frame:
            return client, frame
