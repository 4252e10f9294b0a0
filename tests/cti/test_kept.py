"""An agent's device is lost in mid-call: what roster, board and interpreter make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cti import events as e
from cti.ami.wire import Message, message
from cti.board import Board
from cti.events import Fact
from cti.interpret import WANTED_EVENTS, Interpreter
from cti.interpret.kept import LOST_CAUSES
from cti.roster import AgentPlan, QueuePlan, Roster
from tests.fakes.ami_recording import EXTENSIONS, recording

T0 = datetime(2026, 3, 2, tzinfo=UTC)


def of_call(kind: type[Any], seconds: float, **rest: Any) -> Fact:
    fact: Fact = kind(at=T0 + timedelta(seconds=seconds), system="s", call_id="c", **rest)
    return fact


TALKS = (
    of_call(
        e.CallArrived,
        0,
        leg_id="in",
        channel="PJSIP/t-1",
        direction="inbound",
        caller_number="+4930",
        caller_name="",
        dialed="2000",
    ),
    of_call(e.CallQueued, 0, queue="support", position=1, leg_id="in"),
    of_call(e.CallAnswered, 1, agent="ava", leg_id="a1", queue="support", waited=1.0),
)
LOST = (
    of_call(e.CallCutOff, 5, agent="ava", leg_id="a1", talked=4.0),
    of_call(e.LegEnded, 5, leg_id="a1", cause=27),
)
BACK = of_call(e.CallAnswered, 7, agent="ava", leg_id="a2")


class Floor:
    """Roster and board as the bridge feeds them."""

    def __init__(self) -> None:
        plans = {
            name: AgentPlan(name=name, extension=number, queues={"support": 0})
            for name, number in (("ava", "101"), ("ben", "102"))
        }
        self.roster = Roster("s", plans, {"support": QueuePlan(name="support", wrap_up=30)}, T0)
        self.board = Board({"support": 20}, now=T0, agents=plans)

    def tell(self, *facts: Fact) -> None:
        for fact in facts:
            self.board.apply(fact)
            for change in self.roster.apply(fact):
                self.board.apply(change)

    @property
    def ava(self) -> tuple[str, bool]:
        """Her state on the board, and whether other calls are kept away from her."""
        return (
            self.board.snapshot().agents["ava"].status,
            self.roster.states["ava"].keeps_calls_away,
        )

    @property
    def call(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        call = self.board.call("c")
        assert call is not None
        return call.state, call.agents, call.kept_for


@pytest.fixture
def floor() -> Floor:
    made = Floor()
    made.tell(*TALKS, *LOST)
    return made


def test_who_is_lost_reconnects_and_no_other_call_rings(floor: Floor) -> None:
    assert floor.ava == ("reconnecting", True)
    assert floor.call == ("reconnecting", (), ("ava",))
    assert floor.roster.states["ava"].call_id == "c"


def test_who_is_back_talks_and_wraps_up_once_at_the_real_end(floor: Floor) -> None:
    floor.tell(BACK)
    assert floor.ava == ("talking", False)
    assert floor.call == ("talking", ("ava",), ())
    floor.tell(of_call(e.CallReleased, 20, agent="ava", leg_id="a2", talked=13.0))
    assert floor.ava == ("wrap_up", True)
    assert floor.roster.states["ava"].wrap_up_until == T0 + timedelta(seconds=50)


def test_who_does_not_come_back_wraps_up_and_the_call_waits(floor: Floor) -> None:
    floor.tell(
        of_call(e.CallReleased, 25, agent="ava", leg_id="a1", talked=4.0),
        of_call(e.CallQueued, 25, queue="support", position=1, leg_id="in"),
    )
    assert floor.ava == ("wrap_up", True)
    assert floor.call == ("waiting", (), ())


def test_a_replica_sees_who_is_expected_back(floor: Floor) -> None:
    other = Board({"support": 20}, now=T0, agents=("ava", "ben"))
    at = T0 + timedelta(seconds=6)
    other.apply(e.BoardResynced(at=at, system="s", board=floor.board.snapshot()))
    view = other.call("c")
    assert view is not None
    assert view.kept_for == ("ava",)
    other.apply(BACK)
    view = other.call("c")
    assert view is not None
    assert (view.state, view.agents, view.kept_for) == ("talking", ("ava",), ())


def test_a_merged_call_keeps_its_agent(floor: Floor) -> None:
    floor.tell(of_call(e.CallMerged, 6, absorbed="d"))
    older = e.CallMerged(at=T0 + timedelta(seconds=6), system="s", call_id="b", absorbed="c")
    floor.tell(older)
    assert floor.roster.states["ava"].call_id == "b"


# -- from Asterisk's events, as recorded ----------------------------------------------------------


def heard(name: str) -> list[Message]:
    return recording(name, WANTED_EVENTS).messages


def told(messages: list[Message]) -> list[e.Fact]:
    by = Interpreter("ringdesk-1", EXTENSIONS)
    return [fact for each in messages for fact in by.feed(each)]


def with_cause(messages: list[Message], cause: str) -> list[Message]:
    """The first leg of Ava's ends for another cause."""
    return [
        message(*((key, cause if value == "27" else value) for key, value in each.headers()))
        for each in messages
    ]


@pytest.mark.parametrize("cause", sorted(LOST_CAUSES))
def test_every_cause_of_a_loss_keeps_the_call(cause: int) -> None:
    kinds = [type(fact) for fact in told(with_cause(heard("refreshed"), str(cause)))]
    assert kinds.count(e.CallCutOff) == kinds.count(e.CallReleased) == 1


@pytest.mark.parametrize("cause", ["16", "17", "31", "0"])
def test_who_hangs_up_is_not_cut_off(cause: str) -> None:
    kinds = [type(fact) for fact in told(with_cause(heard("refreshed"), cause))]
    assert e.CallCutOff not in kinds


def test_the_ring_of_a_call_given_back_is_no_offer_and_none_is_missed() -> None:
    facts = told(heard("refreshed"))
    assert [type(fact) for fact in facts].count(e.CallOffered) == 1
    assert not [f for f in facts if isinstance(f, e.CallOfferEnded) and f.reason != "answered"]


def test_a_bridge_that_begins_meanwhile_knows_for_whom_the_call_is_kept() -> None:
    messages = heard("refreshed")
    cut = next(i for i, m in enumerate(messages) if m.name == "Hangup") + 1
    first, second = (Interpreter("ringdesk-1", EXTENSIONS) for _ in range(2))
    before = [fact for each in messages[:cut] for fact in first.feed(each)]
    second.recall(before)
    after = [fact for each in messages[cut:] for fact in second.feed(each)]
    assert [type(f) for f in after if isinstance(f, e.CallOffered | e.CallReleased)] == [
        e.CallReleased
    ]
    answered = [f for f in after if isinstance(f, e.CallAnswered)]
    assert [fact.agent for fact in answered] == ["ava"]
