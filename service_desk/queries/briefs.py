"""Who and what several screens name: customers, their numbers, cases; rows into views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    select,
)

from service_desk import views
from service_desk.case_number import case_number
from service_desk.errors import CustomerNotFound
from service_desk.generations import current
from service_desk.model import (
    Case,
    ContactPoint,
    Customer,
    CustomerWorth,
    Purchase,
)
from service_desk.model.base import table_of
from service_desk.queries.panels import Panels
from service_desk.queries.subject import subject_of
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


def in_language(language: str, en: str, zh: str) -> str:
    """The text in the language, English where there is no other."""
    return zh if language.startswith("zh") and zh else en
