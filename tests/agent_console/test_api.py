"""The JSON API: tokens, clear refusals, paging, and answers as OpenAPI describes them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from agent_console.api.routes import ENDPOINTS, V1
from cti.events import BoardSnapshot, LiveAgent, LiveQueue
from cti.wishes import CommandDone, Reply, Wish
from service_desk.actions.staff import issue_token, revoke_token
from service_desk.actor import SYSTEM
from service_desk.queries.staff import audit_list, phone_generation, token_list
from service_desk.sales.products import create_product
from tests.agent_console.conftest import Open, Program
from tests.agent_console.office import Office, a_call


async def test_without_a_token_or_with_a_wrong_or_revoked_one_there_is_nothing(
    office: Office, program: Program, door: Open
) -> None:
    (known,) = await token_list(office.desk)
    await revoke_token(office.desk, token_id=known.id, by=SYSTEM)
    for headers in (
        program.headers,
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": "x" * 900},
    ):
        answer = await program.browser.get(f"{V1}/cases", headers=headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert (await answer.json())["error"]["code"] == "sign_in"
    ava = await door("ava")
    assert (await ava.get(f"{V1}/cases")).status == 401  # a session's cookie is no token


async def test_an_agents_token_has_an_agents_rights(office: Office, door: Open) -> None:
    token = await issue_token(office.desk, label="desk-tool", role="agent", by=SYSTEM)
    agent = Program(await door(), token)
    await agent.ask("GET", "/cases")
    refused = await agent.ask("GET", "/agents", expect=403)
    assert refused["error"]["code"] == "forbidden"


async def test_a_call_its_legs_and_its_case(office: Office, program: Program) -> None:
    await office.take(*a_call())
    (case,) = (await program.ask("GET", "/cases?open_only=true"))["items"]
    (call,) = (await program.ask("GET", "/conversations?queue=support"))["items"]
    assert call["case_number"] == case["number"]
    one = await program.ask("GET", f"/conversations/{call['call_id']}")
    assert [leg["agent"] for leg in one["legs"] if leg["agent"]] == ["ava"]
    changed = await program.ask(
        "PATCH",
        f"/cases/{case['number']}",
        {"priority": "urgent", "owner": "ben", "subject": "Ten phones"},
    )
    assert changed["case"]["subject"] == "Ten phones"
    assert (changed["case"]["priority"], changed["case"]["owner"]) == ("urgent", "ben")
    await program.ask("POST", f"/cases/{case['number']}/notes", {"text": "hello"}, expect=201)
    made = await program.ask(
        "POST",
        f"/cases/{case['number']}/follow-ups",
        {"text": "call back", "due_at": "2030-01-01T10:00:00Z", "owner": "ben"},
        expect=201,
    )
    await program.ask("POST", f"/follow-ups/{made['id']}/kept")
    page = await program.ask("GET", f"/cases/{case['number']}")
    assert {"note", "promise", "kept"} <= {entry["kind"] for entry in page["timeline"]}


async def test_customers_are_made_changed_and_found(office: Office, program: Program) -> None:
    made = await program.ask(
        "POST", "/customers", {"name": "Chen Wei 陈伟", "phone": "+86 21 5555 0142"}, expect=201
    )
    path = f"/customers/{made['id']}"
    await program.ask(
        "POST", f"{path}/contact-points", {"kind": "email", "value": "wei@example.com"}, expect=201
    )
    page = await program.ask("PATCH", path, {"city": "Shanghai", "do_not_contact": True})
    assert (page["customer"]["city"], page["customer"]["do_not_contact"]) == ("Shanghai", True)
    found = await program.ask("GET", "/customers?q=陈伟")
    assert [each["id"] for each in found["items"]] == [made["id"]]
    await office.take(*a_call(number="withheld"))
    await program.ask("PUT", "/conversations/call-1/customer", {"customer_id": made["id"]})
    assert (await program.ask("GET", path))["conversations"][0]["call_id"] == "call-1"


async def test_a_call_is_filed_under_an_open_case(office: Office, program: Program) -> None:
    await office.take(*a_call(call_id="c1"))
    await office.take(*a_call(call_id="c2"))
    second, first = (await program.ask("GET", "/cases"))["items"]
    await program.ask("PUT", "/conversations/c2/case", {"case_number": first["number"]})
    page = await program.ask("GET", f"/cases/{second['number']}")
    assert page["merged_into"] == first["number"]


async def test_what_a_number_left_comes_along_to_its_customer(
    office: Office, program: Program
) -> None:
    """Twice is no error; before somebody was chosen there is nobody to take it to."""
    for number in range(3):
        await office.take(*a_call(call_id=f"c{number}", number="+4930777001"))
    path = "/conversations/c2/take-along"
    refused = await program.ask("POST", path, expect=400)
    assert refused["error"]["code"] == "bad_request"
    await program.ask("POST", "/conversations/unknown/take-along", expect=404)
    made = await program.ask("POST", "/customers", {"name": "Mara"}, expect=201)
    await program.ask("PUT", "/conversations/c2/customer", {"customer_id": made["id"]})
    for cases in (2, 0):
        assert await program.ask("POST", path) == {"cases": cases}
    page = await program.ask("GET", f"/customers/{made['id']}")
    assert [each["call_id"] for each in page["conversations"]] == ["c2", "c1", "c0"]
    assert len(page["cases"]) == 3
    acts = [each for each in await audit_list(office.desk) if each.act == "customer.take_along"]
    assert [each.about for each in acts] == [str(made["id"])] * 2
    assert {each.actor for each in acts} != {"system"}


async def test_lists_come_in_pages_without_gap_or_repetition(
    office: Office, program: Program
) -> None:
    for n in range(5):
        await office.take(*a_call(call_id=f"c{n}")[:1])
    for path in ("/cases", "/conversations", "/customers"):
        seen: list[Any] = []
        cursor = ""
        for _ in range(10):
            page = await program.ask("GET", f"{path}?limit=2{cursor}")
            assert len(page["items"]) <= 2
            seen += [msgspec.json.encode(item) for item in page["items"]]
            if page["page"]["next"] is None:
                break
            cursor = f"&cursor={page['page']['next'].replace('+', '%2B')}"
        assert len(seen) == len(set(seen)) == page["page"]["total"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/cases?limit=0", None, 400),
        ("GET", "/cases?limit=ten", None, 400),
        ("GET", "/cases?colour=red", None, 400),
        ("GET", "/cases?cursor=;x", None, 400),
        ("GET", "/cases?status=open&status=new", None, 400),
        ("GET", "/conversations?cursor=x", None, 400),
        ("GET", "/customers/zero", None, 400),
        ("GET", "/customers/1e3", None, 400),
        ("GET", "/customers/01", None, 400),
        ("GET", "/customers/999", None, 404),
        ("GET", "/conversations/none", None, 404),
        ("GET", "/nothing", None, 404),
        ("DELETE", "/cases", None, 405),
        ("POST", "/customers", {"name": ""}, 400),
        ("POST", "/customers", {"name": "x", "colour": "red"}, 400),
        ("POST", "/customers", [], 400),
        ("POST", "/customers", {"name": "x", "phone": "call me"}, 400),
        ("PATCH", "/customers/1", {"name": 7}, 400),
        ("POST", "/follow-ups/7/kept", None, 404),
    ],
)
async def test_what_is_wrong_is_said_clearly(
    program: Program, method: str, path: str, body: Any, status: int
) -> None:
    refused = await program.ask(method, path, body, expect=status)
    assert refused["error"]["message"]
    assert "Traceback" not in refused["error"]["message"]


async def test_a_body_that_is_no_json_is_refused(program: Program) -> None:
    for data, kind in (
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (b"{}", "text/plain"),
    ):
        answer = await program.browser.client.post(
            f"{V1}/customers", data=data, headers={**program.headers, "Content-Type": kind}
        )
        assert answer.status == 400


async def test_queues_and_agents_are_what_the_bridge_says(office: Office, program: Program) -> None:
    now = office.desk.clock.now()
    board = BoardSnapshot(
        queues={"support": LiveQueue(queue="support", answered=3)},
        agents={"ava": LiveAgent(agent="ava", status="available", since=now)},
    )

    async def answer(_wish: Wish) -> Reply:
        return CommandDone(board=msgspec.json.encode(board))

    refused = await program.ask("GET", "/queues", expect=409)
    assert "not connected" in refused["error"]["message"]
    office.bus.serve(answer)
    await office.take(*a_call())
    queue = (await program.ask("GET", "/queues"))["items"][0]
    assert queue["answered"] == 1  # as the database counts it, whatever the bridge remembers
    assert (queue["title"], queue["title_zh"]) == ("Support", "售后服务")
    assert (await program.ask("GET", "/agents"))["items"][0]["status"] == "available"


async def test_openapi_describes_every_endpoint_and_nothing_dangles(program: Program) -> None:
    document = await (await program.browser.get(f"{V1}/openapi.json")).json()
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    names = set(document["components"]["schemas"])
    refs = set(
        re.findall(r"#/components/schemas/([\w.\-]+)", msgspec.json.encode(document).decode())
    )
    assert refs <= names
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))
    for path, item in document["paths"].items():
        for operation in item.values():
            holes = set(re.findall(r"{(\w+)}", path))
            assert holes <= {p["name"] for p in operation["parameters"]}


async def test_answers_are_what_openapi_says(office: Office, door: Open) -> None:
    await office.take(*a_call())
    token = await issue_token(office.desk, label="all", role="administrator", by=SYSTEM)
    program = Program(await door(), token)
    await create_product(office.desk, sku="P-1", name_en="Printer", price=9900, by=SYSTEM)
    case = (await program.ask("GET", "/cases"))["items"][0]["number"]
    filled = {"{id}": str(office.customer_id), "{call_id}": "call-1", "{number}": case}
    for endpoint in ENDPOINTS:
        if endpoint.method != "GET" or endpoint.tag in ("queues", "agents"):
            continue
        path = endpoint.path.removeprefix(V1)
        for hole, value in filled.items():
            path = path.replace(hole, value)
        found = await program.ask("GET", path)
        msgspec.convert(found, endpoint.answer)


async def test_who_read_a_customer_is_in_the_audit_once_an_hour(
    office: Office, program: Program, door: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the API and by the page, with what was looked for; nobody who was refused."""
    path = f"/customers/{office.customer_id}"
    ava = await door("ava")
    for _ in range(3):
        await program.ask("GET", path)
        await program.ask("GET", "/customers?q=Chen")
        assert (await ava.get(path)).status == 200
    await program.ask("GET", "/customers/999", expect=404)
    assert (await (await door()).get(path)).status == 303
    kinds = ("customer.read", "customers.listed")
    acts = [each for each in await audit_list(office.desk) if each.act in kinds]
    about = str(office.customer_id)
    assert sorted((each.act, each.role, each.about) for each in acts) == [
        ("customer.read", "agent", about),
        ("customer.read", "supervisor", about),
        ("customers.listed", "supervisor", "Chen"),
    ]
    assert {each.actor for each in acts if each.role == "agent"} == {"ava"}
    monkeypatch.setattr("service_desk.actions.seen.AGAIN_AFTER", timedelta())
    await program.ask("GET", path)
    assert len([each for each in await audit_list(office.desk) if each.act in kinds]) == 4


async def test_the_staff_are_changed_by_administrators_alone(
    office: Office, program: Program, door: Open
) -> None:
    """Kept out, let in again, given another role, signed out everywhere; all of it or nothing."""
    for method, path, body in (
        ("GET", "/staff", None),
        ("PATCH", "/staff/ava", {"active": False}),
        ("POST", "/staff/ava/sign-out", None),
    ):
        await program.ask(method, path, body, expect=403)
    token = await issue_token(office.desk, label="all", role="administrator", by=SYSTEM)
    eve = Program(await door(), token)
    await eve.ask("PATCH", "/staff/ava", {"active": False, "role": "supervisor"})

    async def ava() -> tuple[bool, str]:
        people = (await eve.ask("GET", "/staff"))["items"]
        return next((each["active"], each["role"]) for each in people if each["name"] == "ava")

    assert await ava() == (False, "supervisor")
    await eve.ask("PATCH", "/staff/ava", {"active": True, "role": "captain"}, expect=400)
    await eve.ask("PATCH", "/staff/ava", {"activ": True}, expect=400)
    assert await ava() == (False, "supervisor")
    await eve.ask("PATCH", "/staff/nobody", {"active": True}, expect=404)
    before = await phone_generation(office.desk, "ava")
    await eve.ask("POST", "/staff/ava/sign-out")
    assert await phone_generation(office.desk, "ava") == before + 1
