"""One case: what happened, and the forms that move it. Post, redirect, get."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web

from agent_console import reading, writing
from agent_console.access import require_filing, require_promise
from agent_console.errors import BadRequest
from agent_console.pages.case_list import PRIORITIES, STATUSES
from agent_console.pages.forms import choice, field, local_time, number_in_path, times_shown
from agent_console.panels import aside
from agent_console.recordings import missing_of
from agent_console.render import page
from agent_console.web import CONTEXT, actor_of, language_of, see_other, signed_in
from agent_console.words import N_
from service_desk.actions.case import moves_from
from service_desk.queries.briefs import in_language
from service_desk.views import CaseBrief, CasePage


async def show(request: web.Request) -> web.StreamResponse:
    """GET /cases/{number}; the number of a case that became part of another leads there."""
    context, viewer = request.app[CONTEXT], signed_in(request)
    times = times_shown(request)
    shown = await _case(request, times)
    if shown.merged_into is not None:
        return see_other(f"/cases/{quote(shown.merged_into, safe='')}")
    await writing.case_read(context, shown.case.number, by=actor_of(request))
    missing: list[str] = []
    files = missing_of(context, shown.conversations)
    draft = reading.draft(context, viewer.user, f"note:{shown.case.id}")
    values: dict[str, Any] = {
        "shown": shown,
        "times": times,
        "lost": await aside("case", "recordings", files, frozenset(), missing),
        "statuses": moves_from(shown.case.status),
        "priorities": PRIORITIES,
        "dispositions": await aside(
            "case",
            "dispositions",
            reading.dispositions(context, language_of(request)),
            (),
            missing,
        ),
        "open_cases": await aside("case", "cases", _others(request, shown), (), missing),
        "draft": await aside("case", "draft", draft, "", missing),
        "zone": context.time_zone,
        "names": await reading.names(context),
        "problem": "",
    }
    values["absent"] = (*shown.missing, *missing)
    return page(request, "case.html", values)


async def _others(request: web.Request, shown: CasePage) -> tuple[CaseBrief, ...]:
    """The customer's other open cases."""
    if shown.customer is None:
        return ()
    found = await reading.open_cases(request.app[CONTEXT], shown.customer.id)
    return tuple(case for case in found if case.number != shown.case.number)


async def note(request: web.Request) -> web.StreamResponse:
    """POST /cases/{number}/notes"""
    context, shown = request.app[CONTEXT], await _case(request)
    text = await field(request, "text", longest=10_000)
    await writing.note(context, shown.case.id, text, by=actor_of(request))
    return _back(shown)


async def disposition(request: web.Request) -> web.StreamResponse:
    """POST /cases/{number}/disposition"""
    shown = await _case(request)
    code = await field(request, "code", longest=40)
    await writing.disposition(request.app[CONTEXT], shown.case.id, code, by=actor_of(request))
    return _back(shown)


async def status(request: web.Request) -> web.StreamResponse:
    """POST /cases/{number}/status"""
    shown = await _case(request)
    wanted = await choice(request, "status", STATUSES)
    if wanted != shown.case.status:
        await writing.status(request.app[CONTEXT], shown.case.id, wanted, by=actor_of(request))
    return _back(shown)


async def priority(request: web.Request) -> web.StreamResponse:
    """POST /cases/{number}/priority"""
    shown = await _case(request)
    wanted = await choice(request, "priority", PRIORITIES)
    await writing.priority(request.app[CONTEXT], shown.case.id, wanted, by=actor_of(request))
    return _back(shown)


async def subject(request: web.Request) -> web.StreamResponse:
    """POST /cases/{number}/subject"""
    shown = await _case(request)
    wanted = await field(request, "subject", longest=200)
    # The field holds what is shown: sent back untouched it is nobody's words.
    if wanted != in_language(language_of(request), shown.case.subject, shown.case.subject_zh):
        await writing.subject(request.app[CONTEXT], shown.case.id, wanted, by=actor_of(request))
    return _back(shown)


async def assign(request: web.Request) -> web.StreamResponse:
    """POST /cases/{number}/assign"""
    shown = await _case(request)
    to = await field(request, "to", longest=32)
    await writing.assign(request.app[CONTEXT], shown.case.id, to, by=actor_of(request))
    return _back(shown)


async def follow_up(request: web.Request) -> web.StreamResponse:
    """POST /cases/{number}/follow-ups"""
    context, shown = request.app[CONTEXT], await _case(request)
    text = await field(request, "text", longest=500)
    due = local_time(await field(request, "due", longest=32), context.time_zone)
    await writing.follow_up(context, shown.case.id, text, due, by=actor_of(request))
    return _back(shown)


async def kept(request: web.Request) -> web.StreamResponse:
    """POST /cases/{number}/follow-ups/{id}/kept"""
    context, follow_up_id = request.app[CONTEXT], number_in_path(request)
    require_promise(signed_in(request), await reading.owners_of_promise(context, follow_up_id))
    await writing.keep(context, follow_up_id, by=actor_of(request))
    return see_other(f"/cases/{quote(request.match_info['number'], safe='')}")


async def file_under(request: web.Request) -> web.StreamResponse:
    """POST /cases/{number}/file-under: this case's call goes to the open case `under`."""
    context, shown = request.app[CONTEXT], await _case(request)
    under = await reading.case(
        context, await field(request, "under", longest=32), language_of(request)
    )
    if not shown.conversations:
        raise BadRequest(N_("No conversation is filed here."))
    call = shown.conversations[0]
    require_filing(signed_in(request), call.agents, ended=call.ended_at is not None)
    await writing.file_under(context, call.call_id, under.case.id, by=actor_of(request))
    return _back(under)


async def join(request: web.Request) -> web.StreamResponse:
    """POST /cases/{number}/join: the same matter as the case `into`, which takes everything."""
    context, shown = request.app[CONTEXT], await _case(request)
    into = await reading.case(
        context, await field(request, "into", longest=32), language_of(request)
    )
    await writing.join_cases(context, shown.case.id, into.case.id, by=actor_of(request))
    return _back(into)


async def _case(request: web.Request, times: int = 1) -> CasePage:
    number, language = request.match_info["number"], language_of(request)
    return await reading.case(request.app[CONTEXT], number, language, times=times)


def _back(shown: CasePage) -> web.Response:
    return see_other(f"/cases/{quote(shown.case.number, safe='')}")
