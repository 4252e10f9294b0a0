"""The supervisor's floor: a shell; what it shows comes over the websocket."""

from __future__ import annotations

from aiohttp import web

from agent_console import reading
from agent_console.pages import boot
from agent_console.render import page
from agent_console.web import CONTEXT, signed_in


async def show(request: web.Request) -> web.StreamResponse:
    """GET /board"""
    names = await reading.names(request.app[CONTEXT])
    return page(request, "board.html", {"boot": boot.for_board(request, signed_in(request), names)})
