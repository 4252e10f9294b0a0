"""A proxy between a page and the live screens' port that knows where a frame begins and ends.

It cuts the connection inside a frame, hands every frame on twice, keeps frames to itself, or does
not read at all, so that the server's buffers for this page run over.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.polling import until

LIMIT = 1 << 20
LITTLE = 4096  # bytes of buffer towards the server: what it sends must wait with it
SECONDS = 20.0
MASK = b"\1\2\3\4"
ASKED_AT_ONCE = 50


@dataclass
class LiveProxy:
    """Listens on `port` and passes on to `target`, both on 127.0.0.1."""

    port: int
    target: int
    twice: bool = False
    links: int = 0
    cuts: int = 0
    repeated: int = 0
    swallowed: int = 0
    _swallow: bool = False
    _cut_next: bool = False
    _was_cut: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: asyncio.Event = field(default_factory=asyncio.Event)
    _servers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._reading.set()

    async def cut_inside_a_frame(self) -> None:
        """Of the next delta the page gets one half, then the connection ends; wait until it has."""
        self._was_cut.clear()
        self._cut_next = True
        await asyncio.wait_for(self._was_cut.wait(), SECONDS)

    def swallow(self, on: bool) -> None:
        """Hand no delta on; the connection stays."""
        self._swallow = on

    def hold(self) -> None:
        """Read nothing of what the server sends."""
        self._reading.clear()

    def let_go(self) -> None:
        """Read on."""
        self._reading.set()

    async def ask_until_cut(self, topic: str) -> int:
        """Ask in the page's name for snapshots that nobody reads, until the server gives it up."""
        (server,) = self._servers
        asked = 0

        async def given_up() -> bool:
            nonlocal asked
            with contextlib.suppress(ConnectionError):
                for _ in range(ASKED_AT_ONCE):
                    server.write(_frame(b'{"id":0,"do":"subscribe","topic":"%b"}' % topic.encode()))
                    asked += 1
            return server.transport.is_closing()

        await until(given_up, bool, seconds=SECONDS, every=0.05)
        return asked

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a page."""
        self.links += 1
        up = socket.socket()
        up.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
        up.setblocking(False)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await asyncio.get_running_loop().sock_connect(up, ("127.0.0.1", self.target))
            there, back = await asyncio.open_connection(sock=up, limit=LITTLE)
            self._servers.add(back)
            tasks = {
                asyncio.create_task(_plainly(reader, back)),
                asyncio.create_task(self._frames(there, writer)),
            }
            self._tasks |= tasks
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._tasks -= tasks
                self._servers.discard(back)
                back.close()
        writer.close()

    async def _frames(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readuntil(b"\r\n\r\n"))  # the handshake's answer
        while True:
            await self._reading.wait()
            frame = await _next_frame(reader)
            moves = b'{"topic":' in frame[:16]
            if moves and b'"delta":' in frame[:80]:
                if self._swallow:
                    self.swallowed += 1
                    continue
                if self._cut_next:
                    self._cut_next = False
                    self.cuts += 1
                    writer.write(frame[: len(frame) // 2])
                    await writer.drain()
                    self._was_cut.set()
                    return
            writer.write(frame)
            if moves and self.twice:
                self.repeated += 1
                writer.write(frame)

    def close(self) -> None:
        """End every connection."""
        for task in tuple(self._tasks):
            task.cancel()


async def _plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(LIMIT):
        writer.write(data)


async def _next_frame(reader: asyncio.StreamReader) -> bytes:
    """One frame as the server sends it: not masked, in one piece (RFC 6455, 5.2)."""
    head = await reader.readexactly(2)
    length = head[1]
    if length >= 126:
        more = await reader.readexactly(2 if length == 126 else 8)
        head += more
        length = int.from_bytes(more, "big")
    return head + await reader.readexactly(length)


def _frame(body: bytes) -> bytes:
    """A short text frame as a page sends it."""
    masked = bytes(byte ^ MASK[place % 4] for place, byte in enumerate(body))
    return bytes([0x81, 0x80 | len(body)]) + MASK + masked


@contextlib.asynccontextmanager
async def live_proxy(port: int, target: int) -> AsyncIterator[LiveProxy]:
    """A proxy that listens until the end of the block."""
    proxy = LiveProxy(port, target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port, limit=LIMIT)
    try:
        yield proxy
    finally:
        server.close()
        proxy.let_go()
        proxy.close()
        await asyncio.sleep(0)
