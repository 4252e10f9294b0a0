"""The job `facts`: what calls were folded from goes once nothing more will be told of them.

A call's facts (3 to 6 KB) are kept so that late ones fold right; without them the call stays as it
is (`Known.closed`). They stay

- while the call has not ended;
- for `KEPT` after its end, and after the newest record that the journal of its Asterisk has read:
  one that is a week behind still has last week's calls to tell of. But not for ever: an Asterisk
  that is gone for good is read no further.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, delete, func, select

from service_desk.jobs.work import Work
from service_desk.model import Conversation, ConversationFacts, JournalCursor

KEPT: Final = timedelta(days=3)
KEPT_AT_MOST: Final = timedelta(days=60)
RECORDS: Final = "cel"
PORTION: Final = 100  # calls: their facts fill a page or two each


class _Swept(Struct, frozen=True):
    """How many went, and up to which end of a call all have been looked at; None: all."""

    many: int
    until: datetime | None


async def sweep(work: Work) -> int:
    """Delete facts that are not needed any more; of how many calls."""
    now = work.desk.clock.now()
    told = await work.read(_told_until, now)
    many = 0
    for system in (*told, None):  # None: those whose records nobody reads here
        before = now if system is None else max(min(now, told[system]), now - KEPT_AT_MOST + KEPT)
        many += await _sweep_system(work, system, tuple(told), before - KEPT)
    return many


async def _sweep_system(
    work: Work, system: str | None, others: tuple[str, ...], before: datetime
) -> int:
    many = 0
    since: datetime | None = None
    while True:
        swept = await work.write(_sweep, system, others, since, before)
        many += swept.many
        if swept.until is None:
            return many
        since = swept.until


def _told_until(connection: Connection, now: datetime) -> dict[str, datetime]:
    rows = connection.execute(
        select(JournalCursor.system, JournalCursor.told_at).where(JournalCursor.kind == RECORDS)
    )
    return {row.system: row.told_at or now for row in rows}


def _sweep(
    connection: Connection,
    system: str | None,
    others: tuple[str, ...],
    since: datetime | None,
    before: datetime,
) -> _Swept:
    """One portion, in the order of the calls' ends: from `since` on, before `before`."""
    whose: Any = func.coalesce(Conversation.system, "")
    these = (
        select(ConversationFacts.call_id, ConversationFacts.ended_at)
        .outerjoin(Conversation, Conversation.call_id == ConversationFacts.call_id)
        .where(
            ConversationFacts.ended_at < before,
            whose.not_in(others) if system is None else whose == system,
        )
        .order_by(ConversationFacts.ended_at)
        .limit(PORTION)
    )
    if since is not None:
        these = these.where(ConversationFacts.ended_at >= since)
    found = connection.execute(these).all()
    if not found:
        return _Swept(0, None)
    calls = [row.call_id for row in found]
    connection.execute(delete(ConversationFacts).where(ConversationFacts.call_id.in_(calls)))
    return _Swept(len(found), found[-1].ended_at)
