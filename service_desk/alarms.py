"""What nobody may be certain of without looking. An alarm is raised once and cleared by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select, update

from service_desk.desk import Desk, UnitOfWork
from service_desk.events import AlarmsChanged
from service_desk.model import Alarm

# Kinds. What they mean and what to do: docs/operations.md.
DETAIL_WITHOUT_CALL: Final = "cdr_without_call"
CALL_WITHOUT_DETAIL: Final = "call_without_cdr"
CALL_WITHOUT_END: Final = "call_without_end"
RECORDS_UNREADABLE: Final = "records_unreadable"
RECORDS_ASIDE: Final = "records_aside"
DISK_FULL: Final = "disk_full"
RECORDING_MISSING: Final = "recording_missing"
KINDS: Final = (
    DETAIL_WITHOUT_CALL,
    CALL_WITHOUT_DETAIL,
    CALL_WITHOUT_END,
    RECORDS_UNREADABLE,
    RECORDS_ASIDE,
    DISK_FULL,
    RECORDING_MISSING,
)
MOST = 1_000  # that are on, of one kind: more is one cause, and a thousand lines tell it
KEPT = 5_000  # cleared ones, for looking back


class AlarmOn(Struct, frozen=True, kw_only=True):
    """An alarm that is on."""

    kind: str
    about: str
    raised_at: datetime
    data: dict[str, Any]


async def alarms_on(desk: Desk, system: str) -> list[AlarmOn]:
    """All that are on, the oldest first."""
    return await desk.fetch(_on, system)


def count_of(connection: Connection, system: str) -> dict[str, int]:
    """How many are on, by kind; kinds that are off are 0."""
    rows = connection.execute(
        select(Alarm.kind, func.count().label("many"))
        .where(Alarm.system == system, Alarm.cleared_at.is_(None))
        .group_by(Alarm.kind)
    )
    return dict.fromkeys(KINDS, 0) | {row.kind: row.many for row in rows}


async def raise_alarms(
    unit: UnitOfWork, system: str, kind: str, about: Mapping[str, Mapping[str, Any]]
) -> int:
    """Have these be on (about -> what is known of it); how many were not yet."""
    return await _changed(unit, system, await unit.run(_raise, system, kind, about, unit.now))


async def clear_alarms(unit: UnitOfWork, system: str, kind: str, about: Iterable[str]) -> int:
    """Have these be off; how many were on."""
    return await _changed(unit, system, await unit.run(_clear, system, kind, about, unit.now))


async def _changed(unit: UnitOfWork, system: str, many: int) -> int:
    if many:
        unit.tell(AlarmsChanged(at=unit.now, system=system))
    return many


def _on(connection: Connection, system: str) -> list[AlarmOn]:
    rows = connection.execute(
        select(Alarm.kind, Alarm.about, Alarm.raised_at, Alarm.data)
        .where(Alarm.system == system, Alarm.cleared_at.is_(None))
        .order_by(Alarm.raised_at, Alarm.id)
        .limit(MOST * len(KINDS))
    )
    return [
        AlarmOn(kind=row.kind, about=row.about, raised_at=row.raised_at, data=row.data)
        for row in rows
    ]


def _raise(
    connection: Connection,
    system: str,
    kind: str,
    about: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> int:
    rows = connection.execute(
        select(Alarm.about, Alarm.cleared_at).where(Alarm.system == system, Alarm.kind == kind)
    ).all()
    on = {row.about for row in rows if row.cleared_at is None}
    off = {row.about for row in rows if row.cleared_at is not None}
    new = [each[:160] for each in about if each[:160] not in on][: max(MOST - len(on), 0)]
    told = {each[:160]: dict(data) for each, data in about.items()}
    for each in new:
        values = {"raised_at": now, "cleared_at": None, "data": told[each]}
        if each in off:
            connection.execute(update(Alarm).where(_is(system, kind, each)).values(**values))
        else:
            connection.execute(
                insert(Alarm), {"system": system, "kind": kind, "about": each, **values}
            )
    return len(new)


def _clear(
    connection: Connection, system: str, kind: str, about: Iterable[str], now: datetime
) -> int:
    many = 0
    for each in about:
        done = connection.execute(
            update(Alarm)
            .where(_is(system, kind, each[:160]), Alarm.cleared_at.is_(None))
            .values(cleared_at=now)
        )
        many += done.rowcount
    if many:
        newest = select(Alarm.id).where(Alarm.cleared_at.is_not(None))
        newest = newest.order_by(Alarm.id.desc()).limit(KEPT)
        connection.execute(
            delete(Alarm).where(Alarm.cleared_at.is_not(None), Alarm.id.not_in(newest))
        )
    return many


def _is(system: str, kind: str, about: str) -> Any:
    return (Alarm.system == system) & (Alarm.kind == kind) & (Alarm.about == about)
