"""Who would not or did not take a waiting call: the others in that queue come first for it.

Asterisk knows no "not this call to that agent". It knows penalties: whoever has a higher one is
rung only while nobody with a lower one is free. So while the call waits its agent's penalty in that
queue is raised above all others', and put back as soon as the call has left it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cti import events as e
from cti.ami.wire import Message
from cti.events import Fact, OfferEnd
from cti.number import whole
from cti.roster import AgentPlan

# Above every penalty of the settings (1000 at most). Asterisk multiplies by a million, in an int:
# the sum still fits.
RAISED = 1_001
NOT_TAKEN: frozenset[OfferEnd] = frozenset({"rejected", "no_answer"})

Place = tuple[str, str]  # agent, queue


class Declined:
    """What each agent's penalty in each queue should be. Pure."""

    def __init__(self, agents: Mapping[str, AgentPlan]) -> None:
        self._agents = agents
        self._waits_in: dict[str, str] = {}  # call -> queue
        self._declined: dict[str, set[str]] = {}  # waiting call -> agents

    def apply(self, fact: Fact) -> set[Place]:
        """Whose penalty, where, may be another now."""
        match fact:
            case e.CallQueued() if self._waits_in.get(fact.call_id) != fact.queue:
                left = self._over(fact.call_id)
                self._waits_in[fact.call_id] = fact.queue
                return left
            case e.CallOfferEnded() if fact.reason in NOT_TAKEN:
                return self._not_taken(fact.call_id, fact.agent)
            case e.CallLeftQueue() | e.CallEnded():
                return self._over(fact.call_id)
            case e.CallMerged():
                return self._merged(fact.call_id, fact.absorbed)
        return set()

    def penalty(self, place: Place) -> int:
        """What it should be now."""
        agent, queue = place
        own = self._agents[agent].queues.get(queue, 0) if agent in self._agents else 0
        raised = any(
            agent in agents and self._waits_in.get(call) == queue
            for call, agents in self._declined.items()
        )
        return own + RAISED if raised else own

    def by(self, call_id: str) -> frozenset[str]:
        """Who declined this waiting call."""
        return frozenset(self._declined.get(call_id, ()))

    def resync(self, members: Iterable[Message]) -> set[Place]:
        """Whose penalty at Asterisk (`QueueMember` items) is not what it should be."""
        wrong: set[Place] = set()
        for m in members:
            agent, queue, is_now = m.get("Name"), m.get("Queue"), m.get("Penalty")
            plan = self._agents.get(agent)
            if plan is None or queue not in plan.queues or not is_now:
                continue
            if whole(is_now, 0, most=10_000) != self.penalty((agent, queue)):
                wrong.add((agent, queue))
        return wrong

    def _not_taken(self, call_id: str, agent: str) -> set[Place]:
        queue, plan = self._waits_in.get(call_id), self._agents.get(agent)
        if queue is None or plan is None or queue not in plan.queues:
            return set()
        self._declined.setdefault(call_id, set()).add(agent)
        return {(agent, queue)}

    def _merged(self, call_id: str, absorbed: str) -> set[Place]:
        """The one conversation waits where either did."""
        if call_id in self._waits_in or absorbed not in self._waits_in:
            return self._over(absorbed)
        self._waits_in[call_id] = self._waits_in.pop(absorbed)
        if agents := self._declined.pop(absorbed, None):
            self._declined[call_id] = agents
        return set()

    def _over(self, call_id: str) -> set[Place]:
        queue = self._waits_in.pop(call_id, None)
        agents = self._declined.pop(call_id, set())
        return set() if queue is None else {(agent, queue) for agent in agents}
