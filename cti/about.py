"""Which call something is about, for the log: every line that belongs to a call names it."""

from __future__ import annotations


def about(thing: object) -> dict[str, str]:
    """`{"call_id": ...}` of a fact, event, wish or command that belongs to a call; else empty."""
    call_id = getattr(thing, "call_id", None)
    return {"call_id": call_id} if isinstance(call_id, str) and call_id else {}
