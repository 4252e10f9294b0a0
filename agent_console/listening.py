"""How our listeners of HTTP and websockets take connections: bounded by address, with deadlines.

One rule for the pages, the health page and the live screens (`cti/bounds.py`). What is silent at
its beginning, dribbles its head or idles between two requests is closed after `IDLE`; a body has
the time of its answer (`middleware.SECONDS`); who does not read, that of `cti.bounds.STUCK`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web, web_response
from websockets.asyncio.server import ServerConnection

from cti.bounds import Bounds, Guarded, let_in

# Which program answers in which version is nobody's business: not in the answers of our handlers,
# nor in those that aiohttp gives by itself to what it cannot read.
vars(web_response)["SERVER_SOFTWARE"] = "Ringdesk"

IDLE: Final = 20.0  # seconds until a whole head must be there, the first or the next
LINGER: Final = 2.0  # seconds for what is left of a body nobody reads
BACKLOG: Final = 512
# What a listener may hold where nobody says otherwise: tests, and tools.
MOST: Final = 2_000
EACH: Final = 500


def runner_of(app: web.Application, *, idle: float | None = None) -> web.AppRunner:
    """A runner with our deadlines; whoever starts it owns its life."""
    return web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=IDLE if idle is None else idle,  # counts from the connection's beginning
        lingering_time=LINGER,
    )


class GuardedSite(web.TCPSite):
    """A TCP site whose connections are counted."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, bounds: Bounds) -> None:
        super().__init__(runner, host, port)
        self._address = (host, port)
        self._bounds = bounds

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        await web.BaseSite.start(self)
        make = self._runner.server
        if make is None:
            raise RuntimeError("the runner was not set up")
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Guarded(self._bounds, make), *self._address, backlog=BACKLOG
        )


def counted(bounds: Bounds) -> type[ServerConnection]:
    """The class of a websocket server's connections, each counted from its first byte on."""

    class Counted(ServerConnection):
        _from: str | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._from = let_in(bounds, transport)
            if self._from is not None:
                super().connection_made(transport)

        def data_received(self, data: bytes) -> None:
            if self._from is not None:
                super().data_received(data)

        def eof_received(self) -> None:
            if self._from is not None:
                super().eof_received()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._from is not None:
                bounds.leave(self._from)
                super().connection_lost(exc)

    return Counted


def open_bounds(name: str, **more: Any) -> Bounds:
    """Bounds for a listener whose owner gave none."""
    return Bounds(name, MOST, EACH, **more)
