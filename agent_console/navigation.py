"""Where one may go: one list, in one order, for the server's pages and the scripted ones alike."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from agent_console.access import Permission, Viewer, may
from agent_console.i18n import Translator
from agent_console.words import N_


class Place(Struct, frozen=True):
    """One page of its own; shown to whoever holds `asks`."""

    name: str
    path: str
    asks: Permission
    label: str


PLACES = (
    Place("desk", "/desk", Permission.DESK_USE, N_("Desk")),
    Place("board", "/board", Permission.BOARD_SEE, N_("Floor")),
    Place("cases", "/cases", Permission.CASE_READ, N_("Cases")),
    Place("search", "/search", Permission.CUSTOMER_READ, N_("Search")),
    Place("figures", "/figures", Permission.QUEUE_READ, N_("Figures")),
    Place("jobs", "/jobs", Permission.JOB_SEE, N_("Jobs")),
)


def places(viewer: Viewer | None, translators: dict[str, Translator]) -> list[dict[str, Any]]:
    """The places of this viewer; `label` by language, which a scripted page changes while open."""
    return [
        {
            "name": place.name,
            "path": place.path,
            "label": {language: each.say(place.label) for language, each in translators.items()},
        }
        for place in PLACES
        if may(viewer, place.asks)
    ]
