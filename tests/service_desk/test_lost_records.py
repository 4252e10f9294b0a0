"""The measure of every recorded call: one record less, or some of them twice, is the same call."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from typing import Any

import pytest

from cti.interpret.cel import CelInterpreter
from cti.interpret.mend import mended
from cti.journal_records import Record
from service_desk.story import Story
from tests.fakes.ami_recording import EXTENSIONS
from tests.fakes.cel_recording import CEL_NAMES, SYSTEM, facts_of, records, stories_of

# Of all single records of all recorded kinds, deleted one at a time. The limits are those of the
# issue; what holds today is none of any.
MOST_OUTCOMES, MOST_IN_TWO = 10, 5
# Of whose queue it was; without its APP_START a channel that another one's place was put into, and
# the first of two queues with nothing between them, cannot be told; nor can, without the dialplan's
# word on it, that a queue did not let the caller in.
MOST_VISITS = 4
WITHIN = 1.5  # seconds of talk that the loss of a line may cost a call


@cache
def whole(name: str) -> Story:
    [story] = stories_of(facts_of(records(name))).values()
    return story


def test_one_lost_line_turns_no_call_into_another() -> None:
    wrong: Counter[str] = Counter()
    told: list[str] = []
    variants = 0
    for name in CEL_NAMES:
        every = records(name)
        for place, gone in enumerate(every):
            variants += 1
            for what in differences(name, every[:place] + every[place + 1 :]):
                wrong[what] += 1
                told.append(f"{name} without {place} {gone.eventtype} {gone.channame}: {what}")
    assert variants >= 738
    remaining = "\n".join(told)
    assert wrong["direction"] == 0, remaining
    assert wrong["vanished"] == 0, remaining
    assert wrong["outcome"] <= MOST_OUTCOMES, remaining
    assert wrong["in two"] <= MOST_IN_TWO, remaining
    # Not asked for, and so today: who talked and for how long, and where they waited.
    assert wrong["agents"] + wrong["talked"] == 0, remaining
    assert wrong["visits"] <= MOST_VISITS, remaining


def differences(name: str, left: list[Record]) -> list[str]:
    """In what these records tell another call than all of them do."""
    found = stories_of(facts_of(left))
    if not found:
        return ["vanished"]
    meant = whole(name)
    told = found.get(meant.call_id) or min(
        found.values(), key=lambda s: s.conversation["arrived_at"]
    )
    wrong = ["in two"] if len(found) > 1 else []
    for what in ("outcome", "direction"):
        if told.conversation[what] != meant.conversation[what]:
            wrong.append(what)
    if set(told.conversation["agents"]) != set(meant.conversation["agents"]):
        wrong.append("agents")
    if abs((told.conversation["talked"] or 0) - (meant.conversation["talked"] or 0)) > WITHIN:
        wrong.append("talked")
    if visits(told) != visits(meant):
        wrong.append("visits")
    return wrong


def visits(of: Story) -> list[tuple[str, str, str | None]]:
    return [(each["queue"], each["reason"], each["agent"]) for each in of.visits.values()]


@pytest.mark.parametrize("name", CEL_NAMES)
def test_whatever_part_of_a_call_is_there_twice_it_is_the_same_call(name: str) -> None:
    """Every part of it once more, right after itself, or at the end."""
    every = records(name)
    for begin in range(len(every)):
        for end in range(begin + 1, len(every) + 1):
            again = every[begin:end]
            assert told(every[:end] + again + every[end:]) == meant(name), (begin, end, "at once")
            if begin % 3 == 0 or end == len(every):
                assert told(every + again) == meant(name), (begin, end, "at the end")


@pytest.mark.parametrize("name", CEL_NAMES)
def test_records_that_come_once_more_in_any_order_change_nothing(name: str) -> None:
    every = records(name)
    for seed in range(5):
        chance = random.Random(seed)
        again = chance.sample(every, len(every) // 2)
        assert told(every + again) == meant(name), seed


@pytest.mark.parametrize("name", CEL_NAMES)
def test_nothing_is_made_up_where_nothing_is_lost(name: str) -> None:
    """Also if the call is told in two parts, as one that goes on for long."""
    every = records(name)
    by = CelInterpreter(SYSTEM, EXTENSIONS)
    assert mended(every, by.world, by.queued) is every
    for place in range(1, len(every)):
        by = CelInterpreter(SYSTEM, EXTENSIONS)
        first, second = every[:place], every[place:]
        for record in first:
            by.feed(record)
        assert mended(second, by.world, by.queued) == second, place


def told(those: list[Record]) -> Any:
    return stories_of(facts_of(those))


@cache
def meant(name: str) -> Any:
    return stories_of(facts_of(records(name)))
