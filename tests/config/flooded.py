"""A Ringdesk with few descriptors, for `test_flood.py`: every listener of ours in one process.

`python -m tests.config.flooded FOLDER DATABASE-URL SETTINGS FILES` lowers its limit to FILES (half
of it at first, which a start raises), listens, says its ports as JSON, and answers each line with
how many descriptors are open; `open` has it open one more for a record first.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from pathlib import Path

import uvloop

from agent_console import listening
from agent_console.app import serve_web
from agent_console.live import socket
from agent_console.live.socket import LiveServer
from config import descriptors, health, logs
from config.health import Health
from config.parts_of import ALL_ROLES
from config.settings import load
from cti.agi.channel import Channel
from cti.agi.server import AgiServer
from cti.bus import InProcessBus
from service_desk.desk import Desk, connect
from tests.agent_console.conftest import context_for


async def _in_the_menu(channel: Channel) -> None:
    await channel.answer()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(folder: Path, url: str, settings: Path, files: int) -> None:
    logs.configure()
    # The deadlines as they are, only sooner: somebody waits for them.
    vars(listening)["IDLE"] = vars(health)["IDLE"] = 8.0
    vars(socket)["HANDSHAKE"] = 4.0
    resource.setrlimit(resource.RLIMIT_NOFILE, (files // 2, files))
    limit = descriptors.raise_limit()
    bus = InProcessBus()
    desk = Desk(connect(url), publish=bus.publish)
    await desk.start()
    context = context_for(folder, desk=desk, bus=bus, origins=("http://{host}:1",))

    def bounds(role: str) -> descriptors.Bounds:
        return descriptors.bounds_of(role, limit, ALL_ROLES)

    pages = await serve_web(context, "127.0.0.1", 0, bounds("web"))
    live = await LiveServer(context, bounds=bounds("live")).start("127.0.0.1", 0)
    menu = AgiServer(
        "127.0.0.1", 0, _in_the_menu, max_sessions=descriptors.shared(limit, ALL_ROLES)["ivr"]
    )
    async with Health(load(settings), ALL_ROLES, {}) as ours, menu:
        ours.ready()
        ports = [pages.addresses[0][1], live.port, menu.port, ours.port]
        say(json.dumps({"limit": limit, "ports": ports}))
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip() == "open":
                with (folder / "record").open("a") as file:
                    file.write("a call\n")
            say(str(descriptors.in_use()))
    await live.close()
    await pages.cleanup()
    await desk.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
