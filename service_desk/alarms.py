"""What nobody may be certain of without looking. An alarm is raised once and cleared by itself.

One alarm is one kind: it counts what it is about, and names the newest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    func,
    insert,
    select,
    update,
)

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
EVENTS_FORGED: Final = "events_forged"
CAP_REACHED: Final = "cap_reached"
JOB_FAILED: Final = "job_failed"
DESCRIPTORS_FEW: Final = "descriptors_few"
KINDS: Final = (
    DETAIL_WITHOUT_CALL,
    CALL_WITHOUT_DETAIL,
    CALL_WITHOUT_END,
    RECORDS_UNREADABLE,
    RECORDS_ASIDE,
    DISK_FULL,
    RECORDING_MISSING,
    EVENTS_FORGED,
    CAP_REACHED,
    JOB_FAILED,
    DESCRIPTORS_FEW,
)
MOST = 1_000  # subjects of one kind: more is one cause, and a thousand tell it
SHOWN = 20  # of a kind, the newest: the count says how many there are
KEPT = 5_000  # cleared ones, for looking back
AT_ONCE = 500  # subjects in one statement


class Subject(Struct, frozen=True, kw_only=True):
    """One thing that is alarming; `data` is what is known of it, by the kind's own words."""

    kind: str
    about: str
    raised_at: datetime
    data: dict[str, Any]


class AlarmOn(Struct, frozen=True, kw_only=True):
    """An alarm that is on: one a kind, however many things it is about.

    `count` of them (`MOST`: that many or more), the first `since`, the last at `last`, and the
    newest, the newest first. Whoever sends us a thousand broken calls raises one alarm.
    """

    kind: str
    count: int
    since: datetime
    last: datetime
    newest: tuple[Subject, ...]


async def alarms_on(desk: Desk, system: str) -> list[AlarmOn]:
    """All that are on, the one that began last first. Raises DatabaseAway."""
    return await desk.fetch(_on, system)


async def subjects_on(desk: Desk, system: str, kind: str | None = None) -> list[Subject]:
    """What the alarms (of one kind) are about, the oldest first. Raises DatabaseAway."""
    return await desk.fetch(_subjects, system, kind)


def count_of(connection: Connection, system: str) -> dict[str, int]:
    """How many things each kind is about; kinds that are off are 0."""
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


async def clear_everywhere(unit: UnitOfWork, kind: str, about: Iterable[str]) -> int:
    """Have these be off whichever Asterisk's bridge raised them: of what is everybody's."""
    these = list(about)
    return sum(
        [
            await clear_alarms(unit, system, kind, these)
            for system in await unit.run(_systems, kind, these)
        ]
    )


async def _changed(unit: UnitOfWork, system: str, many: int) -> int:
    if many:
        unit.tell(AlarmsChanged(at=unit.now, system=system))
    return many


def _on(connection: Connection, system: str) -> list[AlarmOn]:
    kinds = connection.execute(
        select(
            Alarm.kind,
            func.count().label("many"),
            func.min(Alarm.raised_at).label("since"),
            func.max(Alarm.raised_at).label("last"),
        )
        .where(Alarm.system == system, Alarm.cleared_at.is_(None))
        .group_by(Alarm.kind)
    ).all()
    newest = Alarm.raised_at.desc(), Alarm.id.desc()
    found = [
        AlarmOn(
            kind=row.kind,
            count=row.many,
            since=row.since,
            last=row.last,
            newest=tuple(_read(connection, _of(system, row.kind).order_by(*newest).limit(SHOWN))),
        )
        for row in kinds
    ]
    return sorted(found, key=lambda each: (each.since, each.kind), reverse=True)


def _subjects(connection: Connection, system: str, kind: str | None) -> list[Subject]:
    oldest = _of(system, kind).order_by(Alarm.raised_at, Alarm.id)
    return _read(connection, oldest.limit(MOST * len(KINDS)))


def _of(system: str, kind: str | None) -> Select[Any]:
    statement = select(Alarm.kind, Alarm.about, Alarm.raised_at, Alarm.data)
    statement = statement.where(Alarm.system == system, Alarm.cleared_at.is_(None))
    return statement if kind is None else statement.where(Alarm.kind == kind)


def _read(connection: Connection, statement: Select[Any]) -> list[Subject]:
    return [
        Subject(kind=row.kind, about=row.about, raised_at=row.raised_at, data=row.data)
        for row in connection.execute(statement)
    ]


def _systems(connection: Connection, kind: str, about: Iterable[str]) -> list[str]:
    return [
        *connection.scalars(
            select(Alarm.system)
            .where(Alarm.kind == kind, Alarm.about.in_(about), Alarm.cleared_at.is_(None))
            .distinct()
        )
    ]


def _raise(
    connection: Connection,
    system: str,
    kind: str,
    about: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> int:
    told = {each[:160]: dict(data) for each, data in about.items()}
    there = {each.about: each.cleared_at for each in _there(connection, system, kind, told)}
    fresh = [each for each in told if each not in there or there[each] is not None]
    fresh = fresh[: max(MOST - count_of(connection, system).get(kind, 0), 0)]
    rows = []
    for each in fresh:
        values = {"raised_at": now, "cleared_at": None, "data": told[each]}
        if each in there:
            connection.execute(update(Alarm).where(_is(system, kind, [each])).values(**values))
        else:
            rows.append({"system": system, "kind": kind, "about": each, **values})
    if rows:
        connection.execute(insert(Alarm), rows)
    return len(fresh)


def _there(connection: Connection, system: str, kind: str, about: Iterable[str]) -> Iterator[Any]:
    for some in _parts(about):
        yield from connection.execute(
            select(Alarm.about, Alarm.cleared_at).where(_is(system, kind, some))
        )


def _clear(
    connection: Connection, system: str, kind: str, about: Iterable[str], now: datetime
) -> int:
    many = 0
    for some in _parts(each[:160] for each in about):
        done = connection.execute(
            update(Alarm)
            .where(_is(system, kind, some), Alarm.cleared_at.is_(None))
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


def _parts(about: Iterable[str]) -> Iterator[list[str]]:
    everything = iter(about)
    while some := list(islice(everything, AT_ONCE)):
        yield some


def _is(system: str, kind: str, about: Collection[str]) -> ColumnElement[bool]:
    return (Alarm.system == system) & (Alarm.kind == kind) & Alarm.about.in_(about)
