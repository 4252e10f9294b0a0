"""The Asterisk at the other end of one FastAGI connection: one command, one reply, in step.

A reply that comes without a command, or two for one, means that somebody forged or lost a line:
the session is closed rather than answered wrongly (the dialplan then goes on by itself).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from cti.agi.errors import AgiClosed, AgiEnded, AgiGarbled, AgiHangup, AgiTimeout
from cti.agi.wire import AgiParser, Environment, Hangup, Item, Reply
from cti.bounds import address_of


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
        self._deadline = 0.0  # of the command under way, by the loop's clock
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._ended: AgiEnded | None = None
        self.had_environment = False
        self.address = ""  # of the other end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a fresh connection (asyncio calls this)."""
        # A TCP transport; uvloop's is none of asyncio.Transport's subclasses.
        # Both loops' TCP transports set TCP_NODELAY themselves.
        self._transport = cast(asyncio.Transport, transport)
        self.address = address_of(transport)
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
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
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
        self._deadline = self._loop.time() + within
        if self._timer is None or self._deadline < self._timer_at:
            self._set_timer()
        try:
            self._transport.write(line)
            return await waiting
        finally:
            if not waiting.done() or waiting.cancelled():
                # The handler was cancelled: the reply still to come would answer the next command.
                self.end(AgiClosed("cancelled in the middle of a command"))
            self._waiting = None

    def _set_timer(self) -> None:
        """One timer follows the deadlines: making one for each command costs more than the rest."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._deadline
        self._timer = self._loop.call_at(self._deadline, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._waiting is None or self._waiting.done():
            return
        if self._loop.time() >= self._deadline:
            self.end(AgiTimeout("no reply in time"))
        else:
            self._set_timer()

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
