"""The bridge: what Asterisk tells reaches the bus, and what people wish reaches Asterisk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from cti import commands
from cti import events as e
from cti import wishes as w
from cti.ami.errors import AmiTimeout
from cti.ami.wire import Message, message
from cti.bridge import AgentPlan, Bridge, QueuePlan
from cti.bus import InProcessBus
from cti.commands import carry_out
from cti.conversation import call_id_of
from cti.events import BoardSnapshot, EventsRefused, Fact
from cti.switchboard import Switchboard
from tests.fakes.ami_link import FakeLink, refused
from tests.fakes.ami_recording import recording

QUEUES = {
    "support": QueuePlan(name="support", threshold=20, wrap_up=30),
    "sales": QueuePlan(name="sales"),
}
AGENTS = {
    "ava": AgentPlan(name="ava", extension="101", queues={"support": 0, "sales": 2}),
    "ben": AgentPlan(name="ben", extension="102", queues={"support": 1}),
}
# The time of the recording "answered": half a minute before its agent is released.
_RELEASED = [m for m in recording("answered").messages if m.name == "BridgeLeave"][-1]
NOON = datetime.fromtimestamp(int(float(_RELEASED.get("Timestamp"))) - 30, UTC)


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class World:
    """A bridge over a fake link, and everything it published."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.bus = InProcessBus()
        self.facts: list[Fact] = []
        self.bus.subscribe(Fact, self.facts.append)
        self.bridge = Bridge(
            FakeLink, self.bus, system="ringdesk-1", agents=AGENTS, queues=QUEUES, clock=self.clock
        )
        assert isinstance(self.bridge.link, FakeLink)
        self.link: FakeLink = self.bridge.link

    def play(self, messages: list[Message]) -> None:
        for m in messages:
            self.link.tell(m)

    def status(self, agent: str) -> str:
        return self.bridge.snapshot().agents[agent].status

    def told(self, kind: type[Fact]) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    async def ask(self, wish: w.Wish) -> w.Reply:
        return await self.bus.request(wish)


@asynccontextmanager
async def running() -> AsyncIterator[World]:
    world = World()
    async with world.bus, world.bridge:
        await asyncio.sleep(0)
        await world.link.up()
        for agent, plan in AGENTS.items():
            assert await world.ask(w.SignIn(agent=agent)) == w.CommandDone(
                detail=", ".join(plan.queues)
            )
        world.link.said.clear()
        yield world


def upto(name: str, event: str) -> list[Message]:
    """A recording until (and with) the first event of that name."""
    messages = recording(name).messages
    return messages[: [m.name for m in messages].index(event) + 1]


async def test_a_call_goes_over_board_roster_and_bus() -> None:
    async with running() as world:
        seen: list[str] = []
        for m in recording("answered").messages:
            world.link.tell(m)
            if not seen or seen[-1] != world.status("ava"):
                seen.append(world.status("ava"))
        assert seen == ["available", "ringing", "talking", "wrap_up"]
        assert [type(f) for f in world.facts if isinstance(f, e.CallAnswered | e.CallEnded)] == [
            e.CallAnswered,
            e.CallEnded,
        ]
        assert world.bridge.snapshot().calls == {}
        assert world.bridge.snapshot().queues["support"].answered == 1


async def test_a_wrap_up_is_a_pause_in_asterisk_until_its_limit() -> None:
    async with running() as world:
        world.play(recording("answered").messages)
        await world.link.until_said(1)
        assert world.link.said == [
            ("QueuePause", {"Interface": "PJSIP/ava", "Paused": "true", "Reason": "wrap-up"})
        ]
        assert world.status("ava") == "wrap_up"
        view = world.bridge.snapshot().agents["ava"]
        assert view.wrap_up_until is not None
        world.bridge.tick(view.wrap_up_until - timedelta(milliseconds=1))
        assert world.status("ava") == "wrap_up"
        world.bridge.tick(view.wrap_up_until)
        assert world.status("ava") == "available"
        await world.link.until_said(2)
        assert world.link.said[1] == ("QueuePause", {"Interface": "PJSIP/ava", "Paused": "false"})


async def test_the_agent_may_end_the_wrap_up() -> None:
    async with running() as world:
        world.play(recording("answered").messages)
        await world.link.until_said(1)
        assert not [fact for fact in world.facts if isinstance(fact, e.WrapUpEnded)]
        assert await world.ask(w.EndWrapUp(agent="ava")) == w.CommandDone()
        assert world.status("ava") == "available"
        await world.link.until_said(2)
        assert world.link.actions("QueuePause")[-1]["Paused"] == "false"
        [over] = [fact for fact in world.facts if isinstance(fact, e.WrapUpEnded)]
        ended = next(fact for fact in world.facts if isinstance(fact, e.CallEnded))
        assert (over.agent, over.call_id) == ("ava", ended.call_id)


async def test_a_pause_asked_for_during_a_call_holds_after_the_wrap_up() -> None:
    async with running() as world:
        messages = recording("answered").messages
        cut = [m.name for m in messages].index("BridgeLeave")
        world.play(messages[:cut])
        assert await world.ask(w.Pause(agent="ava", reason="lunch")) == w.CommandDone()
        assert world.status("ava") == "talking"
        world.play(messages[cut:])
        assert world.status("ava") == "wrap_up"
        await world.link.until_said(2)
        world.bridge.tick(NOON + timedelta(hours=1))
        view = world.bridge.snapshot().agents["ava"]
        assert (view.status, view.reason) == ("paused", "lunch")
        await world.link.until_said(3)
        assert {f["Reason"] for f in world.link.actions("QueuePause")} == {"lunch"}


async def test_a_pause_asked_for_in_the_wrap_up_is_not_undone_at_its_end() -> None:
    async with running() as world:
        world.play(recording("answered").messages)
        await world.link.until_said(1)
        await world.ask(w.Pause(agent="ava", reason="lunch"))
        world.bridge.tick(NOON + timedelta(hours=1))
        assert world.status("ava") == "paused"
        await world.link.until_said(3)
        assert world.link.actions("QueuePause")[-1]["Reason"] == "lunch"


async def test_an_unpause_in_the_wrap_up_waits_for_its_end() -> None:
    async with running() as world:
        await world.ask(w.Pause(agent="ava", reason="lunch"))
        world.play(recording("answered").messages)
        await world.link.until_said(2)
        await world.ask(w.Unpause(agent="ava"))
        assert world.status("ava") == "wrap_up"
        assert world.link.actions("QueuePause")[-1]["Reason"] == "wrap-up"
        world.bridge.tick(NOON + timedelta(hours=1))
        assert world.status("ava") == "available"
        await world.link.until_said(4)
        assert world.link.actions("QueuePause")[-1]["Paused"] == "false"


async def test_a_pause_whose_event_is_on_its_way_outlives_the_wrap_up() -> None:
    async with running() as world:
        world.play(recording("answered").messages)
        await world.link.until_said(1)
        world.link.slow = []
        await world.ask(w.Pause(agent="ava", reason="lunch"))
        world.bridge.tick(NOON + timedelta(hours=1))
        await world.link.until_said(3)
        assert world.link.actions("QueuePause")[-1].get("Reason") == "lunch"
        world.link.arrive()
        assert world.status("ava") == "paused"


async def test_a_pause_whose_event_is_on_its_way_outlives_the_wrap_ups_begin() -> None:
    async with running() as world:
        messages = recording("answered").messages
        cut = [m.name for m in messages].index("BridgeLeave")
        world.play(messages[:cut])
        world.link.slow = []
        await world.ask(w.Pause(agent="ava", reason="lunch"))
        world.play(messages[cut:])
        await world.link.until_said(2)
        world.link.arrive()
        world.bridge.tick(NOON + timedelta(hours=1))
        assert world.status("ava") == "paused"


async def test_an_unpause_whose_event_is_on_its_way_outlives_the_wrap_up() -> None:
    async with running() as world:
        await world.ask(w.Pause(agent="ava", reason="lunch"))
        world.play(recording("answered").messages)
        await world.link.until_said(2)
        world.link.slow = []
        await world.ask(w.Unpause(agent="ava"))
        world.bridge.tick(NOON + timedelta(hours=1))
        await world.link.until_said(4)
        assert world.link.actions("QueuePause")[-1]["Paused"] == "false"
        world.link.arrive()
        assert world.status("ava") == "available"


async def test_a_pause_that_asterisk_did_not_take_is_not_remembered() -> None:
    async with running() as world:
        world.play(recording("answered").messages)
        await world.link.until_said(1)
        world.link.fail = [refused("No")]
        assert isinstance(await world.ask(w.Pause(agent="ava", reason="lunch")), w.CommandRefused)
        world.bridge.tick(NOON + timedelta(hours=1))
        await world.link.until_said(3)
        assert world.link.actions("QueuePause")[-1]["Paused"] == "false"


@pytest.mark.parametrize("event", ["arrives", "is lost with the link", "is of no queue any more"])
async def test_a_pause_is_remembered_only_until_its_event(event: str) -> None:
    async with running() as world:
        world.link.slow = []
        await world.ask(w.Pause(agent="ava", reason="lunch"))
        if event == "arrives":
            world.link.arrive()
            fields = {"Interface": "PJSIP/ava", "Paused": "false"}
            await world.link.action("QueuePause", **fields)  # by somebody else
        elif event == "is lost with the link":
            world.link.slow = None
            world.link.down()
            for member in world.link.members.values():
                member["Paused"] = "0"
            await world.link.up()
        else:
            world.link.slow = None
            await world.ask(w.SignOut(agent="ava"))
        assert world.bridge.roster.pause_of("ava") is None


async def test_a_pause_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cti.errands.AGAIN_AFTER", 0.0)
    async with running() as world:
        world.link.fail = [AmiTimeout("late"), AmiTimeout("late")]
        world.play(recording("answered").messages)
        await world.link.until_said(3)
        assert all(m["Paused"] == "1" for k, m in world.link.members.items() if k[1][-3:] == "ava")


async def test_pause_and_wrap_up_survive_our_restart() -> None:
    world = World()
    since = str(int((NOON - timedelta(seconds=10)).timestamp()))
    common = {"Queue": "support", "Status": "1", "Paused": "1", "LastPause": since}
    world.link.members = {
        ("support", "PJSIP/ava"): {"Name": "ava", "PausedReason": "wrap-up", **common},
        ("support", "PJSIP/ben"): {"Name": "ben", "PausedReason": "lunch", **common},
    }
    async with world.bus, world.bridge:
        await asyncio.sleep(0)
        await world.link.up()
        agents = world.bridge.snapshot().agents
        assert (agents["ben"].status, agents["ben"].reason) == ("paused", "lunch")
        assert agents["ben"].since == NOON - timedelta(seconds=10)  # a limit runs on
        assert agents["ava"].status == "wrap_up"
        assert agents["ava"].wrap_up_until == NOON + timedelta(seconds=20)
        world.bridge.tick(NOON + timedelta(seconds=20))
        assert world.status("ava") == "available"
        await world.link.until_said(1)
        assert world.link.said[-1][1]["Paused"] == "false"


async def test_a_lost_link_makes_the_board_stale_until_the_resync() -> None:
    async with running() as world:
        world.play(upto("answered", "BridgeEnter"))
        call_id = next(iter(world.bridge.snapshot().calls))
        world.facts.clear()
        world.link.down()
        assert world.bridge.snapshot().stale_since is not None
        assert [type(f) for f in world.facts] == [e.LinkLost]
        assert call_id in world.bridge.snapshot().calls
        await world.link.up()
        ended = world.told(e.CallEnded)
        assert [(f.call_id, f.lost) for f in ended] == [(call_id, True)]
        assert world.status("ava") in {"available", "wrap_up"}
        resynced = world.told(e.BoardResynced)
        assert resynced[-1].board == world.bridge.snapshot()
        assert resynced[-1].board.stale_since is None
        assert len(world.told(e.LinkRestored)) == 1


async def test_a_lost_hang_up_is_found_by_the_audit() -> None:
    async with running() as world:
        messages = recording("answered").messages
        world.play([m for m in messages if m.name != "Hangup"])
        assert world.bridge.snapshot().calls != {}
        pairs = [(k, v) for k, v in messages[0].headers() if k != "Event"]
        world.link.lists["CoreShowChannels"] = [message(("Event", "CoreShowChannel"), *pairs)]
        await world.bridge.audit()
        assert world.status("ava") == "wrap_up"  # her leg was not in the list
        assert len(world.bridge.interpreter.world.legs) == 1
        world.link.lists.clear()
        await world.bridge.audit()
        assert world.bridge.snapshot().calls == {}


async def test_the_audit_leaves_alone_what_began_while_it_asked() -> None:
    async with running() as world:
        world.play(upto("answered", "QueueCallerJoin"))
        other = upto("second_agent", "QueueCallerJoin")
        world.link.meanwhile = other
        await world.bridge.audit()
        assert list(world.bridge.interpreter.world.legs) == [other[0].get("Uniqueid")]


async def test_before_the_first_login_the_board_is_stale() -> None:
    world = World()
    async with world.bus, world.bridge:
        await asyncio.sleep(0)
        reply = await world.ask(w.BoardWanted())
        assert isinstance(reply, w.CommandDone)
        assert msgspec.json.decode(reply.board, type=BoardSnapshot).stale_since == NOON
        await world.link.up()
        assert world.bridge.snapshot().stale_since is None


async def test_a_parked_call_does_not_talk_after_a_resync() -> None:
    async with running() as world:
        world.link.down()
        for number in ("1", "2"):
            pairs = {"Channel": f"PJSIP/carrier-{number}", "Uniqueid": number, "Linkedid": number}
            world.link.lists.setdefault("CoreShowChannels", []).append(
                message(("Event", "CoreShowChannel"), *pairs.items(), ("BridgeId", "lot"))
            )
        lot = (("BridgeUniqueid", "lot"), ("BridgeTechnology", "holding_bridge"))
        world.link.lists["BridgeList"] = [message(("Event", "BridgeListItem"), *lot)]
        await world.link.up()
        assert len(world.bridge.snapshot().calls) == 2
        assert world.told(e.LegJoined) == []


async def test_events_during_the_resync_wait_for_its_end() -> None:
    async with running() as world:
        messages = recording("answered").messages
        world.link.down()
        head = messages[0]
        pairs = [(k, v) for k, v in head.headers() if k != "Event"]
        world.link.lists["CoreShowChannels"] = [
            message(("Event", "CoreShowChannel"), *pairs, ("Duration", "00:00:01"))
        ]
        world.link.meanwhile = messages
        await world.link.up()
        kinds = [type(f) for f in world.facts if isinstance(f, e.CallArrived | e.CallEnded)]
        assert kinds == [e.CallArrived, e.CallEnded]
        assert world.told(e.CallEnded)[0].lost is False


async def test_another_boot_closes_the_old_boots_calls() -> None:
    async with running() as world:
        world.play(upto("answered", "BridgeEnter"))
        world.link.down()
        world.link.boot = "2026-11-21 21:00:00"
        pairs = [(k, v) for k, v in recording("answered").messages[0].headers() if k != "Event"]
        # The new boot may even have a channel of the same name and id.
        world.link.lists["CoreShowChannels"] = [message(("Event", "CoreShowChannel"), *pairs)]
        await world.link.up()
        assert [(f.lost, f.by) for f in world.told(e.CallEnded)] == [(True, "asterisk")]
        assert world.bridge.booted is not None


async def test_another_boot_has_forgotten_the_pause_of_who_is_always_signed_in() -> None:
    """Members of the settings are not remembered by Asterisk: we say it again."""
    async with running() as world:
        assert await world.ask(w.Pause(agent="ben", reason="lunch")) == w.CommandDone()
        world.link.down()
        world.link.boot = "2026-11-21 21:00:00"
        for member in world.link.members.values():
            member |= {"Paused": "0", "PausedReason": ""}
        world.link.said.clear()
        await world.link.up()
        await world.link.until_said(1)
        assert world.link.actions("QueuePause") == [
            {"Interface": "PJSIP/ben", "Paused": "true", "Reason": "lunch"}
        ]
        view = world.bridge.snapshot().agents["ben"]
        assert (view.status, view.reason) == ("paused", "lunch")


async def test_who_was_transferred_away_frees_the_first_agent_at_once() -> None:
    async with running() as world:
        messages = recording("blind_to_agent").messages
        hangup = [m.name for m in messages].index("Hangup")
        world.play(messages[: hangup + 1])
        assert world.status("ava") == "wrap_up"
        world.play(messages[hangup + 1 :])
        assert world.status("ben") == "wrap_up"  # a queue's call, by whatever way it came to him


async def test_hold_shows_on_agent_and_call() -> None:
    async with running() as world:
        messages = recording("hold").messages
        world.play(messages[: [m.name for m in messages].index("Hold") + 1])
        assert world.status("ava") == "held"
        assert [c.state for c in world.bridge.snapshot().calls.values()] == ["held"]
        world.play(messages[: [m.name for m in messages].index("Unhold") + 1])
        assert world.status("ava") == "talking"


async def test_a_clock_that_jumped_an_hour_ahead_and_back_blocks_nobody() -> None:
    async with running() as world:
        ahead = NOON + timedelta(hours=1)
        gone = (("Peer", "PJSIP/ava"), ("PeerStatus", "Unreachable"))
        stamp = ("Timestamp", str(ahead.timestamp()))
        world.link.tell(message(("Event", "PeerStatus"), *gone, stamp))
        assert world.status("ava") == "unreachable"
        world.play(upto("answered", "BridgeEnter"))
        assert world.status("ava") == "talking"


async def test_a_device_that_is_gone_is_unreachable() -> None:
    async with running() as world:
        for status, expected in (("Unreachable", "unreachable"), ("Reachable", "available")):
            pairs = (("Peer", "PJSIP/ava"), ("PeerStatus", status))
            world.link.tell(message(("Event", "PeerStatus"), *pairs))
            assert world.status("ava") == expected


async def test_who_signs_in_as_soon_as_the_device_is_there_can_be_reached() -> None:
    """A queue may still have the device for gone when its member is added."""
    async with running() as world:
        member = (("MemberName", "ava"), ("Queue", "support"), ("Status", "5"), ("Paused", "0"))
        for status, expected in (("Unregistered", "unreachable"), ("Registered", "available")):
            pairs = (("Peer", "PJSIP/ava"), ("PeerStatus", status))
            world.link.tell(message(("Event", "PeerStatus"), *pairs))
            world.link.tell(message(("Event", "QueueMemberAdded"), *member))
            assert world.status("ava") == expected


async def test_sign_in_and_out_follow_asterisk() -> None:
    async with running() as world:
        assert set(world.bridge.snapshot().agents["ava"].queues) == {"support", "sales"}
        assert await world.ask(w.SignIn(agent="ava"))  # twice is no error
        assert await world.ask(w.SignOut(agent="ava")) == w.CommandDone()
        assert world.status("ava") == "signed_out"
        added = world.link.actions("QueueAdd")[1]
        assert added == {
            "Queue": "sales",
            "Interface": "PJSIP/ava",
            "MemberName": "ava",
            "StateInterface": "PJSIP/ava",
            "Penalty": "2",
        }


async def test_who_is_not_signed_in_is_told_so() -> None:
    async with running() as world:
        await world.ask(w.SignOut(agent="ava"))
        for wish in (w.Pause(agent="ava", reason="lunch"), w.Unpause(agent="ava")):
            assert await world.ask(wish) == w.CommandRefused(reason="Sign in first.")


async def test_a_fixed_member_cannot_leave() -> None:
    async with running() as world:
        world.link.fail = [refused("Member not dynamic")]
        assert await world.ask(w.SignOut(agent="ben")) == w.CommandRefused(
            reason="The settings keep you in {queue} for good.", values={"queue": "support"}
        )


async def test_a_new_queue_inherits_the_pause() -> None:
    async with running() as world:
        await world.ask(w.Pause(agent="ava", reason="lunch"))
        del world.link.members["sales", "PJSIP/ava"]
        await world.ask(w.SignIn(agent="ava"))
        added = world.link.actions("QueueAdd")[-1]
        assert (added["Queue"], added["Paused"], added["Reason"]) == ("sales", "true", "lunch")


async def test_hanging_up_rejects_a_ringing_call_and_ends_a_taken_one() -> None:
    async with running() as world:
        world.play(upto("answered", "AgentCalled"))
        call_id = next(iter(world.bridge.snapshot().calls))
        await world.ask(w.HangUp(agent="ava", call_id=call_id))
        world.play(upto("answered", "BridgeEnter"))
        await world.ask(w.HangUp(agent="ava", call_id=call_id))
        channel = recording("answered").messages[3].get("Channel")
        assert world.link.actions("Hangup") == [
            {"Channel": channel, "Cause": "21"},
            {"Channel": channel, "Cause": "16"},
        ]
        assert await world.ask(w.HangUp(agent="ben", call_id=call_id)) == w.CommandRefused(
            reason="You are not on this call any more."
        )


async def test_a_blind_transfer_goes_to_the_fixed_context() -> None:
    async with running() as world:
        world.play(upto("answered", "BridgeEnter"))
        call_id = next(iter(world.bridge.snapshot().calls))
        await world.ask(w.BlindTransfer(agent="ava", call_id=call_id, to="q-sales"))
        fields = world.link.actions("BlindTransfer")[0]
        assert (fields["Context"], fields["Exten"]) == ("ringdesk-transfer", "q-sales")
        world.link.fail = [refused("Something\t is amiss")]
        reply = await world.ask(w.BlindTransfer(agent="ava", call_id=call_id, to="102"))
        assert reply == w.CommandRefused(
            reason='The telephone system refused: "{why}"', values={"why": "Something is amiss"}
        )


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("q-none", "There is no such queue."),
        ("101", "That is you."),
        ("102", "{agent} cannot be reached right now."),
        ("199", "There is nobody at this number."),
        ("0900123456", "Calls to {number} are not allowed here."),
        ("700", "All parking places are taken."),
    ],
)
async def test_nobody_is_handed_on_to_who_is_not_there(
    to: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before, and the call stays where it is."""
    monkeypatch.setattr("cti.dialling.PLACES", 0)
    async with running() as world:
        world.play(upto("answered", "BridgeEnter"))
        world.play([message(("Event", "PeerStatus"), ("Peer", "PJSIP/ben"), ("PeerStatus", "x"))])
        board = Switchboard(
            world.link,
            world.bridge.roster,
            world.bridge.interpreter,
            reach=lambda number: "" if number in {"199", "0900123456"} else number,
        )
        call_id = next(iter(world.bridge.snapshot().calls))
        reply = await carry_out(board, w.BlindTransfer(agent="ava", call_id=call_id, to=to))
        assert isinstance(reply, w.CommandRefused)
        assert reply.reason == said
        assert world.link.actions("BlindTransfer") == []


@pytest.mark.parametrize(
    ("asterisk", "said"),
    [
        ("No such channel", "You are not on this call any more."),
        ("Channel specified does not exist", "You are not on this call any more."),
        ("Extension does not exist.", "There is nobody at this number."),
        ("Transfer invalid", "The call could not be handed on."),
        ("Originate failed", "The call could not be placed."),
        (
            "Unable to add interface: No such queue",
            "The telephone system does not know this queue.",
        ),
        ("Unable to remove interface: Not there", "Sign in first."),
    ],
)
def test_what_asterisk_answers_is_said_in_our_words(asterisk: str, said: str) -> None:
    """Its own are English; ours stand in the catalogue."""
    assert commands.in_words(refused(asterisk)) == w.CommandRefused(reason=said)


@pytest.mark.parametrize(
    "asterisk",
    [
        "Permission denied",
        "Originate Access Forbidden: app or data blacklisted",
        "Invalid/unknown command: QueueAdd. Use Action: ListCommands to show available commands.",
    ],
)
def test_what_the_account_may_not_do_leads_to_the_doctor(asterisk: str) -> None:
    assert "ringdesk doctor" in commands.in_words(refused(asterisk)).reason


async def test_forged_events_are_told_with_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cti.bridge.REFUSED_EVERY", 0.01)
    async with running() as world:
        heard = asyncio.Event()
        world.bus.subscribe(EventsRefused, lambda _: heard.set())
        world.link.refused = 7
        async with asyncio.timeout(5):
            await heard.wait()
        assert [fact.many for fact in world.told(EventsRefused)] == [7]


async def test_click_to_dial_names_no_application_and_is_known_from_its_first_event() -> None:
    async with running() as world:
        await world.ask(w.Originate(agent="ava", to="+4930111222"))
        fields = world.link.actions("Originate")[0]
        assert "Application" not in fields
        assert (fields["Context"], fields["Exten"]) == ("ringdesk-agents", "+4930111222")
        made = fields["ChannelId"]
        assert re.fullmatch(
            r"5eed00-ringdesk-1-dial-[0-9]{10,}\.[0-9a-f]{32}", made
        )  # filed by time
        assert world.told(e.CallArrived)[0].dialed == "+4930111222"
        assert world.status("ava") == "calling"
        assert await world.ask(w.Originate(agent="ava", to="102")) == w.CommandRefused(
            reason="You are calling somebody already."
        )


async def test_who_is_in_no_queue_ends_their_wrap_up_by_signing_out() -> None:
    async with running() as world:
        world.play(recording("outbound").messages)
        assert world.status("ava") == "wrap_up"
        await world.ask(w.SignOut(agent="ava"))
        assert world.status("ava") == "signed_out"


async def test_what_may_not_be_dialled_is_refused_in_one_line_and_never_sent() -> None:
    async with running() as world:
        world.bridge = Bridge(
            FakeLink,
            world.bus,
            system="ringdesk-1",
            agents=AGENTS,
            queues=QUEUES,
            reach=lambda number: "" if number.startswith("0900") else f"+49{number[1:]}",
        )
        board = world.bridge._switchboard
        refusal = w.CommandRefused(
            reason="Calls to {number} are not allowed here.", values={"number": "0900123"}
        )
        assert await carry_out(board, w.Originate(agent="ava", to="0900123")) == refusal
        for m in upto("answered", "BridgeEnter"):
            world.bridge.interpreter.feed(m)
        call_id = next(iter(world.bridge.interpreter.world.calls))
        wish = w.BlindTransfer(agent="ava", call_id=call_id, to="0900123")
        assert await carry_out(board, wish) == refusal
        assert world.link.said == []


async def test_who_is_being_called_does_not_dial() -> None:
    async with running() as world:
        world.play(upto("answered", "AgentCalled"))
        assert await world.ask(w.Originate(agent="ava", to="102")) == w.CommandRefused(
            reason="A call is ringing. Answer or reject it first."
        )
        assert world.link.actions("Originate") == []


@pytest.mark.parametrize(
    "wish",
    [
        w.SignIn(agent="stranger"),
        w.Pause(agent="ava", reason="wrap-up"),
        w.Pause(agent="ava", reason="no\r\nAction: Originate"),
        w.HangUp(agent="ava", call_id="nothing"),
        w.BlindTransfer(agent="ava", call_id="nothing", to="102"),
    ],
)
async def test_what_cannot_be_is_refused_and_never_sent(wish: w.Wish) -> None:
    async with running() as world:
        assert isinstance(await world.ask(wish), w.CommandRefused)
        assert world.link.said == []


async def test_while_the_link_is_down_wishes_are_refused_in_words() -> None:
    async with running() as world:
        world.link.down()
        assert await world.ask(w.Pause(agent="ava", reason="lunch")) == w.CommandRefused(
            reason="The telephone system is not connected right now."
        )


async def test_the_board_is_given_to_who_asks() -> None:
    async with running() as world:
        world.play(upto("answered", "AgentCalled"))
        reply = await world.ask(w.BoardWanted())
        assert isinstance(reply, w.CommandDone)
        board = msgspec.json.decode(reply.board, type=BoardSnapshot)
        assert board == world.bridge.snapshot()
        assert call_id_of("ringdesk-1", recording("answered").messages[0].get("Linkedid")) in (
            board.calls
        )


async def test_the_lock_is_held_while_it_runs() -> None:
    steps: list[str] = []

    @asynccontextmanager
    async def lock() -> AsyncIterator[None]:
        steps.append("taken")
        try:
            yield
        finally:
            steps.append("given back")

    bus = InProcessBus()
    bridge = Bridge(FakeLink, bus, system="s", agents=AGENTS, queues=QUEUES, lock=lock)
    async with bridge:
        await asyncio.sleep(0)
        assert steps == ["taken"]
    assert steps == ["taken", "given back"]
