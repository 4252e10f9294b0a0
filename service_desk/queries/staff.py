"""Who works here, and which tokens are out."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, select

from service_desk.desk import Desk
from service_desk.model import ApiToken, Audit, Staff


class StaffView(Struct, frozen=True, kw_only=True):
    """One member of staff."""

    id: int
    name: str
    shown: str
    role: str
    language: str
    active: bool


class TokenView(Struct, frozen=True, kw_only=True):
    """One API token, without its secret."""

    id: int
    label: str
    role: str
    created_by: str
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class AuditView(Struct, frozen=True, kw_only=True):
    """One remembered act."""

    at: datetime
    actor: str
    role: str
    address: str
    act: str
    about: str


class Phone(Struct, frozen=True, kw_only=True):
    """What an agent's telephone may: `generation` counts its passwords."""

    generation: int
    active: bool


async def phones(desk: Desk) -> dict[str, Phone]:
    """By name, of everybody whose telephone is not as it was at first. Raises DatabaseAway."""

    def read(connection: Connection) -> dict[str, Phone]:
        rows = connection.execute(
            select(Staff.name, Staff.phone_generation, Staff.active).where(
                (Staff.phone_generation > 0) | Staff.active.is_(False)
            )
        )
        return {row.name: Phone(generation=row.phone_generation, active=row.active) for row in rows}

    return await desk.fetch(read)


async def phone_generation(desk: Desk, name: str) -> int:
    """Which of its passwords somebody's telephone has now; 0 for who is no member of staff."""

    def read(connection: Connection) -> int:
        chosen = select(Staff.phone_generation).where(Staff.name == name)
        return connection.execute(chosen).scalar() or 0

    return await desk.fetch(read)


async def staff_list(desk: Desk) -> tuple[StaffView, ...]:
    """Everybody, by name."""

    def read(connection: Connection) -> tuple[StaffView, ...]:
        rows = connection.execute(select(Staff).order_by(Staff.name))
        return tuple(
            StaffView(
                id=row.id,
                name=row.name,
                shown=row.shown,
                role=row.role,
                language=row.language,
                active=row.active,
            )
            for row in rows
        )

    return await desk.fetch(read)


async def staff_count(desk: Desk) -> int:
    """How many there are: none means a first start."""

    def read(connection: Connection) -> int:
        return connection.scalar(select(func.count()).select_from(Staff)) or 0

    return await desk.fetch(read)


async def token_list(desk: Desk) -> tuple[TokenView, ...]:
    """All tokens, newest first."""

    def read(connection: Connection) -> tuple[TokenView, ...]:
        rows = connection.execute(select(ApiToken).order_by(ApiToken.id.desc()).limit(500))
        return tuple(
            TokenView(
                id=row.id,
                label=row.label,
                role=row.role,
                created_by=row.created_by,
                created_at=row.created_at,
                used_at=row.used_at,
                revoked_at=row.revoked_at,
            )
            for row in rows
        )

    return await desk.fetch(read)


async def audit_list(desk: Desk, *, limit: int = 100) -> tuple[AuditView, ...]:
    """The last acts, newest first."""

    def read(connection: Connection) -> tuple[AuditView, ...]:
        rows = connection.execute(
            select(Audit).order_by(Audit.at.desc(), Audit.id.desc()).limit(min(limit, 1000))
        )
        return tuple(
            AuditView(
                at=row.at,
                actor=row.actor,
                role=row.role,
                address=row.address,
                act=row.act,
                about=row.about,
            )
            for row in rows
        )

    return await desk.fetch(read)
