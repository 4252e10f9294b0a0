"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service_desk.model.base import Id, Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915 - one statement a table
    """Make every table."""
    op.create_table(
        "api_token",
        sa.Column("id", Id, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_table(
        "audit",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=48), nullable=False),
        sa.Column("about", sa.String(length=120), nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_table(
        "bridge_lock",
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("beat_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("system", name=op.f("pk_bridge_lock")),
    )
    op.create_table(
        "conversation_alias",
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("alias", sa.String(length=160), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("system", "alias", name=op.f("pk_conversation_alias")),
    )
    op.create_index(
        op.f("ix_conversation_alias_call_id"), "conversation_alias", ["call_id"], unique=False
    )
    op.create_table(
        "conversation_facts",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_conversation_facts")),
    )
    op.create_index(
        op.f("ix_conversation_facts_ended_at"), "conversation_facts", ["ended_at"], unique=False
    )
    op.create_table(
        "customer",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("organisation", sa.String(length=200), nullable=False),
        sa.Column("city", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("preferred_channel", sa.String(length=16), nullable=False),
        sa.Column("do_not_contact", sa.Boolean(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("value_percentile", sa.Integer(), nullable=False),
        sa.Column("segment", sa.String(length=1), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_index(op.f("ix_customer_name_key"), "customer", ["name_key"], unique=False)
    op.create_table(
        "disposition",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("label_en", sa.String(length=80), nullable=False),
        sa.Column("label_zh", sa.String(length=80), nullable=False),
        sa.Column("resolves", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_disposition")),
    )
    op.create_table(
        "draft",
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "call_id", name=op.f("pk_draft")),
    )
    op.create_table(
        "leg",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("leg_id", sa.String(length=160), nullable=False),
        sa.Column("party", sa.String(length=12), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=True),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ringing", sa.Float(), nullable=False),
        sa.Column("talked", sa.Float(), nullable=False),
        sa.Column("held", sa.Float(), nullable=False),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "leg_id", name=op.f("pk_leg")),
    )
    op.create_index("ix_leg_agent_started_at", "leg", ["agent", "started_at"], unique=False)
    op.create_table(
        "login_attempt",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempt")),
    )
    op.create_index(op.f("ix_login_attempt_address"), "login_attempt", ["address"], unique=False)
    op.create_index(op.f("ix_login_attempt_name"), "login_attempt", ["name"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("writer", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "product",
        sa.Column("id", Id, nullable=False),
        sa.Column("sku", sa.String(length=40), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("pitch_en", sa.String(length=300), nullable=False),
        sa.Column("pitch_zh", sa.String(length=300), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("sku", name=op.f("uq_product_sku")),
    )
    op.create_table(
        "queue_visit",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=12), nullable=True),
        sa.Column("waited", sa.Float(), nullable=True),
        sa.Column("agent", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "queue", "entered_at", name=op.f("pk_queue_visit")),
    )
    op.create_index(
        "ix_queue_visit_entered_at_queue", "queue_visit", ["entered_at", "queue"], unique=False
    )
    op.create_table(
        "recording",
        sa.Column("id", Id, nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
        sa.UniqueConstraint("call_id", "file", name=op.f("uq_recording_call_id_file")),
    )
    op.create_table(
        "staff",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("shown", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("name", name=op.f("uq_staff_name")),
    )
    op.create_table(
        "contact_point",
        sa.Column("id", Id, nullable=False),
        sa.Column("customer_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=254), nullable=False),
        sa.Column("raw", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name=op.f("fk_contact_point_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_point")),
        sa.UniqueConstraint(
            "customer_id", "kind", "value", name=op.f("uq_contact_point_customer_id_kind_value")
        ),
    )
    op.create_index(
        "ix_contact_point_value_kind_customer_id",
        "contact_point",
        ["value", "kind", "customer_id"],
        unique=False,
    )
    op.create_table(
        "pair_count",
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
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_pair_count")),
    )
    op.create_table(
        "presentation",
        sa.Column("id", Id, nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", Id, nullable=False),
        sa.Column("product_id", Id, nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("shown_at", UtcDateTime(), nullable=False),
        sa.Column("shown", Json, nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("outcome_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name=op.f("fk_presentation_customer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_presentation_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presentation")),
        sa.UniqueConstraint(
            "call_id", "product_id", name=op.f("uq_presentation_call_id_product_id")
        ),
    )
    op.create_index(
        "ix_presentation_customer_id_product_id",
        "presentation",
        ["customer_id", "product_id"],
        unique=False,
    )
    op.create_table(
        "purchase",
        sa.Column("id", Id, nullable=False),
        sa.Column("customer_id", Id, nullable=False),
        sa.Column("product_id", Id, nullable=False),
        sa.Column("bought_at", UtcDateTime(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name=op.f("fk_purchase_customer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_purchase_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase")),
    )
    op.create_index(
        "ix_purchase_customer_id_bought_at", "purchase", ["customer_id", "bought_at"], unique=False
    )
    op.create_index(op.f("ix_purchase_product_id"), "purchase", ["product_id"], unique=False)
    op.create_table(
        "service_case",
        sa.Column("id", Id, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("opened_by_call_id", sa.String(length=64), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("subject_auto", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("priority", sa.String(length=8), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("customer_id", Id, nullable=True),
        sa.Column("disposition", sa.String(length=32), nullable=True),
        sa.Column("merged_into", Id, nullable=True),
        sa.Column("touched", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_service_case_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["disposition"], ["disposition.code"], name=op.f("fk_service_case_disposition")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["service_case.id"], name=op.f("fk_service_case_merged_into")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_case")),
        sa.UniqueConstraint("opened_by_call_id", name=op.f("uq_service_case_opened_by_call_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_service_case_customer_id_status",
        "service_case",
        ["customer_id", "status"],
        unique=False,
    )
    op.create_index(op.f("ix_service_case_opened_at"), "service_case", ["opened_at"], unique=False)
    op.create_index(
        "ix_service_case_owner_status", "service_case", ["owner", "status"], unique=False
    )
    op.create_index(
        "ix_service_case_status_opened_at", "service_case", ["status", "opened_at"], unique=False
    )
    op.create_table(
        "staff_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", Id, nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_session_staff_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_session")),
    )
    op.create_index(op.f("ix_staff_session_staff_id"), "staff_session", ["staff_id"], unique=False)
    op.create_table(
        "case_entry",
        sa.Column("id", Id, nullable=False),
        sa.Column("case_id", Id, nullable=True),
        sa.Column("call_id", sa.String(length=64), nullable=True),
        sa.Column("key", sa.String(length=120), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["service_case.id"], name=op.f("fk_case_entry_case_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_entry")),
        sa.UniqueConstraint("call_id", "key", name=op.f("uq_case_entry_call_id_key")),
    )
    op.create_index("ix_case_entry_case_id_at", "case_entry", ["case_id", "at"], unique=False)
    op.create_table(
        "conversation",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("number_raw", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("caller_name", sa.String(length=120), nullable=False),
        sa.Column("dialed", sa.String(length=80), nullable=False),
        sa.Column("arrived_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("queue", sa.String(length=64), nullable=True),
        sa.Column("agents", Json, nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("waited", sa.Float(), nullable=True),
        sa.Column("talked", sa.Float(), nullable=True),
        sa.Column("held", sa.Float(), nullable=True),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.Column("ended_by", sa.String(length=12), nullable=True),
        sa.Column("merged_into", sa.String(length=64), nullable=True),
        sa.Column("case_id", Id, nullable=True),
        sa.Column("customer_id", Id, nullable=True),
        sa.Column("customer_chosen", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("path", Json, nullable=False),
        sa.Column("disposition", sa.String(length=32), nullable=True),
        sa.Column("message_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["service_case.id"], name=op.f("fk_conversation_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_conversation_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["disposition"], ["disposition.code"], name=op.f("fk_conversation_disposition")
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_conversation")),
    )
    op.create_index(
        op.f("ix_conversation_arrived_at"), "conversation", ["arrived_at"], unique=False
    )
    op.create_index(op.f("ix_conversation_case_id"), "conversation", ["case_id"], unique=False)
    op.create_index(
        "ix_conversation_customer_id_arrived_at",
        "conversation",
        ["customer_id", "arrived_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_conversation_merged_into"), "conversation", ["merged_into"], unique=False
    )
    op.create_index(
        "ix_conversation_number_arrived_at", "conversation", ["number", "arrived_at"], unique=False
    )
    op.create_index(
        "ix_conversation_queue_arrived_at", "conversation", ["queue", "arrived_at"], unique=False
    )
    op.create_table(
        "follow_up",
        sa.Column("id", Id, nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("case_id", Id, nullable=True),
        sa.Column("customer_id", Id, nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("kept_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["service_case.id"], name=op.f("fk_follow_up_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_follow_up_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
    )
    op.create_index(op.f("ix_follow_up_case_id"), "follow_up", ["case_id"], unique=False)
    op.create_index(
        "ix_follow_up_customer_id_kept_at", "follow_up", ["customer_id", "kept_at"], unique=False
    )
    op.create_index(
        "ix_follow_up_owner_kept_at_due_at",
        "follow_up",
        ["owner", "kept_at", "due_at"],
        unique=False,
    )
