"""The board: whatever facts come in whatever order, snapshot + deltas == fresh snapshot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from cti import events as e
from cti.board import Board, apply_delta
from cti.events import BoardSnapshot, Fact

T0 = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def board() -> Board:
    return Board({"support": 20}, now=T0, agents=["ava", "ben"])


def call(kind: type[Any], seconds: float, call_id: str = "c1", **rest: Any) -> Fact:
    fact: Fact = kind(at=at(seconds), system="s", call_id=call_id, **rest)
    return fact


def agents_of(live: Board, call_id: str) -> tuple[str, ...]:
    view = live.call(call_id)
    assert view is not None
    return view.agents


def arrived(seconds: float = 0, call_id: str = "c1") -> Fact:
    return call(
        e.CallArrived,
        seconds,
        call_id,
        leg_id="L0",
        channel="PJSIP/carrier-1",
        direction="inbound",
        caller_number="+493012345",
        caller_name="x",
        dialed="1000",
    )


QUEUED_CALL = [
    arrived(),
    call(e.CallQueued, 1, queue="support", position=1, leg_id="L0"),
    call(e.CallOffered, 2, agent="ava", leg_id="L1", queue="support"),
    call(e.CallOfferEnded, 7, agent="ava", leg_id="L1", reason="no_answer"),
    call(e.CallOffered, 8, agent="ben", leg_id="L2", queue="support"),
    call(e.CallLeftQueue, 9, queue="support", reason="answered", waited=8.0),
    call(e.CallOfferEnded, 9, agent="ben", leg_id="L2", reason="answered"),
    call(e.CallAnswered, 9, agent="ben", leg_id="L2", queue="support", waited=8.0),
    call(e.LegHeld, 12, leg_id="L2"),
    call(e.LegResumed, 15, leg_id="L2"),
    call(e.CallReleased, 20, agent="ben", leg_id="L2", talked=8.0),
    call(e.LegEnded, 20, leg_id="L2", cause=16),
    call(e.CallEnded, 20, cause=16, by="caller"),
]


def test_a_queued_call_goes_through_its_states() -> None:
    live, states = board(), []
    for fact in QUEUED_CALL:
        live.apply(fact)
        view = live.call("c1")
        states.append(None if view is None else (view.state, view.ringing, view.agents))
    assert states == [
        ("menu", (), ()),
        ("waiting", (), ()),
        ("ringing", ("ava",), ()),
        ("waiting", (), ()),
        ("ringing", ("ben",), ()),
        ("ringing", ("ben",), ()),
        ("menu", (), ()),  # between the two facts of one AgentConnect
        ("talking", (), ("ben",)),
        ("held", (), ("ben",)),
        ("talking", (), ("ben",)),
        ("ending", (), ()),
        ("ending", (), ()),
        None,
    ]
    queue = live.snapshot().queues["support"]
    assert (queue.answered, queue.in_time, queue.abandoned, queue.waiting) == (1, 1, 0, ())


def test_the_queue_shows_who_waits_in_order() -> None:
    live = board()
    for number, position in ((1, 1), (2, 2), (3, 1)):
        live.apply(arrived(0, f"c{number}"))
        live.apply(
            call(e.CallQueued, 1, f"c{number}", queue="support", position=position, leg_id="L")
        )
    assert live.snapshot().queues["support"].waiting == ("c3", "c1", "c2")


def test_an_abandoned_call_counts_late_only_after_the_threshold() -> None:
    live = board()
    for call_id, waited in (("c1", 20.0), ("c2", 20.1)):
        live.apply(arrived(0, call_id))
        live.apply(call(e.CallQueued, 1, call_id, queue="support", position=1, leg_id="L"))
        left = call(
            e.CallLeftQueue, 30, call_id, queue="support", reason="abandoned", waited=waited
        )
        assert live.apply(left)
        assert not live.apply(left)  # told twice, counted once
    queue = live.snapshot().queues["support"]
    assert (queue.abandoned, queue.abandoned_late) == (2, 1)


def test_every_fact_told_twice_changes_nothing_more() -> None:
    once, twice = board(), board()
    for fact in QUEUED_CALL:
        once.apply(fact)
        twice.apply(fact)
        assert not twice.apply(fact)
    assert once.snapshot() == twice.snapshot()


def test_late_facts_never_reopen_a_finished_call() -> None:
    live = board()
    for fact in QUEUED_CALL:
        live.apply(fact)
    done = live.snapshot()
    for fact in QUEUED_CALL:
        assert not live.apply(fact)
    assert live.snapshot() == done


def test_an_end_that_overtakes_the_beginning_wins() -> None:
    live = board()
    live.apply(call(e.CallEnded, 9, cause=16, by="caller"))
    assert not live.apply(arrived())
    assert live.snapshot().calls == {}


def test_an_offer_that_comes_after_its_end_does_not_ring() -> None:
    live = board()
    live.apply(arrived())
    live.apply(call(e.CallOfferEnded, 5, agent="ava", leg_id="L1", reason="rejected"))
    live.apply(call(e.CallOffered, 4, agent="ava", leg_id="L1", queue="support"))
    view = live.call("c1")
    assert view is not None
    assert view.ringing == ()


def test_a_lost_hangup_does_not_leave_a_leg_ringing() -> None:
    live = board()
    live.apply(arrived())
    live.apply(call(e.CallOffered, 1, agent="ava", leg_id="L1"))
    live.apply(call(e.LegEnded, 2, leg_id="L1", cause=0))
    view = live.call("c1")
    assert view is not None
    assert view.ringing == ()


def test_a_merge_leaves_one_call_and_late_facts_find_it() -> None:
    live = board()
    live.apply(arrived(0, "c1"))
    live.apply(arrived(1, "c2"))
    live.apply(call(e.CallAnswered, 2, "c2", agent="ben", leg_id="L9"))
    live.apply(call(e.CallMerged, 3, "c1", absorbed="c2"))
    assert set(live.snapshot().calls) == {"c1"}
    assert live.call("c2") == live.call("c1")
    assert agents_of(live, "c1") == ("ben",)
    live.apply(call(e.CallReleased, 4, "c2", agent="ben", leg_id="L9", talked=2.0))
    assert agents_of(live, "c1") == ()


def test_a_consultation_that_waits_in_a_queue_goes_on_waiting_under_the_older_id() -> None:
    live = board()
    live.apply(arrived(0, "c1"))
    live.apply(arrived(1, "c2"))
    live.apply(call(e.CallQueued, 2, "c2", queue="support", position=1, leg_id="L"))
    live.apply(call(e.CallMerged, 3, "c1", absorbed="c2"))
    view = live.call("c1")
    assert view is not None
    assert (view.state, view.queue) == ("waiting", "support")
    assert live.snapshot().queues["support"].waiting == ("c1",)


def test_a_merge_into_an_id_nobody_saw_renames_the_call() -> None:
    live = board()
    live.apply(arrived(1, "c2"))
    live.apply(call(e.CallQueued, 2, "c2", queue="support", position=1, leg_id="L"))
    live.apply(call(e.CallMerged, 3, "c1", absorbed="c2"))
    assert set(live.snapshot().calls) == {"c1"}
    assert live.snapshot().queues["support"].waiting == ("c1",)


def test_counters_begin_anew_at_local_midnight() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    evening = datetime(2026, 3, 2, 23, 59, 0, tzinfo=zone).astimezone(UTC)
    live = Board({"support": 20}, now=evening, zone=zone)
    live.apply(e.CallArrived(**{**_fields(arrived()), "at": evening}))
    left = e.CallLeftQueue(
        at=evening, system="s", call_id="c1", queue="support", reason="abandoned", waited=1.0
    )
    live.apply(left)
    assert live.snapshot().queues["support"].abandoned == 1
    assert not live.tick(evening + timedelta(seconds=59))
    assert live.tick(evening + timedelta(seconds=60))
    queue = live.snapshot().queues["support"]
    assert queue.abandoned == 0
    assert queue.counted_since == datetime(2026, 3, 3, tzinfo=zone)


def test_the_board_says_since_when_it_is_stale() -> None:
    live = board()
    live.apply(e.LinkLost(at=at(5), system="s", why="gone"))
    live.apply(e.LinkLost(at=at(6), system="s", why="still gone"))
    assert live.snapshot().stale_since == at(5)
    live.apply(e.LinkRestored(at=at(7), system="s", boot=T0))
    assert live.snapshot().stale_since is None


def test_an_old_state_of_an_agent_does_not_replace_a_newer_one() -> None:
    live = board()
    new = e.AgentChanged(at=at(2), system="s", agent="ava", status="talking", since=at(2))
    old = e.AgentChanged(at=at(1), system="s", agent="ava", status="ringing", since=at(1))
    live.apply(new)
    assert not live.apply(old)
    assert live.snapshot().agents["ava"].status == "talking"


def test_a_replica_follows_from_a_snapshot() -> None:
    master, replica = board(), Board({}, now=T0)
    for fact in QUEUED_CALL[:9]:
        master.apply(fact)
    resynced = e.BoardResynced(at=at(13), system="s", board=master.snapshot())
    replica.apply(resynced)
    assert replica.snapshot() == master.snapshot()
    for fact in QUEUED_CALL[9:]:
        master.apply(fact)
        replica.apply(fact)
        assert replica.snapshot() == master.snapshot()


def _fields(fact: Fact) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in fact.__struct_fields__}


CALLS = st.sampled_from(["c1", "c2", "c3"])
LEGS = st.sampled_from(["L0", "L1", "L2"])
AGENTS = st.sampled_from(["ava", "ben", "stranger"])
QUEUES = st.sampled_from(["support", "unknown"])
WHEN = st.integers(0, 200_000).map(at)
COMMON: dict[str, Any] = {"at": WHEN, "system": st.just("s"), "call_id": CALLS}
QUEUE_EXITS = st.sampled_from(["answered", "abandoned", "timeout"])

FACTS: st.SearchStrategy[Fact] = st.one_of(
    st.builds(arrived, st.integers(0, 100), CALLS),
    st.builds(e.CallMerged, **COMMON, absorbed=CALLS),
    st.builds(e.CallQueued, **COMMON, queue=QUEUES, position=st.integers(-1, 4), leg_id=LEGS),
    st.builds(e.CallLeftQueue, **COMMON, queue=QUEUES, reason=QUEUE_EXITS, waited=st.floats(0, 99)),
    st.builds(e.CallOffered, **COMMON, agent=AGENTS, leg_id=LEGS),
    st.builds(
        e.CallOfferEnded,
        **COMMON,
        agent=AGENTS,
        leg_id=LEGS,
        reason=st.sampled_from(["answered", "no_answer", "rejected"]),
    ),
    st.builds(e.CallAnswered, **COMMON, agent=AGENTS, leg_id=LEGS),
    st.builds(e.CallReleased, **COMMON, agent=AGENTS, leg_id=LEGS, talked=st.just(1.0)),
    st.builds(e.CallCutOff, **COMMON, agent=AGENTS, leg_id=LEGS, talked=st.just(1.0)),
    st.builds(e.LegHeld, **COMMON, leg_id=LEGS),
    st.builds(e.LegResumed, **COMMON, leg_id=LEGS),
    st.builds(e.LegEnded, **COMMON, leg_id=LEGS, cause=st.just(16)),
    st.builds(e.CallEnded, **COMMON, cause=st.just(16), by=st.just("caller")),
    st.builds(
        e.AgentChanged,
        at=WHEN,
        system=st.just("s"),
        agent=AGENTS,
        status=st.sampled_from(["available", "ringing", "talking"]),
        since=WHEN,
    ),
    st.builds(
        e.QueueChanged,
        at=WHEN,
        system=st.just("s"),
        queue=QUEUES,
        waiting=st.lists(CALLS, unique=True).map(tuple),
    ),
    st.builds(e.LinkLost, at=WHEN, system=st.just("s"), why=st.just("x")),
    st.builds(e.LinkRestored, at=WHEN, system=st.just("s"), boot=WHEN),
    st.builds(
        e.BoardResynced, at=WHEN, system=st.just("s"), board=st.just(BoardSnapshot(stale_since=T0))
    ),
)


@settings(max_examples=300)
@given(st.lists(FACTS, max_size=60))
def test_snapshot_plus_deltas_is_the_fresh_snapshot(facts: list[Fact]) -> None:
    live = board()
    followed = live.snapshot()
    ended: set[str] = set()
    for fact in facts:
        followed = apply_delta(followed, live.apply(fact))
        fresh = live.snapshot()
        assert followed == fresh
        if isinstance(fact, e.CallEnded):
            ended.add(fact.call_id)
        assert not ended & fresh.calls.keys()
        for queue in fresh.queues.values():
            assert set(queue.waiting) <= fresh.calls.keys()


@settings(max_examples=200)
@given(st.permutations(QUEUED_CALL), st.data())
def test_in_any_order_and_any_number_of_times_a_call_that_ended_is_gone(
    facts: list[Fact], data: st.DataObject
) -> None:
    live = board()
    followed = live.snapshot()
    repeats = data.draw(st.lists(st.sampled_from(facts)))
    for fact in [*facts, *repeats]:
        followed = apply_delta(followed, live.apply(fact))
    assert followed == live.snapshot()
    assert live.snapshot().calls == {}
    queue = live.snapshot().queues["support"]
    assert queue.waiting == ()
    assert queue.answered <= 1
