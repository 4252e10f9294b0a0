"""What people wrote after the demo company's past calls: notes, promises, offers."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from service_desk import demo_data as data
from service_desk.demo_calls import (
    Past,
)
from service_desk.model import (
    Case,
    CaseEntry,
    Conversation,
    FollowUp,
    Presentation,
    Product,
)


def load_words(
    connection: Connection, chance: random.Random, past: list[Past], now: datetime
) -> None:
    found = {
        row.opened_by_call_id: row.id
        for row in connection.execute(select(Case.id, Case.opened_by_call_id))
    }
    cases: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    promises: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    products = [row[0] for row in connection.execute(select(Product.id).order_by(Product.id))]
    for call in past:
        case_id = found[call.call_id]
        calls.append(_call_row(call))
        cases.append(_case_row(chance, call, case_id))
        if call.agent is None:
            continue
        zh = call.person.language == "zh"
        entries.append(
            {
                "case_id": case_id,
                "at": call.ended_at + timedelta(seconds=20),
                "kind": "note",
                "actor": call.agent,
                "text": call.matter.note_zh if zh else call.matter.note_en,
                "data": {},
            }
        )
        if call.is_open and chance.random() < 0.6:
            promises.append(_promise_row(chance, call, case_id, now))
        if chance.random() < 0.25:
            shown.append(_presentation_row(chance, call, products))
    _write_words(
        connection, cases=cases, calls=calls, entries=entries, promises=promises, shown=shown
    )


def _write_words(
    connection: Connection,
    *,
    cases: list[dict[str, Any]],
    calls: list[dict[str, Any]],
    entries: list[dict[str, Any]],
    promises: list[dict[str, Any]],
    shown: list[dict[str, Any]],
) -> None:
    changed = ("subject", "subject_kind", "kind", "status", "priority", "owner", "customer_id",
               "disposition", "resolved_at", "touched")  # fmt: skip
    connection.execute(
        update(Case)
        .where(Case.id == bindparam("b_id"))
        .values({name: bindparam(f"b_{name}") for name in changed}),
        cases,
    )
    connection.execute(
        update(Conversation)
        .where(Conversation.call_id == bindparam("b_call"))
        .values(
            customer_id=bindparam("b_customer"),
            customer_chosen=True,
            language=bindparam("b_language"),
            path=bindparam("b_path", type_=Conversation.path.type),
            disposition=bindparam("b_disposition"),
        ),
        calls,
    )
    connection.execute(insert(CaseEntry), entries)
    if promises:
        connection.execute(insert(FollowUp), promises)
    if shown:
        connection.execute(insert(Presentation), shown)


def _call_row(call: Past) -> dict[str, Any]:
    zh = call.person.language == "zh"
    return {
        "b_call": call.call_id,
        "b_customer": call.person.id,
        "b_language": call.person.language,
        "b_path": [
            ["中文" if zh else "English", ""],
            [call.matter.step, "", data.STEPS_ZH[call.matter.step]],
        ],
        "b_disposition": None if call.agent is None else call.matter.disposition,
    }


def _case_row(chance: random.Random, call: Past, case_id: int) -> dict[str, Any]:
    zh = call.person.language == "zh"
    missed = call.agent is None
    waiting = chance.random() < 0.3
    status = "resolved"
    if call.is_open:
        status = "new" if missed else "waiting" if waiting else "open"
    return {
        "b_id": case_id,
        "b_subject": call.matter.subject_zh if zh else call.matter.subject_en,
        "b_subject_kind": "text",
        "b_kind": "call" if missed else call.matter.kind,
        "b_status": status,
        "b_priority": "high" if call.matter.kind == "complaint" else "normal",
        "b_owner": call.agent,
        "b_customer_id": call.person.id,
        "b_disposition": None if missed else call.matter.disposition,
        "b_resolved_at": None if call.is_open else call.ended_at + timedelta(hours=3),
        "b_touched": True,
    }


def in_office_hours(at: datetime) -> datetime:
    """That day, at a quarter of an hour when somebody is there: nobody promises 04:08."""
    hour = at.hour if 8 <= at.hour < 17 else 8 + at.hour % 9
    return at.replace(hour=hour, minute=at.minute // 15 * 15, second=0, microsecond=0)


def _promise_row(chance: random.Random, call: Past, case_id: int, now: datetime) -> dict[str, Any]:
    english, chinese = chance.choice(data.PROMISES)
    return {
        "text": chinese if call.person.language == "zh" else english,
        "due_at": in_office_hours(now + timedelta(hours=chance.uniform(-6, 60))),
        "owner": call.agent,
        "case_id": case_id,
        "customer_id": call.person.id,
        "made_by": call.agent,
        "made_at": call.ended_at,
    }


def _presentation_row(chance: random.Random, call: Past, products: list[int]) -> dict[str, Any]:
    outcome = chance.choices(("accepted", "declined", "later", "not_presented"), (2, 4, 3, 2))[0]
    return {
        "call_id": call.call_id,
        "customer_id": call.person.id,
        "product_id": chance.choice(products),
        "agent": call.agent,
        "shown_at": call.at + timedelta(minutes=1),
        "shown": {},
        "outcome": outcome,
        "outcome_at": call.ended_at,
    }
