"""What people do with a case."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

from sqlalchemy import insert, or_, select, update

from service_desk.actions import checks
from service_desk.actions.draft import forget
from service_desk.actor import Actor
from service_desk.case_number import case_number
from service_desk.clock import year_of
from service_desk.desk import Desk, UnitOfWork
from service_desk.errors import BadValue, IllegalMove
from service_desk.events import CardChanged, CaseOpened
from service_desk.intake_merge import merge_case
from service_desk.model import Case, Conversation, Disposition
from service_desk.views import CaseStatus, Priority

LONGEST_NOTE = 10_000
LONGEST_SUBJECT = 200
KINDS = ("call", "message", "question", "order", "complaint", "repair", "invoice")

# Where a case may go from where it is. A merged case goes nowhere.
MOVES: dict[CaseStatus, frozenset[CaseStatus]] = {
    "new": frozenset({"open", "waiting", "resolved"}),
    "open": frozenset({"waiting", "resolved"}),
    "waiting": frozenset({"open", "resolved"}),
    "resolved": frozenset({"open"}),
    "merged": frozenset(),
}


def moves_from(status: CaseStatus) -> tuple[CaseStatus, ...]:
    """What a person may choose for a case in this status: as it is, or where it may go."""
    return (status, *(each for each in get_args(CaseStatus) if each in MOVES[status]))


async def open_case(
    desk: Desk,
    *,
    subject: str,
    by: Actor,
    customer_id: int | None = None,
    kind: str = "call",
    priority: Priority = "normal",
    owner: str | None = None,
    due_at: datetime | None = None,
) -> int:
    """Open a case by hand; its id. Raises BadValue, CustomerNotFound."""
    values = {
        "subject": checks.line("subject", subject, most=LONGEST_SUBJECT),
        "kind": checks.one_of("kind", kind, KINDS),
        "priority": checks.one_of("priority", priority, get_args(Priority)),
        "due_at": None if due_at is None else checks.moment("due_at", due_at),
        "owner": owner,
        "customer_id": customer_id,
        "status": "open" if owner else "new",
        "touched": True,
    }
    async with desk.write(by=by) as uow:
        if customer_id is not None:
            await checks.customer(uow, customer_id)
        if owner is not None:
            await checks.staff(uow, owner)
        year = year_of(uow.now, desk.settings.time_zone)
        made = await uow.execute(insert(Case), {**values, "year": year, "opened_at": uow.now})
        key = made.inserted_primary_key
        case_id = int(key[0]) if key else 0
        await checks.entry(uow, "opened", case_id=case_id)
        uow.tell(CaseOpened(at=uow.now, case_id=case_id, number=case_number(year, case_id)))
    return case_id


async def add_note(desk: Desk, *, case_id: int, text: str, by: Actor, draft: str = "") -> int:
    """Write a note; the timeline entry's id. It was typed as the `draft` of that name, which goes.

    Raises BadValue, CaseNotFound.
    """
    note = checks.text("text", text, most=LONGEST_NOTE)
    async with desk.write(by=by) as uow:
        row = await checks.case(uow, case_id)
        made = await checks.entry(uow, "note", case_id=row.id, text=note)
        await _set(uow, row)
        if draft:
            await forget(uow, draft)
        return made


async def change_case(
    desk: Desk,
    *,
    case_id: int,
    by: Actor,
    subject: str | None = None,
    priority: Priority | None = None,
    owner: str | None = None,
    disposition: str | None = None,
    status: CaseStatus | None = None,
) -> None:
    """Change what is given, all of it or nothing; each change is its own entry in the timeline.

    Raises BadValue, CaseNotFound, StaffNotFound, IllegalMove.
    """
    async with desk.write(by=by) as uow:
        if subject is not None:
            await _name(uow, await checks.case(uow, case_id), subject)
        if priority is not None:
            await _rank(uow, await checks.case(uow, case_id), priority)
        if owner is not None:
            await _hand(uow, await checks.case(uow, case_id), owner)
        if disposition is not None:
            await _dispose(uow, await checks.case(uow, case_id), disposition, None)
        if status is not None:
            checks.one_of("status", status, get_args(CaseStatus))
            await _move(uow, await checks.case(uow, case_id), status)


async def set_disposition(
    desk: Desk, *, case_id: int, code: str, by: Actor, call_id: str | None = None
) -> None:
    """Say how it ended; a disposition that resolves closes the case, and one that does not opens
    it again if it was such a one that closed it.

    It is said of the call `call_id`, which may be filed under this case; of the call that opened
    the case if none is named.

    Raises BadValue for an unknown code, CaseNotFound, ConversationNotFound, IllegalMove for a call
    that is filed elsewhere.
    """
    async with desk.write(by=by) as uow:
        await _dispose(uow, await checks.case(uow, case_id), code, call_id)


async def set_status(desk: Desk, *, case_id: int, status: CaseStatus, by: Actor) -> None:
    """Move a case, as `MOVES` allows. Raises IllegalMove, BadValue, CaseNotFound."""
    await change_case(desk, case_id=case_id, status=status, by=by)


async def resolve(desk: Desk, *, case_id: int, by: Actor, note: str = "") -> None:
    """Close a case, with a last note if there is one. Closing twice is no error."""
    said = checks.text("note", note, most=LONGEST_NOTE, least=0)
    async with desk.write(by=by) as uow:
        row = await checks.case(uow, case_id)
        if said:
            await checks.entry(uow, "note", case_id=row.id, text=said)
        if row.status == "resolved":
            await _set(uow, row)
        else:
            await _move(uow, row, "resolved")


async def set_priority(desk: Desk, *, case_id: int, priority: Priority, by: Actor) -> None:
    """Raises BadValue, CaseNotFound."""
    await change_case(desk, case_id=case_id, priority=priority, by=by)


async def set_subject(
    desk: Desk, *, case_id: int, subject: str, by: Actor, kind: str | None = None
) -> None:
    """Say what it is about. Raises BadValue, CaseNotFound."""
    async with desk.write(by=by) as uow:
        await _name(uow, await checks.case(uow, case_id), subject, kind)


async def set_due(desk: Desk, *, case_id: int, due_at: datetime | None, by: Actor) -> None:
    """Say by when. Raises BadValue, CaseNotFound."""
    due = None if due_at is None else checks.moment("due_at", due_at)
    async with desk.write(by=by) as uow:
        row = await checks.case(uow, case_id)
        await _set(uow, row, due_at=due)


async def assign_case(desk: Desk, *, case_id: int, to: str | None, by: Actor) -> None:
    """Hand a case to a member of staff (by user name), or to nobody.

    Raises StaffNotFound, CaseNotFound.
    """
    async with desk.write(by=by) as uow:
        await _hand(uow, await checks.case(uow, case_id), to)


async def file_under(desk: Desk, *, call_id: str, case_id: int, by: Actor) -> None:
    """File a call under a case instead of its own; the story moves with it.

    The call's own case becomes a signpost to the other (`merged`) unless another call is filed
    there. Raises CaseNotFound, ConversationNotFound, IllegalMove.
    """
    async with desk.write(by=by) as uow:
        call = await checks.conversation(uow, call_id)
        target = await checks.case(uow, case_id)
        if call.case_id == target.id:
            return
        if not checks.is_open(target.status):
            raise IllegalMove("a call can only be filed under an open case")
        if None not in (call.customer_id, target.customer_id) and (
            call.customer_id != target.customer_id
        ):
            # Else what one customer said would stand in another's history.
            raise IllegalMove("this case is another customer's: say first who is calling")
        own = None if call.case_id is None else await checks.case(uow, call.case_id)
        changes: dict[str, Any] = {"case_id": target.id}
        if call.customer_id is None and target.customer_id is not None:
            changes |= {"customer_id": target.customer_id, "customer_chosen": True}
        await uow.execute(
            update(Conversation).where(Conversation.call_id == call.call_id).values(**changes)
        )
        if own is not None:
            await _leave(uow, own, target)
        await checks.entry(uow, "filed", case_id=target.id, call_id=None, call=call.call_id)
        await checks.audit(uow, "call.file", case_number(target.year, target.id), call=call_id)
        uow.tell(CardChanged(at=uow.now, call_id=call.call_id))
        await _set(uow, target)


async def _name(uow: UnitOfWork, row: Any, subject: str, kind: str | None = None) -> None:
    changes = {
        "subject_kind": "text",
        "subject": checks.line("subject", subject, most=LONGEST_SUBJECT),
        "subject_zh": "",
    }
    if kind is not None:
        changes["kind"] = checks.one_of("kind", kind, KINDS)
    await checks.entry(uow, "subject", case_id=row.id, subject=changes["subject"])
    await checks.audit(uow, "case.subject", case_number(row.year, row.id))
    await _set(uow, row, **changes)


async def _rank(uow: UnitOfWork, row: Any, priority: Priority) -> None:
    checks.one_of("priority", priority, get_args(Priority))
    await checks.entry(uow, "priority", case_id=row.id, priority=priority)
    await _set(uow, row, priority=priority)


async def _hand(uow: UnitOfWork, row: Any, to: str | None) -> None:
    if to is not None:
        await checks.staff(uow, to)
    await checks.entry(uow, "assigned", case_id=row.id, to=to)
    await checks.audit(uow, "case.assign", case_number(row.year, row.id), to=to)
    await _set(uow, row, owner=to)


async def _dispose(uow: UnitOfWork, row: Any, code: str, call_id: str | None) -> None:
    known = (
        await uow.execute(select(Disposition).where(Disposition.code == code, Disposition.active))
    ).first()
    if known is None:
        raise BadValue("disposition", "is unknown: {code}", code=code[:40])
    changes: dict[str, Any] = {}
    if call_id is not None:
        call = await checks.conversation(uow, call_id)
        if call.case_id != row.id:
            raise IllegalMove("this call is filed under another case")
        call_id = call.call_id
    if not await _stays_a_complaint(uow, row, known.code, call_id):
        changes["disposition"] = known.code
    if known.resolves and checks.is_open(row.status):
        changes |= {"status": "resolved", "resolved_at": uow.now}
    elif not known.resolves and await _was_resolved_by_a_word(uow, row):
        # It was not solved after all: somebody still has to work on it.
        changes |= {"status": "open", "resolved_at": None}
        await checks.entry(uow, "status", case_id=row.id, status="open", before="resolved")
    await _say_of_call(uow, row, call_id or row.opened_by_call_id, known.code)
    await checks.entry(
        uow,
        "disposition",
        case_id=row.id,
        disposition=known.label_en,
        disposition_zh=known.label_zh,
        code=known.code,
    )
    await _set(uow, row, **changes)


async def _was_resolved_by_a_word(uow: UnitOfWork, row: Any) -> bool:
    """A disposition resolved it, which another one takes back."""
    if row.status != "resolved" or row.disposition is None:
        return False
    said = select(Disposition.resolves).where(Disposition.code == row.disposition)
    return bool((await uow.execute(said)).scalar())


async def _say_of_call(uow: UnitOfWork, row: Any, call_id: str | None, code: str) -> None:
    """What was said of this call before is taken back wherever it stands: on calls that turned out
    to be this one, on the case it opened and that became part of this one."""
    if call_id is None:
        return
    said = update(Conversation).values(disposition=code)
    found = await uow.execute(
        said.where(Conversation.case_id == row.id, Conversation.call_id == call_id)
    )
    if not found.rowcount:
        return
    absorbed = select(Conversation.call_id).where(Conversation.merged_into == call_id)
    await uow.execute(said.where(Conversation.merged_into == call_id))
    its = or_(Case.opened_by_call_id == call_id, Case.opened_by_call_id.in_(absorbed))
    await uow.execute(update(Case).where(Case.merged_into == row.id, its).values(disposition=code))


async def _stays_a_complaint(uow: UnitOfWork, row: Any, code: str, call_id: str | None) -> bool:
    """What was said of the case and of no call of it is not taken back by a word on a call."""
    kinds = uow.desk.settings.offers.complaint_kinds
    if call_id is None or row.disposition not in kinds or code in kinds:
        return False
    said_of_a_call = await uow.execute(
        select(Conversation.call_id)
        .where(Conversation.case_id == row.id, Conversation.disposition == row.disposition)
        .limit(1)
    )
    return said_of_a_call.first() is None


async def _leave(uow: UnitOfWork, own: Any, target: Any) -> None:
    """The case that lost its call: a signpost, if nothing else is filed there."""
    others = await uow.execute(
        select(Conversation.call_id).where(
            Conversation.case_id == own.id, Conversation.merged_into.is_(None)
        )
    )
    if others.first() is None:
        await uow.run(merge_case, goes=own.id, into=target.id)
    await checks.case_changed(uow, own)


async def _move(uow: UnitOfWork, row: Any, status: CaseStatus) -> None:
    before: CaseStatus = row.status
    if status == before:
        return
    if status not in MOVES[before]:
        raise IllegalMove(
            "a case that is {before} cannot become {status}", before=before, status=status
        )
    await checks.entry(uow, "status", case_id=row.id, status=status, before=before)
    await checks.audit(uow, "case.status", case_number(row.year, row.id), status=status)
    await _set(uow, row, status=status, resolved_at=uow.now if status == "resolved" else None)


async def _set(uow: UnitOfWork, row: Any, **changes: Any) -> None:
    """Write changes of a person to a case, and tell. A case somebody works on is no longer new."""
    if row.status == "new" and "status" not in changes and uow.by.staff_id is not None:
        changes["status"] = "open"
    await uow.execute(update(Case).where(Case.id == row.id).values(touched=True, **changes))
    await checks.case_changed(uow, row)
