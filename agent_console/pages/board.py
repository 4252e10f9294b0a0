"""The supervisor's floor: a shell; what it shows comes over the websocket."""

from __future__ import annotations

from aiohttp import web

from agent_console import reading, writing
from agent_console.pages import boot
from agent_console.render import page
from agent_console.web import CONTEXT, actor_of, signed_in


async def show(request: web.Request) -> web.StreamResponse:
    """GET /board"""
    await writing.board_watched(request.app[CONTEXT], "page", by=actor_of(request))
    names = await reading.names(request.app[CONTEXT])
    return page(request, "board.html", {"boot": boot.for_board(request, signed_in(request), names)})
