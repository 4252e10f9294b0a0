"""What the interpreter knows of one Asterisk: legs, the calls they make up, who is bridged.

Every method tells what happened by appending facts to `out`. All of it tolerates ids it has
never seen and news it has heard before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from cti import events as e
from cti.conversation import Conversations
from cti.events import Direction, EndedBy, Fact, LegEnd, OfferEnd, QueueExit, TransferKind
from cti.interpret.legs import Call, Leg, Waiting

Facts = list[Fact]

# Numbers that only agents reach: places of parked calls (res_parking.conf).
PARKING = frozenset(str(number) for number in range(700, 721))
MOST_LOCALS = 5  # one behind the other
HALVES = 50
REMEMBERED = 2_000  # channels that are gone, whose late events must not bring them back


class About(TypedDict):
    """What every fact about a call says: when, where, of which."""

    at: datetime
    system: str
    call_id: str


class World:
    """One Asterisk's live legs and calls.

    `extensions` maps an agent's name (which is the endpoint's) to their extension.
    """

    def __init__(self, system: str, extensions: Mapping[str, str]) -> None:
        self.system = system
        self.extensions = extensions
        self.internal = frozenset(extensions.values())
        self.ids = Conversations(system)
        self.legs: dict[str, Leg] = {}
        self.over: dict[str, None] = {}  # legs that are gone, oldest first
        self.calls: dict[str, Call] = {}
        self.bridges: dict[str, dict[str, Leg]] = {}
        self.halves: dict[str, str] = {}  # of a Local channel whose beginning was not told yet
        self.expected: dict[str, str] = {}  # uniqueid we chose at Originate -> what is dialled

    def about(self, at: datetime, call_id: str) -> About:
        """What every fact about a call says."""
        return {"at": at, "system": self.system, "call_id": call_id}

    def agent_of(self, channel: str) -> str | None:
        """The agent whose device `PJSIP/<agent>-xxxxxxxx` is, None for any other channel."""
        if not channel.startswith("PJSIP/"):
            return None
        name = channel[6:].rpartition("-")[0]
        return name if name in self.extensions else None

    # -- legs come and go ----------------------------------------------------------------

    def start(
        self,
        out: Facts,
        at: datetime,
        *,
        leg_id: str,
        linkedid: str,
        channel: str,
        context: str,
        exten: str,
        number: str,
        name: str,
    ) -> Leg:
        """A channel exists; the first of a conversation makes the call."""
        known = self.legs.get(leg_id)
        if known is not None:
            return known
        call_id, absorbed = self.ids.absorb(leg_id, linkedid)
        if absorbed is not None:
            self._merge(out, at, call_id, absorbed)
        agent = self.agent_of(channel)
        call, first = self.calls.get(call_id), False
        dialed = self.expected.pop(leg_id, "" if exten == "s" else exten)
        if call is None and agent is not None and dialed:
            call = self._consulted_in(out, at, agent, call_id)
        if call is None:
            call, first = Call(call_id, at), True
            self.calls[call_id] = call
        call_id = call.id
        leg = Leg(leg_id, channel, call, agent)
        leg.other_half = self.halves.pop(leg_id, "")
        if first:
            direction: Direction = "inbound"
            if agent is not None or context == "ringdesk-agents":
                direction = "internal" if self._inside(dialed) else "outbound"
            elif not leg.is_local:
                leg.party = "caller"
                call.called_in = True
            out.append(
                e.CallArrived(
                    **self.about(at, call_id),
                    leg_id=leg_id,
                    channel=channel,
                    direction=direction,
                    caller_number=number,
                    caller_name=name,
                    dialed=dialed,
                    agent=agent,
                )
            )
        self.legs[leg_id] = call.legs[leg_id] = leg
        leg.address = number if leg.party != "external" or exten == "s" else exten
        if not leg.is_local:
            self._tell_start(out, at, leg)
        return leg

    def pair(self, one: str, two: str) -> None:
        """Two channels are the halves of a Local channel; one of them may not be known yet."""
        for half, other in ((one, two), (two, one)):
            leg = self.legs.get(half)
            if leg is not None:
                leg.other_half = other
            elif half and half not in self.over:
                self.halves[half] = other
                while len(self.halves) > HALVES:
                    del self.halves[next(iter(self.halves))]

    def led_by(self, leg: Leg) -> Leg | None:
        """The near half of the first Local channel that leads to a leg: what a queue rings."""
        found: Leg | None = None
        for _ in range(MOST_LOCALS):
            far = self.legs.get(leg.through)
            near = None if far is None else self.legs.get(far.other_half)
            if near is None:
                break
            found = leg = near
        return found

    def _tell_start(self, out: Facts, at: datetime, leg: Leg) -> None:
        out.append(
            e.LegStarted(
                **self.about(at, leg.call.id),
                leg_id=leg.id,
                channel=leg.channel,
                party=leg.party,
                address=leg.address,
                agent=leg.agent,
            )
        )

    def dialed(self, out: Facts, at: datetime, leg: Leg, number: str) -> None:
        """What was dialled to reach a leg outside, which does not say it itself."""
        if leg.party == "external" and not leg.is_local and not leg.address and number != "s":
            leg.address = number
            if number:
                self._tell_start(out, at, leg)

    def _consulted_in(self, out: Facts, at: datetime, agent: str, call_id: str) -> Call | None:
        """The call that an agent talks in who now dials: the other call is a consultation in it.

        Nobody talks to two at once: whoever dials has put the other side on hold. Neither the
        linkedid nor, if no transfer follows, any later event joins the two.
        """
        for leg in self.legs.values():
            talks = leg.answered and not leg.released and not leg.handed_on and not leg.hanging_up
            if leg.agent == agent and talks and leg.bridge is not None:
                self.ids.merge(leg.call.id, call_id)
                out.append(e.CallMerged(**self.about(at, leg.call.id), absorbed=call_id))
                return leg.call
        return None

    def _inside(self, dialed: str) -> bool:
        """A number of the house: no customer is called."""
        return dialed in self.internal or dialed.startswith(("q-", "*")) or (dialed in PARKING)

    def end(
        self, out: Facts, at: datetime, leg: Leg, *, cause: int, text: str = "", lost: bool = False
    ) -> None:
        """A channel is gone; with the last one the call."""
        call = leg.call
        self.part(out, at, leg)
        if leg.offer is True or (leg.offer == "answered" and not leg.answered):
            leg.offer = True  # answered, and gone before anybody said so
            self.end_offer(out, at, leg, self._why_unanswered(leg, cause))
        self.release(out, at, leg)
        if call.waiting is not None and call.waiting.leg_id == leg.id:
            self.leave_queue(out, at, call, "unknown" if lost else "abandoned")
        if leg.recording:
            out.append(e.RecordingStopped(**self.about(at, call.id), file=leg.recording))
        if not leg.is_local:
            out.append(
                e.LegEnded(
                    **self.about(at, call.id),
                    leg_id=leg.id,
                    cause=cause,
                    cause_text=text,
                    by="unknown" if lost else self._ended_by(leg),
                )
            )
        del self.legs[leg.id], call.legs[leg.id]
        self.over[leg.id] = None
        if len(self.over) > REMEMBERED:
            del self.over[next(iter(self.over))]
        if not call.legs:
            self._over(out, at, call, cause=cause, lost=lost)
        elif call.by_leg == leg.id and self._goes_on(call):
            call.by, call.by_leg = None, ""

    def over_without_legs(self, out: Facts, at: datetime, call: Call) -> None:
        """A call none of whose legs is known any more has ended, nobody knows how."""
        self.leave_queue(out, at, call, "unknown")
        self._over(out, at, call, cause=0, lost=True)

    def _over(self, out: Facts, at: datetime, call: Call, *, cause: int, lost: bool) -> None:
        by: EndedBy = "unknown" if lost else call.by or "system"
        out.append(e.CallEnded(**self.about(at, call.id), cause=cause, by=by, lost=lost))
        del self.calls[call.id]
        self.ids.ended(call.id)

    def hung_up_by(self, leg: Leg) -> None:
        """A hang-up was asked for on this leg: the first since the last new thing counts.

        Who has transferred the call away leaves it, and does not end it.
        """
        leg.hanging_up = True
        if leg.offer is True and not leg.answered:
            leg.refused = True
        elif leg.call.by is None and not leg.is_local and not leg.handed_on:
            leg.call.by, leg.call.by_leg = self._owner(leg), leg.id

    @staticmethod
    def _owner(leg: Leg) -> EndedBy:
        """Who is at a leg. Whom an agent called is the caller of an outbound call."""
        if leg.party in {"agent", "caller"}:
            return leg.party
        return "external" if leg.call.called_in else "caller"

    def _ended_by(self, leg: Leg) -> LegEnd:
        if leg.handed_on:
            return "transferred"
        return self._owner(leg) if leg.hanging_up else leg.call.by or "system"

    @staticmethod
    def _goes_on(call: Call) -> bool:
        """Two people still talk, or somebody waits: whoever left did not end the call."""
        talking = [o for o in call.legs.values() if o.joined_at is not None and not o.is_local]
        return call.waiting is not None or len(talking) > 1

    # -- offers, answers, releases ----------------------------------------------------------

    def offer(self, out: Facts, at: datetime, leg: Leg, queue: str | None) -> None:
        """An agent's device is being rung."""
        if leg.agent is None or leg.offer is not False or leg.answered:
            return
        leg.offer, leg.queue = True, queue
        leg.call.by = None
        out.append(
            e.CallOffered(
                **self.about(at, leg.call.id), agent=leg.agent, leg_id=leg.id, queue=queue
            )
        )

    def end_offer(self, out: Facts, at: datetime, leg: Leg, reason: OfferEnd) -> None:
        """It rings no more."""
        if leg.agent is None or leg.offer is not True:
            return
        leg.offer = reason
        out.append(
            e.CallOfferEnded(
                **self.about(at, leg.call.id), agent=leg.agent, leg_id=leg.id, reason=reason
            )
        )

    def answer(self, out: Facts, at: datetime, leg: Leg) -> None:
        """An agent took the call (or, of a call the agent placed, the other side did)."""
        if leg.agent is None or leg.answered:
            return
        leg.answered = True
        if leg.offer == "answered":
            leg.offer = True  # DialEnd marked it; here it is told
        waiting, waited = leg.call.waiting, None
        if leg.queue is not None and waiting is not None and waiting.queue == leg.queue:
            waited = seconds(waiting.joined_at, at)
        out.append(
            e.CallAnswered(
                **self.about(at, leg.call.id),
                agent=leg.agent,
                leg_id=leg.id,
                queue=leg.queue,
                waited=waited,
            )
        )
        self.end_offer(out, at, leg, "answered")
        if waited is not None:
            self.leave_queue(out, at, leg.call, "answered")

    def release(self, out: Facts, at: datetime, leg: Leg) -> None:
        """An agent's part is over."""
        if leg.agent is None or leg.released or not leg.answered:
            return
        leg.released = True
        out.append(
            e.CallReleased(
                **self.about(at, leg.call.id),
                agent=leg.agent,
                leg_id=leg.id,
                talked=round(leg.talked, 3),
            )
        )

    def picked_up(self, out: Facts, at: datetime, target: Leg, picker: Leg) -> None:
        """Somebody took a call that rang elsewhere: their channel belongs to it."""
        self.unite(out, at, target.call, picker.call)
        self.offer(out, at, picker, target.queue)
        if picker.offer is True:
            picker.offer = "answered"
        if target.offer == "answered":
            target.offer = True
        self.end_offer(out, at, target, "answered_elsewhere")

    def hand_on(self, out: Facts, at: datetime, by: Leg, kind: TransferKind, to: str) -> None:
        """Who is at this leg handed the other side on, and leaves."""
        by.handed_on = True
        out.append(e.CallTransferred(**self.about(at, by.call.id), kind=kind, by=by.agent, to=to))

    # -- queues --------------------------------------------------------------------------

    def join_queue(self, out: Facts, at: datetime, leg: Leg, queue: str, position: int) -> None:
        """The caller waits in a queue; another queue they were in is left."""
        call = leg.call
        if call.waiting is not None:
            if call.waiting.queue == queue:
                return
            self.leave_queue(out, at, call, "unknown")
        call.waiting = Waiting(queue, leg.id, at)
        call.by = None
        out.append(
            e.CallQueued(**self.about(at, call.id), queue=queue, position=position, leg_id=leg.id)
        )

    def leave_queue(self, out: Facts, at: datetime, call: Call, reason: QueueExit) -> None:
        """The caller waits no more."""
        waiting = call.waiting
        if waiting is None:
            return
        call.waiting = None
        out.append(
            e.CallLeftQueue(
                **self.about(at, call.id),
                queue=waiting.queue,
                reason=reason,
                waited=seconds(waiting.joined_at, at),
            )
        )

    # -- bridges -------------------------------------------------------------------------

    def join(self, out: Facts, at: datetime, leg: Leg, bridge_id: str) -> None:
        """A leg entered a bridge: with another leg in it, they talk."""
        if leg.bridge == bridge_id:
            return
        self.part(out, at, leg)
        members = self.bridges.setdefault(bridge_id, {})
        members[leg.id] = leg
        leg.bridge = bridge_id
        self._one_call(out, at, members)
        if len(members) < 2:
            return
        for member in members.values():
            if member.joined_at is None:
                member.joined_at = at
                member.call.by = None
                if not member.is_local:
                    out.append(
                        e.LegJoined(
                            **self.about(at, member.call.id), leg_id=member.id, bridge_id=bridge_id
                        )
                    )
                self.answer(out, at, member)

    def part(self, out: Facts, at: datetime, leg: Leg) -> None:
        """A leg left its bridge; who is left alone in it does not talk either."""
        bridge_id, leg.bridge = leg.bridge, None
        if bridge_id is None:
            return
        members = self.bridges.get(bridge_id, {})
        members.pop(leg.id, None)
        self._stop_talking(out, at, leg, bridge_id)
        if len(members) == 1:
            self._stop_talking(out, at, next(iter(members.values())), bridge_id)
        elif not members:
            self.bridges.pop(bridge_id, None)

    def _stop_talking(self, out: Facts, at: datetime, leg: Leg, bridge_id: str) -> None:
        if leg.joined_at is None:
            return
        leg.talked += seconds(leg.joined_at, at)
        leg.joined_at = None
        if not leg.is_local:
            out.append(
                e.LegParted(**self.about(at, leg.call.id), leg_id=leg.id, bridge_id=bridge_id)
            )

    # -- one call out of two ---------------------------------------------------------------

    def relink(self, out: Facts, at: datetime, leg: Leg, linkedid: str) -> None:
        """A known channel carries this linkedid now."""
        if linkedid and self.ids.find(linkedid) != leg.call.id:
            call_id, absorbed = self.ids.absorb(leg.id, linkedid)
            if absorbed is not None:
                self._merge(out, at, call_id, absorbed)

    def unite(self, out: Facts, at: datetime, one: Call, other: Call) -> None:
        """Two calls are one conversation: the older one's id stays."""
        if one is other:
            return
        older, younger = (one, other) if one.arrived_at <= other.arrived_at else (other, one)
        winner, loser = self.ids.merge(older.id, younger.id)
        if loser is not None:
            self._merge(out, at, winner, loser)

    def _one_call(self, out: Facts, at: datetime, members: Mapping[str, Leg]) -> None:
        first, *rest = list(members.values())
        for other in rest:
            self.unite(out, at, first.call, other.call)

    def _merge(self, out: Facts, at: datetime, winner: str, loser: str) -> None:
        gone = self.calls.pop(loser, None)
        out.append(e.CallMerged(**self.about(at, winner), absorbed=loser))
        if gone is None:
            return
        call = self.calls.get(winner)
        if call is None:
            # Only the younger one is alive: it goes on under the older one's name.
            gone.id = winner
            self.calls[winner] = gone
            return
        for leg in gone.legs.values():
            leg.call = call
            call.legs[leg.id] = leg
            # In a merged call only the first caller is the caller.
            leg.party = "external" if leg.party == "caller" else leg.party
        call.waiting = call.waiting or gone.waiting
        call.called_in = call.called_in or gone.called_in

    @staticmethod
    def _why_unanswered(leg: Leg, cause: int) -> OfferEnd:
        if cause == 26 or any(o.answered and not o.released for o in leg.call.legs.values()):
            return "answered_elsewhere"
        if cause in {17, 21} or leg.refused:
            return "rejected"
        return "withdrawn"


def seconds(since: datetime, until: datetime) -> float:
    """Never negative: Asterisk's clock may jump."""
    return max(0.0, (until - since).total_seconds())
