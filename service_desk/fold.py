"""What a set of facts about one call says: pure, and the same for any order and any repetition.

`fold` sorts the facts by time, has them read once (fold_facts.py) and says what was read. Whatever
is stored of a call is what this says, so that a fact that comes late cannot spoil it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import structs

from cti import events as cti
from cti.detail_facts import WITNESS
from service_desk import fold_legs, intervals
from service_desk.fold_facts import Reading
from service_desk.phone_number import PhoneNumber, printable, understand
from service_desk.story import Story
from service_desk.witnesses import agreed

_WITNESS = WITNESS.encode()
_ORDER: dict[type[Any], int] = {
    kind: rank
    for rank, kind in enumerate(
        (
            cti.CallArrived,
            cti.LegStarted,
            cti.CallMerged,
            cti.CallQueued,
            cti.CallOffered,
            cti.RecordingStarted,
            cti.CallAnswered,
            cti.CallLeftQueue,
            cti.LegJoined,
            cti.CallOfferEnded,
            cti.LegHeld,
            cti.LegResumed,
            cti.CallTransferred,
            cti.LegParted,
            cti.RecordingStopped,
            cti.CallCutOff,
            cti.CallReleased,
            cti.WrapUpEnded,
            cti.LegEnded,
            cti.CallEnded,
        )
    )
}


def fold(
    call_id: str,
    facts: Mapping[bytes, cti.CallFact],
    region: str,
    *,
    now: datetime | None = None,
) -> Story:
    """What these facts (at least one, by their encoded form) say about the call `call_id`.

    `now`: what goes on is told up to then, for somebody who looks; it is not what is stored.
    """
    told = [fact for _, fact in sorted(facts.items(), key=_place)]
    if any(_WITNESS in encoded for encoded in facts):
        told = _known_better(told)
    if len({fact.journal for fact in told}) > 1:  # both witnesses
        told = sorted(agreed(told), key=_when)
    reading = Reading(call_id, told)
    reading.read()
    return _told(reading, region, now)


def _is_witness(fact: cti.CallFact) -> bool:
    """Whether the CDR told it."""
    return str(getattr(fact, "leg_id", "")).startswith(WITNESS)


def _known_better(told: list[cti.CallFact]) -> list[cti.CallFact]:
    """What the CDR told of a call counts only as long as nobody else knows of it."""
    others = [fact for fact in told if not _is_witness(fact)]
    known = any(isinstance(fact, cti.CallArrived | cti.LegStarted) for fact in others)
    return others if known else told


def _place(item: tuple[bytes, cti.CallFact]) -> tuple[datetime, int, bytes]:
    """Where a fact stands; the last part only decides between facts of the same moment."""
    encoded, fact = item
    return fact.at, _ORDER[type(fact)], encoded


def _when(fact: cti.CallFact) -> tuple[datetime, int]:
    return fact.at, _ORDER[type(fact)]


def _told(of: Reading, region: str, now: datetime | None) -> Story:
    """Everything read: the rows."""
    if of.arrived is not None and _has_reached_nobody_else(of):
        of.opens_case = False
        if _stays_inside(of):
            of.arrived = structs.replace(of.arrived, direction="internal")
    arrived, ended = of.arrived, of.ended
    ended_at = ended.at if ended else None
    number = _number(of, region)
    direction = arrived.direction if arrived else "inbound"
    legs, talk, hold = _leg_rows(of, ended_at, now)
    _close_visits(of, ended)
    answered_at = of.answered_at
    if arrived is not None and arrived.agent:
        of.agents[:] = [arrived.agent, *(a for a in of.agents if a != arrived.agent)]
        if answered_at is None and direction == "outbound":
            answered_at = _other_side_answered(of, arrived.leg_id)
    waits = [visit["waited"] for visit in of.visits if visit["waited"] is not None]
    waited = round(sum(waits), 3) if waits else of.waited
    outcome = _outcome(of, direction, answered_at)
    talked = intervals.length(intervals.minus(talk, hold)) if answered_at else None
    if ended is not None:
        of.note(
            "ended",
            "",
            ended.at,
            "system",
            by=ended.by,
            cause=ended.cause,
            lost=ended.lost,
            outcome=outcome,
            talked=talked,
        )
    conversation = {
        "system": of.facts[0].system[:64] if arrived is None else arrived.system[:64],
        "direction": direction,
        "number_raw": number.raw[:80] if number else "",
        "number": number.key if number else "",
        "caller_name": printable(arrived.caller_name, 120) if arrived else "",
        "dialed": printable(arrived.dialed, 80) if arrived else "",
        "trunk": _trunk(arrived.channel) if arrived and direction == "inbound" else "",
        "arrived_at": min(of.facts[0].at, arrived.at if arrived else of.facts[0].at),
        "answered_at": answered_at,
        "ended_at": ended_at,
        "queue": of.queue,
        "agents": list(of.agents),
        "outcome": outcome,
        "waited": waited,
        "talked": talked,
        "held": intervals.length(hold) if answered_at else None,
        "cause": ended.cause if ended else None,
        "ended_by": ended.by if ended else None,
    }
    return Story(
        call_id=of.call_id,
        number=number,
        opens_case=of.opens_case or arrived is None,
        subject=_subject(of),
        conversation=conversation,
        legs=legs,
        visits={(v["queue"], v["entered_at"]): v for v in of.visits},
        recordings=of.recordings,
        entries=of.entries,
        aliases=frozenset(of.aliases),
    )


def _trunk(channel: str) -> str:
    """The carrier whose channel `PJSIP/<trunk>-0000001a` is."""
    return (
        channel.removeprefix("PJSIP/").rpartition("-")[0][:32]
        if channel.startswith("PJSIP/")
        else ""
    )


def _has_reached_nobody_else(of: Reading) -> bool:
    """Whether nobody but agents was rung for a call that somebody's program places for one: what
    is dialled for them nobody told, so that whom it is to reach is known when that one is rung."""
    arrived = of.arrived
    if arrived is None or arrived.direction != "outbound" or arrived.dialed:
        return False
    return all(leg.is_agents for leg in of.legs.values())


def _stays_inside(of: Reading) -> bool:
    """Whether such an agent was connected to a colleague."""
    return len({leg.agent for leg in of.legs.values()} - {None}) > 1


def _number(of: Reading, region: str) -> PhoneNumber | None:
    """The other party's number: who called us, or whom we called."""
    if of.arrived is None:
        return None
    outward = of.arrived.direction == "outbound"
    raw = of.arrived.dialed if outward else of.arrived.caller_number
    return understand(raw, region, of.arrived.system)


def _subject(of: Reading) -> tuple[str, str]:
    """What the call is about as far as the telephone tells: the first queue, else the number.

    The first: a call that overflows or is handed on is about what it was about.
    """
    if of.visits:
        return "queue", str(of.visits[0]["queue"])
    return "number", printable(of.arrived.dialed) if of.arrived else ""


def _leg_rows(
    of: Reading, ended_at: datetime | None, now: datetime | None
) -> tuple[dict[str, dict[str, Any]], list[intervals.Span], list[intervals.Span]]:
    """A row per leg; when agents talked with the customer; when somebody was on hold."""
    now = None if ended_at else now
    waits = [
        (visit["entered_at"], left_at)
        for visit in of.visits
        if (left_at := visit["left_at"] or now) is not None
    ]
    parts = fold_legs.parts(of.legs, _customer(of), waits, ended_at or now, now)
    own = [parts[leg_id] for leg_id, leg in of.legs.items() if leg.is_agents]
    return (
        {leg_id: fold_legs.row(leg, parts[leg_id]) for leg_id, leg in of.legs.items()},
        intervals.union(span for each in own for span in each.talk),
        intervals.union(span for each in own for span in each.hold),
    )


def _customer(of: Reading) -> str | None:
    """The leg of whom it is all about: the caller, or whom an agent called."""
    if of.arrived is None or of.arrived.direction == "internal":
        return None
    if of.arrived.direction == "inbound":
        return of.arrived.leg_id
    outside = [leg_id for leg_id, leg in of.legs.items() if not leg.is_agents]
    return min(outside, key=lambda leg_id: of.legs[leg_id].started_at, default=None)


def _close_visits(of: Reading, ended: cti.CallEnded | None) -> None:
    """A call that ended is in no queue, whatever was not told."""
    if ended is None:
        return
    for visit in of.visits:
        if visit["left_at"] is None:
            waited = max((ended.at - visit["entered_at"]).total_seconds(), 0.0)
            reason = "unknown" if ended.lost or of.answered_at else "abandoned"
            visit.update(left_at=ended.at, reason=reason, waited=round(waited, 3))


def _other_side_answered(of: Reading, own_leg: str) -> datetime | None:
    times = [
        leg.answered_at
        for leg_id, leg in of.legs.items()
        if leg_id != own_leg and leg.answered_at is not None
    ]
    return min(times, default=None)


def _outcome(of: Reading, direction: str, answered_at: datetime | None) -> str:
    if of.ended is None:
        return "live"
    if of.ended.lost:
        return "lost"
    if answered_at is not None:
        return "answered"
    if direction != "inbound":
        return "failed"
    return "abandoned" if of.visits or of.offers else "menu"
