"""The agent's day at a glance: calls, open cases, promises; read when it may have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from agent_console.edge import beside
from agent_console.tasks import Tasks

Read = Callable[[str], Awaitable[dict[str, Any]]]  # agent -> the object shown

GATHER = 0.2  # seconds: several changes at once are read once
SECONDS = 5.0


class Today:
    """One object an agent; at most one read an agent at a time."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._shown: dict[str, dict[str, Any]] = {}
        self._dirty: set[str] = set()
        self._running: set[str] = set()
        self._turn = asyncio.Semaphore(1)  # a card must not wait behind many days
        self._changed: Callable[[str], None] = lambda _agent: None
        self._tasks: Tasks | None = None

    def listen(self, changed: Callable[[str], None], tasks: Tasks) -> None:
        """Whom to tell, and who owns the reading tasks."""
        self._changed = changed
        self._tasks = tasks

    def of(self, agent: str) -> dict[str, Any]:
        """What is known of the agent's day."""
        return self._shown.get(agent, {})

    def want(self, agent: str) -> None:
        """Somebody looks at this agent's desk."""
        self._dirty.add(agent)
        self._shown.setdefault(agent, {})
        if self._tasks is not None and agent not in self._running:
            self._running.add(agent)
            self._tasks.start(self._work(agent))

    def renew(self, agent: str) -> None:
        """It may have changed; read only if somebody has looked."""
        if agent in self._shown:
            self.want(agent)

    async def _work(self, agent: str) -> None:
        try:
            while agent in self._dirty:
                self._dirty.discard(agent)
                async with self._turn:
                    read = await beside(
                        "live.today_failed", lambda: self._read(agent), seconds=SECONDS
                    )
                if read is None:
                    return
                self._shown[agent] = read.value
                self._changed(agent)
                await asyncio.sleep(GATHER)
        finally:
            self._running.discard(agent)
