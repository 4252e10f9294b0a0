"""The journal as facts: portion after portion, each with the cursor and the state it leaves.

Whoever commits a portion commits its `cursor` and `state` with it, and begins there after a
restart: no record is told twice or left out, whatever became of files and processes meanwhile.

What was read of a call is told when the call has ended, or after `HOLD`: a call is then written
once, not each time a little more of it is read. Until then the live side tells of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from cti import events
from cti.events import CallEnded, CallFact, CallMerged, Lost
from cti.interpret.cel import CelInterpreter
from cti.interpret.saved import restored, saved
from cti.journal import MOST_BYTES, Cursor, Journal, Reject

HOLD = timedelta(minutes=5)


class Portion(Struct, kw_only=True):
    """What one reading told."""

    system: str
    facts: list[CallFact]
    cursor: Cursor
    state: bytes
    records: int = 0
    rejects: list[Reject] = []
    rejected: int = 0
    told_at: datetime | None = None  # Asterisk's time of the newest record
    left: int = 0  # bytes that were not read yet


# Every kind of fact that a record tells; each says itself which one it is.
_AnyFact = (
    events.CallArrived
    | events.CallMerged
    | events.LegStarted
    | events.LegJoined
    | events.LegParted
    | events.LegHeld
    | events.LegResumed
    | events.LegEnded
    | events.CallQueued
    | events.CallLeftQueue
    | events.CallOffered
    | events.CallOfferEnded
    | events.CallAnswered
    | events.CallReleased
    | events.CallTransferred
    | events.CallEnded
    | events.RecordingStarted
    | events.RecordingStopped
)


class _State(Struct):
    """Kept beside the cursor: what the interpreter knows, and what was held back, by call."""

    world: bytes = b""
    held: dict[str, list[_AnyFact]] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_State)


class JournalReader:
    """Reads one Asterisk's records on from where a cursor stands. Not for several threads at once.

    `extensions`: agent -> extension, for every agent.
    """

    def __init__(self, journal: Journal, extensions: Mapping[str, str]) -> None:
        self.journal = journal
        self._extensions = extensions
        self._cursor: Cursor = {}
        self._told_at: datetime | None = None
        self._by = CelInterpreter(journal.system, extensions)
        self._held: dict[str, list[CallFact]] = {}  # of calls that go on, by call

    @property
    def cursor(self) -> Cursor:
        """How far each file was read, maybe not yet committed."""
        return self._cursor

    @property
    def unknown(self) -> int:
        """Records of channels whose beginning was not read."""
        return self._by.unknown

    def restore(self, cursor: Mapping[str, int], state: bytes) -> None:
        """Go on from here; a state that cannot be read (of a newer program) is as none."""
        self._cursor = dict(cursor)
        try:
            found = _decoder.decode(state) if state else _State()
            self._by = restored(found.world, self.journal.system, self._extensions)
            self._held = {call_id: list(facts) for call_id, facts in found.held.items()}
        except msgspec.MsgspecError:
            self._by = CelInterpreter(self.journal.system, self._extensions)
            self._held = {}

    def next(self, most: int = MOST_BYTES) -> Portion | None:
        """The next portion, None if there is nothing new. Reads files: not for the event loop.

        Raises OSError.
        """
        batch = self.journal.read(self._cursor, most)
        if not batch.moved:
            return None
        facts: list[CallFact] = []
        feed = self._by.feed
        for line in batch.lines:
            facts += feed(line.record)
        if batch.lines:
            self._told_at = batch.lines[-1].record.at
        self._cursor = batch.cursor
        return Portion(
            system=self.journal.system,
            facts=self._told(facts),
            cursor=batch.cursor,
            state=self._state(),
            records=len(batch.lines),
            rejects=batch.rejects,
            rejected=batch.rejected,
            told_at=self._told_at,
            left=batch.left,
        )

    def _told(self, facts: Iterable[CallFact]) -> list[CallFact]:
        """Of these and what was held back: all of calls that have ended or go on for long."""
        held, told = self._held, list[CallFact]()
        for fact in facts:
            call = held.setdefault(fact.call_id, [])
            if isinstance(fact, CallMerged):
                call += held.pop(fact.absorbed, ())
            call.append(fact)
            if isinstance(fact, CallEnded):
                told += held.pop(fact.call_id)
        if self._told_at is not None:
            before = self._told_at - HOLD
            for call_id in [each for each, call in held.items() if call[0].at < before]:
                told += held.pop(call_id)
        return told

    def _state(self) -> bytes:
        return _encoder.encode({"world": saved(self._by), "held": self._held})

    def going_on(self) -> list[CallFact]:
        """What was read of calls that have not ended, and is not told yet."""
        return [fact for call in self._held.values() for fact in call]

    def open_legs(self) -> dict[str, tuple[str, datetime]]:
        """Channels that have not ended as far as was read: their call, and when that began."""
        return {leg.id: (leg.call.id, leg.call.arrived_at) for leg in self._by.world.legs.values()}

    def lose(self, leg_ids: Iterable[str], at: datetime, how: Lost = "unknown") -> Portion:
        """These channels are gone, and no record will say so."""
        facts = self._told(self._by.lose(at, list(leg_ids), how))
        return Portion(
            system=self.journal.system,
            facts=facts,
            cursor=self._cursor,
            state=self._state(),
        )
