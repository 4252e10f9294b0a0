"""Things to be made true at Asterisk: of each the newest wish counts; what fails is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

from cti.ami.errors import AmiError
from cti.switchboard import Refused

log = structlog.get_logger(__name__)

AGAIN_AFTER = 1.0  # seconds until what failed is tried again
TRIES = 5

K = TypeVar("K", bound=Hashable)


class Errands(Generic[K]):
    """What is to be made true, by key; the owner runs `keep` as a task.

    `make` makes it true: what should be it looks up when it is called, so that what changed
    meanwhile is not undone. `given_up` is told of a key that failed for good.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[K], Awaitable[None]],
        *,
        given_up: Callable[[K], None] = lambda _key: None,
    ) -> None:
        self._name = name
        self._make = make
        self._given_up = given_up
        self._tries: dict[K, int] = {}  # what is to be done -> tries left
        self._wanted = asyncio.Event()
        self._at: K | None = None

    def want(self, key: K) -> None:
        """This is to be made true; if it is waited for already it has all its tries again."""
        self._tries[key] = TRIES
        self._wanted.set()

    @property
    def idle(self) -> bool:
        """Whether all that was wanted has been made true, or given up."""
        return not self._tries and self._at is None

    async def keep(self) -> None:
        """Make true what is wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            failed: dict[K, int] = {}
            while self._tries:
                key, tries = self._tries.popitem()
                self._at = key
                try:
                    await self._make(key)
                except (AmiError, Refused) as error:
                    log.warning(self._name, of=str(key), error=type(error).__name__)
                    if tries > 1:
                        failed[key] = tries - 1
                    else:
                        self._given_up(key)
                finally:
                    self._at = None
            if failed:
                await asyncio.sleep(AGAIN_AFTER)
                self._tries = failed | self._tries
                self._wanted.set()
