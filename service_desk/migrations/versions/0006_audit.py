"""The audit can only grow: triggers and rights keep what stands there, a chain shows if they did
not (docs/decisions/019-audit.md). And an index by who did what, which each reading asks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# What a seal may never change.
COLUMNS = ("id", "at", "actor", "role", "address", "act", "about", "detail")
WORDS = "the audit is append-only"

SQLITE = (
    f"""
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    WHEN OLD.seal IS NOT NULL OR NEW.seal IS NULL OR NEW.hash IS NULL
      OR {" OR ".join(f"NEW.{each} IS NOT OLD.{each}" for each in COLUMNS)}
    BEGIN SELECT RAISE(ABORT, '{WORDS}'); END
    """,
    f"""
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, '{WORDS}'); END
    """,
    # INSERT OR REPLACE deletes without a word to the trigger above.
    """
    CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
      OR (NEW.seal IS NOT NULL AND EXISTS (SELECT 1 FROM audit WHERE seal = NEW.seal))
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END
    """,
)
POSTGRESQL = (
    f"""
    CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        IF OLD.seal IS NULL AND NEW.seal IS NOT NULL AND NEW.hash IS NOT NULL
           AND ({", ".join(f"NEW.{each}" for each in COLUMNS)})
           IS NOT DISTINCT FROM ({", ".join(f"OLD.{each}" for each in COLUMNS)}) THEN
          RETURN NEW;
        END IF;
      END IF;
      RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_append_only()
    """,
    """
    CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()
    """,
    # Of its owner too, which is who runs this; a superuser stands above rights, not above triggers.
    "REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM PUBLIC, CURRENT_USER",
    "GRANT UPDATE (seal, hash) ON audit TO CURRENT_USER",
)


def upgrade() -> None:
    """Two columns, four indexes, triggers, rights."""
    op.add_column("audit", sa.Column("seal", sa.BigInteger(), nullable=True))
    op.add_column("audit", sa.Column("hash", sa.String(length=64), nullable=True))
    op.create_index("ix_audit_seal", "audit", ["seal"], unique=True)
    waiting = sa.text("seal IS NULL")
    op.create_index(
        "ix_audit_waiting", "audit", ["id"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_index("ix_audit_actor_act_at", "audit", ["actor", "act", "at"], unique=False)
    op.create_index(op.f("ix_login_attempt_at"), "login_attempt", ["at"], unique=False)
    dialect = op.get_bind().dialect.name
    for statement in SQLITE if dialect == "sqlite" else POSTGRESQL:
        op.execute(statement)
