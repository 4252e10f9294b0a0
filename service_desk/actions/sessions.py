"""Sessions of the staff: which are current, kept alive, and ended.

Whatever ends one tells `SessionsEnded`, in the same transaction: every process closes the sockets
of it at once. A process that hears nothing finds out by asking (`roles_of`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from service_desk.actions import checks
from service_desk.actor import SYSTEM, Actor
from service_desk.desk import Desk, UnitOfWork
from service_desk.errors import StaffNotFound
from service_desk.events import SessionsEnded
from service_desk.model import Staff, StaffSession

KEY = 16  # characters of a token's hash that tell sessions apart
AT_ONCE = 500  # sessions asked for in one statement


def hash_token(token: str) -> str:
    """How a session's or API token is kept."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def is_current(desk: Desk) -> ColumnElement[bool]:
    """Of a session joined with its staff: neither idle for too long, nor too old, nor let go."""
    now = desk.clock.now()
    idle = timedelta(minutes=desk.settings.session_idle_minutes)
    longest = timedelta(days=desk.settings.session_longest_days)
    return (
        Staff.active
        & (StaffSession.seen_at >= now - idle)
        & (StaffSession.created_at >= now - longest)
    )


async def roles_of(desk: Desk, tokens: Collection[str]) -> dict[str, str]:
    """Of these tokens' hashes those whose session is current, with its person's role.

    Raises DatabaseAway.
    """
    asked = sorted(tokens)

    def read(connection: Connection) -> dict[str, str]:
        found: dict[str, str] = {}
        for begin in range(0, len(asked), AT_ONCE):
            some = StaffSession.token_hash.in_(asked[begin : begin + AT_ONCE])
            rows: Any = connection.execute(
                select(StaffSession.token_hash, Staff.role)
                .join(Staff, Staff.id == StaffSession.staff_id)
                .where(some, is_current(desk))
            )
            found |= {row.token_hash: row.role for row in rows}
        return found

    return await desk.fetch(read) if asked else {}


async def keep_alive(desk: Desk, tokens: Collection[str]) -> None:
    """These tokens' hashes are in use. Raises DatabaseAway."""
    asked = sorted(tokens)
    async with desk.write(by=SYSTEM) as uow:
        for begin in range(0, len(asked), AT_ONCE):
            some = StaffSession.token_hash.in_(asked[begin : begin + AT_ONCE])
            await uow.execute(update(StaffSession).where(some).values(seen_at=uow.now))


async def sign_out(desk: Desk, *, token: str) -> None:
    """End a session; one that is over already is no error."""
    hashed = hash_token(token)
    async with desk.write(by=SYSTEM) as uow:
        row = (
            await uow.execute(
                select(Staff.name)
                .join(StaffSession, StaffSession.staff_id == Staff.id)
                .where(StaffSession.token_hash == hashed)
            )
        ).first()
        await uow.execute(delete(StaffSession).where(StaffSession.token_hash == hashed))
        if row is not None:
            await checks.audit(uow, "sign_out", row.name)
            uow.tell(SessionsEnded(at=uow.now, staff=row.name, session=hashed[:KEY]))


async def sign_out_everywhere(desk: Desk, *, name: str, by: Actor) -> int:
    """End all sessions of a person, on whatever machine; how many. Raises StaffNotFound."""
    async with desk.write(by=by) as uow:
        row = (await uow.execute(select(Staff.id).where(Staff.name == name))).first()
        if row is None:
            raise StaffNotFound("there is no such member of staff")
        many = await end_all(uow, row.id, name)
        await checks.audit(uow, "sign_out.everywhere", name, sessions=many)
    return many


async def end_all(uow: UnitOfWork, staff_id: int, name: str) -> int:
    """End all sessions of a person within a unit of work, their telephone's too; how many."""
    next_phone = {"phone_generation": Staff.phone_generation + 1}
    await uow.execute(update(Staff).where(Staff.id == staff_id).values(next_phone))
    done = await uow.execute(delete(StaffSession).where(StaffSession.staff_id == staff_id))
    uow.tell(SessionsEnded(at=uow.now, staff=name))
    return done.rowcount
