"""Commands about the telephone: wishes sent to the bridge, refused in words for a person."""

from __future__ import annotations

from typing import Any

from agent_console.access import require_call
from agent_console.errors import BadRequest, Refused
from agent_console.live import schemas
from agent_console.live.session import Session
from agent_console.words import N_
from cti.wishes import (
    BlindTransfer,
    CommandRefused,
    EndWrapUp,
    HangUp,
    Originate,
    Pause,
    SignIn,
    SignOut,
    Unpause,
    Wish,
)
from service_desk.typed import narrow

WAIT = 5.0  # seconds for the bridge's answer


async def sign_in(session: Session, _command: schemas.Nothing) -> dict[str, Any]:
    """Join one's queues."""
    return await _ask(session, SignIn(agent=session.viewer.user))


async def sign_out(session: Session, _command: schemas.Nothing) -> dict[str, Any]:
    """Leave all queues."""
    return await _ask(session, SignOut(agent=session.viewer.user))


async def pause(session: Session, command: schemas.PauseFor) -> dict[str, Any]:
    """Take no calls for a while."""
    reasons = session.context.pause_reasons
    if reasons and command.reason not in reasons:
        raise BadRequest(N_("There is no such reason for a pause."))
    return await _ask(session, Pause(agent=session.viewer.user, reason=command.reason))


async def unpause(session: Session, _command: schemas.Nothing) -> dict[str, Any]:
    """Take calls again."""
    return await _ask(session, Unpause(agent=session.viewer.user))


async def end_wrap_up(session: Session, _command: schemas.Nothing) -> dict[str, Any]:
    """Done before the limit."""
    return await _ask(session, EndWrapUp(agent=session.viewer.user))


async def hang_up(session: Session, command: schemas.OnCall) -> dict[str, Any]:
    """End one's own leg, or reject what rings."""
    require_call(session.viewer, session.screens.agents_of(command.call_id))
    return await _ask(session, HangUp(agent=session.viewer.user, call_id=command.call_id))


async def transfer(session: Session, command: schemas.TransferTo) -> dict[str, Any]:
    """Hand the caller on and leave."""
    require_call(session.viewer, session.screens.agents_of(command.call_id))
    try:
        wish = BlindTransfer(
            agent=session.viewer.user, call_id=command.call_id, to=narrow(command.to)
        )
    except ValueError:
        raise BadRequest(N_("That cannot be dialled.")) from None
    return await _ask(session, wish)


async def dial(session: Session, command: schemas.DialTo) -> dict[str, Any]:
    """Ring one's own device, then the number."""
    try:
        wish = Originate(agent=session.viewer.user, to=narrow(command.to))
    except ValueError:
        raise BadRequest(N_("That cannot be dialled.")) from None
    return await _ask(session, wish)


async def hold_phone(session: Session, command: schemas.HoldPhone) -> dict[str, Any]:
    """Have the telephone in this browser; who has it then."""
    holders = session.screens.holders
    return {"browser": holders.hold(session.client, command.browser, take=command.take)}


async def _ask(session: Session, wish: Wish) -> dict[str, Any]:
    session.context.paces.take("wish", session.actor)
    reply = await session.context.bus.request(wish, WAIT)
    if isinstance(reply, CommandRefused):
        values = dict(reply.values)
        if queue := values.get("queue"):  # the bridge names it by its code
            values["queue"] = session.context.title_of(queue).said(session.translator.language)
        raise Refused(reply.reason, **values)
    return {"detail": reply.detail} if reply.detail else {}
