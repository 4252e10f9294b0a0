"""The alarms that are on as people read them: a line a kind, the newest of each with its case."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, select

from service_desk.alarms import AlarmOn, Subject, alarms_on
from service_desk.case_number import case_number
from service_desk.desk import Desk
from service_desk.model import Case, Conversation

# The mark of Asterisk's start stands before it in ids and files: who knows it can forge events
# (cti/ami/genuine.py), so no page says it.
PART_OF_NAME: Final = 12


class AlarmShown(Struct, frozen=True, kw_only=True):
    """One thing that is alarming; `data` is what is known of it, by the kind's own words."""

    about: str
    at: datetime
    case_number: str | None
    data: dict[str, Any]


class KindOfAlarm(Struct, frozen=True, kw_only=True):
    """All of a kind that are on: how many, the first `since`, the last at `last`, the newest."""

    kind: str
    count: int
    since: datetime
    last: datetime
    newest: tuple[AlarmShown, ...]


async def alarms_by_kind(desk: Desk, system: str) -> list[KindOfAlarm]:
    """What is on, the kind that began last first. Raises DatabaseAway."""
    on = await alarms_on(desk, system)
    calls = {call for each in on for one in each.newest if (call := _call_of(one))}
    cases = await desk.fetch(_cases_of, calls) if calls else {}
    mark = re.compile(rf"[0-9a-f]{{6}}-(?={re.escape(system[:PART_OF_NAME])})")
    return [_shown(each, cases, mark) for each in on]


def _shown(alarm: AlarmOn, cases: dict[str, str], mark: re.Pattern[str]) -> KindOfAlarm:
    return KindOfAlarm(
        kind=alarm.kind,
        count=alarm.count,
        since=alarm.since,
        last=alarm.last,
        newest=tuple(
            AlarmShown(
                about=mark.sub("", each.about),
                at=each.raised_at,
                case_number=cases.get(_call_of(each) or ""),
                data=each.data,
            )
            for each in alarm.newest
        ),
    )


def _call_of(subject: Subject) -> str | None:
    """The call it is about: named beside it, or it is what the alarm is about."""
    named = subject.data.get("call_id", subject.about)
    return named if isinstance(named, str) else None


def _cases_of(connection: Connection, calls: Collection[str]) -> dict[str, str]:
    rows = connection.execute(
        select(Conversation.call_id, Case.year, Case.id)
        .join(Case, Case.id == Conversation.case_id)
        .where(Conversation.call_id.in_(calls))
    )
    return {row.call_id: case_number(row.year, row.id) for row in rows}
