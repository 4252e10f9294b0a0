"""The call an agent had before this process began to listen: looked up once, when they open a desk.

While it listens the process knows of every call's end by itself (`parts.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agent_console.edge import beside
from agent_console.live.parts import Last, Parts
from agent_console.tasks import Tasks

Read = Callable[[str], Awaitable[Last | None]]  # agent -> the call they had last

SECONDS = 5.0


class LastCalls:
    """`changed(agent)` is called when a call was found, and is the agent's last one now."""

    def __init__(
        self, read: Read, parts: Parts, changed: Callable[[str], None], tasks: Tasks
    ) -> None:
        self._read = read
        self._parts = parts
        self._changed = changed
        self._tasks = tasks
        self._looked: set[str] = set()

    def want(self, agent: str) -> None:
        """Somebody opens this agent's desk."""
        if agent not in self._looked:
            self._looked.add(agent)
            self._tasks.start(self._look(agent))

    async def _look(self, agent: str) -> None:
        read = await beside("live.last_failed", lambda: self._read(agent), seconds=SECONDS)
        if read is None:
            self._looked.discard(agent)  # whoever opens the desk next tries again
        elif read.value is not None and self._parts.recall_last(agent, read.value):
            self._changed(agent)
