"""The one TABLE: AMI event -> what it means. Short handlers; what they do to legs and
calls is in the modules that `world.py` names.

What the real Asterisk 22 does (each seen in tests/recordings):
- `QueueCallerLeave` comes before `AgentConnect`, and after `DialEnd ANSWER`: a leave alone is no
  abandon.
- `QueueCallerAbandon` also comes when the queue's time is up: only a `HangupRequest` on the
  caller's own channel tells that the caller gave up.
- A rejected call is `HangupRequest` on the ringing leg; its `DialEnd` says NOANSWER all the same.
- `DialEnd` comes twice for a cancelled leg; `BridgeLeave` and `Hangup` come in any order.
- `LINKEDID_END` (CEL) ends no call: a call ends with its last channel.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import get_args

from cti import events as e
from cti.ami.wire import Message
from cti.events import NotReached, OfferEnd
from cti.interpret import bridges, channels, hangups, merges, offers, parking, queues
from cti.interpret.legs import Leg
from cti.interpret.world import Facts, World
from cti.number import LAST_TIME, whole

LAST_CAUSE = 127  # Q.850
LAST_PLACE = 10_000  # in a queue

NOT_REACHED: dict[str, NotReached] = {why: why for why in get_args(NotReached)}

Handler = Callable[[World, Message, datetime, Facts], None]


def new_channel(world: World, m: Message, at: datetime, out: Facts) -> None:
    """A channel exists."""
    _leg(world, m, at, out)


def hangup(world: World, m: Message, at: datetime, out: Facts) -> None:
    """A channel is gone."""
    leg = world.legs.get(m.get("Uniqueid"))
    if leg is not None:
        cause = whole(m.get("Cause"), 0, most=LAST_CAUSE)
        channels.end(world, out, at, leg, cause=cause, text=m.get("Cause-txt"))


def hangup_request(world: World, m: Message, _at: datetime, _out: Facts) -> None:
    """Somebody wants this channel to end."""
    leg = world.legs.get(m.get("Uniqueid"))
    if leg is not None:
        hangups.hung_up_by(leg)


def soft_hangup(world: World, m: Message, _at: datetime, _out: Facts) -> None:
    """We (by command) or the dialplan want this channel to end: an agent's leg by the agent.

    Asterisk ends the others' channels so as well, once somebody has hung up.
    """
    leg = world.legs.get(m.get("Uniqueid"))
    if leg is not None and leg.agent is not None and leg.call.by is None and leg.left_by is None:
        hangups.hung_up_by(leg)


def queue_join(world: World, m: Message, at: datetime, out: Facts) -> None:
    """A caller waits."""
    leg = _leg(world, m, at, out)
    if leg is None:
        return
    queues.join(world, out, at, leg, queue=m.get("Queue"), position=place(m))


def queue_leave(world: World, m: Message, at: datetime, out: Facts) -> None:
    """A caller waits no more: taken (AgentConnect tells), gave up, or the time was up."""
    leg = world.legs.get(m.get("Uniqueid"))
    if leg is None or leg.call.waiting is None or leg.call.waiting.queue != m.get("Queue"):
        return
    if any(o.offer == "answered" and not o.answered for o in leg.call.legs.values()):
        return
    queues.leave(world, out, at, leg.call, "abandoned" if leg.hanging_up else "timeout")


def agent_called(world: World, m: Message, at: datetime, out: Facts) -> None:
    """A queue rings an agent: the moment of the screen pop.

    A Local channel rings nobody: the agent it leads to is offered the call when it dials them.
    """
    leg = _dest(world, m, at, out)
    if leg is not None and leg.is_local:
        leg.queue = m.get("Queue")
        for agents in _others(leg):
            if agents.queue is None and channels.led_by(world, agents) is leg:
                agents.queue = leg.queue  # dialled before we were told of this
    elif leg is not None:
        offers.offer(world, out, at, leg, m.get("Queue"))


def agent_connect(world: World, m: Message, at: datetime, out: Facts) -> None:
    """An agent took a call out of a queue."""
    leg = _dest(world, m, at, out)
    if leg is not None and leg.is_local:
        leg.answered = True
        leg = next((o for o in _others(leg) if channels.led_by(world, o) is leg and o.offer), None)
    if leg is not None:
        leg.queue = leg.queue or m.get("Queue")
        offers.answer(world, out, at, leg)


def dial_begin(world: World, m: Message, at: datetime, out: Facts) -> None:
    """A device is dialled. A queue's offer was told by AgentCalled; without a source it is an
    Originate, which rings the agent who asked for it."""
    if not m.get("Uniqueid"):
        return
    leg = _dest(world, m, at, out)
    if leg is not None:
        source, queue = world.legs.get(m.get("Uniqueid")), None
        if source is not None:
            merges.unite(world, out, at, source.call, leg.call)
            channels.dialed(world, out, at, leg, m.get("Exten"))
            if source.is_local:
                leg.through = source.id
                rung = channels.led_by(world, leg)
                queue = None if rung is None else rung.queue
        offers.offer(world, out, at, leg, queue)


def dial_end(world: World, m: Message, at: datetime, out: Facts) -> None:
    """Dialling a device ended, for the reason `DialStatus`."""
    leg = world.legs.get(m.get("DestUniqueid"))
    status = m.get("DialStatus")
    if leg is not None and leg.is_local and leg.queue is not None and status == "ANSWER":
        leg.offer = "answered"  # as for an agent's device below: the agent's own may be told later
    if leg is None or leg.offer is not True:
        return
    if status == "ANSWER":
        if leg.queue is None:
            offers.answer(world, out, at, leg)
        else:
            leg.offer = "answered"  # not told yet: AgentConnect, or the bridge, tells it
        return
    reason: OfferEnd = "withdrawn"
    if leg.refused or status == "BUSY":
        reason = "rejected"
    elif status in {"NOANSWER", "CONGESTION", "CHANUNAVAIL"}:
        reason = "no_answer"
    elif any(o.offer == "answered" or (o.answered and not o.released) for o in _others(leg)):
        reason = "answered_elsewhere"
    offers.end_offer(world, out, at, leg, reason)


def local_bridge(world: World, m: Message, at: datetime, out: Facts) -> None:
    """The two halves of a Local channel know each other."""
    one_id, two_id = m.get("LocalOneUniqueid"), m.get("LocalTwoUniqueid")
    one, two = world.legs.get(one_id), world.legs.get(two_id)
    channels.pair(world, one_id, two_id)
    if one is not None and two is not None:
        merges.unite(world, out, at, one.call, two.call)


def pickup(world: World, m: Message, at: datetime, out: Facts) -> None:
    """An agent takes the call that rings at a colleague's device; a queue tells AgentConnect."""
    picker = world.legs.get(m.get("Uniqueid"))
    target = world.legs.get(m.get("TargetUniqueid"))
    if picker is None or target is None:
        return
    offers.picked_up(world, out, at, target, picker)


def bridge_enter(world: World, m: Message, at: datetime, out: Facts) -> None:
    """A channel entered a bridge. A holding bridge is a waiting room: nobody talks there."""
    leg = _leg(world, m, at, out)
    if leg is None:
        return
    merges.relink(world, out, at, leg, m.get("Linkedid"))
    if m.get("BridgeTechnology") == "holding_bridge":
        if m.get("BridgeType") == "parking":
            parking.park(world, out, at, leg)
    else:
        bridges.join(world, out, at, leg, m.get("BridgeUniqueid"))


def bridge_leave(world: World, m: Message, at: datetime, out: Facts) -> None:
    """A channel left a bridge; a leave of a bridge it is not in any more is old news."""
    leg = world.legs.get(m.get("Uniqueid"))
    if leg is not None and leg.bridge == m.get("BridgeUniqueid"):
        bridges.part(world, out, at, leg)
    elif leg is not None and m.get("BridgeType") == "parking":
        parking.fetch(world, out, at, leg)


def parked_call(world: World, m: Message, at: datetime, out: Facts) -> None:
    """A channel has a parking place; it enters the bridge of the parked in a moment."""
    leg = world.legs.get(m.get("ParkeeUniqueid"))
    if leg is not None:
        parking.park(world, out, at, leg, known(m.get("ParkingSpace")))


def hold(world: World, m: Message, at: datetime, out: Facts) -> None:
    """This channel put the other side on hold."""
    leg = world.legs.get(m.get("Uniqueid"))
    if leg is not None and not leg.held:
        leg.held = True
        out.append(e.LegHeld(**world.about(at, leg.call.id), leg_id=leg.id))


def unhold(world: World, m: Message, at: datetime, out: Facts) -> None:
    """This channel took the other side back. Asterisk also says so when nobody was held."""
    leg = world.legs.get(m.get("Uniqueid"))
    if leg is not None and leg.held:
        leg.held = False
        out.append(e.LegResumed(**world.about(at, leg.call.id), leg_id=leg.id))


def blind_transfer(world: World, m: Message, at: datetime, out: Facts) -> None:
    """The transferer handed the other side on and leaves."""
    by = world.legs.get(m.get("TransfererUniqueid"))
    if by is not None and not by.handed_on and m.get("Result") == "Success":
        offers.hand_on(world, out, at, by, kind="blind", to=m.get("Extension"))


def attended_transfer(world: World, m: Message, at: datetime, out: Facts) -> None:
    """The transferer talked to a second party and joined both: two calls become one."""
    first = world.legs.get(m.get("OrigTransfererUniqueid"))
    second = world.legs.get(m.get("SecondTransfererUniqueid"))
    if m.get("Result") != "Success":
        return
    if first is not None and second is not None:
        merges.unite(world, out, at, first.call, second.call)
        second.handed_on = second.handed_on or second is not first
    by = first or second
    if by is not None and not by.handed_on:
        waiting, caller = by.call.waiting, world.legs.get(m.get("TransfereeUniqueid"))
        if waiting is not None and second is not None and waiting.leg_id == second.id:
            # Nobody there has answered yet: the caller takes the agent's place in the queue.
            to = f"q-{waiting.queue}"
            waiting.leg_id = caller.id if caller is not None else waiting.leg_id
        else:
            target = world.legs.get(m.get("TransferTargetUniqueid"))
            agent = None if target is None else target.agent
            to = world.extensions.get(agent or "", "") or _target(world, m, target)
            to = to or offers.handed_to(world, by)
        offers.hand_on(world, out, at, by, kind="attended", to=to)


def _target(world: World, m: Message, target: Leg | None) -> str:
    """Whom a Local channel leads to, if it does; else the number that the event names."""
    if target is not None and target.is_local:
        for leg in _others(target):
            if leg.agent is not None and channels.led_by(world, leg) is target:
                return world.extensions.get(leg.agent, "")
    return known(m.get("TransferTargetCallerIDNum"))


def recording_started(world: World, m: Message, at: datetime, out: Facts) -> None:
    """The dialplan's recording of this channel runs; it names the file by day (UTC) and id."""
    leg = world.legs.get(m.get("Uniqueid"))
    if leg is not None and not leg.recording:
        leg.recording = f"{at:%Y/%m/%d}/{leg.id}.wav"
        out.append(e.RecordingStarted(**world.about(at, leg.call.id), file=leg.recording))


def _others(leg: Leg) -> list[Leg]:
    return [other for other in leg.call.legs.values() if other is not leg]


def _leg(world: World, m: Message, at: datetime, out: Facts) -> Leg | None:
    """The channel an event is about; one whose beginning was missed begins now."""
    leg_id = m.get("Uniqueid")
    leg = world.legs.get(leg_id)
    if leg is not None or not leg_id or leg_id in world.over:
        return leg
    return channels.start(
        world,
        out,
        at,
        leg_id=leg_id,
        linkedid=m.get("Linkedid"),
        channel=m.get("Channel"),
        context=m.get("Context"),
        exten=m.get("Exten"),
        number=known(m.get("CallerIDNum")),
        name=known(m.get("CallerIDName")),
    )


def _dest(world: World, m: Message, at: datetime, out: Facts) -> Leg | None:
    leg_id = m.get("DestUniqueid")
    leg = world.legs.get(leg_id)
    if leg is not None or not leg_id or leg_id in world.over:
        return leg
    return channels.start(
        world,
        out,
        at,
        leg_id=leg_id,
        linkedid=m.get("DestLinkedid"),
        channel=m.get("DestChannel"),
        context=m.get("DestContext"),
        exten=m.get("DestExten"),
        number=known(m.get("DestCallerIDNum")),
        name=known(m.get("DestCallerIDName")),
    )


def our_event(world: World, m: Message, at: datetime, out: Facts) -> None:
    """What our dialplan tells by itself (extensions.conf)."""
    if m.get("UserEvent") == "RingdeskCap":
        agent, why = m.get("Agent"), m.get("Why")
        out.append(e.CapReached(at=at, system=world.system, agent=agent, why=why))
    elif m.get("UserEvent") == "RingdeskNotReached":
        _not_reached(world, m, at, out)
    elif m.get("UserEvent") == "RingdeskQueue":
        leg = _leg(world, m, at, out)
        if leg is not None:
            queues.turn_away(world, out, at, leg, queue=m.get("Queue"), status=m.get("Status"))


def _not_reached(world: World, m: Message, at: datetime, out: Facts) -> None:
    leg, why = world.legs.get(m.get("Uniqueid")), NOT_REACHED.get(m.get("Why"))
    if leg is not None and leg.agent is not None and why is not None:
        about = world.about(at, leg.call.id)
        out.append(e.CallNotReached(**about, agent=leg.agent, why=why))


def known(value: str) -> str:
    """Asterisk writes `<unknown>` for a number or name that is not there."""
    return "" if value == "<unknown>" else value


def place(m: Message) -> int:
    """A caller's position in a queue, 1 is next."""
    return whole(m.get("Position"), 1, least=1, most=LAST_PLACE)


def when(m: Message, clock: Callable[[], datetime]) -> datetime:
    """Asterisk's own time of an event; our clock if it does not tell.

    Nor does it if the time is so far off that a wait added to it would be no time any more.
    """
    try:
        seconds = float(m.get("Timestamp"))
    except ValueError:
        return clock()
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < LAST_TIME else clock()


TABLE: dict[str, Handler] = {
    "Newchannel": new_channel,
    "Hangup": hangup,
    "HangupRequest": hangup_request,
    "SoftHangupRequest": soft_hangup,
    "QueueCallerJoin": queue_join,
    "QueueCallerLeave": queue_leave,
    "AgentCalled": agent_called,
    "AgentConnect": agent_connect,
    "DialBegin": dial_begin,
    "DialEnd": dial_end,
    "BridgeEnter": bridge_enter,
    "BridgeLeave": bridge_leave,
    "ParkedCall": parked_call,
    "ParkedCallSwap": parked_call,
    "LocalBridge": local_bridge,
    "Pickup": pickup,
    "Hold": hold,
    "Unhold": unhold,
    "BlindTransfer": blind_transfer,
    "AttendedTransfer": attended_transfer,
    "MixMonitorStart": recording_started,
    "UserEvent": our_event,
}
