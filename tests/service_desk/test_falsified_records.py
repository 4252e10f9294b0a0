"""What Asterisk's records made of calls that they tell otherwise: the smallest of each."""

from __future__ import annotations

from collections.abc import Sequence

from cti import events as e
from cti.interpret.cel import CelInterpreter
from cti.journal_records import Record
from service_desk.story import Story
from tests.fakes.ami_recording import EXTENSIONS
from tests.fakes.cel_recording import SYSTEM, facts_of, reader_of, records, stories_of, written


def story(told: str | Sequence[Record]) -> Story:
    [found] = stories_of(facts_of(written(told) if isinstance(told, str) else told)).values()
    return found


def legs(of: Story) -> list[tuple[str, str | None, float, int | None, bool]]:
    """Who was there: the party, the agent, seconds of talk, the cause, whether it ended."""
    return [
        (leg["party"], leg["agent"], leg["talked"], leg["cause"], leg["ended_at"] is not None)
        for leg in of.legs.values()
    ]


ABANDONED = """
    0   CHAN_START  1   PJSIP/carrier-1  exten=2000 num=+4930123
    1   APP_START   1   PJSIP/carrier-1  appname=Queue appdata=support,c dnid=2000
    2   CHAN_START  1.1 PJSIP/ava-1      exten=s
    30  APP_END     1   PJSIP/carrier-1  appname=Queue appdata=support,c dnid=2000
    30.001 HANGUP   1.1 PJSIP/ava-1      rung=1 appname=AppQueue cause=0
    30.001 CHAN_END 1.1 PJSIP/ava-1      rung=1 appname=AppQueue
    30.01 HANGUP    1   PJSIP/carrier-1  cause=0,PJSIP/carrier-1
    30.01 CHAN_END  1   PJSIP/carrier-1
"""


def test_times_that_fall_by_little_and_little_stop_no_reading() -> None:
    """t, t - 4, t - 8: the newest time of the channel counts, not the last one."""
    told = written("""
        10 CHAN_START 1 PJSIP/carrier-1 exten=2000 num=+4930123
        6  ANSWER     1 PJSIP/carrier-1 exten=2000
        2  HANGUP     1 PJSIP/carrier-1 cause=16,PJSIP/carrier-1
    """)
    reader = reader_of(told + records("answered"))
    portion = reader.next()
    assert portion is not None
    assert portion.rejects == []
    found = stories_of(portion.facts)
    assert sorted(each.conversation["outcome"] for each in found.values()) == ["answered", "menu"]


def test_the_last_records_of_an_abandoned_call_once_more_do_not_turn_it_round() -> None:
    """They were taken for a clock set back by half a minute: "outbound failed, by ava"."""
    told = written(ABANDONED)
    again = story(told + told[-6:])
    assert (again.conversation["direction"], again.conversation["outcome"]) == (
        "inbound",
        "abandoned",
    )
    assert again == story(told)
    assert [visit["reason"] for visit in again.visits.values()] == ["abandoned"]


def test_who_talks_waits_no_more_whoever_took_the_call() -> None:
    """A pickup whose PICKUP record is lost: the visit is answered when the two are joined."""
    found = story("""
        0   CHAN_START   1   PJSIP/carrier-1  exten=2000 num=+4930123
        1   APP_START    1   PJSIP/carrier-1  appname=Queue appdata=support,c dnid=2000
        2   CHAN_START   1.1 PJSIP/ava-1      exten=s
        3   CHAN_START   2   PJSIP/ben-2      exten=*8
        3   ANSWER       2   PJSIP/ben-2      exten=*8 dnid=*8
        3.1 HANGUP       1.1 PJSIP/ava-1      exten=*8
        3.2 BRIDGE_ENTER 2   PJSIP/ben-2      rung=1 appname=AppQueue bridge=b
        3.3 BRIDGE_ENTER 1   PJSIP/carrier-1  appname=Queue appdata=support,c bridge=b
        35  BRIDGE_EXIT  1   PJSIP/carrier-1  appname=Queue appdata=support,c bridge=b
        35  APP_END      1   PJSIP/carrier-1  appname=Queue appdata=support,c
        35  HANGUP       1   PJSIP/carrier-1  cause=16,PJSIP/carrier-1
        35  HANGUP       2   PJSIP/ben-2      cause=16,PJSIP/carrier-1
    """)
    [visit] = found.visits.values()
    assert (visit["reason"], visit["waited"], visit["agent"]) == ("answered", 2.3, "ben")
    assert (found.conversation["outcome"], found.conversation["agents"]) == ("answered", ["ben"])


ORIGINATED = """
    0  CHAN_START   1   Local/101@office-1;1 exten=101 context=office
    0  CHAN_START   1.1 Local/101@office-1;2 exten=101 context=office
    0  CHAN_START   1.2 PJSIP/ava-1          exten=s
    2  ANSWER       1.2 PJSIP/ava-1          rung=1
    2  BRIDGE_ENTER 1.2 PJSIP/ava-1          rung=1 bridge=near
    2  BRIDGE_ENTER 1.1 Local/101@office-1;2 appname=Dial bridge=near
    2  ANSWER       1   Local/101@office-1;1 rung=1
    2  CHAN_START   1.3 {other}              exten=s
    7  ANSWER       1.3 {other}              rung=1
    7  BRIDGE_ENTER 1.3 {other}              rung=1 bridge=far
    7  BRIDGE_ENTER 1   Local/101@office-1;1 appname=Dial bridge=far
    17 BRIDGE_EXIT  1.3 {other}              rung=1 bridge=far
    17 BRIDGE_EXIT  1   Local/101@office-1;1 appname=Dial bridge=far
    17 HANGUP       1   Local/101@office-1;1 cause=16,{other}
    17 BRIDGE_EXIT  1.1 Local/101@office-1;2 appname=Dial bridge=near
    17 HANGUP       1.1 Local/101@office-1;2
    17 BRIDGE_EXIT  1.2 PJSIP/ava-1          rung=1 bridge=near
    17 HANGUP       1.3 {other}              rung=1 cause=16,{other}
    17 HANGUP       1.2 PJSIP/ava-1          rung=1
"""


def test_a_call_that_somebodys_program_places_through_a_local_channel_is_outbound() -> None:
    """It was inbound, with a leg that never ended, and nobody talked in it. The five seconds for
    which it rang at the other side, ava beside a Local channel, are no talk."""
    found = story(ORIGINATED.format(other="PJSIP/carrier-1"))
    said = found.conversation
    assert (said["direction"], said["outcome"], said["talked"]) == ("outbound", "answered", 10.0)
    assert (said["agents"], found.opens_case) == (["ava"], True)
    assert said["answered_at"] == records_at(7)
    assert legs(found) == [
        ("agent", "ava", 10.0, 16, True),
        ("external", None, 10.0, 16, True),
    ]


def test_to_a_colleague_it_is_internal_and_nobodys_case() -> None:
    found = story(ORIGINATED.format(other="PJSIP/ben-1"))
    said = found.conversation
    assert (said["direction"], said["outcome"], said["talked"]) == ("internal", "answered", 10.0)
    assert (sorted(said["agents"]), found.opens_case) == (["ava", "ben"], False)
    assert legs(found) == [("agent", "ava", 10.0, 16, True), ("agent", "ben", 10.0, 16, True)]


def test_a_local_channel_that_leads_to_nobody_is_no_call() -> None:
    facts = facts_of(
        written("""
            0 CHAN_START 1   Local/101@office-1;1 exten=101
            0 CHAN_START 1.1 Local/101@office-1;2 exten=101
            1 HANGUP     1.1 Local/101@office-1;2
            1 HANGUP     1   Local/101@office-1;1
        """)
    )
    assert facts == []


def test_a_call_between_two_agents_that_a_program_placed_opens_no_customers_case() -> None:
    """The first telephone's record does not say what is to be dialled for it."""
    found = story("""
        0 CHAN_START   1   PJSIP/ava-1 exten=s
        1 ANSWER       1   PJSIP/ava-1 rung=1 appname=AppDial2
        1 CHAN_START   1.1 PJSIP/ben-1 exten=s
        3 ANSWER       1.1 PJSIP/ben-1 rung=1
        3 BRIDGE_ENTER 1.1 PJSIP/ben-1 rung=1 bridge=b
        3 BRIDGE_ENTER 1   PJSIP/ava-1 appname=Dial bridge=b
        8 BRIDGE_EXIT  1.1 PJSIP/ben-1 rung=1 bridge=b
        8 HANGUP       1.1 PJSIP/ben-1 rung=1 cause=16,PJSIP/ben-1
        8 HANGUP       1   PJSIP/ava-1 rung=1 cause=16,PJSIP/ben-1
    """)
    assert (found.conversation["direction"], found.opens_case) == ("internal", False)
    assert (found.conversation["outcome"], found.conversation["talked"]) == ("answered", 5.0)


def test_a_caller_for_whom_telephones_rang_in_vain_was_not_served_by_the_menu() -> None:
    """Without a queue, too: they gave up."""
    rings = """
        0 CHAN_START 1   PJSIP/carrier-1 exten=101 num=+4930123
        1 CHAN_START 1.1 PJSIP/ava-1     exten=s
        9 HANGUP     1.1 PJSIP/ava-1     rung=1 cause=0
        9 HANGUP     1   PJSIP/carrier-1 cause=127,PJSIP/carrier-1
    """
    assert story(rings).conversation["outcome"] == "abandoned"
    nobody = [record for record in written(rings) if "ava" not in record.channame]
    assert story(nobody).conversation["outcome"] == "menu"


def test_a_telephone_that_rang_in_vain_keeps_the_cause_that_was_written() -> None:
    for cause in (16, 19):
        told = ABANDONED.replace("appname=AppQueue cause=0", f"appname=AppQueue cause={cause}")
        assert [(leg[1], leg[3]) for leg in legs(story(told))] == [(None, 0), ("ava", cause)]


TIMED_OUT = """
    0   CHAN_START  1   PJSIP/carrier-1  exten=2000 num=+4930123
    1   APP_START   1   PJSIP/carrier-1  appname=Queue appdata=support,c dnid=2000
    2   CHAN_START  1.1 PJSIP/ava-1      exten=s
    30  HANGUP      1.1 PJSIP/ava-1      rung=1 appname=AppQueue cause=0
    30  CHAN_END    1.1 PJSIP/ava-1      rung=1 appname=AppQueue
    30  APP_END     1   PJSIP/carrier-1  appname=Queue appdata=support,c dnid=2000
    30.01 HANGUP    1   PJSIP/carrier-1  cause=16,dialplan/builtin
    30.01 CHAN_END  1   PJSIP/carrier-1
"""


def test_a_wait_that_ran_out_was_not_given_up_whichever_of_its_records_is_lost() -> None:
    """The queue let its telephones go before the caller: one who gives up goes first."""
    for table, reason in ((TIMED_OUT, "timeout"), (ABANDONED, "abandoned")):
        told = written(table)
        gone = next(r for r in told if r.eventtype == "HANGUP" and "carrier" in r.channame)
        for these in (told, [record for record in told if record is not gone]):
            assert [v["reason"] for v in story(these).visits.values()] == [reason]


def test_the_dialplans_word_on_a_wait_counts_without_the_queues_own() -> None:
    told = written("""
        0  CHAN_START     1 PJSIP/carrier-1 exten=2000 num=+4930123
        1  APP_START      1 PJSIP/carrier-1 appname=Queue appdata=support,c dnid=2000
        9  ringdesk-queue 1 PJSIP/carrier-1 userdeftype=ringdesk-queue eventextra={"extra":"FULL"}
        12 HANGUP         1 PJSIP/carrier-1 cause=16,dialplan/builtin
    """)
    assert [(v["reason"], v["waited"]) for v in story(told).visits.values()] == [("full", 8.0)]


def test_telephones_that_rang_in_vain_are_settled_with_a_call_that_is_lost() -> None:
    """They lived on for four rounds of the comparison."""
    by = CelInterpreter(SYSTEM, EXTENSIONS)
    told = [record for record in written(TIMED_OUT) if record.eventtype != "CHAN_END"][:4]
    facts = [fact for record in told for fact in by.feed(record)]
    caller = told[0].uniqueid
    facts += by.lose(told[-1].at, [caller])
    assert (by.world.legs, by.world.calls, by.in_vain, by.causes) == ({}, {}, {}, {})
    assert isinstance(facts[-1], e.CallEnded)
    [found] = stories_of(facts).values()
    assert all(leg["ended_at"] is not None for leg in found.legs.values())


def test_an_agent_is_named_by_any_record_of_their_telephone() -> None:
    """Its start is lost: ANSWER and BRIDGE_ENTER name it."""
    told = [
        r for r in records("answered") if r.eventtype != "CHAN_START" or "ava" not in r.channame
    ]
    found = story(told)
    assert (found.conversation["outcome"], found.conversation["agents"]) == ("answered", ["ava"])


def test_a_caller_is_there_from_the_first_record_of_their_call() -> None:
    """Theirs is lost: the agent's telephone, rung for them, has another id than the call."""
    told = [r for r in records("answered") if r.eventtype != "CHAN_START" or "ava" in r.channame]
    found = story(told).conversation
    assert (found["direction"], found["dialed"]) == ("inbound", "2000")
    assert (found["number"], found["outcome"]) == ("+493012345678", "answered")


def test_who_leaves_a_bridge_has_entered_it() -> None:
    entered = [n for n, r in enumerate(records("answered")) if r.eventtype == "BRIDGE_ENTER"]
    for place in entered:
        told = records("answered")
        del told[place]
        found = story(told).conversation
        assert (found["outcome"], round(found["talked"])) == ("answered", 2)


def records_at(seconds: float) -> object:
    return written(f"{seconds} ANSWER 1 PJSIP/a-1")[0].at
