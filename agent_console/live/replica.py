"""The board as this process follows it: moved by the facts on the bus, seen as one snapshot."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import structs

from agent_console.context import ConsoleContext
from cti.board import Board, Delta
from cti.events import BoardSnapshot, Fact


class Replica:
    """`view` is what it shows now; screens read it and change nothing."""

    def __init__(self, context: ConsoleContext) -> None:
        self._board = Board(
            {name: queue.threshold for name, queue in context.queues.items()},
            now=context.desk.clock.now(),
            zone=ZoneInfo(context.time_zone),
            agents=context.agents,
        )
        self.view: BoardSnapshot = self._board.snapshot()

    def lives(self, call_id: str) -> bool:
        """Whether this call, by its own id or one that was merged into it, is on the board."""
        return self._board.call(call_id) is not None

    def apply(self, fact: Fact) -> Delta:
        """Move by one fact; what it changed."""
        return self._seen(self._board.apply(fact))

    def tick(self, now: datetime) -> Delta:
        """Let time pass without a fact; what that changed."""
        return self._seen(self._board.tick(now))

    def _seen(self, delta: Delta) -> Delta:
        # In place: a rush changes one call of hundreds at a time.
        for section, objects in delta.set.items():
            if section == "link":
                self.view = structs.replace(self.view, stale_since=objects["link"].stale_since)
            else:
                getattr(self.view, section).update(objects)
        for section, keys in delta.delete.items():
            for key in keys:
                getattr(self.view, section).pop(key, None)
        return delta
