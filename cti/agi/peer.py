"""The Asterisk at the other end of one FastAGI connection: one command, one reply, in step.

A reply that comes without a command, or two for one, means that somebody forged or lost a line:
the session is closed rather than answered wrongly (the dialplan then goes on by itself).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from cti.agi.errors import AgiClosed, AgiEnded, AgiGarbled, AgiHangup, AgiTimeout
from cti.agi.wire import AgiParser, Environment, Hangup, Item, Reply


class AgiPeer(asyncio.Protocol):
    """One connection. `on_environment` is called once the opening block is complete, `on_lost`
    once the connection is gone, whatever came before."""

    def __init__(
        self,
        on_made: Callable[[AgiPeer], None],
        on_environment: Callable[[AgiPeer, dict[str, str]], None],
        on_lost: Callable[[AgiPeer], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_made = on_made
        self._on_environment = on_environment
        self._on_lost = on_lost
        self._parser = AgiParser()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        self._ended: AgiEnded | None = None
        self.had_environment = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a fresh connection (asyncio calls this)."""
        # A TCP transport; uvloop's is none of asyncio.Transport's subclasses.
        self._transport = cast(asyncio.Transport, transport)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        """Take what one read gave (asyncio calls this)."""
        try:
            for item in self._parser.feed(data):
                self._take(item)
        except AgiGarbled as garbled:
            for item in self._parser.ready:
                self._take(item)
            self.end(garbled)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone (asyncio calls this)."""
        self._fail(AgiClosed("closed by Asterisk" if exc is None else type(exc).__name__))
        self._on_lost(self)

    @property
    def ended(self) -> AgiEnded | None:
        """Why no more commands are taken; None while they are."""
        return self._ended

    def end(self, why: AgiEnded | None = None) -> None:
        """Close the connection; a command under way fails with `why`."""
        self._fail(why or AgiClosed("closed by us"))
        if self._transport is not None:
            self._transport.close()

    async def ask(self, line: bytes, within: float) -> Reply:
        """Send one command line, wait `within` seconds for its reply. Raises AgiEnded's kinds."""
        if self._ended is not None:
            raise type(self._ended)(*self._ended.args)
        if self._transport is None or self._waiting is not None:
            raise RuntimeError("one command at a time")
        waiting: asyncio.Future[Reply] = self._loop.create_future()
        self._waiting = waiting
        timer = self._loop.call_later(within, self._too_late)
        try:
            self._transport.write(line)
            return await waiting
        finally:
            timer.cancel()
            if not waiting.done() or waiting.cancelled():
                # The handler was cancelled: the reply still to come would answer the next command.
                self.end(AgiClosed("cancelled in the middle of a command"))
            self._waiting = None

    def _too_late(self) -> None:
        self.end(AgiTimeout("no reply in time"))

    def _take(self, item: Item) -> None:
        if isinstance(item, Reply):
            waiting = self._waiting
            if waiting is None or waiting.done():
                self.end(AgiGarbled("a reply to nothing"))
            else:
                waiting.set_result(item)
        elif isinstance(item, Hangup):
            self._fail(AgiHangup("the caller hung up"))
        elif isinstance(item, Environment):
            self.had_environment = True
            self._on_environment(self, item.values)

    def _fail(self, why: AgiEnded) -> None:
        if self._ended is None:
            self._ended = why
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(self._ended)
