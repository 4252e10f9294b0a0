"""One active bridge per Asterisk: who holds the row may act, who does not stands by.

A holder renews `beat_at`. A standby watches the row by its own monotonic clock: a row that has not
changed for `EXPIRY` seconds belongs to nobody who lives, whatever the clocks of the two machines
say. A holder that ended on this very machine is seen at once, so a restart does not wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from service_desk.desk import Desk
from service_desk.errors import Conflict, DatabaseAway
from service_desk.model import BridgeLock

log = structlog.get_logger(__name__)

BEAT: Final = 5.0  # seconds between two signs of life
EXPIRY: Final = 15.0  # seconds without one, until a standby takes over
LOOK: Final = 1.0  # seconds between two looks of a standby

Sleep = Callable[[float], Awaitable[object]]


class Lease(Struct):
    """That we act for this Asterisk; `lost` once another bridge does."""

    system: str
    holder: str
    lost: bool = False


class _Seen(Struct, frozen=True):
    """What stands in the row."""

    holder: str
    beat_at: datetime


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
    this process then had been stopped for longer than `EXPIRY`. A database that is away ends
    nothing: nobody else can take over either.
    """
    lease = Lease(system, holder or this_process())
    await _acquire(desk, lease, on_standby, sleep)
    try:
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(_beat(desk, lease, sleep), name="bridge-lock")
            yield lease
            beating.cancel()
    finally:
        with contextlib.suppress(DatabaseAway):  # then it expires
            await desk.transact(_release, lease)


async def _acquire(
    desk: Desk, lease: Lease, on_standby: Callable[[str], None] | None, sleep: Sleep
) -> None:
    seen: _Seen | None = None
    since = desk.clock.monotonic()
    told = False
    while True:
        with contextlib.suppress(DatabaseAway):
            found = await desk.fetch(_look, lease.system)
            if found != seen:
                seen, since = found, desk.clock.monotonic()
            if found is None or _is_over(found, desk.clock.monotonic() - since):
                if await desk.transact(_take, lease, found, desk.clock.now()):
                    log.info("bridge.active", system=lease.system)
                    return
            elif not told:
                told = True
                log.warning("bridge.standby", system=lease.system, active=_shown(found.holder))
                if on_standby is not None:
                    on_standby(_shown(found.holder))
        await sleep(LOOK)


async def _beat(desk: Desk, lease: Lease, sleep: Sleep) -> None:
    away = False
    while True:
        await sleep(BEAT)
        try:
            ours = await desk.transact(_renew, lease, desk.clock.now())
        except DatabaseAway as why:
            if not away:
                log.warning("bridge.lock_not_renewed", why=str(why))
            away = True
            continue
        away = False
        if not ours:
            lease.lost = True
            raise Conflict(
                "another bridge acts for {system} now; this one had been stopped",
                system=lease.system,
            )


def _look(connection: Connection, system: str) -> _Seen | None:
    row = connection.execute(
        select(BridgeLock.holder, BridgeLock.beat_at).where(BridgeLock.system == system)
    ).one_or_none()
    return None if row is None else _Seen(row.holder, row.beat_at)


def _take(connection: Connection, lease: Lease, found: _Seen | None, now: datetime) -> bool:
    """Compare and swap: of several that stand by one wins."""
    values = {"holder": lease.holder, "since": now, "beat_at": now}
    if found is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(BridgeLock), {"system": lease.system, **values})
        except IntegrityError:
            return False
        return True
    result = connection.execute(
        update(BridgeLock)
        .where(
            BridgeLock.system == lease.system,
            BridgeLock.holder == found.holder,
            BridgeLock.beat_at == found.beat_at,
        )
        .values(values)
    )
    return result.rowcount == 1


def _renew(connection: Connection, lease: Lease, now: datetime) -> bool:
    result = connection.execute(
        update(BridgeLock)
        .where(BridgeLock.system == lease.system, BridgeLock.holder == lease.holder)
        .values(beat_at=now)
    )
    return result.rowcount == 1


def _release(connection: Connection, lease: Lease) -> None:
    connection.execute(
        delete(BridgeLock).where(
            BridgeLock.system == lease.system, BridgeLock.holder == lease.holder
        )
    )


def _is_over(found: _Seen, unchanged: float) -> bool:
    return unchanged >= EXPIRY or _ended_here(found.holder)


# Who: name:machine:pid:start:once. A pid means nothing on another machine, or after it came again.


def this_process() -> str:
    """A name for us that no other bridge has, by which others on this machine see us end."""
    pid = os.getpid()
    name = socket.gethostname().replace(":", "-")[:20]
    return f"{name}:{_machine()}:{pid}:{_started(pid)}:{secrets.token_hex(4)}"


def _shown(holder: str) -> str:
    name, _, _ = holder.partition(":")
    pid = holder.split(":")[2:3]
    return f"{name}, process {pid[0]}" if pid else name


def _ended_here(holder: str) -> bool:
    """The holder was a process of this machine (and container), and is no more."""
    match holder.split(":"):
        case [_, machine, pid, started, _] if machine == _machine() and pid.isdigit():
            return _started(int(pid)) != started
        case _:
            return False


def _machine() -> str:
    """This boot of this machine, and within it this world of process ids; empty if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        world = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
    return hashlib.sha256(f"{boot} {world}".encode()).hexdigest()[:16]


def _started(pid: int) -> str:
    """When the process started, in the kernel's ticks; `gone` if it has ended."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return "gone"
    return "gone" if state in {"Z", "X"} else rest[18]
