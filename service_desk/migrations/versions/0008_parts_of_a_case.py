"""Which cases became part of a case is asked for each card: found without reading all cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SIGNPOSTS = sa.text("merged_into IS NOT NULL")


def upgrade() -> None:
    """One index, of the few cases that lead elsewhere."""
    op.create_index(
        "ix_service_case_merged_into",
        "service_case",
        ["merged_into"],
        sqlite_where=_SIGNPOSTS,
        postgresql_where=_SIGNPOSTS,
    )
