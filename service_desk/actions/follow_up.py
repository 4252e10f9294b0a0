"""Promises: made, and kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update

from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.desk import Desk, UnitOfWork
from service_desk.errors import BadValue, FollowUpNotFound, IllegalMove
from service_desk.events import FollowUpChanged
from service_desk.model import FollowUp


async def promise(
    desk: Desk,
    *,
    text: str,
    due_at: datetime,
    by: Actor,
    owner: str | None = None,
    case_id: int | None = None,
    customer_id: int | None = None,
) -> int:
    """Promise something by a time, for oneself unless `owner` says otherwise; its id.

    With a case and no customer, it is promised to the case's customer; a program that names no
    owner promises for the case's. Raises BadValue, CaseNotFound, CustomerNotFound, StaffNotFound,
    IllegalMove if the case is another customer's.
    """
    said = checks.line("text", text, most=500)
    due = checks.moment("due_at", due_at)
    async with desk.write(by=by) as uow:
        case = None if case_id is None else await checks.case(uow, case_id)
        owner = await _owner(uow, owner, None if case is None else case.owner)
        if customer_id is not None:
            await checks.customer(uow, customer_id)
            if case is not None and case.customer_id not in (None, customer_id):
                raise IllegalMove("this case is another customer's: say first who is calling")
        elif case is not None:
            customer_id = case.customer_id
        made = await uow.execute(
            insert(FollowUp),
            {
                "text": said,
                "due_at": due,
                "owner": owner,
                "case_id": None if case is None else case.id,
                "customer_id": customer_id,
                "made_by": by.name,
                "made_at": uow.now,
            },
        )
        key = made.inserted_primary_key
        follow_up_id = int(key[0]) if key else 0
        if case is not None:
            await checks.entry(uow, "promise", case_id=case.id, text="", what=said)
            await checks.case_changed(uow, case)
        if customer_id is not None:
            await checks.cards_of_customer(uow, customer_id)
        uow.tell(
            FollowUpChanged(
                at=uow.now,
                follow_up_id=follow_up_id,
                owner=owner,
                case_id=None if case is None else case.id,
                customer_id=customer_id,
            )
        )
    return follow_up_id


async def _owner(uow: UnitOfWork, named: str | None, of_case: str | None) -> str:
    """Who will see it in their agenda: somebody who works here."""
    if named is None and uow.by.staff_id is not None:
        return uow.by.name
    owner = named or of_case
    if owner is None:
        raise BadValue("owner", "must be named")
    await checks.staff(uow, owner)
    return owner


async def keep(desk: Desk, *, follow_up_id: int, by: Actor) -> None:
    """A promise was kept; keeping it twice is no error. Raises FollowUpNotFound."""
    async with desk.write(by=by) as uow:
        row = (await uow.execute(select(FollowUp).where(FollowUp.id == follow_up_id))).first()
        if row is None:
            raise FollowUpNotFound("there is no such follow-up")
        if row.kept_at is not None:
            return
        await uow.execute(update(FollowUp).where(FollowUp.id == row.id).values(kept_at=uow.now))
        if row.case_id is not None:
            case = await checks.case(uow, row.case_id)
            await checks.entry(uow, "kept", case_id=case.id, what=row.text)
            await checks.case_changed(uow, case)
        if row.customer_id is not None:
            await checks.cards_of_customer(uow, row.customer_id)
        uow.tell(
            FollowUpChanged(
                at=uow.now,
                follow_up_id=row.id,
                owner=row.owner,
                case_id=row.case_id,
                customer_id=row.customer_id,
            )
        )
