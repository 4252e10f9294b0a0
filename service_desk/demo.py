"""The demo company: customers with a believable past, made by our own code from a fixed seed.

The past is made of facts, as Asterisk would have told them, and goes through the intake; what
people would have written is added after it. All times count back from `now`, so it looks fresh.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime
from typing import cast

from msgspec import Struct
from sqlalchemy import Connection, select

from service_desk import demo_data as data
from service_desk.actions.staff import create_staff
from service_desk.actor import SYSTEM, Role
from service_desk.demo_calls import (
    SEED,
    Progress,
    make_past,
    replay,
)
from service_desk.demo_people import (
    load_people,
    make_people,
    make_purchases,
)
from service_desk.demo_words import load_words
from service_desk.desk import Desk
from service_desk.errors import Conflict
from service_desk.jobs.work import Work
from service_desk.model import (
    Customer,
)
from service_desk.offers import counts, value


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
    await desk.transact(load_people, people, bought)
    work = Work(desk)
    await counts.refresh(work)
    await value.refresh(work)
    past = make_past(chance, people, now)
    await replay(desk, past, progress or (lambda _done, _total: None))
    await desk.transact(load_words, chance, past, now)
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
