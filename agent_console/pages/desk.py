"""The agent's one tab: a shell with its bootstrap; the rest comes over the websocket."""

from __future__ import annotations

from aiohttp import web

from agent_console import reading
from agent_console.pages import boot
from agent_console.render import page
from agent_console.web import CONTEXT, signed_in


async def show(request: web.Request) -> web.StreamResponse:
    """GET /desk"""
    context = request.app[CONTEXT]
    dispositions = {
        language: await reading.dispositions(context, language) for language in context.languages
    }
    names = await reading.names(context)
    values = boot.for_desk(request, signed_in(request), dispositions, names)
    return page(request, "desk.html", {"boot": values})
