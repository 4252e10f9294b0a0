"""The board's queues: who waits in them, and the day's counters, which begin anew at midnight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo

from msgspec.structs import replace

from cti.events import TURNED_AWAY, CallLeftQueue, LiveQueue


class BoardQueues:
    """Every queue of one Asterisk. `changed` is told each queue that is not what it was.

    `thresholds` gives each queue's service level threshold in seconds; counters run from `now`
    and begin anew at midnight in `zone`.
    """

    def __init__(
        self,
        thresholds: Mapping[str, int],
        *,
        now: datetime,
        zone: tzinfo,
        changed: Callable[[LiveQueue], None],
    ) -> None:
        self._zone = zone
        self._changed = changed
        self._queues = {
            name: LiveQueue(queue=name, threshold=threshold, counted_since=now)
            for name, threshold in thresholds.items()
        }
        self._midnight = self._midnight_of(now, 1)

    def snapshot(self) -> dict[str, LiveQueue]:
        """Every queue as it is now."""
        return dict(self._queues)

    def load(self, queues: Mapping[str, LiveQueue]) -> None:
        """Believe these, and tell nobody."""
        self._queues = dict(queues)

    def count_as(self, counted: Mapping[str, LiveQueue]) -> None:
        """Take back what was counted since `counted`; who waits stays. Nobody is told."""
        for name, queue in self._queues.items():
            before = counted.get(name, LiveQueue(queue=name))
            self._queues[name] = replace(before, waiting=queue.waiting)

    # -- who waits ---------------------------------------------------------------------------

    def waiting(self, name: str) -> tuple[str, ...]:
        """The calls that wait in a queue, the first first."""
        queue = self._queues.get(name)
        return () if queue is None else queue.waiting

    def join(self, name: str, call_id: str, position: int, at: datetime) -> None:
        """A call waits at this place; the first is 1."""
        queue = self._queue(name, at)
        waiting = [c for c in queue.waiting if c != call_id]
        waiting.insert(max(position - 1, 0), call_id)
        self._set(replace(queue, waiting=tuple(waiting)))

    def join_last(self, name: str, call_id: str, at: datetime) -> None:
        """A call waits behind all others."""
        queue = self._queue(name, at)
        self._set(replace(queue, waiting=(*queue.waiting, call_id)))

    def rename(self, name: str, old: str, new: str, at: datetime) -> None:
        """A call goes on under another id, in the place it has."""
        queue = self._queue(name, at)
        waiting = dict.fromkeys(new if c == old else c for c in queue.waiting)
        self._set(replace(queue, waiting=tuple(waiting)))

    def order(self, name: str, waiting: Iterable[str], at: datetime) -> None:
        """Who waits, the first first."""
        self._set(replace(self._queue(name, at), waiting=tuple(waiting)))

    def stop_waiting(self, name: str, call_id: str) -> None:
        """A call waits no more, and nothing is counted."""
        queue = self._queues.get(name)
        if queue is not None and call_id in queue.waiting:
            self._set(replace(queue, waiting=tuple(c for c in queue.waiting if c != call_id)))

    def forget(self, call_id: str) -> None:
        """A call waits nowhere."""
        for name in tuple(self._queues):
            self.stop_waiting(name, call_id)

    # -- what is counted ---------------------------------------------------------------------

    def count_offered(self, name: str, at: datetime) -> None:
        """A call was sent to the queue."""
        queue = self._queue(name, at)
        self._set(replace(queue, offered=queue.offered + 1))

    def count(self, fact: CallLeftQueue) -> None:
        """A call was answered or given up, within the threshold or later, or never let in."""
        queue = self._queue(fact.queue, fact.at)
        late = fact.waited > queue.threshold
        if fact.reason == "answered":
            queue = replace(
                queue, answered=queue.answered + 1, in_time=queue.in_time + (0 if late else 1)
            )
        elif fact.reason == "abandoned":
            queue = replace(
                queue,
                abandoned=queue.abandoned + 1,
                abandoned_late=queue.abandoned_late + (1 if late else 0),
            )
        elif fact.reason in TURNED_AWAY:
            queue = replace(queue, turned_away=queue.turned_away + 1)
        self._set(queue)

    def pass_time(self, now: datetime) -> None:
        """At midnight counters begin anew."""
        if now < self._midnight:
            return
        started, self._midnight = self._midnight_of(now, 0), self._midnight_of(now, 1)
        for queue in tuple(self._queues.values()):
            self._set(
                LiveQueue(
                    queue=queue.queue,
                    waiting=queue.waiting,
                    threshold=queue.threshold,
                    counted_since=started,
                )
            )

    # -- helpers -----------------------------------------------------------------------------

    def _queue(self, name: str, at: datetime) -> LiveQueue:
        return self._queues.get(name) or LiveQueue(queue=name, counted_since=at)

    def _set(self, queue: LiveQueue) -> None:
        if self._queues.get(queue.queue) != queue:
            self._queues[queue.queue] = queue
            self._changed(queue)

    def _midnight_of(self, at: datetime, days: int) -> datetime:
        day = at.astimezone(self._zone).date() + timedelta(days=days)
        return datetime.combine(day, time(), self._zone).astimezone(UTC)
