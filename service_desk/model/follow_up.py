"""Promises: what somebody said they would do, and by when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base, Id


class FollowUp(Base):
    """A promise with an owner and a due time."""

    __tablename__ = "follow_up"
    __table_args__ = (
        Index("ix_follow_up_owner_kept_at_due_at", "owner", "kept_at", "due_at"),
        Index("ix_follow_up_customer_id_kept_at", "customer_id", "kept_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    text: Mapped[str] = mapped_column(String(500))
    due_at: Mapped[datetime]
    owner: Mapped[str] = mapped_column(String(64))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("service_case.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    kept_at: Mapped[datetime | None]
