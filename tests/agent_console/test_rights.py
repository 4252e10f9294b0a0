"""What pages and API let an agent do with a colleague's call and promise: no more than the desk."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent_console import reading
from cti import events as e
from service_desk.actions.staff import issue_token
from service_desk.actor import SYSTEM
from tests.agent_console.conftest import Open, context_for
from tests.agent_console.office import Office, a_call
from tests.agent_console.test_api import Program


@pytest.fixture
async def two_calls(office: Office, tmp_path: Path) -> tuple[str, str]:
    """Two of ava's calls of one customer that go on: the case numbers of c1 and c2."""
    await office.take(*a_call(call_id="c1"))
    await office.take(*a_call(call_id="c2"))
    context = context_for(tmp_path, desk=office.desk)
    first, second = [(await reading.call(context, call)).conversation for call in ("c1", "c2")]
    assert first.case_number
    assert second.case_number
    return first.case_number, second.case_number


def ended(call_id: str) -> e.CallEnded:
    return e.CallEnded(at=datetime.now(UTC), system="s", call_id=call_id, cause=16, by="caller")


@pytest.mark.parametrize(("name", "status"), [("ben", 403), ("ava", 303), ("sue", 303)])
async def test_a_page_files_a_live_call_for_its_agent_or_a_supervisor_only(
    two_calls: tuple[str, str], door: Open, name: str, status: int
) -> None:
    first, second = two_calls
    browser = await door(name)
    fields = {"csrf": await browser.token(), "under": first}
    assert (await browser.post(f"/cases/{second}/file-under", fields)).status == status


async def test_a_supervisor_joins_two_cases_and_both_numbers_lead_to_one(
    two_calls: tuple[str, str], door: Open
) -> None:
    first, second = two_calls
    ava, sue = await door("ava"), await door("sue")
    assert f'action="/cases/{second}/join"' not in await (await ava.get(f"/cases/{second}")).text()
    assert f'action="/cases/{second}/join"' in await (await sue.get(f"/cases/{second}")).text()
    for who, status in ((ava, 403), (sue, 303)):
        fields = {"csrf": await who.token(), "into": first}
        assert (await who.post(f"/cases/{second}/join", fields)).status == status
    gone = await ava.get(f"/cases/{second}")
    assert (gone.status, gone.headers["Location"]) == (303, f"/cases/{first}")
    assert f"Now part of this case: {second}" in await (await ava.get(f"/cases/{first}")).text()
    found = await (await ava.get(f"/search?q={second}")).text()
    assert f'<a href="/cases/{first}">' in found
    assert f"{second} is now part of it" in found
    again = await sue.post(f"/cases/{second}/join", {"csrf": await sue.token(), "into": first})
    assert again.status == 409


async def test_a_supervisors_program_joins_two_cases_an_agents_does_not(
    office: Office, two_calls: tuple[str, str], door: Open
) -> None:
    first, second = two_calls
    for role, expect in (("agent", 403), ("supervisor", 200)):
        token = await issue_token(office.desk, label=role, role=role, by=SYSTEM)
        program = Program(await door(), token)
        path = f"/cases/{second}/join"
        answer = await program.ask("POST", path, {"into": first}, expect=expect)
    assert answer["joined"] == [second]
    assert answer["case"]["number"] == first


async def test_a_call_that_has_ended_is_filed_by_any_agent(
    office: Office, two_calls: tuple[str, str], door: Open
) -> None:
    await office.take(ended("c2"))
    first, second = two_calls
    ben = await door("ben")
    fields = {"csrf": await ben.token(), "under": first}
    assert (await ben.post(f"/cases/{second}/file-under", fields)).status == 303


async def test_an_agents_program_leaves_a_live_call_alone(
    office: Office, two_calls: tuple[str, str], door: Open
) -> None:
    token = await issue_token(office.desk, label="ben", role="agent", by=SYSTEM)
    program = Program(await door(), token)
    filing = ("PUT", "/conversations/c2/case", {"case_number": two_calls[0]})
    choosing = ("PUT", "/conversations/c2/customer", {"customer_id": office.customer_id})
    taking = ("POST", "/conversations/c2/take-along", None)
    for method, path, body in (filing, choosing, taking):
        refused = await program.ask(method, path, body, expect=403)
        assert refused["error"]["code"] == "forbidden"
    await office.take(ended("c2"))
    for method, path, body in (choosing, filing, taking):
        await program.ask(method, path, body)


async def test_a_promise_is_not_kept_by_a_colleague(
    office: Office, two_calls: tuple[str, str], door: Open, tmp_path: Path
) -> None:
    number = two_calls[0]
    ava, ben = await door("ava"), await door("ben")
    token = await ava.token()
    fields = {"csrf": token, "text": "call back", "due": "2030-01-01T10:00"}
    await ava.post(f"/cases/{number}/follow-ups", fields)
    context = context_for(tmp_path, desk=office.desk)
    (promise,) = (await reading.case(context, number, "en")).promises
    path = f"/cases/{number}/follow-ups/{promise.id}/kept"
    assert (await ben.post(path, {"csrf": await ben.token()})).status == 403
    program = Program(
        await door(), await issue_token(office.desk, label="ben", role="agent", by=SYSTEM)
    )
    await program.ask("POST", f"/follow-ups/{promise.id}/kept", expect=403)
    assert (await reading.case(context, number, "en")).promises == (promise,)
    # Who was given the case calls back, and says so.
    await ava.post(f"/cases/{number}/assign", {"csrf": token, "to": "ben"})
    assert (await ben.post(path, {"csrf": await ben.token()})).status == 303
    assert (await reading.case(context, number, "en")).promises == ()
