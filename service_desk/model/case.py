"""Cases: what a call is about and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base, Id, Json


class Case(Base):
    """One matter. The UNIQUE on `opened_by_call_id` is what makes "exactly one case" true."""

    __tablename__ = "service_case"
    __table_args__ = (
        Index("ix_service_case_customer_id_status", "customer_id", "status"),
        Index("ix_service_case_status_opened_at", "status", "opened_at"),
        Index("ix_service_case_owner_status", "owner", "status"),
        Index(
            "ix_service_case_merged_into",
            "merged_into",
            sqlite_where=text("merged_into IS NOT NULL"),
            postgresql_where=text("merged_into IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},  # a number said to a customer is never given again
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    year: Mapped[int]  # of the number; stays even if the call turns out to have come earlier
    opened_by_call_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    # What `subject` holds: `text` (a person wrote it), and as long as nobody has: `menu` (the label
    # of what the caller chose, in Chinese beside it), `queue` (its name), `number` (that rang).
    subject_kind: Mapped[str] = mapped_column(String(8), default="text")
    subject: Mapped[str] = mapped_column(String(200), default="")
    subject_zh: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(24), default="call")
    status: Mapped[str] = mapped_column(String(12), default="new")
    priority: Mapped[str] = mapped_column(String(8), default="normal")
    opened_at: Mapped[datetime] = mapped_column(index=True)
    due_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(64))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    disposition: Mapped[str | None] = mapped_column(ForeignKey("disposition.code"))
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("service_case.id"))
    touched: Mapped[bool] = mapped_column(Boolean, default=False)  # by a person


class CaseEntry(Base):
    """One thing that happened: on a case (`case_id`), or on a call and so on its case (`call_id`).

    The story of a call hangs on the call, so filing the call elsewhere moves its story too.
    """

    __tablename__ = "case_entry"
    __table_args__ = (
        UniqueConstraint("call_id", "key"),
        Index("ix_case_entry_case_id_at", "case_id", "at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("service_case.id"))
    call_id: Mapped[str | None] = mapped_column(String(64))
    key: Mapped[str | None] = mapped_column(String(120))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(24))
    actor: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class Disposition(Base):
    """How a call ended, as an agent may say it: data, not code."""

    __tablename__ = "disposition"

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    label_en: Mapped[str] = mapped_column(String(80))
    label_zh: Mapped[str] = mapped_column(String(80), default="")
    resolves: Mapped[bool] = mapped_column(Boolean, default=False)
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
