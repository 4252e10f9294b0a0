"""The alarms that are on as people read them: a line a kind, the newest of each with its case."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, select

from service_desk.alarms import AlarmOn, alarms_on
from service_desk.case_number import case_number
from service_desk.desk import Desk
from service_desk.model import Case, Conversation

SHOWN: Final = 20  # of a kind: the count says how many there are


class AlarmShown(Struct, frozen=True, kw_only=True):
    """One thing that is alarming; `data` is what is known of it, by the kind's own words."""

    about: str
    at: datetime
    case_number: str | None
    data: dict[str, Any]


class KindOfAlarm(Struct, frozen=True, kw_only=True):
    """All of a kind that are on, `since` the first; `newest` of them are told."""

    kind: str
    count: int
    since: datetime
    newest: tuple[AlarmShown, ...]


async def alarms_by_kind(desk: Desk, system: str) -> list[KindOfAlarm]:
    """What is on, the kind that began last first. Raises DatabaseAway."""
    kinds: dict[str, list[AlarmOn]] = {}
    for each in await alarms_on(desk, system):
        kinds.setdefault(each.kind, []).append(each)
    calls = {_call_of(each) for on in kinds.values() for each in on[-SHOWN:]} - {None}
    cases = await desk.fetch(_cases_of, [call for call in calls if call]) if calls else {}
    found = [
        KindOfAlarm(
            kind=kind,
            count=len(on),
            since=on[0].raised_at,
            newest=tuple(
                AlarmShown(
                    about=each.about,
                    at=each.raised_at,
                    case_number=cases.get(_call_of(each) or ""),
                    data=each.data,
                )
                for each in reversed(on[-SHOWN:])
            ),
        )
        for kind, on in kinds.items()
    ]
    return sorted(found, key=lambda each: each.since, reverse=True)


def _call_of(alarm: AlarmOn) -> str | None:
    """The call it is about: named beside it, or it is what the alarm is about."""
    named = alarm.data.get("call_id", alarm.about)
    return named if isinstance(named, str) else None


def _cases_of(connection: Connection, calls: Collection[str]) -> dict[str, str]:
    rows = connection.execute(
        select(Conversation.call_id, Case.year, Case.id)
        .join(Case, Case.id == Conversation.case_id)
        .where(Conversation.call_id.in_(calls))
    )
    return {row.call_id: case_number(row.year, row.id) for row in rows}
