"""Offers: that they were shown, and what the customer said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from sqlalchemy import insert, select, update

from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.desk import Desk, UnitOfWork
from service_desk.errors import BadValue, ProductNotFound
from service_desk.events import CardChanged, OfferRecorded
from service_desk.model import Presentation, Product
from service_desk.views import OfferOutcome, OfferView


async def present(
    desk: Desk, *, call_id: str, offers: Sequence[OfferView], by: Actor
) -> dict[int, int]:
    """Remember what was shown on this call; presentation ids by product. Repeating is no error.

    Raises ConversationNotFound, BadValue if nobody was chosen yet.
    """
    async with desk.write(by=by) as uow:
        call = await checks.conversation(uow, call_id)
        if call.customer_id is None:
            raise BadValue("call_id", "has no customer yet")
        made: dict[int, int] = {}
        for offer in offers[: desk.settings.offers.at_most]:
            made[offer.product_id] = await _present(uow, call, offer.product_id, offer)
        return made


async def record_outcome(
    desk: Desk, *, call_id: str, product_id: int, outcome: OfferOutcome, by: Actor
) -> None:
    """What the customer said, or that it was not presented; the last word counts.

    Raises BadValue, ConversationNotFound, ProductNotFound.
    """
    checks.one_of("outcome", outcome, get_args(OfferOutcome))
    async with desk.write(by=by) as uow:
        call = await checks.conversation(uow, call_id)
        if call.customer_id is None:
            raise BadValue("call_id", "has no customer yet")
        product = (await uow.execute(select(Product).where(Product.id == product_id))).first()
        if product is None:
            raise ProductNotFound("there is no such product")
        shown = await _present(uow, call, product_id, None)
        await uow.execute(
            update(Presentation)
            .where(Presentation.id == shown)
            .values(outcome=outcome, outcome_at=uow.now, agent=by.name)
        )
        if call.case_id is not None:
            case = await checks.case(uow, call.case_id)
            await checks.entry(
                uow,
                "offer",
                case_id=case.id,
                product=product.name_en,
                product_zh=product.name_zh,
                outcome=outcome,
            )
            await checks.case_changed(uow, case)
        uow.tell(
            OfferRecorded(at=uow.now, call_id=call.call_id, product_id=product_id, outcome=outcome)
        )
        uow.tell(CardChanged(at=uow.now, call_id=call.call_id))


async def _present(uow: UnitOfWork, call: Any, product_id: int, offer: OfferView | None) -> int:
    known = await uow.execute(
        select(Presentation.id).where(
            Presentation.call_id == call.call_id, Presentation.product_id == product_id
        )
    )
    if (row := known.first()) is not None:
        return int(row.id)
    made = await uow.execute(
        insert(Presentation),
        {
            "call_id": call.call_id,
            "customer_id": call.customer_id,
            "product_id": product_id,
            "agent": uow.by.name,
            "shown_at": uow.now,
            "shown": {} if offer is None else msgspec.to_builtins(offer),
        },
    )
    key = made.inserted_primary_key
    return int(key[0]) if key else 0
