"""One active bridge per Asterisk."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base


class BridgeLock(Base):
    """Who acts for this Asterisk; `beat_at` is renewed while they live."""

    __tablename__ = "bridge_lock"

    system: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    since: Mapped[datetime]
    beat_at: Mapped[datetime]
