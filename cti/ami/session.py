"""One TCP connection to the manager interface: from its first byte to its last.

The reader (`data_received`) sorts messages: answers to their pending futures, events to
`on_event`. It never waits, and one call of it handles at most what one read of the socket gave.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from itertools import count
from secrets import token_hex
from typing import cast

import structlog

from cti.ami.errors import AmiBusy, AmiDown, AmiRefused, AmiTimeout
from cti.ami.genuine import Genuine
from cti.ami.wire import AmiParser, Message, encode_action
from cti.where import where

log = structlog.get_logger(__name__)

MAX_PENDING = 512  # actions under way
MAX_UNSENT = 256 * 1024  # bytes Asterisk has not taken yet
MAX_ITEMS = 50_000  # of one list
MUCH = 64 * 1024  # bytes in one read: we are behind, and more is there already

Headers = Sequence[tuple[str, str]]


class _Pending:
    """An action under way; `items` is None unless a list is awaited."""

    __slots__ = ("future", "items")

    def __init__(self, future: asyncio.Future[Message], items: list[Message] | None) -> None:
        self.future = future
        self.items = items

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def finish(self, message: Message) -> None:
        if not self.future.done():
            self.future.set_result(message)


class AmiSession(asyncio.Protocol):
    """One connection; after `cut` it is of no more use."""

    def __init__(self, wanted: frozenset[str] | None, on_event: Callable[[Message], None]) -> None:
        loop = asyncio.get_running_loop()
        self._parser = AmiParser(wanted)
        self._wanted = wanted
        self._on_event = on_event
        self._pending: dict[str, _Pending] = {}
        self._lists = 0
        # Nobody who makes Asterisk write something may guess what answers us.
        self._ids = (f"ringdesk-{token_hex(6)}-{number}" for number in count(1))
        self._genuine: Genuine | None = None
        self._transport: asyncio.Transport | None = None
        self.greeted: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[str] = loop.create_future()  # its result is the reason
        self.chunks = 0  # reads so far: it changes while the other side lives
        self.unclaimed = 0  # answers nobody waits for: to pings, or after their time
        self._refused = 0

    @property
    def banner(self) -> str:
        """Asterisk's greeting, such as `Asterisk Call Manager/11.0.0`."""
        return self._parser.banner

    @property
    def refused(self) -> int:
        """Events that Asterisk did not write as they came, and what is no message at all."""
        return self._refused + self._parser.dropped

    def trust_only(self, mark: str) -> None:
        """From now on only events of the Asterisk of this name are handed on; "": it has none."""
        self._genuine = Genuine(mark) if mark else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a fresh connection (asyncio calls this)."""
        # A TCP transport; uvloop's is none of asyncio.Transport's subclasses.
        self._transport = cast(asyncio.Transport, transport)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.ended.done():
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Sort what one read gave (asyncio calls this)."""
        self.chunks += 1
        on_event = self._on_event
        for message in self._parser.feed(data):
            if message.is_event and not (self._lists and self._list_item(message)):
                if self._genuine is not None and not self._genuine.event(message):
                    self._refused += 1
                    continue
                try:
                    on_event(message)
                except Exception as error:  # noqa: BLE001 - the reader outlives its listeners
                    log.error("ami.on_event_failed", event_name=message.name, error=where(error))
            elif not message.is_event:
                self._answer(message)
        if not self.greeted.done() and self._parser.banner:
            self.greeted.set_result(None)
        if len(data) >= MUCH:
            self._let_others_run()

    def _let_others_run(self) -> None:
        # uvloop reads on as long as there is anything, 32 times in a row: a backlog of seconds
        # would keep screens, the database and our own pings waiting for all of it.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._read_on, self._transport)

    @staticmethod
    def _read_on(transport: asyncio.Transport) -> None:
        if not transport.is_closing():
            transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone (asyncio calls this)."""
        self.cut("closed by Asterisk" if exc is None else f"broken: {type(exc).__name__}")

    def cut(self, why: str) -> None:
        """End it now and fail everything pending. Only the first reason counts."""
        if not self.ended.done():
            self.ended.set_result(why)
        if not self.greeted.done():
            self.greeted.set_exception(AmiDown(why))
            self.greeted.exception()  # nobody need have waited
        if self._transport is not None:
            self._transport.abort()
        pending, self._pending = self._pending, {}
        for each in pending.values():
            each.fail(AmiDown(why))

    def post(self, name: str, headers: Headers) -> str:
        """Send an action nobody waits for; returns its ActionID."""
        if self._transport is None or self.ended.done():
            raise AmiDown("not connected to Asterisk")
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            raise AmiBusy("Asterisk does not read our actions")
        action_id = next(self._ids)
        data = encode_action(name, (("ActionID", action_id), *headers))
        self._transport.write(data)
        return action_id

    async def ask(self, name: str, headers: Headers, within: float) -> Message:
        """Send an action, wait `within` seconds for its answer."""
        return await self._ask(name, headers, within, None)

    async def ask_list(self, name: str, headers: Headers, within: float) -> list[Message]:
        """Send an action, wait `within` seconds for the whole list that answers it."""
        items: list[Message] = []
        self._lists += 1
        self._parser.keep_answers = True
        try:
            await self._ask(name, headers, within, items)
        finally:
            self._lists -= 1
            self._parser.keep_answers = self._lists > 0
        return items

    async def _ask(
        self, name: str, headers: Headers, within: float, items: list[Message] | None
    ) -> Message:
        if len(self._pending) >= MAX_PENDING:
            raise AmiBusy(f"{MAX_PENDING} actions are under way")
        action_id = self.post(name, headers)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._pending[action_id] = _Pending(future, items)
        try:
            async with asyncio.timeout(within):
                return await future
        except TimeoutError:
            raise AmiTimeout(f"no answer to {name} within {within:g} s") from None
        finally:
            self._pending.pop(action_id, None)

    def _answer(self, message: Message) -> None:
        pending = self._pending.get(message.action_id)
        if pending is None:
            self.unclaimed += 1
        elif message.name == "Error":
            pending.fail(AmiRefused(message))
        elif pending.items is None or message.get("EventList").lower() != "start":
            pending.finish(message)

    def _list_item(self, message: Message) -> bool:
        """Whether an event belongs to a list (it is then not for `on_event`)."""
        pending = self._pending.get(message.action_id)
        if pending is None or pending.items is None:
            # An item whose list was given up, or an event that merely carries an ActionID.
            return self._wanted is not None and message.name not in self._wanted
        bracket = message.get("EventList").lower()
        if bracket == "complete":
            pending.finish(message)
        elif bracket == "cancelled":
            pending.fail(AmiRefused(message))
        elif self._genuine is not None and not self._genuine.item(message):
            self._refused += 1
        elif len(pending.items) >= MAX_ITEMS:
            pending.fail(AmiBusy(f"a list of more than {MAX_ITEMS} items"))
        else:
            pending.items.append(message)
        return True
