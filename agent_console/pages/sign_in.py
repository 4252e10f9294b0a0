"""Sign in, sign out, and where one goes first.

A session is new at every sign-in: whatever cookie the browser brought is never signed in, so a
session cannot be fixed from outside.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from agent_console import security, sessions
from agent_console.access import Permission, may
from agent_console.errors import retry_after
from agent_console.i18n import choose
from agent_console.pages.forms import own_path
from agent_console.render import page
from agent_console.web import (
    CONTEXT,
    TOKEN,
    actor_of,
    address_of,
    say,
    see_other,
    signed_in,
    viewer_of,
)
from agent_console.words import N_
from service_desk.errors import NotSignedIn, TooManyTries


async def home(request: web.Request) -> web.StreamResponse:
    """GET /: the board for who may see it, else the desk."""
    return see_other("/board" if may(signed_in(request), Permission.BOARD_SEE) else "/desk")


async def show(request: web.Request) -> web.StreamResponse:
    """GET /sign-in"""
    if viewer_of(request) is not None:
        return see_other("/")
    return _form(request, next_path=request.query.get("next", ""))


async def submit(request: web.Request) -> web.StreamResponse:
    """POST /sign-in"""
    form = await request.post()
    name, password = str(form.get("name", "")).strip(), str(form.get("password", ""))
    next_path = str(form.get("next", ""))
    context = request.app[CONTEXT]
    try:
        opened = await sessions.open_session(context, name, password, address=address_of(request))
    except TooManyTries as error:
        wait = retry_after(error) or 60
        response = _form(
            request,
            name=name,
            next_path=next_path,
            problem=say(request, N_("Too many tries. Try again in {n} seconds.")).format(n=wait),
            status=HTTPStatus.TOO_MANY_REQUESTS,
        )
        response.headers["Retry-After"] = str(wait)
        return response
    except NotSignedIn:
        return _form(
            request,
            name=name,
            next_path=next_path,
            problem=say(request, N_("Wrong name or password.")),
            status=HTTPStatus.UNAUTHORIZED,
        )
    response = see_other(own_path(next_path))
    security.set_cookie(response, context, security.SESSION_COOKIE, opened.token)
    security.drop_cookie(response, context, security.VISIT_COOKIE)
    if security.LANGUAGE_COOKIE not in request.cookies:
        language = choose(opened.viewer.language, "", context.languages)
        security.set_cookie(
            response,
            context,
            security.LANGUAGE_COOKIE,
            language,
            max_age=security.YEAR,
            script_reads=True,
        )
    return response


async def leave(request: web.Request) -> web.StreamResponse:
    """POST /sign-out: the session ends on the server, not only in the browser."""
    context = request.app[CONTEXT]
    await sessions.close_session(context, request[TOKEN])
    response = see_other("/sign-in")
    security.drop_cookie(response, context, security.SESSION_COOKIE)
    return response


async def leave_everywhere(request: web.Request) -> web.StreamResponse:
    """POST /sign-out-everywhere: the sessions on all one's machines end, this one too."""
    context = request.app[CONTEXT]
    await sessions.close_all(context, signed_in(request).user, by=actor_of(request))
    response = see_other("/sign-in")
    security.drop_cookie(response, context, security.SESSION_COOKIE)
    return response


def _form(
    request: web.Request,
    *,
    name: str = "",
    next_path: str = "",
    problem: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> web.Response:
    values = {
        "name": name,
        "next": own_path(next_path) if next_path else "",
        "problem": problem,
        "demo": request.app[CONTEXT].demo,
    }
    return page(request, "sign_in.html", values, status=status)
