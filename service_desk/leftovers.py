"""The job `leftovers`: small things that are of no use any more and would else stay for ever.

Signing in tidies up too, but only when it succeeds: who only tries leaves a row each time.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, select, tuple_

from service_desk.jobs.work import Work
from service_desk.model import Draft, LoginAttempt, StaffSession
from service_desk.model.base import table_of

DRAFTS_KEPT: Final = timedelta(days=90)  # since they were last written on


async def tidy(work: Work) -> int:
    """Delete tries to sign in that count no more, sessions that are over, forgotten drafts."""
    now, settings = work.desk.clock.now(), work.desk.settings
    window = timedelta(minutes=settings.sign_in_window_minutes)
    longest = timedelta(days=settings.session_longest_days)
    many = 0
    for noun, old in (
        (LoginAttempt, LoginAttempt.at < now - window),
        (StaffSession, StaffSession.created_at < now - longest),
        (Draft, Draft.saved_at < now - DRAFTS_KEPT),
    ):
        many += await work.repeat(partial(_drop, table_of(noun), old))
    return many


def _drop(table: Table, old: Any, connection: Connection, most: int) -> int:
    key = tuple(table.primary_key.columns)
    these = select(*key).where(old).limit(most)
    return connection.execute(delete(table).where(tuple_(*key).in_(these))).rowcount
