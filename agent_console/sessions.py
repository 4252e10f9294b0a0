"""Who a cookie or a bearer token stands for; the desk keeps sessions and tokens (hashed)."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from msgspec import Struct

from agent_console.access import Role, Viewer
from agent_console.context import ConsoleContext
from service_desk.actions import sessions, staff
from service_desk.actor import Actor
from service_desk.errors import NotSignedIn

LONGEST_TOKEN = 200  # what is longer is none of ours and costs no look-up


class Opened(Struct, frozen=True, kw_only=True):
    """A session just opened: `token` for the cookie, and whose it is."""

    token: str
    viewer: Viewer


async def by_session(context: ConsoleContext, token: str, *, used: bool = True) -> Viewer | None:
    """Who is signed in with this cookie's value; None for no or an old session.

    Being `used` keeps it alive. Raises DatabaseAway.
    """
    if not 0 < len(token) <= LONGEST_TOKEN:
        return None
    try:
        session = await staff.session_of(context.desk, token=token, used=used)
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
    await sessions.sign_out(context.desk, token=token)


async def close_all(context: ConsoleContext, name: str, *, by: Actor) -> None:
    """End every session of a person, on whatever machine."""
    await sessions.sign_out_everywhere(context.desk, name=name, by=by)


async def roles_of(context: ConsoleContext, tokens: Collection[str]) -> dict[str, str]:
    """Of these cookies' values those that are signed in, with the role. Raises DatabaseAway."""
    by_hash = {sessions.hash_token(token): token for token in tokens}
    found = await sessions.roles_of(context.desk, by_hash)
    return {by_hash[hashed]: role for hashed, role in found.items()}


async def keep_alive(context: ConsoleContext, tokens: Collection[str]) -> None:
    """Somebody looks at screens of these sessions. Raises DatabaseAway."""
    await sessions.keep_alive(context.desk, [sessions.hash_token(token) for token in tokens])


def key_of(token: str) -> str:
    """How `SessionsEnded` names the session of a cookie's value."""
    return sessions.hash_token(token)[: sessions.KEY]


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
