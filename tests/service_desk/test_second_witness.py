"""A call of which every record is lost has its case all the same: the CDR knows of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cti.call_details import CallDetail, parse_detail
from cti.detail_facts import facts_of
from service_desk import alarms
from service_desk.desk import Desk
from service_desk.model import Case, Conversation, Leg
from service_desk.story import Story
from tests.fakes.ami_recording import EXTENSIONS, FOLDER
from tests.fakes.cel_recording import SYSTEM, journal_facts, lines, records, stories_of
from tests.service_desk.test_reconcile import House


def _master() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in (FOLDER / "details.csv").read_text("utf-8").splitlines()[1:]:
        if line.startswith("#"):
            name = line[2:]
        else:
            found.setdefault(name, []).append(line)
    return found


MASTER = _master()
TOLD = {  # direction, outcome, agents, number, seconds of talk
    "answered": ("inbound", "answered", ["ava"], "+493012345678", 0),
    "abandoned": ("inbound", "abandoned", [], "+493012345678", None),
    "second_agent": ("inbound", "answered", ["ben"], "+493012345678", 0),
    "outbound": ("outbound", "answered", ["ava"], "+4930111222", 2),
    "internal": ("internal", "answered", ["ava", "ben"], "", 2),
    "internal_abandoned": ("internal", "failed", ["ava"], "", None),
    "menu_only": ("inbound", "menu", [], "+493012345678", None),
}


def details(name: str) -> list[CallDetail]:
    found = [parse_detail(line.encode(), SYSTEM) for line in MASTER[name]]
    assert all(refused is None for _, refused in found)
    return [detail for detail, _ in found if detail is not None]


def story(name: str) -> Story:
    [found] = stories_of(facts_of(details(name), SYSTEM, EXTENSIONS)).values()
    return found


@pytest.mark.parametrize("name", TOLD)
def test_who_called_whom_and_what_became_of_it(name: str) -> None:
    """Of a queue's call nobody knows since when they talked: the dialplan has answered it."""
    row = story(name).conversation
    number = "" if row["direction"] == "internal" else row["number"]
    told = (row["direction"], row["outcome"], row["agents"], number, row["talked"])
    assert told == TOLD[name]
    assert row["ended_at"] is not None
    assert all(leg["ended_at"] is not None for leg in story(name).legs.values())


def test_lines_of_before_know_no_linkedid() -> None:
    [line] = MASTER["menu_only"]
    old = line.rpartition(',"","0a5877')[0]
    detail, refused = parse_detail(old.encode(), SYSTEM)
    assert refused is None
    assert detail is not None
    assert detail.linkedid == detail.uniqueid == "0a5877-ringdesk-1-1796139024.16"


@pytest.fixture
async def house(desk: Desk, tmp_path: Path) -> Any:
    made = House(desk, tmp_path)
    await made.start()
    yield made
    await made.intake.stop()


async def many(desk: Desk, what: Any) -> int:
    return int(await desk.fetch(lambda c: c.scalar(select(func.count()).select_from(what))) or 0)


async def test_a_call_without_any_record_has_its_case_and_the_alarm_says_so(house: House) -> None:
    house.at(details("answered")[0].ended_at + timedelta(minutes=10))
    with (house.folder / "cdr-csv" / "Master.csv").open("a") as out:
        out.writelines(line + "\n" for name in TOLD for line in MASTER[name])
    await house.rounds(3)
    assert await many(house.desk, Conversation) == len(TOLD)
    assert await many(house.desk, Case) == len(TOLD) - 2  # those within the house have none
    on = await house.on()
    assert {kind for kind, _ in on} == {alarms.DETAIL_WITHOUT_CALL}
    assert await house.reconciler.journal.step() is False


async def test_whoever_tells_of_the_call_later_knows_better(house: House) -> None:
    """The records were on a disk that was away: the call is as if the CDR had told nothing."""
    uniqueid = records("answered")[0].uniqueid
    house.detail(uniqueid)
    await house.rounds(2)
    assert await many(house.desk, Conversation) == 1
    house.write(*lines("answered"))
    house.detail(uniqueid)
    await house.rounds(2)
    [meant] = stories_of(journal_facts("answered")).values()
    [row] = await house.desk.fetch(lambda c: list(c.execute(select(Conversation)).all()))
    assert row.call_id == meant.call_id
    assert (row.outcome, row.arrived_at) == ("answered", meant.conversation["arrived_at"])
    legs = await house.desk.fetch(lambda c: set(c.scalars(select(Leg.leg_id))))
    assert legs == set(meant.legs)
    assert await house.on() == []


async def test_a_call_that_is_known_is_told_by_no_detail(house: House) -> None:
    house.write(*lines("answered"))
    house.detail(records("answered")[0].uniqueid)
    await house.rounds(2)
    assert await many(house.desk, Leg) == 2
    assert await house.on() == []
