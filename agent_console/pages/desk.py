"""The agent's one tab: a shell with its bootstrap; the rest comes over the websocket."""

from __future__ import annotations

from aiohttp import web

from agent_console import reading
from agent_console.pages import boot
from agent_console.panels import aside
from agent_console.render import page
from agent_console.web import CONTEXT, signed_in


async def show(request: web.Request) -> web.StreamResponse:
    """GET /desk"""
    context = request.app[CONTEXT]
    missing: list[str] = []
    dispositions = {
        language: await aside(
            "desk", "dispositions", reading.dispositions(context, language), (), missing
        )
        for language in context.languages
    }
    names = await reading.names(context)
    viewer = signed_in(request)
    generation = await reading.phone_generation(context, viewer.user)
    values = boot.for_desk(request, viewer, dispositions, names, generation)
    values["missing"] = sorted(set(missing))
    return page(request, "desk.html", {"boot": values})
