"""What people are called on the screens: read at the start, and whenever the staff changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from agent_console.edge import beside
from agent_console.tasks import Tasks

Read = Callable[[], Awaitable[Mapping[str, str]]]  # user name -> the name people read

SECONDS = 10.0


class Names:
    """Until they are known, and of who has none, the user's name serves."""

    def __init__(self, read: Read, changed: Callable[[], None], tasks: Tasks) -> None:
        self._read = read
        self._changed = changed
        self._tasks = tasks
        self._known: Mapping[str, str] = {}

    def of(self, agent: str) -> str:
        """What an agent is called."""
        return self._known.get(agent, agent)

    def want(self) -> None:
        """They may have changed: have them read."""
        self._tasks.start(self._look())

    async def _look(self) -> None:
        read = await beside("live.names_failed", self._read, seconds=SECONDS)
        if read is not None:
            self._known = read.value
            self._changed()
