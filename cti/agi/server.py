"""Accepts FastAGI and hands each call's channel to a handler, in a task the server owns.

A connection costs nothing but its socket until its environment is complete; a handler's task is
made then. Over the bound, silent or garbled: the connection is closed at once, and Asterisk's
dialplan goes on by itself. One address has at most three quarters of the sessions, and half of them
without an environment: whoever floods the port leaves room for an Asterisk elsewhere. FastAGI knows
no authentication: listen on loopback or a private network only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import structlog

from cti.agi.channel import Channel
from cti.agi.errors import AgiClosed, AgiEnded, AgiTimeout
from cti.agi.peer import AgiPeer
from cti.bounds import Bounds
from cti.where import where

log = structlog.get_logger(__name__)

MAX_SESSIONS = 2_000
ENV_TIMEOUT = 2.0  # seconds: Asterisk sends it at once
SESSION_TIMEOUT = 3_600.0  # seconds: a caller's longest time in the menu
CLOSE_WITHIN = 5.0  # seconds for handlers to end after they were told to
BACKLOG = 1_024

Handler = Callable[[Channel], Awaitable[None]]


class AgiServer:
    """`async with AgiServer(host, port, handler) as server:`, or `start()` and `close()`.

    `handler(channel)` runs once per call. When it returns or raises, the connection is closed and
    the dialplan goes on; what it raises is logged, an `AgiEnded` only counted.
    """

    def __init__(
        self,
        host: str,
        port: int,
        handler: Handler,
        *,
        max_sessions: int = MAX_SESSIONS,
        env_timeout: float = ENV_TIMEOUT,
        session_timeout: float = SESSION_TIMEOUT,
    ) -> None:
        self.host = host
        self.port = port  # after start() the real one, if it was 0
        self._handler = handler
        self._bounds = Bounds("FastAGI", max_sessions, max(1, max_sessions * 3 // 4))
        self._silent = Bounds("FastAGI, silent", max_sessions, max(1, max_sessions // 2))
        self._env_timeout = env_timeout
        self._session_timeout = session_timeout
        self._server: asyncio.Server | None = None
        self._peers: dict[AgiPeer, asyncio.TimerHandle] = {}  # with their environment's time
        self._tasks: dict[AgiPeer, asyncio.Task[None]] = {}
        self.refused = 0  # over the bound, or while closing
        self.garbled = 0  # connections that ended without a whole environment
        self.ended_early = 0  # handlers that ended because the call did
        self.failed = 0  # handlers that raised

    @property
    def sessions(self) -> int:
        """Connections that are open now."""
        return len(self._peers)

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: AgiPeer(self._made, self._begin, self._lost),
            self.host,
            self.port,
            backlog=BACKLOG,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("agi.listening", host=self.host, port=self.port)

    async def close(self) -> None:
        """Stop listening, end every session, wait for their handlers (at most 5 s)."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        for peer in list(self._peers):
            peer.end(AgiClosed("shutting down"))
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_WITHIN)
            if late:
                log.error("agi.handlers_do_not_end", count=len(late))
        async with asyncio.timeout(CLOSE_WITHIN):
            await server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _made(self, peer: AgiPeer) -> None:
        if self._server is None or not self._enters(peer.address):
            self.refused += 1
            peer.end(AgiClosed("too many sessions"))
            return
        loop = asyncio.get_running_loop()
        self._peers[peer] = loop.call_later(
            self._env_timeout, peer.end, AgiTimeout("no environment in time")
        )

    def _enters(self, address: str) -> bool:
        if not self._bounds.enter(address):
            return False
        if not self._silent.enter(address):
            self._bounds.leave(address)
            return False
        return True

    def _begin(self, peer: AgiPeer, environment: dict[str, str]) -> None:
        timer = self._peers.get(peer)
        if timer is None:
            return
        timer.cancel()
        self._silent.leave(peer.address)
        channel = Channel(peer, environment)
        self._tasks[peer] = asyncio.create_task(
            self._run(peer, channel), name=f"agi-{channel.uniqueid}"
        )

    def _lost(self, peer: AgiPeer) -> None:
        timer = self._peers.pop(peer, None)
        if timer is not None:
            timer.cancel()
            self._bounds.leave(peer.address)
            if not peer.had_environment:
                self._silent.leave(peer.address)
                self.garbled += 1

    async def _run(self, peer: AgiPeer, channel: Channel) -> None:
        try:
            async with asyncio.timeout(self._session_timeout) as time:
                await self._handler(channel)
        except AgiEnded:
            self.ended_early += 1
        except Exception as error:  # noqa: BLE001 - a task's edge: one call's error is one call's
            self.failed += 1
            what = "agi.session_too_long" if time.expired() else "agi.handler_failed"
            # Without its message, which may carry what a caller entered.
            log.error(what, uniqueid=channel.uniqueid, error=where(error))
        finally:
            self._tasks.pop(peer, None)
            peer.end()
