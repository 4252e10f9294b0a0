"""One owner of a thing: who holds the row may act, who does not stands by.

A holder renews `beat_at`. A standby watches the row by its own monotonic clock: a row that has not
changed for `EXPIRY` seconds belongs to nobody who lives, whatever the clocks of the two machines
say. A holder that ended on this very machine is seen at once, so a restart does not wait.

What is owned is a table's business: any with a name as its key, and `holder`, `since`, `beat_at`
(`bridge_lock`: one active bridge per Asterisk; `lease`: the jobs of the whole database).
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
from typing import Any, Final

import structlog
from msgspec import Struct
from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from service_desk.desk import Desk
from service_desk.errors import Conflict, DatabaseAway

log = structlog.get_logger(__name__)

BEAT: Final = 5.0  # seconds between two signs of life
EXPIRY: Final = 15.0  # seconds without one, until a standby takes over
LOOK: Final = 1.0  # seconds between two looks of a standby

Sleep = Callable[[float], Awaitable[object]]
Lost = Callable[["Lease"], Conflict]


class Lease(Struct):
    """That we own this; `lost` once another does."""

    table: Table
    name: str
    holder: str
    lost: bool = False

    @property
    def key(self) -> Any:
        """The column that names what is owned."""
        (column,) = self.table.primary_key.columns
        return column


class Seen(Struct, frozen=True):
    """What stands in the row."""

    holder: str
    beat_at: datetime


def _another_acts(lease: Lease) -> Conflict:
    return Conflict("another process owns {name} now; this one had been stopped", name=lease.name)


@contextlib.asynccontextmanager
async def hold(
    desk: Desk,
    lease: Lease,
    *,
    on_standby: Callable[[str], None] | None = None,
    sleep: Sleep = asyncio.sleep,
    lost: Lost = _another_acts,
) -> AsyncIterator[Lease]:
    """Wait until nobody else owns it, then own it until the block ends.

    `on_standby` is called once, with who owns it, if there is something to wait for. Raises
    Conflict (in an ExceptionGroup, the block being cancelled) when another took over meanwhile:
    this process then had been stopped for longer than `EXPIRY`. A database that is away ends
    nothing: nobody else can take over either.
    """
    await _acquire(desk, lease, on_standby, sleep)
    try:
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(_beat(desk, lease, sleep, lost), name=f"lease-{lease.name}")
            yield lease
            beating.cancel()
    finally:
        with contextlib.suppress(DatabaseAway):  # then it expires
            await desk.transact(_release, lease)


async def _acquire(
    desk: Desk, lease: Lease, on_standby: Callable[[str], None] | None, sleep: Sleep
) -> None:
    seen: Seen | None = None
    since = desk.clock.monotonic()
    told = False
    while True:
        with contextlib.suppress(DatabaseAway):
            found = await desk.fetch(look, lease)
            if found != seen:
                seen, since = found, desk.clock.monotonic()
            if found is None or _is_over(found, desk.clock.monotonic() - since):
                if await desk.transact(take, lease, found, desk.clock.now()):
                    log.info("lease.active", of=lease.table.name, owned=lease.name)
                    return
            elif not told:
                told = True
                active = shown(found.holder)
                log.info("lease.standby", of=lease.table.name, owned=lease.name, active=active)
                if on_standby is not None:
                    on_standby(active)
        await sleep(LOOK)


async def _beat(desk: Desk, lease: Lease, sleep: Sleep, lost: Lost) -> None:
    away = False
    while True:
        await sleep(BEAT)
        try:
            ours = await desk.transact(renew, lease, desk.clock.now())
        except DatabaseAway as why:
            if not away:
                log.warning("lease.not_renewed", owned=lease.name, why=str(why))
            away = True
            continue
        away = False
        if not ours:
            lease.lost = True
            raise lost(lease)


def look(connection: Connection, lease: Lease) -> Seen | None:
    """Who owns it."""
    columns = lease.table.c
    row = connection.execute(
        select(columns.holder, columns.beat_at).where(lease.key == lease.name)
    ).one_or_none()
    return None if row is None else Seen(row.holder, row.beat_at)


def take(connection: Connection, lease: Lease, found: Seen | None, now: datetime) -> bool:
    """Compare and swap: of several that stand by one wins."""
    table = lease.table
    values = {"holder": lease.holder, "since": now, "beat_at": now}
    if found is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(table), {lease.key.name: lease.name, **values})
        except IntegrityError:
            return False
        return True
    result = connection.execute(
        update(table)
        .where(
            lease.key == lease.name,
            table.c.holder == found.holder,
            table.c.beat_at == found.beat_at,
        )
        .values(values)
    )
    return result.rowcount == 1


def renew(connection: Connection, lease: Lease, now: datetime) -> bool:
    """A sign of life; False if another owns it."""
    table = lease.table
    result = connection.execute(
        update(table)
        .where(lease.key == lease.name, table.c.holder == lease.holder)
        .values(beat_at=now)
    )
    return result.rowcount == 1


def confirm(connection: Connection, lease: Lease) -> None:
    """Have the caller's transaction commit only while the lease is ours. Raises Conflict.

    The row is locked until then: nobody takes over in the middle.
    """
    table = lease.table
    row = connection.execute(
        select(table.c.holder).where(lease.key == lease.name).with_for_update(read=True)
    ).first()
    if row is None or row.holder != lease.holder:
        raise _another_acts(lease)


def _release(connection: Connection, lease: Lease) -> None:
    table = lease.table
    connection.execute(delete(table).where(lease.key == lease.name, table.c.holder == lease.holder))


def _is_over(found: Seen, unchanged: float) -> bool:
    return unchanged >= EXPIRY or ended_here(found.holder)


# Who: name:machine:pid:start:once. A pid means nothing on another machine, or after it came again.


def this_process() -> str:
    """A name for us that no other owner has, by which others on this machine see us end."""
    pid = os.getpid()
    name = socket.gethostname().replace(":", "-")[:20]
    return f"{name}:{_machine()}:{pid}:{started(pid)}:{secrets.token_hex(4)}"


def shown(holder: str) -> str:
    """A holder for people: the machine and the process."""
    name, pid = place(holder)
    return f"{name}, process {pid}" if pid else name


def place(holder: str) -> tuple[str, str]:
    """The machine's name and the process' id of a holder; "" for what it does not say."""
    name, _, rest = holder.partition(":")
    return name, (rest.split(":")[1:2] or [""])[0]


def ended_here(holder: str) -> bool:
    """The holder was a process of this machine (and container), and is no more."""
    match holder.split(":"):
        case [_, machine, pid, since, _] if machine == _machine() and pid.isdigit():
            return started(int(pid)) != since
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


def started(pid: int) -> str:
    """When the process started, in the kernel's ticks; `gone` if it has ended."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return "gone"
    return "gone" if state in {"Z", "X"} else rest[18]
