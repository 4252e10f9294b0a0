"""What an agent typed and has not saved yet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base


class Draft(Base):
    """Text typed for a call: survives a refresh, a crash, and the next call."""

    __tablename__ = "draft"

    agent: Mapped[str] = mapped_column(String(64), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime]
