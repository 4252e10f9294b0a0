"""Products and purchases by the API; the page of what runs by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse
from sqlalchemy import select, update

from service_desk.actions.staff import create_staff, issue_token
from service_desk.actor import SYSTEM
from service_desk.jobs import runs
from service_desk.jobs.table import OF_PURCHASES
from service_desk.model import Job
from service_desk.queries.staff import audit_list
from tests.agent_console.conftest import Browser, Open, Program
from tests.agent_console.office import PASSWORD, Office

PRINTER = {"sku": "PR-1", "name_en": "Printer", "price": 9900}
BOUGHT = {"sku": "PR-1", "bought_at": "2026-03-02T10:00:00Z"}


async def test_a_product_is_made_changed_and_listed(program: Program) -> None:
    """In the desk's currency; the sku stays; a second one of it is refused."""
    made = (await program.ask("POST", "/products", PRINTER, expect=201))["id"]
    await program.ask("POST", "/products", {**PRINTER, "sku": "TN-1"}, expect=201)
    one = await program.ask("GET", f"/products/{made}")
    assert (one["sku"], one["price"], one["currency"], one["active"]) == (
        "PR-1", 9900, "EUR", True
    )  # fmt: skip
    changed = await program.ask("PATCH", f"/products/{made}", {"price": 8900, "active": False})
    assert (changed["price"], changed["active"], changed["name_en"]) == (8900, False, "Printer")
    refused = await program.ask("POST", "/products", PRINTER, expect=409)
    assert refused["error"]["message"] == "another product has the sku PR-1"
    first = await program.ask("GET", "/products?limit=1")
    assert [each["sku"] for each in first["items"]] == ["PR-1"]
    assert first["page"]["total"] == 2
    second = await program.ask("GET", f"/products?limit=1&cursor={first['page']['next']}")
    assert [each["sku"] for each in second["items"]] == ["TN-1"]
    assert second["page"]["next"] is None
    found = await program.ask("GET", "/products?sku=TN-1")
    assert [each["sku"] for each in found["items"]] == ["TN-1"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/products", {**PRINTER, "price": -1}),
        ("POST", "/products", {**PRINTER, "price": 10**13}),
        ("POST", "/products", {**PRINTER, "currency": "eur"}),
        ("POST", "/products", {**PRINTER, "sku": "  "}),
        ("POST", "/products", {**PRINTER, "colour": "red"}),
        ("PATCH", "/products/1", {"sku": "XX"}),
        ("POST", "/customers/1/purchases", {**BOUGHT, "sku": "nothing"}),
        ("POST", "/customers/1/purchases", {**BOUGHT, "bought_at": "2026-03-02"}),
        ("POST", "/customers/1/purchases", {**BOUGHT, "bought_at": "1926-03-02T10:00:00Z"}),
        ("POST", "/customers/1/purchases", {**BOUGHT, "line_key": "~x"}),
    ],
)
async def test_what_is_none_is_refused(
    program: Program, method: str, path: str, body: dict[str, Any]
) -> None:
    await program.ask("POST", "/products", PRINTER, expect=201)
    await program.ask(method, path, body, expect=400)
    assert (await program.ask("GET", "/products"))["page"]["total"] == 1
    assert (await program.ask("GET", "/customers/1/purchases"))["page"]["total"] == 0


async def test_a_purchase_is_entered_once_and_put_right(office: Office, program: Program) -> None:
    """The same key is the same purchase, and another's is refused; what is counted is due soon."""
    await program.ask("POST", "/products", PRINTER, expect=201)
    now = office.desk.clock.now()
    for name in OF_PURCHASES:  # they ran a moment ago
        await office.desk.transact(runs.ask, name, now + timedelta(days=1))
    path = f"/customers/{office.customer_id}/purchases"
    with_key = {**BOUGHT, "line_key": "order 7/1"}
    made = (await program.ask("POST", path, with_key, expect=201))["id"]
    assert (await program.ask("POST", path, with_key, expect=201))["id"] == made
    other = {**with_key, "price": 1}
    assert "order 7/1" in (await program.ask("POST", path, other, expect=409))["error"]["message"]
    await program.ask("POST", path, BOUGHT, expect=201)  # without a key it is another one
    listed = await program.ask("GET", path)
    assert [each["line_key"] for each in listed["items"]] == [None, "order 7/1"]
    assert {each["price"] for each in listed["items"]} == {9900}
    changed = await program.ask("PATCH", f"/purchases/{made}", {"price": 5000})
    assert (changed["price"], changed["sku"]) == (5000, "PR-1")
    due = await office.desk.fetch(lambda c: list(c.scalars(select(Job.due_at))))
    assert max(due) < now + timedelta(hours=1, minutes=1)
    await program.ask("GET", "/customers/999/purchases", expect=404)
    await program.ask("POST", "/customers/999/purchases", BOUGHT, expect=404)
    await program.ask("PATCH", "/purchases/999", {"price": 1}, expect=404)
    acts = [(each.act, each.about) for each in await audit_list(office.desk)]
    assert ("purchase.create", str(made)) in acts
    assert ("customer.read", str(office.customer_id)) in acts


async def test_an_agents_token_reads_products_and_writes_none(office: Office, door: Open) -> None:
    token = await issue_token(office.desk, label="x", role="agent", by=SYSTEM)
    agents = Program(await door(), token)
    await agents.ask("GET", "/products")
    for method, path, body in (
        ("POST", "/products", PRINTER),
        ("PATCH", "/products/1", {"price": 1}),
        ("POST", "/customers/1/purchases", BOUGHT),
        ("PATCH", "/purchases/1", {"price": 1}),
    ):
        await agents.ask(method, path, body, expect=403)


async def test_a_customer_is_known_by_what_another_program_calls_them(program: Program) -> None:
    """One customer an id; an empty one takes it away."""
    one = await program.ask("POST", "/customers", {"name": "A", "external_id": "K 1"}, expect=201)
    path = f"/customers/{one['id']}"
    assert (await program.ask("GET", path))["customer"]["external_id"] == "K 1"
    await program.ask("POST", "/customers", {"name": "B", "external_id": "K 1"}, expect=409)
    other = (await program.ask("POST", "/customers", {"name": "B"}, expect=201))["id"]
    await program.ask("PATCH", f"/customers/{other}", {"external_id": "K 1"}, expect=409)
    gone = await program.ask("PATCH", path, {"external_id": ""})
    assert gone["customer"]["external_id"] is None
    await program.ask("PATCH", f"/customers/{other}", {"external_id": "K 1"})


# The page


async def run_it(browser: Browser, path: str) -> ClientResponse:
    return await browser.post(path, {"csrf": await browser.token()})


async def administrator(office: Office) -> None:
    await create_staff(
        office.desk, name="alex", role="administrator", shown="Alex", password=PASSWORD, by=SYSTEM
    )


async def test_the_page_of_jobs(office: Office, door: Open) -> None:
    """Each with its last run; why one failed; a supervisor looks, an administrator may run one."""
    await administrator(office)
    await office.desk.transact(runs.ask, "pairs", office.desk.clock.now())
    why = "ValueError at <b>x</b>.py:1"
    await office.desk.transact(
        lambda c: c.execute(update(Job).values(result="failed", why=why, failures=2)) and None
    )
    sue = await door("sue")
    page = await (await sue.get("/jobs")).text()
    assert "Count what is bought together" in page
    assert "<strong>Failed</strong>" in page
    assert "ValueError at &lt;b&gt;x&lt;/b&gt;.py:1" in page
    assert "Nobody runs them" in page
    assert "Run now" not in page
    assert (await run_it(sue, "/jobs/pairs/run")).status == 403
    assert (await (await door("ava")).get("/jobs")).status == 403


async def test_an_administrator_has_a_job_run(office: Office, door: Open) -> None:
    """It is due at once, and in the audit."""
    await administrator(office)
    now = office.desk.clock.now()
    await office.desk.transact(runs.ask, "pairs", now + timedelta(days=1))
    alex = await door("alex")
    assert "Run now" in await (await alex.get("/jobs")).text()
    assert (await run_it(alex, "/jobs/pairs/run")).status == 303
    [due] = await office.desk.fetch(lambda c: list(c.scalars(select(Job.due_at))))
    assert due <= office.desk.clock.now()
    assert (await run_it(alex, "/jobs/nothing/run")).status == 404
    assert [each.about for each in await audit_list(office.desk) if each.act == "job.run"] == [
        "pairs"
    ]
