"""Any story of facts, in any order: pages that follow deltas equal fresh ones; privacy holds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_console.access import Viewer
from agent_console.live import screens as module
from agent_console.live.hub import Client, Hub, Key
from agent_console.live.screens import BOARD, DESK, Screens
from agent_console.live.today import Today
from cti import events as e
from service_desk.views import CustomerCard, Suggestion
from tests.agent_console.conftest import context_for
from tests.polling import until

T0 = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
AGENTS, CALLS = ("ava", "ben"), ("c1", "c2", "c3")
AGENT, CALL = st.sampled_from(AGENTS), st.sampled_from(CALLS)
STATUS = st.sampled_from(
    ["signed_out", "available", "ringing", "talking", "held", "wrap_up", "paused"]
)


def _made(kind: type[e.Fact], /, **fields: Any) -> st.SearchStrategy[Any]:
    """(kind, fields), the leg named after call and agent as one leg has one story."""
    return st.fixed_dictionaries(fields).map(lambda given: (kind, given))


ARRIVED = {
    "channel": "PJSIP/t", "direction": "inbound", "caller_number": "\udcff", "caller_name": "<b>",
    "dialed": "2000",
}  # fmt: skip
STEP = st.one_of(
    _made(e.CallArrived, call_id=CALL, **{name: st.just(value) for name, value in ARRIVED.items()}),
    _made(e.CallQueued, call_id=CALL, queue=st.just("support"), position=st.integers(1, 3)),
    _made(
        e.CallLeftQueue, call_id=CALL, queue=st.just("support"), waited=st.just(3.0),
        reason=st.sampled_from(["answered", "abandoned"]),
    ),
    _made(e.CallOffered, call_id=CALL, agent=AGENT),
    _made(
        e.CallOfferEnded, call_id=CALL, agent=AGENT,
        reason=st.sampled_from(["no_answer", "answered", "answered_elsewhere"]),
    ),
    _made(e.CallAnswered, call_id=CALL, agent=AGENT, waited=st.just(2.0)),
    _made(e.CallReleased, call_id=CALL, agent=AGENT, talked=st.just(1.0)),
    _made(e.CallCutOff, call_id=CALL, agent=AGENT, talked=st.just(1.0)),
    _made(e.CallTransferred, call_id=CALL, kind=st.just("blind"), by=AGENT, to=st.just("102")),
    _made(e.CallMerged, call_id=CALL, absorbed=CALL),
    _made(e.CallEnded, call_id=CALL, cause=st.just(16), by=st.just("caller")),
    _made(e.AgentChanged, agent=AGENT, status=STATUS, since=st.just(T0), call_id=CALL),
    _made(e.LinkLost, why=st.just("gone")),
    _made(e.LinkRestored, boot=st.just(T0)),
)  # fmt: skip
WITH_LEG = (e.CallOffered, e.CallOfferEnded, e.CallAnswered, e.CallReleased, e.CallCutOff)


def fact(kind: type[e.Fact], fields: dict[str, Any], at: datetime) -> e.Fact:
    more = dict(fields)
    if kind in WITH_LEG:
        more["leg_id"] = f"{fields['call_id']}-{fields['agent']}"
    elif kind in (e.CallArrived, e.CallQueued):
        more["leg_id"] = f"{fields['call_id']}-in"
    return kind(at=at, system="s", **more)


def card(call_id: str, language: str) -> CustomerCard:
    return CustomerCard(
        call_id=call_id, number_kind="unknown", number="", number_shown="", caller_name="",
        language=language, dialed="", queue=None, waited=None, path=(), candidates=(),
        customer=None, case=None, open_cases=(), timeline=(), conversations=(), products=(),
        promises=(), suggestion=Suggestion(),
    )  # fmt: skip


def follow(client: Client, state: dict[str, Any]) -> dict[str, Any]:
    """A page that reads what its socket was sent."""
    while not client.queue.empty():
        frame = msgspec.json.decode(client.queue.get_nowait())
        if "snapshot" in frame:
            state = frame["snapshot"]
            continue
        for section, objects in frame["delta"]["set"].items():
            state.setdefault(section, {}).update(objects)
        for section, keys in frame["delta"]["del"].items():
            for key in keys:
                del state[section][key]
    return {section: objects for section, objects in state.items() if objects}


async def play(folder: Path, steps: list[tuple[type[e.Fact], dict[str, Any]]]) -> None:
    async def build(call_id: str, language: str) -> CustomerCard:
        return card(call_id, language)

    async def names() -> dict[str, str]:
        return {}

    async def day(_agent: str) -> dict[str, Any]:
        return {"calls": 0}

    hub = Hub()
    context = context_for(folder)
    screens = Screens(context, hub, build_card=build, today=Today(day), names=names)
    await screens.start()
    pages: dict[str, Client] = {}
    for name, role in (("ava", "agent"), ("ben", "agent"), ("sue", "supervisor")):
        viewer = Viewer(staff_id=1, user=name, name=name, role=role)
        pages[name] = Client(viewer, "en", depth=10_000)
        if role == "agent":
            screens.watch_desk(name, "en")
            hub.subscribe(pages[name], Key(DESK, name), lambda name=name: screens.desk(name))
        else:
            hub.subscribe(pages[name], Key(BOARD), screens.board)
    seen: dict[str, dict[str, Any]] = {name: {} for name in pages}
    offered: dict[str, set[str]] = {name: set() for name in AGENTS}
    merged: dict[str, set[str]] = {call: {call} for call in CALLS}
    arrivals = [(e.CallArrived, {**ARRIVED, "call_id": call}) for call in CALLS]
    for number, (kind, fields) in enumerate([*arrivals, *steps]):
        told = fact(kind, fields, T0 + timedelta(seconds=number))
        if isinstance(told, e.CallOffered | e.CallAnswered):
            offered[told.agent].add(told.call_id)
        if isinstance(told, e.CallMerged):
            both = merged[told.call_id] | merged[told.absorbed]
            for call in both:
                merged[call] = both
        screens.on_fact(told)
        await asyncio.sleep(0)
    for _ in range(4):
        await asyncio.sleep(0)
    screens.flush_board()
    for name in AGENTS:
        seen[name] = follow(pages[name], seen[name])
        fresh = Client(pages[name].viewer, "en")
        hub.subscribe(fresh, Key(DESK, name), lambda name=name: screens.desk(name))
        seen[name] = follow(pages[name], seen[name])
        assert seen[name] == follow(fresh, {})
        theirs = set().union(*(merged[call] for call in offered[name])) if offered[name] else set()
        assert set(seen[name].get("call", {})) <= theirs
        assert set(seen[name].get("card", {})) <= set(seen[name].get("call", {}))
    fresh = Client(pages["sue"].viewer, "en")
    hub.subscribe(fresh, Key(BOARD), screens.board)
    assert follow(pages["sue"], {}) == follow(fresh, {})
    await screens.close()


@settings(max_examples=80, deadline=None)
@given(st.lists(STEP, min_size=3, max_size=40))
def test_pages_that_follow_equal_fresh_ones_and_show_no_others_calls(
    tmp_path_factory: Any, steps: list[tuple[type[e.Fact], dict[str, Any]]]
) -> None:
    asyncio.run(play(tmp_path_factory.getbasetemp(), steps))


async def test_a_call_that_is_over_keeps_its_card_for_a_while_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day's cards do not gather."""
    monkeypatch.setattr(module, "KEEP_CARD", 0.0)
    monkeypatch.setattr(module, "TICK", 0.01)

    async def build(call_id: str, language: str) -> CustomerCard:
        return card(call_id, language)

    async def nothing(*_: str) -> dict[str, Any]:
        return {}

    async def kept() -> CustomerCard | None:
        return screens.cards.any("c1")

    hub = Hub()
    screens = Screens(
        context_for(tmp_path), hub, build_card=build, today=Today(nothing), names=nothing
    )
    await screens.start()
    ava = Client(Viewer(staff_id=1, user="ava", name="ava", role="agent"), "en")
    screens.watch_desk("ava", "en")
    hub.subscribe(ava, Key(DESK, "ava"), lambda: screens.desk("ava"))
    screens.on_fact(fact(e.CallArrived, {**ARRIVED, "call_id": "c1"}, T0))
    screens.on_fact(fact(e.CallQueued, {"call_id": "c1", "queue": "support", "position": 1}, T0))
    screens.cards.invalidate("c1")  # it is written
    assert await until(kept, bool, every=0.01)
    screens.on_fact(fact(e.CallEnded, {"call_id": "c1", "cause": 16, "by": "caller"}, T0))
    await until(kept, lambda card: card is None, every=0.01)
    await screens.close()
