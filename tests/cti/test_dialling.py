"""An agent dials: what may be dialled and when, what their telephone shows, what it all becomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cti import dialling
from cti import events as e
from cti import wishes as w
from cti.agent_state import calls, cut_off, offered, reachable, talks
from cti.ami.wire import Message, message
from cti.board import Board
from cti.commands import carry_out
from cti.events import Fact
from cti.interpret import Interpreter
from cti.roster import AgentPlan, QueuePlan, Roster
from cti.switchboard import Switchboard
from tests.fakes.ami_link import FakeLink
from tests.fakes.ami_recording import EXTENSIONS, recording

T0 = datetime(2026, 3, 2, tzinfo=UTC)
PLANS = {
    "ava": AgentPlan(name="ava", extension="101", queues={"support": 0}),
    "ben": AgentPlan(name="ben", extension="102", queues={"support": 0}, desk_phone=True),
    "cat": AgentPlan(name="cat", extension="103", queues={}),
}
QUEUES = {"support": QueuePlan(name="support", wrap_up=30), "pair": QueuePlan(name="pair")}


class Floor:
    """Roster and board as the bridge feeds them, and a link that says yes."""

    def __init__(self) -> None:
        self.roster = Roster("s", PLANS, QUEUES, T0)
        self.board = Board({"support": 20}, now=T0, agents=PLANS)
        self.link = FakeLink(
            wanted=frozenset(), on_event=self._heard, on_up=_nothing, on_down=lambda _: None
        )
        self.link.connected = True
        reach = {"102": "102", "101": "101", "q-support": "q-support", "q-none": "q-none"}
        self.switchboard = Switchboard(
            self.link,
            self.roster,
            Interpreter("s", {}),
            lambda number: reach.get(number, "+4930111222" if number.startswith("030") else ""),
        )
        self.now = T0

    def _heard(self, m: Message) -> None:
        """As the bridge does it."""
        for fact in self.switchboard.interpreter.feed(m):
            if isinstance(fact, e.LegStarted) and fact.leg_id in self.switchboard.begins:
                self.switchboard.begins[fact.leg_id].set()

    def tell(self, kind: type[Any], **rest: Any) -> None:
        self.now += timedelta(seconds=1)
        fact: Fact = kind(at=self.now, system="s", **({"call_id": "c"} | rest))
        self.board.apply(fact)
        for change in self.roster.apply(fact):
            self.board.apply(change)

    def dials(self, to: str, direction: str = "outbound", agent: str = "ava") -> None:
        self.tell(
            e.CallArrived, leg_id="L1", channel=f"PJSIP/{agent}-1", direction=direction,
            caller_number="101", caller_name="", dialed=to, agent=agent,
        )  # fmt: skip

    def status(self, agent: str = "ava") -> str:
        return self.board.snapshot().agents[agent].status

    @property
    def call(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        call = self.board.call("c")
        assert call is not None
        return call.state, call.calling, call.agents

    async def ask(self, wish: w.Wish) -> str:
        """Why not; "" when it was done."""
        reply = await carry_out(self.switchboard, wish)
        return "" if isinstance(reply, w.CommandDone) else str(reply)


async def _nothing() -> None:
    return


@pytest.fixture
def floor() -> Floor:
    return Floor()


# -- what becomes of it -----------------------------------------------------------------------


def test_who_dials_outside_calls_then_talks_then_wraps_up(floor: Floor) -> None:
    floor.dials("+4930111222")
    assert (floor.status(), floor.call) == ("calling", ("calling", ("ava",), ()))
    floor.tell(e.CallAnswered, agent="ava", leg_id="L1")
    assert (floor.status(), floor.call) == ("talking", ("talking", (), ("ava",)))
    assert floor.roster.states["ava"].since == floor.now  # talk counts from here
    floor.tell(e.CallReleased, agent="ava", leg_id="L1", talked=9.0)
    floor.tell(e.LegEnded, leg_id="L1", cause=16)
    assert floor.status() == "wrap_up"
    assert floor.roster.states["ava"].wrap_up_call == "c"
    assert floor.roster.states["ava"].keeps_calls_away


def test_who_is_in_no_queue_wraps_up_as_long_as_anybody(floor: Floor) -> None:
    floor.dials("+4930111222", agent="cat")
    floor.tell(e.CallAnswered, agent="cat", leg_id="L1")
    floor.tell(e.CallReleased, agent="cat", leg_id="L1", talked=9.0)
    assert floor.roster.states["cat"].wrap_up_until == floor.now + timedelta(seconds=30)


def test_after_a_call_that_nobody_answered_there_is_no_wrap_up(floor: Floor) -> None:
    floor.dials("+4930111222")
    floor.tell(e.LegEnded, leg_id="L1", cause=17)
    assert (floor.status(), floor.call) == ("signed_out", ("ending", (), ()))
    assert not floor.roster.states["ava"].keeps_calls_away


@pytest.mark.parametrize(("to", "by"), [("102", None), ("q-support", "support")])
def test_colleagues_do_not_wrap_up_after_each_other(floor: Floor, to: str, by: str | None) -> None:
    """Who took a call out of a queue wraps up, whoever called there; who called does not."""
    floor.dials(to, "internal")
    assert floor.status() == "calling"
    if by:
        floor.tell(e.CallQueued, queue=by, position=1, leg_id="L1")
        assert floor.call[0] == "waiting"
    floor.tell(e.CallOffered, agent="ben", leg_id="L2", queue=by)
    assert floor.call[:2] == ("ringing", ("ava",))
    floor.tell(e.CallAnswered, agent="ben", leg_id="L2", queue=by)
    floor.tell(e.CallAnswered, agent="ava", leg_id="L1")
    assert floor.status() == "talking"
    for agent, leg in (("ava", "L1"), ("ben", "L2")):
        floor.tell(e.CallReleased, agent=agent, leg_id=leg, talked=3.0)
    assert floor.status() == "signed_out"
    assert floor.status("ben") == ("wrap_up" if by else "signed_out")


def test_who_fetches_a_parked_caller_wraps_up_after_the_callers_call(floor: Floor) -> None:
    floor.tell(
        e.CallArrived, call_id="b", leg_id="in", channel="PJSIP/t-1", direction="inbound",
        caller_number="+4930", caller_name="", dialed="2000",
    )  # fmt: skip
    floor.tell(e.CallQueued, call_id="b", queue="support", position=1, leg_id="in")
    floor.dials("701", "internal")
    assert floor.status() == "calling"
    floor.tell(e.CallMerged, call_id="b", absorbed="c")
    floor.tell(e.CallAnswered, call_id="b", agent="ava", leg_id="L1")
    floor.tell(e.CallReleased, call_id="b", agent="ava", leg_id="L1", talked=3.0)
    assert floor.status() == "wrap_up"


def test_whom_a_customer_is_handed_on_to_wraps_up_too(floor: Floor) -> None:
    floor.dials("+4930111222")
    floor.tell(e.CallAnswered, agent="ava", leg_id="L1")
    floor.tell(e.CallReleased, agent="ava", leg_id="L1", talked=3.0)
    floor.tell(e.CallAnswered, agent="ben", leg_id="L3")
    floor.tell(e.CallReleased, agent="ben", leg_id="L3", talked=3.0)
    assert floor.status("ben") == "wrap_up"


def test_no_queue_counts_a_call_to_the_outside(floor: Floor) -> None:
    before = floor.board.snapshot().queues
    test_who_dials_outside_calls_then_talks_then_wraps_up(floor)
    assert floor.board.snapshot().queues == before


def test_a_replica_sees_who_is_calling(floor: Floor) -> None:
    floor.dials("+4930111222")
    other = Board({"support": 20}, now=T0, agents=PLANS)
    other.apply(e.BoardResynced(at=floor.now, system="s", board=floor.board.snapshot()))
    view = other.call("c")
    assert view is not None
    assert (view.state, view.calling) == ("calling", ("ava",))
    other.apply(e.CallAnswered(at=floor.now, system="s", call_id="c", agent="ava", leg_id="L1"))
    view = other.call("c")
    assert view is not None
    assert (view.state, view.calling, view.agents) == ("talking", (), ("ava",))


def test_a_bridge_that_begins_while_it_rings_knows_who_is_calling(floor: Floor) -> None:
    floor.dials("+4930111222")
    fact = e.CallArrived(
        at=T0, system="s", call_id="c", leg_id="L1", channel="PJSIP/ava-1", direction="outbound",
        caller_number="101", caller_name="", dialed="+4930111222", agent="ava",
    )  # fmt: skip
    second = Roster("s", PLANS, QUEUES, T0)
    second.recall([fact])
    second.resync(T0, [], {"ava": ["L1"]})
    assert second.states["ava"].status == "calling"
    second.resync(T0, [], {"ava": []})
    assert second.states["ava"].status == "signed_out"


RECORDED = {
    "outbound": ("ava", ["calling", "talking", "wrap_up"]),
    "originate": ("ava", ["calling", "talking", "wrap_up"]),
    "internal": ("ava", ["calling", "talking", "signed_out"]),
    "originate_internal": ("ava", ["calling", "talking", "signed_out"]),
    "originate_local": ("ava", ["calling", "talking", "wrap_up"]),
    "parked": ("ben", ["calling", "talking", "wrap_up"]),
    "pickup": ("ben", ["calling", "talking", "wrap_up"]),
}


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_call_is_calling_until_it_is_answered(name: str) -> None:
    """By the page, a desk phone or somebody's program; outside, a colleague, whom one fetches."""
    agent, wanted = RECORDED[name]
    by, messages = Interpreter("ringdesk-1", EXTENSIONS), recording(name).messages
    began = messages[0]
    if began.get("Exten") == "s":
        by.expect(began.get("Uniqueid"), "102" if "internal" in name else "+4930111222")
    roster = Roster("ringdesk-1", PLANS, QUEUES, T0)
    seen = [
        change.status
        for each in messages
        for fact in by.feed(each)
        for change in roster.apply(fact)
        if change.agent == agent
    ]
    assert list(dict.fromkeys(seen)) == wanted


# -- what the dialplan says of whom it did not reach ------------------------------------------


@pytest.mark.parametrize(
    ("why", "told"), [("busy", ["busy"]), ("denied", ["denied"]), ("forged\\r\\n", [])]
)
def test_whom_it_did_not_reach_is_told_at_once(why: str, told: list[str]) -> None:
    by = Interpreter("ringdesk-1", EXTENSIONS)
    by.feed(recording("outbound").messages[0])
    leg = recording("outbound").messages[0].get("Uniqueid")
    said = {"UserEvent": "RingdeskNotReached", "Uniqueid": leg, "Why": why}
    facts = by.feed(message(("Event", "UserEvent"), *said.items()))
    assert [(f.agent, f.why) for f in facts if isinstance(f, e.CallNotReached)] == [
        ("ava", each) for each in told
    ]


# -- whether one may dial ---------------------------------------------------------------------


ASKED = (
    ("0900123", "Calls to 0900123 are not allowed here."),
    ("199", "There is nobody at this number."),
    ("101", "That is you."),
    ("q-none", "There is no such queue."),
    ("q-support", ""),
    ("102", ""),
    ("030111222", ""),
)


@pytest.mark.parametrize("wish", [w.MayDial, w.Originate])
@pytest.mark.parametrize(("to", "said"), ASKED)
async def test_what_may_not_be_dialled_is_refused_before_anything_rings(
    floor: Floor, wish: type[w.MayDial | w.Originate], to: str, said: str
) -> None:
    assert await floor.ask(wish(agent="ava", to=to)) == said
    assert len(floor.link.said) == (0 if said else 1)


async def test_the_page_is_told_what_its_telephone_dials(floor: Floor) -> None:
    reply = await carry_out(floor.switchboard, w.MayDial(agent="ava", to="030111222"))
    assert reply == w.CommandDone(detail="+4930111222")
    assert floor.link.actions("Originate") == []


async def test_a_colleague_who_is_not_there_is_not_called(floor: Floor) -> None:
    floor.roster.states["ben"] = reachable(floor.roster.states["ben"], yes=False)
    for wish in (w.MayDial(agent="ava", to="102"), w.Originate(agent="ava", to="102")):
        assert await floor.ask(wish) == "ben cannot be reached right now."


@pytest.mark.parametrize("wish", [w.MayDial, w.Originate])
@pytest.mark.parametrize(
    ("does", "said"),
    [
        (lambda s: calls(s, "L1", "c"), "You are calling somebody already."),
        (lambda s: talks(s, "L1", "c", None), "You are on a call already."),
        (lambda s: cut_off(talks(s, "L1", "c", None), "L1"), "You are on a call already."),
        (lambda s: offered(s, "L1", "c"), "A call is ringing. Answer or reject it first."),
    ],
)
async def test_one_call_at_a_time(
    floor: Floor, does: Any, said: str, wish: type[w.MayDial | w.Originate]
) -> None:
    floor.roster.states["ava"] = does(floor.roster.states["ava"])
    assert await floor.ask(wish(agent="ava", to="102")) == said
    assert floor.link.said == []


async def test_of_two_wishes_at_once_one_dials(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asterisk has not told of the first one's channel yet."""
    assert await floor.ask(w.Originate(agent="ava", to="102")) == ""
    assert await floor.ask(w.MayDial(agent="ava", to="102")) == "You are calling somebody already."
    assert await floor.ask(w.MayDial(agent="cat", to="102")) == ""
    monkeypatch.setattr(dialling, "AT_ONCE", 0.0)
    assert await floor.ask(w.MayDial(agent="ava", to="102")) == ""


async def test_own_telephone_away_and_link_down_are_said_in_words(floor: Floor) -> None:
    floor.roster.states["ava"] = reachable(floor.roster.states["ava"], yes=False)
    assert await floor.ask(w.Originate(agent="ava", to="102")) == (
        "Your own telephone cannot be reached right now."
    )
    floor.link.connected = False
    for _again in range(2):
        assert await floor.ask(w.MayDial(agent="ava", to="102")) == (
            "The telephone system is not connected right now."
        )


async def test_a_telephone_of_which_nothing_is_heard_is_away(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asterisk takes the wish all the same; nobody ever told whether the device is there."""
    monkeypatch.setattr(dialling, "BEGINS", 0.01)
    floor.link.has_devices = False
    for _again in range(2):
        assert await floor.ask(w.Originate(agent="ava", to="102")) == dialling.NO_TELEPHONE
    assert floor.switchboard.begins == {}


async def test_ones_own_telephone_shows_whom_it_is_to_reach(floor: Floor) -> None:
    name = 'Erika "M" O\'Neil, x=1\r\nAction: Logoff'
    assert await floor.ask(w.Originate(agent="ava", to="030111222", name=name)) == ""
    assert floor.link.headers == [
        ("Variable", "CONNECTEDLINE(num,i)=+4930111222"),
        ("Variable", "CONNECTEDLINE(name,i)=Erika M O'Neil x 1 Action Logoff"),
    ]


async def test_a_desk_phone_is_asked_to_answer_by_itself(floor: Floor) -> None:
    assert await floor.ask(w.Originate(agent="ben", to="030111222")) == ""
    said = [value for _, value in floor.link.headers]
    assert said[:2] == ["CONNECTEDLINE(num,i)=+4930111222", "CONNECTEDLINE(name,i)=+4930111222"]
    assert said[2:] == list(dialling.ANSWER_BY_ITSELF)
