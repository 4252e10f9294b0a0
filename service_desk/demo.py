"""The demo company: customers with a believable past, made by our own code from a fixed seed.

The past is made of facts, as Asterisk would have told them, and goes through the intake; what
people would have written is added after it. All times count back from `now`, so it looks fresh.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, bindparam, insert, select, update

from cti import events as cti
from service_desk import demo_data as data
from service_desk.actions.customer import name_key
from service_desk.actions.staff import create_staff
from service_desk.actor import SYSTEM, Role
from service_desk.desk import Desk
from service_desk.errors import Conflict
from service_desk.first_start import load_dispositions
from service_desk.intake import Intake
from service_desk.model import (
    Case,
    CaseEntry,
    ContactPoint,
    Conversation,
    Customer,
    FollowUp,
    Presentation,
    Product,
    Purchase,
)
from service_desk.offers.counts import count_pairs
from service_desk.offers.value import value_customers

Progress = Callable[[int, int], None]

SEED = 20260
CUSTOMERS = 300
CASES = 2_000
DAYS = 420  # how far back the past goes
OPEN_DAYS = 12  # cases younger than this may still be open
FACTS_AT_ONCE = 4_000
AGENTS = ("ava", "ben", "carla")
SYSTEM_NAME = "demo"
# The number of the sketch on every screen: three people share it.
SHARED = "+862155550142"


class Person(Struct, kw_only=True):
    """A customer being made."""

    id: int
    name: str
    kind: str
    organisation: str
    city: str
    language: str
    number: str
    raw: str
    since: datetime
    do_not_contact: bool = False


class Past(Struct, kw_only=True):
    """A call that was, and what people made of it."""

    call_id: str
    person: Person
    matter: data.Matter
    at: datetime
    agent: str | None
    is_open: bool
    ended_at: datetime


class DemoLoaded(Struct, frozen=True, kw_only=True):
    """What there is now."""

    customers: int
    products: int
    cases: int
    purchases: int


async def load_demo(
    desk: Desk,
    *,
    now: datetime,
    passwords: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> DemoLoaded:
    """Load the demo company into an empty database; does nothing where there are customers.

    `passwords` by user name for ava, ben, carla (agents), sam (supervisor), alex (administrator);
    who has none cannot sign in yet. `progress` is told how many of how many past calls are written.
    """
    await _staff(desk, passwords or {})
    if await desk.fetch(_count) > 0:
        return DemoLoaded(customers=0, products=0, cases=0, purchases=0)
    chance = random.Random(SEED)  # noqa: S311 - the same company every time, no secret
    people = make_people(chance, now)
    bought = make_purchases(chance, people, now)
    await desk.transact(_load_base, desk, people, bought, now)
    past = make_past(chance, people, now)
    await _replay(desk, past, progress or (lambda _done, _total: None))
    await desk.transact(_load_words, chance, past, now)
    return DemoLoaded(
        customers=len(people), products=len(data.CATALOGUE), cases=len(past), purchases=len(bought)
    )


def _count(connection: Connection) -> int:
    return len(connection.execute(select(Customer.id).limit(1)).all())


async def _staff(desk: Desk, passwords: Mapping[str, str]) -> None:
    for name, shown, role, language in data.STAFF:
        try:
            await create_staff(
                desk,
                name=name,
                shown=shown,
                role=cast(Role, role),
                language=language,
                password=passwords.get(name),
                by=SYSTEM,
            )
        except Conflict:
            continue  # loaded before


# Who


def make_people(chance: random.Random, now: datetime) -> list[Person]:
    """Customers of three countries; households and firms share numbers."""
    people = [_person(chance, number, now) for number in range(1, CUSTOMERS + 1)]
    for person, (name, kind, organisation) in zip(
        people,
        (
            ("陈伟 Chen Wei", "person", "陈氏贸易有限公司"),
            ("陈静 Chen Jing", "person", ""),
            ("陈氏贸易有限公司", "organisation", ""),
        ),
        strict=False,
    ):
        person.name, person.kind, person.organisation = name, kind, organisation
        person.city, person.language = "上海", "zh"
        person.number, person.raw = SHARED, "021 5555 0142"
    for person, name in zip(people[10:], data.HOSTILE, strict=False):
        person.name = name
    for one in range(20, CUSTOMERS, 17):  # a household: two people, one number, one city
        first, second = people[one], people[one + 1]
        second.number, second.raw, second.city = first.number, first.raw, first.city
        second.language = first.language
        second.name = _relative(chance, first.name)
    for one in range(40, CUSTOMERS - 6, 60):  # a firm and four who work there: the switchboard
        firm = people[one]
        firm.kind, firm.organisation = "organisation", ""
        firm.name = _firm(chance, firm)
        for person in people[one + 1 : one + 5]:
            person.organisation, person.city = firm.name, firm.city
            person.number, person.raw = firm.number, firm.raw
    return people


def _person(chance: random.Random, number: int, now: datetime) -> Person:
    since = now - timedelta(days=chance.randint(40, 3000), seconds=chance.randint(0, 86_400))
    country = chance.choices(("de", "uk", "zh"), (5, 2, 3))[0]
    if country == "zh":
        family, given = chance.choice(data.LAST_ZH), chance.choice(data.FIRST_ZH)
        name = f"{family[0]}{given[0]} {family[1]} {given[1]}"
        city, e164 = chance.choice(data.CITIES_ZH), f"+8621555{50_200 + number:05d}"
        raw = f"021 555{50_200 + number:05d}"
    else:
        name = f"{chance.choice(data.FIRST_EN)} {chance.choice(data.LAST_EN)}"
        german = country == "de"
        city = chance.choice(data.CITIES_DE if german else data.CITIES_UK)
        e164 = f"+493023125{number:03d}" if german else f"+44207946{number:04d}"
        raw = f"030 23125{number:03d}" if german else f"020 7946 {number:04d}"
    return Person(
        id=number,
        name=name,
        kind="person",
        organisation="",
        city=city,
        language="zh" if country == "zh" else "en",
        number=e164,
        raw=raw,
        since=since,
        do_not_contact=chance.random() < 0.05,
    )


def _relative(chance: random.Random, name: str) -> str:
    """Another given name, the same family."""
    if name[0].isascii():
        return f"{chance.choice(data.FIRST_EN)} {name.rsplit(maxsplit=1)[-1]}"
    given = chance.choice(data.FIRST_ZH)
    return f"{name[0]}{given[0]} {name.split()[1]} {given[1]}"


def _firm(chance: random.Random, person: Person) -> str:
    if person.language == "zh":
        return f"{person.name.split()[0][:1]}氏{chance.choice(data.FIRMS_ZH)}"
    return f"{person.name.split()[-1]} {chance.choice(data.FIRMS_EN)}"


# What they bought


def make_purchases(
    chance: random.Random, people: list[Person], now: datetime
) -> list[dict[str, Any]]:
    """Each customer buys a bundle or two, and a few odd things."""
    numbers = {item.sku: place for place, item in enumerate(data.CATALOGUE, 1)}
    prices = {item.sku: item.price for item in data.CATALOGUE}
    bought: list[dict[str, Any]] = []
    for person in people:
        if chance.random() < 0.06:
            continue  # has asked, has bought nothing yet
        skus: set[str] = set()
        for _ in range(chance.choices((1, 2, 3), (5, 4, 2))[0]):
            lead, others = chance.choice(data.BUNDLES)
            skus.add(lead)
            skus |= {sku for sku, likely in others if chance.random() < likely}
        if chance.random() < 0.4:
            skus.add(chance.choice(data.CATALOGUE).sku)
        days = max((now - person.since).days, 1)
        for sku in sorted(skus):
            at = now - timedelta(days=chance.randint(0, days), seconds=chance.randint(0, 80_000))
            bought.append(
                {
                    "customer_id": person.id,
                    "product_id": numbers[sku],
                    "bought_at": max(at, person.since),
                    "price": prices[sku],
                    "currency": "EUR",
                }
            )
    return bought


def _load_base(
    connection: Connection,
    desk: Desk,
    people: list[Person],
    bought: list[dict[str, Any]],
    now: datetime,
) -> None:
    load_catalogue(connection)
    connection.execute(
        insert(Customer),
        [
            {
                "name": person.name,
                "name_key": name_key(person.name),
                "kind": person.kind,
                "organisation": person.organisation,
                "city": person.city,
                "language": person.language,
                "do_not_contact": person.do_not_contact,
                "preferred_channel": "phone" if person.id % 3 else "email",
                "since": person.since,
                "created_at": person.since,
                "changed_at": person.since,
            }
            for person in people
        ],
    )
    # The database numbers them; they were inserted in order into an empty table.
    ids = [row[0] for row in connection.execute(select(Customer.id).order_by(Customer.id))]
    offset = ids[0] - 1
    for person in people:
        person.id += offset
    products = [row[0] for row in connection.execute(select(Product.id).order_by(Product.id))]
    for row in bought:
        row["customer_id"] += offset
        row["product_id"] = products[row["product_id"] - 1]
    connection.execute(
        insert(ContactPoint),
        [
            {
                "customer_id": person.id,
                "kind": "phone",
                "value": person.number,
                "raw": person.raw,
            }
            for person in people
        ],
    )
    connection.execute(insert(Purchase), bought)
    count_pairs(connection)
    value_customers(connection, now, desk.settings.weights, desk.settings.segments)


def load_catalogue(connection: Connection) -> None:
    """Products and dispositions; those that are there stay as they are."""
    have = {row[0] for row in connection.execute(select(Product.sku))}
    items = [item for item in data.CATALOGUE if item.sku not in have]
    if items:
        connection.execute(
            insert(Product), [{**item._asdict(), "currency": "EUR"} for item in items]
        )
    load_dispositions(connection)


# The calls that were


def make_past(chance: random.Random, people: list[Person], now: datetime) -> list[Past]:
    """Two thousand calls in office hours, more of them lately; some customers call often."""
    often = [chance.paretovariate(1.3) for _ in people]
    past: list[Past] = []
    for number in range(CASES):
        person = chance.choices(people, often)[0]
        days = DAYS * chance.random() ** 1.6
        at = (now - timedelta(days=days)).replace(minute=chance.randint(0, 59))
        at = at.replace(hour=chance.randint(8, 17), second=chance.randint(0, 59))
        if at > now - timedelta(hours=1):
            at -= timedelta(days=1)
        agent = None if chance.random() < 0.07 else chance.choice(AGENTS)
        matter = chance.choice(data.MATTERS)
        youth = (now - at).days < OPEN_DAYS
        past.append(
            Past(
                call_id=f"demo-{number:06d}",
                person=person,
                matter=matter,
                at=at,
                agent=agent,
                is_open=youth and chance.random() < 0.45,
                ended_at=at,
            )
        )
    past.sort(key=lambda each: each.at)
    return past


def facts_of(chance: random.Random, call: Past) -> list[cti.CallFact]:
    """What Asterisk would have told of it."""
    one, two = f"{call.call_id}.1", f"{call.call_id}.2"
    wait = min(2 + chance.expovariate(1 / 12), 120)
    talk = chance.uniform(40, 600)
    queued = call.at + timedelta(seconds=chance.uniform(8, 40))
    left = queued + timedelta(seconds=wait)
    base: dict[str, Any] = {"system": SYSTEM_NAME, "call_id": call.call_id}
    facts: list[cti.CallFact] = [
        cti.CallArrived(
            **base,
            at=call.at,
            leg_id=one,
            channel="PJSIP/carrier",
            direction="inbound",
            caller_number=call.person.number,
            caller_name="",
            dialed="1000",
        ),
        cti.CallQueued(**base, at=queued, queue=call.matter.queue, position=1, leg_id=one),
    ]
    how = "abandoned" if call.agent is None else "answered"
    facts.append(
        cti.CallLeftQueue(
            **base,
            at=left,
            queue=call.matter.queue,
            reason="abandoned" if call.agent is None else "answered",
            waited=round(wait, 1),
        )
    )
    end = left
    if call.agent is not None:
        end = left + timedelta(seconds=talk)
        facts += [
            cti.CallOffered(
                **base,
                at=left - timedelta(seconds=min(wait, 6)),
                agent=call.agent,
                leg_id=two,
                queue=call.matter.queue,
            ),
            cti.CallAnswered(
                **base,
                at=left,
                agent=call.agent,
                leg_id=two,
                queue=call.matter.queue,
                waited=round(wait, 1),
            ),
            cti.LegJoined(**base, at=left, leg_id=two, bridge_id="b"),
            cti.LegParted(**base, at=end, leg_id=two, bridge_id="b"),
            cti.LegEnded(**base, at=end, leg_id=two, cause=16),
        ]
    facts.append(cti.LegEnded(**base, at=end, leg_id=one, cause=16))
    by: cti.EndedBy = "caller" if how == "abandoned" or chance.random() < 0.6 else "agent"
    facts.append(cti.CallEnded(**base, at=end, cause=16, by=by))
    call.ended_at = end
    return facts


async def _replay(desk: Desk, past: list[Past], progress: Progress) -> None:
    """Through the intake, without telling anybody: nobody watches the past."""
    chance = random.Random(SEED + 1)  # noqa: S311 - the same company every time, no secret
    quiet = Desk(desk.engine, clock=desk.clock, settings=desk.settings)
    encoder = msgspec.msgpack.Encoder()
    try:
        intake = Intake(quiet)
        batch: list[tuple[bytes, cti.CallFact]] = []
        progress(0, len(past))
        for done, call in enumerate(past, 1):
            batch += [(encoder.encode(fact), fact) for fact in facts_of(chance, call)]
            if len(batch) >= FACTS_AT_ONCE:
                await intake.write(batch)
                batch = []
                progress(done, len(past))
        if batch:
            await intake.write(batch)
            progress(len(past), len(past))
        await quiet.transact(quiet.leave_in_outbox, (), quiet.delivered())
    finally:
        quiet.let_go()


# What people wrote


def _load_words(
    connection: Connection, chance: random.Random, past: list[Past], now: datetime
) -> None:
    found = {
        row.opened_by_call_id: row.id
        for row in connection.execute(select(Case.id, Case.opened_by_call_id))
    }
    cases: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    promises: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    products = [row[0] for row in connection.execute(select(Product.id).order_by(Product.id))]
    for call in past:
        case_id = found[call.call_id]
        calls.append(_call_row(call))
        cases.append(_case_row(chance, call, case_id))
        if call.agent is None:
            continue
        zh = call.person.language == "zh"
        entries.append(
            {
                "case_id": case_id,
                "at": call.ended_at + timedelta(seconds=20),
                "kind": "note",
                "actor": call.agent,
                "text": call.matter.note_zh if zh else call.matter.note_en,
                "data": {},
            }
        )
        if call.is_open and chance.random() < 0.6:
            promises.append(_promise_row(chance, call, case_id, now))
        if chance.random() < 0.25:
            shown.append(_presentation_row(chance, call, products))
    _write_words(
        connection, cases=cases, calls=calls, entries=entries, promises=promises, shown=shown
    )


def _write_words(
    connection: Connection,
    *,
    cases: list[dict[str, Any]],
    calls: list[dict[str, Any]],
    entries: list[dict[str, Any]],
    promises: list[dict[str, Any]],
    shown: list[dict[str, Any]],
) -> None:
    changed = ("subject", "subject_auto", "kind", "status", "priority", "owner", "customer_id",
               "disposition", "resolved_at", "touched")  # fmt: skip
    connection.execute(
        update(Case)
        .where(Case.id == bindparam("b_id"))
        .values({name: bindparam(f"b_{name}") for name in changed}),
        cases,
    )
    connection.execute(
        update(Conversation)
        .where(Conversation.call_id == bindparam("b_call"))
        .values(
            customer_id=bindparam("b_customer"),
            customer_chosen=True,
            language=bindparam("b_language"),
            path=bindparam("b_path", type_=Conversation.path.type),
            disposition=bindparam("b_disposition"),
        ),
        calls,
    )
    connection.execute(insert(CaseEntry), entries)
    if promises:
        connection.execute(insert(FollowUp), promises)
    if shown:
        connection.execute(insert(Presentation), shown)


def _call_row(call: Past) -> dict[str, Any]:
    zh = call.person.language == "zh"
    return {
        "b_call": call.call_id,
        "b_customer": call.person.id,
        "b_language": call.person.language,
        "b_path": [["中文" if zh else "English", ""], [call.matter.step, ""]],
        "b_disposition": None if call.agent is None else call.matter.disposition,
    }


def _case_row(chance: random.Random, call: Past, case_id: int) -> dict[str, Any]:
    zh = call.person.language == "zh"
    missed = call.agent is None
    waiting = chance.random() < 0.3
    status = "resolved"
    if call.is_open:
        status = "new" if missed else "waiting" if waiting else "open"
    return {
        "b_id": case_id,
        "b_subject": call.matter.subject_zh if zh else call.matter.subject_en,
        "b_subject_auto": False,
        "b_kind": "call" if missed else call.matter.kind,
        "b_status": status,
        "b_priority": "high" if call.matter.kind == "complaint" else "normal",
        "b_owner": call.agent,
        "b_customer_id": call.person.id,
        "b_disposition": None if missed else call.matter.disposition,
        "b_resolved_at": None if call.is_open else call.ended_at + timedelta(hours=3),
        "b_touched": True,
    }


def _promise_row(chance: random.Random, call: Past, case_id: int, now: datetime) -> dict[str, Any]:
    english, chinese = chance.choice(data.PROMISES)
    return {
        "text": chinese if call.person.language == "zh" else english,
        "due_at": now + timedelta(hours=chance.uniform(-6, 60)),
        "owner": call.agent,
        "case_id": case_id,
        "customer_id": call.person.id,
        "made_by": call.agent,
        "made_at": call.ended_at,
    }


def _presentation_row(chance: random.Random, call: Past, products: list[int]) -> dict[str, Any]:
    outcome = chance.choices(("accepted", "declined", "later", "not_presented"), (2, 4, 3, 2))[0]
    return {
        "call_id": call.call_id,
        "customer_id": call.person.id,
        "product_id": chance.choice(products),
        "agent": call.agent,
        "shown_at": call.at + timedelta(minutes=1),
        "shown": {},
        "outcome": outcome,
        "outcome_at": call.ended_at,
    }
