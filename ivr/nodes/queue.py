"""queue: over to people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from ivr.nodes.base import About, Exit, Mistake, Name, Node, exits
from ivr.protocol import Input, LookAtQueue, QueueLooked
from ivr.turn import Turn


class Queue(Node, frozen=True, kw_only=True):
    """`priority`: higher is served first. `max_wait`: seconds until the flow's `after.timeout`,
    0 for ever; the queue's own setting unless said. With `full`, the desk is asked first; when it
    does not know, the caller may wait.
    Without `queue`: the one the call was in before (after it gave up), else the default queue."""

    queue: Name | None = None
    priority: Annotated[int, Meta(ge=0, le=100)] = 0
    max_wait: Annotated[int, Meta(ge=0, le=7200)] | None = None
    full: str | None = None

    def enter(self, turn: Turn) -> None:
        if self.full is None or self.queue is None:
            self._join(turn)
        else:
            turn.wait(LookAtQueue(queue=self.queue))

    def resume(self, turn: Turn, said: Input) -> None:
        if isinstance(said, QueueLooked) and said.full and self.full is not None:
            turn.note("full")
            turn.go(self.full)
        else:
            self._join(turn)

    def _join(self, turn: Turn) -> None:
        turn.note()
        turn.queue(self.queue or "", priority=self.priority, max_wait=self.max_wait)

    def exits(self) -> tuple[Exit, ...]:
        return exits(("full", self.full))

    def mistakes(self, about: About) -> Iterator[Mistake]:
        if self.queue is None:
            if self.full is not None:
                yield ("full",), "needs a queue to look at"
        elif about.queues is not None and self.queue not in about.queues:
            known = ", ".join(sorted(about.queues)) or "none"
            yield ("queue",), f'unknown queue "{self.queue}" (there are: {known})'
