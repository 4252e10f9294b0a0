"""What stands beside a screen's own subject: one that cannot be read leaves the others as they are.

The subject (the call, the case, the customer) is read outside: without it there is no screen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from cti.where import where
from service_desk.bounded import bound
from service_desk.views import Panel

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

PANEL_SECONDS = 2.0  # for one: a screen comes without it rather than late
SCREEN_SECONDS = 5.0  # for all of one screen: a page has 10 s, and its subject is read in them too


class Panels:
    """The panels of one screen while it is read; `missing` are those that could not be.

    `totals`: how many there are of what a panel lists, however few of them are shown.
    """

    def __init__(
        self, connection: Connection, screen: str, *, seconds: float = SCREEN_SECONDS
    ) -> None:
        """`seconds`: for all panels together."""
        self._until = time.monotonic() + seconds
        self._connection = connection
        self._screen = screen
        self._missing: dict[Panel, None] = {}
        self.totals: dict[Panel, int] = {}

    @property
    def missing(self) -> tuple[Panel, ...]:
        """Which panels are not there, in the order in which they were read."""
        return tuple(self._missing)

    def _left(self) -> float:
        """Seconds for what is still to be read; raises TimeoutError if the others took them all."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the panels before it took all of the time")
        return left

    def listed(
        self,
        panel: Panel,
        most: int,
        read: Callable[[int], tuple[T, ...]],
        count: Callable[[], int],
    ) -> tuple[T, ...]:
        """At most so many; how many there are is only counted where that is not seen anyhow."""
        found = self.read(panel, (), read, most)
        if panel not in self._missing:
            full = len(found) >= most
            self.totals[panel] = self.read(panel, len(found), count) if full else len(found)
        return found

    def read(
        self,
        panel: Panel,
        otherwise: T,
        function: Callable[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """What the function gives; `otherwise` if it fails or takes longer than a panel may, which
        is logged and said on the screen.

        Raises DBAPIError if the connection itself is lost: then nothing can be read.
        """
        try:
            with bound(self._connection, min(PANEL_SECONDS, self._left())):
                return function(*args, **kwargs)
        except Exception as error:  # a panel's edge: whatever it is, the screen stays
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            log.error("panel.missing", screen=self._screen, panel=panel, error=where(error))
        # Else PostgreSQL refuses all that follows: a statement of this transaction has failed.
        self._connection.rollback()
        self._missing[panel] = None
        return otherwise
