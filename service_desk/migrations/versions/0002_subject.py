"""What a case is about: kind and value instead of an English sentence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What the intake wrote until now, for as long as nobody had named the case.
_SENTENCE = "Call to "


def upgrade() -> None:
    """A subject that nobody wrote was "Call to <number>" or "Call"."""
    op.add_column(
        "service_case",
        sa.Column("subject_kind", sa.String(length=8), nullable=False, server_default="text"),
    )
    op.add_column(
        "service_case",
        sa.Column("subject_zh", sa.String(length=200), nullable=False, server_default=""),
    )
    case = sa.table(
        "service_case",
        sa.column("subject", sa.String),
        sa.column("subject_auto", sa.Boolean),
        sa.column("subject_kind", sa.String),
    )
    number = sa.case(
        (
            case.c.subject.startswith(_SENTENCE, autoescape=True),
            sa.func.substr(case.c.subject, len(_SENTENCE) + 1),
        ),
        else_="",
    )
    op.execute(
        sa.update(case).where(case.c.subject_auto).values(subject_kind="number", subject=number)
    )
    op.drop_column("service_case", "subject_auto")
