"""By which carrier a call came in: whether it vouches for the caller's number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column."""
    op.add_column(
        "conversation", sa.Column("trunk", sa.String(length=32), nullable=False, server_default="")
    )
