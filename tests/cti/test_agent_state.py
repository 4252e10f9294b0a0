"""The moves of an agent: whatever comes late or twice, nobody is stuck and no wrap-up restarts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cti import agent_state as moves
from cti.agent_state import AgentState

T0 = datetime(2026, 3, 2, tzinfo=UTC)
SIGNED_OUT = AgentState(agent="ava", since=T0)
AVAILABLE = moves.in_queues(SIGNED_OUT, ("support",))


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def talking(leg: str = "L1", queue: str | None = "support") -> AgentState:
    return moves.talks(moves.offered(AVAILABLE, leg, "c1"), leg, "c1", queue)


def test_the_way_through_a_call() -> None:
    state, seen = AVAILABLE, [AVAILABLE.status]
    for step in (
        lambda s: moves.offered(s, "L1", "c1"),
        lambda s: moves.talks(s, "L1", "c1", "support"),
        lambda s: moves.held(s, "L1", on=True),
        lambda s: moves.held(s, "L1", on=False),
        lambda s: moves.released(s, "L1", at(10), 30),
        lambda s: moves.wrap_up_over(s, at(40)),
    ):
        state = step(state)
        seen.append(state.status)
    assert seen == ["available", "ringing", "talking", "held", "talking", "wrap_up", "available"]
    assert state.call_id is None


def test_a_wrap_up_neither_restarts_nor_ends_by_late_facts() -> None:
    state = moves.released(talking(), "L1", at(10), 30)
    assert state.wrap_up_until == at(40)
    for late in (
        moves.released(state, "L1", at(20), 30),
        moves.talks(state, "L1", "c1", "support"),
        moves.offered(state, "L1", "c1"),
        moves.offer_ended(state, "L1"),
        moves.leg_over(state, "L1"),
        moves.wrap_up_over(state, at(39)),
    ):
        assert (late.status, late.wrap_up_until) == ("wrap_up", at(40))


def test_no_wrap_up_after_a_call_that_is_given_none() -> None:
    assert moves.released(talking(queue=None), "L1", at(10), 0).status == "available"


def test_who_dials_is_calling_until_the_other_side_answers() -> None:
    state = moves.calls(AVAILABLE, "L1", "c1")
    assert (state.status, state.call_id) == ("calling", "c1")
    # Their own leg rings nobody, whoever says so.
    state = moves.offer_ended(moves.offered(state, "L1", "c1"), "L1")
    assert state.status == "calling"
    assert moves.merged(state, "older", "c1").call_id == "older"
    talks = moves.talks(state, "L1", "c1", None)
    assert (talks.status, talks.calling) == ("talking", {})
    assert moves.calls(talks, "L1", "c1").status == "talking"
    over = moves.leg_over(state, "L1")
    assert over.status == "available"
    assert moves.calls(over, "L1", "c1").status == "available"


def test_who_dials_in_their_wrap_up_goes_on_with_work() -> None:
    wrapping = moves.released(talking(), "L1", at(1), 30)
    assert moves.leg_over(moves.calls(wrapping, "L2", "c2"), "L2").status == "wrap_up"


def test_no_wrap_up_after_a_consultation_only_after_the_call() -> None:
    consulting = moves.talks(talking("L1"), "L2", "c1", "support")
    back = moves.released(consulting, "L2", at(5), 30)
    assert (back.status, back.wrap_up_until) == ("talking", None)
    assert moves.released(back, "L1", at(9), 30).status == "wrap_up"
    handed_on = moves.released(consulting, "L1", at(5), 30)
    assert handed_on.wrap_up_until is None
    assert moves.released(handed_on, "L2", at(5), 30).wrap_up_until == at(35)


def test_a_pause_during_a_call_takes_effect_after_call_and_wrap_up() -> None:
    state = moves.paused(talking(), "lunch")
    assert (state.status, state.reason) == ("talking", "")
    state = moves.released(state, "L1", at(10), 30)
    assert state.status == "wrap_up"
    state = moves.wrap_up_over(state)
    assert (state.status, state.reason) == ("paused", "lunch")


def test_a_second_leg_keeps_the_agent_talking() -> None:
    state = moves.talks(talking("L1"), "L2", "c2", None)
    state = moves.released(state, "L2", at(5), 30)
    assert (state.status, state.call_id) == ("talking", "c1")


def test_held_only_when_every_leg_holds() -> None:
    state = moves.held(moves.talks(talking("L1"), "L2", "c2", None), "L1", on=True)
    assert state.status == "talking"
    assert moves.held(state, "L2", on=True).status == "held"


def test_signing_out_ends_pause_and_wrap_up_but_no_call() -> None:
    assert moves.in_queues(moves.paused(AVAILABLE, "lunch"), ()).status == "signed_out"
    assert moves.in_queues(moves.released(talking(), "L1", at(1), 30), ()).status == "signed_out"
    assert moves.in_queues(talking(), ()).status == "talking"


def test_a_device_that_is_gone_is_unreachable_only_for_who_could_be_rung() -> None:
    assert moves.reachable(AVAILABLE, yes=False).status == "unreachable"
    assert moves.reachable(moves.paused(AVAILABLE, "lunch"), yes=False).status == "paused"
    assert moves.reachable(SIGNED_OUT, yes=False).status == "signed_out"


def test_a_merge_renames_the_call_the_agent_is_on() -> None:
    assert moves.merged(talking(), "older", "c1").call_id == "older"
    wrapping = moves.released(talking(), "L1", at(1), 30)
    assert moves.merged(wrapping, "older", "c1").call_id == "older"


def test_since_is_when_what_people_see_began() -> None:
    after = moves.dated(AVAILABLE, moves.reachable(AVAILABLE, yes=True), at(5))
    assert after.since == T0
    assert moves.dated(AVAILABLE, moves.paused(AVAILABLE, "lunch"), at(5)).since == at(5)


LEGS = ["L1", "L2", "L3"]
LEG = st.sampled_from(LEGS)
MOVES: dict[str, Callable[[AgentState, str, datetime], AgentState]] = {
    "offered": lambda s, leg, _: moves.offered(s, leg, "c"),
    "talks": lambda s, leg, _: moves.talks(s, leg, "c", "support"),
    "calls": lambda s, leg, _: moves.calls(s, leg, "c"),
    "held": lambda s, leg, _: moves.held(s, leg, on=True),
    "released": lambda s, leg, now: moves.released(s, leg, now, 30),
    "offer_ended": lambda s, leg, _: moves.offer_ended(s, leg),
    "leg_over": lambda s, leg, _: moves.leg_over(s, leg),
}
STEPS = st.tuples(st.sampled_from(sorted(MOVES)), LEG)


@given(st.lists(STEPS, max_size=40))
def test_when_every_leg_is_over_the_agent_is_free(steps: list[tuple[str, str]]) -> None:
    """In any order, any number of times: after the legs' ends and the limit nobody is stuck."""
    state, wrapped = AVAILABLE, list[datetime]()
    for number, (kind, leg) in enumerate(steps):
        before = state
        state = MOVES[kind](state, leg, at(number))
        assert not set(state.ringing) & set(state.talking)
        assert not set(state.calling) & set(state.talking)
        until = state.wrap_up_until
        if until is not None and until != before.wrap_up_until:
            assert kind == "released"
            assert leg in before.talking
            wrapped.append(until)
    for leg in LEGS:
        state = moves.leg_over(state, leg)
    assert len(wrapped) <= len(LEGS)
    assert moves.wrap_up_over(state, at(1_000)).status == "available"
