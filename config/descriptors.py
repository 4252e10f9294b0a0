"""The process' file descriptors: as many as it may have, and shared out so that some are left.

Each socket, file and database connection takes one. Without a share a flood of silent sockets
takes all of them, and then no page is served, no call record read and no database opened. So the
limit is raised at the start, each listener gets a bound, and a part belongs to no listener.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct

from cti.bounds import Bounds

log = structlog.get_logger(__name__)

Told = Callable[[bool, int, int], Awaitable[None]]

ENOUGH: Final = 65_536  # more than all listeners together; some programs count up to their limit
LEAST: Final = 4_096  # below this a listener's share is small, and the doctor says so
OPEN: Final = Path("/proc/self/fd")
WATCH_EVERY: Final = 5.0  # seconds
NEARLY: Final = 0.8  # of the limit in use: the alarm is on
RESERVE: Final = 100  # for database, bus, manager, records, recordings, pipes: at least
HEALTH: Final = (16, 8)  # for whoever looks at us: in all, of one address


def raise_limit() -> int:
    """Take as many as the system lets us, up to `ENOUGH`; how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # then we make do with what we have
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if soft == resource.RLIM_INFINITY else soft


def in_use() -> int:
    """How many are open now; 0 where the system does not tell."""
    try:
        return sum(1 for _ in OPEN.iterdir())
    except OSError:
        return 0


def limit() -> int:
    """How many this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if soft == resource.RLIM_INFINITY else soft


def nearly_out() -> bool:
    """Whether it is time to look."""
    return in_use() > NEARLY * limit()


class Share(Struct, frozen=True):
    """What one listener may hold: `most` connections, each of which takes `takes` descriptors."""

    most: int
    takes: int = 1


# By role. A page may be a recording: its file is open beside the socket.
SHARES: Final[Mapping[str, Share]] = {
    "web": Share(2_000, 2),
    "live": Share(4_000),
    "ivr": Share(2_000),
    # In a process of its own; a socket on each side. Asterisk's HTTP server takes 2,000.
    "gate": Share(1_800, 2),
}
NAMES: Final = {
    "web": "pages",
    "live": "live screens",
    "ivr": "phone menu",
    "gate": "browser phones",
}
EACH: Final = 4  # one address may hold this part of a listener: a quarter


def shared(files: int, roles: Collection[str]) -> dict[str, int]:
    """How many connections each listener of a process with `files` descriptors may hold."""
    here = {role: share for role, share in SHARES.items() if role in roles}
    free = max(files - HEALTH[0] - max(RESERVE, files // 4), len(here))
    wanted = sum(share.most * share.takes for share in here.values())
    part = min(1.0, free / wanted) if wanted else 1.0
    return {role: max(1, int(share.most * part)) for role, share in here.items()}


def bounds_of(
    role: str, files: int, roles: Collection[str], *, trusted: Sequence[str] = ()
) -> Bounds:
    """The bounds of one role's listener; proxies of ours (`trusted`) speak for many."""
    most = shared(files, roles)[role]
    return Bounds(NAMES[role], most, max(1, most // EACH), trusted=trusted)


def for_health() -> Bounds:
    """Those of the health page."""
    return Bounds("health", *HEALTH)


async def keep_watch(every: float = WATCH_EVERY, told: Told | None = None) -> None:
    """Until cancelled: say once in the log when they are nearly all in use, and when no longer.

    `told` hears it at each look: whether they are, how many are in use and of how many.
    """
    low = False
    while True:
        if nearly_out() != low:
            low = not low
            tell = log.error if low else log.info
            tell("descriptors.low" if low else "descriptors.enough", used=in_use(), limit=limit())
        if told is not None:
            await told(low, in_use(), limit())
        await asyncio.sleep(every)
