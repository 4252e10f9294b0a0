"""Every button a page shows is one the server accepts from whoever sees it, and no more."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import insert

from agent_console import reading
from agent_console.access import AccessError, may_file, may_keep, require_filing, require_promise
from service_desk.actions.case import MOVES, moves_from
from service_desk.actor import SYSTEM
from service_desk.model import Disposition
from tests.agent_console.conftest import VIEWERS, Browser, Open, context_for
from tests.agent_console.office import Office, a_call
from tests.agent_console.test_rights import ended

FORM = re.compile(r'<form[^>]*method="post"[^>]*action="(/cases/[^"]+)"[^>]*>(.*?)</form>', re.S)
OPTION = re.compile(r'<option value="([^"]*)"')
# What a person would write into the fields of a form, by the last part of its address.
WRITTEN = {
    "notes": {"text": "hello"},
    "follow-ups": {"text": "call back", "due": "2030-01-01T10:00"},
    "disposition": {"code": "solved"},
    "subject": {"subject": "Ten phones"},
    "priority": {"priority": "high"},
    "assign": {"to": "ben"},
    "kept": {},
}


@pytest.fixture
async def case_of_ava(office: Office, door: Open, tmp_path: Path) -> str:
    """A live call of ava's with a promise of hers, and a second case to file under; its number."""
    await office.take(*a_call(call_id="c1"), *a_call(call_id="c2"))
    context = context_for(tmp_path, desk=office.desk)
    async with office.desk.write(by=SYSTEM) as uow:
        await uow.execute(insert(Disposition), {"code": "solved", "label_en": "Solved"})
    number = (await reading.call(context, "c1")).conversation.case_number
    assert number is not None
    ava = await door("ava")
    fields = {"csrf": await ava.token(), "text": "call back", "due": "2030-01-01T10:00"}
    assert (await ava.post(f"/cases/{number}/follow-ups", fields)).status == 303
    return number


async def forms(browser: Browser, path: str) -> dict[str, str]:
    """The forms of a page about cases: last part of the address -> address, and the rest."""
    page = await (await browser.get(path)).text()
    return {html.unescape(where): inside for where, inside in FORM.findall(page)}


def last(where: str) -> str:
    return where.rsplit("/", 1)[1]


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize(
    ("name", "keeps", "files"), [("ava", True, True), ("ben", False, False), ("sue", True, True)]
)
async def test_what_the_case_page_shows_is_accepted(
    office: Office, door: Open, case_of_ava: str, *, name: str, keeps: bool, files: bool, over: bool
) -> None:
    """The agent of the call, a colleague and a supervisor, while it goes on and after."""
    if over:
        await office.take(ended("c1"))
    browser = await door(name)
    shown = await forms(browser, f"/cases/{case_of_ava}")
    kinds = {last(where) for where in shown}
    assert kinds >= {
        "notes",
        "follow-ups",
        "disposition",
        "status",
        "priority",
        "subject",
        "assign",
    }
    assert ("kept" in kinds) == keeps
    assert ("file-under" in kinds) == (files or over)
    assert ("join" in kinds) == (name == "sue")
    # What makes another case of it comes by itself: test_rights.py.
    shown = {where: inside for where, inside in shown.items() if last(where) != "join"}
    token = await browser.token()
    for where, inside in sorted(shown.items(), key=lambda item: last(item[0]) == "file-under"):
        kind = last(where)
        if kind == "file-under":
            written = {"under": OPTION.findall(inside)[0]}
        elif kind == "status":
            written = {"status": OPTION.findall(inside)[-1]}
        else:
            written = WRITTEN[kind]
        assert (await browser.post(where, {"csrf": token, **written})).status == 303, where


@pytest.mark.parametrize(("name", "keeps"), [("ava", True), ("ben", False), ("sue", True)])
async def test_what_the_customers_page_shows_is_accepted(
    office: Office, door: Open, case_of_ava: str, name: str, *, keeps: bool
) -> None:
    browser = await door(name)
    shown = await forms(browser, f"/customers/{office.customer_id}")
    assert [last(where) for where in shown] == (["kept"] if keeps else [])
    for where in shown:
        answer = await browser.post(where, {"csrf": await browser.token()})
        assert answer.headers["Location"] == f"/cases/{case_of_ava}"


async def test_every_status_that_can_be_chosen_is_accepted(
    office: Office, door: Open, case_of_ava: str
) -> None:
    ava = await door("ava")
    token = await ava.token()
    where = f"/cases/{case_of_ava}/status"
    for status in ("waiting", "open", "resolved", "open"):
        assert status in OPTION.findall((await forms(ava, f"/cases/{case_of_ava}"))[where])
        assert (await ava.post(where, {"csrf": token, "status": status})).status == 303
    assert {status: set(moves_from(status)) - {status} for status in MOVES} == MOVES


def test_the_questions_of_a_page_are_the_rules_of_the_server() -> None:
    """One rule each: what may be asked for is what is not refused."""
    for viewer in VIEWERS.values():
        for agents in ((), (viewer.user,), ("somebody",)):
            for over in (False, True):
                asked = may_file(viewer, agents, ended=over)
                assert asked == allowed(partial(require_filing, viewer, agents, ended=over))
            assert may_keep(viewer, agents) == allowed(partial(require_promise, viewer, agents))
    assert not may_file(None, (), ended=True)
    assert not may_keep(None, ())


def allowed(check: Callable[[], None]) -> bool:
    try:
        check()
    except AccessError:
        return False
    return True
