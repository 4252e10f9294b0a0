"""Which calls an agent's desk shows: from the ring to the end of wrap-up, and nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent_console.live.parts import Last, Parts
from cti import events as e
from cti.board import Board

T0 = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


class Desk:
    """A board and the parts that follow it, fed with facts a second apart."""

    def __init__(self) -> None:
        self.board = Board({"support": 20}, now=T0, agents=("ava", "ben"))
        self.parts = Parts()
        self.now = T0

    def tell(self, kind: type[e.Fact], /, **fields: Any) -> set[str]:
        self.now += timedelta(seconds=1)
        fact = kind(at=self.now, system="s", **fields)
        return self.parts.apply(fact, self.board.apply(fact))

    def states(self, agent: str) -> dict[str, str]:
        return {call_id: part.state for call_id, part in self.parts.of(agent).items()}

    def arrive(self, call_id: str = "c1") -> None:
        self.tell(
            e.CallArrived, call_id=call_id, leg_id=f"{call_id}-in", channel="PJSIP/t-1",
            direction="inbound", caller_number="+4930", caller_name="", dialed="2000",
        )  # fmt: skip
        self.tell(
            e.CallQueued, call_id=call_id, queue="support", position=1, leg_id=f"{call_id}-in"
        )

    def agent(self, agent: str, status: str, call_id: str | None = None) -> None:
        self.tell(e.AgentChanged, agent=agent, status=status, since=self.now, call_id=call_id)

    def ring(self, agent: str, call_id: str = "c1") -> None:
        self.tell(
            e.CallOffered, call_id=call_id, agent=agent, leg_id=f"{call_id}-{agent}",
            queue="support",
        )  # fmt: skip
        self.agent(agent, "ringing", call_id)

    def answer(self, agent: str, call_id: str = "c1", waited: float = 5.0) -> None:
        self.tell(
            e.CallAnswered, call_id=call_id, agent=agent, leg_id=f"{call_id}-{agent}",
            queue="support", waited=waited,
        )  # fmt: skip
        self.agent(agent, "talking", call_id)

    def release(self, agent: str, call_id: str = "c1") -> None:
        self.tell(
            e.CallReleased, call_id=call_id, agent=agent, leg_id=f"{call_id}-{agent}", talked=9.0
        )


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_part_begins_with_the_ring_and_goes_through_talking_to_wrap_up(desk: Desk) -> None:
    desk.arrive()
    assert desk.states("ava") == {}
    desk.ring("ava")
    assert desk.states("ava") == {"c1": "ringing"}
    assert desk.parts.of("ava")["c1"].waited == 1.0
    desk.answer("ava")
    assert desk.states("ava") == {"c1": "talking"}
    assert desk.parts.of("ava")["c1"].waited == 5.0
    desk.release("ava")
    assert desk.states("ava") == {"c1": "ended"}
    desk.agent("ava", "wrap_up", "c1")
    assert desk.states("ava") == {"c1": "wrap_up"}
    desk.tell(e.CallEnded, call_id="c1", cause=16, by="caller")
    assert desk.states("ava") == {"c1": "wrap_up"}
    desk.agent("ava", "available")
    assert desk.states("ava") == {}


def test_wrap_up_told_before_the_release_keeps_the_call_too(desk: Desk) -> None:
    desk.arrive()
    desk.ring("ava")
    desk.answer("ava")
    desk.agent("ava", "wrap_up", "c1")
    desk.release("ava")
    assert desk.states("ava") == {"c1": "wrap_up"}


def test_only_the_agent_who_is_rung_has_part(desk: Desk) -> None:
    desk.arrive()
    desk.ring("ava")
    assert desk.states("ben") == {}
    assert desk.parts.agents_of("c1") == ["ava"]


def test_a_ring_that_is_not_answered_goes_at_once_and_the_next_agent_has_it(desk: Desk) -> None:
    desk.arrive()
    desk.ring("ava")
    touched = desk.tell(
        e.CallOfferEnded, call_id="c1", agent="ava", leg_id="c1-ava", reason="no_answer"
    )
    assert touched == {"ava"}
    assert desk.states("ava") == {}
    desk.ring("ben")
    assert desk.states("ben") == {"c1": "ringing"}


def test_ring_all_closes_for_those_who_were_not_first(desk: Desk) -> None:
    desk.arrive()
    desk.ring("ava")
    desk.ring("ben")
    desk.answer("ava")
    desk.tell(
        e.CallOfferEnded, call_id="c1", agent="ben", leg_id="c1-ben", reason="answered_elsewhere"
    )
    assert desk.states("ava") == {"c1": "talking"}
    assert desk.states("ben") == {}


def test_the_caller_gives_up_while_it_rings(desk: Desk) -> None:
    desk.arrive()
    desk.ring("ava")
    desk.tell(e.CallEnded, call_id="c1", cause=16, by="caller")
    assert desk.states("ava") == {}


@pytest.mark.parametrize("transfer_first", [True, False])
def test_after_a_transfer_the_first_agents_part_is_cleared(
    desk: Desk, transfer_first: bool
) -> None:
    desk.arrive()
    desk.ring("ava")
    desk.answer("ava")
    if transfer_first:
        desk.tell(e.CallTransferred, call_id="c1", kind="blind", by="ava", to="102")
        desk.release("ava")
    else:
        desk.release("ava")
        desk.tell(e.CallTransferred, call_id="c1", kind="blind", by="ava", to="102")
    desk.agent("ava", "wrap_up", "c1")
    desk.ring("ben")
    assert desk.states("ava") == {}
    assert desk.states("ben") == {"c1": "ringing"}


def last(desk: Desk, agent: str) -> tuple[str, bool] | None:
    found = desk.parts.last_of(agent)
    return None if found is None else (found.call_id, found.handed_on)


@pytest.mark.parametrize("transfer_first", [True, False])
def test_a_call_handed_on_stays_the_agents_last(desk: Desk, transfer_first: bool) -> None:
    """Until they take the next one; it is on their desk, and theirs to act on no more."""
    desk.arrive()
    desk.ring("ava")
    desk.answer("ava")
    assert last(desk, "ava") is None
    moves = [
        lambda: desk.tell(e.CallTransferred, call_id="c1", kind="blind", by="ava", to="102"),
        lambda: desk.release("ava"),
    ]
    for move in moves if transfer_first else reversed(moves):
        move()
    desk.agent("ava", "wrap_up", "c1")
    assert last(desk, "ava") == ("c1", True)
    desk.ring("ben")
    assert last(desk, "ben") is None
    assert desk.parts.agents_showing("c1") == ["ben", "ava"]
    assert desk.parts.agents_of("c1") == ["ben"]
    desk.arrive("c2")
    desk.ring("ava", "c2")
    assert last(desk, "ava") == ("c1", True)
    desk.answer("ava", "c2")
    assert last(desk, "ava") is None


def test_a_call_wrapped_up_stays_the_agents_last_until_they_are_done(desk: Desk) -> None:
    desk.arrive()
    desk.ring("ava")
    desk.answer("ava")
    desk.agent("ava", "wrap_up", "c1")
    desk.release("ava")
    assert last(desk, "ava") is None  # its card is still there
    desk.agent("ava", "available")
    assert last(desk, "ava") == ("c1", False)
    desk.tell(e.CallMerged, call_id="c0", absorbed="c1")
    assert last(desk, "ava") == ("c0", False)
    desk.parts.forget_last("ava")
    assert last(desk, "ava") is None


def test_a_call_that_only_rang_is_nobodys_last(desk: Desk) -> None:
    desk.arrive()
    desk.ring("ava")
    desk.tell(e.CallOfferEnded, call_id="c1", agent="ava", leg_id="c1-ava", reason="no_answer")
    assert last(desk, "ava") is None


def test_a_call_that_is_held_says_so(desk: Desk) -> None:
    desk.arrive()
    desk.ring("ava")
    desk.answer("ava")
    desk.tell(e.LegHeld, call_id="c1", leg_id="c1-ava")
    assert desk.states("ava") == {"c1": "held"}
    desk.tell(e.LegResumed, call_id="c1", leg_id="c1-ava")
    assert desk.states("ava") == {"c1": "talking"}


def test_a_new_call_ends_the_wrap_up_of_the_one_before(desk: Desk) -> None:
    desk.arrive("c1")
    desk.ring("ava", "c1")
    desk.answer("ava", "c1")
    desk.agent("ava", "wrap_up", "c1")
    desk.release("ava", "c1")
    desk.arrive("c2")
    desk.tell(e.CallOffered, call_id="c2", agent="ava", leg_id="c2-ava", queue="support")
    desk.tell(e.CallAnswered, call_id="c2", agent="ava", leg_id="c2-ava", queue="support")
    assert desk.states("ava") == {"c2": "talking"}


def test_a_merged_call_keeps_its_part_under_the_id_that_stays(desk: Desk) -> None:
    desk.arrive("c1")
    desk.arrive("c2")
    desk.ring("ava", "c2")
    desk.answer("ava", "c2")
    desk.tell(e.CallMerged, call_id="c1", absorbed="c2")
    assert desk.states("ava") == {"c1": "talking"}


def test_a_resync_shows_what_the_bridge_knows(desk: Desk) -> None:
    live = e.LiveCall(
        call_id="c9", system="s", direction="inbound", caller_number="", caller_name="",
        dialed="2000", arrived_at=T0, state="talking", agents=("ben",),
    )  # fmt: skip
    agent = e.LiveAgent(agent="ben", status="talking", since=T0, call_id="c9")
    desk.arrive()
    desk.ring("ava")
    desk.tell(e.BoardResynced, board=e.BoardSnapshot(calls={"c9": live}, agents={"ben": agent}))
    assert desk.states("ben") == {"c9": "talking"}
    assert desk.states("ava") == {}


def test_late_and_repeated_facts_change_nothing(desk: Desk) -> None:
    desk.arrive()
    desk.ring("ava")
    desk.answer("ava")
    desk.release("ava")
    desk.agent("ava", "available")
    desk.tell(e.CallEnded, call_id="c1", cause=16, by="caller")
    desk.ring("ava")
    desk.answer("ava")
    assert desk.states("ava") == {}


def test_what_was_the_last_call_before_gives_way_to_every_later_one(desk: Desk) -> None:
    before = Last(call_id="before", at=T0)
    assert desk.parts.recall_last("ava", before) is True
    assert last(desk, "ava") == ("before", False)
    desk.parts.forget_last("ava")
    desk.arrive()
    desk.ring("ava")
    desk.answer("ava")
    assert desk.parts.recall_last("ava", before) is False
    assert last(desk, "ava") is None


def test_a_call_that_is_kept_stays_on_the_desk_with_its_card(desk: Desk) -> None:
    """The page is loaded anew in mid-call: it is there again, and so is the call."""
    desk.arrive()
    desk.answer("ava")
    desk.tell(e.CallCutOff, call_id="c1", agent="ava", leg_id="c1-ava", talked=3.0)
    desk.agent("ava", "reconnecting", "c1")
    assert desk.states("ava") == {"c1": "reconnecting"}
    desk.tell(e.CallAnswered, call_id="c1", agent="ava", leg_id="c1-ava-2")
    desk.agent("ava", "talking", "c1")
    assert desk.states("ava") == {"c1": "talking"}
    assert desk.parts.last_of("ava") is None


def test_a_call_that_is_not_taken_back_goes_into_wrap_up(desk: Desk) -> None:
    desk.arrive()
    desk.answer("ava")
    desk.tell(e.CallCutOff, call_id="c1", agent="ava", leg_id="c1-ava", talked=3.0)
    desk.agent("ava", "reconnecting", "c1")
    desk.release("ava")
    assert desk.states("ava") == {"c1": "ended"}
    desk.agent("ava", "wrap_up", "c1")
    assert desk.states("ava") == {"c1": "wrap_up"}


# -- calls that the agent places ---------------------------------------------------------------


def dials(desk: Desk, call_id: str = "o1", direction: str = "outbound") -> None:
    desk.tell(
        e.CallArrived, call_id=call_id, leg_id=f"{call_id}-ava", channel="PJSIP/ava-1",
        direction=direction, caller_number="101", caller_name="", dialed="+4930", agent="ava",
    )  # fmt: skip
    desk.agent("ava", "calling", call_id)


def fails(desk: Desk, call_id: str = "o1", by: str = "system") -> None:
    desk.tell(e.LegEnded, call_id=call_id, leg_id=f"{call_id}-ava", cause=17)
    desk.agent("ava", "available")
    desk.tell(e.CallEnded, call_id=call_id, cause=17, by=by)


def why(desk: Desk, call_id: str = "o1") -> tuple[str, str]:
    part = desk.parts.of("ava")[call_id]
    return part.state, part.why


def test_a_call_that_is_dialled_is_on_the_desk_from_the_first_ring(desk: Desk) -> None:
    dials(desk)
    assert desk.states("ava") == {"o1": "calling"}
    desk.tell(e.CallAnswered, call_id="o1", agent="ava", leg_id="o1-ava")
    desk.agent("ava", "talking", "o1")
    assert desk.states("ava") == {"o1": "talking"}
    desk.tell(e.CallReleased, call_id="o1", agent="ava", leg_id="o1-ava", talked=9.0)
    desk.agent("ava", "wrap_up", "o1")
    fails(desk, by="caller")  # its end comes after that
    assert desk.states("ava") == {}
    last = desk.parts.last_of("ava")
    assert last is not None
    assert last.call_id == "o1"


def test_one_that_reaches_nobody_stays_with_why_until_it_is_closed(desk: Desk) -> None:
    dials(desk)
    assert desk.tell(e.CallNotReached, call_id="o1", agent="ava", why="busy") == {"ava"}
    assert why(desk) == ("calling", "busy")
    fails(desk)
    assert why(desk) == ("ended", "busy")
    assert desk.parts.agents_of("o1") == ["ava"]
    desk.parts.forget_last("ava")
    assert desk.states("ava") == {}
    assert desk.parts.last_of("ava") is None


@pytest.mark.parametrize(("by", "said"), [("agent", "cancelled"), ("system", "failed")])
def test_whose_end_nobody_explained_is_said_as_far_as_it_is_known(
    desk: Desk, by: str, said: str
) -> None:
    dials(desk)
    fails(desk, by=by)
    assert why(desk) == ("ended", said)


def test_the_next_call_that_is_taken_or_dialled_takes_its_place(desk: Desk) -> None:
    dials(desk)
    fails(desk)
    dials(desk, "o2")
    assert desk.states("ava") == {"o2": "calling"}
    fails(desk, "o2")
    desk.arrive()
    desk.ring("ava")
    assert desk.states("ava") == {"o2": "ended", "c1": "ringing"}  # it may be rejected
    desk.answer("ava")
    assert desk.states("ava") == {"c1": "talking"}


def test_a_caller_who_hung_up_later_is_no_reason(desk: Desk) -> None:
    """Only of a call that reached nobody is it told why."""
    desk.arrive()
    desk.ring("ava")
    desk.answer("ava")
    desk.release("ava")
    desk.agent("ava", "wrap_up", "c1")
    desk.tell(e.CallEnded, call_id="c1", cause=16, by="agent")
    assert desk.parts.of("ava")["c1"].why == ""


def test_who_fetches_a_caller_is_calling_and_then_has_the_callers_call(desk: Desk) -> None:
    desk.arrive()
    dials(desk, direction="internal")
    desk.tell(e.CallMerged, call_id="c1", absorbed="o1")
    assert desk.states("ava") == {"c1": "calling"}
    desk.tell(e.CallAnswered, call_id="c1", agent="ava", leg_id="o1-ava")
    assert desk.states("ava") == {"c1": "talking"}
