"""What the second witness (CDR) alone knows of calls of which there is no record, as facts.

Who called whom, from when to when, which queue, and who was put through: less than records tell,
and to the second. So its legs have names of their own (`WITNESS`): whoever hears or reads of the
call later knows better, and these facts then count for nothing (service_desk/fold.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import structs

from cti import events as e
from cti.call_details import CallDetail
from cti.conversation import call_id_of
from cti.events import CallFact, Direction
from cti.interpret.channels import is_inside
from cti.interpret.world import World

WITNESS = "cdr:"
INBOUND = "ringdesk-inbound"  # where what was dialled to reach us is still known


def facts_of(
    details: Iterable[CallDetail], system: str, extensions: Mapping[str, str]
) -> list[CallFact]:
    """The facts of these lines, call by call. All lines of a call are to be among them."""
    world = World(system, extensions)
    calls: dict[str, list[CallDetail]] = {}
    for detail in details:
        calls.setdefault(detail.linkedid, []).append(detail)
    facts = [fact for lines in calls.values() for fact in _call(world, lines)]
    return [structs.replace(fact, journal=True) for fact in facts]


def _call(world: World, lines: Sequence[CallDetail]) -> list[CallFact]:
    people = [line for line in lines if not line.is_plumbing]
    if not people:
        return []
    # The channel that called first; its lines before those of channels that it led to.
    first = min(people, key=lambda line: (line.uniqueid != line.linkedid, line.started_at))
    placed = any(line.is_plumbing and line.uniqueid == line.linkedid for line in lines)
    about: dict[str, Any] = {
        "system": world.system,
        "call_id": call_id_of(world.system, first.linkedid),
    }
    begun, over = min(x.started_at for x in lines), max(x.ended_at for x in lines)
    facts = _caller(world, about, first, begun, over, placed=placed)
    own = sorted(
        (line for line in lines if line.other and not line.other.startswith("Local/")),
        key=lambda line: line.started_at,
    )
    for line in own:
        if line.other != first.channel:
            facts += _other(world, about, line, WITNESS + first.uniqueid)
    answered = any(line.answered for line in lines)
    ended = e.CallEnded(**about, at=over, cause=16 if answered else 0, by="unknown")
    return [*facts, ended]


def _caller(
    world: World,
    about: Mapping[str, Any],
    line: CallDetail,
    begun: datetime,
    over: datetime,
    *,
    placed: bool,
) -> list[CallFact]:
    agent, leg_id = world.agent_of(line.channel), WITNESS + line.uniqueid
    direction: Direction = "inbound"
    dialed = line.dialed if agent is not None or line.context == INBOUND else ""
    if agent is not None or placed:
        direction = "internal" if is_inside(world, dialed) else "outbound"
    facts: list[CallFact] = [
        e.CallArrived(
            **about,
            at=begun,
            leg_id=leg_id,
            channel=line.channel,
            direction=direction,
            caller_number=line.source,
            caller_name=line.name,
            dialed=dialed,
            agent=agent,
        ),
        e.LegStarted(
            **about,
            at=begun,
            leg_id=leg_id,
            channel=line.channel,
            party="caller" if agent is None else "agent",
            address=line.source,
            agent=agent,
        ),
        e.LegEnded(**about, at=over, leg_id=leg_id, cause=16 if line.answered else 0, by="unknown"),
    ]
    if line.application == "Queue":
        queue = line.data.partition(",")[0]
        queued = e.CallQueued(**about, at=line.started_at, queue=queue, position=0, leg_id=leg_id)
        facts.append(queued)
    return facts


def _other(world: World, about: Mapping[str, Any], line: CallDetail, caller: str) -> list[CallFact]:
    """Who was rung, and put through if it says so. Since when, only a call out tells: of one that
    came in it is the dialplan that has answered."""
    agent, leg_id = world.agent_of(line.other), WITNESS + line.other
    since = line.answered_at or line.started_at
    facts: list[CallFact] = [
        e.LegStarted(
            **about,
            at=line.started_at,
            leg_id=leg_id,
            channel=line.other,
            party="external" if agent is None else "agent",
            address=line.dialed if agent is None else "",
            agent=agent,
        ),
        e.LegEnded(
            **about,
            at=line.ended_at,
            leg_id=leg_id,
            cause=16 if line.answered else 0,
            by="unknown",
        ),
    ]
    told: dict[str, Any] = {**about, "agent": agent, "leg_id": leg_id}
    if agent is not None:
        facts.append(e.CallOffered(**told, at=line.started_at))
    if not line.answered:
        if agent is not None:
            facts.append(e.CallOfferEnded(**told, at=line.ended_at, reason="no_answer"))
        return facts
    if agent is not None:
        facts.append(e.CallAnswered(**told, at=since, queue=None, waited=None))
    if line.application != "Queue":
        for each in (leg_id, caller):
            bridge = f"{WITNESS}{line.other}"
            facts.append(e.LegJoined(**about, at=since, leg_id=each, bridge_id=bridge))
            facts.append(e.LegParted(**about, at=line.ended_at, leg_id=each, bridge_id=bridge))
    return facts
