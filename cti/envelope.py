"""What travels over Redis, as bytes: an event, a wish or its reply, and who sent it. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from cti.bus import EventCodec
from cti.wishes import CommandDone, CommandRefused, Reply, Wish


class Envelope(Struct, frozen=True):
    """What travels: who sent it, and an event, wish or reply as JSON."""

    origin: str
    data: msgspec.Raw
    id: str = ""  # of a wish and of its reply


class Post:
    """Packs what leaves the process `origin`, and unpacks what comes from others.

    `events`: base classes of what may travel. Whatever cannot be understood (garbage, another
    version's event) raises ValueError.
    """

    def __init__(self, origin: str, events: Iterable[type[Struct]]) -> None:
        self._origin = origin
        self._codec = EventCodec(events)
        self._envelopes = msgspec.json.Decoder(Envelope)
        self._wishes = msgspec.json.Decoder(_union(Wish))
        self._replies = msgspec.json.Decoder(CommandDone | CommandRefused)

    def kind(self, name: str) -> type[Struct] | None:
        """The event class of that name, None if it is not registered."""
        return self._codec.kind(name)

    def pack(self, thing: Struct, thing_id: str = "") -> bytes:
        """An event, wish or reply in its envelope."""
        data = msgspec.Raw(msgspec.json.encode(thing))
        return msgspec.json.encode(Envelope(self._origin, data, thing_id))

    def unpack(self, packed: bytes) -> Envelope:
        """The envelope; what is in it stays JSON until somebody wants it."""
        return self._envelopes.decode(packed)

    def event(self, name: str, envelope: Envelope) -> Struct:
        """The event in it, of a class that `kind` knows."""
        return self._codec.decode(name, bytes(envelope.data))

    def wish(self, envelope: Envelope) -> Wish:
        """The wish in it."""
        wish: Wish = self._wishes.decode(envelope.data)
        return wish

    def reply(self, envelope: Envelope) -> Reply:
        """The reply in it."""
        reply: Reply = self._replies.decode(envelope.data)
        return reply


def _union(base: type[Struct]) -> Any:
    """Every concrete wish, told apart by its tag."""
    kinds: Any = None
    for kind in base.__subclasses__():
        deeper = _union(kind)
        for one in (deeper,) if deeper is not None else (kind,):
            kinds = one if kinds is None else kinds | one
    return kinds
