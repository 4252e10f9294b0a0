"""Two calls that turn out to be one: everything of the one that goes moves to the one that stays.

What goes leaves a signpost: its conversation says where it went, and its case, if it ever had one,
is `merged`. Nothing people wrote is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import structs
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.orm import aliased

from cti import events as cti
from service_desk.model import (
    Base,
    Case,
    CaseEntry,
    Conversation,
    ConversationAlias,
    ConversationFacts,
    Draft,
    FollowUp,
    Leg,
    Presentation,
    QueueVisit,
    Recording,
)
from service_desk.model.base import table_of

if TYPE_CHECKING:
    from service_desk.intake_known import Known


LONGEST_DRAFT = 10_000
MOST_FASTER = 5  # others who merged one of two cases while we waited for them
# The more urgent first; a case that somebody still has to work on first.
URGENCY = ("urgent", "high", "normal", "low")
LIVELINESS = ("open", "waiting", "new", "resolved")


def which_stays(one: str, other: str, facts: Iterable[Mapping[bytes, cti.CallFact]]) -> str:
    """The id that was never absorbed; if that does not decide it, the smaller one.

    Only what was said decides, not the order it was said in.
    """
    absorbed = {
        fact.absorbed
        for each in facts
        for fact in each.values()
        if isinstance(fact, cti.CallMerged)
    }
    if (one in absorbed) != (other in absorbed):
        return other if one in absorbed else one
    return min(one, other)


def merged(winner: Known, loser: Known) -> Known:
    """What is known of both, as one, for comparing with what the fold of both will say."""
    story = winner.story or loser.story
    if story is not None and loser.story is not None:
        # Legs, recordings and aliases are written anew; lines no longer told must be deleted.
        story = structs.replace(
            story,
            call_id=winner.call_id,
            entries={**loser.story.entries, **story.entries},
            visits=winner.story.visits if winner.story is not None else {},
            legs={},
            recordings={},
            aliases=frozenset(),
            number=winner.story.number if winner.story is not None else None,
        )
    return structs.replace(winner, told={**loser.facts, **winner.facts}, packed=b"", story=story)


def move_rows(connection: Connection, *, stays: str, goes: str) -> None:
    """Before the stay's rows are written: move what the other had, so that ids stay."""
    _move(connection, Leg, "leg_id", stays, goes)
    _move(connection, CaseEntry, "key", stays, goes)
    _move(connection, Recording, "file", stays, goes)
    _keep_outcomes(connection, stays, goes)
    _move(connection, Presentation, "product_id", stays, goes)
    move_drafts(connection, goes=goes, into=stays)
    connection.execute(delete(QueueVisit).where(QueueVisit.call_id == goes))
    connection.execute(delete(ConversationFacts).where(ConversationFacts.call_id == goes))
    connection.execute(
        update(ConversationAlias).where(ConversationAlias.call_id == goes).values(call_id=stays)
    )
    # A consult that opened no case is merged with a call that did: the case keeps its number.
    there = aliased(Case)
    connection.execute(
        update(Case)
        .where(
            Case.opened_by_call_id == goes,
            ~select(there.id).where(there.opened_by_call_id == stays).exists(),
        )
        .values(opened_by_call_id=stays)
    )


def _move(connection: Connection, noun: type[Base], key: str, stays: str, goes: str) -> None:
    """Rows with the same key are already there; the others move."""
    table = table_of(noun)
    there = table.alias()
    same = (
        select(there.c.call_id).where(there.c.call_id == stays, there.c[key] == table.c[key])
    ).exists()
    connection.execute(update(table).where(table.c.call_id == goes, ~same).values(call_id=stays))
    connection.execute(delete(table).where(table.c.call_id == goes))


def _keep_outcomes(connection: Connection, stays: str, goes: str) -> None:
    """The same offer on both calls: what became of it is kept, whichever was asked."""
    other = aliased(Presentation)
    same = (
        (other.call_id == goes)
        & (other.product_id == Presentation.product_id)
        & other.outcome.is_not(None)
    )
    connection.execute(
        update(Presentation)
        .where(Presentation.call_id == stays, Presentation.outcome.is_(None))
        .where(select(other.id).where(same).exists())
        .values(
            outcome=select(other.outcome).where(same).scalar_subquery(),
            outcome_at=select(other.outcome_at).where(same).scalar_subquery(),
        )
        .execution_options(synchronize_session=False)
    )


def move_drafts(connection: Connection, *, goes: str, into: str) -> None:
    """What somebody typed and has not saved: two texts of one person become one."""
    there = {
        row.agent: row.text
        for row in connection.execute(select(Draft).where(Draft.call_id == into))
    }
    for row in connection.execute(select(Draft).where(Draft.call_id == goes)).all():
        if row.agent not in there:
            continue
        connection.execute(
            update(Draft)
            .where(Draft.call_id == into, Draft.agent == row.agent)
            .values(text=f"{there[row.agent]}\n{row.text}"[:LONGEST_DRAFT])
        )
    _move(connection, Draft, "agent", into, goes)


CHOICES = ("customer_id", "language", "disposition", "message_at")


def leave_signpost(connection: Connection, *, stays: str, goes: str) -> None:
    """After the rows of the one that stays are written: what people chose, and the cases."""
    one = connection.execute(select(Conversation).where(Conversation.call_id == stays)).one()
    left = connection.execute(select(Conversation).where(Conversation.call_id == goes)).first()
    if left is None:
        connection.execute(
            insert(Conversation),
            {
                "call_id": goes,
                "system": one.system,
                "arrived_at": one.arrived_at,
                "direction": one.direction,
                "merged_into": stays,
            },
        )
    else:
        kept: dict[str, Any] = {
            name: getattr(left, name)
            for name in CHOICES
            if getattr(one, name) is None and getattr(left, name) is not None
        }
        if left.path and not one.path:
            kept["path"] = left.path
        if left.customer_chosen and not one.customer_chosen:
            kept |= {"customer_chosen": True, "customer_id": left.customer_id}
        if kept:
            connection.execute(
                update(Conversation).where(Conversation.call_id == stays).values(**kept)
            )
    connection.execute(
        update(Conversation)
        .where((Conversation.call_id == goes) | (Conversation.merged_into == goes))
        .values(merged_into=stays, case_id=None)
    )
    case_id = connection.scalar(select(Case.id).where(Case.opened_by_call_id == goes))
    if case_id is None or case_id == one.case_id:
        return
    if one.case_id is not None:
        merge_case(connection, goes=case_id, into=one.case_id)
    else:
        _drop_or_bring(connection, case_id, stays)


def _drop_or_bring(connection: Connection, case_id: int, stays: str) -> None:
    """The call that stays opens no case, for all that is known now: the other's, opened when less
    was known, is none either, unless somebody has worked on it."""
    dropped = connection.execute(delete(Case).where(Case.id == case_id, ~Case.touched)).rowcount
    if dropped:
        return
    connection.execute(update(Case).where(Case.id == case_id).values(opened_by_call_id=stays))
    connection.execute(
        update(Conversation).where(Conversation.call_id == stays).values(case_id=case_id)
    )


def merge_case(connection: Connection, *, goes: int, into: int) -> int:
    """The case becomes a signpost; what people wrote on it, and calls filed there, move.

    Returns the id of the case that has it all. Both rows are locked first and read then: two who
    merge the same cases at once, each the other way round, would make a circle of them.
    """
    gone, stays = _both(connection, goes, into)
    for _ in range(MOST_FASTER):
        if gone.merged_into is None and stays.merged_into is None:
            break
        goes, into = gone.merged_into or gone.id, stays.merged_into or stays.id
        if goes == into:  # somebody was faster
            return into
        gone, stays = _both(connection, goes, into)
    for noun in (CaseEntry, FollowUp, Conversation):
        table = table_of(noun)
        connection.execute(update(table).where(table.c.case_id == goes).values(case_id=into))
    move_drafts(connection, goes=f"note:{goes}", into=f"note:{into}")
    connection.execute(update(Case).where(Case.merged_into == goes).values(merged_into=into))
    connection.execute(
        update(Case).where(Case.id == goes).values(status="merged", merged_into=into)
    )
    kept = _of_both(gone, stays)
    if kept:
        connection.execute(update(Case).where(Case.id == into).values(**kept))
    return into


def _both(connection: Connection, one: int, other: int) -> tuple[Any, Any]:
    """Both rows, for nobody else to change until the end of the transaction."""
    found = select(Case).where(Case.id.in_((one, other))).order_by(Case.id).with_for_update()
    rows = {row.id: row for row in connection.execute(found)}
    return rows[one], rows[other]


def _of_both(gone: Any, stays: Any) -> dict[str, Any]:
    """What the case that stays takes over: nothing anybody decided is lost with the other."""
    kept: dict[str, Any] = {
        name: getattr(gone, name)
        for name in ("customer_id", "disposition", "owner", "due_at")
        if getattr(stays, name) is None and getattr(gone, name) is not None
    }
    if None not in (gone.due_at, stays.due_at) and gone.due_at < stays.due_at:
        kept["due_at"] = gone.due_at
    if gone.touched:
        kept["touched"] = True
        for name, order in (("priority", URGENCY), ("status", LIVELINESS)):
            mine, theirs = getattr(stays, name), getattr(gone, name)
            if _rank(order, theirs) < _rank(order, mine):
                kept[name] = theirs
        if kept.get("status", stays.status) != "resolved" and stays.resolved_at is not None:
            kept["resolved_at"] = None
    if gone.subject_kind == "text" and stays.subject_kind != "text":
        kept |= {"subject_kind": "text", "subject": gone.subject, "subject_zh": gone.subject_zh}
    return kept


def _rank(order: tuple[str, ...], value: str) -> int:
    return order.index(value) if value in order else len(order)
