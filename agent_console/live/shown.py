"""What a call, a queue and a last call look like on a screen: plain values of what is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from agent_console.live.parts import Last, Part
from cti.events import LiveAgent, LiveCall, LiveQueue


def call_on_desk(part: Part, card: Any) -> dict[str, Any]:
    """A call as the agent sees it who has part in it; `card` may be None."""
    return {
        **_call(part.call),
        "state": part.state,
        "since": moment(part.since),
        "waited": part.waited,
        "why": part.why,
        "path": msgspec.to_builtins(card.path) if card is not None else [],
    }


def call_on_board(call: LiveCall, card: Any) -> dict[str, Any]:
    """A call as a supervisor sees it; `card` may be None."""
    return {
        **_call(call),
        "customer_name": card.customer.name if card and card.customer else "",
        "case_number": card.case.number if card and card.case else None,
    }


def queue_on_board(queue: LiveQueue, title: Any, longest: datetime | None) -> dict[str, Any]:
    """A queue by its title; `longest`: since when somebody has waited in it."""
    return {
        **plain(queue),
        "label": msgspec.to_builtins(title),
        "longest_since": moment(longest),
    }


def last_call(last: Last | None, card: Any) -> dict[str, Any]:
    """The call an agent just had, by its case; nothing until its card is there."""
    if last is None or card is None or card.case is None:
        return {}
    return {
        "last": {
            "call_id": last.call_id,
            "at": moment(last.at),
            "handed_on": last.handed_on,
            "who": card.customer.name if card.customer else card.number_shown,
            "case": msgspec.to_builtins(card.case),
        }
    }


def _call(call: LiveCall) -> dict[str, Any]:
    """Which leg is whose is for processes, not for people."""
    found = plain(call)
    del found["legs"]
    return found


def plain(struct: LiveCall | LiveAgent | LiveQueue) -> dict[str, Any]:
    """Its fields, for JSON."""
    found: dict[str, Any] = msgspec.to_builtins(struct)
    return found


def moment(at: datetime | None) -> str | None:
    """A time in UTC, as browsers read it."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
