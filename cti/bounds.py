"""How many connections a listener holds at once: in all, and of one address.

Descriptors are what a process has least of. Who opens sockets and stays silent gets as many as one
address may have and no more, however long it holds them: the others', the journal's and the
health page's are not for sale. Deadlines are each listener's own; this only counts.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, Final

import structlog

log = structlog.get_logger(__name__)

STUCK: Final = 30_000  # milliseconds that bytes may stay unread at the other side
TOLD_EVERY: Final = 60.0  # seconds between two log lines on refusals


@lru_cache(4_096)
def place_of(address: str) -> str:
    """An address as it is counted: of IPv6 the network, for everybody has 2^64 of them."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None:
        return str(mapped)
    return str(parsed) if parsed.version == 4 else str(ip_network((parsed, 64), strict=False))


def lies_within(address: str, networks: Sequence[str]) -> bool:
    """Whether an address lies in one of these networks; a text that is none lies nowhere."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in ip_network(network, strict=False) for network in networks)


class Bounds:
    """Counts one listener's connections; `most` in all, `each` of one address.

    Addresses in `trusted` networks (reverse proxies of ours) speak for many: for them only `most`
    holds, and who is behind them is counted by a `Bounds` of its own.
    """

    def __init__(self, name: str, most: int, each: int, *, trusted: Sequence[str] = ()) -> None:
        self.name = name
        self.most = most
        self.each = min(each, most)
        self.refused = 0
        self._trusted = tuple(trusted)
        self._held: Counter[str] = Counter()
        self._told = -TOLD_EVERY

    @property
    def held(self) -> int:
        """Connections that are open now."""
        return self._held.total()

    def enter(self, address: str) -> bool:
        """Whether one more may come from there; if so it is counted until `leave`."""
        place = place_of(address)
        full = self.held >= self.most
        if full or (self._held[place] >= self.each and not lies_within(address, self._trusted)):
            self._refuse("the listener is full" if full else "too many of one address")
            return False
        self._held[place] += 1
        return True

    def leave(self, address: str) -> None:
        """One that was let in is gone."""
        place = place_of(address)
        self._held[place] -= 1
        if self._held[place] <= 0:
            del self._held[place]

    def _refuse(self, why: str) -> None:
        self.refused += 1
        now = asyncio.get_running_loop().time()
        if now - self._told >= TOLD_EVERY:  # a line each would be a flood of its own
            self._told = now
            log.warning("listener.refused", listener=self.name, why=why, held=self.held)


def address_of(transport: asyncio.BaseTransport) -> str:
    """Where a connection comes from; "" for one that is gone already."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) and peer else ""


def let_in(bounds: Bounds, transport: asyncio.BaseTransport) -> str | None:
    """The address of a fresh connection, counted; None: refused, and closed without a word."""
    address = address_of(transport)
    if not bounds.enter(address):
        # Both loops' TCP transports have it; uvloop's is none of asyncio.Transport's subclasses.
        closing: Any = transport
        closing.abort()
        return None
    # Who does not read what was asked for would hold the socket, and a file beside it, for ever.
    sock: Any = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK)
    return address


class Guarded(asyncio.Protocol):
    """A protocol behind bounds: one that is refused is never made."""

    def __init__(self, bounds: Bounds, make: Callable[[], asyncio.Protocol]) -> None:
        self._bounds = bounds
        self._make = make
        self._address: str | None = None
        self._inner = asyncio.Protocol()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or close it."""
        self._address = let_in(self._bounds, transport)
        if self._address is None:
            return
        self._inner = self._make()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol; what comes after a refusal is nobody's."""
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """See asyncio.Protocol."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it out."""
        if self._address is not None:
            self._bounds.leave(self._address)
            self._inner.connection_lost(exc)
