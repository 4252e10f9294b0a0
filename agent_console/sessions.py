"""Who a cookie or a bearer token stands for; the desk keeps sessions and tokens (hashed)."""

from __future__ import annotations

from typing import cast

from msgspec import Struct

from agent_console.access import Role, Viewer
from agent_console.context import ConsoleContext
from service_desk.actions import staff
from service_desk.actor import Actor
from service_desk.errors import NotSignedIn

LONGEST_TOKEN = 200  # what is longer is none of ours and costs no look-up


class Opened(Struct, frozen=True, kw_only=True):
    """A session just opened: `token` for the cookie, and whose it is."""

    token: str
    viewer: Viewer


async def by_session(context: ConsoleContext, token: str) -> Viewer | None:
    """Who is signed in with this cookie's value; None for no or an old session.

    Raises DatabaseAway.
    """
    if not 0 < len(token) <= LONGEST_TOKEN:
        return None
    try:
        session = await staff.session_of(context.desk, token=token)
    except NotSignedIn:
        return None
    return _viewer(session.actor, session.shown, session.language)


async def by_api_token(context: ConsoleContext, token: str) -> Viewer | None:
    """Whose API token this is; None for a wrong or revoked one. Raises DatabaseAway."""
    if not 0 < len(token) <= LONGEST_TOKEN:
        return None
    try:
        actor = await staff.actor_of_token(context.desk, token=token)
    except NotSignedIn:
        return None
    return _viewer(actor, actor.name, context.languages[0])


async def open_session(
    context: ConsoleContext, name: str, password: str, *, address: str
) -> Opened:
    """Check the password and open a session. Raises NotSignedIn, TooManyTries."""
    signed_in = await staff.sign_in(context.desk, name=name, password=password, address=address)
    return Opened(
        token=signed_in.token,
        viewer=_viewer(signed_in.actor, signed_in.shown, signed_in.language),
    )


async def close_session(context: ConsoleContext, token: str) -> None:
    """End the session on the server."""
    await staff.sign_out(context.desk, token=token)


async def remember_language(context: ConsoleContext, language: str, *, by: Actor) -> None:
    """The language of one's next sign-in, on whatever machine."""
    await staff.set_own_language(context.desk, language=language, by=by)


def _viewer(actor: Actor, shown: str, language: str) -> Viewer:
    # The desk gives staff roles only; what is none of them is granted nothing by access.py.
    return Viewer(
        staff_id=actor.staff_id,
        user=actor.name,
        name=shown,
        role=cast(Role, actor.role),
        language=language,
    )
