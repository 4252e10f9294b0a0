"""What a lost record would have said, by what the others say of it.

A full disk, a crash or a hostile name can cost a call a line of its records. The lines around it
name the channel, the bridge and the queue all the same: who answers and is bridged is there, who
leaves a bridge or a queue has come into it. What is put in here has the time of the earliest word
of it. The records are those of one call, in order (cti/interpret/gather.py); where none is lost
they stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs

from cti.interpret.gather import DIALLED, WAITING_ROOM
from cti.interpret.world import World
from cti.journal_records import Record

# What a channel does outside of any bridge, or to enter or leave one.
_ALONE = frozenset({"CHAN_START", "ANSWER", "APP_START", "BRIDGE_ENTER", "BRIDGE_EXIT"})

_ENTERS = {"BRIDGE_ENTER": "BRIDGE_EXIT", "APP_START": "APP_END"}
_LEAVES = frozenset(_ENTERS.values())
QUEUE = "Queue"
_Lost = tuple[int, Record]  # before which one it must have stood, and what it said


def mended(records: Sequence[Record], world: World, queued: Mapping[str, str]) -> Sequence[Record]:
    """The records of a call, with what must have been there. `world`, and `queued` (channel -> its
    queue): what earlier parts of the call told."""
    if _complete(records):
        return records
    mending = _Mending(records, world, queued)
    for number, record in enumerate(records):
        mending.look(number, record)
    return mending.done()


def _complete(records: Sequence[Record]) -> bool:
    """Whether nothing can be missing: the usual case, in which there is no need to look closer."""
    there: set[str] = set()
    within: set[tuple[str, str]] = set()
    for record in records:
        kind, channel = record.eventtype, record.uniqueid
        if kind == "CHAN_START":
            there.add(channel)
        elif channel not in there:
            return False
        elif kind in _ENTERS:
            within.add((channel, _ENTERS[kind]))
        elif kind in _LEAVES:
            if (channel, kind) not in within:
                return False
            within.discard((channel, kind))
    return True


class _Mending:
    """One reading of the records; what was found to be lost."""

    def __init__(self, records: Sequence[Record], world: World, queued: Mapping[str, str]) -> None:
        self._records = records
        self._world = world
        self._queued = queued
        self._bridged: set[str] = set()
        self._waiting: set[str] = set()
        self._there: set[str] = set()
        self._alone: dict[str, int] = {}  # channel -> where the last of `_ALONE` is
        self._lost: list[_Lost] = []

    def look(self, number: int, record: Record) -> None:
        """The next record."""
        channel, kind = record.uniqueid, record.eventtype
        if channel not in self._there:
            self._there.add(channel)
            self._begins(number, record)
        if kind in _ALONE:
            if kind == "BRIDGE_ENTER":
                self._bridged.add(channel)
            elif kind == "BRIDGE_EXIT":
                self._leaves_bridge(number, channel)
            elif kind == "APP_START" and record.appname == QUEUE:
                self._waiting.add(channel)
            self._alone[channel] = number
        elif kind == "APP_END" and record.appname == QUEUE:
            self._leaves_queue(number, channel)

    def done(self) -> Sequence[Record]:
        """The records, with those that were lost."""
        if not self._lost:
            return self._records
        found = list(self._records)
        # A channel begins before it enters anything: what was noticed first stands first.
        self._lost.sort(key=lambda each: each[0])
        for place, record in reversed(self._lost):
            found.insert(place, record)
        return found

    def _begins(self, number: int, record: Record) -> None:
        leg = self._world.legs.get(record.uniqueid)
        if leg is None:
            if record.eventtype != "CHAN_START" and record.uniqueid not in self._world.over:
                self._lost += _start(self._records, number)
            return
        if leg.bridge is not None:
            self._bridged.add(leg.id)
        if leg.id in self._queued:
            self._waiting.add(leg.id)

    def _leaves_bridge(self, number: int, channel: str) -> None:
        if channel not in self._bridged:
            self._lost += _entry(self._records, number, self._alone.get(channel, number))
        self._bridged.discard(channel)

    def _leaves_queue(self, number: int, channel: str) -> None:
        if channel not in self._waiting:
            self._lost += _wait(self._records, number)
        self._waiting.discard(channel)


def _start(records: Sequence[Record], number: int) -> list[_Lost]:
    """The start of a channel whose first record this is; before those that it dialled."""
    first = records[number]
    own = [each for each in records[number:] if each.uniqueid == first.uniqueid]
    if all(each.eventtype == "CHAN_END" for each in own):
        return []  # that it was there is all that is known: the CDR tells more
    rung = any(each.appdata == DIALLED for each in own)
    place = next(
        n for n, each in enumerate(records) if first.uniqueid in (each.uniqueid, each.linkedid)
    )
    start = structs.replace(
        first,
        eventtype="CHAN_START",
        eventtime=records[place].eventtime,
        userdeftype="",
        eventextra="",
        appname="",
        appdata="",
        exten="s" if rung else first.dnid or first.exten,
    )
    return [(place, start)]


def _entry(records: Sequence[Record], number: int, before: int) -> list[_Lost]:
    """A channel leaves a bridge: it came when it could, and somebody else was there."""
    exit_ = records[number]
    extra = exit_.extra()
    bridge = extra.get("bridge_id", "")
    if extra.get("bridge_technology") == WAITING_ROOM or not bridge:
        return []
    place = before
    for n, other in enumerate(records[:number]):
        met = other.eventtype == "BRIDGE_ENTER" and other.extra().get("bridge_id") == bridge
        if met and other.uniqueid != exit_.uniqueid:
            place = max(n, before)
            break
    entry = structs.replace(exit_, eventtype="BRIDGE_ENTER", eventtime=records[place].eventtime)
    return [(place + 1 if place < number else place, entry)]


def _wait(records: Sequence[Record], number: int) -> list[_Lost]:
    """A channel leaves a queue: it came there after the last word of it that is not of it."""
    exit_, place, since = records[number], number, number
    for n in range(number - 1, -1, -1):
        record = records[n]
        if record.uniqueid == exit_.uniqueid:
            if record.appdata != exit_.appdata or record.eventtype == exit_.eventtype:
                place, since = n + 1, n
                break
            place = since = n
    start = structs.replace(exit_, eventtype="APP_START", eventtime=records[since].eventtime)
    return [(place, start)]
