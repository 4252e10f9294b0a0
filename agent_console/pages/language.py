"""Switch the language."""

from __future__ import annotations

from aiohttp import web

from agent_console import sessions
from agent_console.errors import BadRequest
from agent_console.pages.forms import own_path
from agent_console.security import LANGUAGE_COOKIE, YEAR, set_cookie
from agent_console.web import CONTEXT, actor_of, see_other, viewer_of
from agent_console.words import N_


async def switch(request: web.Request) -> web.StreamResponse:
    """POST /language: remember the choice in a cookie, back to where one was."""
    form = await request.post()
    context = request.app[CONTEXT]
    wanted = form.get("lang")
    if wanted not in context.languages:
        raise BadRequest(N_("There is no such language."))
    if viewer_of(request) is not None:
        await sessions.remember_language(context, str(wanted), by=actor_of(request))
    response = see_other(own_path(str(form.get("next", ""))))
    set_cookie(response, context, LANGUAGE_COOKIE, str(wanted), max_age=YEAR, script_reads=True)
    return response
