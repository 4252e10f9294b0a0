"""Two cases that are the same matter: a supervisor says so, and one of them stays."""

from __future__ import annotations

from sqlalchemy import select

from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.case_number import case_number
from service_desk.desk import Desk
from service_desk.errors import IllegalMove
from service_desk.events import CardChanged
from service_desk.intake_merge import merge_case
from service_desk.model import Case, Conversation


async def join_cases(desk: Desk, *, case_id: int, into: int, by: Actor) -> int:
    """Everything of the case goes to the case `into`, whose id is returned; its number leads there.

    Notes, promises, calls with their recordings and offers, and what is typed and not saved move.
    Raises CaseNotFound, IllegalMove for one and the same case or another customer's.
    """
    async with desk.write(by=by) as uow:
        # For nobody else to join them the other way round meanwhile.
        await uow.execute(
            select(Case.id).where(Case.id.in_((case_id, into))).order_by(Case.id).with_for_update()
        )
        gone, stays = await checks.case(uow, case_id), await checks.case(uow, into)
        if gone.id == stays.id:
            raise IllegalMove("this is the same case already")
        if None not in (gone.customer_id, stays.customer_id) and (
            gone.customer_id != stays.customer_id
        ):
            # Else what one customer said would stand in another's history.
            raise IllegalMove("this case is another customer's: say first who is calling")
        calls = await uow.execute(
            select(Conversation.call_id).where(
                Conversation.case_id == gone.id, Conversation.merged_into.is_(None)
            )
        )
        moved = calls.scalars().all()
        if await uow.run(merge_case, goes=gone.id, into=stays.id) != stays.id:
            raise IllegalMove("this is the same case already")  # since we looked
        was = case_number(gone.year, gone.id)
        await checks.entry(uow, "joined", case_id=stays.id, number=was)
        await checks.audit(uow, "case.join", case_number(stays.year, stays.id), joined=was)
        for call_id in moved:
            uow.tell(CardChanged(at=uow.now, call_id=call_id))
        await checks.case_changed(uow, gone)
        await checks.case_changed(uow, stays)
        return int(stays.id)
