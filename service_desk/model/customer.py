"""Customers and how to reach them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    Boolean,
    Float,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base, Id


class Customer(Base):
    """A person or an organisation that buys from us, or may."""

    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    # In another program, which imports name it by.
    external_id: Mapped[str | None] = mapped_column(String(80), index=True, unique=True)
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200), index=True)  # folded, for searching
    kind: Mapped[str] = mapped_column(String(16), default="person")
    organisation: Mapped[str] = mapped_column(String(200), default="")
    city: Mapped[str] = mapped_column(String(120), default="")
    language: Mapped[str] = mapped_column(String(8), default="en")
    preferred_channel: Mapped[str] = mapped_column(String(16), default="phone")
    do_not_contact: Mapped[bool] = mapped_column(Boolean, default=False)
    since: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CustomerWorth(Base):
    """What a customer is worth to us: computed anew by the job `worth` (`offers.value.refresh`);
    only one `generation` is read (`service_desk/generations.py`). Who has no row is new."""

    __tablename__ = "customer_worth"

    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    value: Mapped[float] = mapped_column(Float)
    percentile: Mapped[int]
    segment: Mapped[str] = mapped_column(String(1))


class ContactPoint(Base):
    """A number (E.164) or address; the same one may belong to several customers."""

    __tablename__ = "contact_point"
    __table_args__ = (
        UniqueConstraint("customer_id", "kind", "value"),
        Index("ix_contact_point_value_kind_customer_id", "value", "kind", "customer_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(8), default="phone")
    value: Mapped[str] = mapped_column(String(254))
    raw: Mapped[str] = mapped_column(String(254), default="")
