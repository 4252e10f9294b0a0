"""Whatever flow and whatever is pressed: a step waits or ends, never raises, never runs on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.desk_port import CallerIdentity, CaseSaid
from ivr.engine import MAX_INPUTS, MAX_STEPS_PER_SPRINT, step
from ivr.flow import Flow, Placed
from ivr.loader import load_flows
from ivr.nodes.goto import Goto
from ivr.protocol import (
    AWAITING,
    ENDING,
    Began,
    CaseFound,
    DeskAway,
    HangUp,
    Identified,
    Input,
    Pressed,
    QueueLooked,
    Recorded,
    ToQueue,
)
from ivr.turn import State

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
TEXT = {"en": "x", "zh": "好"}
NAMES = [f"n{number}" for number in range(7)]
KEYS = st.sampled_from("0123456789*#")


def node_at(place: int) -> st.SearchStrategy[dict[str, Any]]:
    """A node whose silent ways only lead onwards; a key may lead anywhere, also back."""
    on = st.sampled_from([*NAMES[place + 1 :], "bye", "q"])
    anywhere = st.sampled_from([*NAMES, "bye", "q"])

    def kind(name: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries(
            {"kind": st.just(name)}
            | {
                key: value if isinstance(value, st.SearchStrategy) else st.just(value)
                for key, value in fields.items()
            }
        )

    options = st.dictionaries(KEYS, anywhere, min_size=1, max_size=4)
    tries = st.integers(1, 9)
    number = {"min": st.integers(1, 6), "max": 6, "store": "case_number"}
    status = {"en": "{case_number} {case_status}", "zh": "{case_number}"}
    return st.one_of(
        kind("say", prompt=TEXT, next=on),
        kind("menu", prompt=TEXT, options=options, give_up=on, max_silent=tries),
        kind("language", prompt=TEXT, options={"1": "zh"}, next=on),
        kind("hours", open={"mon": "08:00-18:00"}, when_open=on, when_closed=on),
        kind("identify", next=on, several=on),
        kind("collect", prompt=TEXT, next=anywhere, give_up=on, **number),
        kind("case_status", prompt=status, next=on, not_found=on),
        kind("queue", queue="support", full=on),
        kind("message", prompt=TEXT, next=on),
        kind("goto", to=on),
        kind("call", flow="sub", next=on),
    )


graphs = st.fixed_dictionaries({name: node_at(place) for place, name in enumerate(NAMES)})
moments = st.integers(0, 400 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))
pressed = st.text("0123456789*#x٣\x00", max_size=25)
inputs: st.SearchStrategy[Input] = st.one_of(
    st.builds(Began, at=moments, caller_number=st.text(max_size=20), reason=st.text(max_size=5)),
    st.builds(
        Pressed,
        at=moments,
        digits=pressed,
        ended=st.sampled_from(["terminator", "max", "timeout"]),
    ),
    st.builds(
        Identified,
        at=moments,
        identity=st.builds(
            CallerIdentity,
            customer_id=st.none() | st.integers(),
            language=st.none() | st.sampled_from(["zh", "en", "xx", ""]),
            matches=st.integers(-1, 3),
        ),
    ),
    st.builds(
        CaseFound,
        at=moments,
        said=st.none()
        | st.builds(CaseSaid, number=st.text(), status=st.sampled_from(["open", "new", "x"])),
    ),
    st.builds(QueueLooked, at=moments, full=st.booleans()),
    st.builds(Recorded, at=moments, seconds=st.floats(allow_nan=True)),
    st.builds(DeskAway, at=moments),
)


def reachable(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Only what something leads to: the loader refuses the rest."""
    seen: set[str] = set()
    todo = ["n0", "bye", "q"]
    while todo:
        name = todo.pop()
        if name in found and name not in seen:
            seen.add(name)
            ways = [*found[name].values(), *found[name].get("options", {}).values()]
            todo += [way for way in ways if isinstance(way, str)]
    return {name: node for name, node in found.items() if name in seen}


def assert_step_is_over(commands: tuple[object, ...], state: State) -> None:
    *before, last = commands
    assert not any(isinstance(command, AWAITING + ENDING) for command in before)
    assert isinstance(last, ENDING if state.ended else AWAITING)
    assert len(commands) <= 3 * MAX_STEPS_PER_SPRINT


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graph=graphs, said=st.lists(inputs, max_size=30))
def test_random_flows_and_inputs_always_wait_or_end(
    graph: dict[str, dict[str, Any]], said: list[Input], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "random"
    folder.mkdir(exist_ok=True)
    ends = {"bye": {"kind": "hangup"}, "q": {"kind": "queue", "queue": "support"}}
    flow = {
        "languages": ["en", "zh"],
        "start": "n0",
        "nodes": reachable({**graph, **ends}),
        "after": {"full": "bye", "timeout": "q", "closed": "bye"},
    }
    sub = {
        "languages": ["en", "zh"],
        "start": "s",
        "nodes": {"s": {"kind": "say", "prompt": TEXT, "next": "r"}, "r": {"kind": "return"}},
    }
    (folder / "main.yaml").write_text(json.dumps(flow), encoding="utf-8")
    (folder / "sub.yaml").write_text(json.dumps(sub), encoding="utf-8")
    loaded = load_flows([folder], ["support"])["main"]
    commands, state = step(loaded, State(), Began(at=NOW, caller_number="+491"))
    assert_step_is_over(commands, state)
    for each in said:
        if state.ended:
            assert step(loaded, state, each) == ((), state)
            return
        commands, state = step(loaded, state, each)
        assert_step_is_over(commands, state)
    # From here on a caller who says nothing is out within a few questions.
    for _ in range(9 * len(loaded.nodes) + 1):
        if state.ended:
            break
        _, state = step(loaded, state, Pressed(at=NOW, digits=""))
    assert state.ended


def test_a_step_is_the_same_twice(make_flow: Callable[..., Flow]) -> None:
    flow = make_flow("languages: [en]\nstart: a\nnodes:\n  a: {kind: hangup, prompt: {en: x}}\n")
    began = Began(at=NOW, caller_number="1")
    assert step(flow, State(), began) == step(flow, State(), began)


def test_a_circle_that_got_through_ends_in_the_default_queue() -> None:
    around = Placed(node=Goto(kind="goto", to="a"), label="a")
    flow = Flow(name="x", file="x", start="a", languages=("en",), nodes={"a": around})
    commands, state = step(flow, State(), Began(at=NOW))
    assert commands == (ToQueue(queue=""),)
    assert state.ended


def test_a_caller_who_never_stops_pressing_gets_a_person(make_flow: Callable[..., Flow]) -> None:
    flow = make_flow(
        "languages: [en]\nstart: a\nnodes:\n"
        "  a: {kind: menu, prompt: {en: x}, options: {1: a}, give_up: b}\n  b: {kind: hangup}\n"
    )
    _, state = step(flow, State(), Began(at=NOW))
    for _ in range(MAX_INPUTS - 1):
        _, state = step(flow, state, Pressed(at=NOW, digits="1"))
        assert not state.ended
    commands, state = step(flow, state, Pressed(at=NOW, digits="1"))
    assert commands == (ToQueue(queue=""),)
    assert len(state.path) <= 60


def test_a_queue_that_gave_up_goes_on_where_the_flow_says(make_flow: Callable[..., Flow]) -> None:
    flow = make_flow(
        "languages: [en, zh]\nstart: a\nafter: {full: b, timeout: b, closed: b}\nnodes:\n"
        "  a: {kind: queue, queue: support}\n  b: {kind: hangup, prompt: {en: Full, zh: 满}}\n"
    )
    commands, _ = step(flow, State(), Began(at=NOW, reason="full", language="zh"))
    assert [clip.text for clip in commands[0].speech] == ["满"]


def test_a_flow_that_says_nothing_about_it_hangs_up(make_flow: Callable[..., Flow]) -> None:
    flow = make_flow("languages: [en]\nstart: a\nnodes:\n  a: {kind: hangup, prompt: {en: x}}\n")
    assert step(flow, State(), Began(at=NOW, reason="full"))[0] == (HangUp(),)


def test_the_shipped_flow_survives_anything() -> None:
    folder = Path(__file__).parents[2] / "config" / "flows"
    flow = load_flows([folder])["main"]

    @settings(max_examples=100, deadline=None)
    @given(st.lists(inputs, max_size=40))
    def check(said: list[Input]) -> None:
        _, state = step(flow, State(), Began(at=NOW, caller_number="+491"))
        for each in said:
            if state.ended:
                return
            commands, state = step(flow, state, each)
            assert_step_is_over(commands, state)

    check()
