"""What there was with a customer, as several screens list it: conversations, what happened on a
case, promises, purchases; rows into views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    or_,
    select,
)

from service_desk import views
from service_desk.case_number import case_number
from service_desk.model import (
    Case,
    CaseEntry,
    Conversation,
    Customer,
    FollowUp,
    Product,
    Purchase,
    Recording,
    Staff,
)
from service_desk.phone_number import shown
from service_desk.queries.briefs import in_language
from service_desk.queries.subject import subject_of
from service_desk.queries.words import NAMING, story_line
from service_desk.settings import Title

CONVERSATION_COLUMNS = (
    Conversation.call_id,
    Conversation.direction,
    Conversation.number,
    Conversation.number_raw,
    Conversation.arrived_at,
    Conversation.answered_at,
    Conversation.ended_at,
    Conversation.queue,
    Conversation.agents,
    Conversation.outcome,
    Conversation.message_at,
    Conversation.waited,
    Conversation.talked,
    Case.id.label("case_id"),
    Case.year,
    Case.subject_kind,
    Case.subject,
    Case.subject_zh,
)
CONVERSATIONS = (
    select(*CONVERSATION_COLUMNS)
    .outerjoin(Case, Case.id == Conversation.case_id)
    .where(Conversation.merged_into.is_(None))
)
PRODUCTS = (
    select(
        Product.id,
        Product.sku,
        Product.name_en,
        Product.name_zh,
        Purchase.bought_at,
        Purchase.price,
        Purchase.currency,
    )
    .join(Purchase, Purchase.product_id == Product.id)
    .where(Purchase.customer_id == bindparam("customer_id"))
    .order_by(Purchase.bought_at.desc(), Purchase.id.desc())
    .limit(bindparam("most"))
)
PROMISES = (
    select(
        FollowUp.id,
        FollowUp.text,
        FollowUp.due_at,
        FollowUp.owner,
        FollowUp.customer_id,
        Case.id.label("case_id"),
        Case.year,
        Case.owner.label("case_owner"),
        Customer.name.label("customer_name"),
    )
    .outerjoin(Case, Case.id == FollowUp.case_id)
    .outerjoin(Customer, Customer.id == FollowUp.customer_id)
    .where(FollowUp.kept_at.is_(None))
    .order_by(FollowUp.due_at, FollowUp.id)
)
PROMISES_TO = PROMISES.where(FollowUp.customer_id == bindparam("customer_id")).limit(
    bindparam("most")
)
# A queue's recording begins when the call waits, and its file stays empty until two people talk:
# there is nothing to hear of a call nobody answered, and no whole file before it ends.
RECORDINGS = (
    select(Recording.call_id, Recording.id)
    .join(Conversation, Conversation.call_id == Recording.call_id)
    .where(
        Recording.call_id.in_(bindparam("ids", expanding=True)),
        or_(
            Recording.kind == "message",
            and_(
                Conversation.answered_at.is_not(None),
                or_(Recording.stopped_at.is_not(None), Conversation.ended_at.is_not(None)),
            ),
        ),
    )
    .order_by(Recording.started_at, Recording.id)
)
_ENTRY_COLUMNS = (
    CaseEntry.id,
    CaseEntry.at,
    CaseEntry.kind,
    CaseEntry.actor,
    CaseEntry.text,
    CaseEntry.data,
)
TIMELINE = (
    select(*_ENTRY_COLUMNS)
    .where(
        or_(
            CaseEntry.case_id == bindparam("case_id"),
            CaseEntry.call_id.in_(
                select(Conversation.call_id).where(
                    Conversation.case_id == bindparam("case_id"),
                    Conversation.merged_into.is_(None),
                )
            ),
        )
    )
    .order_by(CaseEntry.at.desc(), CaseEntry.id.desc())
    .limit(bindparam("most"))
)


def products(
    connection: Connection, customer_id: int, language: str, most: int
) -> tuple[views.Product, ...]:
    """What a customer bought, newest first."""
    rows = connection.execute(PRODUCTS, {"customer_id": customer_id, "most": most})
    return tuple(
        views.Product(
            id=row.id,
            sku=row.sku,
            name=in_language(language, row.name_en, row.name_zh),
            bought_at=row.bought_at,
            price=row.price,
            currency=row.currency,
        )
        for row in rows
    )


def promise(row: Any, now: datetime) -> views.Promise:
    """A row of `PROMISES`."""
    return views.Promise(
        id=row.id,
        text=row.text,
        due_at=row.due_at,
        owner=row.owner,
        case_number=None if row.case_id is None else case_number(row.year, row.case_id),
        customer_id=row.customer_id,
        customer_name=row.customer_name or "",
        overdue=row.due_at < now,
        case_owner=row.case_owner,
    )


def timeline(
    connection: Connection,
    case_id: int,
    language: str,
    most: int = 100,
    *,
    targets: Mapping[str, str] | None = None,
) -> tuple[views.TimelineEntry, ...]:
    """What happened on a case and on its calls, newest first. `targets` as of the settings."""
    rows = connection.execute(TIMELINE, {"case_id": case_id, "most": most}).all()
    names = _names(connection) if any(row.kind in NAMING for row in rows) else {}
    names |= {at: names.get(whose, whose) for at, whose in (targets or {}).items()}
    return tuple(
        views.TimelineEntry(
            id=row.id,
            at=row.at,
            kind=row.kind,
            actor=row.actor,
            text=row.text or story_line(row.kind, row.data, language, names),
            data=row.data,
        )
        for row in rows
    )


def promises_to(
    connection: Connection, customer_id: int, now: datetime, most: int
) -> tuple[views.Promise, ...]:
    """What is promised to a customer and not kept yet, by due time."""
    rows = connection.execute(PROMISES_TO, {"customer_id": customer_id, "most": most})
    return tuple(promise(row, now) for row in rows)


def _names(connection: Connection) -> dict[str, str]:
    return {row.name: row.shown for row in connection.execute(select(Staff.name, Staff.shown))}


def conversations(
    connection: Connection, found: Sequence[Any], titles: Mapping[str, Title]
) -> tuple[views.ConversationBrief, ...]:
    """Rows of `CONVERSATIONS`, with their recordings. `titles` as for `brief_of_case`."""
    if not found:
        return ()
    recordings: dict[str, list[int]] = {}
    for row in connection.execute(RECORDINGS, {"ids": [each.call_id for each in found]}):
        recordings.setdefault(row.call_id, []).append(row.id)
    return tuple(
        views.ConversationBrief(
            call_id=row.call_id,
            direction=row.direction,
            number=shown(row.number) if row.number else row.number_raw,
            arrived_at=row.arrived_at,
            answered_at=row.answered_at,
            ended_at=row.ended_at,
            queue=row.queue,
            agents=tuple(row.agents),
            outcome=outcome(row),
            waited=row.waited,
            talked=row.talked,
            subject=subject_of(row, titles)[0],
            subject_zh=subject_of(row, titles)[1],
            case_number=None if row.case_id is None else case_number(row.year, row.case_id),
            recordings=tuple(recordings.get(row.call_id, ())),
        )
        for row in found
    )


def way(path: Iterable[Sequence[str]]) -> tuple[views.PathStep, ...]:
    """The way through the menu as kept; before labels had a Chinese side, steps had two parts."""
    return tuple(
        views.PathStep(label=label, entered=entered, label_zh="".join(zh))
        for label, entered, *zh in path
    )


def outcome(row: Any) -> views.Outcome:
    """How a call ended; a message left makes an unanswered call a message."""
    if row.message_at is not None and row.answered_at is None:
        return "message"
    return cast(views.Outcome, row.outcome)
