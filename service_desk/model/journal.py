"""How far Asterisk's own records were read, what of them was put aside, and what is alarming."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base, Id, Json


class JournalCursor(Base):
    """One Asterisk's records: `files` says how far each was read (identity -> bytes), `state` what
    the reader knows of calls that go on. Written in the transaction of what was read."""

    __tablename__ = "journal_cursor"

    system: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)  # cel, cdr
    files: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    state: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    records: Mapped[int] = mapped_column(BigInteger, default=0)
    rejects: Mapped[int] = mapped_column(BigInteger, default=0)
    told_at: Mapped[datetime | None]  # Asterisk's time of the newest record read
    read_at: Mapped[datetime]


class JournalReject(Base):
    """A line that is no record of ours; `line` is its beginning. The newest are kept."""

    __tablename__ = "journal_reject"
    __table_args__ = (UniqueConstraint("system", "file", "position"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    system: Mapped[str] = mapped_column(String(64))
    file: Mapped[str] = mapped_column(String(64))
    position: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(24))
    line: Mapped[bytes] = mapped_column(LargeBinary)
    used: Mapped[bool] = mapped_column(Boolean, default=False)  # what was left of it, was used


class Alarm(Base):
    """Something that nobody may be certain of without looking: one row a thing, while it lasts."""

    __tablename__ = "alarm"
    __table_args__ = (
        UniqueConstraint("system", "kind", "about"),
        Index("ix_alarm_cleared_at", "cleared_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    system: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    about: Mapped[str] = mapped_column(String(160))
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
