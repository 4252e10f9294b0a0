"""A telephone's password ends with its owner's sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column."""
    op.add_column(
        "staff", sa.Column("phone_generation", sa.Integer(), nullable=False, server_default="0")
    )
