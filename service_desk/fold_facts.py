"""What each fact does to what is known of a call: one method a fact, read in order of time.

A fact that comes late, twice or from another source must not spoil what others said.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cti import events as cti
from service_desk.fold_legs import Leg
from service_desk.phone_number import printable
from service_desk.story import Entry

# The same thing told by two sources (AMI and CEL) within this time is one thing.
SAME = timedelta(seconds=3)
MOST_OFFERS = 20  # ring-all to a hundred agents is one line of a story, not a hundred
MOST_ENTRIES = 200


class Reading:
    """What was read of one call's facts so far."""

    def __init__(self, call_id: str, facts: Sequence[cti.CallFact]) -> None:
        self.call_id = call_id
        self.facts = facts
        self.legs: dict[str, Leg] = {}
        self.visits: list[dict[str, Any]] = []
        self.recordings: dict[str, dict[str, Any]] = {}
        self.entries: dict[str, Entry] = {}
        self.latest: dict[str, datetime] = {}
        self.aliases: set[tuple[str, str]] = set()
        self.agents: list[str] = []
        self.cut_off: dict[str, str] = {}  # agent whose device was lost -> the leg
        self.arrived: cti.CallArrived | None = None
        self.opens_case = False
        self.ended: cti.CallEnded | None = None
        self.answered_at: datetime | None = None
        self.queue: str | None = None
        self.waited: float | None = None
        self.offers = 0

    def read(self) -> None:
        """Read all facts, once."""
        for fact in self.facts:
            leg_id = getattr(fact, "leg_id", None)
            if leg_id:
                self.aliases.add((fact.system, leg_id))
                if leg_id not in self.legs:
                    self.legs[leg_id] = Leg(started_at=fact.at)
            _READERS[type(fact)](self, fact)

    def note(self, kind: str, about: str, at: datetime, actor: str, /, **data: Any) -> None:
        """A line of the story, unless it was just told."""
        what = f"{kind}:{about}"
        before = self.latest.get(what)
        if before is not None and at - before <= SAME:
            return
        if len(self.entries) >= MOST_ENTRIES and kind != "ended":
            return
        self.latest[what] = at
        key = _key(what, at)
        self.entries[key] = Entry(key, at, kind, actor[:64], data)

    def _untold(self, kind: str, about: str) -> None:
        """Its last line is none of the story."""
        what = f"{kind}:{about}"
        at = self.latest.pop(what, None)
        if at is not None:
            self.entries.pop(_key(what, at), None)

    def agent_is(self, agent: str) -> None:
        """An agent took part."""
        if agent not in self.agents:
            self.agents.append(agent)

    # One method a fact

    def call_arrived(self, fact: cti.CallArrived) -> None:
        """Merged calls have several: an outside party's first, then the call's own."""
        if fact.direction != "internal":
            self.opens_case = True
        if self.arrived is None or self._weight(fact) > self._weight(self.arrived):
            self.arrived = fact
        leg = self.legs[fact.leg_id]
        leg.party = leg.party or ("agent" if fact.agent else "caller")
        leg.agent = leg.agent or fact.agent
        leg.address = leg.address or (fact.dialed if fact.agent else fact.caller_number)
        self.note(
            "arrived",
            fact.call_id,
            fact.at,
            fact.agent or "caller",
            number=printable(fact.caller_number),
            dialed=printable(fact.dialed),
            direction=fact.direction,
        )

    def _last_of_the_call(self) -> datetime:
        """After-call work is none of the call."""
        return max(fact.at for fact in self.facts if not isinstance(fact, cti.WrapUpEnded))

    def _weight(self, fact: cti.CallArrived) -> tuple[bool, bool]:
        return fact.direction != "internal", fact.call_id == self.call_id

    def call_merged(self, fact: cti.CallMerged) -> None:
        """The entry says that two calls turned out to be one."""
        self.note("merged", fact.absorbed, fact.at, "system")

    def leg_started(self, fact: cti.LegStarted) -> None:
        """Who is at the other end of a channel."""
        leg = self.legs[fact.leg_id]
        leg.party = fact.party
        leg.agent = fact.agent or leg.agent
        leg.address = fact.address or leg.address

    def leg_joined(self, fact: cti.LegJoined) -> None:
        """Talk begins."""
        leg = self.legs[fact.leg_id]
        leg.rooms.append((fact.at, fact.bridge_id, True))
        leg.answered_at = leg.answered_at or fact.at

    def leg_parted(self, fact: cti.LegParted) -> None:
        """Talk ends."""
        self.legs[fact.leg_id].rooms.append((fact.at, fact.bridge_id, False))

    def leg_held(self, fact: cti.LegHeld) -> None:
        """Hold begins."""
        self.legs[fact.leg_id].hold.append((fact.at, True))

    def leg_resumed(self, fact: cti.LegResumed) -> None:
        """Hold ends."""
        self.legs[fact.leg_id].hold.append((fact.at, False))

    def leg_ended(self, fact: cti.LegEnded) -> None:
        """A channel is gone; the first word on that counts."""
        leg = self.legs[fact.leg_id]
        if leg.ended_at is None:
            leg.ended_at, leg.cause = fact.at, fact.cause
            leg.ended_by = fact.by
            self._stopped_ringing(leg, fact.at)

    def call_queued(self, fact: cti.CallQueued) -> None:
        """A visit to a queue begins."""
        if self.visits:
            last = self.visits[-1]
            if last["queue"] == fact.queue and fact.at - last["entered_at"] <= SAME:
                if last["reason"] in cti.TURNED_AWAY:  # who tries again at once has come once
                    last.update(left_at=None, reason=None, waited=None)
                return
        self.queue = fact.queue
        self.visits.append(_visit(fact.queue, fact.at))
        self.note("queued", fact.queue, fact.at, "system", queue=fact.queue, position=fact.position)

    def call_left_queue(self, fact: cti.CallLeftQueue) -> None:
        """A visit ends; without its beginning the wait tells when that was."""
        visit = self._visit_of(fact.queue, fact.at)
        if visit is None:
            self.queue = self.queue or fact.queue
            visit = _visit(fact.queue, fact.at - timedelta(seconds=max(fact.waited, 0.0)))
            self.visits.append(visit)
        if visit["left_at"] is not None and visit["reason"] != "unknown":
            return
        visit.update(left_at=fact.at, reason=fact.reason, waited=round(max(fact.waited, 0.0), 3))
        if fact.reason in cti.TURNED_AWAY:
            self._untold("queued", fact.queue)
            self.note(
                "turned_away", fact.queue, fact.at, "system", queue=fact.queue, reason=fact.reason
            )
        elif fact.reason != "answered":
            self.note(
                "left_queue",
                fact.queue,
                fact.at,
                "system",
                queue=fact.queue,
                reason=fact.reason,
                waited=round(fact.waited, 1),
            )

    def call_offered(self, fact: cti.CallOffered) -> None:
        """A device rings."""
        leg = self.legs[fact.leg_id]
        leg.party, leg.agent = leg.party or "agent", leg.agent or fact.agent
        leg.rang_at = leg.rang_at or fact.at
        self.offers += 1
        if self.offers <= MOST_OFFERS:
            self.note("offered", fact.agent, fact.at, fact.agent, queue=fact.queue)

    def call_offer_ended(self, fact: cti.CallOfferEnded) -> None:
        """A device rings no more."""
        leg = self.legs[fact.leg_id]
        self._stopped_ringing(leg, fact.at)
        if fact.reason in ("no_answer", "rejected") and self.offers <= MOST_OFFERS:
            self.note("not_taken", fact.agent, fact.at, fact.agent, reason=fact.reason)

    def call_answered(self, fact: cti.CallAnswered) -> None:
        """An agent has the call."""
        leg = self.legs[fact.leg_id]
        leg.party, leg.agent = leg.party or "agent", leg.agent or fact.agent
        self._stopped_ringing(leg, fact.at)
        leg.answered_at = leg.answered_at or fact.at
        first = self.answered_at is None
        if first:
            self.answered_at = fact.at
            self.waited = fact.waited
        if fact.queue is not None:
            if first:
                self.queue = fact.queue
            visit = self._visit_of(fact.queue, fact.at)
            if visit is not None and visit["left_at"] is None:
                waited = (fact.at - visit["entered_at"]).total_seconds()
                waited = waited if fact.waited is None else fact.waited
                visit.update(left_at=fact.at, reason="answered", waited=round(waited, 3))
            if visit is not None:
                visit["agent"] = visit["agent"] or fact.agent
        consults = leg.rang_at is None and fact.agent in self.agents
        self.agent_is(fact.agent)
        if fact.agent in self.cut_off:
            del self.cut_off[fact.agent]
            self.note("back", fact.leg_id, fact.at, fact.agent)
        elif not consults:  # whom the agent called meanwhile answered
            self.note(
                "answered", fact.agent, fact.at, fact.agent, queue=fact.queue, waited=fact.waited
            )

    def call_cut_off(self, fact: cti.CallCutOff) -> None:
        """The agent's device was lost; the others wait for them."""
        leg = self.legs[fact.leg_id]
        leg.agent = leg.agent or fact.agent
        leg.released = max(leg.released, fact.talked)
        self.cut_off[fact.agent] = fact.leg_id
        self.note("cut_off", fact.leg_id, fact.at, fact.agent)

    def call_released(self, fact: cti.CallReleased) -> None:
        """The agent's part is over; `talked` serves when no bridge was seen."""
        if self.cut_off.get(fact.agent) == fact.leg_id:
            del self.cut_off[fact.agent]
        leg = self.legs[fact.leg_id]
        leg.agent = leg.agent or fact.agent
        leg.released = max(leg.released, fact.talked)
        leg.released_at = leg.released_at or fact.at
        self.agent_is(fact.agent)

    def wrap_up_ended(self, fact: cti.WrapUpEnded) -> None:
        """The after-call work that followed the agent's last part in the call is done."""
        over = [
            leg
            for leg in self.legs.values()
            if leg.agent == fact.agent and leg.released_at is not None
        ]
        if over:
            leg = max(over, key=lambda each: each.released_at or each.started_at)
            leg.wrapped_at = leg.wrapped_at or fact.at

    def call_transferred(self, fact: cti.CallTransferred) -> None:
        """Handed on."""
        to = printable(fact.to)
        self.note(
            "transferred", to, fact.at, fact.by or "system", kind=fact.kind, by=fact.by, to=to
        )

    def call_ended(self, fact: cti.CallEnded) -> None:
        """The last word that is not a guess counts: a lost call may be found again."""
        if fact.call_id != self.call_id and fact.at < self._last_of_the_call():
            return  # the end of a call merged into this one, which went on
        known = self.ended
        if known is None or known.lost > fact.lost:
            self.ended = fact
        elif known.lost == fact.lost and (fact.by != "unknown" or known.by == "unknown"):
            self.ended = fact  # later; but one that knows why is not replaced by one that does not

    def recording_started(self, fact: cti.RecordingStarted) -> None:
        """A file is being written."""
        row = self._recording(fact.file, fact.at)
        row["started_at"] = min(row["started_at"], fact.at)
        self.note("recording", fact.file[:60], fact.at, "system", file=fact.file[:300])

    def recording_stopped(self, fact: cti.RecordingStopped) -> None:
        """The file is complete."""
        row = self._recording(fact.file, fact.at)
        row["stopped_at"] = row["stopped_at"] or fact.at
        row["seconds"] = round((row["stopped_at"] - row["started_at"]).total_seconds(), 3)

    # Helpers

    def _recording(self, file: str, at: datetime) -> dict[str, Any]:
        return self.recordings.setdefault(
            file[:300], {"kind": "call", "started_at": at, "stopped_at": None, "seconds": None}
        )

    def _visit_of(self, queue: str, at: datetime) -> dict[str, Any] | None:
        for visit in reversed(self.visits):
            if visit["queue"] == queue and visit["entered_at"] <= at:
                left = visit["left_at"]
                return visit if left is None or at - left <= SAME else None
        return None

    @staticmethod
    def _stopped_ringing(leg: Leg, at: datetime) -> None:
        if leg.rang_at is not None and not leg.silent:
            leg.silent = True  # though it rang for no time: a pickup is offered and taken at once
            leg.ringing = round(max((at - leg.rang_at).total_seconds(), 0.0), 3)


def _key(what: str, at: datetime) -> str:
    return f"{what[:80]}:{at.timestamp():.6f}"


def _visit(queue: str, at: datetime) -> dict[str, Any]:
    return {
        "queue": queue,
        "entered_at": at,
        "left_at": None,
        "reason": None,
        "waited": None,
        "agent": None,
    }


_READERS: dict[type[Any], Any] = {
    cti.CallArrived: Reading.call_arrived,
    cti.CallMerged: Reading.call_merged,
    cti.LegStarted: Reading.leg_started,
    cti.LegJoined: Reading.leg_joined,
    cti.LegParted: Reading.leg_parted,
    cti.LegHeld: Reading.leg_held,
    cti.LegResumed: Reading.leg_resumed,
    cti.LegEnded: Reading.leg_ended,
    cti.CallQueued: Reading.call_queued,
    cti.CallLeftQueue: Reading.call_left_queue,
    cti.CallOffered: Reading.call_offered,
    cti.CallOfferEnded: Reading.call_offer_ended,
    cti.CallAnswered: Reading.call_answered,
    cti.CallReleased: Reading.call_released,
    cti.CallCutOff: Reading.call_cut_off,
    cti.WrapUpEnded: Reading.wrap_up_ended,
    cti.CallTransferred: Reading.call_transferred,
    cti.CallEnded: Reading.call_ended,
    cti.RecordingStarted: Reading.recording_started,
    cti.RecordingStopped: Reading.recording_stopped,
}
TELLING = tuple(_READERS)
