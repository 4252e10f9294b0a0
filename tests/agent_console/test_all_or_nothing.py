"""A write of several fields of which one is refused changes nothing, whichever way it comes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from agent_console.app import TABLE
from service_desk.actions import case
from service_desk.actions.staff import issue_token
from service_desk.actor import SYSTEM
from service_desk.errors import DeskError
from service_desk.first_start import furnish
from service_desk.model import metadata
from tests.agent_console.conftest import Open, Program
from tests.agent_console.office import Office, a_call
from tests.agent_console.test_live_desk import LiveServer, Tab, live, tab

__all__ = ["live"]

GOOD = {
    "subject": "Ten phones",
    "priority": "high",
    "owner": "ben",
    "disposition": "call_back",
    "status": "waiting",
}
# Refused by the database's content, not by the schema.
BAD = {"subject": " \u200b ", "owner": "nobody", "disposition": "unknown", "status": "new"}
WATCHED = {"audit", "service_case", "case_entry", "customer", "contact_point", "conversation"}
WATCHED |= {"follow_up", "presentation", "draft"}


def _everything(connection: Connection) -> dict[str, list[Any]]:
    tables = [table for table in metadata.sorted_tables if table.name in WATCHED]
    return {
        table.name: sorted(map(str, connection.execute(table.select()).all())) for table in tables
    }


async def number_of(office: Office) -> str:
    await furnish(office.desk)
    await office.take(*a_call())
    await case.set_status(office.desk, case_id=1, status="open", by=SYSTEM)
    return f"C-{office.desk.clock.now().year}-000001"


PAIRS = [(good, bad) for good in GOOD for bad in BAD if good != bad]


@pytest.mark.parametrize(("good", "bad"), PAIRS)
async def test_a_patch_of_a_case_with_one_bad_field_keeps_none(
    office: Office, program: Program, good: str, bad: str
) -> None:
    path = f"/cases/{await number_of(office)}"
    before = await office.desk.fetch(_everything)
    wanted = {good: GOOD[good], bad: BAD[bad]}
    answer = await program.browser.client.patch(
        f"/api/v1{path}", headers=program.headers, json=wanted
    )
    assert answer.status in {400, 404, 409}, await answer.text()
    after = await office.desk.fetch(_everything)
    assert {**after, "audit": []} == {**before, "audit": []}


async def test_a_patch_with_all_good_fields_does_all(office: Office, program: Program) -> None:
    path = f"/cases/{await number_of(office)}"
    page = await program.ask("PATCH", path, {**GOOD, "status": "resolved"})
    assert page["case"]["subject"] == GOOD["subject"]
    assert page["case"]["status"] == "resolved"
    assert page["case"]["owner"] == "ben"
    assert page["case"]["priority"] == "high"


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "Li Na", "phone": "no number"},
        {"name": "Li Na", "email": "none"},
        {"name": "Li Na", "language": "fr"},
        {"name": "Li Na", "phone": "+49 30 901820", "email": "@"},
    ],
)
async def test_a_customer_is_made_whole_or_not_at_all(
    office: Office, program: Program, live: LiveServer, wanted: dict[str, str]
) -> None:
    await office.take(*a_call())
    before = await office.desk.fetch(_everything)
    await program.ask("POST", "/customers", wanted, expect=400)
    async with await tab(office, live) as socket:
        ava = Tab(socket)
        answer = await ava.do("new_customer", call_id="call-1", **wanted)
        assert answer["error"]["code"] == "bad_request"
    after = await office.desk.fetch(_everything)
    assert {**after, "audit": []} == {**before, "audit": []}


@pytest.mark.parametrize("bad", [{"language": "fr"}, {"name": "\u200b"}])
async def test_a_patch_of_a_customer_with_one_bad_field_keeps_none(
    office: Office, program: Program, bad: dict[str, str]
) -> None:
    before = await office.desk.fetch(_everything)
    path = f"/customers/{office.customer_id}"
    await program.ask("PATCH", path, {"city": "Shanghai", **bad}, expect=400)
    after = await office.desk.fetch(_everything)
    assert {**after, "audit": []} == {**before, "audit": []}


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("/products/1", {"name_en": "Other"}, {"currency": "euro"}),
        ("/purchases/1", {"price": 1}, {"bought_at": "2026-13-01T00:00:00Z"}),
        ("/staff/ava", {"active": False}, {"role": "captain"}),
    ],
)
async def test_a_patch_with_one_bad_field_keeps_none(
    office: Office, door: Open, path: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    token = await issue_token(office.desk, label="all", role="administrator", by=SYSTEM)
    eve = Program(await door(), token)
    await eve.ask("POST", "/products", {"sku": "P", "name_en": "Printer", "price": 9}, expect=201)
    bought = {"sku": "P", "bought_at": "2026-11-01T10:00:00Z"}
    await eve.ask("POST", f"/customers/{office.customer_id}/purchases", bought, expect=201)
    before = await office.desk.fetch(_everything)
    await eve.ask("PATCH", path, {**good, **bad}, expect=400)
    after = await office.desk.fetch(_everything)
    assert {**after, "audit": []} == {**before, "audit": []}
    await eve.ask("PATCH", path, good)


async def test_a_note_and_the_end_of_its_draft_are_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else who is told that it failed sends it again, and it stands there twice."""
    await office.take(*a_call())

    async def fails(*_args: object) -> None:
        raise DeskError("no")

    monkeypatch.setattr(case, "forget", fails)
    before = await office.desk.fetch(_everything)
    with pytest.raises(DeskError):
        await case.add_note(office.desk, case_id=1, text="x", by=SYSTEM, draft="note:1")
    assert await office.desk.fetch(_everything) == before


def test_every_writing_route_is_known_here() -> None:
    """Whoever adds one that takes several fields adds its bad field above."""
    several = {(r.method, r.path) for r in TABLE if r.method in {"PATCH", "PUT"}}
    assert several == {
        ("PATCH", "/api/v1/customers/{id}"),
        ("PATCH", "/api/v1/cases/{number}"),
        ("PATCH", "/api/v1/staff/{name}"),
        ("PATCH", "/api/v1/products/{id}"),
        ("PATCH", "/api/v1/purchases/{id}"),
        ("PUT", "/api/v1/conversations/{call_id}/customer"),
        ("PUT", "/api/v1/conversations/{call_id}/case"),
    }
