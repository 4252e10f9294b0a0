"""Events that were committed and wait to be told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base, Id


class Outbox(Base):
    """The events of one unit of work, as JSON."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime]
    writer: Mapped[str] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)
