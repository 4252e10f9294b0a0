"""What was before a call: of its customer, and of its number as far as it is nobody else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, union_all

from service_desk import views
from service_desk.model import Case, Conversation
from service_desk.queries import briefs, dealings
from service_desk.settings import Title

MOST_CALLS = 200  # of a number, that are looked at for cases

_OTHERS = (Conversation.call_id != bindparam("call_id"), Conversation.merged_into.is_(None))
_OF_CUSTOMER = (Conversation.customer_id == bindparam("customer_id"), *_OTHERS)
_OF_NUMBER = (Conversation.number == bindparam("number"), *_OTHERS)
# A number may be several people's: what one of them said is not read to another.
_OF_NUMBER_ALONE = (*_OF_NUMBER, Conversation.customer_id.is_(None))


def _newest(*where: Any) -> Any:
    """Each of the two sorted by its own index: a customer of thousands of calls costs no more."""
    newest = select(Conversation.call_id, Conversation.arrived_at).where(*where)
    return newest.order_by(Conversation.arrived_at.desc()).limit(bindparam("most")).subquery()


def _shown(found: Any) -> briefs.Wanted:
    wanted: Any = dealings.CONVERSATIONS.where(Conversation.call_id.in_(select(found.c.call_id)))
    shown: briefs.Wanted = wanted.order_by(Conversation.arrived_at.desc()).limit(bindparam("most"))
    return shown


_NEWEST_OF_EITHER = union_all(
    select(_newest(*_OF_CUSTOMER)), select(_newest(*_OF_NUMBER_ALONE))
).subquery()
_EITHER = _shown(_NEWEST_OF_EITHER)
_NUMBER = _shown(_newest(*_OF_NUMBER))
_CUSTOMER = _shown(_newest(*_OF_CUSTOMER))

_CASES_OF_NUMBER = (
    select(Conversation.case_id, Conversation.arrived_at)
    .where(*_OF_NUMBER_ALONE, Conversation.case_id.is_not(None))
    .order_by(Conversation.arrived_at.desc())
    .limit(MOST_CALLS)
)
_THESE = briefs.CASES.where(Case.id.in_(bindparam("ids", expanding=True))).order_by(
    Case.opened_at.desc(), Case.id.desc()
)


def _asked(call: Any) -> dict[str, Any]:
    return {"call_id": call.call_id, "customer_id": call.customer_id, "number": call.number}


def before(connection: Connection, call: Any, most: int) -> Sequence[Any]:
    """Rows of `CONVERSATIONS`, newest first. `call`: call_id, customer_id, number (a key or "")."""
    if call.customer_id is None and not call.number:
        return ()
    wanted = _NUMBER if call.customer_id is None else _EITHER if call.number else _CUSTOMER
    return connection.execute(wanted, {**_asked(call), "most": most}).all()


def count_before(connection: Connection, call: Any) -> int:
    """How many there are of `before`."""
    if call.customer_id is None and not call.number:
        return 0
    number = _OF_NUMBER if call.customer_id is None else _OF_NUMBER_ALONE
    each = [number] if call.number else []
    if call.customer_id is not None:
        each.append(_OF_CUSTOMER)
    found = (
        connection.scalar(select(func.count()).select_from(Conversation).where(*one), _asked(call))
        for one in each
    )
    return sum(many or 0 for many in found)


def loose_cases(
    connection: Connection, call: Any, titles: Mapping[str, Title]
) -> tuple[views.CaseBrief, ...]:
    """Open cases of the call's number that are nobody's yet, newest first; not its own case."""
    if not call.number:
        return ()
    ids = set(connection.scalars(_CASES_OF_NUMBER, _asked(call))) - {call.case_id}
    if not ids:
        return ()
    # Sorted out here: no index of cases that are nobody's is worth what it costs each call.
    rows = connection.execute(_THESE, {"ids": sorted(ids)})
    loose = [row for row in rows if row.customer_id is None and row.status in briefs.OPEN]
    return tuple(briefs.brief_of_case(row, titles) for row in loose)
