"""What people do with customers, and who a call is from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.desk import Desk, UnitOfWork
from service_desk.errors import BadValue, Conflict
from service_desk.events import CardChanged, CustomerChanged, CustomerChosen
from service_desk.model import Case, ContactPoint, Conversation, Customer, FollowUp, Presentation
from service_desk.phone_number import understand

LONGEST_NAME = 200
MOST_TAKEN = 200  # calls of one number, of before anybody knew whose it is
CHANNELS = ("phone", "email", "sms", "post", "none")
KINDS = ("person", "organisation")


def name_key(name: str) -> str:
    """How a name is searched: folded, without case."""
    return " ".join(name.casefold().split())[:LONGEST_NAME]


async def create_customer(
    desk: Desk,
    *,
    name: str,
    by: Actor,
    kind: str = "person",
    organisation: str = "",
    city: str = "",
    language: str = "",
    phones: Sequence[str] = (),
    emails: Sequence[str] = (),
    call_id: str | None = None,
    external_id: str = "",
) -> int:
    """Make a customer; their id. With `call_id` the call's number is theirs and they are chosen.

    An empty `language` is one not yet chosen: the phone menu asks. `external_id`: what another
    program calls them. Raises BadValue, ConversationNotFound, Conflict if that is another's.
    """
    said = checks.name("name", name, most=LONGEST_NAME)
    values = {
        "name": said,
        "name_key": name_key(said),
        "kind": checks.one_of("kind", kind, KINDS),
        "organisation": checks.name("organisation", organisation, most=200, least=0),
        "city": checks.name("city", city, most=120, least=0),
        "language": checks.language("language", language, ("", *desk.settings.languages)),
        "external_id": _external(external_id),
    }
    with _one_id_each():
        return await _create(desk, values, phones=phones, emails=emails, call_id=call_id, by=by)


async def _create(
    desk: Desk,
    values: dict[str, Any],
    *,
    phones: Sequence[str],
    emails: Sequence[str],
    call_id: str | None,
    by: Actor,
) -> int:
    async with desk.write(by=by) as uow:
        made = await uow.execute(
            insert(Customer),
            {**values, "since": uow.now, "created_at": uow.now, "changed_at": uow.now},
        )
        key = made.inserted_primary_key
        customer_id = int(key[0]) if key else 0
        points = [_phone(desk, phone) for phone in phones]
        points += [("email", checks.email("email", each), each.strip()) for each in emails]
        if call_id is not None:
            call = await checks.conversation(uow, call_id)
            if call.number:
                points.append(("phone", call.number, call.number_raw))
            await _choose(uow, call, customer_id)
        for point in {point[:2]: point for point in points}.values():
            await _add(uow, customer_id, *point)
        await checks.audit(uow, "customer.create", str(customer_id))
        uow.tell(CustomerChanged(at=uow.now, customer_id=customer_id))
    return customer_id


async def choose_customer(desk: Desk, *, call_id: str, customer_id: int, by: Actor) -> None:
    """Say who is calling; the call's own case becomes theirs.

    Raises ConversationNotFound, CustomerNotFound.
    """
    async with desk.write(by=by) as uow:
        call = await checks.conversation(uow, call_id)
        await checks.customer(uow, customer_id)
        await _choose(uow, call, customer_id)


async def choose_nobody(desk: Desk, *, call_id: str, by: Actor) -> None:
    """The caller is none of the customers we know: whoever the number spoke for is taken back.

    What was shown to them on this call is forgotten with them. Saying it twice is no error.
    Raises ConversationNotFound.
    """
    async with desk.write(by=by) as uow:
        call = await checks.conversation(uow, call_id)
        await uow.execute(
            update(Conversation)
            .where(Conversation.call_id == call.call_id)
            .values(customer_id=None, customer_chosen=True)
        )
        await uow.execute(delete(Presentation).where(Presentation.call_id == call.call_id))
        if call.case_id is not None:
            case = await checks.case(uow, call.case_id)
            if case.opened_by_call_id == call.call_id and case.customer_id is not None:
                await uow.execute(
                    update(Case).where(Case.id == case.id).values(customer_id=None, touched=True)
                )
            if call.customer_id is not None:
                await checks.entry(uow, "nobody", case_id=case.id, was=call.customer_id)
            await checks.case_changed(uow, case)
        await checks.audit(uow, "customer.nobody", call.call_id, was=call.customer_id)
        uow.tell(CardChanged(at=uow.now, call_id=call.call_id))


async def take_along(desk: Desk, *, call_id: str, by: Actor) -> int:
    """What came from the call's number before anybody knew who it is becomes the caller's, the
    cases of it too; how many cases. Doing it twice is no error.

    Raises ConversationNotFound, BadValue if nobody was chosen yet.
    """
    async with desk.write(by=by) as uow:
        call = await checks.conversation(uow, call_id)
        if call.customer_id is None:
            raise BadValue("call_id", "has no customer yet")
        if not call.number:
            return 0
        found = await uow.execute(
            select(Conversation.call_id, Conversation.case_id)
            .where(
                Conversation.number == call.number,
                Conversation.customer_id.is_(None),
                Conversation.merged_into.is_(None),
            )
            .order_by(Conversation.arrived_at.desc())
            .limit(MOST_TAKEN)
        )
        calls = found.all()
        await uow.execute(
            update(Conversation)
            .where(Conversation.call_id.in_([each.call_id for each in calls]))
            .values(customer_id=call.customer_id, customer_chosen=True)
        )
        taken = 0
        for case_id in dict.fromkeys(each.case_id for each in calls if each.case_id is not None):
            case = await checks.case(uow, case_id)
            if case.customer_id is None:
                taken += 1
                await _is_theirs(uow, case, call.customer_id)
        await checks.audit(uow, "customer.take_along", str(call.customer_id), call=call.call_id)
        await _changed(uow, call.customer_id)
        return taken


async def _is_theirs(uow: UnitOfWork, case: Any, customer_id: int) -> None:
    await uow.execute(
        update(Case).where(Case.id == case.id).values(customer_id=customer_id, touched=True)
    )
    await uow.execute(
        update(FollowUp)
        .where(FollowUp.case_id == case.id, FollowUp.customer_id.is_(None))
        .values(customer_id=customer_id)
    )
    await checks.entry(uow, "customer", case_id=case.id, customer_id=customer_id)
    await checks.case_changed(uow, case)


async def update_customer(
    desk: Desk,
    *,
    customer_id: int,
    by: Actor,
    name: str | None = None,
    kind: str | None = None,
    organisation: str | None = None,
    city: str | None = None,
    preferred_channel: str | None = None,
    do_not_contact: bool | None = None,
    language: str | None = None,
    external_id: str | None = None,
) -> None:
    """Change what is given, leave the rest. Raises BadValue, CustomerNotFound, Conflict."""
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = checks.name("name", name, most=LONGEST_NAME)
        changes["name_key"] = name_key(changes["name"])
    if kind is not None:
        changes["kind"] = checks.one_of("kind", kind, KINDS)
    if organisation is not None:
        changes["organisation"] = checks.name("organisation", organisation, most=200, least=0)
    if city is not None:
        changes["city"] = checks.name("city", city, most=120, least=0)
    if preferred_channel is not None:
        changes["preferred_channel"] = checks.one_of(
            "preferred_channel", preferred_channel, CHANNELS
        )
    if do_not_contact is not None:
        changes["do_not_contact"] = do_not_contact
    if language is not None:
        changes["language"] = checks.language("language", language, ("", *desk.settings.languages))
    if external_id is not None:
        changes["external_id"] = _external(external_id)
    with _one_id_each():
        await _update(desk, customer_id, changes, by)


async def _update(desk: Desk, customer_id: int, changes: dict[str, Any], by: Actor) -> None:
    async with desk.write(by=by) as uow:
        await checks.customer(uow, customer_id)
        await uow.execute(
            update(Customer).where(Customer.id == customer_id).values(changed_at=uow.now, **changes)
        )
        await checks.audit(uow, "customer.update", str(customer_id), fields=sorted(changes))
        await _changed(uow, customer_id)


async def set_language(desk: Desk, *, customer_id: int, language: str, by: Actor) -> None:
    """Remember which language a customer wants. Raises BadValue, CustomerNotFound."""
    await update_customer(desk, customer_id=customer_id, language=language, by=by)


async def add_contact_point(
    desk: Desk, *, customer_id: int, kind: str, value: str, by: Actor
) -> int:
    """Add a number (any form) or an e-mail address; its id.

    Raises BadValue, Conflict if this customer has it already, CustomerNotFound.
    """
    checks.one_of("kind", kind, ("phone", "email"))
    point = (
        _phone(desk, value)
        if kind == "phone"
        else ("email", checks.email("value", value), value.strip())
    )
    try:
        async with desk.write(by=by) as uow:
            await checks.customer(uow, customer_id)
            made = await _add(uow, customer_id, *point)
            await checks.audit(uow, "customer.contact_point", str(customer_id), kind=kind)
            await _changed(uow, customer_id)
    except IntegrityError as error:
        raise Conflict("this customer has it already") from error
    return made


def _external(text: str) -> str | None:
    return checks.line("external_id", text, most=80, least=0) or None


@contextlib.contextmanager
def _one_id_each() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise Conflict("another customer has this id") from error


def _phone(desk: Desk, raw: str) -> tuple[str, str, str]:
    settings = desk.settings
    number = understand(checks.line("phone", raw, most=64), settings.region, settings.system)
    if not number.key:
        raise BadValue("phone", "is no telephone number: {number}", number=raw[:40])
    return "phone", number.key, raw.strip()[:64]


async def _add(uow: UnitOfWork, customer_id: int, kind: str, value: str, raw: str) -> int:
    made = await uow.execute(
        insert(ContactPoint),
        {"customer_id": customer_id, "kind": kind, "value": value, "raw": raw},
    )
    key = made.inserted_primary_key
    return int(key[0]) if key else 0


async def _changed(uow: UnitOfWork, customer_id: int) -> None:
    uow.tell(CustomerChanged(at=uow.now, customer_id=customer_id))
    await checks.cards_of_customer(uow, customer_id)


async def _choose(uow: UnitOfWork, call: Any, customer_id: int) -> None:
    await uow.execute(
        update(Conversation)
        .where(Conversation.call_id == call.call_id)
        .values(customer_id=customer_id, customer_chosen=True)
    )
    if call.customer_id not in (None, customer_id):
        # What was shown for somebody else and not answered is no history; an answer was given by
        # the one who is on the line.
        here = Presentation.call_id == call.call_id
        await uow.execute(delete(Presentation).where(here, Presentation.outcome.is_(None)))
        await uow.execute(update(Presentation).where(here).values(customer_id=customer_id))
    if call.case_id is not None:
        case = await checks.case(uow, call.case_id)
        # A call filed under a case of somebody else does not take that case away from them.
        if case.opened_by_call_id == call.call_id or case.customer_id is None:
            await uow.execute(
                update(Case).where(Case.id == case.id).values(customer_id=customer_id, touched=True)
            )
        await checks.entry(uow, "customer", case_id=case.id, customer_id=customer_id)
        await checks.case_changed(uow, case)
    uow.tell(CustomerChosen(at=uow.now, call_id=call.call_id, customer_id=customer_id))
    uow.tell(CardChanged(at=uow.now, call_id=call.call_id))
