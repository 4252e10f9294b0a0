"""Two witnesses of one call: each thing once, gaps filled, guesses given up."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from cti import events as cti
from cti.interpret import Interpreter
from service_desk.fold import fold
from service_desk.fold_facts import TELLING
from service_desk.intake import packed
from service_desk.witnesses import adds_nothing, agreed
from tests.fakes.ami_recording import EXTENSIONS, recording
from tests.fakes.cel_recording import CEL_NAMES, SYSTEM, journal_facts

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE: dict[str, Any] = {"system": "pbx", "call_id": "a"}


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def written(fact: Any, after: float = 0.0) -> Any:
    """The journal's telling of the same thing, a moment off."""
    return structs.replace(fact, journal=True, at=fact.at + timedelta(seconds=after))


def started(seconds: float, leg: str = "l") -> cti.LegStarted:
    return cti.LegStarted(
        **BASE, at=at(seconds), leg_id=leg, channel="PJSIP/t-1", party="caller", address=""
    )


def joined(seconds: float, leg: str = "l") -> cti.LegJoined:
    return cti.LegJoined(**BASE, at=at(seconds), leg_id=leg, bridge_id="b")


def parted(seconds: float, leg: str = "l") -> cti.LegParted:
    return cti.LegParted(**BASE, at=at(seconds), leg_id=leg, bridge_id="b")


def ended(seconds: float, leg: str = "l", cause: int = 16) -> cti.LegEnded:
    return cti.LegEnded(**BASE, at=at(seconds), leg_id=leg, cause=cause)


def heard(name: str) -> list[cti.CallFact]:
    by = Interpreter(SYSTEM, EXTENSIONS)
    facts = [fact for message in recording(name).messages for fact in by.feed(message)]
    return [fact for fact in facts if isinstance(fact, TELLING)]


def test_one_witness_alone_is_believed_as_he_is() -> None:
    live = [joined(1), parted(5), ended(5)]
    assert agreed(live) == live
    assert agreed([written(fact) for fact in live]) == [written(fact) for fact in live]


def test_the_same_thing_told_by_both_is_told_once_in_the_live_words() -> None:
    queued = cti.CallQueued(**BASE, at=at(1), queue="support", position=3, leg_id="l")
    live: list[cti.CallFact] = [queued, joined(2), parted(5), ended(5)]
    assert set(agreed([*live, *(written(fact, 0.01) for fact in live)])) == set(live)


def test_a_gap_is_filled() -> None:
    """Nobody listened while the leg talked for the second time."""
    live = [joined(1), parted(2), ended(9)]
    told = agreed([*live, *map(written, [joined(1), parted(2), joined(4), parted(8), ended(9)])])
    assert sorted(fact.at for fact in told) == [at(each) for each in (1, 2, 4, 8, 9)]


def test_what_was_only_noticed_after_a_gap_gets_its_true_time() -> None:
    """The end of a leg was found a minute late by a comparison with Asterisk."""
    told = agreed(
        [started(0), joined(1), parted(60), ended(60, cause=0)]
        + [written(fact) for fact in (started(0), joined(1), parted(5), ended(5))]
    )
    assert {(type(fact), fact.at) for fact in told} == {
        (cti.LegStarted, at(0)),
        (cti.LegJoined, at(1)),
        (cti.LegParted, at(5)),
        (cti.LegEnded, at(5)),
    }


def test_a_leg_that_the_journal_has_not_finished_takes_nothing_from_live() -> None:
    """The journal is read later: what it has not told yet is no contradiction."""
    told = agreed([joined(1), parted(5), written(joined(1))])
    assert {type(fact) for fact in told} == {cti.LegJoined, cti.LegParted}


def test_a_leg_whose_beginning_the_journal_has_not_takes_nothing_from_live() -> None:
    """What it repeated at first was not kept: what it has is no whole leg."""
    live = [started(0), joined(1), parted(5)]
    told = agreed([*live, written(ended(5))])
    assert set(told) == {*live, written(ended(5))}


def test_what_only_repeats_need_not_be_kept() -> None:
    live: list[cti.CallFact] = [started(0), joined(1), parted(5), ended(5)]
    again = [written(fact, 0.01) for fact in live]
    assert adds_nothing(live, again)
    assert adds_nothing(live, again[:2])
    assert not adds_nothing(live[:3], again), "the end was not heard"
    assert not adds_nothing([], again)
    assert not adds_nothing([*live, again[0]], again[1:]), "all of it or nothing"
    assert not adds_nothing(live[:1], live[1:]), "heard live"
    assert not adds_nothing(live, [*again, written(joined(8))]), "talk that nobody heard"


@pytest.mark.parametrize("name", sorted(CEL_NAMES))
def test_what_is_not_kept_changes_nothing(name: str) -> None:
    """In whatever portions the journal is read beside a call that was heard."""
    live = heard(name)
    written_down = journal_facts(name)
    whole = {call_id: told(call_id, live, written_down) for call_id in {f.call_id for f in live}}
    for size in (1, 3, 7):
        for call_id, all_of_it in whole.items():
            kept = [fact for fact in live if fact.call_id == call_id]
            mine = [fact for fact in written_down if fact.call_id == call_id]
            for first in range(0, len(mine), size):
                portion = mine[first : first + size]
                if not adds_nothing(kept, portion):
                    kept += portion
            assert told(call_id, kept, []) == all_of_it, size


def told(call_id: str, live: list[cti.CallFact], written_down: list[cti.CallFact]) -> Any:
    facts = [fact for fact in (*live, *written_down) if fact.call_id == call_id]
    return fold(call_id, dict(packed(fact) for fact in facts), "DE")


@pytest.mark.parametrize("first", ["live", "journal"])
def test_an_end_that_was_seen_stands_before_one_that_was_guessed(first: str) -> None:
    lost = cti.CallEnded(**BASE, at=at(60), cause=0, by="unknown", lost=True)
    seen = cti.CallEnded(**BASE, at=at(5), cause=16, by="caller")
    pair = [structs.replace(lost, journal=True), seen] if first == "live" else [lost, written(seen)]
    told = fold("a", dict(packed(fact) for fact in pair), "DE")
    assert (told.conversation["outcome"], told.conversation["ended_at"]) == ("menu", at(5))


def test_a_leg_that_asterisk_was_found_not_to_have_ended_when_live_says() -> None:
    """The journal's own guess stands behind what was heard."""
    guess = structs.replace(written(ended(90, cause=0)), by="unknown")
    [told] = agreed([ended(5), guess])
    assert told.at == at(5)


def test_why_a_call_was_lost_stands_whoever_knows_it() -> None:
    """Live saw that Asterisk was started anew, the records only that nothing follows, or the other
    way round; who saw the real end knows better than both."""
    unknown = cti.CallEnded(**BASE, at=at(9), cause=0, by="unknown", lost=True)
    cause = structs.replace(unknown, by="asterisk")
    for after in (0.5, 60.0):
        for live, record in ((cause, unknown), (unknown, cause)):
            pair = [live, written(record, after)]
            told = fold("a", dict(packed(fact) for fact in pair), "DE")
            assert told.conversation["ended_by"] == "asterisk"
    seen = cti.CallEnded(**BASE, at=at(9), cause=16, by="agent")
    [told_once] = agreed([seen, written(cause, 0.2)])
    assert told_once == seen
    legs = [structs.replace(ended(5), by="unknown"), structs.replace(ended(5), by="agent")]
    for leg, by in zip(legs, ("asterisk", "agent"), strict=True):
        [one] = agreed([leg, structs.replace(written(leg, 0.2), by="asterisk")])
        assert isinstance(one, cti.LegEnded)
        assert one.by == by


def test_who_hung_up_is_in_the_records() -> None:
    """Live took the transferring agent for it."""
    live = cti.CallEnded(**BASE, at=at(5), cause=16, by="agent")
    [told] = agreed([live, written(structs.replace(live, by="caller"), 0.01)])
    assert isinstance(told, cti.CallEnded)
    assert told.by == "caller"
    [told] = agreed([live, written(structs.replace(live, by="system"), 0.01)])
    assert isinstance(told, cti.CallEnded)
    assert told.by == "agent"


def test_hold_is_known_to_live_alone() -> None:
    held = cti.LegHeld(**BASE, at=at(3), leg_id="l")
    live = [joined(1), held, parted(5), ended(5)]
    assert held in agreed([*live, *map(written, [joined(1), parted(5), ended(5)])])


@pytest.mark.parametrize("name", CEL_NAMES)
def test_in_whichever_order_both_are_told(name: str) -> None:
    facts = [*heard(name), *journal_facts(name)]
    root = facts[0].call_id
    first = fold(root, dict(packed(fact) for fact in facts), "DE")
    for seed in range(5):
        random.Random(seed).shuffle(facts)
        assert fold(root, dict(packed(fact) for fact in facts), "DE") == first


def kept() -> list[cti.CallFact]:
    """An agent's device is lost after 5 s and comes back 3 s later, as the records tell it."""
    leg = {"agent": "ava", "queue": None}
    back = structs.replace(started(8, "m"), party="agent", agent="ava")
    return [
        cti.CallAnswered(**BASE, **leg, at=at(1), leg_id="l", waited=None),
        joined(1),
        parted(5),
        cti.CallCutOff(**BASE, at=at(5), agent="ava", leg_id="l", talked=4.0),
        ended(5, cause=27),
        back,
        cti.CallAnswered(**BASE, **leg, at=at(9), leg_id="m", waited=None),
        joined(9, "m"),
    ]


def test_a_device_that_was_lost_while_nobody_listened_was_not_released() -> None:
    """Live found the leg gone, and took its way back for a new ring; then the records are read."""
    live = [
        *kept()[:2],
        parted(7),
        cti.CallReleased(**BASE, at=at(7), agent="ava", leg_id="l", talked=6.0),
        ended(7, cause=0),
        kept()[5],
        cti.CallOffered(**BASE, at=at(8), agent="ava", leg_id="m"),
        cti.CallOfferEnded(**BASE, at=at(9), agent="ava", leg_id="m", reason="answered"),
        *kept()[6:],
    ]
    told = [type(fact) for fact in agreed([*live, *map(written, kept())])]
    assert told.count(cti.CallCutOff) == 1
    assert not {cti.CallReleased, cti.CallOffered, cti.CallOfferEnded} & set(told)


def test_who_did_not_come_back_was_released_and_is_offered_to_again() -> None:
    """The records have not been read so far, or live saw the loss itself: its word stands."""
    gave_up: list[cti.CallFact] = [
        cti.CallReleased(**BASE, at=at(25), agent="ava", leg_id="l", talked=4.0),
        started(26, "n"),
        cti.CallOffered(**BASE, at=at(26), agent="ava", leg_id="n", queue="support"),
    ]
    missed = [each for each in kept()[:5] if not isinstance(each, cti.CallCutOff)]
    told = agreed([*missed, *gave_up, *map(written, kept()[:5])])
    assert set(gave_up) <= set(told), "the records end with the loss"
    told = agreed([*kept()[:5], *gave_up, *map(written, [*kept()[:5], gave_up[1]])])
    assert set(gave_up) <= set(told), "live saw the loss"
    elsewhere = cti.CallOffered(**BASE, at=at(0.5), agent="ava", leg_id="l")
    told = agreed([elsewhere, *missed, *map(written, [started(0.4), *kept()])])
    assert elsewhere in told, "a ring of before the loss"
