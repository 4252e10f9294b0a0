"""What several screens show: rows into views, and the statements they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
)

from service_desk import views
from service_desk.case_number import case_number
from service_desk.errors import CustomerNotFound
from service_desk.generations import current
from service_desk.model import (
    Case,
    CaseEntry,
    ContactPoint,
    Conversation,
    Customer,
    CustomerWorth,
    FollowUp,
    Product,
    Purchase,
    Recording,
    Staff,
)
from service_desk.model.base import table_of
from service_desk.phone_number import shown
from service_desk.queries.panels import Panels
from service_desk.queries.subject import subject_of
from service_desk.queries.words import NAMING, story_line
from service_desk.settings import Title

OPEN = ("new", "open", "waiting")
MOST_POINTS = 50

CASE_COLUMNS = (
    Case.id,
    Case.year,
    Case.subject_kind,
    Case.subject,
    Case.subject_zh,
    Case.kind,
    Case.status,
    Case.priority,
    Case.opened_at,
    Case.due_at,
    Case.owner,
    Case.customer_id,
    Customer.name.label("customer_name"),
)
CASES = select(*CASE_COLUMNS).outerjoin(Customer, Customer.id == Case.customer_id)

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

CONTACT_POINTS = (
    select(ContactPoint.id, ContactPoint.kind, ContactPoint.value, ContactPoint.raw)
    .where(ContactPoint.customer_id == bindparam("customer_id"))
    .order_by(ContactPoint.id)
    .limit(bindparam("most"))
)
# Join `CustomerWorth` by this: the worth that is read now, which a new customer has not got yet.
WORTH_NOW = and_(
    CustomerWorth.customer_id == Customer.id,
    CustomerWorth.generation == current(table_of(CustomerWorth)),
)
PERCENTILE = func.coalesce(CustomerWorth.percentile, 1).label("value_percentile")


Wanted = Select[*tuple[Any, ...]]


class Customers(NamedTuple):
    """Customers to be read; `percentile`: what to sort by their worth with."""

    select: Wanted
    percentile: ColumnElement[int]


CUSTOMERS = Customers(
    select(
        Customer,
        PERCENTILE,
        func.coalesce(CustomerWorth.segment, "D").label("segment"),
        exists().where(Purchase.customer_id == Customer.id).label("bought"),
    ).outerjoin(CustomerWorth, WORTH_NOW),
    PERCENTILE,
)
_UNVALUED = literal(1).label("value_percentile")
# What a customer is worth is computed by a job, and is no reason not to know who they are.
UNVALUED = Customers(
    select(Customer, _UNVALUED, literal("").label("segment"), literal(False).label("bought")),
    _UNVALUED,
)
_CUSTOMER, _CUSTOMER_UNVALUED = (
    each.select.where(Customer.id == bindparam("customer_id")) for each in (CUSTOMERS, UNVALUED)
)
OPEN_CASES = (
    CASES.where(
        Case.customer_id == bindparam("customer_id"),
        Case.status.in_(OPEN),
        Case.id != bindparam("own"),
    )
    .order_by(Case.opened_at.desc(), Case.id.desc())
    .limit(bindparam("most"))
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


def brief_of_case(row: Any, titles: Mapping[str, Title]) -> views.CaseBrief:
    """A row of `CASES`. `titles`: what the queues are called (`DeskSettings.titles`)."""
    subject, subject_zh = subject_of(row, titles)
    return views.CaseBrief(
        id=row.id,
        number=case_number(row.year, row.id),
        subject=subject,
        subject_zh=subject_zh,
        kind=row.kind,
        status=row.status,
        priority=row.priority,
        opened_at=row.opened_at,
        due_at=row.due_at,
        owner=row.owner,
        customer_id=row.customer_id,
        customer_name=row.customer_name or "",
    )


def brief_of_customer(row: Any, points: Iterable[views.ContactPoint] = ()) -> views.CustomerBrief:
    """A row of `CUSTOMERS`."""
    return views.CustomerBrief(
        id=row.id,
        name=row.name,
        kind=row.kind,
        organisation=row.organisation,
        city=row.city,
        language=row.language,
        segment=row.segment,
        value_percentile=row.value_percentile,
        bought=row.bought,
        since=row.since,
        preferred_channel=row.preferred_channel,
        do_not_contact=row.do_not_contact,
        contact_points=tuple(points),
        external_id=row.external_id,
    )


def customer(
    connection: Connection, customer_id: int, panels: Panels
) -> views.CustomerBrief | None:
    """One customer with their contact points, None if there is none."""
    values = {"customer_id": customer_id}
    rows = panels.read("worth", None, _all, connection, _CUSTOMER, values)
    if rows is None:
        rows = _all(connection, _CUSTOMER_UNVALUED, values)
    if not rows:
        return None
    points = panels.listed(
        "contacts",
        MOST_POINTS,
        lambda most: _points(connection, {**values, "most": most}),
        lambda: count(connection, CONTACT_POINTS, values),
    )
    return brief_of_customer(rows[0], points)


def count(connection: Connection, wanted: Any, values: Mapping[str, Any]) -> int:
    """How many rows a statement would give if it had no limit."""
    of_all = wanted.limit(None).order_by(None)
    rows = of_all.with_only_columns(literal(1).label("one"), maintain_column_froms=True)
    return connection.scalar(select(func.count()).select_from(rows.subquery()), values) or 0


def customers(
    connection: Connection, panels: Panels, which: Callable[[Customers], Wanted]
) -> Sequence[Any]:
    """Those that `which` chooses, sorts and bounds; valued, if that can be read."""
    rows = panels.read("worth", None, _all, connection, which(CUSTOMERS), {})
    return _all(connection, which(UNVALUED), {}) if rows is None else rows


def _all(connection: Connection, wanted: Wanted, values: Mapping[str, Any]) -> Sequence[Any]:
    return connection.execute(wanted, values).all()


def _points(connection: Connection, values: Mapping[str, Any]) -> tuple[views.ContactPoint, ...]:
    return tuple(
        views.ContactPoint(id=each.id, kind=each.kind, value=each.value, raw=each.raw)
        for each in connection.execute(CONTACT_POINTS, values)
    )


def must_be_customer(connection: Connection, customer_id: int) -> None:
    """Raises CustomerNotFound."""
    if connection.scalar(select(Customer.id).where(Customer.id == customer_id)) is None:
        raise CustomerNotFound("there is no such customer")


_POINTS_OF_MANY = (
    select(
        ContactPoint.customer_id,
        ContactPoint.id,
        ContactPoint.kind,
        ContactPoint.value,
        ContactPoint.raw,
    )
    .where(ContactPoint.customer_id.in_(bindparam("ids", expanding=True)))
    .order_by(ContactPoint.id)
)


def points_of(
    connection: Connection, customers: Sequence[int]
) -> dict[int, tuple[views.ContactPoint, ...]]:
    """The contact points of several customers, by customer."""
    found: dict[int, tuple[views.ContactPoint, ...]] = {}
    for row in connection.execute(_POINTS_OF_MANY, {"ids": list(customers)}):
        point = views.ContactPoint(id=row.id, kind=row.kind, value=row.value, raw=row.raw)
        found[row.customer_id] = (*found.get(row.customer_id, ()), point)
    return found


_OF_NUMBER = (
    select(Customer.id, Customer.name, Customer.language)
    .join(ContactPoint, ContactPoint.customer_id == Customer.id)
    .where(ContactPoint.value == bindparam("number"), ContactPoint.kind == "phone")
    .order_by(Customer.id)
    .limit(50)
)


def customers_of_number(connection: Connection, key: str) -> Sequence[Any]:
    """Everybody who has the number of this key: id, name, language."""
    return connection.execute(_OF_NUMBER, {"number": key}).all()


def open_cases(
    connection: Connection,
    customer_id: int,
    titles: Mapping[str, Title],
    most: int,
    *,
    but: int | None = None,
) -> tuple[views.CaseBrief, ...]:
    """A customer's open cases, newest first, `but` one."""
    asked = {"customer_id": customer_id, "own": but or 0, "most": most}
    rows = connection.execute(OPEN_CASES, asked)
    return tuple(brief_of_case(row, titles) for row in rows)


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


def in_language(language: str, en: str, zh: str) -> str:
    """The text in the language, English where there is no other."""
    return zh if language.startswith("zh") and zh else en
