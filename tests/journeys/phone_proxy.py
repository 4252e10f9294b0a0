"""What lies between a page's telephone and the gate: TCP that a test can make silent.

A connection that was silenced stays open, and nothing passes it any more in either direction:
what a laptop finds that slept, or whose network changed. Connections that come later pass.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

CHUNK = 65536


@dataclass
class PhoneProxy:
    """Listens on `port` of 127.0.0.1 and passes on to `target` there; `links`: so many came."""

    port: int
    target: int
    links: int = 0
    _passes: list[asyncio.Event] = field(default_factory=list)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def silence(self) -> None:
        """Let nothing more through on the connections that are open now; nobody is told."""
        for each in self._passes:
            each.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a page."""
        me = asyncio.current_task()
        assert me is not None
        self._serving.add(me)
        me.add_done_callback(self._serving.discard)
        self.links += 1
        passes = asyncio.Event()
        passes.set()
        self._passes.append(passes)
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
            pumps = {
                asyncio.create_task(_pump(reader, back, passes)),
                asyncio.create_task(_pump(there, writer, passes)),
            }
            ends = {
                asyncio.create_task(_ended(pumps, passes)),
                asyncio.create_task(self._over.wait()),
            }
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in pumps | ends:
                task.cancel()
            back.close()
        writer.close()

    async def close(self) -> None:
        """End every connection."""
        self._over.set()
        await asyncio.gather(*self._serving, return_exceptions=True)


async def _ended(pumps: set[asyncio.Task[None]], passes: asyncio.Event) -> bool:
    """One side has closed. A silent network tells nobody of that either."""
    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    return await passes.wait()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: asyncio.Event
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            if passes.is_set():
                writer.write(data)


@contextlib.asynccontextmanager
async def phone_proxy(port: int, target: int) -> AsyncIterator[PhoneProxy]:
    """A proxy that listens until the end of the block."""
    proxy = PhoneProxy(port, target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port)
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
