"""Who does not take what is offered to them: from a limit on they are offered nothing more.

- Who let calls of a queue ring out, so many in a row (`missed_limit`). Only a full ring counts: a
  caller who gave up, or whose time was up, was not missed by anybody.
- Who rejected the same call so often: nobody else is there, and a telephone that refuses all by
  itself would be rung until the caller goes.

A call that was taken or placed, a pause, and signing in begin the count anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from cti import events as e
from cti.agent_state import NOT_ANSWERING, REJECTING
from cti.events import Fact
from cti.roster import QueuePlan

SHORT_OF = timedelta(seconds=1)  # what a full ring may lack: clocks, and Asterisk's rounding
REJECTED_LIMIT = 3  # of the same call
MOST_OFFERS = 10_000  # remembered; more means that their ends are never told


class Away(NamedTuple):
    """An agent who is to be offered nothing more, the reason for the pause, and by which queue."""

    agent: str
    reason: str
    queue: QueuePlan


class Missed:
    """Counts what each agent did not take. Pure."""

    def __init__(self, queues: Mapping[str, QueuePlan]) -> None:
        self._queues = queues
        self._offered: dict[str, tuple[QueuePlan, datetime]] = {}  # by leg
        self._missed: Counter[str] = Counter()
        self._rejected: dict[str, Counter[str]] = {}  # call -> agent -> how often

    def apply(self, fact: Fact) -> Away | None:
        """The agent who has reached a limit by this; else None."""
        match fact:
            case e.CallOffered():
                plan = self._queues.get(fact.queue or "")
                if plan is not None:
                    self._offered[fact.leg_id] = plan, fact.at
                    while len(self._offered) > MOST_OFFERS:
                        del self._offered[next(iter(self._offered))]
            case e.CallOfferEnded():
                return self._ended(fact)
            case e.CallAnswered() | e.CallArrived() if fact.agent:
                self.forget(fact.agent)
            case e.CallEnded():
                self._rejected.pop(fact.call_id, None)
            case e.LegEnded():
                self._offered.pop(fact.leg_id, None)
        return None

    def forget(self, agent: str) -> None:
        """The agent is there: they begin anew."""
        self._missed.pop(agent, None)
        for rejected in self._rejected.values():
            rejected.pop(agent, None)

    def _ended(self, fact: e.CallOfferEnded) -> Away | None:
        plan, since = self._offered.pop(fact.leg_id, (None, fact.at))
        if plan is None:
            return None
        if fact.reason == "rejected":
            rejected = self._rejected.setdefault(fact.call_id, Counter())
            rejected[fact.agent] += 1
            often = rejected[fact.agent] >= REJECTED_LIMIT
            return Away(fact.agent, REJECTING, plan) if often else None
        full = fact.at - since >= timedelta(seconds=plan.ring) - SHORT_OF
        if fact.reason != "no_answer" or not full or not plan.missed_limit:
            return None
        self._missed[fact.agent] += 1
        if self._missed[fact.agent] < plan.missed_limit:
            return None
        return Away(fact.agent, NOT_ANSWERING, plan)
