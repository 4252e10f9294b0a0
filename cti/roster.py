"""All agents of one Asterisk: facts and news about members in, `AgentChanged` out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from cti import agent_state as moves
from cti import events as e
from cti.agent_state import AgentState
from cti.ami.wire import Message
from cti.board import LATE
from cti.events import AgentChanged, Fact
from cti.number import LAST_TIME, whole

WRAP_UP = "wrap-up"  # the pause reason by which we keep calls away after a call


class AgentPlan(Struct, frozen=True, kw_only=True):
    """An agent as the settings have them. `queues`: queue -> penalty."""

    name: str
    extension: str
    queues: dict[str, int]
    desk_phone: bool = False  # registered here, and no browser

    @property
    def interface(self) -> str:
        """The device, as queues know it."""
        return f"PJSIP/{self.name}"


class QueuePlan(Struct, frozen=True, kw_only=True):
    """A queue as the settings have it; times in seconds.

    `threshold` of the service level; `ring`: one agent, before the next; `missed_limit`: calls an
    agent may let ring out in a row and is not answering then, 0: any number. `ring_all`: all are
    rung at once.
    """

    name: str
    threshold: int = 20
    ring: int = 20
    missed_limit: int = 1
    ring_all: bool = False
    wrap_up: int = 0


class _Wished(Struct, frozen=True, eq=False):
    """An own pause that was asked for; each is another, even for the same reason."""

    reason: str | None


class Roster:
    """Everybody's state, by agent name."""

    def __init__(
        self,
        system: str,
        agents: Mapping[str, AgentPlan],
        queues: Mapping[str, QueuePlan],
        now: datetime,
    ) -> None:
        self._system = system
        self.queues = queues
        self.plans = agents
        self.states = {name: AgentState(agent=name, since=now) for name in agents}
        self._registered: set[str] = set()  # agents whose device has said so since the last resync
        self._wished: dict[str, _Wished] = {}  # agent -> the pause whose event is on its way
        self._told_at: dict[str, datetime] = {}  # agent -> time of the last change told
        self._came_by: dict[str, str] = {}  # call -> its last queue, for who gets it by transfer
        self._placed: dict[str, e.CallArrived] = {}  # calls that an agent placed

    def apply(self, fact: Fact) -> list[AgentChanged]:
        """What a fact about a call means for the agents."""
        move = _MOVES.get(type(fact))
        return [] if move is None else move(self, fact)

    def recall(self, facts: Iterable[Fact]) -> list[AgentChanged]:
        """What facts told by another process mean; returns everybody as they then are.

        Which wrap-ups still go on is not taken from them (an agent may have ended one) but from
        Asterisk's pauses, at the `resync` that follows.
        """
        for fact in facts:
            self.apply(fact)
        for name, state in self.states.items():
            self.states[name] = replace(state, wrap_up_until=None)
        return [moves.as_fact(state, state.since, self._system) for state in self.states.values()]

    def tick(self, now: datetime) -> list[AgentChanged]:
        """Wrap-ups whose limit has passed end."""
        out: list[AgentChanged] = []
        for name, state in self.states.items():
            if state.wrap_up_until is not None:
                out += self._put(name, moves.wrap_up_over(state, now), now)
        return out

    def next_limit(self) -> datetime | None:
        """When the next wrap-up ends by its limit."""
        limits = [s.wrap_up_until for s in self.states.values() if s.wrap_up_until is not None]
        return min(limits, default=None)

    def end_wrap_up(self, agent: str, at: datetime) -> list[AgentChanged]:
        """The agent is done with the after-call work."""
        return self._put(agent, moves.wrap_up_over(self.states[agent]), at)

    def pause_of(self, agent: str) -> str | None:
        """The agent's own pause: what was asked for last, else what Asterisk told."""
        wished = self._wished.get(agent)
        return self.states[agent].pause if wished is None else wished.reason

    def wish_pause(self, agent: str, reason: str | None) -> Callable[[], None]:
        """An own pause (None: its end) is about to be asked for; it counts until its event comes.

        Returns what forgets it, for when Asterisk would not.
        """
        wished = self._wished[agent] = _Wished(reason)

        def forget() -> None:
            if self._wished.get(agent) is wished:
                del self._wished[agent]

        return forget

    def forget_wish(self, agent: str) -> None:
        """Asterisk would not hear of an own pause that was asked for."""
        self._wished.pop(agent, None)

    def forget_wishes(self) -> None:
        """The link is lost, and with it the events that were on their way."""
        self._wished.clear()

    def all(self, at: datetime) -> list[AgentChanged]:
        """Everybody as they are now."""
        return [moves.as_fact(state, at, self._system) for state in self.states.values()]

    # -- what Asterisk tells of queue members and devices -------------------------------------

    def news(self, m: Message, at: datetime) -> list[AgentChanged]:
        """An event about a queue member or a device; [] for any other."""
        if m.name == "PeerStatus":
            return self._device(m.get("Peer"), m.get("PeerStatus"), at)
        state = self.states.get(m.get("MemberName"))
        if state is None:
            return []
        if m.name == "QueueMemberPause":
            own, _ = _own_pause(m)
            wished = self._wished.get(state.agent)
            if wished is not None and wished.reason == own:
                del self._wished[state.agent]
            return self._put(state.agent, moves.paused(state, own), at)
        queues = set(state.queues)
        if m.name == "QueueMemberAdded":
            queues.add(m.get("Queue"))
            # A queue learns a little later than we that a device is there.
            here = _is_here(m) or state.agent in self._registered
            state = moves.reachable(state, yes=here)
            state = moves.paused(state, _own_pause(m)[0])
        elif m.name == "QueueMemberRemoved":
            queues.discard(m.get("Queue"))
            if not queues:
                self._wished.pop(state.agent, None)
        return self._put(state.agent, moves.in_queues(state, self._ordered(queues)), at)

    def resync(
        self,
        at: datetime,
        members: Iterable[Message],
        legs: Mapping[str, Iterable[str]],
    ) -> list[AgentChanged]:
        """Compare with `QueueMember` items and each agent's live legs.

        A pause with the reason `wrap-up` is a wrap-up of ours that a restart cut off: it goes on
        until its limit, counted from the pause. An agent's own began when Asterisk says it did.
        """
        queues: dict[str, set[str]] = {name: set() for name in self.states}
        pauses: dict[str, str | None] = {}
        limits: dict[str, datetime] = {}
        began: dict[str, datetime] = {}
        here: dict[str, bool] = {}
        for m in members:
            name, queue = m.get("Name"), m.get("Queue")
            if name not in queues:
                continue
            queues[name].add(queue)
            here[name] = _is_here(m)
            own, wrapping = _own_pause(m)
            pauses[name] = own or pauses.get(name)
            if own is not None:
                began[name] = min(_epoch(m.get("LastPause"), at), at)
            if wrapping:
                limit = _epoch(m.get("LastPause"), at) + timedelta(seconds=self._longest(name))
                limits[name] = max(limit, limits.get(name, limit))
        self._registered.clear()
        out: list[AgentChanged] = []
        for name, state in self.states.items():
            alive = set(legs.get(name, ()))
            after = state
            for leg in (*state.ringing, *state.calling, *state.talking):
                if leg not in alive:
                    after = moves.leg_over(after, leg)
            after = moves.in_queues(after, self._ordered(queues[name]))
            after = moves.paused(after, pauses.get(name))
            after = moves.reachable(after, yes=here.get(name, state.reachable))
            if name in limits:
                after = moves.wraps_up(after, limits[name])
            newly = after.status == "paused" != state.status
            out += self._put(name, after, at, since=began.get(name) if newly else None)
        return out

    def _longest(self, agent: str) -> int:
        """The longest wrap-up of the agent's queues; of who is in none, of all."""
        plans = [self.queues.get(queue) for queue in self.plans[agent].queues or self.queues]
        return max((plan.wrap_up for plan in plans if plan is not None), default=0)

    def _after(self, agent: str, talk: moves.Talk | None) -> int:
        """Seconds of after-call work: the queue's, of a call to the outside the agent's longest."""
        plan = None if talk is None else self.queues.get(talk.queue or "")
        if plan is not None or talk is None:
            return 0 if plan is None else plan.wrap_up
        placed = self._placed.get(talk.call_id)
        return self._longest(agent) if placed and placed.direction == "outbound" else 0

    def _device(self, peer: str, status: str, at: datetime) -> list[AgentChanged]:
        state = self.states.get(peer.removeprefix("PJSIP/"))
        if state is None or not peer.startswith("PJSIP/"):
            return []
        here = status in {"Registered", "Reachable"}
        if here:
            self._registered.add(state.agent)
        else:
            self._registered.discard(state.agent)
        return self._put(state.agent, moves.reachable(state, yes=here), at)

    # -- facts -----------------------------------------------------------------------------

    def _arrived(self, fact: e.CallArrived) -> list[AgentChanged]:
        if fact.agent is not None:
            self._placed.setdefault(fact.call_id, fact)
        return self._move(fact, fact.agent, moves.calls, fact.leg_id, fact.call_id)

    def _offered(self, fact: e.CallOffered) -> list[AgentChanged]:
        return self._move(fact, fact.agent, moves.offered, fact.leg_id, fact.call_id)

    def _offer_ended(self, fact: e.CallOfferEnded) -> list[AgentChanged]:
        if fact.reason == "answered":
            return []  # CallAnswered says more
        return self._move(fact, fact.agent, moves.offer_ended, fact.leg_id)

    def _answered(self, fact: e.CallAnswered) -> list[AgentChanged]:
        queue = fact.queue or self._came_by.get(fact.call_id)
        placed = self._placed.get(fact.call_id)
        if placed and placed.direction == "internal" and placed.agent == fact.agent:
            queue = None  # they asked a queue of their own house for somebody
        return self._move(fact, fact.agent, moves.talks, fact.leg_id, fact.call_id, queue)

    def _queued(self, fact: e.CallQueued) -> list[AgentChanged]:
        self._came_by[fact.call_id] = fact.queue
        return []

    def _ended(self, fact: e.CallEnded) -> list[AgentChanged]:
        self._came_by.pop(fact.call_id, None)
        self._placed.pop(fact.call_id, None)
        return []

    def _released(self, fact: e.CallReleased) -> list[AgentChanged]:
        state = self.states.get(fact.agent)
        talk = None if state is None else state.part_on(fact.leg_id)
        wrap_up = 0 if state is None else self._after(state.agent, talk)
        return self._move(fact, fact.agent, moves.released, fact.leg_id, fact.at, wrap_up)

    def _cut_off(self, fact: e.CallCutOff) -> list[AgentChanged]:
        return self._move(fact, fact.agent, moves.cut_off, fact.leg_id)

    def _held(self, fact: e.LegHeld | e.LegResumed) -> list[AgentChanged]:
        on = isinstance(fact, e.LegHeld)
        return self._everyone(fact, lambda s: moves.held(s, fact.leg_id, on=on))

    def _leg_ended(self, fact: e.LegEnded) -> list[AgentChanged]:
        leg = fact.leg_id
        on_it = [
            state
            for state in self.states.values()
            if leg in state.ringing or leg in state.calling or leg in state.talking
        ]
        out: list[AgentChanged] = []
        for state in on_it:
            out += self._put(state.agent, moves.leg_over(state, leg), fact.at)
        return out

    def _merged(self, fact: e.CallMerged) -> list[AgentChanged]:
        queue = self._came_by.pop(fact.absorbed, None)
        if queue is not None:
            self._came_by.setdefault(fact.call_id, queue)
        # A call inside the house that is one with another has somebody of outside in it.
        both = (self._placed.pop(each, None) for each in (fact.call_id, fact.absorbed))
        outbound = [each for each in both if each is not None and each.direction == "outbound"]
        if outbound:
            self._placed[fact.call_id] = outbound[0]
        return self._everyone(fact, lambda s: moves.merged(s, fact.call_id, fact.absorbed))

    def _move(
        self, fact: Fact, agent: str | None, move: Callable[..., AgentState], *args: Any
    ) -> list[AgentChanged]:
        state = self.states.get(agent or "")
        return [] if state is None else self._put(state.agent, move(state, *args), fact.at)

    def _everyone(self, fact: Fact, move: Callable[[AgentState], AgentState]) -> list[AgentChanged]:
        out: list[AgentChanged] = []
        for name, state in self.states.items():
            on_a_call = state.talking or state.calling or state.ringing or state.kept
            if on_a_call or state.wrap_up_call is not None:
                out += self._put(name, move(state), fact.at)
        return out

    def _put(
        self, agent: str, after: AgentState, at: datetime, *, since: datetime | None = None
    ) -> list[AgentChanged]:
        before = self.states[agent]
        if after is before:
            return []
        at = self._not_before(agent, at)
        after = moves.dated(before, after, since or at)
        self.states[agent] = after
        was = moves.as_fact(before, at, self._system)
        now = moves.as_fact(after, at, self._system)
        return [now] if now != was else []

    def _not_before(self, agent: str, at: datetime) -> datetime:
        """What comes later is told as later: some changes carry Asterisk's time, some ours.

        With clocks a little apart, boards would take the newer state for an old one.
        """
        last = self._told_at.get(agent, at)
        if timedelta() < last - at <= LATE:  # more: a clock that jumped
            at = last
        self._told_at[agent] = at
        return at

    def _ordered(self, queues: set[str]) -> tuple[str, ...]:
        return tuple(sorted(queues))


def _own_pause(m: Message) -> tuple[str | None, bool]:
    """The agent's own pause reason (None: none), and whether it is our wrap-up instead."""
    if m.get("Paused") != "1":
        return None, False
    reason = m.get("PausedReason") or m.get("Reason")
    return (None, True) if reason == WRAP_UP else (reason, False)


def _is_here(m: Message) -> bool:
    """Whether a member's device can be rung: 4 is invalid, 5 unavailable."""
    return m.get("Status") not in {"4", "5"}


def _epoch(value: str, otherwise: datetime) -> datetime:
    seconds = whole(value, 0, most=LAST_TIME)
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < LAST_TIME else otherwise


_MOVES: dict[type[Fact], Callable[[Roster, Any], list[AgentChanged]]] = {
    e.CallArrived: Roster._arrived,
    e.CallQueued: Roster._queued,
    e.CallEnded: Roster._ended,
    e.CallOffered: Roster._offered,
    e.CallOfferEnded: Roster._offer_ended,
    e.CallAnswered: Roster._answered,
    e.CallReleased: Roster._released,
    e.CallCutOff: Roster._cut_off,
    e.LegHeld: Roster._held,
    e.LegResumed: Roster._held,
    e.LegEnded: Roster._leg_ended,
    e.CallMerged: Roster._merged,
}
