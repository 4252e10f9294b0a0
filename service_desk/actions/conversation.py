"""What the phone menu tells of a call, which it may do before the call's facts are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.case_number import case_number
from service_desk.clock import year_of
from service_desk.desk import Desk, UnitOfWork
from service_desk.errors import BadValue
from service_desk.events import CardChanged, CaseChanged
from service_desk.model import Case, CaseEntry, Conversation, Recording

MOST_STEPS = 60
LONGEST_STEP = 80


async def note_path(
    desk: Desk,
    *,
    call_id: str,
    steps: Iterable[Sequence[str]],
    by: Actor,
    language: str | None = None,
    choice: Sequence[str] | None = None,
    system: str = "",
) -> None:
    """Keep the way through the menu; replaces what was noted before.

    `steps`: (label, entered) or (label, entered, label in Chinese) in order. `choice`: (label,
    label in Chinese) of what the caller chose; the case is about it as long as no person has
    said otherwise.
    """
    path = [_step(*step) for step in islice(steps, MOST_STEPS)]
    async with desk.write(by=by) as uow:
        call_id = await uow.run(_ensure, desk, call_id, system)
        values: dict[str, Any] = {"path": path}
        if language in desk.settings.languages:
            values["language"] = language
        await uow.execute(
            update(Conversation).where(Conversation.call_id == call_id).values(**values)
        )
        await _menu_entry(uow, call_id, path)
        if choice:
            label, label_zh = choice
            await uow.execute(
                update(Case)
                .where(Case.opened_by_call_id == call_id, Case.subject_kind != "text")
                .values(subject_kind="menu", subject=_short(label), subject_zh=_short(label_zh))
            )
        await _told(uow, call_id)


async def leave_message(
    desk: Desk, *, call_id: str, file: str, seconds: float, by: Actor, system: str = ""
) -> int:
    """A caller left a message: the call's case is about it; the recording's id. Idempotent.

    `file` is relative to the recordings folder. Raises BadValue.
    """
    name = checks.line("file", file, most=300)
    if name.startswith("/") or ".." in name.split("/"):
        raise BadValue("file", "must lie in the recordings folder")
    async with desk.write(by=by) as uow:
        call_id = await uow.run(_ensure, desk, call_id, system)
        known = await uow.execute(
            select(Recording.id).where(Recording.call_id == call_id, Recording.file == name)
        )
        if (row := known.first()) is not None:
            return int(row.id)
        made = await uow.execute(
            insert(Recording),
            {
                "call_id": call_id,
                "file": name,
                "kind": "message",
                "started_at": uow.now,
                "stopped_at": uow.now,
                "seconds": max(float(seconds), 0.0),
            },
        )
        await uow.execute(
            update(Conversation).where(Conversation.call_id == call_id).values(message_at=uow.now)
        )
        await uow.execute(
            update(Case)
            .where(Case.opened_by_call_id == call_id)
            .values(kind="message", touched=True)
        )
        await checks.entry(uow, "message", call_id=call_id, seconds=round(float(seconds)))
        await _told(uow, call_id)
        key = made.inserted_primary_key
        return int(key[0]) if key else 0


def _step(label: str, entered: str = "", label_zh: str = "") -> list[str]:
    return [_short(each) for each in (label, entered, label_zh)]


def _short(value: str) -> str:
    return checks.line("step", value, most=10_000, least=0)[:LONGEST_STEP]


def _ensure(connection: Connection, desk: Desk, call_id: str, system: str) -> str:
    """The call's row and its case exist; the id the call has now."""
    row = connection.execute(
        select(Conversation.merged_into, Conversation.case_id).where(
            Conversation.call_id == call_id
        )
    ).first()
    if row is not None:
        return row.merged_into or call_id
    now = desk.clock.now()
    once: Any = sqlite.insert if desk.is_sqlite else postgresql.insert
    connection.execute(
        once(Case).on_conflict_do_nothing(index_elements=["opened_by_call_id"]),
        {
            "opened_by_call_id": call_id,
            "year": year_of(now, desk.settings.time_zone),
            "subject_kind": "number",
            "subject": "",
            "opened_at": now,
        },
    )
    connection.execute(
        once(Conversation).on_conflict_do_nothing(index_elements=["call_id"]),
        {"call_id": call_id, "system": system, "arrived_at": now},
    )
    own = select(Case.id).where(Case.opened_by_call_id == call_id).scalar_subquery()
    connection.execute(
        update(Conversation)
        .where(Conversation.call_id == call_id, Conversation.case_id.is_(None))
        .values(case_id=own)
    )
    return call_id


async def _menu_entry(uow: UnitOfWork, call_id: str, path: list[list[str]]) -> None:
    """One line on the timeline, replaced as the caller goes on."""
    way = [f"{label} {entered}".strip() for label, entered, _ in path]
    way_zh = [f"{zh or label} {entered}".strip() for label, entered, zh in path]
    data = {"path": " > ".join(way)[:400]}
    if way_zh != way:
        data["path_zh"] = " > ".join(way_zh)[:400]
    changed = await uow.execute(
        update(CaseEntry)
        .where(CaseEntry.call_id == call_id, CaseEntry.key == "menu")
        .values(data=data)
    )
    if changed.rowcount == 0:
        await uow.execute(
            insert(CaseEntry),
            {
                "call_id": call_id,
                "key": "menu",
                "at": uow.now,
                "kind": "menu",
                "actor": "caller",
                "text": "",
                "data": data,
            },
        )


async def _told(uow: UnitOfWork, call_id: str) -> None:
    row = (
        await uow.execute(
            select(Case)
            .join(Conversation, Conversation.case_id == Case.id)
            .where(Conversation.call_id == call_id)
        )
    ).first()
    if row is not None:
        number = case_number(row.year, row.id)
        uow.tell(CaseChanged(at=uow.now, case_id=row.id, number=number))
    uow.tell(CardChanged(at=uow.now, call_id=call_id))
