"""A recording, with seeking (Range), for those who may hear it."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from agent_console import reading, writing
from agent_console.access import require_recording
from agent_console.assets import inside
from agent_console.errors import NotThere
from agent_console.pages.forms import number_in_path
from agent_console.web import CONTEXT, actor_of, viewer_of
from agent_console.words import N_

SOUND = {".wav": "audio/wav", ".ogg": "audio/ogg", ".mp3": "audio/mpeg"}


async def play(request: web.Request) -> web.StreamResponse:
    """GET /recordings/{id}: 200 or 206; 404 with words when the file is not there (any more)."""
    context = request.app[CONTEXT]
    number = number_in_path(request)
    found = await reading.recording(context, number)
    require_recording(viewer_of(request), found.agents, message=found.kind == "message")
    try:
        path = inside(context.recordings, found.file)
    except NotThere:
        raise NotThere(N_("The recording is known, but its file is missing.")) from None
    kind = SOUND.get(path.suffix.lower())
    if kind is None:
        raise NotThere(N_("The recording is known, but its file is missing."))
    if request.method == "GET":
        await writing.heard(context, number, found.call_id, by=actor_of(request))
    return web.FileResponse(
        path,
        status=HTTPStatus.OK,
        headers={
            "Content-Type": kind,
            "Cache-Control": "private, no-store",
            "Content-Disposition": f'inline; filename="recording-{number}{path.suffix}"',
        },
    )
