"""Who does what only one process may do."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base


class Lease(Base):
    """Who owns a thing of the whole database; `beat_at` is renewed while they live.

    A bridge's own lease is in `bridge_lock`, one an Asterisk.
    """

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    since: Mapped[datetime]
    beat_at: Mapped[datetime]
