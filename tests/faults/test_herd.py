"""INVARIANTS 19: every console comes back at once, and one of them never reads."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import defaultdict
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection

from tests.faults.conftest import Check, length
from tests.faults.consoles import console, sessions_of
from tests.faults.floor import Floor

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
SUPERVISOR = "sam"
BACK_SECONDS = 30.0
LATE_SECONDS = 1.0  # p99 of the others, while one does not read
MORE_MEMORY = 300 << 20  # bytes the herd may cost
ASKED_EVERY = 0.005  # seconds


async def test_the_herd_comes_back(floor: Floor, check: Check) -> None:
    """All are back within 30 s, memory is bounded, and nobody waits for the one who sleeps."""
    check.of(19, "all consoles reconnect at once; one never reads")
    count = length(300, 1_000)
    cookie = (await sessions_of(floor, [SUPERVISOR]))[SUPERVISOR]
    port = int(floor.house.config["live"]["port"])
    before = memory(floor)

    async with AsyncExitStack() as stack:
        for client in await herd(floor, cookie, count):
            stack.push_async_callback(client.close)
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        clients = await herd(floor, cookie, count)
        back = time.monotonic() - began
        for client in clients:
            stack.push_async_callback(client.close)
        with closing(sleeper(port, cookie)) as sleeping:
            asking = asyncio.create_task(ask_until_cut(sleeping))
            late = await lateness(floor, clients)
            asked = await asyncio.wait_for(asking, BACK_SECONDS)
        grown = memory(floor) - before
    check.note(
        f"{count} back in {back:.1f} s, p99 of a delta's last to first reader {late * 1e3:.0f} ms,"
        f" {grown / 2**20:.0f} MiB more; one who read none of {asked} snapshots was cut"
    )
    assert back < BACK_SECONDS
    assert late < LATE_SECONDS
    assert grown < MORE_MEMORY


async def herd(floor: Floor, cookie: str, count: int) -> list[ClientConnection]:
    """So many consoles at once, each with its snapshot of the board."""
    async with asyncio.timeout(2 * BACK_SECONDS):
        made = await asyncio.gather(*(console(floor, cookie, "board") for _ in range(count)))
        return [client for client, _ in made]


def sleeper(port: int, cookie: str) -> socket.socket:
    """A console that never reads a byte."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(
        (
            f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Cookie: ringdesk_session={cookie}\r\n\r\n"
        ).encode()
    )
    client.setblocking(False)
    return client


async def ask_until_cut(client: socket.socket) -> int:
    """Have it ask for the board again and again, for deltas alone fill no buffer; how often."""
    body = json.dumps({"id": 1, "do": "subscribe", "topic": "board"}).encode()
    mask = b"\1\2\3\4"
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(body))
    frame = b"\x81" + bytes([0x80 | len(body)]) + mask + masked
    asked = 0
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while True:
            await loop.sock_sendall(client, frame)
            asked += 1
            await asyncio.sleep(ASKED_EVERY)
    return asked


async def lateness(floor: Floor, clients: list[ClientConnection]) -> float:
    """Seconds from the first console that has a delta to the last; the 99th of a hundred deltas."""
    first: dict[int, float] = {}
    last: dict[int, float] = defaultdict(float)

    async def read(client: ClientConnection) -> None:
        async for frame in client:
            now = time.monotonic()
            sequence = json.loads(frame).get("seq")
            if sequence is not None:
                first.setdefault(sequence, now)
                last[sequence] = max(last[sequence], now)

    readers = [asyncio.create_task(read(client)) for client in clients]
    try:
        floor.call(length(20, 120), 2.0, talk=0.5)
        counts = await floor.counted()
        assert counts.failed == 0
    finally:
        for task in readers:
            task.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    gaps = sorted(last[sequence] - at for sequence, at in first.items())
    assert len(gaps) > 20
    return gaps[min(len(gaps) * 99 // 100, len(gaps) - 1)]


def memory(floor: Floor) -> int:
    """Bytes of the process that are in memory now."""
    process = floor.house.process
    assert process is not None
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * 4096
