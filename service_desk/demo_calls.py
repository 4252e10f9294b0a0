"""The demo company's past calls: facts, as Asterisk would have told them, through the intake."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from cti import events as cti
from service_desk import demo_data as data
from service_desk.demo_people import (
    Person,
)
from service_desk.desk import Desk
from service_desk.intake import Intake

Progress = Callable[[int, int], None]

SEED = 20260
CASES = 2_000
DAYS = 420  # how far back the past goes
OPEN_DAYS = 12  # cases younger than this may still be open
FACTS_AT_ONCE = 4_000
AGENTS = ("ava", "ben", "carla")
SYSTEM_NAME = "demo"


class Past(Struct, kw_only=True):
    """A call that was, and what people made of it."""

    call_id: str
    person: Person
    matter: data.Matter
    at: datetime
    agent: str | None
    is_open: bool
    ended_at: datetime


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
            *(cti.LegJoined(**base, at=left, leg_id=leg, bridge_id="b") for leg in (one, two)),
            *(cti.LegParted(**base, at=end, leg_id=leg, bridge_id="b") for leg in (one, two)),
            cti.LegEnded(**base, at=end, leg_id=two, cause=16),
        ]
    facts.append(cti.LegEnded(**base, at=end, leg_id=one, cause=16))
    by: cti.EndedBy = "caller" if how == "abandoned" or chance.random() < 0.6 else "agent"
    facts.append(cti.CallEnded(**base, at=end, cause=16, by=by))
    call.ended_at = end
    return facts


async def replay(desk: Desk, past: list[Past], progress: Progress) -> None:
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
        await quiet.transact(quiet.outbox.leave, (), quiet.outbox.delivered())
    finally:
        quiet.let_go()
