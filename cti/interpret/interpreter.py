"""AMI messages in, facts out: the table applied, and the comparison after each login."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from cti import events as e
from cti.ami.wire import Message
from cti.conversation import call_id_of
from cti.events import Fact, Lost
from cti.interpret import bridges, merges, offers, parking, queues
from cti.interpret.channels import end, over_without_legs, start
from cti.interpret.early import Early
from cti.interpret.legs import Leg
from cti.interpret.recall import recall
from cti.interpret.set_back import CallTimes
from cti.interpret.table import TABLE, known, place, when
from cti.interpret.trace import Trace
from cti.interpret.world import Facts, World
from cti.number import LONGEST, whole

EXPECTED = 200  # originated calls whose first channel has not come yet
BY_QUEUE = "AppQueue"  # what Asterisk shows as the application of a leg that a queue dialled


class Interpreter:
    """One Asterisk's events as facts. `extensions`: agent -> extension, for every agent."""

    def __init__(
        self,
        system: str,
        extensions: Mapping[str, str],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.system = system
        self._extensions = extensions
        self._clock = clock
        self.world = World(system, extensions)
        self._early = Early()
        self._times = CallTimes()
        self._last: dict[str, datetime] = {}  # recalled call -> its last fact; until the resync

    def feed(self, message: Message) -> list[Fact]:
        """The facts of one event; none for one that is not in the table."""
        handler = TABLE.get(message.name)
        out: Facts = []
        if handler is None:
            return out
        at, ids = when(message, self._clock), self.world.ids
        if self._early.keeps(ids, message, at):
            return self.tick(at)
        handler(self.world, message, self._told_at(message, at), out)
        return out + self.tick(at) if self._early else out

    def _told_at(self, message: Message, at: datetime) -> datetime:
        """Its time on the clock under which its call began."""
        world = self.world
        leg = world.legs.get(message.get("Uniqueid")) or world.legs.get(message.get("DestUniqueid"))
        call_id = world.ids.find(message.get("Linkedid")) if leg is None else leg.call.id
        return at if call_id is None else self._times.at(call_id, at, world.calls)

    def tick(self, now: datetime) -> list[Fact]:
        """Let time pass: what waited for a call's first channel does so no longer than a moment."""
        out: Facts = []
        for message in self._early.due(self.world.ids, now):
            at = self._told_at(message, when(message, self._clock))
            TABLE[message.name](self.world, message, at, out)
        return out

    def expect(self, uniqueid: str, dialed: str) -> None:
        """A channel with this uniqueid is about to be originated, to dial `dialed`."""
        expected = self.world.expected
        expected[uniqueid] = dialed
        while len(expected) > EXPECTED:
            del expected[next(iter(expected))]

    def channel_of(self, agent: str, call_id: str) -> str | None:
        """The name of the agent's channel in a call, None if there is none.

        Of two the one that is not on hold: what an agent hangs up in a consultation is that.
        """
        call = self.world.calls.get(self.world.ids.resolve(call_id))
        everyone = () if call is None else call.legs.values()
        legs = [leg for leg in everyone if leg.agent == agent]
        return min(legs, key=lambda leg: leg.held).channel if legs else None

    def waiting_channel(self, call_id: str) -> str | None:
        """The name of the channel by which a call waits in a queue, None if it does not."""
        call = self.world.calls.get(self.world.ids.resolve(call_id))
        leg = self.world.legs.get(call.waiting.leg_id) if call and call.waiting else None
        return None if leg is None else leg.channel

    def call_of(self, message: Message) -> str | None:
        """The call that an event belongs to, by its channel's ids; None if it is about none."""
        ids = self.world.ids
        unique, linked = message.get("Uniqueid"), message.get("Linkedid")
        known = ids.find(unique) or ids.find(linked)
        return known or (call_id_of(self.system, linked or unique) if linked or unique else None)

    def legs_of(self, agent: str) -> list[Leg]:
        """Every live leg of an agent."""
        return [leg for leg in self.world.legs.values() if leg.agent == agent]

    def recall(self, facts: Sequence[Fact]) -> None:
        """Know the calls that another process told these facts of; before the first `resync`."""
        recall(self.world, facts)
        for fact in facts:
            if isinstance(fact, e.CallFact):
                self._last[self.world.ids.resolve(fact.call_id)] = fact.at

    def restart(self, at: datetime) -> list[Fact]:
        """Asterisk started anew: every leg we knew is gone, every id means nothing any more."""
        out: Facts = []
        self._end_all(out, at, list(self.world.legs.values()), "asterisk")
        self.world = World(self.system, self._extensions)
        self._early, self._times = Early(), CallTimes()
        return out

    def resync(
        self,
        at: datetime,
        channels: Sequence[Message],
        entries: Iterable[Message],
        *,
        waiting_rooms: frozenset[str] = frozenset(),
        traces: Mapping[str, Trace] = MappingProxyType({}),
        boot: datetime | None = None,
    ) -> list[Fact]:
        """What differs between us and Asterisk's `CoreShowChannels` and `QueueEntry` items.

        `waiting_rooms`: bridges in which nobody talks (parking, holding). `traces`: what callers'
        channels carry, by uniqueid. `boot`: when Asterisk started; a call that another process told
        of before that ended with the last thing told, not now. Who holds is known by recall alone:
        Asterisk does not tell.
        """
        world, out = self.world, Facts()
        there = {m.get("Uniqueid"): m for m in channels if m.get("Uniqueid")}
        self._end_vanished(out, at, there, boot)
        # The first channel of a call first, so that its id and direction are the call's.
        for m in sorted(channels, key=lambda m: m.get("Uniqueid") != m.get("Linkedid")):
            if m.get("Uniqueid") and m.get("Uniqueid") not in world.legs:
                self._begin(out, at, m)
        waiting = self._join_queues(out, at, entries)
        shown = {m: world.legs[leg_id] for leg_id, m in there.items() if leg_id in world.legs}
        begun: dict[str, datetime] = {}  # bridge -> since when it must have been talked in
        for m, leg in shown.items():
            merges.relink(world, out, at, leg, m.get("Linkedid"))
            if m.get("BridgeId") and m.get("Application") == BY_QUEUE:
                begun[m.get("BridgeId")] = self._taken(out, at, leg, m, traces)
        for m, leg in shown.items():
            bridge = "" if m.get("BridgeId") in waiting_rooms else m.get("BridgeId")
            self._compare_leg(out, begun.get(bridge, at), leg, m, bridge)
        self._leave_queues(out, at, waiting)
        return out

    def audit(
        self, at: datetime, known_before: Iterable[str], channels: Iterable[Message]
    ) -> list[Fact]:
        """End the legs whose hang-up was missed: known before the list was asked for, not in it.

        Legs that came or went while the list was on its way are left alone.
        """
        out: Facts = []
        there = {m.get("Uniqueid") for m in channels}
        legs = self.world.legs
        gone = [leg_id for leg_id in known_before if leg_id in legs and leg_id not in there]
        self._end_all(out, at, [legs[leg_id] for leg_id in gone])
        return out

    def _begin(self, out: Facts, at: datetime, m: Message) -> None:
        start(
            self.world,
            out,
            at - _duration(m.get("Duration")),
            leg_id=m.get("Uniqueid"),
            linkedid=m.get("Linkedid"),
            channel=m.get("Channel"),
            context=m.get("Context"),
            exten=m.get("Exten"),
            number=known(m.get("CallerIDNum")),
            name=known(m.get("CallerIDName")),
        )

    def _compare_leg(self, out: Facts, at: datetime, leg: Leg, m: Message, bridge: str) -> None:
        if leg.bridge is not None and leg.bridge != bridge:
            bridges.part(self.world, out, at, leg)
        if bridge:
            bridges.join(self.world, out, at, leg, bridge)
            return
        if m.get("BridgeId"):
            parking.park(self.world, out, at, leg)
        else:
            parking.fetch(self.world, out, at, leg)
        if m.get("ChannelStateDesc") == "Ringing":
            waiting = leg.call.waiting
            offers.offer(self.world, out, at, leg, None if waiting is None else waiting.queue)

    def _taken(
        self, out: Facts, at: datetime, leg: Leg, m: Message, traces: Mapping[str, Trace]
    ) -> datetime:
        """An agent took a call out of a queue, maybe while nobody listened; when that was."""
        if leg.agent is None or leg.answered:
            return at
        rang_at = at - _duration(m.get("Duration"))
        call, answered_at = leg.call, at
        for caller in call.legs.values():
            trace = traces.get(caller.id)
            if trace is None:
                continue
            if trace.answered_at is not None:
                answered_at = min(max(trace.answered_at, rang_at), at)
            if call.waiting is None or call.waiting.queue != trace.queue:
                joined_at = min(trace.joined_at or rang_at, answered_at)
                queues.join(self.world, out, joined_at, caller, queue=trace.queue, position=1)
            break
        if call.waiting is not None:
            offers.offer(self.world, out, min(rang_at, answered_at), leg, call.waiting.queue)
        return answered_at

    def _join_queues(
        self, out: Facts, at: datetime, entries: Iterable[Message]
    ) -> dict[str, list[tuple[int, str]]]:
        """Who waits in which queue: place and call id."""
        world, waiting = self.world, dict[str, list[tuple[int, str]]]()
        for m in entries:
            leg = world.legs.get(m.get("Uniqueid"))
            if leg is None:
                continue
            position = place(m)
            since = at - _seconds(m.get("Wait"))
            queues.join(world, out, since, leg, queue=m.get("Queue"), position=position)
            waiting.setdefault(m.get("Queue"), []).append((position, leg.call.id))
        return waiting

    def _leave_queues(
        self, out: Facts, at: datetime, waiting: Mapping[str, list[tuple[int, str]]]
    ) -> None:
        """Who is in none of them any more, and was not taken by an agent, has left it."""
        still = {call_id for places in waiting.values() for _, call_id in places}
        for call in self.world.calls.values():
            if call.waiting is not None and call.id not in still:
                queues.leave(self.world, out, at, call, "unknown")
        for queue, places in waiting.items():
            order = tuple(call_id for _, call_id in sorted(places))
            out.append(e.QueueChanged(at=at, system=self.system, queue=queue, waiting=order))

    def _end_vanished(
        self, out: Facts, at: datetime, there: Container[str], boot: datetime | None
    ) -> None:
        for leg in [leg for leg in self.world.legs.values() if leg.id not in there]:
            last = self._last.get(leg.call.id, at)
            if boot is not None and last < boot:
                self._end_all(out, last, [leg], "asterisk")
            else:
                self._end_all(out, at, [leg])
        for call in [call for call in self.world.calls.values() if not call.legs]:
            # Recalled without a leg: its end was on the way when the other process ended.
            over_without_legs(self.world, out, self._last.get(call.id, at), call)
        self._last.clear()

    def _end_all(
        self, out: Facts, at: datetime, legs: Iterable[Leg], how: Lost = "unknown"
    ) -> None:
        for leg in legs:
            end(self.world, out, at, leg, cause=0, lost=how)


def _seconds(value: str) -> timedelta:
    return timedelta(seconds=whole(value, 0, most=LONGEST))


def _duration(value: str) -> timedelta:
    """`HH:MM:SS`, as CoreShowChannels tells it."""
    parts = [whole(part, -1, most=LONGEST) for part in value.split(":")]
    if len(parts) != 3 or min(parts) < 0:
        return timedelta()
    hours, minutes, seconds = parts
    return timedelta(seconds=min(hours * 3600 + minutes * 60 + seconds, LONGEST))
