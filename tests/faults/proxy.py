"""A proxy between Ringdesk and Asterisk's manager that a test can make behave badly.

It cuts the link, swallows what passes (as a network does that drops packets: the connection stays),
or hands events on late, twice, and in another order across channels; within one channel the order
stays, and so does everything that is no event.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

END = b"\r\n\r\n"
LIMIT = 1 << 20


@dataclass
class Mischief:
    """How events are treated: seconds of delay at most, and which part of them comes twice."""

    delay: float = 0.0
    twice: float = 0.0
    seed: int = 1


@dataclass
class AmiProxy:
    """Listens on `port` and passes on to `target`."""

    port: int
    target: int
    mischief: Mischief = field(default_factory=Mischief)
    links: int = 0  # connections so far
    moved: int = 0  # events handed on after a later one of another channel
    repeated: int = 0
    _swallow: bool = False
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def swallow(self, on: bool) -> None:
        """Let nothing through in either direction; nobody is told."""
        self._swallow = on

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of ours."""
        self.links += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            there, back = await asyncio.open_connection("127.0.0.1", self.target, limit=LIMIT)
            self._writers |= {writer, back}
            up = asyncio.create_task(self._plainly(reader, back))
            down = asyncio.create_task(self._events(there, writer))
            self._tasks |= {up, down}
            try:
                await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (up, down):
                    task.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
                self._tasks -= {up, down}
                self._writers -= {writer, back}
                back.close()
        writer.close()

    async def _plainly(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(LIMIT):
            if not self._swallow:
                writer.write(data)

    async def _events(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chance = random.Random(self.mischief.seed)
        loop = asyncio.get_running_loop()
        last: dict[bytes, float] = {}  # channel -> when its last event was handed on
        newest = 0.0
        number = 0

        def hand_on(message: bytes) -> None:
            if not self._swallow and not writer.is_closing():
                writer.write(message)

        writer.write(await reader.readuntil(b"\r\n"))  # the greeting is a line
        while True:
            message = await reader.readuntil(END)
            channel = _channel_of(message)
            delay = self.mischief.delay
            if not channel or not delay:
                hand_on(message)
                continue
            number += 1
            due = max(loop.time() + chance.uniform(0.0, delay), last.get(channel, 0.0) + 1e-4)
            last[channel] = due
            self.moved += due < newest
            newest = max(newest, due)
            loop.call_at(due, hand_on, message)
            if chance.random() < self.mischief.twice:
                self.repeated += 1
                loop.call_at(due + 5e-5, hand_on, message)


def _channel_of(message: bytes) -> bytes:
    """The uniqueid an event is about; empty for what must not move: answers, lists, no channel."""
    if not message.startswith(b"Event: ") or b"\r\nActionID: " in message:
        return b""
    for line in message.split(b"\r\n"):
        if line.startswith((b"Uniqueid: ", b"DestUniqueid: ")):
            return line.partition(b": ")[2]
    return b""


@contextlib.asynccontextmanager
async def ami_proxy(port: int, target: int) -> AsyncIterator[AmiProxy]:
    """A proxy that listens until the end of the block."""
    proxy = AmiProxy(port, target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port, limit=LIMIT)
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        for task in tuple(proxy._tasks):
            task.cancel()
        await asyncio.sleep(0)
