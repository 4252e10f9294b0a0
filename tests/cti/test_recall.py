"""A bridge that begins in the middle of a call: told what was told before, or asking Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cti import events as e
from cti.ami.wire import AmiParser, Message, message
from cti.board import Board
from cti.bridge import AgentPlan, Bridge, QueuePlan
from cti.bus import InProcessBus
from cti.events import Fact
from cti.interpret import Interpreter
from cti.interpret.trace import Trace, traces
from tests.fakes.ami_link import FakeLink
from tests.fakes.ami_recording import EXTENSIONS, FOLDER, NAMES, recording, told

QUEUES = {name: QueuePlan(name=name, wrap_up=30) for name in ("support", "pair")}
AGENTS = {
    name: AgentPlan(name=name, extension=extension, queues={"support": 0})
    for name, extension in EXTENSIONS.items()
}
LISTS = Path(FOLDER) / "taken_in_a_gap.lists"


def listed() -> dict[str, list[Message]]:
    """What Asterisk answers in the middle of the recorded call, by the action asked."""
    text = "\r\n".join(x for x in LISTS.read_text("utf-8").splitlines() if not x.startswith("#"))
    items = AmiParser(None).feed(
        b"Asterisk Call Manager/11.0.0\r\n" + text.strip().encode() + b"\r\n\r\n"
    )
    actions = {
        "CoreShowChannel": "CoreShowChannels",
        "Status": "Status",
        "BridgeListItem": "BridgeList",
        "QueueMember": "QueueStatus",
    }
    lists: dict[str, list[Message]] = {}
    for item in items:
        lists.setdefault(actions[item.name], []).append(item)
    return lists


def channels_of(by: Interpreter, extra: dict[str, str] | None = None) -> list[Message]:
    """CoreShowChannels as it would be for what an interpreter knows."""
    found = []
    for leg in by.world.legs.values():
        fields = {
            "Channel": leg.channel,
            "Uniqueid": leg.id,
            "Linkedid": leg.id,
            "BridgeId": leg.bridge or "",
            "ChannelStateDesc": "Ringing" if leg.offer is True else "Up",
        }
        found.append(message(("Event", "CoreShowChannel"), *(fields | (extra or {})).items()))
    return found


def entries_of(by: Interpreter, at: datetime) -> list[Message]:
    """QueueStatus's entries as they would be."""
    found = []
    for call in by.world.calls.values():
        if call.waiting is not None:
            wait = int((at - call.waiting.joined_at).total_seconds())
            fields = {
                "Queue": call.waiting.queue,
                "Position": "1",
                "Uniqueid": call.waiting.leg_id,
                "Wait": str(wait),
            }
            found.append(message(("Event", "QueueEntry"), *fields.items()))
    return found


def interpreter() -> Interpreter:
    return Interpreter("ringdesk-1", EXTENSIONS)


@pytest.mark.parametrize("name", NAMES)
def test_cut_off_anywhere_another_interpreter_tells_the_rest_as_the_first_would(name: str) -> None:
    """Every recording, cut after every event: what the next one is told of, it tells no more."""
    messages = recording(name).messages
    for cut in range(1, len(messages)):
        first, second = interpreter(), interpreter()
        before = [fact for m in messages[:cut] for fact in first.feed(m)]
        if not before or any(leg.is_local for leg in first.world.legs.values()):
            continue  # a Local channel is plumbing: it is told by nobody, and found anew
        calls, ids = first.world.calls, first.world.ids
        second.recall(
            [
                f
                for f in before
                if isinstance(f, e.CallFact)
                and not isinstance(f, e.CallEnded)
                and ids.resolve(f.call_id) in calls
            ]
        )
        at = before[-1].at
        found = second.resync(at, channels_of(first), entries_of(first, at))
        assert {type(f) for f in found} <= {e.QueueChanged}, (cut, found)
        rest = [fact for m in messages[cut:] for fact in first.feed(m)]
        again = [fact for m in messages[cut:] for fact in second.feed(m)]
        ends = [f for f in rest if isinstance(f, e.CallReleased)]
        assert [f for f in again if isinstance(f, e.CallReleased)] == ends, cut
        assert second.world.calls == first.world.calls == {}, cut


class World:
    """A bridge that begins in the middle; `before` is what another one told."""

    def __init__(self, now: datetime, before: Sequence[Fact] = ()) -> None:
        self.bus = InProcessBus()
        self.facts: list[Fact] = []
        self.bus.subscribe(e.CallFact, self.facts.append)

        async def recall() -> Sequence[Fact]:
            return before

        self.bridge = Bridge(
            FakeLink,
            self.bus,
            system="ringdesk-1",
            agents=AGENTS,
            queues=QUEUES,
            clock=lambda: now,
            recall=recall,
        )
        assert isinstance(self.bridge.link, FakeLink)
        self.link: FakeLink = self.bridge.link


async def test_the_next_bridge_shows_the_call_as_the_first_did_and_gives_the_wrap_up() -> None:
    """On hold when the first one dies: the same on the board, nothing told twice, then wrap-up."""
    messages = recording("hold").messages
    cut = [m.name for m in messages].index("Hold") + 1
    first = interpreter()
    before = [fact for m in messages[:cut] for fact in first.feed(m)]
    at = before[-1].at
    board = Board({}, now=at)
    for fact in before:
        board.apply(fact)
    world = World(at, before)
    world.link.lists = {"CoreShowChannels": channels_of(first)}
    world.link.boot = "2026-11-21 08:00:00"
    async with world.bus, world.bridge:
        await asyncio.sleep(0)
        await world.link.up()
        assert [f for f in world.facts if not isinstance(f, e.QueueChanged)] == []
        shown = world.bridge.snapshot()
        assert shown.calls == board.snapshot().calls
        assert [call.state for call in shown.calls.values()] == ["held"]
        assert shown.agents["ava"].status == "held"
        assert shown.agents["ava"].since == at
        assert [queue.answered for queue in shown.queues.values()] == [0, 0]
        await world.link.action(
            "QueueAdd", Queue="support", Interface="PJSIP/ava", MemberName="ava"
        )
        for m in messages[cut:]:
            world.link.tell(m)
        assert world.bridge.snapshot().agents["ava"].status == "wrap_up"
        released = [f for f in world.facts if isinstance(f, e.CallReleased)]
        assert len(released) == 1
        assert world.bridge.snapshot().calls == {}


async def test_taken_while_nobody_listened_is_told_with_its_queue_and_its_time() -> None:
    """No memory at all: the queue, when it was joined and taken come from Asterisk alone."""
    lists = listed()
    joined = datetime.fromtimestamp(1795303433, UTC)
    now = joined + timedelta(seconds=14)
    world = World(now)
    world.link.lists = lists
    async with world.bus, world.bridge:
        await asyncio.sleep(0)
        await world.link.up()
        words = [told(f) for f in world.facts if not isinstance(f, e.LegStarted)]
        assert words == [
            "CallArrived inbound +493019862001 -> support -",
            "CallQueued support 1",
            "CallOffered ava support",
            "LegJoined .3",
            "CallAnswered ava support 1.0",
            "CallOfferEnded ava answered",
            "CallLeftQueue support answered 1.0",
            "LegJoined .2",
        ]
        answered = next(f for f in world.facts if isinstance(f, e.CallAnswered))
        assert answered.at == joined + timedelta(seconds=1)
        [call] = world.bridge.snapshot().calls.values()
        assert (call.state, call.queue, call.agents) == ("talking", "support", ("ava",))
        assert call.answered_at == answered.at
        for leg_id in ("journey-1795303433.3", "journey-1795303433.2"):
            pairs = {"Uniqueid": leg_id, "Cause": "16", "Timestamp": str(now.timestamp() + 5)}
            world.link.tell(message(("Event", "Hangup"), *pairs.items()))
        assert world.bridge.snapshot().agents["ava"].status == "wrap_up"
        released = next(f for f in world.facts if isinstance(f, e.CallReleased))
        assert released.talked == 18.0


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"RINGDESK_QUEUE": "support"}, {}),  # still in the menu
        ({"RINGDESK_QUEUE": "(null)", "RINGDESK_JOINED": "(null)", "QEHOLDTIME": "1"}, {}),
        (
            {"RINGDESK_QUEUE": "support", "RINGDESK_JOINED": "100", "QEHOLDTIME": ""},
            {"1": Trace("support", datetime.fromtimestamp(100, UTC))},
        ),
        ({"RINGDESK_QUEUE": "support", "RINGDESK_JOINED": "9" * 40}, {}),
    ],
)
def test_traces_of_channels(variables: dict[str, str], expected: dict[str, Trace]) -> None:
    """Whoever never joined a queue, or carries nonsense, leaves no trace."""
    pairs = [("Variable", f"{name}={value}") for name, value in variables.items()]
    assert traces([message(("Event", "Status"), ("Uniqueid", "1"), *pairs)]) == expected


def test_a_call_of_another_boot_ended_with_the_last_thing_told() -> None:
    """Not days later, when somebody starts Ringdesk again."""
    messages = recording("answered").messages
    cut = [m.name for m in messages].index("BridgeEnter") + 2
    first, second = interpreter(), interpreter()
    before = [fact for m in messages[:cut] for fact in first.feed(m)]
    second.recall(before)
    boot = before[-1].at + timedelta(days=2)
    facts = second.resync(boot + timedelta(minutes=1), [], [], boot=boot)
    assert {fact.at for fact in facts} == {before[-1].at}
    assert isinstance(facts[-1], e.CallEnded)
    assert (facts[-1].lost, facts[-1].by) == (True, "asterisk")


def test_a_call_whose_end_was_on_its_way_is_over() -> None:
    """All its legs are known to be gone, only the last word was lost with the process."""
    by, whole = interpreter(), interpreter()
    facts = [fact for m in recording("answered").messages for fact in whole.feed(m)]
    by.recall([fact for fact in facts if not isinstance(fact, e.CallEnded)])
    [ended] = by.resync(facts[-1].at + timedelta(minutes=1), [], [])
    assert isinstance(ended, e.CallEnded)
    assert (ended.lost, ended.at) == (True, facts[-1].at)
