"""Offers that were shown, with what was shown, and what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base, Id, Json


class Presentation(Base):
    """One offer on one call's card."""

    __tablename__ = "presentation"
    __table_args__ = (
        UniqueConstraint("call_id", "product_id"),
        Index("ix_presentation_customer_id_product_id", "customer_id", "product_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    agent: Mapped[str] = mapped_column(String(64))
    shown_at: Mapped[datetime]
    shown: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    outcome: Mapped[str | None] = mapped_column(String(16))
    outcome_at: Mapped[datetime | None]
