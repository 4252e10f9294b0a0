"""The card: what the agent sees while it still rings. The hot read: few, indexed queries."""

from __future__ import annotations

from typing import Any, cast

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, select

from service_desk import views
from service_desk.desk import Desk
from service_desk.errors import ConversationNotFound
from service_desk.model import Case, ContactPoint, Conversation, Customer
from service_desk.offers.suggest import offers_for
from service_desk.phone_number import PhoneNumber, understand
from service_desk.queries import briefs, dealings, history
from service_desk.queries.lists import Lists
from service_desk.queries.panels import Panels

MOST_CANDIDATES = 12
MOST_CONVERSATIONS = 8
MOST_TIMELINE = 30
MOST_PRODUCTS = 20
MOST_PROMISES = 20
MOST_CASES = 20
CARD_SECONDS = 2.0  # for all of its panels: it is wanted while the telephone rings

_CALL = (
    select(
        Conversation.call_id,
        Conversation.system,
        Conversation.merged_into,
        Conversation.direction,
        Conversation.number,
        Conversation.number_raw,
        Conversation.caller_name,
        Conversation.dialed,
        Conversation.trunk,
        Conversation.queue,
        Conversation.waited,
        Conversation.customer_id,
        Conversation.customer_chosen,
        Conversation.language,
        Conversation.path,
        Conversation.disposition,
        Conversation.case_id,
    )
).where(Conversation.call_id == bindparam("call_id"))

_last_contact = (
    select(func.max(Conversation.arrived_at))
    .where(
        Conversation.customer_id == Customer.id,
        Conversation.call_id != bindparam("call_id"),
        Conversation.merged_into.is_(None),
    )
    .correlate(Customer)
    .scalar_subquery()
)
_open_cases = (
    select(func.count())
    .select_from(Case)
    .where(
        Case.customer_id == Customer.id,
        Case.status.in_(briefs.OPEN),
        func.coalesce(Case.opened_by_call_id, "") != bindparam("call_id"),
    )
    .correlate(Customer)
    .scalar_subquery()
)


def _candidates_of(whom: briefs.Customers) -> briefs.Wanted:
    return (
        whom.select.with_only_columns(
            Customer.id,
            Customer.name,
            Customer.city,
            whom.percentile,
            _last_contact.label("last_contact_at"),
            _open_cases.label("open_cases"),
        )
        .join(ContactPoint, ContactPoint.customer_id == Customer.id)
        .where(ContactPoint.value == bindparam("number"), ContactPoint.kind == "phone")
        .order_by(whom.percentile.desc(), Customer.id)
        .limit(MOST_CANDIDATES)
    )


_CANDIDATES, _CANDIDATES_UNVALUED = map(_candidates_of, (briefs.CUSTOMERS, briefs.UNVALUED))
_CASE = briefs.CASES.where(Case.id == bindparam("case_id"))


class Sign(Struct, frozen=True, kw_only=True):
    """What speaks for one candidate being the caller."""

    days_since: float | None
    open_cases: int
    value_percentile: int


def likelihoods(signs: list[Sign]) -> list[float]:
    """How likely each of those who share a number is the caller; they add up to 1.

    An open case weighs most, then how lately we spoke, then value: an order for reading, never a
    choice made for the agent.
    """
    weights = [
        1.0
        + (3.0 if sign.open_cases else 0.0)
        + (0.0 if sign.days_since is None else 2.0 / (1.0 + max(sign.days_since, 0.0) / 30.0))
        + sign.value_percentile / 200.0
        for sign in signs
    ]
    total = sum(weights)
    return [round(weight / total, 3) for weight in weights]


async def card_for_call(desk: Desk, call_id: str, *, language: str = "en") -> views.CustomerCard:
    """The card of a call. Raises ConversationNotFound until the call is written (a CardChanged
    event tells when), DatabaseAway."""
    return await desk.fetch(read_card, desk, call_id, language)


def read_card(
    connection: Connection, desk: Desk, call_id: str, language: str
) -> views.CustomerCard:
    """`card_for_call` over a plain connection."""
    call = _call(connection, call_id)
    number = understand(call.number_raw or call.number, desk.settings.region, call.system)
    panels = Panels(connection, "card", seconds=CARD_SECONDS)
    lists = Lists(connection, desk, language, panels)
    found = _candidates(connection, desk, call, language, panels)
    customer = None
    if call.customer_id is not None:
        customer = briefs.customer(connection, call.customer_id, panels)
    case = connection.execute(_CASE, {"case_id": call.case_id}).first() if call.case_id else None
    known = customer is not None or bool(found)
    return views.CustomerCard(
        call_id=call.call_id,
        number_kind=_number_kind(number, known),
        number=number.dialled,
        number_shown=_shown(number, language),
        number_vouched=_vouched(desk, call),
        # Of a call that an agent placed it is the agent's own.
        caller_name=call.caller_name if call.direction == "inbound" else "",
        language=call.language or (customer.language if customer else ""),
        dialed=call.dialed,
        queue=call.queue,
        waited=call.waited,
        path=panels.read("path", (), dealings.way, call.path),
        candidates=found,
        customer=customer,
        case=briefs.brief_of_case(case, desk.settings.titles) if case else None,
        open_cases=lists.open_cases(MOST_CASES, call.customer_id, but=call.case_id),
        loose_cases=panels.read(
            "cases", (), history.loose_cases, connection, call, desk.settings.titles
        ),
        timeline=lists.timeline(MOST_TIMELINE, call.case_id),
        conversations=panels.listed(
            "conversations",
            MOST_CONVERSATIONS,
            lambda most: _conversations(connection, desk, call, most),
            lambda: history.count_before(connection, call),
        ),
        products=lists.products(MOST_PRODUCTS, call.customer_id),
        promises=lists.promises_to(MOST_PROMISES, call.customer_id),
        suggestion=panels.read(
            "offers",
            views.Suggestion(),
            offers_for,
            connection,
            desk,
            customer,
            language=language,
            call_id=call.call_id,
        ),
        disposition=call.disposition,
        totals=panels.totals,
        missing=panels.missing,
    )


def _vouched(desk: Desk, call: Any) -> bool:
    """A number that we dialled is right; what a caller says is what the carrier says of it."""
    return call.direction != "inbound" or call.trunk in desk.settings.trusted_trunks


def _call(connection: Connection, call_id: str) -> Any:
    row = connection.execute(_CALL, {"call_id": call_id}).first()
    if row is not None and row.merged_into is not None:
        row = connection.execute(_CALL, {"call_id": row.merged_into}).first()
    if row is None:
        raise ConversationNotFound("there is no such call")
    return row


def _candidates(
    connection: Connection, desk: Desk, call: Any, language: str, panels: Panels
) -> tuple[views.Candidate, ...]:
    """Who has the number; what they are worth ranks them, and is no reason to show none."""
    if not call.number:
        return ()
    asked = (connection, desk, call, language)
    found = panels.read("worth", None, _ranked, *asked, _CANDIDATES)
    if found is None:
        found = panels.read("candidates", (), _ranked, *asked, _CANDIDATES_UNVALUED)
    values = {"number": call.number, "call_id": call.call_id}
    return panels.listed(
        "candidates",
        MOST_CANDIDATES,
        lambda _most: found,
        lambda: briefs.count(connection, _CANDIDATES_UNVALUED, values),
    )


def _ranked(
    connection: Connection, desk: Desk, call: Any, language: str, wanted: briefs.Wanted
) -> tuple[views.Candidate, ...]:
    rows = connection.execute(wanted, {"number": call.number, "call_id": call.call_id}).all()
    now = desk.clock.now()
    signs = [
        Sign(
            days_since=None
            if row.last_contact_at is None
            else (now - row.last_contact_at).total_seconds() / 86_400,
            open_cases=row.open_cases,
            value_percentile=row.value_percentile,
        )
        for row in rows
    ]
    ranked = sorted(zip(likelihoods(signs), signs, rows, strict=True), key=lambda each: -each[0])
    return tuple(
        views.Candidate(
            customer_id=row.id,
            name=row.name,
            city=row.city,
            likelihood=likelihood,
            last_contact_at=row.last_contact_at,
            open_cases=row.open_cases,
            why=_why(sign, len(rows), language),
        )
        for likelihood, sign, row in ranked
    )


def _why(sign: Sign, among: int, language: str) -> str:
    zh = language.startswith("zh")
    reasons = []
    if among == 1:
        reasons.append("该号码唯一的客户" if zh else "the only customer of this number")
    if sign.open_cases:
        one = "1 open case" if sign.open_cases == 1 else f"{sign.open_cases} open cases"
        reasons.append(f"{sign.open_cases} 个未结工单" if zh else one)
    if sign.days_since is None:
        reasons.append("从未联系" if zh else "never called before")
    else:
        days = int(sign.days_since)
        when = "today" if days < 1 else "yesterday" if days == 1 else f"{days} days ago"
        past = "今天联系过" if days < 1 else "昨天联系过" if days == 1 else f"{days} 天前联系过"
        reasons.append(past if zh else f"last contact {when}")
    return ("，" if zh else ", ").join(reasons)


def _number_kind(number: PhoneNumber, known: bool) -> views.NumberKind:
    if known:
        return "known"
    if number.kind in ("number", "extension"):
        return "unknown"
    return cast(views.NumberKind, number.kind)


def _shown(number: PhoneNumber, language: str) -> str:
    if number.kind == "withheld":
        return "号码未显示" if language.startswith("zh") else "withheld"
    return number.shown


def _conversations(
    connection: Connection, desk: Desk, call: Any, most: int
) -> tuple[views.ConversationBrief, ...]:
    rows = history.before(connection, call, most)
    return dealings.conversations(connection, rows, desk.settings.titles)
