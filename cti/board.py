"""Live calls, agents and queues: pure, no I/O, no clock but the facts' own.

`apply(fact)` moves the board and returns the `Delta`; `apply_delta(before, delta)` equals
`snapshot()` for any sequence of facts. Facts may come twice, late, in another order or about ids
nobody knows: a leg's state only moves forward, and a finished call is never reopened.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from msgspec.structs import replace

from cti import events
from cti.board_call import BoardCall
from cti.board_delta import Delta, LinkState, Section, apply_delta
from cti.board_legs import MOVES
from cti.board_queues import BoardQueues
from cti.events import BoardSnapshot, Fact, LiveAgent, LiveCall

__all__ = ["LATE", "Board", "Delta", "LinkState", "apply_delta"]

# How old a late fact may be; what seems older than that was told by a clock that jumped.
LATE = timedelta(seconds=60)
REMEMBERED = 5_000  # finished calls whose late facts are recognised
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Board:
    """The live board of one Asterisk, or a replica of it.

    `thresholds` gives each queue's service level threshold in seconds; counters run from `now`
    and begin anew at midnight in `zone`.
    """

    def __init__(
        self,
        thresholds: Mapping[str, int],
        *,
        now: datetime,
        zone: tzinfo = UTC,
        agents: Iterable[str] = (),
    ) -> None:
        self._calls: dict[str, BoardCall] = {}
        self._gone: OrderedDict[str, str | None] = OrderedDict()  # None: over, else merged into
        self._agents = {
            name: LiveAgent(agent=name, status="signed_out", since=now) for name in agents
        }
        self._agent_at: dict[str, datetime] = {}
        self._queues = BoardQueues(
            thresholds,
            now=now,
            zone=zone,
            changed=lambda queue: self._set("queues", queue.queue, queue),
        )
        self._stale_since: datetime | None = None
        self._changed: dict[Section, dict[str, Any]] = {}
        self._deleted: dict[Section, list[str]] = {}

    def snapshot(self) -> BoardSnapshot:
        """Everything as it is now; later facts do not change what was returned."""
        return BoardSnapshot(
            calls={call_id: call.view for call_id, call in self._calls.items()},
            agents=dict(self._agents),
            queues=self._queues.snapshot(),
            stale_since=self._stale_since,
        )

    def call(self, call_id: str) -> LiveCall | None:
        """One live call, by its own id or one that was merged into it."""
        found = self._find(call_id)
        return None if found is None else found.view

    def waiting(self, queue: str) -> tuple[str, ...]:
        """The calls that wait in a queue, the first first."""
        return self._queues.waiting(queue)

    def apply(self, fact: Fact) -> Delta:
        """Move by one fact; a fact that says nothing new gives an empty delta."""
        self._changed, self._deleted = {}, {}
        self._queues.pass_time(fact.at)
        handler, on_legs = _MOVES.get(type(fact)), MOVES.get(type(fact))
        if handler is not None:
            handler(self, fact)
        elif on_legs is not None and isinstance(fact, events.CallFact):
            self._on_legs(on_legs, fact)
        return Delta(set=self._changed, delete=self._deleted)

    def recall(self, facts: Iterable[Fact]) -> None:
        """Know the calls that another process told these facts of.

        They were counted by it, and maybe on another day: they leave no trace in the counters.
        """
        counted = self._queues.snapshot()
        for fact in facts:
            self.apply(fact)
        self._queues.count_as(counted)

    def tick(self, now: datetime) -> Delta:
        """Let time pass without a fact: counters begin anew at midnight."""
        self._changed, self._deleted = {}, {}
        self._queues.pass_time(now)
        return Delta(set=self._changed, delete=self._deleted)

    # -- calls -----------------------------------------------------------------------------

    def _arrived(self, fact: events.CallArrived) -> None:
        if fact.call_id in self._gone or fact.call_id in self._calls:
            return
        view = LiveCall(
            call_id=fact.call_id,
            system=fact.system,
            direction=fact.direction,
            caller_number=fact.caller_number,
            caller_name=fact.caller_name,
            dialed=fact.dialed,
            arrived_at=fact.at,
            since=fact.at,
        )
        call = self._calls[fact.call_id] = BoardCall(view)
        if fact.agent is not None:
            call.calling[fact.leg_id] = fact.agent
        self._show(call, fact.at)
        self._set("calls", fact.call_id, call.view)

    def _queued(self, fact: events.CallQueued) -> None:
        call = self._find(fact.call_id)
        if call is None or fact.at <= call.left.get(fact.queue, _LONG_AGO):
            return
        if call.view.queue == fact.queue and call.view.queued_at is not None:
            return
        if call.view.queue is not None:
            self._queues.stop_waiting(call.view.queue, call.view.call_id)
        call.otherwise = "menu"
        call.view = replace(call.view, queue=fact.queue, queued_at=fact.at)
        self._queues.join(fact.queue, call.view.call_id, fact.position, fact.at)
        self._queues.count_offered(fact.queue, fact.at)
        self._show(call, fact.at)

    def _left_queue(self, fact: events.CallLeftQueue) -> None:
        call = self._find(fact.call_id)
        if call is None or fact.at <= call.left.get(fact.queue, _LONG_AGO):
            return
        call.left[fact.queue] = fact.at
        self._queues.stop_waiting(fact.queue, call.view.call_id)
        self._queues.count(fact)
        if call.view.queue == fact.queue:
            # The queue an agent took it from stays on the call; it no longer waits there.
            keep = fact.queue if fact.reason == "answered" else None
            call.view = replace(call.view, queue=keep, queued_at=None)
        self._show(call, fact.at)

    def _on_legs(self, move: Callable[[BoardCall, Any], None], fact: events.CallFact) -> None:
        call = self._find(fact.call_id)
        if call is not None:
            move(call, fact)
            self._show(call, fact.at)

    def _merged(self, fact: events.CallMerged) -> None:
        winner, loser = self._find(fact.call_id), self._find(fact.absorbed)
        if loser is winner:
            return
        if winner is None:
            # The younger id is the one we know: it must not stay on the board under a dead name.
            if loser is not None and fact.call_id not in self._gone:
                self._forget(loser, into=fact.call_id)
                loser.view = replace(loser.view, call_id=fact.call_id)
                self._calls[fact.call_id] = loser
                self._show(loser, fact.at)
                if loser.view.queue is not None and loser.view.queued_at is not None:
                    self._queues.join_last(loser.view.queue, fact.call_id, fact.at)
            elif loser is not None:
                self._forget(loser, into=None)
            return
        if loser is None:
            if fact.absorbed not in self._gone:
                self._remember(fact.absorbed, winner.view.call_id)
            return
        waits = loser.view.queue if loser.view.queued_at is not None else None
        if waits is not None and winner.view.queued_at is None:
            # A consultation call that waits in a queue: the one conversation waits there now.
            self._queues.rename(waits, loser.view.call_id, winner.view.call_id, fact.at)
            winner.view = replace(winner.view, queue=waits, queued_at=loser.view.queued_at)
        self._forget(loser, into=winner.view.call_id)
        winner.absorb(loser)
        if winner.view.answered_at is None and winner.talking:
            winner.view = replace(winner.view, answered_at=loser.view.answered_at)
        self._show(winner, fact.at)

    def _ended(self, fact: events.CallEnded) -> None:
        call = self._find(fact.call_id)
        if call is not None:
            self._forget(call, into=None)
        elif fact.call_id not in self._gone:
            self._remember(fact.call_id, None)

    # -- agents, queues, the link ----------------------------------------------------------

    def _agent_changed(self, fact: events.AgentChanged) -> None:
        behind = self._agent_at.get(fact.agent, fact.at) - fact.at
        if timedelta() < behind <= LATE:
            return
        self._agent_at[fact.agent] = fact.at
        view = LiveAgent(
            agent=fact.agent,
            status=fact.status,
            since=fact.since,
            reason=fact.reason,
            call_id=fact.call_id,
            queues=fact.queues,
            wrap_up_until=fact.wrap_up_until,
        )
        if self._agents.get(fact.agent) != view:
            self._agents[fact.agent] = view
            self._set("agents", fact.agent, view)

    def _queue_changed(self, fact: events.QueueChanged) -> None:
        waiting = (call_id for call_id in fact.waiting if call_id in self._calls)
        self._queues.order(fact.queue, waiting, fact.at)

    def _link_lost(self, fact: events.LinkLost) -> None:
        if self._stale_since is None:
            self._set_stale(fact.at)

    def _link_restored(self, _fact: events.LinkRestored) -> None:
        if self._stale_since is not None:
            self._set_stale(None)

    def _resynced(self, fact: events.BoardResynced) -> None:
        """A replica believes the snapshot; of legs it knows only whose they are."""
        new = fact.board
        for section in ("calls", "agents", "queues"):
            mine: dict[str, Any] = getattr(self.snapshot(), section)
            theirs: dict[str, Any] = getattr(new, section)
            for key in mine.keys() - theirs.keys():
                self._delete(section, key)
            for key, view in theirs.items():
                if mine.get(key) != view:
                    self._set(section, key, view)
        self._calls = {call_id: BoardCall.loaded(view) for call_id, view in new.calls.items()}
        self._agents = dict(new.agents)
        self._queues.load(new.queues)
        for call_id in new.calls:
            self._gone.pop(call_id, None)
        if self._stale_since != new.stale_since:
            self._set_stale(new.stale_since)

    # -- helpers ---------------------------------------------------------------------------

    def _find(self, call_id: str) -> BoardCall | None:
        for _ in range(8):  # merges of merges; a bound, though no chain is that long
            call = self._calls.get(call_id)
            into = self._gone.get(call_id)
            if call is not None or into is None:
                return call
            call_id = into
        return None

    def _show(self, call: BoardCall, at: datetime) -> None:
        old, state = call.view, call.state()
        view = replace(
            old,
            state=state,
            direction=call.direction(),
            since=at if state != old.state else old.since,
            agents=tuple(dict.fromkeys(call.talking.values())),
            ringing=tuple(dict.fromkeys(call.ringing.values())),
            calling=tuple(dict.fromkeys(call.calling.values())),
            legs={**call.talking, **call.ringing},
            kept_for=tuple(dict.fromkeys(call.kept.values())),
            outside=call.numbers(),
            place=next(iter(call.parked.values()), None),
        )
        call.view = view
        if view != call.shown:
            call.shown = view
            self._set("calls", view.call_id, view)

    def _forget(self, call: BoardCall, into: str | None) -> None:
        call_id = call.view.call_id
        self._queues.forget(call_id)
        self._calls.pop(call_id, None)
        self._remember(call_id, into)
        self._delete("calls", call_id)

    def _remember(self, call_id: str, into: str | None) -> None:
        self._gone[call_id] = into
        self._gone.move_to_end(call_id)
        while len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)

    def _set_stale(self, since: datetime | None) -> None:
        self._stale_since = since
        self._set("link", "link", LinkState(stale_since=since))

    def _set(self, section: Section, key: str, value: Any) -> None:
        self._changed.setdefault(section, {})[key] = value

    def _delete(self, section: Section, key: str) -> None:
        self._deleted.setdefault(section, []).append(key)
        self._changed.get(section, {}).pop(key, None)


_MOVES: dict[type[Fact], Callable[[Board, Any], None]] = {
    events.CallArrived: Board._arrived,
    events.CallMerged: Board._merged,
    events.CallQueued: Board._queued,
    events.CallLeftQueue: Board._left_queue,
    events.CallEnded: Board._ended,
    events.AgentChanged: Board._agent_changed,
    events.QueueChanged: Board._queue_changed,
    events.LinkLost: Board._link_lost,
    events.LinkRestored: Board._link_restored,
    events.BoardResynced: Board._resynced,
}
