"""What forms have in common: fields as text, choices out of a list, paths of our own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from aiohttp import web

from agent_console.errors import BadRequest, NotThere
from agent_console.words import N_

C = TypeVar("C", bound=str)

# A path of this site: one slash, then no second one and no backslash (both would name a host).
OWN_PATH = re.compile(r"\A/(?![/\\])[^\\\x00-\x20\x7f]*\Z")
MOST_TIMES = 50  # of what a page shows at first
ID = re.compile(r"\A[1-9][0-9]{0,15}\Z")


def own_path(path: str) -> str:
    """`path` if it leads nowhere but to this site, else the start page."""
    return path if OWN_PATH.match(path) else "/"


def number_in_path(request: web.Request, name: str = "id") -> int:
    """A positive number out of the path; anything else does not exist."""
    text = request.match_info[name]
    if not ID.match(text):
        raise NotThere
    return int(text)


def times_shown(request: web.Request) -> int:
    """`?show=`: how many times as much of each list is wanted; 1 unless it is a sensible number."""
    text = request.query.get("show", "")
    return min(int(text), MOST_TIMES) if ID.match(text) else 1


async def field(request: web.Request, name: str, *, longest: int, needed: bool = True) -> str:
    """One text field of the form, without spaces around it. Raises BadRequest."""
    value = (await request.post()).get(name, "")
    text = value.strip() if isinstance(value, str) else ""
    if needed and not text:
        raise BadRequest(N_("is missing"), field=name)
    if len(text) > longest:
        raise BadRequest(
            N_("is too long: {length} characters, at most {most}"),
            field=name,
            length=len(text),
            most=longest,
        )
    return text


async def choice(request: web.Request, name: str, allowed: Iterable[C]) -> C:
    """A field that must be one of `allowed`."""
    text = await field(request, name, longest=64)
    for value in allowed:
        if value == text:
            return value
    raise BadRequest(N_("is none of the choices"), field=name)


def local_time(text: str, zone: str) -> datetime:
    """A `datetime-local` field, meant in the company's time zone, as UTC."""
    try:
        naive = datetime.fromisoformat(text)
        return naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(N_("is no date and time"), field="due") from None
