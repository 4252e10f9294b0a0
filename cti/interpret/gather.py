"""Asterisk's records of a call, gathered until all are there and put into one order.

Every channel has a thread of its own, and they write into one file: within a channel the records
come in order, between channels anyhow. What a call is must not hang on that. So its records are
kept until its channels have ended and nothing late is to be expected, and are then read in the
order of their times: the same for every interleaving of the same channels. Where times are equal,
a start comes before what happens to it, and an end last.

Which channels belong together say linkedids, bridges, the records of transfers and pickups, and an
agent who dials while another channel of theirs is there (a consultation, which no id joins to its
call).

A record may be there twice, or be lost (cti/interpret/mend.py makes up for it): a channel is there
from the first record that names it, and has ended for good with its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct, structs

from cti.journal_records import Record
from cti.where import where

SETTLE = 2.0  # seconds: later than that no thread writes what it has seen
LONG = 300.0  # seconds: a call that goes on for longer is told meanwhile
SET_BACK = 5.0  # seconds back within one channel: not a thread was late, but the clock was set
MOST_SET_BACK = 20  # times that a clock is set back in one call; then times are taken as they are
ENDS = frozenset({"HANGUP", "CHAN_END"})
DIALLED = "(Outgoing Line)"  # the application's data of a channel that is being rung, or was
# Records that name channels of another call, or the room where they meet, and where.
NAMED = {
    "BRIDGE_ENTER": ("bridge_id",),
    "BRIDGE_EXIT": ("bridge_id",),
    "ATTENDEDTRANSFER": (
        "channel2_uniqueid",
        "transferee_channel_uniqueid",
        "transfer_target_channel_uniqueid",
    ),
    "PICKUP": ("pickup_channel_uniqueid",),
}
WAITING_ROOM = "holding_bridge"  # nobody talks there: who is parked beside whom says nothing
NOTHING = "LINKEDID_END"  # ends no call, and comes when its channels have ended


class Stay(Struct):
    """One channel of an agent's device: whose, from when to when, and whether it dialled."""

    agent: str
    since: float
    until: float | None = None
    dials: bool = False


class Group(Struct, eq=False):
    """Channels that belong together, and what was read of them and not interpreted yet."""

    since: float  # of the first of `records`
    last: float
    records: list[Record] = []
    ids: list[str] = []
    open: dict[str, None] = {}
    stays: dict[str, Stay] = {}  # channel -> the agent's stay
    ended: dict[str, None] = {}  # channels whose end was read


class Told(Struct):
    """What can be interpreted of one call, in order. `over`: its ids, if it is over."""

    records: list[Record]
    over: Sequence[str] = ()
    failed: str = ""  # why its records could not be put into order; they are as they were read


class Gathering:
    """The calls of one Asterisk that are being read. `agent_of`: channel's name -> agent;
    `is_over`: whether a channel ended in a call that was told."""

    def __init__(
        self,
        agent_of: Callable[[str], str | None],
        is_over: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._agent_of = agent_of
        self._is_over = is_over
        self._of: dict[str, Group] = {}  # uniqueid or linkedid -> group
        self.groups: dict[Group, None] = {}
        self._dials: dict[str, Stay] = {}  # channels that an agent dials from
        self._bridged: set[str] = set()  # channels that entered a bridge

    def add(self, record: Record) -> None:
        """One more record, in the order of the file."""
        kind = record.eventtype
        if kind == NOTHING:
            return
        group = self._of.get(record.uniqueid)
        if group is None and self._is_over(record.uniqueid):
            return  # once more, or late: it has been told what became of this channel
        if group is None or self._of.get(record.linkedid) is not group:
            group = self._joined(record.uniqueid, record.linkedid, record.eventtime)
        if not group.records:
            group.since = record.eventtime
        group.records.append(record)
        group.last = max(group.last, record.eventtime)
        if kind in ENDS:
            self._ends(group, record)
            return
        if record.uniqueid not in group.open and record.uniqueid not in group.ended:
            self._begins(group, record)
        if kind in NAMED and not self._was_named(record):
            named = record.extra()
            if named.get("bridge_technology") != WAITING_ROOM:
                for place in NAMED[kind]:
                    other = named.get(place, "")
                    if other not in {"", "N/A"} and self._of.get(other) is not group:
                        group = self._joined(record.uniqueid, other, record.eventtime)

    def _was_named(self, record: Record) -> bool:
        """Whether a bridge that a channel leaves is known, from when it entered it."""
        if record.eventtype == "BRIDGE_ENTER":
            self._bridged.add(record.uniqueid)
        elif record.eventtype == "BRIDGE_EXIT" and record.uniqueid in self._bridged:
            self._bridged.discard(record.uniqueid)
            return True
        return False

    def ready(self, newest: float, *, all_settled: bool) -> list[Told]:
        """What can be interpreted now, call by call; it is forgotten here.

        `newest`: the time up to which was read. `all_settled`: there is nothing more to read, and
        has not been for a while.
        """
        found: list[Told] = []
        before = newest - SETTLE
        for group in list(self.groups):
            if group not in self.groups:
                continue  # joined to another one just now
            goes_on_long = bool(group.records) and newest - group.since > LONG
            if goes_on_long or not group.open:
                self._call_in(group)
            if not group.open and (all_settled or group.last <= before):
                found.append(told(group.records, group.ids))
                self._forget(group)
            elif goes_on_long:
                found.append(_until(group, newest if all_settled else before))
        return found

    def give_up(self, channels: Iterable[str]) -> list[Told]:
        """These have no end in the records: what there is of their calls."""
        found: list[Told] = []
        for channel in channels:
            group = self._of.get(channel)
            if group is None or group not in self.groups:
                continue
            group.open.pop(channel, None)
            found.append(told(group.records))
            group.records = []
            if not group.open:
                self._forget(group)
        return found

    def put_back(self, group: Group) -> None:
        """A group that another process had gathered; no channel of it is known here."""
        self.groups[group] = None
        for each in group.ids:
            self._of[each] = group
        self._dials |= {leg: stay for leg, stay in group.stays.items() if stay.dials}

    def _begins(self, group: Group, record: Record) -> None:
        group.open[record.uniqueid] = None
        agent = self._agent_of(record.channame)
        if agent is None:
            return
        dials = record.exten not in {"", "s"} and record.appdata != DIALLED
        stay = Stay(agent, record.eventtime, dials=dials)
        group.stays[record.uniqueid] = stay
        if dials:
            self._dials[record.uniqueid] = stay

    def _ends(self, group: Group, record: Record) -> None:
        group.open.pop(record.uniqueid, None)
        group.ended[record.uniqueid] = None
        self._bridged.discard(record.uniqueid)
        stay = group.stays.get(record.uniqueid)
        if stay is not None and stay.until is None:
            stay.until = record.eventtime

    def _joined(self, one: str, other: str, at: float) -> Group:
        """The group that both ids belong to from now on."""
        group, second = self._of.get(one), self._of.get(other or one)
        if group is None:
            group = second
        elif second is not None and second is not group:
            group = self._united(group, second)
        if group is None:
            group = Group(since=at, last=at)
            self.groups[group] = None
        for each in {one, other} - {""}:
            if each not in self._of:
                self._of[each] = group
                group.ids.append(each)
        return group

    def _united(self, one: Group, other: Group) -> Group:
        """Records stay in the order of each channel: no channel is in both."""
        for each in other.ids:
            self._of[each] = one
        one.ids += other.ids
        one.records += other.records
        one.open |= other.open
        one.stays |= other.stays
        one.ended |= other.ended
        one.since, one.last = min(one.since, other.since), max(one.last, other.last)
        del self.groups[other]
        return one

    def _call_in(self, group: Group) -> None:
        """The calls in which an agent of this one was while dialling, and those dialled in it."""
        for channel, dial in self._dials.items():
            dialled = self._of[channel]
            if dialled is group:
                for other in list(self.groups):
                    if other is not group and _there(other, dial):
                        self._united(group, other)
            elif _there(group, dial):
                self._united(group, dialled)

    def _forget(self, group: Group) -> None:
        del self.groups[group]
        for each in group.ids:
            del self._of[each]
        for channel in group.stays:
            self._dials.pop(channel, None)


def told(records: list[Record], over: Sequence[str] = ()) -> Told:
    """These records, as they can be interpreted."""
    try:
        return Told(in_order(records), over)
    except Exception as error:  # noqa: BLE001 - one call is at stake here, all reading beyond
        return Told(records, over, where(error))


def _until(group: Group, before: float) -> Told:
    """What a call that goes on for long has told until then; the rest waits."""
    call = told(group.records)
    records = call.records
    many = next((n for n, each in enumerate(records) if each.eventtime > before), len(records))
    call.records, group.records = records[:many], records[many:]
    if group.records:
        group.since = group.records[0].eventtime
    return call


def _there(group: Group, dial: Stay) -> bool:
    """Whether the agent who dials was in this call then."""
    return any(
        stay.agent == dial.agent
        and stay.since < dial.since
        and (stay.until is None or stay.until > dial.since)
        for stay in group.stays.values()
    )


def in_order(records: Sequence[Record]) -> list[Record]:
    """One order for all interleavings of these channels: by time, each channel's own order kept.

    A record that is there twice is one; time that was set back goes on from where it was.
    """
    placed = _placed(records)
    if placed is None:
        records = list(dict.fromkeys(records))
        for _ in range(MOST_SET_BACK):
            if (mended := _as_if_never_set_back(records)) is None:
                break
            records = mended
        placed = _placed(records, as_they_are=True) or []
    placed.sort()
    return [each[3] for each in placed]


_Placed = tuple[tuple[float, int], str, int, Record]


def _placed(records: Sequence[Record], *, as_they_are: bool = False) -> list[_Placed] | None:
    """Each with its place in time; None if a channel's are not in order, which may have causes."""
    latest: dict[str, _Placed] = {}
    placed: list[_Placed] = []
    for number, record in enumerate(records):
        own = latest.get(record.uniqueid)
        place = record.eventtime, _rank(record)
        if own is not None and place <= own[0]:
            if not as_they_are and (place < own[0] or record == own[3]):
                return None
            place = own[0]
        found = latest[record.uniqueid] = (place, record.uniqueid, number, record)
        placed.append(found)
    return placed


def _rank(record: Record) -> int:
    """Among what has one time: a call's first channel, other starts, the rest, ends."""
    if record.eventtype == "CHAN_START":
        return 0 if record.uniqueid == record.linkedid else 1
    return 3 if record.eventtype in ENDS else 2


def _as_if_never_set_back(records: Sequence[Record]) -> list[Record] | None:
    """The clock was set back during a call: what followed goes on from where it was. None if it
    was not.

    Nothing tells how long the call went on between the last record before and the first one after:
    no time at all. A channel that began after it has all its times before those of the others.
    """
    first: dict[str, float] = {}
    latest: dict[str, float] = {}
    there: set[str] = set()  # channels that were there when it was set
    follows: list[bool] = []
    for each in records:
        first.setdefault(each.uniqueid, each.eventtime)
        newest = latest.get(each.uniqueid, each.eventtime)
        if each.eventtime < newest - SET_BACK:
            there.add(each.uniqueid)
        latest[each.uniqueid] = max(newest, each.eventtime)
        follows.append(each.uniqueid in there)
    if not there:
        return None
    began = min(first[channel] for channel in there) - SET_BACK
    follows = [f or first[r.uniqueid] < began for r, f in zip(records, follows, strict=True)]
    told = [(r.eventtime, f) for r, f in zip(records, follows, strict=True)]
    back = max(at for at, after in told if not after) - min(at for at, after in told if after)
    return [
        structs.replace(record, eventtime=record.eventtime + back) if after else record
        for record, after in zip(records, follows, strict=True)
    ]
