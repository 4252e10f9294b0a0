"""Nobody is kept from ringing by a prompt: a caller's announcement ends when an agent is free.

Asterisk's queue looks for a free agent once a second, and not at all while it tells a caller their
place: eight seconds in which an agent who is ready sits idle. A key ends its prompt and its second
of waiting alike, whoever presses it. We press one that no telephone has and no queue heeds, on the
callers whom somebody free could take, until they ring.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from cti.ami.errors import AmiDown, AmiError, AmiRefused
from cti.switchboard import ANSWER, Ami

log = structlog.get_logger(__name__)

KEY = "D"  # RFC 4733 has sixteen keys, telephones have twelve
AFTER = 0.05  # seconds in which Asterisk may find the agent by itself
EVERY = 0.3  # seconds between two looks
LOOKS = 8  # beyond the second in which a queue spares who has just hung up (`wrapuptime`)


class Hurry:
    """Hurries callers of queues. The owner runs `keep` as a task.

    `held_up`: the channels of those in a queue whom somebody free could take now. `settled`:
    whether Asterisk knows already who is not to be rung.
    """

    def __init__(
        self,
        link: Ami,
        *,
        held_up: Callable[[str], Sequence[str]],
        settled: Callable[[], bool],
    ) -> None:
        self._link = link
        self._held_up = held_up
        self._settled = settled
        self._looks: dict[str, int] = {}  # queue -> looks that are left
        self._wanted = asyncio.Event()

    def want(self, queue: str) -> None:
        """Somebody may be free for a caller of this queue."""
        self._looks[queue] = LOOKS
        self._wanted.set()

    async def keep(self) -> None:
        """Hurry whoever is held up, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await asyncio.sleep(AFTER)
            while self._looks:
                if self._settled():
                    await self._look()
                await asyncio.sleep(EVERY)

    async def _look(self) -> None:
        for queue, left in tuple(self._looks.items()):
            if left > 1:
                self._looks[queue] = left - 1
            else:
                del self._looks[queue]
            for channel in self._held_up(queue):
                try:
                    await self._link.action(
                        "PlayDTMF", timeout=ANSWER, Channel=channel, Digit=KEY, Receive="true"
                    )
                except AmiRefused:
                    continue  # they have gone meanwhile
                except AmiDown:
                    return
                except AmiError as error:
                    log.warning("bridge.hurry_failed", queue=queue, error=type(error).__name__)
                    return
