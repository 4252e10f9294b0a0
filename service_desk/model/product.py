"""What we sell, what was bought, and what goes together."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base, Id


class Product(Base):
    """Something we sell. Money is in minor units."""

    __tablename__ = "product"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sku: Mapped[str] = mapped_column(String(40), unique=True)
    name_en: Mapped[str] = mapped_column(String(200))
    name_zh: Mapped[str] = mapped_column(String(200), default="")
    pitch_en: Mapped[str] = mapped_column(String(300), default="")
    pitch_zh: Mapped[str] = mapped_column(String(300), default="")
    category: Mapped[str] = mapped_column(String(40), default="")
    price: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    active: Mapped[bool] = mapped_column(Boolean, default=True)


class Purchase(Base):
    """A customer bought a product. `line_key` names the line where it was imported from."""

    __tablename__ = "purchase"
    __table_args__ = (Index("ix_purchase_customer_id_bought_at", "customer_id", "bought_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    bought_at: Mapped[datetime]
    price: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    line_key: Mapped[str | None] = mapped_column(String(80), index=True, unique=True)


class PairCount(Base):
    """Of `have_first` customers who hold the first product, `have_both` hold the second too.

    Counted anew by the job `pairs` (`offers.counts.refresh`), never while a card is built; only one
    `generation` is read (`service_desk/generations.py`).
    """

    __tablename__ = "pair_count"

    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_id: Mapped[int] = mapped_column(
        ForeignKey("product.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    second_id: Mapped[int] = mapped_column(
        ForeignKey("product.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    have_first: Mapped[int]
    have_both: Mapped[int]
