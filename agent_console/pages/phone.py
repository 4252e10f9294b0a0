"""The customer's phone, in demo mode only: elsewhere there is no such page."""

from __future__ import annotations

from aiohttp import web

from agent_console.errors import NotThere
from agent_console.pages import boot
from agent_console.render import page
from agent_console.web import CONTEXT


async def show(request: web.Request) -> web.StreamResponse:
    """GET /phone"""
    context = request.app[CONTEXT]
    if not context.demo:
        raise NotThere
    values = {
        **boot.common(request, None),
        "softphone": boot.softphone(request, context.demo_phone),
        "numbers": [
            {"number": caller.number, "name": caller.name, "note": caller.note}
            for caller in context.demo_callers
        ],
        "dial": context.hotline,
    }
    return page(request, "phone.html", {"boot": values})
