"""What people wish of the telephone: one function a wish, each bounded, each refused in words.

Nothing here changes what we believe: an action makes Asterisk tell an event, and the event moves
the board. So a command that Asterisk carried out, and whose answer was lost, is seen all the same.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cti import wishes as w
from cti.agent_state import AWAY
from cti.ami.errors import AmiBusy, AmiDown, AmiError, AmiRefused, AmiTimeout
from cti.dialling import is_there, may_dial, originate, reached
from cti.roster import WRAP_UP
from cti.switchboard import ANSWER, Refused, Switchboard, plan_of
from cti.wishes import CommandDone, CommandRefused, Reply, Wish

CALL_REJECTED = "21"  # Q.850

# Asterisk's own words for "it is so already".
ALREADY = ("Already there", "Not there")
NO_MEMBER = "Interface not found"
NO_RANK = "Invalid interface"
WORDS: Mapping[type[AmiError], str] = {
    AmiDown: "The telephone system is not connected right now.",
    AmiBusy: "The telephone system is too busy. Try again in a moment.",
    AmiTimeout: "The telephone system did not answer in time.",
}
OTHERWISE = "The telephone system cannot take this."
# What Asterisk 22 answers to our actions (in English only), and what it means to a person.
GONE = "You are not on this call any more."
NOT_HANDED_ON = "The call could not be handed on."
NOT_PLACED = "The call could not be placed."
FORBIDDEN = "The telephone system does not let Ringdesk do this: `ringdesk doctor` tells why."
MEANINGS: Mapping[str, str] = {
    "no such channel": GONE,
    "channel specified does not exist": GONE,
    "channel does not exist": GONE,
    "extension does not exist": "There is nobody at this number.",
    "transfer invalid": NOT_HANDED_ON,
    "transfer not permitted": NOT_HANDED_ON,
    "transfer failed": NOT_HANDED_ON,
    "originate failed": NOT_PLACED,
    "invalid channel": NOT_PLACED,
    "permission denied": FORBIDDEN,
    "access forbidden": FORBIDDEN,
    "invalid/unknown command": FORBIDDEN,
    "no such queue": "The telephone system does not know this queue.",
    "not there": "Sign in first.",
    "interface not found": "Sign in first.",
}
OURS = (WRAP_UP, *AWAY)  # reasons for a pause that only we give
REASON = re.compile(r"\A[a-z0-9][a-z0-9_-]{0,39}\Z")


async def carry_out(board: Switchboard, wish: Wish) -> Reply:
    """Carry out one wish of the TABLE."""
    command = COMMANDS.get(type(wish))
    if command is None:
        return CommandRefused(
            reason="The telephone cannot do this: {wish}.", values={"wish": type(wish).__name__}
        )
    try:
        return await command(board, wish)
    except Refused as error:
        return CommandRefused(reason=error.text, values=error.values)
    except AmiError as error:
        return in_words(error)


def in_words(error: AmiError) -> CommandRefused:
    """What went wrong on the link, as one line for a person."""
    if isinstance(error, AmiRefused):
        why = _line(str(error))
        if known := next((words for words in MEANINGS if words in why.lower()), None):
            return CommandRefused(reason=MEANINGS[known])
        # The rest keeps Asterisk's own words, as words of somebody else.
        return CommandRefused(reason='The telephone system refused: "{why}"', values={"why": why})
    return CommandRefused(reason=WORDS.get(type(error), OTHERWISE))


async def sign_in(board: Switchboard, wish: w.SignIn) -> Reply:
    """Join one's queues; a queue that is new inherits the pause."""
    plan, state = plan_of(board, wish.agent), board.roster.states[wish.agent]
    own = board.roster.pause_of(wish.agent)
    reason = own if own is not None else (WRAP_UP if state.keeps_calls_away else "")
    paused = {"Paused": "true", "Reason": reason} if reason else {}
    if not plan.queues:
        raise Refused("You have no queue to sign in to.")
    for queue, penalty in plan.queues.items():
        await _tolerant(
            board,
            "QueueAdd",
            Queue=queue,
            Interface=plan.interface,
            MemberName=plan.name,
            StateInterface=plan.interface,
            Penalty=str(penalty),
            **paused,
        )
    return CommandDone(detail=", ".join(plan.queues))


async def sign_out(board: Switchboard, wish: w.SignOut) -> Reply:
    """Leave every queue one is in, also those that the settings do not name any more."""
    plan = plan_of(board, wish.agent)
    queues = dict.fromkeys((*board.roster.states[wish.agent].queues, *plan.queues))
    for queue in queues:
        await _tolerant(board, "QueueRemove", Queue=queue, Interface=plan.interface)
    return CommandDone()


async def pause(board: Switchboard, wish: w.Pause) -> Reply:
    """Take no calls; during a call it holds from the call's end."""
    if not REASON.match(wish.reason) or wish.reason in OURS:
        raise Refused("This is not a reason for a pause.")
    await _own_pause(board, wish.agent, wish.reason, told=wish.reason)
    return CommandDone()


async def unpause(board: Switchboard, wish: w.Unpause) -> Reply:
    """Take calls again; in a wrap-up from its end on."""
    plan_of(board, wish.agent)
    wrapping = board.roster.states[wish.agent].keeps_calls_away
    await _own_pause(board, wish.agent, None, told=WRAP_UP if wrapping else None)
    return CommandDone()


async def hang_up(board: Switchboard, wish: w.HangUp) -> Reply:
    """End the agent's own leg; one that rings is rejected."""
    channel = _channel(board, wish.agent, wish.call_id)
    state = board.roster.states[wish.agent]
    kept = (talk.call_id for talk in state.kept.values())
    rings = wish.call_id in (*state.ringing.values(), *kept)
    cause = CALL_REJECTED if rings else "16"
    await board.link.action("Hangup", timeout=ANSWER, Channel=channel, Cause=cause)
    return CommandDone()


async def blind_transfer(board: Switchboard, wish: w.BlindTransfer) -> Reply:
    """Hand the other side on, within the fixed context of transfer targets."""
    channel = _channel(board, wish.agent, wish.call_id)
    to = reached(board, wish.to)
    is_there(board, wish.agent, to)
    await board.link.action(
        "BlindTransfer",
        timeout=ANSWER,
        Channel=channel,
        Context="ringdesk-transfer",
        Exten=to,
    )
    return CommandDone(detail=to)


async def _own_pause(
    board: Switchboard, agent: str, reason: str | None, *, told: str | None
) -> None:
    """Ask Asterisk for `told`; a wrap-up that begins or ends before its event knows of `reason`."""
    plan_of(board, agent)
    forget = board.roster.wish_pause(agent, reason)
    try:
        await pause_member(board, agent, told)
    except BaseException:
        forget()
        raise


async def pause_member(board: Switchboard, agent: str, reason: str | None) -> None:
    """Pause an agent in all queues with a reason, or end the pause (None).

    Whether the agent is signed in, Asterisk knows best: its events may still be on their way to us.
    """
    try:
        await board.link.action(
            "QueuePause",
            timeout=ANSWER,
            headers=() if reason is None else (("Reason", reason),),
            Interface=plan_of(board, agent).interface,
            Paused="false" if reason is None else "true",
        )
    except AmiRefused as error:
        if NO_MEMBER in str(error):
            raise Refused("Sign in first.") from None
        raise


async def set_penalty(board: Switchboard, agent: str, queue: str, penalty: int) -> None:
    """Rank an agent in a queue; who is not in it has no rank there."""
    try:
        await board.link.action(
            "QueuePenalty",
            timeout=ANSWER,
            Interface=plan_of(board, agent).interface,
            Queue=queue,
            Penalty=str(penalty),
        )
    except AmiRefused as error:
        if NO_RANK not in str(error):
            raise


def _channel(board: Switchboard, agent: str, call_id: str) -> str:
    plan_of(board, agent)
    channel = board.interpreter.channel_of(agent, call_id)
    if channel is None:
        raise Refused(GONE)
    return channel


async def _tolerant(board: Switchboard, action: str, **fields: str) -> None:
    try:
        await board.link.action(action, timeout=ANSWER, headers=tuple(fields.items()))
    except AmiRefused as error:
        if any(words in str(error) for words in ALREADY):
            return
        if "not dynamic" in str(error).lower():
            raise Refused(
                "The settings keep you in {queue} for good.", queue=fields["Queue"]
            ) from None
        raise


def _line(text: str) -> str:
    return " ".join(text.split())[:120]


Command = Callable[[Switchboard, Any], Awaitable[Reply]]
COMMANDS: Mapping[type[Wish], Command] = {
    w.SignIn: sign_in,
    w.SignOut: sign_out,
    w.Pause: pause,
    w.Unpause: unpause,
    w.HangUp: hang_up,
    w.BlindTransfer: blind_transfer,
    w.MayDial: may_dial,
    w.Originate: originate,
}
