"""The other TABLE: a record of Asterisk's own (CEL) -> what it means, as the same facts.

What the real Asterisk 22 writes:
- A record's time is that of the change of the channel it tells of: `APP_END` of a queue and the
  `HANGUP` of a caller who gave up in it have the same time.
- `hangupsource` names the channel that asked for the end; the dialplan and AMI have other names.
- `HANGUP`, `CHAN_END` and `LINKEDID_END` come together, after the `BRIDGE_EXIT`.
- A device that nobody answered and one that rang when the caller gave up end alike: only what the
  caller's channel does next tells which it was.
- Of two queues that follow each other without anything between them the second has no `APP_START`.
- A member whose device could not be rung at all, a position in a queue and hold are in no record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec.structs import force_setattr

from cti import events as e
from cti.events import CallFact, EndedBy, Lost, QueueExit
from cti.interpret import bridges, channels, hangups, merges, offers, queues
from cti.interpret.gather import WAITING_ROOM
from cti.interpret.legs import Call, Leg
from cti.interpret.table import LAST_CAUSE
from cti.interpret.world import Facts, World
from cti.journal_records import Record
from cti.number import whole

LEFT_QUEUE = "ringdesk-queue"  # USER_DEFINED: Queue() came back, with QUEUESTATUS
RECORDING = "ringdesk-recording"  # USER_DEFINED: MixMonitor writes this file
# A caller's hang-up this soon after the queue's end is what ended it.
AT_ONCE = timedelta(seconds=0.05)
IN_VAIN = frozenset({0, 16, 19})  # causes that say nothing of why a device rang in vain
ENDS = frozenset({"APP_END", "HANGUP", "CHAN_END"})

Handler = Callable[["CelInterpreter", Record, datetime, Facts], None]


class CelInterpreter:
    """One Asterisk's records as facts. `extensions`: agent -> extension, for every agent.

    A record of a channel whose `CHAN_START` was not read is passed over: it belongs to a call that
    began before the first record there is.
    """

    def __init__(self, system: str, extensions: Mapping[str, str]) -> None:
        self.system = system
        self.world = World(system, extensions)
        # Callers whose Queue() has ended, and when; what they do next tells why.
        self.out_of_queue: dict[str, datetime] = {}
        # Devices that rang in vain, and when that ended; what the call does next tells why.
        self.in_vain: dict[str, datetime] = {}
        self.causes: dict[str, int] = {}  # of these, as written
        self.queued: dict[str, str] = {}  # channels that Queue() runs on -> its queue
        self.dialed: dict[str, str] = {}  # what live channels dialled at their start
        self.unknown = 0  # records of channels whose beginning was not read

    def feed(self, record: Record) -> list[CallFact]:
        """The facts of one record."""
        handler = TABLE.get(record.eventtype)
        if handler is None and record.userdeftype and record.eventtype == record.userdeftype:
            handler = user_defined  # a record of a dialplan's own kind has that for its type
        if handler is None:
            return []
        out: Facts = []
        handler(self, record, record.at, out)
        facts: list[CallFact] = []
        for fact in out:
            if isinstance(fact, CallFact):
                force_setattr(fact, "journal", True)
                facts.append(fact)
        return facts

    def lose(self, at: datetime, leg_ids: list[str], how: Lost = "unknown") -> list[CallFact]:
        """These channels are gone and no record said so: Asterisk ended, or its disk was full."""
        out: Facts = []
        there = [leg for leg_id in leg_ids if (leg := self.world.legs.get(leg_id)) is not None]
        for leg in there:
            self.rang_in_vain(out, leg.call)  # before: whoever is lost is the call's last
        for leg in there:
            if leg.id in self.world.legs:
                self.end(out, at, leg, lost=how)
                self.nobody_else(out, leg.call)
        facts = [fact for fact in out if isinstance(fact, CallFact)]
        for fact in facts:
            force_setattr(fact, "journal", True)
        return facts

    def forget(self, leg_ids: list[str]) -> None:
        """Nothing is told of these any more, and nothing kept."""
        for leg_id in leg_ids:
            leg = self.world.legs.pop(leg_id, None)
            if leg is not None:
                self.world.over[leg_id] = None
                leg.call.legs.pop(leg_id, None)
                self.world.bridges.get(leg.bridge or "", {}).pop(leg_id, None)
                if not leg.call.legs:
                    self.world.calls.pop(leg.call.id, None)
            self._forget(leg_id)

    def leg(self, r: Record, at: datetime, out: Facts) -> Leg | None:
        """The channel a record is about, its linkedid learnt."""
        leg = self.world.legs.get(r.uniqueid)
        if leg is None:
            if r.uniqueid not in self.world.over:
                self.unknown += 1
            return None
        if self.world.ids.find(r.linkedid) != leg.call.id:
            merges.relink(self.world, out, at, leg, r.linkedid)
        if r.eventtype not in ENDS:
            if leg.id in self.out_of_queue:
                self.left_queue(out, leg, "timeout")
            self.rang_in_vain(out, leg.call)
        return leg

    def end(
        self, out: Facts, at: datetime, leg: Leg, *, cause: int = 0, lost: Lost | None = None
    ) -> None:
        """A channel is gone."""
        channels.end(self.world, out, at, leg, cause=cause, lost=lost)
        self._forget(leg.id)

    def _forget(self, leg_id: str) -> None:
        self.out_of_queue.pop(leg_id, None)
        self.in_vain.pop(leg_id, None)
        self.causes.pop(leg_id, None)
        self.queued.pop(leg_id, None)
        self.dialed.pop(leg_id, None)

    def rang_in_vain(self, out: Facts, call: Call, by: EndedBy | None = None) -> None:
        """It is known now why the devices of this call rang in vain: who gave up, if anybody."""
        if not self.in_vain:
            return
        for leg_id in [other for other in call.legs if other in self.in_vain]:
            at, other = self.in_vain[leg_id], self.world.legs[leg_id]
            other.left_by = by or other.left_by
            offers.end_offer(self.world, out, at, other, "withdrawn" if by else "no_answer")
            self.end(out, at, other, cause=self.causes.get(leg_id, 0))

    def nobody_else(self, out: Facts, call: Call) -> None:
        """Devices that rang in vain may go after all others of a call: nobody tells more then."""
        if all(leg_id in self.in_vain for leg_id in call.legs):
            self.rang_in_vain(out, call, call.by)

    def left_queue(self, out: Facts, leg: Leg, reason: QueueExit) -> None:
        """It is known now why the caller's wait ended."""
        at = self.out_of_queue.pop(leg.id, None)
        if at is not None:
            queues.leave(self.world, out, at, leg.call, reason)


def chan_start(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """A channel exists. An agent's device in a call that is there already is being rung."""
    world = by.world
    if r.uniqueid in world.legs or r.uniqueid in world.over:
        return
    leg = channels.start(
        world,
        out,
        at,
        leg_id=r.uniqueid,
        linkedid=r.linkedid,
        channel=r.channame,
        context=r.context,
        exten=r.exten,
        number=r.num,
        name=r.name,
    )
    by.rang_in_vain(out, leg.call)
    if r.exten not in {"", "s"}:
        by.dialed[leg.id] = r.exten
    waiting = leg.call.waiting
    if len(leg.call.legs) > 1 and r.exten in {"", "s"}:  # else the device itself is dialling
        offers.offer(world, out, at, leg, None if waiting is None else waiting.queue)


def answer(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """A channel was answered; an offer of a queue counts once the two talk."""
    leg = by.leg(r, at, out)
    if leg is None or leg.offer is not True:
        return
    if leg.queue is None:
        offers.answer(by.world, out, at, leg)
    else:
        leg.offer = "answered"


def app_start(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """A caller waits in a queue; at which position is in no record."""
    leg = by.leg(r, at, out)
    if leg is not None and r.appname == "Queue":
        queue = by.queued[leg.id] = r.appdata.partition(",")[0]
        queues.join(by.world, out, at, leg, queue=queue, position=0)


def app_end(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """A queue let the caller go: why tells the next record of this channel."""
    leg = by.leg(r, at, out)
    if leg is None or r.appname != "Queue":
        return
    by.queued.pop(leg.id, None)
    if leg.call.waiting is None or leg.call.waiting.leg_id != leg.id:
        return
    if leg.call.waiting.queue == r.appdata.partition(",")[0]:
        by.out_of_queue[leg.id] = at
    else:
        leg.call.waiting = None  # a queue that followed this one at once: when is not written


def user_defined(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """Our dialplan tells what no other record does."""
    leg = by.world.legs.get(r.uniqueid)
    if leg is None:
        return
    said = r.extra().get("extra", "")
    if r.userdeftype == LEFT_QUEUE:
        waiting = leg.call.waiting
        if waiting is not None and waiting.leg_id == leg.id:
            by.out_of_queue.setdefault(leg.id, at)  # its `APP_END` was not written
        by.left_queue(out, leg, queues.turned_away(said) or "timeout")
    elif r.userdeftype == RECORDING and said and not leg.recording:
        leg.recording = said
        out.append(e.RecordingStarted(**by.world.about(at, leg.call.id), file=leg.recording))


def bridge_enter(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """A channel entered a bridge. A holding bridge is a waiting room: nobody talks there."""
    leg = by.leg(r, at, out)
    if leg is None:
        return
    extra = r.extra()
    if extra.get("bridge_technology") == WAITING_ROOM:
        bridges.part(by.world, out, at, leg)  # which it had left
    else:
        bridges.join(by.world, out, at, leg, extra.get("bridge_id", ""))


def bridge_exit(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """A channel left a bridge."""
    leg = by.leg(r, at, out)
    if leg is not None and leg.bridge == r.extra().get("bridge_id"):
        bridges.part(by.world, out, at, leg)


def hangup(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """A channel is gone: for what cause, and by whom."""
    leg = by.leg(r, at, out)
    if leg is None:
        return
    extra = r.extra()
    source = extra.get("hangupsource", "")
    own = source == r.channame
    cause = whole(extra.get("hangupcause", ""), 0, most=LAST_CAUSE)
    if leg.offer is True and not leg.answered and not source and cause in IN_VAIN:
        by.in_vain[leg.id], by.causes[leg.id] = at, cause
        by.nobody_else(out, leg.call)
        return
    left_at = by.out_of_queue.get(leg.id)
    if leg.handed_on:
        by.out_of_queue.pop(leg.id, None)  # its place in the queue is another's now
    elif left_at is not None:
        gave_up = own and at - left_at <= AT_ONCE
        by.left_queue(out, leg, "abandoned" if gave_up else "timeout")
    if leg.party != "agent":
        by.rang_in_vain(out, leg.call, hangups.owner(leg) if own else None)
    for other in leg.call.legs.values():
        if other.channel == source and not other.hanging_up:
            hangups.hung_up_by(other)
    leg.left_by = leg.left_by or leg.call.gone.get(source)
    if _names_a_lost_leg(by, leg, source) and leg.call.by is None:
        hangups.hung_up_by(leg)
    by.end(out, at, leg, cause=cause)
    by.nobody_else(out, leg.call)


def _names_a_lost_leg(by: CelInterpreter, leg: Leg, source: str) -> bool:
    """A channel keeps the first name it was given: that of the agent's leg that was lost once.

    Whoever hung up after that is not named there; an agent who did has ended before this channel.
    """
    there = any(other.channel == source for other in leg.call.legs.values())
    was_agents = leg.agent is None and by.world.agent_of(source) is not None
    return was_agents and not there and source not in leg.call.gone


def chan_end(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """A channel is gone whose `HANGUP` was not written."""
    leg = by.leg(r, at, out)
    if leg is not None and leg.id not in by.in_vain:
        left_at = by.out_of_queue.get(leg.id)
        if left_at is not None and any(
            by.in_vain[o] <= left_at for o in leg.call.legs if o in by.in_vain
        ):
            # The queue had let its devices go before: of a caller who gives up they ring on.
            by.left_queue(out, leg, "timeout")
        by.end(out, at, leg)
        by.nobody_else(out, leg.call)


def blind_transfer(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """The transferer handed the other side on and leaves."""
    leg = by.leg(r, at, out)
    if leg is None or leg.handed_on:
        return
    offers.hand_on(by.world, out, at, leg, kind="blind", to=r.extra().get("extension", ""))


def attended_transfer(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """The transferer talked to a second party and joined both: two calls become one."""
    extra, world = r.extra(), by.world
    first = by.leg(r, at, out)
    second = world.legs.get(extra.get("channel2_uniqueid", ""))
    if first is not None and second is not None:
        merges.unite(world, out, at, first.call, second.call)
        second.handed_on = second.handed_on or second is not first
    leg = first or second
    if leg is None or leg.handed_on:
        return
    offers.hand_on(world, out, at, leg, kind="attended", to=_handed_to(by, leg, second, extra))


def _handed_to(by: CelInterpreter, leg: Leg, second: Leg | None, extra: Mapping[str, str]) -> str:
    """The queue, the agent or the number that an attended transfer led to."""
    waiting = leg.call.waiting
    if waiting is not None and second is not None and waiting.leg_id == second.id:
        # Nobody there has answered yet: the caller takes the agent's place in the queue.
        caller = by.world.legs.get(extra.get("transferee_channel_uniqueid", ""))
        waiting.leg_id = caller.id if caller is not None else waiting.leg_id
        return f"q-{waiting.queue}"
    target = by.world.legs.get(extra.get("transfer_target_channel_uniqueid", ""))
    agent = None if target is None else target.agent
    known = by.world.extensions.get(agent or "", "")
    dialed = [by.dialed.get(each.id, "") for each in (second, target) if each is not None]
    return known or next(filter(None, dialed), "") or offers.handed_to(by.world, leg)


def pick_up(by: CelInterpreter, r: Record, at: datetime, out: Facts) -> None:
    """Somebody took a call that rang elsewhere: their channel belongs to it."""
    target, world = by.leg(r, at, out), by.world
    picker = world.legs.get(r.extra().get("pickup_channel_uniqueid", ""))
    if target is None or picker is None:
        return
    offers.picked_up(world, out, at, target, picker)


TABLE: dict[str, Handler] = {
    "CHAN_START": chan_start,
    "ANSWER": answer,
    "APP_START": app_start,
    "APP_END": app_end,
    "BRIDGE_ENTER": bridge_enter,
    "BRIDGE_EXIT": bridge_exit,
    "BLINDTRANSFER": blind_transfer,
    "ATTENDEDTRANSFER": attended_transfer,
    "PICKUP": pick_up,
    "USER_DEFINED": user_defined,
    "HANGUP": hangup,
    "CHAN_END": chan_end,
}
