"""Asterisk's own records: how far they were read, what was put aside, alarms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service_desk.model.base import Id, Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "journal_cursor",
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("files", Json, nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("rejects", sa.BigInteger(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("system", "kind", name=op.f("pk_journal_cursor")),
    )
    op.create_table(
        "journal_reject",
        sa.Column("id", Id, nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("used", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_reject")),
        sa.UniqueConstraint(
            "system", "file", "position", name=op.f("uq_journal_reject_system_file_position")
        ),
    )
    op.create_table(
        "alarm",
        sa.Column("id", Id, nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=160), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
        sa.Column("data", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint("system", "kind", "about", name=op.f("uq_alarm_system_kind_about")),
    )
    op.create_index("ix_alarm_cleared_at", "alarm", ["cleared_at"], unique=False)
