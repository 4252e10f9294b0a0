"""Nobody writes faster than people do: what is beyond is refused in one clear line."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from agent_console.errors import TooBusy
from agent_console.pace import PACES, PROGRAMS, REMEMBERED, Paces
from service_desk.actor import Actor
from service_desk.model import CaseEntry
from tests.agent_console.conftest import Open, Program
from tests.agent_console.office import Office, a_call
from tests.agent_console.test_live_desk import LiveServer, Tab, live, tab

__all__ = ["live"]

AVA = Actor("ava", "agent", 1)
BEN = Actor("ben", "agent", 2)
ERP = Actor("token:erp", "supervisor")
NOTES = select(func.count()).select_from(CaseEntry).where(CaseEntry.kind == "note")
REFUSED = {
    "en": "That was too much in a short time. Wait a moment, then try again.",
    "zh": "短时间内操作过多，请稍候再试。",
}


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(paces: Paces, kind: str, by: Actor, times: int) -> int:
    done = 0
    for _ in range(times):
        try:
            paces.take(kind, by)
        except TooBusy:
            continue
        done += 1
    return done


@pytest.mark.parametrize("kind", PACES)
def test_a_burst_and_then_so_many_a_second(kind: str) -> None:
    clock, pace = Clock(), PACES[kind]
    paces = Paces(clock)
    assert taken(paces, kind, AVA, 500) == pace.burst
    assert taken(paces, kind, BEN, 1) == 1  # each has their own
    clock.now += 3
    assert taken(paces, kind, AVA, 500) == int(3 * pace.each_second)
    clock.now += 3_600
    assert taken(paces, kind, AVA, 500) == pace.burst
    assert taken(paces, kind, ERP, 5_000) == pace.burst * PROGRAMS


def test_the_refusal_says_when_to_come_back() -> None:
    paces = Paces(Clock())
    taken(paces, "note", AVA, 10)
    with pytest.raises(TooBusy) as refused:
        paces.take("note", AVA)
    assert refused.value.retry_after == 1.0
    assert paces.refused == 1


def test_who_types_is_never_too_fast() -> None:
    """A page sends a draft 0.8 s after each stroke, several tabs at once."""
    clock = Clock()
    paces = Paces(clock)
    for _ in range(2_000):
        clock.now += 0.8
        assert taken(paces, "draft", AVA, 2) == 2


def test_what_is_remembered_is_bounded() -> None:
    paces = Paces(Clock())
    for number in range(REMEMBERED + 500):
        paces.take("note", Actor(f"n{number}", "agent", number))
    assert len(paces._left) == REMEMBERED


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_480_notes_in_a_moment_are_a_handful(
    office: Office, live: LiveServer, language: str
) -> None:
    await office.take(*a_call())
    opening = await tab(office, live)
    opening.additional_headers["Cookie"] += f"; ringdesk_lang={language}"
    async with opening as socket:
        ava = Tab(socket)
        await socket.send("\n")  # anything: a page says something first
        await ava.hear()
        said = [await ava.do("note", case_id=1, text=f"note {n}") for n in range(480)]
        refused = [each for each in said if not each["ok"]]
        assert {json.dumps(each["error"]) for each in refused} == {
            json.dumps({"code": "too_many", "message": REFUSED[language]})
        }
        assert (await ava.do("priority", case_id=1, priority="high"))["ok"] is True
    kept = await office.desk.fetch(lambda connection: connection.scalar(NOTES))
    assert kept == 480 - len(refused)
    assert PACES["note"].burst <= kept < 60


async def test_a_page_and_a_program_are_told_the_same(
    office: Office, program: Program, door: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.take(*a_call())

    def never(self: Paces, kind: str, by: Actor) -> None:
        raise TooBusy(REFUSED["en"], 2.5)

    browser = await door("ava")
    number = (await program.ask("GET", "/cases"))["items"][0]["number"]
    fields = {"csrf": await browser.token(), "text": "x"}
    monkeypatch.setattr(Paces, "take", never)
    for answer in (
        await browser.post(f"/cases/{number}/notes", fields),
        await browser.get("/search?q=x"),
        await program.browser.client.post(
            f"/api/v1/cases/{number}/notes", headers=program.headers, json={"text": "x"}
        ),
    ):
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
        assert REFUSED["en"] in await answer.text()
