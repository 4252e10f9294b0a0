"""Who did what, for those who must answer for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Index,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base, Id, Json

WAITING = text("seal IS NULL")  # of a few rows at a time: their index stays small


class Audit(Base):
    """One act worth remembering; never holds a secret or a phone's content.

    A row is written once. A moment later it gets its place in the chain: `seal` counts 1, 2, 3 ...
    and `hash` is made of the row and of the hash before it (`service_desk/audit_chain.py`). A
    trigger refuses every other change, and every deletion.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_seal", "seal", unique=True),
        Index("ix_audit_waiting", "id", sqlite_where=WAITING, postgresql_where=WAITING),
        Index("ix_audit_actor_act_at", "actor", "act", "at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(64), default="")
    act: Mapped[str] = mapped_column(String(48))
    about: Mapped[str] = mapped_column(String(120))
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    seal: Mapped[int | None] = mapped_column(BigInteger)
    hash: Mapped[str | None] = mapped_column(String(64))
