"""Recordings of calls, and messages callers left."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    Float,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base, Id


class Recording(Base):
    """A sound file, its name relative to the recordings folder."""

    __tablename__ = "recording"
    __table_args__ = (UniqueConstraint("call_id", "file"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64))
    file: Mapped[str] = mapped_column(String(300))
    kind: Mapped[str] = mapped_column(String(8), default="call")
    started_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    seconds: Mapped[float | None] = mapped_column(Float)
