"""The demo company's customers, what they bought, and what there is to buy."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, insert, select

from service_desk import demo_data as data
from service_desk.actions.customer import name_key
from service_desk.first_start import load_dispositions
from service_desk.model import (
    ContactPoint,
    Customer,
    Product,
    Purchase,
)

CUSTOMERS = 300
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


def load_people(connection: Connection, people: list[Person], bought: list[dict[str, Any]]) -> None:
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


def load_catalogue(connection: Connection) -> None:
    """Products and dispositions; those that are there stay as they are."""
    have = {row[0] for row in connection.execute(select(Product.sku))}
    items = [item for item in data.CATALOGUE if item.sku not in have]
    if items:
        connection.execute(
            insert(Product), [{**item._asdict(), "currency": "EUR"} for item in items]
        )
    load_dispositions(connection)
