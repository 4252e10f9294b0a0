"""Commands about the telephone: wishes sent to the bridge, refused in words for a person."""

from __future__ import annotations

import asyncio
from typing import Any

from agent_console.access import require_call
from agent_console.errors import BadRequest, Refused
from agent_console.live import schemas
from agent_console.live.session import Session
from agent_console.panels import aside
from agent_console.words import N_
from cti.wishes import (
    BlindTransfer,
    CommandRefused,
    EndWrapUp,
    HangUp,
    MayDial,
    Originate,
    Pause,
    SignIn,
    SignOut,
    Unpause,
    Wish,
)
from service_desk.queries.whose_number import whose_number
from service_desk.typed import narrow

WAIT = 5.0  # seconds for the bridge's answer
NAME = 0.5  # seconds for the name beside a number


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
    """Whether the page's own telephone may dial this, and how; else ring one's device, then it."""
    to, agent = narrow(command.to), session.viewer.user
    wish: Wish
    try:
        if command.here:
            wish = MayDial(agent=agent, to=to)
        else:
            wish = Originate(agent=agent, to=to, name=await _name_of(session, to))
    except ValueError:
        raise BadRequest(N_("That cannot be dialled.")) from None
    return await _ask(session, wish)


async def _name_of(session: Session, to: str) -> str:
    """Whom one's own device says that it is to reach: nice to have, and nothing waits for it."""
    context = session.context
    colleague = next((a for a in context.agents.values() if a.extension == to), None)
    if colleague is not None:
        return colleague.label or colleague.name
    if to.startswith("q-"):
        return context.title_of(to[2:]).said(session.translator.language)
    reading = asyncio.wait_for(whose_number(context.desk, to), NAME)
    return await aside("desk", "name", reading, "")


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
