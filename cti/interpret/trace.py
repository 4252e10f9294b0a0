"""What a caller's channel carries of its way through the queue: the dialplan and app_queue note it.

Asked for after a login: who took a call while nobody was listening, and when, is told by nothing
else in Asterisk. Whole seconds, rounded down.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from cti.ami.wire import Message
from cti.number import LAST_TIME, LONGEST, whole

QUEUE, JOINED, WAITED = "RINGDESK_QUEUE", "RINGDESK_JOINED", "QEHOLDTIME"
VARIABLES = f"{QUEUE},{JOINED},{WAITED}"


class Trace(Struct, frozen=True):
    """One caller's channel: its last queue, when it joined that, when an agent took it."""

    queue: str
    joined_at: datetime | None = None
    answered_at: datetime | None = None


def traces(items: Iterable[Message]) -> dict[str, Trace]:
    """By uniqueid, from the items of `Status` with `Variables`; channels of no queue are left out.

    Whoever is still in the menu has a queue noted as well, but never joined it.
    """
    found: dict[str, Trace] = {}
    for m in items:
        said = dict(line.partition("=")[::2] for line in m.all("Variable"))
        joined_at = _time(said.get(JOINED, ""))
        if not said.get(QUEUE) or joined_at is None:
            continue
        waited = whole(said.get(WAITED, ""), -1, most=LONGEST)
        answered_at = None if waited < 0 else joined_at + timedelta(seconds=waited)
        found[m.get("Uniqueid")] = Trace(said[QUEUE], joined_at, answered_at)
    return found


def _time(value: str) -> datetime | None:
    seconds = whole(value, 0, most=LAST_TIME)
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < LAST_TIME else None
