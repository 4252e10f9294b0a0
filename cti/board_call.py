"""One live call on the board: what each of its legs does, and what that makes of the call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Self

from cti.events import CallState, Direction, LiveCall, Party

OFFERED, ANSWERED, OVER = 1, 2, 3  # a leg's rank: only ever grows
# What a call does when none of its legs says so.
ALONE: frozenset[CallState] = frozenset({"menu", "calling", "handed_on", "ending"})
SOMEBODY = ("?one", "?other")  # legs of a replica's call that talk outside


class BoardCall:
    """One live call with its legs; `view` is what the board shows of it."""

    __slots__ = (
        "called",
        "calling",
        "held",
        "joined",
        "kept",
        "left",
        "otherwise",
        "ours",
        "parked",
        "ranks",
        "reached",
        "ringing",
        "shown",
        "talking",
        "view",
    )

    def __init__(self, view: LiveCall) -> None:
        self.view = view
        self.shown = view  # as the last delta told it
        self.ringing: dict[str, str] = {}  # leg -> agent
        self.calling: dict[str, str] = {}  # leg that dials -> agent
        self.talking: dict[str, str] = {}
        self.held: set[str] = set()
        self.kept: dict[str, str] = {}  # lost leg -> the agent it is kept for
        self.parked: dict[str, str] = {}  # leg -> its place
        self.called: dict[str, str] = {}  # leg outside that we called -> its number
        self.joined: set[str] = set()  # legs that are in a bridge with another
        self.reached: set[str] = set()  # legs that ever were
        self.ours: set[str] = set()  # legs of agents' devices
        self.otherwise: CallState = "menu" if view.direction == "inbound" else "calling"
        self.ranks: dict[str, int] = {}
        self.left: dict[str, datetime] = {}  # queue -> when it was last left

    @classmethod
    def loaded(cls, view: LiveCall) -> Self:
        """A replica's call: of its legs it knows those on which agents ring and talk."""
        call = cls(view)
        talk = set(view.agents)
        told = set(view.legs.values())
        others = {
            f"?{agent}": agent for agent in (*view.agents, *view.ringing) if agent not in told
        }
        legs = view.legs | others
        call.ours = set(view.legs)
        call.ringing = {leg: agent for leg, agent in legs.items() if agent not in talk}
        call.talking = {leg: agent for leg, agent in legs.items() if agent in talk}
        call.ranks = dict.fromkeys(call.ringing, OFFERED) | dict.fromkeys(call.talking, ANSWERED)
        call.calling = {f"?{agent}": agent for agent in view.calling}
        call.kept = {f"?{agent}": agent for agent in view.kept_for}
        call.called = {f"?{number}": number for number in view.outside}
        if view.state == "held":
            call.held = {"?"}
        if view.place is not None:
            call.parked = {"?": view.place}
        if view.state == "outside":
            call.joined = set(SOMEBODY)
        if view.state != "calling":
            call.reached = set(call.called)
        if view.state in ALONE:
            call.otherwise = view.state
        elif view.answered_at is not None and view.queued_at is None:
            call.otherwise = "ending"
        return call

    def state(self) -> CallState:
        """What the call as a whole does now."""
        return next((state for state, holds in PRECEDENCE if holds(self)), self.otherwise)

    @property
    def is_parked(self) -> bool:
        """Somebody waits in a place; who parked them may still be there, and talks to nobody."""
        return bool(self.parked) and not self.joined & self.talking.keys()

    @property
    def is_outside(self) -> bool:
        """Two of the others talk, and no agent does: who handed them on may still be there."""
        return len(self.joined - self.ours) > 1 and not self.kept and not self._agents_talk()

    @property
    def is_waiting(self) -> bool:
        """In a queue."""
        return self.view.queue is not None and self.view.queued_at is not None

    def _agents_talk(self) -> bool:
        """Whether an agent may be in it; of a replica's the legs are not known."""
        return any(leg in self.joined or leg.startswith("?") for leg in self.talking)

    def direction(self) -> Direction:
        """Of a call placed for an agent nobody tells whom it is to reach: who is rung does."""
        if self.view.direction == "inbound" or self.view.dialed:
            return self.view.direction
        return "internal" if len(self.ours) > 1 and not self.called else "outbound"

    def numbers(self) -> tuple[str, ...]:
        """The numbers outside that are in it because we called them."""
        return tuple(dict.fromkeys(filter(None, self.called.values())))

    def begin(self, leg: str, party: Party, address: str) -> None:
        """A leg is there; one outside is one that was called."""
        if party == "agent":
            self.ours.add(leg)
        elif party == "external":
            self.called.pop(f"?{address}", None)
            self.called[leg] = address or self.called.get(leg, "")

    def bridge(self, leg: str, *, on: bool) -> None:
        """A leg is in a bridge with another, or is not any more."""
        self.joined.difference_update((*SOMEBODY, leg))
        if on:
            self.joined.add(leg)
            self.reached.add(leg)
        if len(self.joined - self.ours) > 1:
            self.otherwise = "ending"

    def unpark(self, leg: str) -> None:
        """A leg waits in no parking place any more."""
        self.parked.pop(leg, None)
        self.parked.pop("?", None)

    def absorb(self, other: BoardCall) -> None:
        """Another call turned out to be this one."""
        for leg, rank in other.ranks.items():
            self.forward(leg, rank)
        self.ringing |= other.ringing
        self.calling |= other.calling
        self.talking |= other.talking
        self.held |= other.held
        self.kept |= other.kept
        self.parked |= other.parked
        self.called |= other.called
        self.joined |= other.joined
        self.reached |= other.reached
        self.ours |= other.ours

    def goes_on(self, leg: str) -> bool:
        """Whether a leg is not over."""
        return self.ranks.get(leg, 0) < OVER

    def forward(self, leg: str, rank: int) -> bool:
        """Move a leg to `rank`; False if it is there or further already."""
        if self.ranks.get(leg, 0) >= rank:
            return False
        self.ranks[leg] = rank
        return True

    def forget_kept(self, leg: str, agent: str) -> None:
        """Nobody waits any more for whoever was lost on this leg."""
        for key in (leg, f"?{agent}"):
            self.kept.pop(key, None)

    def agent_is_back(self, agent: str) -> None:
        """The agent is on the call again, by another leg."""
        self.kept = {leg: each for leg, each in self.kept.items() if each != agent}

    def rings_no_more(self, leg: str, agent: str) -> None:
        """The leg neither rings nor dials any more; what the agent does on another goes on."""
        for key in (leg, f"?{agent}"):
            self.ringing.pop(key, None)
            self.calling.pop(key, None)

    def drop(self, leg: str, agent: str) -> None:
        """The leg neither rings, dials, talks nor holds any more."""
        known = leg in self.talking  # the agent's other leg, of which nothing is known, goes on
        for key in (leg,) if known else (leg, f"?{agent}"):
            self.ringing.pop(key, None)
            self.calling.pop(key, None)
            self.talking.pop(key, None)
            self.held.discard(key)

    def end(self, leg: str) -> None:
        """The leg is gone."""
        if leg in self.calling:
            self.otherwise = "ending"  # who dialled gave up, or reached nobody
        self.drop(leg, "")
        self.parked.pop(leg, None)
        self.called.pop(leg, None)
        self.joined.discard(leg)


PRECEDENCE: tuple[tuple[CallState, Callable[[BoardCall], bool]], ...] = (
    ("parked", lambda call: call.is_parked),
    ("outside", lambda call: call.is_outside),
    ("held", lambda call: bool(call.talking and call.held)),
    ("talking", lambda call: bool(call.talking)),
    ("reconnecting", lambda call: bool(call.kept)),
    ("ringing", lambda call: bool(call.ringing)),
    ("waiting", lambda call: call.is_waiting),
    ("calling", lambda call: bool(call.calling or call.called.keys() - call.reached)),
)
