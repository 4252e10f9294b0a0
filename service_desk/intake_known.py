"""One call as the intake knows it, and how its facts are stored."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from cti import events as cti
from service_desk.story import Story

CallFacts = dict[bytes, cti.CallFact]

AnyCallFact = (
    cti.CallArrived
    | cti.CallMerged
    | cti.LegStarted
    | cti.LegJoined
    | cti.LegParted
    | cti.LegHeld
    | cti.LegResumed
    | cti.LegEnded
    | cti.CallQueued
    | cti.CallLeftQueue
    | cti.CallOffered
    | cti.CallOfferEnded
    | cti.CallAnswered
    | cti.CallReleased
    | cti.CallCutOff
    | cti.WrapUpEnded
    | cti.CallTransferred
    | cti.CallEnded
    | cti.RecordingStarted
    | cti.RecordingStopped
)
MOST_FACTS = 4_000  # of one call; a call with more is a loop somewhere, and ends all the same

_raw_list = msgspec.msgpack.Decoder(list[msgspec.Raw])
_one_fact = msgspec.msgpack.Decoder(AnyCallFact)
_encoder = msgspec.msgpack.Encoder()


class Known(Struct):
    """One call as last committed.

    `packed`: its facts as they are stored, if that is how they came; `stored`: its conversation's
    row exists, perhaps made by the phone menu; `ended`: that row says when it ended; `closed`: so
    long ago that its facts are swept away.
    """

    call_id: str
    told: CallFacts | None = None
    packed: bytes = b""
    story: Story | None = None
    stored: bool = False
    ended: bool = False
    closed: bool = False

    @property
    def facts(self) -> CallFacts:
        """Its facts, unpacked for the first who asks: of most calls nothing more is told."""
        if self.told is None:
            self.told = unpack(self.packed) if self.packed else {}
        return self.told

    @property
    def is_new(self) -> bool:
        """Whether nothing was told of it before."""
        return not (self.told or self.packed or self.closed)


def pack(facts: Iterable[bytes]) -> bytes:
    """The facts of a call as they are stored."""
    return _encoder.encode([msgspec.Raw(each) for each in facts])


def unpack(stored: bytes) -> CallFacts:
    """Stored facts; those of a newer version's kinds are passed over."""
    facts: CallFacts = {}
    for raw in _raw_list.decode(stored):
        encoded = bytes(raw)
        try:
            facts[encoded] = _one_fact.decode(encoded)
        except msgspec.ValidationError:
            continue
    return facts
