"""Whatever calls there are, in whatever order, portions and repetitions: the same tables."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cti import events as cti
from service_desk import intervals
from service_desk.desk import Desk
from service_desk.fold import fold
from service_desk.intake_known import pack, unpack
from service_desk.model import Case


def _sibling(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


world = _sibling("test_intake")

calls = st.lists(st.sampled_from(["answered", "abandoned", "consulted"]), min_size=1, max_size=3)


def facts_of(kinds: list[str]) -> list[cti.CallFact]:
    facts: list[cti.CallFact] = []
    for place, kind in enumerate(kinds):
        name, start = f"k{place}", place * 11.0
        if kind == "abandoned":
            facts += world.abandoned(name, start)
        else:
            facts += world.call(name, start, f"+4930550100{place}")
        if kind == "consulted":
            facts += world.consult(f"{name}c", name, start + 60)
    return facts


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(kinds=calls, data=st.data())
async def test_any_order_and_portions(desk: Desk, kinds: list[str], data: Any) -> None:
    """Permuted, some facts twice, cut anywhere, the intake restarted at every cut."""
    facts = facts_of(kinds)
    await world.wipe(desk)
    await world.feed(desk, facts)
    expected = await world.tables(desk)
    await world.wipe(desk)
    repeated = data.draw(st.lists(st.sampled_from(facts), max_size=6))
    shuffled = data.draw(st.permutations([*facts, *repeated]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=3)))
    edges = [0, *cuts, len(shuffled)]
    for begin, end in itertools.pairwise(edges):
        await world.feed(desk, list(shuffled[begin:end]))
    assert await world.tables(desk) == expected


@given(st.permutations(world.call("a")))
def test_the_fold_does_not_see_order(facts: list[cti.CallFact]) -> None:
    """Stored and read again in any order, the story is the same."""
    packed = dict(world.packed(fact) for fact in facts)
    story = fold("a", unpack(pack(packed)), "DE")
    plain = fold("a", dict(world.packed(fact) for fact in world.call("a")), "DE")
    assert story == plain


moments = st.lists(st.integers(0, 100), min_size=2, max_size=2).map(sorted)


@given(st.lists(moments, max_size=8), st.lists(moments, max_size=8))
def test_time_is_counted_once(these: list[list[int]], those: list[list[int]]) -> None:
    """Union and difference, checked second by second."""

    def parts(given: list[list[int]]) -> list[intervals.Span]:
        return intervals.union((world.at(a), world.at(b)) for a, b in given if a < b)

    one = {second for a, b in these for second in range(a, b)}
    two = {second for a, b in those for second in range(a, b)}
    assert intervals.length(parts(these)) == len(one)
    assert intervals.length(intervals.minus(parts(these), parts(those))) == len(one - two)


async def consulted(desk: Desk) -> tuple[list[cti.CallFact], str]:
    """The facts of a call with a consult, and what becomes of them in order; nothing is left."""
    facts = facts_of(["consulted"])
    await world.feed(desk, facts)
    expected: str = await world.tables(desk)
    await world.wipe(desk)
    return facts, expected


async def test_a_consult_merged_in_a_later_portion_leaves_the_case_its_owner(desk: Desk) -> None:
    """The consult opened no case, so it has no owner to bring to the other's."""
    facts, expected = await consulted(desk)
    arrivals = [fact for fact in facts if isinstance(fact, cti.CallArrived)]
    await world.feed(desk, arrivals)
    await world.feed(desk, [fact for fact in facts if fact not in arrivals])
    assert await world.tables(desk) == expected


async def test_a_case_that_a_merged_call_brings_along_takes_its_new_calls_name(desk: Desk) -> None:
    """Of the consult only its end was known, which opened a case; then everything else came."""
    facts, expected = await consulted(desk)
    end = [fact for fact in facts if fact.call_id == "k0c" and isinstance(fact, cti.LegEnded)]
    await world.feed(desk, end)
    await world.feed(desk, [fact for fact in facts if fact not in end])
    assert await world.tables(desk) == expected


async def test_a_call_that_opens_no_case_for_now_keeps_none_of_the_one_it_absorbs(
    desk: Desk,
) -> None:
    """The consult's arrival came first, so the whole call looked internal until its own came."""
    facts, expected = await consulted(desk)
    arrivals = [fact for fact in facts if isinstance(fact, cti.CallArrived)]
    merges = [fact for fact in facts if isinstance(fact, cti.CallMerged)]
    consult = [fact for fact in arrivals if fact.call_id == "k0c"]
    await world.feed(desk, [fact for fact in facts if fact not in (*arrivals, *merges)])
    await world.feed(desk, [*consult, *merges])
    await world.feed(desk, [fact for fact in arrivals if fact not in consult])
    assert await world.tables(desk) == expected


async def test_a_case_that_is_none_for_now_goes_with_the_signpost_that_leads_to_it(
    desk: Desk,
) -> None:
    """Both calls had a case, which became one; then the whole call looked internal for a moment."""
    facts, expected = await consulted(desk)
    of_consult = [fact for fact in facts if fact.call_id == "k0c"]
    end = [fact for fact in of_consult if isinstance(fact, cti.LegEnded)]
    arrivals = [fact for fact in facts if isinstance(fact, cti.CallArrived)]
    consult = [fact for fact in arrivals if fact.call_id == "k0c"]
    merges = [fact for fact in facts if isinstance(fact, cti.CallMerged)]
    await world.feed(desk, end)
    await world.feed(
        desk, [fact for fact in facts if fact not in (*of_consult, *arrivals, *merges)]
    )
    await world.feed(desk, merges)
    assert len(await world.rows(desk, Case.id)) == 2
    await world.feed(desk, consult)
    assert await world.rows(desk, Case.id) == []
    await world.feed(desk, [fact for fact in facts if fact not in end])
    assert await world.tables(desk) == expected
