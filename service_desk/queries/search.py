"""One box for everything: names, telephone numbers, case numbers. What is typed is hostile."""

from __future__ import annotations

from msgspec import Struct, structs
from sqlalchemy import Connection, or_, select

from service_desk import views
from service_desk.case_number import case_named, case_number
from service_desk.desk import Desk
from service_desk.model import Case, ContactPoint, Customer
from service_desk.phone_number import understand
from service_desk.queries import briefs
from service_desk.queries.panels import Panels
from service_desk.typed import narrow

MOST = 20
LONGEST = 100


class Found(Struct, frozen=True, kw_only=True):
    """What fits, best first."""

    cases: tuple[views.CaseBrief, ...] = ()
    customers: tuple[views.CustomerBrief, ...] = ()
    cases_total: int = 0  # of all that fit, however few of them are here
    customers_total: int = 0


async def search(desk: Desk, text: str, *, limit: int = MOST) -> Found:
    """Customers and cases that fit the text; nothing for empty text, never an error."""
    clean = narrow(text[:LONGEST].encode("utf-8", "replace").decode().replace("\0", ""))
    wanted = " ".join(clean.split())
    if not wanted:
        return Found()
    return await desk.fetch(_read, desk, wanted, max(1, min(limit, 100)))


def _read(connection: Connection, desk: Desk, wanted: str, most: int) -> Found:
    cases: list[views.CaseBrief] = []
    unseen = 0
    titles = desk.settings.titles
    named = case_named(wanted)
    if named is not None:
        asked = connection.execute(
            select(Case.id, Case.year, Case.merged_into).where(Case.id == named.id)
        ).first()
        if asked is not None and named.fits(asked.year):
            # The number of a case that became part of another leads there, and says so.
            rows = connection.execute(
                briefs.CASES.where(Case.id == (asked.merged_into or asked.id))
            )
            was = case_number(asked.year, asked.id) if asked.merged_into is not None else ""
            cases += [
                structs.replace(briefs.brief_of_case(row, titles), found_as=was) for row in rows
            ]
    folded = wanted.casefold()
    if len(folded) > 2 or not folded.isascii():
        known = {each.id for each in cases}
        fits = briefs.CASES.where(
            or_(
                Case.subject.icontains(wanted, autoescape=True),
                Case.subject_zh.contains(wanted, autoescape=True),
            ),
            Case.status != "merged",
            Case.id.not_in(known),
        )
        found = connection.execute(fits.order_by(Case.id.desc()).limit(most)).all()
        cases += [briefs.brief_of_case(row, titles) for row in found]
        if len(found) == most:
            unseen = briefs.count(connection, fits, {}) - most
    customers, total = _customers(connection, desk, wanted, folded, most)
    return Found(
        cases=tuple(cases[:most]),
        customers=customers,
        cases_total=len(cases) + unseen,
        customers_total=total,
    )


def _customers(
    connection: Connection, desk: Desk, wanted: str, folded: str, most: int
) -> tuple[tuple[views.CustomerBrief, ...], int]:
    """The best, and how many fit."""
    digits = "".join(c for c in wanted if c.isascii() and c.isdigit())
    either = [
        Customer.name_key.contains(folded, autoescape=True),
        Customer.organisation.icontains(wanted, autoescape=True),
    ]
    number = understand(wanted, desk.settings.region, desk.settings.system)
    if number.e164:
        either.append(
            Customer.id.in_(
                select(ContactPoint.customer_id).where(ContactPoint.value == number.e164)
            )
        )
    if number.kind == "extension":
        either.append(
            Customer.id.in_(
                select(ContactPoint.customer_id).where(ContactPoint.value == number.key)
            )
        )
    if not number.e164 and len(digits) >= 4 and len(digits) >= len(wanted.replace(" ", "")) - 2:
        either.append(
            Customer.id.in_(
                select(ContactPoint.customer_id).where(
                    ContactPoint.kind == "phone",
                    ContactPoint.value.contains(digits, autoescape=True),
                )
            )
        )
    if "@" in wanted:
        either.append(
            Customer.id.in_(
                select(ContactPoint.customer_id).where(ContactPoint.value == wanted.lower())
            )
        )
    fits = or_(*either)
    first = Customer.name_key.startswith(folded, autoescape=True).desc()

    def best(whom: briefs.Customers) -> briefs.Wanted:
        order = (first, whom.percentile.desc(), Customer.id)
        return whom.select.where(fits).order_by(*order).limit(most)

    rows = briefs.customers(connection, Panels(connection, "search"), best)
    points = briefs.points_of(connection, [row.id for row in rows])
    total = len(rows)
    if total == most:
        total = briefs.count(connection, select(Customer.id).where(fits), {})
    return tuple(briefs.brief_of_customer(row, points.get(row.id, ())) for row in rows), total
