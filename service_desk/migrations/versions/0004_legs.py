"""What each leg did and for how long, and who ended it; legs of before keep their sums."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service_desk.model.base import Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Four columns."""
    for column in (
        sa.Column("consulted", sa.Float(), nullable=False, server_default="0"),
        sa.Column("wrapped_up", sa.Float(), nullable=True),
        sa.Column("ended_by", sa.String(length=12), nullable=True),
        sa.Column("spans", Json, nullable=False, server_default="[]"),
    ):
        op.add_column("leg", column)
