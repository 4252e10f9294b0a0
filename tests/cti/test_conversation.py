"""Which channels are one conversation: aliases, merges, and forgetting."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from cti.conversation import Conversations, call_id_of


def test_the_id_is_the_same_everywhere_and_differs_by_system() -> None:
    assert call_id_of("ringdesk-1", "ringdesk-1-1.1") == call_id_of("ringdesk-1", "ringdesk-1-1.1")
    assert call_id_of("ringdesk-1", "x") != call_id_of("ringdesk-2", "x")


def test_ids_that_follow_each_other_are_filed_side_by_side() -> None:
    """Whatever the machine is called; ids of calls that we began ourselves, too."""
    given = (
        "pbx-1-1699999999.9",
        "pbx-1-1700000000.10",
        "pbx-1-dial-1700000001.0af3",
        "1700000002.7",
    )
    ids = [call_id_of("pbx-1", each) for each in given]
    assert ids == sorted(ids)
    assert len({each[:9] for each in ids}) == 1


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_an_id(one: str, other: str) -> None:
    """Nothing is concluded from what it looks like: it may be anything, and lie."""
    ids = call_id_of("pbx", one), call_id_of("pbx", other)
    assert (ids[0] == ids[1]) is (one == other)
    assert all(UUID(each).version == 8 and UUID(each).variant == RFC_4122 for each in ids)


@given(st.integers(0, 10**14), st.integers(0, 10**6))
def test_any_number_leads_an_id(second: int, counted: int) -> None:
    assert len(call_id_of("pbx", f"pbx-{second}.{counted}")) == 36


def test_two_calls_of_one_second_are_two() -> None:
    known = Conversations("s")
    assert known.absorb("s-1700000000.1", "s-1700000000.1") != known.absorb(
        "s-1700000000.2", "s-1700000000.2"
    )


def test_a_dialled_leg_belongs_to_the_first_channel() -> None:
    known = Conversations("s")
    first, merged = known.absorb("1", "1")
    assert (first, merged) == (call_id_of("s", "1"), None)
    assert known.absorb("2", "1") == (first, None)
    assert known.find("2") == first


def test_a_changed_linkedid_merges_and_the_linkedids_conversation_wins() -> None:
    known = Conversations("s")
    old, _ = known.absorb("1", "1")
    young, _ = known.absorb("5", "5")
    assert known.absorb("5", "1") == (old, young)
    assert known.find("5") == old
    assert known.resolve(young) == old
    assert known.absorb("5", "1") == (old, None)


def test_an_unknown_linkedid_on_a_known_channel_is_one_more_alias() -> None:
    known = Conversations("s")
    call, _ = known.absorb("2", "2")
    assert known.absorb("2", "1") == (call, None)
    assert known.find("1") == call


def test_ended_conversations_are_forgotten_oldest_first() -> None:
    known = Conversations("s", kept=2)
    ids = [known.absorb(str(n), str(n))[0] for n in range(4)]
    for call_id in ids[:3]:
        known.ended(call_id)
    assert [known.find(str(n)) for n in range(4)] == [None, *ids[1:]]
    assert len(known) == 3


def test_ending_what_is_unknown_is_harmless() -> None:
    known = Conversations("s")
    known.ended("nobody")
    assert len(known) == 0


IDS = st.sampled_from("abcdefgh")


@given(st.lists(st.tuples(IDS, IDS)))
def test_whatever_the_order_connected_ids_have_one_call(pairs: list[tuple[str, str]]) -> None:
    known = Conversations("s")
    groups: list[set[str]] = []
    for uniqueid, linkedid in pairs:
        known.absorb(uniqueid, linkedid)
        touching = [g for g in groups if g & {uniqueid, linkedid}]
        groups = [g for g in groups if g not in touching]
        groups.append({uniqueid, linkedid}.union(*touching))
    calls = []
    for group in groups:
        found = {known.find(alias) for alias in group}
        assert len(found) == 1
        calls.append(found.pop())
    assert len(set(calls)) == len(groups)
    assert len(known) == len(groups)


@given(st.lists(st.tuples(IDS, IDS, st.booleans())))
def test_memory_is_bounded_by_what_is_alive(pairs: list[tuple[str, str, bool]]) -> None:
    known = Conversations("s", kept=0)
    for uniqueid, linkedid, ends in pairs:
        call_id, _ = known.absorb(uniqueid, linkedid)
        if ends:
            known.ended(call_id)
            assert known.find(uniqueid) is None
    known.forget_all()
    assert len(known) == 0
