"""A gate with real sockets on both sides, and an Asterisk that says back what it hears."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request
from websockets.typing import Origin, Subprotocol

from config.gate.plan import Plan
from config.gate.server import Deadlines, Gate
from config.gate.ticket import ticket_of
from cti.bounds import Bounds
from tests.polling import until

KEY = b"k" * 32
OURS = "http://127.0.0.1:8080"  # the page of the host that is asked for
SIP = Subprotocol("sip")


class Quick(Deadlines):
    """The deadlines as they are, only sooner: somebody waits for them."""

    head = 1.0
    reach = 1.0
    answer = 1.0
    idle = 1.5
    stuck = 1.0
    look_every = 0.05


class FakeAsterisk:
    """Its HTTP server: what it was asked, and everything back."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.port = 0

    async def converse(self, connection: ServerConnection) -> None:
        """Say it back."""
        assert connection.request is not None
        self.asked.append(connection.request)
        async for message in connection:
            await connection.send(message)


@pytest.fixture
async def fake_asterisk() -> AsyncIterator[FakeAsterisk]:
    fake = FakeAsterisk()
    async with serve(fake.converse, "127.0.0.1", 0, subprotocols=[SIP], compression=None) as server:
        fake.port = next(iter(server.sockets)).getsockname()[1]
        yield fake


class Door:
    """A gate that runs; `connect` goes through it as a browser does."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def ticket(self, name: str = "ava", hours: float = 1.0, key: bytes = KEY) -> str:
        """What the page's bootstrap would say."""
        return ticket_of(key, name, datetime.now(UTC) + timedelta(hours=hours))

    def connect(
        self, name: str = "ava", **how: Any
    ) -> AbstractAsyncContextManager[ClientConnection]:
        """`ticket`, `origin`, `path` and `headers` of one's own."""
        said = how.pop("ticket", None) or self.ticket(name)
        path = how.pop("path", f"/ws?ticket={said}")
        return connect(
            f"ws://127.0.0.1:{self.gate.port}{path}",
            origin=Origin(how.pop("origin", OURS)),
            subprotocols=how.pop("subprotocols", [SIP]),
            proxy=None,
            compression=None,
            open_timeout=10,
            ping_interval=None,
            **how,
        )

    async def until_held(self, count: int) -> None:
        """Until so many connections are open."""

        async def held() -> int:
            return self.gate.bounds.held

        await until(held, lambda now: now == count, seconds=10, every=0.01)


Opens = Callable[..., AbstractAsyncContextManager[Door]]


@pytest.fixture
def opens(fake_asterisk: FakeAsterisk) -> Opens:
    """`async with opens(most=..., each=...) as door`."""

    @contextlib.asynccontextmanager
    async def opened(
        *,
        most: int = 2_000,
        each: int = 500,
        port: int | None = None,
        proxies: tuple[str, ...] = (),
        deadlines: Deadlines | None = None,
    ) -> AsyncIterator[Door]:
        plan = Plan(
            host="127.0.0.1",
            port=0,
            asterisk="127.0.0.1",
            asterisk_port=fake_asterisk.port if port is None else port,
            key=KEY.hex(),
            origins=("http://{host}:8080",),
            proxies=proxies,
        )
        bounds = Bounds("browser phones", most, each, trusted=proxies)
        gate = await Gate(plan, bounds, deadlines=deadlines or Quick()).start()
        keeping = asyncio.create_task(gate.keep())
        try:
            yield Door(gate)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await gate.close()

    return opened


@pytest.fixture
async def door(opens: Opens) -> AsyncIterator[Door]:
    async with opens() as opened:
        yield opened
