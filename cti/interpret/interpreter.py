"""AMI messages in, facts out: the table applied, and the comparison after each login."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from cti import events as e
from cti.ami.wire import Message
from cti.conversation import call_id_of
from cti.events import Fact
from cti.interpret.legs import Leg
from cti.interpret.table import TABLE, known, place, when
from cti.interpret.world import Facts, World
from cti.number import LONGEST, whole

EXPECTED = 200  # originated calls whose first channel has not come yet


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

    def feed(self, message: Message) -> list[Fact]:
        """The facts of one event; none for one that is not in the table."""
        handler = TABLE.get(message.name)
        out: Facts = []
        if handler is not None:
            handler(self.world, message, when(message, self._clock), out)
        return out

    def expect(self, uniqueid: str, dialed: str) -> None:
        """A channel with this uniqueid is about to be originated, to dial `dialed`."""
        expected = self.world.expected
        expected[uniqueid] = dialed
        while len(expected) > EXPECTED:
            del expected[next(iter(expected))]

    def channel_of(self, agent: str, call_id: str) -> str | None:
        """The name of the agent's channel in a call, None if there is none."""
        call = self.world.calls.get(self.world.ids.resolve(call_id))
        for leg in () if call is None else call.legs.values():
            if leg.agent == agent:
                return leg.channel
        return None

    def call_of(self, message: Message) -> str | None:
        """The call that an event belongs to, by its channel's ids; None if it is about none."""
        ids = self.world.ids
        unique, linked = message.get("Uniqueid"), message.get("Linkedid")
        known = ids.find(unique) or ids.find(linked)
        return known or (call_id_of(self.system, linked or unique) if linked or unique else None)

    def legs_of(self, agent: str) -> list[Leg]:
        """Every live leg of an agent."""
        return [leg for leg in self.world.legs.values() if leg.agent == agent]

    def restart(self, at: datetime) -> list[Fact]:
        """Asterisk started anew: every leg we knew is gone, every id means nothing any more."""
        out: Facts = []
        self._end_all(out, at, list(self.world.legs.values()))
        self.world = World(self.system, self._extensions)
        return out

    def resync(
        self,
        at: datetime,
        channels: Sequence[Message],
        entries: Iterable[Message],
        *,
        waiting_rooms: frozenset[str] = frozenset(),
    ) -> list[Fact]:
        """What differs between us and Asterisk's `CoreShowChannels` and `QueueEntry` items.

        `waiting_rooms`: bridges in which nobody talks (parking, holding).
        """
        world, out = self.world, Facts()
        there = {m.get("Uniqueid"): m for m in channels if m.get("Uniqueid")}
        self._end_all(out, at, [leg for leg in world.legs.values() if leg.id not in there])
        # The first channel of a call first, so that its id and direction are the call's.
        for m in sorted(channels, key=lambda m: m.get("Uniqueid") != m.get("Linkedid")):
            if m.get("Uniqueid") and m.get("Uniqueid") not in world.legs:
                self._begin(out, at, m)
        self._compare_queues(out, at, entries)
        for m in there.values():
            leg = world.legs.get(m.get("Uniqueid"))
            if leg is None:
                continue
            world.relink(out, at, leg, m.get("Linkedid"))
            bridge = m.get("BridgeId")
            self._compare_leg(out, at, leg, m, "" if bridge in waiting_rooms else bridge)
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
        self.world.start(
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
            self.world.part(out, at, leg)
        if bridge:
            self.world.join(out, at, leg, bridge)
        elif m.get("ChannelStateDesc") == "Ringing":
            waiting = leg.call.waiting
            self.world.offer(out, at, leg, None if waiting is None else waiting.queue)

    def _compare_queues(self, out: Facts, at: datetime, entries: Iterable[Message]) -> None:
        world, waiting = self.world, dict[str, list[tuple[int, str]]]()
        still: set[str] = set()
        for m in entries:
            leg = world.legs.get(m.get("Uniqueid"))
            if leg is None:
                continue
            position = place(m)
            still.add(leg.call.id)
            world.join_queue(out, at - _seconds(m.get("Wait")), leg, m.get("Queue"), position)
            waiting.setdefault(m.get("Queue"), []).append((position, leg.call.id))
        for call in world.calls.values():
            if call.waiting is not None and call.id not in still:
                world.leave_queue(out, at, call, "unknown")
        for queue, places in waiting.items():
            order = tuple(call_id for _, call_id in sorted(places))
            out.append(e.QueueChanged(at=at, system=self.system, queue=queue, waiting=order))

    def _end_all(self, out: Facts, at: datetime, legs: Iterable[Leg]) -> None:
        for leg in legs:
            self.world.end(out, at, leg, cause=0, lost=True)


def _seconds(value: str) -> timedelta:
    return timedelta(seconds=whole(value, 0, most=LONGEST))


def _duration(value: str) -> timedelta:
    """`HH:MM:SS`, as CoreShowChannels tells it."""
    parts = [whole(part, -1, most=LONGEST) for part in value.split(":")]
    if len(parts) != 3 or min(parts) < 0:
        return timedelta()
    hours, minutes, seconds = parts
    return timedelta(seconds=min(hours * 3600 + minutes * 60 + seconds, LONGEST))
