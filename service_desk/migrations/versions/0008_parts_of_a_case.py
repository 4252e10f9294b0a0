"""Which cases became part of a case is asked for each card: found without reading all cases.

And a case with a promise, or with anything else people did, is `touched`: it was not always.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SIGNPOSTS = sa.text("merged_into IS NOT NULL")


def upgrade() -> None:
    """One index, of the few cases that lead elsewhere; and what people did is looked up."""
    op.create_index(
        "ix_service_case_merged_into",
        "service_case",
        ["merged_into"],
        sqlite_where=_SIGNPOSTS,
        postgresql_where=_SIGNPOSTS,
    )
    case = sa.table("service_case", sa.column("id"), sa.column("touched", sa.Boolean))
    for name in ("follow_up", "case_entry"):
        done = sa.table(name, sa.column("case_id"))
        theirs = sa.select(done.c.case_id).where(done.c.case_id.is_not(None))
        op.execute(
            sa.update(case)
            .where(sa.not_(case.c.touched), case.c.id.in_(theirs))
            .values(touched=sa.true())
        )
