"""What the counter writes; the pages, the API and the live side share it.

Thin on purpose: the rules are the desk's (`service_desk/actions`), the permissions `access.py`'s.
Every function raises what its action raises: NotFound, BadValue, IllegalMove, DatabaseAway; and
TooBusy for whoever writes faster than people do (`pace.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from agent_console.context import ConsoleContext
from service_desk.actions import case, customer, offer, seen, sessions, staff
from service_desk.actions import draft as drafts
from service_desk.actions import follow_up as follow_ups
from service_desk.actions import join_cases as joining
from service_desk.actions import recording as recordings
from service_desk.actor import Actor
from service_desk.jobs import ask
from service_desk.sales import products, purchases
from service_desk.views import CaseStatus, OfferOutcome, OfferView, Priority


async def change_staff(
    context: ConsoleContext, name: str, given: dict[str, Any], *, by: Actor
) -> None:
    """Change what is given, all of it or nothing."""
    context.paces.take("write", by)
    await staff.change_staff(context.desk, name=name, by=by, **given)


async def sign_out_everywhere(context: ConsoleContext, name: str, *, by: Actor) -> None:
    """End all sessions of a person, and their telephone's."""
    context.paces.take("write", by)
    await sessions.sign_out_everywhere(context.desk, name=name, by=by)


async def note(context: ConsoleContext, case_id: int, text: str, *, by: Actor) -> int:
    """Add a note; the timeline entry's id. What was typed of it and not saved is forgotten."""
    context.paces.take("note", by)
    return await case.add_note(
        context.desk, case_id=case_id, text=text, draft=f"note:{case_id}", by=by
    )


async def change_case(
    context: ConsoleContext, case_id: int, given: dict[str, Any], *, by: Actor
) -> None:
    """Change what is given, all of it or nothing."""
    context.paces.take("write", by)
    await case.change_case(context.desk, case_id=case_id, by=by, **given)


async def disposition(
    context: ConsoleContext, case_id: int, code: str, *, call_id: str | None = None, by: Actor
) -> None:
    """How it ended; a disposition that resolves closes the case."""
    context.paces.take("write", by)
    await case.set_disposition(context.desk, case_id=case_id, code=code, call_id=call_id, by=by)


async def status(context: ConsoleContext, case_id: int, wanted: CaseStatus, *, by: Actor) -> None:
    """Move a case."""
    context.paces.take("write", by)
    await case.set_status(context.desk, case_id=case_id, status=wanted, by=by)


async def priority(context: ConsoleContext, case_id: int, wanted: Priority, *, by: Actor) -> None:
    """How urgent it is."""
    context.paces.take("write", by)
    await case.set_priority(context.desk, case_id=case_id, priority=wanted, by=by)


async def subject(context: ConsoleContext, case_id: int, wanted: str, *, by: Actor) -> None:
    """What it is about, in a person's words."""
    context.paces.take("write", by)
    await case.set_subject(context.desk, case_id=case_id, subject=wanted, by=by)


async def assign(context: ConsoleContext, case_id: int, to: str, *, by: Actor) -> None:
    """Hand a case to a member of staff, by user name."""
    context.paces.take("write", by)
    await case.assign_case(context.desk, case_id=case_id, to=to, by=by)


async def resolve(context: ConsoleContext, case_id: int, *, by: Actor) -> None:
    """Close a case."""
    context.paces.take("write", by)
    await case.resolve(context.desk, case_id=case_id, by=by)


async def follow_up(
    context: ConsoleContext,
    case_id: int,
    text: str,
    due_at: datetime,
    *,
    owner: str = "",
    by: Actor,
) -> int:
    """Promise something on a case, for oneself unless `owner` is named; its id."""
    context.paces.take("write", by)
    return await follow_ups.promise(
        context.desk, text=text, due_at=due_at, case_id=case_id, owner=owner or None, by=by
    )


async def keep(context: ConsoleContext, follow_up_id: int, *, by: Actor) -> None:
    """A promise was kept."""
    context.paces.take("write", by)
    await follow_ups.keep(context.desk, follow_up_id=follow_up_id, by=by)


async def file_under(context: ConsoleContext, call_id: str, case_id: int, *, by: Actor) -> None:
    """File a call under an open case instead of its own."""
    context.paces.take("write", by)
    await case.file_under(context.desk, call_id=call_id, case_id=case_id, by=by)


async def join_cases(context: ConsoleContext, case_id: int, into: int, *, by: Actor) -> int:
    """Two cases are one matter: everything goes to the case `into`, whose id is returned."""
    context.paces.take("write", by)
    return await joining.join_cases(context.desk, case_id=case_id, into=into, by=by)


async def choose_customer(
    context: ConsoleContext, call_id: str, customer_id: int | None, *, by: Actor
) -> None:
    """Say who is calling; None: none of those we know."""
    context.paces.take("write", by)
    if customer_id is None:
        await customer.choose_nobody(context.desk, call_id=call_id, by=by)
        return
    await customer.choose_customer(context.desk, call_id=call_id, customer_id=customer_id, by=by)


async def take_along(context: ConsoleContext, call_id: str, *, by: Actor) -> int:
    """What the number's calls left and is nobody's is the caller's; how many cases."""
    context.paces.take("write", by)
    return await customer.take_along(context.desk, call_id=call_id, by=by)


async def create_customer(
    context: ConsoleContext,
    *,
    name: str,
    kind: str,
    organisation: str,
    city: str,
    language: str,
    phone: str,
    email: str,
    external_id: str = "",
    call_id: str | None = None,
    by: Actor,
) -> int:
    """Make a customer; their id. With `call_id` they are the caller."""
    context.paces.take("write", by)
    return await customer.create_customer(
        context.desk,
        name=name,
        kind=kind,
        organisation=organisation,
        city=city,
        language=language,
        phones=(phone,) if phone else (),
        emails=(email,) if email else (),
        external_id=external_id,
        call_id=call_id,
        by=by,
    )


async def update_customer(
    context: ConsoleContext, customer_id: int, given: dict[str, Any], *, by: Actor
) -> None:
    """Change what is given."""
    context.paces.take("write", by)
    await customer.update_customer(context.desk, customer_id=customer_id, by=by, **given)


async def add_contact_point(
    context: ConsoleContext, customer_id: int, kind: str, value: str, *, by: Actor
) -> int:
    """Add a number or an address; its id."""
    context.paces.take("write", by)
    return await customer.add_contact_point(
        context.desk, customer_id=customer_id, kind=kind, value=value, by=by
    )


async def create_product(context: ConsoleContext, given: dict[str, Any], *, by: Actor) -> int:
    """Make a product; its id."""
    return await products.create_product(context.desk, by=by, **given)


async def update_product(
    context: ConsoleContext, product_id: int, given: dict[str, Any], *, by: Actor
) -> None:
    """Change what is given."""
    await products.update_product(context.desk, product_id=product_id, by=by, **given)


async def create_purchase(
    context: ConsoleContext, customer_id: int, given: dict[str, Any], *, by: Actor
) -> int:
    """A customer bought something; the purchase's id."""
    return await purchases.create_purchase(context.desk, customer_id=customer_id, by=by, **given)


async def update_purchase(
    context: ConsoleContext, purchase_id: int, given: dict[str, Any], *, by: Actor
) -> None:
    """Change what is given."""
    await purchases.update_purchase(context.desk, purchase_id=purchase_id, by=by, **given)


async def run_job(context: ConsoleContext, name: str, *, by: Actor) -> None:
    """Have a job run now, by whoever runs the jobs."""
    await ask.run_soon(context.desk, name, by=by)


async def offer_outcome(
    context: ConsoleContext,
    call_id: str,
    product_id: int,
    outcome: OfferOutcome,
    *,
    shown: Sequence[OfferView],
    by: Actor,
) -> None:
    """What became of an offer; `shown` is what the card said, kept with the outcome."""
    context.paces.take("write", by)
    if shown:
        await offer.present(context.desk, call_id=call_id, offers=shown, by=by)
    await offer.record_outcome(
        context.desk, call_id=call_id, product_id=product_id, outcome=outcome, by=by
    )


async def present(
    context: ConsoleContext, call_id: str, offers: Sequence[OfferView], *, by: Actor
) -> None:
    """Keep what the card showed to the agent who took the call."""
    await offer.present(context.desk, call_id=call_id, offers=offers, by=by)


async def heard(context: ConsoleContext, recording_id: int, call_id: str, *, by: Actor) -> None:
    """Somebody listened to a recording; kept once an hour."""
    await recordings.heard(context.desk, recording_id=recording_id, call_id=call_id, by=by)


async def customer_read(context: ConsoleContext, customer_id: int, *, by: Actor) -> None:
    """Somebody read everything we know of a customer; kept once an hour."""
    await seen.read(context.desk, seen.CUSTOMER_READ, str(customer_id), by=by)


async def case_read(context: ConsoleContext, number: str, *, by: Actor) -> None:
    """Somebody read everything about a case; kept once an hour."""
    await seen.read(context.desk, seen.CASE_READ, number, by=by)


async def call_read(context: ConsoleContext, call_id: str, *, by: Actor) -> None:
    """Somebody read what is known of a call; kept once an hour."""
    await seen.read(context.desk, seen.CALL_READ, call_id, by=by)


async def board_watched(context: ConsoleContext, what: str, *, by: Actor) -> None:
    """Somebody looked at who calls and who talks; kept once an hour."""
    await seen.read(context.desk, seen.BOARD_WATCHED, what, by=by)


async def customers_listed(context: ConsoleContext, q: str, *, by: Actor) -> None:
    """Somebody listed customers, or searched among them; each query is kept once an hour."""
    await seen.listed(context.desk, seen.CUSTOMERS_LISTED, q, by=by)


async def cases_listed(
    context: ConsoleContext, filters: Mapping[str, object], *, by: Actor
) -> None:
    """Somebody listed cases; each set of filters is kept once an hour."""
    await seen.listed(context.desk, seen.CASES_LISTED, filters, by=by)


async def calls_listed(
    context: ConsoleContext, filters: Mapping[str, object], *, by: Actor
) -> None:
    """Somebody listed conversations; each set of filters is kept once an hour."""
    await seen.listed(context.desk, seen.CALLS_LISTED, filters, by=by)


async def searched(context: ConsoleContext, text: str, *, by: Actor) -> None:
    """Somebody searched everything; each text is kept once an hour."""
    await seen.listed(context.desk, seen.SEARCHED, text, by=by)


async def draft(context: ConsoleContext, key: str, text: str, *, by: Actor) -> None:
    """Keep what is being typed (`key` = `note:<case id>`); an empty text forgets it."""
    context.paces.take("draft", by)
    await drafts.save_draft(context.desk, call_id=key, text=text, by=by)
