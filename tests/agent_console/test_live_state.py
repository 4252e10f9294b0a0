"""Streams and the hub: snapshots, numbered deltas, clients that do not read."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent_console.access import Viewer
from agent_console.live.hub import Client, Hub, Key
from agent_console.live.state import Stream, difference

VIEWER = Viewer(staff_id=1, user="ava", name="Ava", role="agent")
SECTION = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 3))
STATE = st.dictionaries(st.sampled_from(["calls", "agents", "queues"]), SECTION)


def follow(state: dict[str, dict[str, Any]] | None, frame: bytes) -> dict[str, dict[str, Any]]:
    """What a page does with a frame."""
    message = msgspec.json.decode(frame)
    if "snapshot" in message:
        return {name: dict(objects) for name, objects in message["snapshot"].items()}
    assert state is not None
    for section, objects in message["delta"]["set"].items():
        state.setdefault(section, {}).update(objects)
    for section, keys in message["delta"]["del"].items():
        for key in keys:
            del state[section][key]
    return state


def without_empty(state: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: objects for name, objects in state.items() if objects}


def frames(client: Client) -> list[bytes]:
    found = []
    while not client.queue.empty():
        found.append(client.queue.get_nowait())
    return found


@given(st.lists(STATE, min_size=1, max_size=12))
def test_snapshot_and_deltas_equal_the_fresh_snapshot(states: list[dict[str, Any]]) -> None:
    stream = Stream("board")
    shown = follow(None, stream.snapshot())
    for state in states:
        frame = stream.advance(state)
        if frame is not None:
            shown = follow(shown, frame)
        assert without_empty(shown) == without_empty(state)
        assert without_empty(follow(None, stream.snapshot())) == without_empty(shown)


@given(STATE, STATE)
def test_a_delta_holds_only_what_changed(old: dict[str, Any], new: dict[str, Any]) -> None:
    delta = difference(old, new)
    for section, objects in delta.set.items():
        for key, value in objects.items():
            assert old.get(section, {}).get(key) != value
    assert bool(delta) == (without_empty(old) != without_empty(new))


def test_deltas_are_numbered_without_a_gap_and_nothing_is_sent_for_nothing() -> None:
    stream = Stream("board")
    numbers = []
    for calls in ({"1": 1}, {"1": 1}, {"1": 2}, {}):
        frame = stream.advance({"calls": calls})
        numbers.append(None if frame is None else msgspec.json.decode(frame)["seq"])
    assert numbers == [1, None, 2, 3]


def test_hostile_text_reaches_the_page_as_text() -> None:
    stream = Stream("board")
    frame = stream.advance({"calls": {"1": {"caller_name": "\udcff<img src=x>"}}})
    assert frame is not None
    shown = msgspec.json.decode(frame)["delta"]["set"]["calls"]["1"]["caller_name"]
    assert shown == "\ufffd<img src=x>" or shown.endswith("<img src=x>")


async def test_all_listeners_get_the_same_bytes() -> None:
    hub, key = Hub(), Key("board")
    clients = [Client(VIEWER, "en") for _ in range(3)]
    for client in clients:
        hub.subscribe(client, key, lambda: {"calls": {}})
        frames(client)
    hub.publish(key, {"calls": {"1": 1}})
    sent = [frames(client) for client in clients]
    assert all(len(found) == 1 for found in sent)
    assert sent[0][0] is sent[1][0] is sent[2][0]


async def test_a_client_that_does_not_read_is_cut_and_the_others_go_on() -> None:
    hub, key = Hub(), Key("board")
    slow, quick = Client(VIEWER, "en", depth=1), Client(VIEWER, "en")
    hub.subscribe(slow, key, lambda: {})
    hub.subscribe(quick, key, lambda: {})
    hub.publish(key, {"calls": {"1": 1}})
    assert slow.cut.is_set()
    assert slow.reason == "too slow"
    assert hub.cuts == 1
    hub.publish(key, {"calls": {"1": 2}})
    assert len(frames(quick)) == 3
    assert slow.queue.qsize() == 1


async def test_who_left_gets_nothing_and_a_stream_without_listeners_is_forgotten() -> None:
    hub, key = Hub(), Key("desk", "ava")
    client = Client(VIEWER, "en")
    hub.subscribe(client, key, lambda: {})
    assert hub.owners("desk") == ["ava"]
    hub.leave(client)
    frames(client)
    hub.publish(key, {"call": {"1": 1}})
    assert frames(client) == []
    assert not hub.listened(key)


async def test_subscribing_again_gives_a_fresh_snapshot() -> None:
    hub, key = Hub(), Key("board")
    client = Client(VIEWER, "en")
    hub.subscribe(client, key, lambda: {"calls": {"1": 1}})
    hub.subscribe(client, key, lambda: {"calls": {"1": 2}})
    state: dict[str, Any] | None = None
    for frame in frames(client):
        state = follow(state, frame)
    assert state == {"calls": {"1": 2}}


async def test_extra_sections_are_in_the_snapshot_alone() -> None:
    hub, key = Hub(), Key("desk", "ava")
    client = Client(VIEWER, "en")
    hub.subscribe(client, key, lambda: {"me": {}}, {"draft": {"note:1": {"text": "x"}}})
    hub.publish(key, {"me": {"me": 1}})
    first, second = [msgspec.json.decode(frame) for frame in frames(client)]
    assert first["snapshot"]["draft"] == {"note:1": {"text": "x"}}
    assert second["delta"] == {"set": {"me": {"me": 1}}, "del": {}}
