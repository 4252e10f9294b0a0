"""Jobs with their last run and one owner; what they compute by generations; keys of imports."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from service_desk.model.base import Id, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was computed before is the first generation."""
    _jobs()
    _keys()
    _pairs()
    _worth()
    for table in ("pair_count", "customer_worth"):
        _first_generation(table)


def _jobs() -> None:
    op.create_table(
        "job",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("result", sa.String(length=12), nullable=False),
        sa.Column("many", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("beat_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "generation",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("current", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_generation")),
    )


def _keys() -> None:
    """Unique indexes, since SQLite adds no constraint to a table that is there."""
    for table, column in (("customer", "external_id"), ("purchase", "line_key")):
        op.add_column(table, sa.Column(column, sa.String(length=80), nullable=True))
        op.create_index(f"ix_{table}_{column}", table, [column], unique=True)


def _pairs() -> None:
    op.execute("CREATE TABLE before AS SELECT * FROM pair_count")
    op.drop_table("pair_count")
    op.create_table(
        "pair_count",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_id", Id, autoincrement=False, nullable=False),
        sa.Column("second_id", Id, autoincrement=False, nullable=False),
        sa.Column("have_first", sa.Integer(), nullable=False),
        sa.Column("have_both", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["first_id"], ["product.id"], name=op.f("fk_pair_count_first_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["product.id"], name=op.f("fk_pair_count_second_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("generation", "first_id", "second_id", name=op.f("pk_pair_count")),
    )
    op.execute(
        "INSERT INTO pair_count (generation, first_id, second_id, have_first, have_both) "
        "SELECT 1, first_id, second_id, have_first, have_both FROM before"
    )
    op.drop_table("before")


def _worth() -> None:
    op.create_table(
        "customer_worth",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", Id, autoincrement=False, nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("percentile", sa.Integer(), nullable=False),
        sa.Column("segment", sa.String(length=1), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name=op.f("fk_customer_worth_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("generation", "customer_id", name=op.f("pk_customer_worth")),
    )
    op.execute(
        "INSERT INTO customer_worth (generation, customer_id, value, percentile, segment) "
        "SELECT 1, id, value, value_percentile, segment FROM customer"
    )
    for column in ("value", "value_percentile", "segment"):
        op.drop_column("customer", column)


def _first_generation(table: str) -> None:
    """Where something was computed already; else the first run makes the first generation."""
    computed = sa.table(table, sa.column("generation", sa.Integer))
    if op.get_bind().scalar(sa.select(computed.c.generation).limit(1)) is None:
        return
    generation = sa.table(
        "generation",
        sa.column("name", sa.String),
        sa.column("current", sa.Integer),
        sa.column("at", UtcDateTime()),
    )
    op.bulk_insert(generation, [{"name": table, "current": 1, "at": datetime.now(UTC)}])
