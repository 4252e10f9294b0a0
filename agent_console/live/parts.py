"""Which calls an agent has part in, and how: what their desk shows, and nobody else's.

Derived from the board after each fact. A part begins when the agent's device rings or dials, goes
on through talking and wrap-up, and goes at once when the call is offered elsewhere, withdrawn or
handed on. Of a call that reached nobody it stays, with why, until the agent closes it or has
another call.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from cti.board import Delta
from cti.events import (
    AgentChanged,
    BoardResynced,
    CallAnswered,
    CallEnded,
    CallMerged,
    CallNotReached,
    CallOffered,
    CallTransferred,
    Fact,
    LiveAgent,
    LiveCall,
)

State = Literal["ringing", "calling", "talking", "held", "reconnecting", "wrap_up", "ended"]
TALKING = ("talking", "held", "reconnecting")
OVER = ("wrap_up", "ended")
# Why a call reached nobody, besides `cti.events.NotReached`: who dialled hung up; nobody said.
CANCELLED, FAILED = "cancelled", "failed"


class Part(Struct, frozen=True, kw_only=True):
    """One agent's part in one call: `call` as last seen, `waited` seconds in the queue.

    `why` the agent, who dialled, reached nobody; "" of any other call.
    """

    call: LiveCall
    state: State
    since: datetime
    waited: float | None = None
    handed_on: bool = False
    why: str = ""


class Last(Struct, frozen=True, kw_only=True):
    """The call an agent just had: over for them `at`; `handed_on`, it went on without them."""

    call_id: str
    at: datetime
    handed_on: bool = False


class Parts:
    """The parts of all agents; `apply` says whose changed."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[str, Part]] = {}  # agent -> call id -> part
        self._status: dict[str, LiveAgent] = {}
        self._last: dict[str, Last] = {}

    def of(self, agent: str) -> dict[str, Part]:
        """The agent's parts by call id; do not change it."""
        return self._parts.get(agent, {})

    def last_of(self, agent: str) -> Last | None:
        """The call whose card went from this agent's desk last, until they take the next one."""
        return self._last.get(agent)

    def recall_last(self, agent: str, last: Last) -> bool:
        """What was so before we listened; no, where the agent has, or had, another call since."""
        if agent in self._last or any(part.state != "ringing" for part in self.of(agent).values()):
            return False
        self._last[agent] = last
        return True

    def forget_last(self, agent: str) -> None:
        """The agent is done with it, and with one that reached nobody."""
        self._last.pop(agent, None)
        parts = self._parts.get(agent, {})
        for call_id in [c for c, part in parts.items() if part.state in OVER and part.why]:
            del parts[call_id]

    def agents_showing(self, call_id: str) -> list[str]:
        """Everybody on whose desk the call is: those who have part in it, and whose last it was."""
        after = [agent for agent, last in self._last.items() if last.call_id == call_id]
        return [*self.agents_of(call_id), *after]

    def agents_of(self, call_id: str) -> list[str]:
        """Everybody who has part in the call."""
        return [agent for agent, parts in self._parts.items() if call_id in parts]

    def apply(self, fact: Fact, delta: Delta) -> set[str]:
        """Follow a fact that moved the board by `delta`; returns the agents whose desk changed."""
        touched: set[str] = set()
        if isinstance(fact, CallMerged):
            touched |= self._merge(fact)
        for name, live in delta.set.get("agents", {}).items():
            self._status[name] = live
            touched.add(name)
        for call_id in delta.delete.get("calls", ()):
            touched |= self._follow(call_id, None, fact.at)
        for call_id, call in delta.set.get("calls", {}).items():
            touched |= self._follow(call_id, call, fact.at)
        if isinstance(fact, CallTransferred) and fact.by is not None:
            touched |= self._hand_on(fact.by, fact.call_id, fact.at)
        elif isinstance(fact, CallOffered | CallAnswered):
            touched |= self._waited(fact)
        elif isinstance(fact, CallNotReached):
            touched |= self._because(fact.agent, fact.call_id, fact.why)
        elif isinstance(fact, CallEnded) and fact.by == "agent":
            for agent in self.agents_of(fact.call_id):
                touched |= self._because(agent, fact.call_id, CANCELLED)
        if isinstance(fact, AgentChanged | BoardResynced):
            for name in tuple(delta.set.get("agents", {})):
                self._clear_over(name, fact.at)
        return touched

    def _follow(self, call_id: str, call: LiveCall | None, at: datetime) -> set[str]:
        touched: set[str] = set(self.agents_of(call_id))
        if call is not None:
            touched.update(call.ringing, call.calling, call.agents)
        for agent in touched:
            parts = self._parts.setdefault(agent, {})
            before = parts.get(call_id)
            part = _moved(agent, before, call, at)
            if part is not None and part.state in OVER:
                part = self._kept(agent, part)
            if part is None:
                parts.pop(call_id, None)
                self._was(agent, before, at)
            else:
                if part.state == "calling" or part.state in TALKING:
                    self.forget_last(agent)
                    self._drop_over(agent)  # the wrap-up of an earlier call ends with a new one
                parts[call_id] = part
        return touched

    def _kept(self, agent: str, part: Part) -> Part | None:
        """A part that is over, as long as its wrap-up lasts."""
        live = self._status.get(agent)
        call_id = part.call.call_id
        if part.why:
            return part
        if live is None or part.handed_on:
            return None
        if live.status == "wrap_up":
            return part if part.state == "wrap_up" else replace(part, state="wrap_up")
        # CallReleased came before the agent's change: they are on their way to wrap-up.
        still_here = live.status in TALKING and live.call_id in (None, call_id)
        return part if still_here else None

    def _was(self, agent: str, part: Part | None, at: datetime) -> None:
        """Remember a call the agent had; one that only rang was not theirs."""
        if part is not None and part.state != "ringing":
            self._last[agent] = Last(call_id=part.call.call_id, at=at, handed_on=part.handed_on)

    def _clear_over(self, agent: str, at: datetime) -> None:
        parts = self._parts.get(agent, {})
        for call_id, part in tuple(parts.items()):
            if part.state in OVER:
                kept = self._kept(agent, part)
                if kept is None:
                    del parts[call_id]
                    self._was(agent, part, at)
                else:
                    parts[call_id] = kept

    def _drop_over(self, agent: str) -> None:
        parts = self._parts.get(agent, {})
        for call_id in [c for c, part in parts.items() if part.state in OVER]:
            del parts[call_id]

    def _hand_on(self, agent: str, call_id: str, at: datetime) -> set[str]:
        part = self.of(agent).get(call_id)
        if part is None:
            last = self._last.get(agent)
            if last is None or last.call_id != call_id:
                return set()
            self._last[agent] = replace(last, handed_on=True)
            return {agent}
        handed_on = replace(part, handed_on=True)
        if part.state in OVER:
            del self._parts[agent][call_id]
            self._was(agent, handed_on, at)
        else:
            self._parts[agent][call_id] = handed_on
        return {agent}

    def _because(self, agent: str, call_id: str, why: str) -> set[str]:
        """Whom they called was not reached; the first reason that says anything counts."""
        part = self.of(agent).get(call_id)
        if part is None or not (part.state == "calling" or part.why == FAILED):
            return set()
        self._parts[agent][call_id] = replace(part, why=why)
        return {agent}

    def _waited(self, fact: CallOffered | CallAnswered) -> set[str]:
        part = self.of(fact.agent).get(fact.call_id)
        if part is None:
            return set()
        if isinstance(fact, CallAnswered):
            waited = fact.waited
        else:
            queued = part.call.queued_at
            waited = None if queued is None else max(0.0, (fact.at - queued).total_seconds())
        if waited is not None and waited != part.waited:
            self._parts[fact.agent][fact.call_id] = replace(part, waited=waited)
        return {fact.agent}

    def _merge(self, fact: CallMerged) -> set[str]:
        for agent, last in self._last.items():
            if last.call_id == fact.absorbed:
                self._last[agent] = replace(last, call_id=fact.call_id)
        touched = set(self.agents_of(fact.absorbed))
        for agent in touched:
            part = self._parts[agent].pop(fact.absorbed)
            self._parts[agent].setdefault(
                fact.call_id, replace(part, call=replace(part.call, call_id=fact.call_id))
            )
        return touched


def _moved(agent: str, part: Part | None, call: LiveCall | None, at: datetime) -> Part | None:
    """The part after the call became `call` (None: it is over), before asking about wrap-up."""
    state = _state(agent, call)
    if state is not None and call is not None:
        if part is None:
            return Part(call=call, state=state, since=at)
        if part.state == state:
            return part if part.call is call else replace(part, call=call)
        # Who talks again (a transfer came back) has not handed the call on any more.
        handed_on = part.handed_on and part.state not in OVER
        return replace(part, call=call, state=state, since=at, handed_on=handed_on, why="")
    if part is None or part.state == "ringing" or part.handed_on:
        return None
    if part.state in OVER:
        return part
    why = part.why or FAILED if part.state == "calling" else ""
    return replace(part, state="ended", since=at, call=call or part.call, why=why)


def _state(agent: str, call: LiveCall | None) -> State | None:
    if call is None:
        return None
    if agent in call.agents:
        return "held" if call.state == "held" else "talking"
    if agent in call.kept_for:
        return "reconnecting"
    if agent in call.calling:
        return "calling"
    return "ringing" if agent in call.ringing else None
