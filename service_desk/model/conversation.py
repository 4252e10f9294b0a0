"""Calls: conversations, their legs, their visits to queues, and what Asterisk calls them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base, Json


class Conversation(Base):
    """One call, whatever its legs. Written by the intake, but for the columns said otherwise."""

    __tablename__ = "conversation"
    __table_args__ = (
        Index("ix_conversation_customer_id_arrived_at", "customer_id", "arrived_at"),
        Index("ix_conversation_number_arrived_at", "number", "arrived_at"),
        Index("ix_conversation_queue_arrived_at", "queue", "arrived_at"),
    )

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    system: Mapped[str] = mapped_column(String(64), default="")
    direction: Mapped[str] = mapped_column(String(8), default="inbound")
    number_raw: Mapped[str] = mapped_column(String(80), default="")
    number: Mapped[str] = mapped_column(
        String(32), default=""
    )  # `PhoneNumber.key`: E.164, 4711@system, ""
    caller_name: Mapped[str] = mapped_column(String(120), default="")
    dialed: Mapped[str] = mapped_column(String(80), default="")
    trunk: Mapped[str] = mapped_column(String(32), default="")  # a caller's way in
    arrived_at: Mapped[datetime] = mapped_column(index=True)
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    queue: Mapped[str | None] = mapped_column(String(64))
    agents: Mapped[list[Any]] = mapped_column(Json, default=list)
    outcome: Mapped[str] = mapped_column(String(12), default="live")
    waited: Mapped[float | None] = mapped_column(Float)
    talked: Mapped[float | None] = mapped_column(Float)
    held: Mapped[float | None] = mapped_column(Float)
    cause: Mapped[int | None]
    ended_by: Mapped[str | None] = mapped_column(String(12))
    merged_into: Mapped[str | None] = mapped_column(String(64), index=True)
    # written by actions
    case_id: Mapped[int | None] = mapped_column(ForeignKey("service_case.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    customer_chosen: Mapped[bool] = mapped_column(Boolean, default=False)
    language: Mapped[str | None] = mapped_column(String(8))
    path: Mapped[list[Any]] = mapped_column(Json, default=list)
    disposition: Mapped[str | None] = mapped_column(ForeignKey("disposition.code"))
    message_at: Mapped[datetime | None]


class ConversationFacts(Base):
    """The facts a conversation was folded from, so that late ones fold right after a restart."""

    __tablename__ = "conversation_facts"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    facts: Mapped[bytes] = mapped_column(LargeBinary)
    ended_at: Mapped[datetime | None] = mapped_column(index=True)


class ConversationAlias(Base):
    """What Asterisk calls a channel of the conversation: an opaque uniqueid on one system."""

    __tablename__ = "conversation_alias"

    system: Mapped[str] = mapped_column(String(64), primary_key=True)
    alias: Mapped[str] = mapped_column(String(160), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)


class Leg(Base):
    """One channel of a conversation; times in seconds."""

    __tablename__ = "leg"
    __table_args__ = (Index("ix_leg_agent_started_at", "agent", "started_at"),)

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    leg_id: Mapped[str] = mapped_column(String(160), primary_key=True)
    party: Mapped[str] = mapped_column(String(12))
    agent: Mapped[str | None] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(120), default="")
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ringing: Mapped[float] = mapped_column(Float, default=0.0)
    talked: Mapped[float] = mapped_column(Float, default=0.0)
    held: Mapped[float] = mapped_column(Float, default=0.0)
    consulted: Mapped[float] = mapped_column(Float, default=0.0)
    wrapped_up: Mapped[float | None] = mapped_column(Float)
    cause: Mapped[int | None]
    ended_by: Mapped[str | None] = mapped_column(String(12))
    # [kind, from, until] in seconds since the start: what fold_legs.py made of it, for the picture
    spans: Mapped[list[Any]] = mapped_column(Json, default=list)


class QueueVisit(Base):
    """A caller's stay in one queue: what the figures count."""

    __tablename__ = "queue_visit"
    __table_args__ = (Index("ix_queue_visit_entered_at_queue", "entered_at", "queue"),)

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    queue: Mapped[str] = mapped_column(String(64), primary_key=True)
    entered_at: Mapped[datetime] = mapped_column(primary_key=True)
    left_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(12))
    waited: Mapped[float | None] = mapped_column(Float)
    agent: Mapped[str | None] = mapped_column(String(64))
