"""Who read what is in the audit: every page and every answer that shows people's affairs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from agent_console.app import TABLE
from agent_console.context import ConsoleContext
from cti.events import BoardSnapshot
from cti.wishes import CommandDone, Reply, Wish
from service_desk.actions import seen
from service_desk.actor import Actor
from service_desk.queries.staff import audit_list
from tests.agent_console.conftest import Open, Program, context_for
from tests.agent_console.office import Office, a_call

# What shows nobody's affairs, or only one's own day. Whoever adds a route adds it here, or has it
# audited: there is no third way.
SHOWS_NOBODY = {
    "/",
    "/sign-in",
    "/desk",  # the calls one has part in: the call itself tells
    "/phone",
    "/figures",
    "/static/built/{path:.+}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/openapi.json",
    "/jobs",
    "/api/v1/products",
    "/api/v1/products/{id}",
    "/api/v1/staff",  # who works here, and as what
}
# Address with its holes filled -> what the audit says: act, about.
READS = {
    "/board": ("board.watched", "page"),
    "/cases": ("cases.listed", ""),
    "/cases?status=open&owner=ava&cursor=9": ("cases.listed", "owner=ava&status=open"),
    "/cases/{number}": ("case.read", "{number}"),
    "/customers/{id}": ("customer.read", "1"),
    "/search?q=img": ("search", "img"),
    "/search.json?q=img": ("search", "img"),
    "/recordings/{recording}": ("recording.heard", "1"),
    "/api/v1/customers": ("customers.listed", ""),
    "/api/v1/customers?q=img": ("customers.listed", "img"),
    "/api/v1/customers/{id}": ("customer.read", "1"),
    "/api/v1/customers/{id}/purchases": ("customer.read", "1"),
    "/api/v1/conversations": ("calls.listed", ""),
    "/api/v1/conversations?agent=ava&limit=7": ("calls.listed", "agent=ava"),
    "/api/v1/conversations/{call_id}": ("call.read", "call-1"),
    "/api/v1/cases": ("cases.listed", ""),
    "/api/v1/cases?open_only=true": ("cases.listed", "open_only=True"),
    "/api/v1/cases/{number}": ("case.read", "{number}"),
    "/api/v1/queues": ("board.watched", "api"),
    "/api/v1/agents": ("board.watched", "api"),
}


def plain(path: str) -> str:
    return path.partition("?")[0].replace("{recording}", "{id}")


async def acts(office: Office, name: str) -> Counter[tuple[str, str]]:
    rows = await audit_list(office.desk, limit=1_000)
    return Counter(
        (row.act, row.about) for row in rows if row.actor == name and "sign" not in row.act
    )


def test_every_way_to_read_is_audited_or_shows_nobody() -> None:
    reading = {route.path for route in TABLE if route.method == "GET"}
    assert reading == SHOWS_NOBODY | {plain(path) for path in READS}


@pytest.mark.parametrize("path", READS)
async def test_a_reading_is_kept_with_who_and_what_and_once_an_hour(
    office: Office, program: Program, door: Open, tmp_path: Path, path: str
) -> None:
    await office.take(*a_call())
    sound = tmp_path / "recordings/2026/11/21/call-1.wav"
    sound.parent.mkdir(parents=True, exist_ok=True)
    sound.write_bytes(b"RIFF")

    async def board(_wish: Wish) -> Reply:
        return CommandDone(board=msgspec.json.encode(BoardSnapshot()))

    office.bus.serve(board)
    number = f"C-{office.desk.clock.now().year}-000001"
    holes = {"{number}": number, "{id}": "1", "{recording}": "1", "{call_id}": "call-1"}
    asked, (act, about) = path, READS[path]
    for hole, value in holes.items():
        asked, about = asked.replace(hole, value), about.replace(hole, value)
    browser = await door("sue")
    by_program = path.startswith("/api/")
    headers = program.headers if by_program else {}
    name = "token:erp" if by_program else "sue"
    before = await acts(office, name)
    for _ in range(3):
        answer = await browser.get(asked, headers=headers)
        assert answer.status == 200, await answer.text()
    assert await acts(office, name) - before == Counter({(act, about): 1})
    [row] = [row for row in await audit_list(office.desk) if (row.act, row.about) == (act, about)]
    assert row.address == "127.0.0.1"


async def test_what_is_not_there_was_not_read(office: Office, door: Open) -> None:
    browser = await door("sue")
    for path in ("/cases/C-2026-9", "/customers/9", "/recordings/9"):
        assert (await browser.get(path)).status == 404
    assert not await acts(office, "sue")


async def test_a_search_at_each_stroke_does_not_fill_the_table(
    office: Office, tmp_path: Path
) -> None:
    """So many queries of an hour by themselves, and then that there were more."""
    context: ConsoleContext = context_for(tmp_path, desk=office.desk)
    by = Actor("ava", "agent", 1)
    for number in range(seen.QUERIES + 40):
        await seen.listed(context.desk, seen.SEARCHED, f"q{number}", by=by)
    kept = await acts(office, "ava")
    assert kept[("search", seen.MORE)] == 1
    assert sum(kept.values()) == seen.QUERIES + 1
    for number in range(100):  # of people and cases every one counts
        await seen.read(context.desk, seen.CASE_READ, f"C-2026-{number}", by=by)
    assert sum((await acts(office, "ava")).values()) == seen.QUERIES + 101
