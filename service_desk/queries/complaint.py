"""Whether a customer has an open complaint: one definition, for whoever must not sell to them.

An open case is a complaint if it, any of its calls or any case that became part of it is one. The
last word on a call takes back the one before on the same call; a word on another call does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BindParameter, Connection, and_, bindparam, or_, select
from sqlalchemy.orm import aliased

from service_desk.model import Case, Conversation
from service_desk.queries.briefs import OPEN

_gone = aliased(Case)
_call = aliased(Conversation)
_theirs = aliased(Conversation)
_KINDS: BindParameter[str] = bindparam("kinds", expanding=True)
_WHOSE: BindParameter[int] = bindparam("customer_id")

_of_a_part = (
    select(_gone.id)
    .where(_gone.merged_into == Case.id, or_(_gone.kind.in_(_KINDS), _gone.disposition.in_(_KINDS)))
    .exists()
)
# Two calls that turned out to be one: what was said of either.
_absorbed = aliased(Conversation)
_said_of_an_absorbed = (
    select(_absorbed.call_id)
    .where(_absorbed.merged_into == _call.call_id, _absorbed.disposition.in_(_KINDS))
    .exists()
)
_of_a_call = (
    select(_call.call_id)
    .where(_call.case_id == Case.id, or_(_call.disposition.in_(_KINDS), _said_of_an_absorbed))
    .exists()
)
# What a customer said on somebody else's case is their complaint as well.
_elsewhere = select(_theirs.case_id).where(
    _theirs.customer_id == _WHOSE, _theirs.disposition.in_(_KINDS), _theirs.case_id.is_not(None)
)
_COMPLAINT = (
    select(Case.id)
    .where(
        Case.status.in_(OPEN),
        or_(
            and_(
                Case.customer_id == _WHOSE,
                or_(Case.kind.in_(_KINDS), Case.disposition.in_(_KINDS), _of_a_call, _of_a_part),
            ),
            Case.id.in_(_elsewhere),
        ),
    )
    .limit(1)
)


def open_complaint(connection: Connection, customer_id: int, kinds: Sequence[str]) -> bool:
    """Whether one waits; `kinds`: what a case or a disposition is called that is a complaint."""
    asked = {"customer_id": customer_id, "kinds": list(kinds)}
    return connection.scalar(_COMPLAINT, asked) is not None
