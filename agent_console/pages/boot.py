"""What a page's script gets from the server (`<script type="application/json" id="boot">`).

The shapes are the front end's: docs/architecture.md, "What a page gets".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from msgspec import to_builtins

from agent_console.access import Permission, Viewer, may
from agent_console.context import ConsoleContext
from agent_console.navigation import places
from agent_console.origins import at_host
from agent_console.web import CONTEXT, CSRF, TRANSLATORS, host, language_of
from service_desk.actions.case import MOVES, moves_from
from service_desk.views import Disposition


def common(
    request: web.Request, viewer: Viewer | None, names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What every scripted page gets; `names` (user name -> for people) where staff is shown."""
    context = request.app[CONTEXT]
    nav = places(viewer, request.app[TRANSLATORS])
    return {
        "lang": language_of(request),
        "csrf": request.get(CSRF, ""),
        "live": at_host(context.live_url, host(request)),
        "now": context.desk.clock.now().isoformat(),
        "me": {
            "agent": viewer.user if viewer else "",
            "name": viewer.name if viewer else "",
            "extension": _extension_of(context, viewer),
            "role": viewer.role if viewer else "",
            "language": viewer.language if viewer else "",
        },
        "nav": nav,
        "links": {each["name"]: each["path"] for each in nav}
        | ({"sign_out": "/sign-out"} if may(viewer, Permission.SIGNED_IN) else {}),
        "company": {"name": context.company, "time_zone": context.time_zone},
        "names": dict(names or {}),
    }


def _extension_of(context: ConsoleContext, viewer: Viewer | None) -> str:
    """The viewer's own number in the house; "" for who has no telephone."""
    device = context.agents.get(viewer.user) if viewer else None
    return device.extension if device else ""


def softphone(request: web.Request, endpoint: str, generation: int = 0) -> dict[str, Any]:
    """The SIP account of one endpoint; only ever its own user's page gets it."""
    context = request.app[CONTEXT]
    name = host(request)
    # The page comes back to the same address after each loss, for as long as its session may last.
    until = context.desk.clock.now() + timedelta(days=context.desk.settings.session_longest_days)
    ticket = context.ticket(endpoint, until)
    return {
        "ws": f"{at_host(context.sip_url, name)}?{urlencode({'ticket': ticket})}",
        "uri": f"sip:{endpoint}@{at_host(context.sip_domain, name)}",
        "user": endpoint,
        "password": context.sip_secret(endpoint, generation),
        "ice": [],
    }


def for_desk(
    request: web.Request,
    viewer: Viewer,
    dispositions: Mapping[str, Sequence[Disposition]],
    names: Mapping[str, str],
    generation: int,
) -> dict[str, Any]:
    """The desk's bootstrap. `dispositions` by language, in the same order in each.

    `generation`: of the password of the viewer's telephone.
    """
    context = request.app[CONTEXT]
    device = context.agents.get(viewer.user)
    own = [
        context.queues[q].wrap_up for q in (device.queues if device else ()) if q in context.queues
    ]
    return {
        **common(request, viewer, names),
        "softphone": softphone(request, viewer.user, generation)
        if device is not None and device.kind == "webrtc"
        else None,
        "pause_reasons": _pause_reasons(context),
        "dispositions": _dispositions(dispositions),
        "targets": targets(context, viewer.user, names),
        "moves": {status: moves_from(status) for status in MOVES},
        "wrap_up": max(own, default=60),
    }


def for_board(request: web.Request, viewer: Viewer, names: Mapping[str, str]) -> dict[str, Any]:
    """The board's bootstrap."""
    reasons = _pause_reasons(request.app[CONTEXT])
    return {**common(request, viewer, names), "pause_reasons": reasons}


def _pause_reasons(context: ConsoleContext) -> list[dict[str, Any]]:
    return [
        {"code": code, "label": reason.labels, "limit_minutes": reason.limit_minutes}
        for code, reason in context.pause_reasons.items()
    ]


def targets(context: ConsoleContext, user: str, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Where a call may be handed on to: other agents' extensions, queues."""
    agents: list[dict[str, Any]] = [
        {
            "to": device.extension,
            "label": names.get(name) or device.label or name,
            "agent": name,
            "kind": "agent",
        }
        for name, device in context.agents.items()
        if name != user
    ]
    queues = [
        {"to": f"q-{name}", "label": to_builtins(queue.title), "kind": "queue"}
        for name, queue in context.queues.items()
    ]
    return agents + queues


def _dispositions(by_language: Mapping[str, Sequence[Disposition]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for language, dispositions in by_language.items():
        for said in dispositions:
            entry = found.setdefault(
                said.code, {"code": said.code, "label": {}, "resolves": said.resolves}
            )
            entry["label"][language] = said.label
    return list(found.values())
