"""What people do with a case, a customer, a promise, an offer: validated, told, on the timeline."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, insert, select, update

from cti import events as cti
from service_desk.actions import case as cases
from service_desk.actions import conversation as calls
from service_desk.actions import customer as customers
from service_desk.actions import draft, follow_up, offer, staff
from service_desk.actor import IVR, SYSTEM, Actor
from service_desk.clock import HandClock
from service_desk.demo_people import load_catalogue
from service_desk.desk import Desk
from service_desk.errors import (
    BadValue,
    CaseNotFound,
    Conflict,
    ConversationNotFound,
    CustomerNotFound,
    IllegalMove,
    StaffNotFound,
)
from service_desk.events import CardChanged, CaseChanged, DeskEvent
from service_desk.intake import Intake
from service_desk.model import Audit, Case, Conversation, Presentation, Product, Recording
from service_desk.queries.agenda import agenda, dispositions, today
from service_desk.queries.case_list import case_list
from service_desk.queries.case_page import case_by_id, case_page
from service_desk.queries.conversations import (
    call_id_of_alias,
    caller,
    case_status_for,
    conversation_list,
    conversation_page,
)
from service_desk.queries.customer_card import card_for_call
from service_desk.queries.customer_page import customer_page
from service_desk.queries.figures import queue_figures, service_level
from service_desk.queries.search import search
from service_desk.queries.subject import subject_of
from service_desk.queries.words import story_line
from service_desk.settings import Title
from service_desk.views import CaseStatus, OfferView

AVA = Actor("ava", "agent", 1)
NUMBER = "+493023125001"


async def arrive(desk: Desk, name: str = "a", number: str = NUMBER, channel: str = "c") -> int:
    """A call arrives and waits in support; its case's id."""
    intake = Intake(desk)
    await intake.start()
    base: dict[str, Any] = {"system": "p", "call_id": name}
    at = desk.clock.now()
    intake.take(
        cti.CallArrived(
            **base,
            at=at,
            leg_id=f"{name}.1",
            channel=channel,
            direction="inbound",
            caller_number=number,
            caller_name="",
            dialed="1000",
        )
    )
    queued = at + timedelta(seconds=1)
    intake.take(cti.CallQueued(**base, at=queued, queue="support", position=1, leg_id=f"{name}.1"))
    left = at + timedelta(seconds=9)
    intake.take(cti.CallLeftQueue(**base, at=left, queue="support", reason="abandoned", waited=8.0))
    await intake.settled()
    await intake.stop()
    found = await desk.fetch(
        lambda c: c.execute(select(Case.id).where(Case.opened_by_call_id == name)).scalar_one()
    )
    return int(found)


@pytest.fixture
async def ava(desk: Desk) -> Actor:
    """An agent who exists."""
    made = await staff.create_staff(desk, name="ava", role="agent", by=SYSTEM)
    return Actor("ava", "agent", made)


async def test_a_note_is_on_the_timeline_and_told(
    desk: Desk, ava: Actor, told: list[DeskEvent]
) -> None:
    """The case is no longer new, its card is told to be read again."""
    case_id = await arrive(desk)
    told.clear()
    await cases.add_note(desk, case_id=case_id, text=" <b>hello</b>\n", by=ava)
    page = await case_by_id(desk, case_id)
    assert ("note", "<b>hello</b>") in [(each.kind, each.text) for each in page.timeline]
    assert page.case.status == "open"
    assert {type(each) for each in told} == {CaseChanged, CardChanged}


@pytest.mark.parametrize("text", ["", "   ", "x" * 10_001])
async def test_a_note_is_measured(desk: Desk, text: str) -> None:
    """Empty or endless text is refused with one line."""
    case_id = await arrive(desk)
    with pytest.raises(BadValue, match="text"):
        await cases.add_note(desk, case_id=case_id, text=text, by=AVA)


async def test_only_legal_moves(desk: Desk) -> None:
    """Every pair of states: allowed exactly where the table says so."""
    for before in get_args(CaseStatus):
        for after in get_args(CaseStatus):
            case_id = await cases.open_case(desk, subject="x", by=SYSTEM)
            async with desk.engine.begin() as connection:
                await connection.execute(
                    Case.__table__.update().where(Case.id == case_id).values(status=before)
                )
            if after == before or after in cases.MOVES[before]:
                await cases.set_status(desk, case_id=case_id, status=after, by=SYSTEM)
                assert (await case_by_id(desk, case_id)).case.status == after
            else:
                with pytest.raises(IllegalMove):
                    await cases.set_status(desk, case_id=case_id, status=after, by=SYSTEM)


async def test_unknown_things_are_not_found(desk: Desk) -> None:
    """Each says what is missing."""
    with pytest.raises(CaseNotFound):
        await cases.add_note(desk, case_id=99, text="x", by=AVA)
    with pytest.raises(CaseNotFound):
        await case_page(desk, "C-2026-99")
    with pytest.raises(ConversationNotFound):
        await customers.choose_customer(desk, call_id="x", customer_id=1, by=AVA)
    with pytest.raises(CustomerNotFound):
        await customer_page(desk, 99)
    with pytest.raises(ConversationNotFound):
        await card_for_call(desk, "x")
    case_id = await arrive(desk)
    with pytest.raises(StaffNotFound):
        await cases.assign_case(desk, case_id=case_id, to="nobody", by=AVA)


async def test_a_disposition_may_resolve(desk: Desk, ava: Actor) -> None:
    """Data decides; an unknown code is refused."""
    await desk.transact(load_catalogue)
    case_id = await arrive(desk)
    await cases.set_disposition(desk, case_id=case_id, code="quote", by=ava)
    assert (await case_by_id(desk, case_id)).case.status == "open"
    await cases.set_disposition(desk, case_id=case_id, code="solved", by=ava)
    page = await case_by_id(desk, case_id)
    assert (page.case.status, page.disposition) == ("resolved", "solved")
    with pytest.raises(BadValue):
        await cases.set_disposition(desk, case_id=case_id, code="nonsense", by=ava)
    labels = {each.code: each.label for each in await dispositions(desk, language="zh")}
    assert labels["solved"] == "已解决"


async def test_filing_a_call_under_an_open_case(desk: Desk, ava: Actor) -> None:
    """The call and its story move; its own case becomes a signpost; notes are not lost."""
    anna = await customers.create_customer(desk, name="Anna", by=ava)
    target = await cases.open_case(desk, subject="Invoice", customer_id=anna, by=ava)
    own = await arrive(desk)
    await cases.add_note(desk, case_id=own, text="mine", by=ava)
    await cases.file_under(desk, call_id="a", case_id=target, by=ava)
    page = await case_by_id(desk, target)
    assert [each.call_id for each in page.conversations] == ["a"]
    assert {"arrived", "note", "filed"} <= {each.kind for each in page.timeline}
    gone = await case_by_id(desk, own)
    assert (gone.case.status, gone.merged_into) == ("merged", page.case.number)
    card = await card_for_call(desk, "a")
    assert card.case is not None
    assert card.case.id == target
    assert card.customer is not None
    assert card.customer.id == anna
    await cases.resolve(desk, case_id=target, by=ava, note="done")
    await arrive(desk, "b")
    with pytest.raises(IllegalMove):
        await cases.file_under(desk, call_id="b", case_id=target, by=ava)


async def test_a_call_is_not_filed_under_another_customers_case(desk: Desk, ava: Actor) -> None:
    """Not before somebody says that it was they who called."""
    await customers.create_customer(desk, name="Anna", phones=(NUMBER,), by=ava)
    bert = await customers.create_customer(desk, name="Bert", by=ava)
    target = await cases.open_case(desk, subject="Invoice", customer_id=bert, by=ava)
    own = await arrive(desk)
    with pytest.raises(IllegalMove, match="another customer's"):
        await cases.file_under(desk, call_id="a", case_id=target, by=ava)
    assert (await case_by_id(desk, own)).case.status != "merged"
    await customers.choose_customer(desk, call_id="a", customer_id=bert, by=ava)
    await cases.file_under(desk, call_id="a", case_id=target, by=ava)
    assert [each.call_id for each in (await case_by_id(desk, target)).conversations] == ["a"]


@pytest.mark.parametrize(
    ("channel", "vouched"),
    [
        ("PJSIP/carrier-0000001a", True),
        ("PJSIP/other-carrier-0000001a", False),
        ("PJSIP/carrier", False),
        ("c", False),
    ],
)
async def test_a_number_is_vouched_for_by_a_carrier_that_is_set_so(
    desk: Desk, ava: Actor, channel: str, vouched: bool
) -> None:
    """Anybody else's says what the caller says."""
    desk.settings = replace(desk.settings, trusted_trunks=frozenset({"carrier"}))
    await arrive(desk, channel=channel)
    assert (await card_for_call(desk, "a")).number_vouched is vouched


async def test_a_new_customer_gets_the_number_of_the_call(desk: Desk, ava: Actor) -> None:
    """Made from the card: chosen, and known the next time."""
    await arrive(desk)
    made = await customers.create_customer(desk, name="Eva <b>", by=ava, call_id="a")
    card = await card_for_call(desk, "a")
    assert card.customer is not None
    assert (card.customer.id, card.customer.name) == (made, "Eva <b>")
    assert card.customer.contact_points[0].value == NUMBER
    await arrive(desk, "b")
    card = await card_for_call(desk, "b")
    assert card.customer is not None
    assert card.number_kind == "known"
    assert [each.call_id for each in card.conversations] == ["a"]
    before = (await card_for_call(desk, "a")).case
    assert before is not None
    assert [each.id for each in card.open_cases] == [before.id]


async def test_customers_of_a_shared_number_are_ranked(
    desk: Desk, ava: Actor, clock: HandClock
) -> None:
    """An open case first; nobody is chosen for the agent; choosing settles it."""
    one = await customers.create_customer(desk, name="One", phones=["030 23125001"], by=ava)
    two = await customers.create_customer(desk, name="Two", phones=[NUMBER], by=ava)
    await cases.open_case(desk, subject="x", customer_id=two, by=ava)
    await arrive(desk)
    card = await card_for_call(desk, "a")
    assert card.customer is None
    assert [each.customer_id for each in card.candidates] == [two, one]
    assert sum(each.likelihood for each in card.candidates) == pytest.approx(1, abs=0.01)
    assert "open case" in card.candidates[0].why
    assert card.suggestion.none_because
    await customers.choose_customer(desk, call_id="a", customer_id=one, by=ava)
    card = await card_for_call(desk, "a", language="zh")
    assert card.customer is not None
    assert card.customer.id == one
    assert card.case is not None
    assert card.case.customer_id == one


@pytest.mark.parametrize(
    ("number", "kind"),
    [("anonymous", "withheld"), ("", "withheld"), ("+", "malformed"), (NUMBER, "unknown"),
     ("101", "unknown")],
)  # fmt: skip
async def test_unknown_numbers_have_a_card(desk: Desk, number: str, kind: str) -> None:
    """Withheld, malformed, unknown, an extension: a card all the same."""
    await arrive(desk, number=number)
    card = await card_for_call(desk, "a")
    assert card.number_kind == kind
    assert card.candidates == ()
    assert card.case is not None


async def test_customers_are_checked(desk: Desk, ava: Actor) -> None:
    """What is no number, no address, no name or a duplicate is refused."""
    made = await customers.create_customer(desk, name="Anna", phones=[NUMBER], by=ava)
    for wrong in ("0000000000", "abc", ""):
        with pytest.raises(BadValue):
            await customers.add_contact_point(
                desk, customer_id=made, kind="phone", value=wrong, by=ava
            )
    with pytest.raises(BadValue):
        await customers.add_contact_point(desk, customer_id=made, kind="email", value="x@", by=ava)
    with pytest.raises(Conflict):
        await customers.add_contact_point(
            desk, customer_id=made, kind="phone", value="030 23125001", by=ava
        )
    with pytest.raises(BadValue):
        await customers.create_customer(desk, name="  ", by=ava)
    with pytest.raises(BadValue):
        await customers.set_language(desk, customer_id=made, language="xx", by=ava)
    await customers.update_customer(
        desk, customer_id=made, do_not_contact=True, city="Köln", by=ava
    )
    page = await customer_page(desk, made)
    assert page.customer.do_not_contact
    assert page.suggestion.none_because == "asked not to be contacted"


async def test_promises_are_seen_until_kept(desk: Desk, ava: Actor, clock: HandClock) -> None:
    """On the card, the agenda and today; overdue when late; gone when kept."""
    anna = await customers.create_customer(desk, name="Anna", phones=[NUMBER], by=ava)
    case_id = await arrive(desk)
    due = clock.now() + timedelta(hours=1)
    made = await follow_up.promise(desk, text="Call back", due_at=due, case_id=case_id, by=ava)
    card = await card_for_call(desk, "a")
    assert [(each.text, each.overdue) for each in card.promises] == [("Call back", False)]
    assert card.promises[0].customer_id == anna
    clock.advance(7200)
    assert (await today(desk, "ava")).next is not None
    assert [each.overdue for each in (await agenda(desk, "ava")).promises] == [True]
    await follow_up.keep(desk, follow_up_id=made, by=ava)
    await follow_up.keep(desk, follow_up_id=made, by=ava)
    assert (await agenda(desk, "ava")).promises == ()


async def test_an_offers_outcome_is_recorded_with_what_was_shown(desk: Desk, ava: Actor) -> None:
    """Once per call and product; the last word counts; it is on the timeline."""
    async with desk.engine.begin() as connection:
        made = await connection.execute(
            insert(Product), {"sku": "X", "name_en": "Box", "price": 1, "currency": "EUR"}
        )
    product = made.inserted_primary_key[0]
    case_id = await arrive(desk)
    with pytest.raises(BadValue):
        await offer.record_outcome(desk, call_id="a", product_id=product, outcome="later", by=ava)
    await customers.create_customer(desk, name="Anna", by=ava, call_id="a")
    for outcome in ("later", "declined"):
        await offer.record_outcome(desk, call_id="a", product_id=product, outcome=outcome, by=ava)
    kinds = [each.kind for each in (await case_by_id(desk, case_id)).timeline]
    assert kinds.count("offer") == 2
    with pytest.raises(BadValue):
        await offer.record_outcome(desk, call_id="a", product_id=product, outcome="maybe", by=ava)


async def test_the_menu_may_be_first(desk: Desk) -> None:
    """The path is noted before any fact is written; facts then complete the same case."""
    await calls.note_path(
        desk, call_id="a", steps=[("Sales", ""), ("Invoice", "4711")], language="zh", by=IVR
    )
    first = await card_for_call(desk, "a")
    assert first.case is not None
    assert await arrive(desk) == first.case.id
    card = await card_for_call(desk, "a")
    assert [(each.label, each.entered) for each in card.path] == [
        ("Sales", ""),
        ("Invoice", "4711"),
    ]
    assert card.language == "zh"
    assert card.number == NUMBER
    assert card.case is not None
    assert len((await case_list(desk)).cases) == 1


async def test_the_way_is_shown_in_both_languages(desk: Desk) -> None:
    """On the card, with the call, and on the timeline; old rows have one label for both."""
    await arrive(desk)
    steps = [("Main menu", "1", "主菜单"), ("Sales", "")]
    await calls.note_path(desk, call_id="a", steps=steps, language="zh", by=IVR)
    for path in (
        (await card_for_call(desk, "a")).path,
        (await conversation_page(desk, "a")).path,
    ):
        assert [(each.label, each.label_zh, each.entered) for each in path] == [
            ("Main menu", "主菜单", "1"),
            ("Sales", "", ""),
        ]
    assert await menu_line(desk, "en") == "Menu: Main menu 1 > Sales"
    assert await menu_line(desk, "zh") == "菜单：主菜单 1 > Sales"
    async with desk.write(by=SYSTEM) as uow:  # as it was kept before
        await uow.execute(update(Conversation).values(path=[["Main menu", "1"]]))
    [step] = (await card_for_call(desk, "a")).path
    assert (step.label, step.label_zh, step.entered) == ("Main menu", "", "1")


async def menu_line(desk: Desk, language: str) -> str:
    card = await card_for_call(desk, "a", language=language)
    return next(entry.text for entry in card.timeline if entry.kind == "menu")


async def subject(desk: Desk) -> tuple[str, str]:
    """What the only case is about, in English and Chinese, the same wherever it is read."""
    [listed] = (await case_list(desk)).cases
    card = (await card_for_call(desk, "a")).case
    assert card is not None
    call = (await conversation_page(desk, "a")).conversation
    page = (await case_by_id(desk, listed.id)).case
    for each in (card, call, page):
        assert (each.subject, each.subject_zh) == (listed.subject, listed.subject_zh)
    return listed.subject, listed.subject_zh


async def test_a_case_is_about_what_is_known_of_its_call(desk: Desk) -> None:
    """The number called, then the queue, then what the menu was told, then a person's own words."""
    desk.settings.titles["support"] = Title(en="Service")
    await calls.note_path(desk, call_id="a", steps=[], by=IVR)
    assert await subject(desk) == ("Call", "来电")
    case_id = await arrive(desk)
    assert await subject(desk) == ("Call for Service", "Service 来电")
    desk.settings.titles["support"] = Title(en="Service", zh="售后服务")
    assert await subject(desk) == ("Call for Service", "售后服务来电")
    await calls.note_path(desk, call_id="a", steps=[], choice=("Sales", "产品与购买"), by=IVR)
    assert await subject(desk) == ("Sales", "产品与购买")
    await arrive(desk)  # the telephone tells it all again
    await calls.note_path(desk, call_id="a", steps=[("Message", "3 s")], by=IVR)
    assert await subject(desk) == ("Sales", "产品与购买")
    await cases.set_subject(desk, case_id=case_id, subject=" Ten  phones ", by=AVA)
    assert await subject(desk) == ("Ten phones", "")
    await calls.note_path(desk, call_id="a", steps=[], choice=("Service", "售后"), by=IVR)
    assert await subject(desk) == ("Ten phones", "")


def test_a_number_that_was_called_is_read_as_numbers_are() -> None:
    row = Case(subject_kind="number", subject="+493055501001", subject_zh="")
    assert subject_of(row, {}) == ("Call to +49 30 55501001", "致电 +49 30 55501001")


async def test_who_wrote_the_subject_is_remembered(desk: Desk, ava: Actor) -> None:
    """On the timeline in both languages, and in the audit; an empty one is refused."""
    case_id = await arrive(desk)
    await cases.set_subject(desk, case_id=case_id, subject="Ten phones", by=ava)
    for language, line in (("en", "Subject: Ten phones"), ("zh", "主题：Ten phones")):
        timeline = (await case_by_id(desk, case_id, language=language)).timeline
        told = [(each.actor, each.text) for each in timeline if each.kind == "subject"]
        assert told == [("ava", line)]
    audited = await desk.fetch(lambda c: c.execute(select(Audit.act, Audit.actor)).all())
    assert ("case.subject", "ava") in [tuple(row) for row in audited]
    with pytest.raises(BadValue):
        await cases.set_subject(desk, case_id=case_id, subject="  ", by=ava)


async def test_cases_are_found_by_their_subject_in_either_language(desk: Desk) -> None:
    await arrive(desk)
    await calls.note_path(desk, call_id="a", steps=[], choice=("Sales", "产品与购买"), by=IVR)
    for typed in ("sales", "购买"):
        assert len((await search(desk, typed)).cases) == 1


async def test_a_message_becomes_the_case(desk: Desk) -> None:
    """A recording, an outcome, a kind; twice is once; no path leaves the folder."""
    case_id = await arrive(desk)
    for _ in range(2):
        made = await calls.leave_message(
            desk, call_id="a", file="messages/a.wav", seconds=12, by=IVR
        )
    page = await case_by_id(desk, case_id)
    assert page.case.kind == "message"
    assert page.conversations[0].outcome == "message"
    assert page.conversations[0].recordings == (made,)
    with pytest.raises(BadValue):
        await calls.leave_message(desk, call_id="a", file="../../etc/x", seconds=1, by=IVR)


async def test_drafts_are_kept_per_agent_and_call(desk: Desk) -> None:
    """The last text wins; empty forgets; another agent sees nothing."""
    await draft.save_draft(desk, call_id="a", text="one", by=AVA)
    await draft.save_draft(desk, call_id="a", text="two", by=AVA)
    assert await draft.load_draft(desk, call_id="a", by=AVA) == "two"
    assert await draft.load_draft(desk, call_id="a", by=Actor("ben", "agent", 2)) == ""
    await draft.save_draft(desk, call_id="a", text="", by=AVA)
    assert await draft.load_draft(desk, call_id="a", by=AVA) == ""


async def test_calls_are_found_and_paged(desk: Desk, ava: Actor) -> None:
    """Newest first, each once, by number, alias and queue."""
    for name in ("a", "b", "c"):
        await arrive(desk, name)
        desk.clock.advance(60)
    first = await conversation_list(desk, limit=2)
    second = await conversation_list(desk, limit=2, after=first.page.next)
    ids = [each.call_id for each in (*first.conversations, *second.conversations)]
    assert ids == ["c", "b", "a"]
    assert (first.page.total, second.page.next) == (3, None)
    assert len((await conversation_list(desk, number="030 23125001")).conversations) == 3
    assert (await conversation_list(desk, queue="sales")).conversations == ()
    with pytest.raises(BadValue):
        await conversation_list(desk, after="nonsense")
    page = await conversation_page(desk, "a")
    assert [leg.leg_id for leg in page.legs] == ["a.1"]
    assert await call_id_of_alias(desk, system="p", alias="b.1") == "b"
    pages = [await case_list(desk, limit=2), await case_list(desk, limit=2, open_only=True)]
    assert [len(each.cases) for each in pages] == [2, 2]
    rest = await case_list(desk, limit=2, after=pages[0].page.next)
    assert len(rest.cases) == 1


async def test_the_menu_learns_only_of_ones_own_case(desk: Desk, ava: Actor) -> None:
    """By digits with or without the year, if the caller's number is the customer's."""
    await customers.create_customer(desk, name="Anna", phones=[NUMBER], language="zh", by=ava)
    case_id = await arrive(desk)
    number = (await case_by_id(desk, case_id)).case.number
    assert await case_status_for(desk, digits=str(case_id), number=NUMBER) == (number, "new")
    long = number.replace("C-", "").replace("-", "")
    assert await case_status_for(desk, digits=long, number="030 23125001") == (number, "new")
    assert await case_status_for(desk, digits=str(case_id), number="+493023125002") is None
    assert await case_status_for(desk, digits="99999", number=NUMBER) is None
    assert await case_status_for(desk, digits="9" * 40, number=NUMBER) is None
    found = await caller(desk, NUMBER)
    assert (found.matches, found.name, found.language) == (1, "Anna", "zh")
    assert (await caller(desk, "anonymous")).matches == 0


@pytest.mark.parametrize(
    "text", ["%", "_", "'; DROP TABLE customer;--", "\x00", "\\", "x" * 5000, "（", "\udcff", "@"]
)
async def test_hostile_searches_find_nothing_and_harm_nothing(desk: Desk, text: str) -> None:
    """Wildcards are letters, and everything has an answer."""
    await customers.create_customer(desk, name="Anna", by=SYSTEM)
    found = await search(desk, text)
    assert found.customers == ()
    assert len((await search(desk, "ann")).customers) == 1


async def test_search_by_name_number_and_case(desk: Desk, ava: Actor) -> None:
    """Case does not matter, nor how a number is written."""
    made = await customers.create_customer(
        desk, name="Chen Wei 陈伟", phones=[NUMBER], emails=["chen@example.com"], by=ava
    )
    case_id = await cases.open_case(desk, subject="Invoice twice", customer_id=made, by=ava)
    for text in (
        "chen",
        "WEI",
        "陈",
        "030 23125001",
        "+49 30 23125001",
        "23125",
        "chen@example.com",
    ):
        assert [each.id for each in (await search(desk, text)).customers] == [made], text
    for text in (str(case_id), f"C-2026-{case_id:06d}", "invoice"):
        assert [each.id for each in (await search(desk, text)).cases] == [case_id], text


async def test_figures_count_visits_of_the_day(desk: Desk, clock: HandClock) -> None:
    """Late abandons count against the service level, early ones do not."""
    await arrive(desk)
    [row] = await queue_figures(desk, thresholds={"support": 20})
    assert (row.offered, row.abandoned, row.abandoned_late, row.service_level) == (1, 1, 0, None)
    [row] = await queue_figures(desk, thresholds={"support": 5})
    assert (row.abandoned_late, row.service_level) == (1, 0.0)
    clock.advance(2 * 86_400)
    assert await queue_figures(desk) == ()
    assert service_level(8, 9, 1) == 0.8
    assert service_level(0, 0, 0) is None


async def test_a_call_of_today_is_counted(desk: Desk, ava: Actor) -> None:
    """Nobody answered: an agent's day stays empty."""
    await arrive(desk)
    assert (await today(desk, "ava")).calls == 0
    rows = await desk.fetch(lambda c: c.execute(select(Conversation.outcome)).scalars().all())
    assert rows == ["live"]


async def test_none_of_them_takes_the_customer_back(desk: Desk, ava: Actor) -> None:
    """The number spoke for one who is not on the line: the call and its case are nobody's again."""
    one = await customers.create_customer(desk, name="One", phones=[NUMBER], by=ava)
    case_id = await arrive(desk)
    assert (await case_by_id(desk, case_id)).case.customer_id == one
    await customers.choose_nobody(desk, call_id="a", by=ava)
    await customers.choose_nobody(desk, call_id="a", by=ava)
    card = await card_for_call(desk, "a", language="zh")
    assert card.customer is None
    assert [each.customer_id for each in card.candidates] == [one]
    assert (await case_by_id(desk, case_id)).case.customer_id is None
    assert [each.text for each in card.timeline].count("不是我们已知的客户") == 1
    two = await customers.create_customer(desk, name="Two", call_id="a", by=ava)
    assert (await case_by_id(desk, case_id)).case.customer_id == two
    with pytest.raises(ConversationNotFound):
        await customers.choose_nobody(desk, call_id="x", by=ava)


async def test_what_was_shown_follows_the_one_on_the_line(desk: Desk, ava: Actor) -> None:
    """Another customer is chosen: an answer goes with them, what got none is forgotten."""
    await desk.transact(load_catalogue)
    one = await customers.create_customer(desk, name="One", phones=[NUMBER], by=ava)
    two = await customers.create_customer(desk, name="Two", by=ava)
    await arrive(desk)
    shown = [
        OfferView(
            product_id=product, sku="s", name="n", pitch="", reason="r",
            have_both=1, have_first=2, score=0.5,
        )
        for product in (1, 2)
    ]  # fmt: skip
    await offer.present(desk, call_id="a", offers=shown, by=ava)
    await offer.record_outcome(desk, call_id="a", product_id=2, outcome="declined", by=ava)
    await customers.choose_customer(desk, call_id="a", customer_id=two, by=ava)
    kept = (await desk.transact(_presentations))[0]
    assert (kept.customer_id, kept.product_id, kept.outcome) == (two, 2, "declined")
    assert kept.shown["reason"] == "r"
    assert one != two
    await customers.choose_nobody(desk, call_id="a", by=ava)
    assert await desk.transact(_presentations) == []


def _presentations(connection: Connection) -> list[Any]:
    return list(connection.execute(select(Presentation)).all())


async def test_a_language_may_be_open(desk: Desk, ava: Actor) -> None:
    """Nobody asked yet: the menu does, and until then the card claims none."""
    one = await customers.create_customer(desk, name="One", phones=[NUMBER], by=ava)
    assert (await caller(desk, NUMBER)).language == ""
    await arrive(desk)
    assert (await card_for_call(desk, "a", language="zh")).language == ""
    await calls.note_path(desk, call_id="a", steps=[("Sales", "")], language="zh", by=IVR)
    assert (await card_for_call(desk, "a")).language == "zh"
    await customers.set_language(desk, customer_id=one, language="zh", by=IVR)
    assert (await caller(desk, NUMBER)).language == "zh"


async def test_the_card_of_a_call_that_an_agent_placed_is_of_whom_they_called(desk: Desk) -> None:
    """The name on its channel is the agent's own."""
    intake = Intake(desk)
    await intake.start()
    intake.take(
        cti.CallArrived(
            at=desk.clock.now(),
            system="p",
            call_id="a",
            leg_id="a.1",
            channel="c",
            direction="outbound",
            caller_number="101",
            caller_name="Ava",
            dialed=NUMBER,
            agent="ava",
        )
    )
    await intake.settled()
    await intake.stop()
    card = await card_for_call(desk, "a")
    assert (card.number, card.caller_name) == (NUMBER, "")


async def test_a_line_names_staff_and_says_codes_in_words(desk: Desk, ava: Actor) -> None:
    """Timelines are for people: shown names, no codes, in the reader's language."""
    await desk.transact(load_catalogue)
    case_id = await arrive(desk)
    await staff.create_staff(desk, name="ben", shown="Ben Walker", role="agent", by=SYSTEM)
    await cases.assign_case(desk, case_id=case_id, to="ben", by=ava)
    await cases.set_disposition(desk, case_id=case_id, code="quote", by=ava)
    told = {each.kind: each.text for each in (await case_by_id(desk, case_id)).timeline}
    assert told["assigned"] == "Assigned to Ben Walker"
    assert told["arrived"] == "Call from +49 30 23125001 to 1000"
    told = {
        each.kind: each.text for each in (await case_by_id(desk, case_id, language="zh")).timeline
    }
    assert told["disposition"] == "结果：已发报价"
    assert story_line("not_taken", {"reason": "no_answer"}, "en") == "Not taken: no answer"
    assert story_line("status", {"status": "waiting"}, "zh") == "状态：等待中"
    assert story_line("arrived", {"number": "", "dialed": "1"}, "en") == "Call from withheld to 1"
    placed = {"number": "101", "dialed": "+493023125001", "direction": "outbound"}
    assert story_line("arrived", placed, "en") == "Call to +49 30 23125001"
    inside = placed | {"dialed": "102", "direction": "internal"}
    assert story_line("arrived", inside, "zh", {"102": "Ben Walker"}) == "拨打 Ben Walker"
    lost = {"outcome": "lost", "lost": True, "by": "asterisk"}
    assert story_line("ended", lost, "en") == "Call lost: Asterisk ended or was restarted"
    assert story_line("ended", lost, "zh") == "通话中断：Asterisk 已终止或重新启动"
    assert story_line("ended", lost | {"by": "unknown"}, "en") == "Call ended: lost track"
    assert story_line("arrived", {"number": "anonymous"}, "zh").startswith("来电 号码未显示")


def test_a_line_names_a_queue_as_its_reader_does() -> None:
    """A space stands only between words of two scripts."""
    waits, left = {"queue": "support", "position": 2}, {"queue": "support", "reason": "abandoned"}
    line = story_line("queued", waits, "en", {"q-support": "Support"})
    assert line == "Waiting in Support, position 2"
    assert story_line("queued", waits, "zh", {"q-support": "售后服务"}) == "在售后服务排队，第 2 位"
    assert story_line("queued", waits, "zh", {"q-support": "VIP"}) == "在 VIP 排队，第 2 位"
    assert story_line("left_queue", left, "zh", {"q-support": "售后服务"}).startswith(
        "离开售后服务：放弃等待"
    )


async def test_a_filed_call_has_a_disposition_of_its_own(desk: Desk, ava: Actor) -> None:
    """Said on the card of a call that was filed under an older case, it is on that card."""
    await desk.transact(load_catalogue)
    await arrive(desk)
    customer_id = await customers.create_customer(desk, name="Li Na", call_id="a", by=ava)
    older = await cases.open_case(desk, subject="x", customer_id=customer_id, by=ava)
    await cases.file_under(desk, call_id="a", case_id=older, by=ava)
    await cases.set_disposition(desk, case_id=older, code="quote", call_id="a", by=ava)
    card = await card_for_call(desk, "a")
    assert card.case is not None
    assert (card.case.id, card.disposition) == (older, "quote")


async def test_only_what_was_said_can_be_heard(desk: Desk, ava: Actor) -> None:
    """A recording is offered when two have talked and it is whole; a message always."""
    case_id = await arrive(desk)
    at = desk.clock.now()
    await desk.transact(_record, "call.wav", "call", at, None)
    assert (await case_by_id(desk, case_id)).conversations[0].recordings == ()
    await desk.transact(_answered, at)
    assert (await case_by_id(desk, case_id)).conversations[0].recordings == ()
    await desk.transact(_stopped, at)
    assert len((await case_by_id(desk, case_id)).conversations[0].recordings) == 1
    other = await arrive(desk, "b")
    await calls.leave_message(desk, call_id="b", file="messages/b.wav", seconds=4.0, by=IVR)
    assert len((await case_by_id(desk, other)).conversations[0].recordings) == 1


def _record(connection: Connection, file: str, kind: str, at: Any, stopped: Any) -> None:
    connection.execute(
        insert(Recording),
        {"call_id": "a", "file": file, "kind": kind, "started_at": at, "stopped_at": stopped},
    )


def _answered(connection: Connection, at: Any) -> None:
    connection.execute(
        update(Conversation).where(Conversation.call_id == "a").values(answered_at=at)
    )


def _stopped(connection: Connection, at: Any) -> None:
    connection.execute(update(Recording).values(stopped_at=at))
