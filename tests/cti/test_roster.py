"""Everybody's state out of facts: what no single agent's moves can tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cti import events as e
from cti.ami.wire import message
from cti.board import Board
from cti.roster import AgentPlan, QueuePlan, Roster

T0 = datetime(2026, 3, 2, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def roster() -> Roster:
    plans = {
        name: AgentPlan(name=name, extension=extension, queues={"support": 0})
        for name, extension in (("ava", "101"), ("ben", "102"))
    }
    return Roster("s", plans, {"support": QueuePlan(name="support", wrap_up=30)}, T0)


def test_who_gets_a_queues_call_by_transfer_wraps_up_too() -> None:
    all_ = roster()
    for fact in (
        e.CallQueued(at=at(0), system="s", call_id="c", queue="support", position=1, leg_id="l"),
        e.CallAnswered(at=at(1), system="s", call_id="c", agent="ava", leg_id="a", queue="support"),
        e.CallReleased(at=at(5), system="s", call_id="c", agent="ava", leg_id="a", talked=4),
        e.CallAnswered(at=at(6), system="s", call_id="c", agent="ben", leg_id="b"),
        e.CallReleased(at=at(9), system="s", call_id="c", agent="ben", leg_id="b", talked=3),
    ):
        all_.apply(fact)
    assert all_.states["ben"].wrap_up_until == at(39)


def test_a_call_between_colleagues_leaves_no_wrap_up() -> None:
    all_ = roster()
    for fact in (
        e.CallAnswered(at=at(1), system="s", call_id="x", agent="ben", leg_id="b"),
        e.CallReleased(at=at(5), system="s", call_id="x", agent="ben", leg_id="b", talked=4),
    ):
        all_.apply(fact)
    assert all_.states["ben"].wrap_up_until is None


@pytest.mark.parametrize("since", ["²", "0", "9" * 20, "9" * 5_000])
def test_a_wrap_up_whose_pause_has_no_time_is_counted_from_now(since: str) -> None:
    all_ = roster()
    pairs = {"Name": "ava", "Queue": "support", "Paused": "1", "PausedReason": "wrap-up"}
    member = message(("Event", "QueueMember"), *pairs.items(), ("LastPause", since))
    all_.resync(at(0), [member], {})
    assert all_.states["ava"].wrap_up_until == at(30)


def test_a_change_by_asterisks_slower_clock_is_not_told_as_older() -> None:
    """An agent ends the wrap-up (our time) and is rung at once (Asterisk's time, behind ours): a
    board that follows shows the ringing."""
    all_, board = roster(), Board({"support": 20}, now=T0, agents=["ava", "ben"])
    answered = e.CallAnswered(
        at=at(1), system="s", call_id="c", agent="ava", leg_id="a", queue="support"
    )
    released = e.CallReleased(at=at(5), system="s", call_id="c", agent="ava", leg_id="a", talked=4)
    rings = e.CallOffered(
        at=at(9.6), system="s", call_id="d", agent="ava", leg_id="b", queue="support"
    )
    changes = [*all_.apply(answered), *all_.apply(released), *all_.end_wrap_up("ava", at(10))]
    changes += all_.apply(rings)
    for change in changes:
        board.apply(change)
    assert board.snapshot().agents["ava"].status == "ringing"
