"""Two cases that turn out to be one: both numbers lead to it, and nothing anybody did is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from cti import events as cti
from service_desk.actions import case as cases
from service_desk.actions import customer as customers
from service_desk.actions import draft, follow_up
from service_desk.actions.join_cases import join_cases
from service_desk.actor import Actor
from service_desk.demo_people import load_catalogue
from service_desk.desk import WRITES, Desk
from service_desk.errors import CaseNotFound, IllegalMove
from service_desk.intake import Intake
from service_desk.intake_merge import merge_case
from service_desk.model import Audit, Case, Presentation, Product, Recording
from service_desk.queries.case_page import case_by_id, case_page
from service_desk.queries.search import search

AVA, BEN, SAM = Actor("ava", "agent", 1), Actor("ben", "agent", 2), Actor("sam", "supervisor", 3)


async def take(desk: Desk, *facts: cti.Fact) -> None:
    intake = Intake(desk)
    await intake.start()
    for fact in facts:
        intake.take(fact)
    await intake.settled()
    await intake.stop()


def a_call(desk: Desk, call_id: str) -> list[cti.CallFact]:
    """It arrives, and is recorded."""
    base: dict[str, Any] = {"system": "p", "call_id": call_id, "at": desk.clock.now()}
    return [
        cti.CallArrived(
            **base,
            leg_id=f"{call_id}.1",
            channel="c",
            direction="inbound",
            caller_number="030 23125001",
            caller_name="",
            dialed="2000",
        ),
        cti.CallAnswered(**base, agent="ava", leg_id=f"{call_id}.2"),
        cti.RecordingStarted(**base, file=f"2026/03/02/{call_id}.wav"),
        cti.RecordingStopped(
            **{**base, "at": desk.clock.now() + timedelta(seconds=9)},
            file=f"2026/03/02/{call_id}.wav",
        ),
    ]


async def id_of(desk: Desk, call_id: str) -> int:
    def read(connection: Connection) -> int:
        found = select(Case.id).where(Case.opened_by_call_id == call_id)
        return connection.execute(found).scalar_one()

    return await desk.fetch(read)


@pytest.fixture
async def two(desk: Desk) -> tuple[int, int]:
    """Two calls with a case each, worked on by two agents, the same offer made on both."""
    await take(desk, *a_call(desk, "a"), *a_call(desk, "b"))
    older, younger = await id_of(desk, "a"), await id_of(desk, "b")
    due = desk.clock.now() + timedelta(hours=2)
    for case_id, by in ((older, AVA), (younger, BEN)):
        await cases.add_note(desk, case_id=case_id, text=f"note of {by.name}", by=by)
        await follow_up.promise(desk, text=f"by {by.name}", due_at=due, case_id=case_id, by=by)
        await draft.save_draft(desk, call_id=f"note:{case_id}", text=f"of {case_id}", by=AVA)
    await draft.save_draft(desk, call_id=f"note:{younger}", text="ben's", by=BEN)

    def offers(connection: Connection) -> None:
        load_catalogue(connection)
        product = connection.execute(select(Product.id).limit(1)).scalar_one()
        row = {"customer_id": customer, "product_id": product, "shown_at": desk.clock.now()}
        connection.execute(insert(Presentation), {**row, "call_id": "a", "agent": "ava"})
        said = {"outcome": "accepted", "outcome_at": desk.clock.now()}
        connection.execute(insert(Presentation), {**row, "call_id": "b", "agent": "ben", **said})

    customer = await customers.create_customer(desk, name="Anna", by=AVA)
    await desk.transact(offers)
    return older, younger


async def everything_is_there(desk: Desk, stays: int, goes: int) -> None:
    page, gone = await case_by_id(desk, stays), await case_by_id(desk, goes)
    assert (gone.case.status, gone.merged_into) == ("merged", page.case.number)
    assert page.joined == (gone.case.number,)
    notes = {entry.text for entry in page.timeline if entry.kind == "note"}
    assert notes == {"note of ava", "note of ben"}
    assert {promise.text for promise in page.promises} == {"by ava", "by ben"}
    # Whoever asks for either number finds the one that stays, and is told so.
    for number, was in ((page.case.number, ""), (gone.case.number, gone.case.number)):
        [found] = (await search(desk, number)).cases
        assert (found.id, found.found_as) == (stays, was)
    mine = await draft.load_draft(desk, call_id=f"note:{stays}", by=AVA)
    assert sorted(mine.splitlines()) == sorted([f"of {stays}", f"of {goes}"])
    assert await draft.load_draft(desk, call_id=f"note:{stays}", by=BEN) == "ben's"


async def test_a_supervisor_joins_two_cases(desk: Desk, two: tuple[int, int]) -> None:
    older, younger = two
    await cases.set_priority(desk, case_id=younger, priority="urgent", by=BEN)
    await cases.resolve(desk, case_id=older, by=AVA)
    assert await join_cases(desk, case_id=younger, into=older, by=SAM) == older
    await everything_is_there(desk, older, younger)
    page = await case_by_id(desk, older)
    assert {call.call_id for call in page.conversations} == {"a", "b"}
    assert all(call.recordings for call in page.conversations)
    assert (page.case.priority, page.case.status) == ("urgent", "open"), "somebody works on it"
    assert [entry.kind for entry in page.timeline].count("joined") == 1

    def acts(connection: Connection) -> list[Any]:
        return list(connection.execute(select(Audit.actor).where(Audit.act == "case.join")))

    assert await desk.fetch(acts) == [("sam",)]
    with pytest.raises(IllegalMove, match="already"):
        await join_cases(desk, case_id=younger, into=older, by=SAM)
    with pytest.raises(CaseNotFound):
        await join_cases(desk, case_id=younger, into=999, by=SAM)


async def test_facts_reveal_that_two_calls_are_one(desk: Desk, two: tuple[int, int]) -> None:
    older, younger = two
    told = cti.CallMerged(at=desk.clock.now(), system="p", call_id="a", absorbed="b")
    await take(desk, told)
    await everything_is_there(desk, older, younger)
    [call] = (await case_by_id(desk, older)).conversations
    assert len(call.recordings) == 2

    def kept(connection: Connection) -> tuple[list[Any], list[Any]]:
        offers = connection.execute(select(Presentation.call_id, Presentation.outcome)).all()
        files = connection.execute(select(Recording.call_id, Recording.file)).all()
        return list(offers), sorted(files)

    offers, files = await desk.fetch(kept)
    assert offers == [("a", "accepted")], "one offer, and what became of it"
    assert files == [("a", "2026/03/02/a.wav"), ("a", "2026/03/02/b.wav")]


async def test_a_third_number_leads_through_both(desk: Desk, two: tuple[int, int]) -> None:
    older, younger = two
    await take(desk, *a_call(desk, "c"))
    third = await id_of(desk, "c")
    await join_cases(desk, case_id=third, into=younger, by=SAM)
    await join_cases(desk, case_id=younger, into=older, by=SAM)
    stays = (await case_by_id(desk, older)).case.number
    for case_id in (third, younger):
        gone = await case_by_id(desk, case_id)
        assert (await case_page(desk, gone.case.number)).merged_into == stays
        [found] = (await search(desk, gone.case.number)).cases
        assert found.number == stays


async def test_another_customers_case_is_not_joined(desk: Desk, two: tuple[int, int]) -> None:
    for call_id, name in (("a", "Anna"), ("b", "Bert")):
        customer = await customers.create_customer(desk, name=name, by=AVA)
        await customers.choose_customer(desk, call_id=call_id, customer_id=customer, by=AVA)
    with pytest.raises(IllegalMove, match="another customer's"):
        await join_cases(desk, case_id=two[1], into=two[0], by=SAM)
    assert (await case_by_id(desk, two[1])).case.status != "merged"


async def test_a_case_somebody_works_on_does_not_rest(desk: Desk, two: tuple[int, int]) -> None:
    older, younger = two
    await cases.set_subject(desk, case_id=younger, subject="The invoice", by=BEN)
    await join_cases(desk, case_id=younger, into=older, by=SAM)
    page = await case_by_id(desk, older)
    assert page.case.subject == "The invoice", "a person's words, where there were none"


async def test_two_who_join_the_same_cases_the_other_way_round_make_no_circle(
    desk: Desk, two: tuple[int, int]
) -> None:
    """A supervisor and the intake wait for whoever was first, and find one case."""
    older, younger = two
    async with desk.engine.connect() as raw:
        first = await raw.execution_options(**{WRITES: True})
        async with first.begin():
            await first.run_sync(lambda sync: merge_case(sync, goes=younger, into=older))
            others = [
                asyncio.create_task(join_cases(desk, case_id=older, into=younger, by=SAM)),
                asyncio.create_task(desk.transact(partial(merge_case, goes=older, into=younger))),
            ]
            done, _ = await asyncio.wait(others, timeout=0.5)
            assert not done, "they wait"
    refused, kept = await asyncio.gather(*others, return_exceptions=True)
    assert isinstance(refused, IllegalMove)
    assert kept == older
    page, gone = await case_by_id(desk, older), await case_by_id(desk, younger)
    assert (page.merged_into, gone.merged_into) == (None, page.case.number)
