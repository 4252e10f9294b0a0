"""Who let a call ring out, and how often in a row: from a queue's limit on they are not answering.

A call that was taken, by whatever way, begins the count anew. Only a queue's offers count that rang
their full time: a caller who gave up, or whose time was up, was not missed by anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from cti import events as e
from cti.events import Fact
from cti.roster import QueuePlan

SHORT_OF = timedelta(seconds=1)  # what a full ring may lack: clocks, and Asterisk's rounding
MOST_OFFERS = 10_000  # remembered; more means that their ends are never told


class Missed:
    """Counts each agent's missed calls. Pure."""

    def __init__(self, queues: Mapping[str, QueuePlan]) -> None:
        self._queues = queues
        self._offered: dict[str, tuple[QueuePlan, datetime]] = {}  # by leg
        self._missed: Counter[str] = Counter()

    def apply(self, fact: Fact) -> str | None:
        """The agent who has reached the limit by this; else None."""
        match fact:
            case e.CallOffered():
                plan = self._queues.get(fact.queue or "")
                if plan is not None:
                    self._offered[fact.leg_id] = plan, fact.at
                    while len(self._offered) > MOST_OFFERS:
                        del self._offered[next(iter(self._offered))]
            case e.CallOfferEnded():
                return self._ended(fact)
            case e.CallAnswered():
                self.forget(fact.agent)
            case e.LegEnded():
                self._offered.pop(fact.leg_id, None)
        return None

    def forget(self, agent: str) -> None:
        """The agent is there: they begin anew."""
        self._missed.pop(agent, None)

    def _ended(self, fact: e.CallOfferEnded) -> str | None:
        plan, since = self._offered.pop(fact.leg_id, (None, fact.at))
        if plan is None or fact.reason != "no_answer" or not plan.missed_limit:
            return None
        if fact.at - since < timedelta(seconds=plan.ring) - SHORT_OF:
            return None
        self._missed[fact.agent] += 1
        return fact.agent if self._missed[fact.agent] >= plan.missed_limit else None
