"""The journal as facts: portion after portion, each with the cursor and the state it leaves.

Whoever commits a portion commits its `cursor` and `state` with it, and begins there after a
restart: no record is told twice or left out, whatever became of files and processes meanwhile.

What was read of a call is interpreted and told when the call has ended, or after some minutes
(`cti/interpret/gather.py`): a call is then written once, not each time a little more of it is read,
and in whichever order its channels were written. Until then the live side tells of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from cti import events
from cti.events import CallFact, Lost
from cti.interpret.cel import CelInterpreter
from cti.interpret.gather import SETTLE, Gathering, Group, Told, told
from cti.interpret.mend import mended
from cti.interpret.saved import restored, saved
from cti.journal import MOST_BYTES, MOST_REJECTS, SAMPLE, Batch, Cursor, Journal, Reject
from cti.journal_records import Record
from cti.where import where


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
AnyJournalFact = (
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
    | events.CallCutOff
    | events.CallTransferred
    | events.CallEnded
    | events.RecordingStarted
    | events.RecordingStopped
)


class Encoded(Struct, gc=False):
    """A portion, its facts as they are stored, and what who read ahead made of others."""

    portion: Portion
    facts: list[bytes]
    instead: bytes = b""


class _State(Struct):
    """Kept beside the cursor: what the interpreter knows, and what was gathered.

    `held`: what an older program had interpreted and not told.
    """

    world: bytes = b""
    groups: list[Group] = []
    held: dict[str, list[AnyJournalFact]] = {}


_encoder = msgspec.msgpack.Encoder()
_encode_fact = _encoder.encode
_decoder = msgspec.msgpack.Decoder(_State)


def encoded(portion: Portion) -> Encoded:
    """The portion with its facts encoded, which are clean texts (cti/journal_records.py)."""
    return Encoded(portion, [_encode_fact(fact) for fact in portion.facts])


class JournalReader:
    """Reads one Asterisk's records on from where a cursor stands. Not for several threads at once.

    `extensions`: agent -> extension, for every agent.
    """

    def __init__(
        self,
        journal: Journal,
        extensions: Mapping[str, str],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.journal = journal
        self.extensions = extensions
        self._now = now
        self._cursor: Cursor = {}
        self._told_at: datetime | None = None
        self._by = CelInterpreter(journal.system, extensions)
        self._gathering = self._new_gathering()
        self._held: list[CallFact] = []
        self._aside: list[Reject] = []

    def _new_gathering(self) -> Gathering:
        return Gathering(self._by.world.agent_of, self._by.world.over.__contains__)

    @property
    def cursor(self) -> Cursor:
        """How far each file was read, maybe not yet committed."""
        return self._cursor

    def place(self) -> tuple[Cursor, bytes]:
        """Where it stands, for another reader to `restore`."""
        return self._cursor, self._state()

    @property
    def unknown(self) -> int:
        """Records of channels whose beginning was not read."""
        return self._by.unknown

    def restore(self, cursor: Mapping[str, int], state: bytes) -> None:
        """Go on from here; a state that cannot be read (of a newer program) is as none."""
        self._cursor = dict(cursor)
        try:
            found = _decoder.decode(state) if state else _State()
            self._by = restored(found.world, self.journal.system, self.extensions)
        except msgspec.MsgspecError:
            found, self._by = _State(), CelInterpreter(self.journal.system, self.extensions)
        self._held = [fact for facts in found.held.values() for fact in facts]
        self._gathering = self._new_gathering()
        for group in found.groups:
            self._gathering.put_back(group)

    def next(self, most: int = MOST_BYTES) -> Portion | None:
        """The next portion, None if there is nothing new. Reads files: not for the event loop.

        Raises OSError.
        """
        batch = self.journal.read(self._cursor, most)
        add = self._gathering.add
        for line in batch.lines:
            try:
                add(line.record)
            except Exception as error:  # noqa: BLE001 - one record is at stake here, all beyond
                self._put_aside(line.record, where(error))
        if batch.lines:
            self._told_at = batch.lines[-1].record.at
        calls = self._ready(batch)
        if not (batch.moved or calls or self._held):
            return None
        self._cursor = batch.cursor
        return self._portion(
            self._told(calls),
            records=len(batch.lines),
            rejects=batch.rejects,
            rejected=batch.rejected,
            told_at=self._told_at,
            left=batch.left,
        )

    def _portion(
        self, facts: list[CallFact], rejects: Sequence[Reject] = (), rejected: int = 0, **more: Any
    ) -> Portion:
        aside, self._aside = self._aside, []
        return Portion(
            system=self.journal.system,
            facts=facts,
            cursor=self._cursor,
            state=self._state(),
            rejects=[*rejects, *aside[:MOST_REJECTS]],
            rejected=rejected + len(aside),
            **more,
        )

    def _ready(self, batch: Batch) -> list[Told]:
        """What can be interpreted: of calls that have ended and, if there is nothing more to read,
        have not just been written of. A clock that runs behind the records tells nothing of that.
        """
        latest = [group.last for group in self._gathering.groups]
        if not latest:
            return []
        newest = max((line.record.eventtime for line in batch.lines), default=max(latest))
        at_end = not batch.moved or batch.left == 0
        age = self._now() - newest
        return self._gathering.ready(newest, all_settled=at_end and not 0 <= age < SETTLE)

    def _told(self, calls: Iterable[Told]) -> list[CallFact]:
        facts, self._held = self._held, []
        for call in calls:
            facts += self._read(self._by, call)
        return facts

    def _read(self, by: CelInterpreter, call: Told) -> list[CallFact]:
        """What the records of a call tell. One that cannot be understood is put aside alone, as if
        it had been lost: neither the rest of its call hangs on it, nor any other."""
        records: Sequence[Record] = call.records
        if call.failed:
            self._put_aside(records[0], call.failed)
        try:
            records = mended(records, by.world, by.queued)
        except Exception as error:  # noqa: BLE001 - one call is at stake here, all beyond
            self._put_aside(records[0], where(error))
        facts: list[CallFact] = []
        feed = by.feed
        for record in records:
            try:
                facts += feed(record)
            except Exception as error:  # noqa: BLE001 - one record is at stake here, all beyond
                self._put_aside(record, where(error))
        left = [leg_id for leg_id in call.over if leg_id in by.world.legs]
        if left:  # what ended them was put aside, and nothing of a call stays for ever
            facts += self._lost(by, records[-1].at, left, "unknown")
        return facts

    def _lost(
        self, by: CelInterpreter, at: datetime, leg_ids: list[str], how: Lost
    ) -> list[CallFact]:
        try:
            return by.lose(at, leg_ids, how)
        except Exception:  # noqa: BLE001 - what cannot be ended is forgotten
            by.forget(leg_ids)
            return []

    def _put_aside(self, record: Record, why: str) -> None:
        """Kept like a line that is no record, by its call and time; told as an alarm."""
        call = f"call {record.linkedid or record.uniqueid}".encode("ascii", "replace").decode()
        what = f"{why}: ".encode() + repr(record).encode("utf-8", "backslashreplace")
        position = int(record.eventtime * 1_000_000)
        self._aside.append(Reject(call[:64], position, "not understood", what[:SAMPLE], used=False))

    def _state(self) -> bytes:
        return _encoder.encode({"world": saved(self._by), "groups": list(self._gathering.groups)})

    def going_on(self) -> list[CallFact]:
        """What was read of calls that have not ended, and is not told yet."""
        by = restored(saved(self._by), self.journal.system, self.extensions)
        gathered = [each for group in self._gathering.groups for each in group.records]
        facts = self._read(by, told(gathered))
        self._aside.clear()
        return facts

    def open_legs(self) -> dict[str, tuple[str, datetime]]:
        """Channels that have not ended as far as was read: an id of their call, its beginning."""
        legs = self._by.world.legs.values()
        found = {leg.id: (leg.call.id, leg.call.arrived_at) for leg in legs}
        for group in self._gathering.groups:
            begun = datetime.fromtimestamp(group.since, UTC)
            for leg_id in group.open:
                found.setdefault(leg_id, (group.ids[0], begun))
        return found

    def lose(self, leg_ids: Iterable[str], at: datetime, how: Lost = "unknown") -> Portion:
        """These channels are gone, and no record will say so."""
        gone = list(leg_ids)
        facts = self._told(self._gathering.give_up(gone))
        return self._portion(facts + self._lost(self._by, at, gone, how))
