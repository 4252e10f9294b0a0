"""An agent dials: what may be dialled, when, and how the agent's own telephone comes to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from cti import wishes as w
from cti.interpret.world import PARK, PLACES
from cti.switchboard import ANSWER, Refused, Switchboard, plan_of
from cti.wishes import CommandDone, Reply

RING_SELF = 30_000  # milliseconds an agent's own device rings at click to dial
AT_ONCE = 1.0  # seconds: of two wishes to dial that soon one is a finger too many, or another tab
# What desk phones know as "answer by yourself", of those whose own settings allow it.
ANSWER_BY_ITSELF = (
    "PJSIP_HEADER(add,Call-Info)=<sip:ringdesk>;answer-after=0",
    "PJSIP_HEADER(add,Alert-Info)=<http://ringdesk>;info=alert-autoanswer",
)
BEGINS = 3.0  # seconds from the wish to the first event of the agent's own leg
NO_TELEPHONE = "Your own telephone cannot be reached right now."
LONGEST_NAME = 40  # characters that a telephone shows
SHORTEST_OUTSIDE = 6  # digits: fewer are an extension of the house, and this one is nobody's


async def originate(board: Switchboard, wish: w.Originate) -> Reply:
    """Ring the agent's own device, then dial: a fixed context, a checked extension, no application.

    We choose the channel's id, so that the call's number is known from its first event on. The
    device shows whom it is to reach; to the others the call is the agent's.
    """
    plan = plan_of(board, wish.agent)
    if board.roster.states[wish.agent].reachable is False:
        raise Refused(NO_TELEPHONE)
    to = _dials(board, wish.agent, wish.to)
    # It begins as Asterisk's own, or it is taken for forged (cti/ami/genuine.py), and ends as they
    # do, so that the call is filed beside its neighbours (cti/conversation.py).
    named = board.link.mark or board.interpreter.system
    channel_id = f"{named}-dial-{int(time.time())}.{uuid4().hex}"
    board.interpreter.expect(channel_id, to)
    shows = (f"CONNECTEDLINE(num,i)={to}", f"CONNECTEDLINE(name,i)={_shown(wish.name) or to}")
    variables = (*shows, *(ANSWER_BY_ITSELF if plan.desk_phone else ()))
    begun = board.begins[channel_id] = asyncio.Event()
    try:
        with _unless_refused(board, wish.agent):
            await board.link.action(
                "Originate",
                timeout=ANSWER,
                headers=[("Variable", each) for each in variables],
                Channel=plan.interface,
                ChannelId=channel_id,
                Context="ringdesk-agents",
                Exten=to,
                Priority="1",
                Timeout=str(RING_SELF),
                Async="true",
            )
            await _is_rung(begun)
    finally:
        del board.begins[channel_id]
    return CommandDone(detail=to)


async def _is_rung(begun: asyncio.Event) -> None:
    """Asterisk says yes before it looks for the device; of one that is away comes no event."""
    try:
        async with asyncio.timeout(BEGINS):
            await begun.wait()
    except TimeoutError:
        raise Refused(NO_TELEPHONE) from None


async def may_dial(board: Switchboard, wish: w.MayDial) -> Reply:
    """Whether the telephone in the agent's page may dial, and what."""
    plan_of(board, wish.agent)
    to = _dials(board, wish.agent, wish.to)
    with _unless_refused(board, wish.agent):
        # With Asterisk away nothing would be heard, and nobody would know of the call.
        await board.link.action("Ping", timeout=ANSWER)
    return CommandDone(detail=to)


def _dials(board: Switchboard, agent: str, number: str) -> str:
    """What is dialled now for an agent who asks for `number`: one call at a time."""
    state, now = board.roster.states[agent], time.monotonic()
    if state.talking or state.kept:
        raise Refused("You are on a call already.")
    if state.ringing:
        raise Refused("A call is ringing. Answer or reject it first.")
    if state.calling or now - board.dialled.get(agent, -AT_ONCE) < AT_ONCE:
        raise Refused("You are calling somebody already.")
    to = reached(board, number)
    is_there(board, agent, to)
    board.dialled[agent] = now
    return to


@contextmanager
def _unless_refused(board: Switchboard, agent: str) -> Iterator[None]:
    """Nothing was dialled: the next wish is no second one."""
    try:
        yield
    except BaseException:
        board.dialled.pop(agent, None)
        raise


def _shown(name: str) -> str:
    """A name as it may stand in a variable of an action: a comma would begin another one."""
    kept = "".join(each if each.isalnum() or each in " .'-" else " " for each in name)
    return " ".join(kept.split())[:LONGEST_NAME]


def is_there(board: Switchboard, agent: str, to: str) -> None:
    """Nobody is handed on to, and nobody calls, whom we know not to be there.

    Whom it does not reach all the same is told of (extensions.conf, ringdesk-transfer: it comes
    back, and ringdesk-not-reached).
    """
    if to.startswith("q-") and to[2:] not in board.roster.queues:
        raise Refused("There is no such queue.")
    parked = sum(leg.parked for leg in board.interpreter.world.legs.values())
    if to == PARK and parked >= PLACES:
        raise Refused("All parking places are taken.")  # Asterisk would hang the caller up
    colleague = next((p for p in board.roster.plans.values() if p.extension == to), None)
    if colleague is None:
        return
    if colleague.name == agent:
        raise Refused("That is you.")
    if board.roster.states[colleague.name].reachable is False:
        raise Refused("{agent} cannot be reached right now.", agent=colleague.name)


def reached(board: Switchboard, number: str) -> str:
    """What is dialled is what was understood, and is what the call says."""
    found = board.reach(number)
    if not found and number.isdigit() and len(number) <= SHORTEST_OUTSIDE:
        raise Refused("There is nobody at this number.")
    if not found:
        raise Refused("Calls to {number} are not allowed here.", number=number)
    return found
