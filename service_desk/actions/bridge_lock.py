"""One active bridge per Asterisk: who holds the row acts, who does not stands by.

How a row is held, watched and taken over: `service_desk/lease.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import structlog

from service_desk.desk import Desk
from service_desk.errors import Conflict
from service_desk.lease import Lease, Sleep, hold, this_process
from service_desk.model import BridgeLock
from service_desk.model.base import table_of

log = structlog.get_logger(__name__)


def bridge_lease(system: str, holder: str | None = None) -> Lease:
    """The lease of the bridge of this Asterisk; for this process unless `holder` is named."""
    return Lease(table_of(BridgeLock), system, holder or this_process())


@contextlib.asynccontextmanager
async def one_active_bridge(
    desk: Desk,
    system: str,
    *,
    holder: str | None = None,
    on_standby: Callable[[str], None] | None = None,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Lease]:
    """Wait until no other bridge acts for `system`, then act for it until the block ends.

    `on_standby` is called once, with who acts, if there is something to wait for. Raises Conflict
    (in an ExceptionGroup, the block being cancelled) when another bridge took over meanwhile:
    this process then had been stopped for longer than `lease.EXPIRY`.
    """

    def standby(active: str) -> None:
        log.warning("bridge.standby", system=system, active=active)
        if on_standby is not None:
            on_standby(active)

    def lost(lease: Lease) -> Conflict:
        return Conflict(
            "another bridge acts for {system} now; this one had been stopped", system=lease.name
        )

    wanted = bridge_lease(system, holder)
    async with hold(desk, wanted, on_standby=standby, sleep=sleep, lost=lost) as lease:
        log.info("bridge.active", system=system)
        yield lease
