"""Who may do what: every route, command and topic names a permission, and refusals are refusals."""

from __future__ import annotations

import pytest

from agent_console import access
from agent_console.access import GRANTS, NOBODY, NotAllowed, Permission, SignInNeeded, Viewer
from agent_console.api.routes import ENDPOINTS
from agent_console.app import TABLE
from agent_console.live.commands import COMMANDS
from agent_console.live.topics import TOPICS

AGENT = Viewer(staff_id=1, user="ava", name="Ava", role="agent")
SUPERVISOR = Viewer(staff_id=2, user="sue", name="Sue", role="supervisor")
ADMINISTRATOR = Viewer(staff_id=3, user="root", name="Root", role="administrator")

# What may be seen without signing in, and nothing else: a new line here is a decision.
OPEN = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/language"),
    ("GET", "/phone"),
    ("GET", "/static/built/{path:.+}"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/api/v1/openapi.json"),
}


def test_every_route_names_a_permission_and_only_the_listed_ones_are_open() -> None:
    assert all(isinstance(route.permission, Permission) for route in TABLE)
    assert {(r.method, r.path) for r in TABLE if r.permission is Permission.ANYONE} == OPEN


def test_every_command_and_topic_names_a_permission_and_none_is_open() -> None:
    named = [entry.permission for entry in (*COMMANDS.values(), *TOPICS.values())]
    assert all(isinstance(permission, Permission) for permission in named)
    assert Permission.ANYONE not in named


def test_no_two_lines_of_the_table_answer_the_same() -> None:
    assert len({(route.method, route.path) for route in TABLE}) == len(TABLE)


def test_every_api_endpoint_wants_a_bearer_token() -> None:
    assert all(endpoint.route().door == "bearer" for endpoint in ENDPOINTS)


@pytest.mark.parametrize("permission", list(Permission))
def test_nobody_and_unknown_roles_have_only_what_is_open(permission: Permission) -> None:
    odd = Viewer(staff_id=9, user="x", name="x", role="owner")  # hostile
    expected = permission in NOBODY
    assert access.may(None, permission) is expected
    assert access.may(odd, permission) is expected


def test_roles_only_grow() -> None:
    assert GRANTS["agent"] < GRANTS["supervisor"] < GRANTS["administrator"]
    assert GRANTS["administrator"] == frozenset(Permission)


@pytest.mark.parametrize(
    "permission",
    [
        Permission.BOARD_SEE,
        Permission.AGENT_READ,
        Permission.RECORDING_HEAR_ALL,
        Permission.METRICS_READ,
    ],
)
def test_an_agent_may_not_do_a_supervisors_work(permission: Permission) -> None:
    with pytest.raises(NotAllowed):
        access.require(AGENT, permission)


def test_nobody_is_asked_to_sign_in_rather_than_refused() -> None:
    with pytest.raises(SignInNeeded):
        access.require(None, Permission.CASE_READ)


def test_an_agent_hears_own_calls_a_supervisor_all_nobody_none() -> None:
    access.require_recording(AGENT, ["ava", "ben"])
    access.require_recording(SUPERVISOR, ["ben"])
    with pytest.raises(NotAllowed):
        access.require_recording(AGENT, ["ben"])
    with pytest.raises(SignInNeeded):
        access.require_recording(None, ["ava"])
    with pytest.raises(NotAllowed):
        access.require_recording(AGENT, [])
    assert not access.may_hear(AGENT, ["ben"])


def test_a_message_is_for_whoever_works_on_its_case() -> None:
    """No agent was on that call: else only supervisors could hear what callers ask for at night."""
    access.require_recording(AGENT, [], message=True)
    assert access.may_hear(AGENT, [])
    assert not access.may_hear(None, [])
    with pytest.raises(SignInNeeded):
        access.require_recording(None, [], message=True)


def test_only_who_has_part_in_a_call_acts_on_it() -> None:
    access.require_call(AGENT, ["ava"])
    with pytest.raises(NotAllowed):
        access.require_call(SUPERVISOR, ["ava"])


def test_a_call_that_goes_on_is_filed_by_its_agents_and_supervisors_only() -> None:
    access.require_filing(AGENT, ["ava"], ended=False)
    access.require_filing(SUPERVISOR, ["ava"], ended=False)
    access.require_filing(AGENT, ["ben"], ended=True)
    for agents in (["ben"], []):
        with pytest.raises(NotAllowed):
            access.require_filing(AGENT, agents, ended=False)


def test_a_promise_is_kept_by_its_owner_the_cases_owner_or_a_supervisor() -> None:
    access.require_promise(AGENT, ["ben", "ava"])
    access.require_promise(SUPERVISOR, ["ben"])
    with pytest.raises(NotAllowed):
        access.require_promise(AGENT, ["ben"])
