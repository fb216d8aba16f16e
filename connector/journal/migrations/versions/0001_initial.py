"""The tables as they began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("site", sa.Text(), server_default="", nullable=False),
        sa.Column("ticket", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.Text(), server_default="", nullable=False),
        sa.Column("run", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("data", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("chain", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_at", "event", ["at"], unique=False)
    op.create_index("ix_event_run_kind", "event", ["run", "kind"], unique=False)
    op.create_index("ix_event_site_ticket", "event", ["site", "ticket", "id"], unique=False)

    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), server_default="", nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "policy",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_policy")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("policy", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", "site", name=op.f("pk_run")),
    )
    op.create_index("ix_run_site_started_at", "run", ["site", "started_at"], unique=False)

    op.create_table(
        "site",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), server_default="", nullable=False),
        sa.Column("loaded", sa.Boolean(), nullable=False),
        sa.Column("paused", sa.Text(), server_default="", nullable=False),
        sa.Column("effects", sa.Text(), server_default="", nullable=False),
        sa.Column("frozen", sa.Text(), server_default="", nullable=False),
        sa.Column("allowance", sa.Text(), server_default="", nullable=False),
        sa.Column("last_good_at", sa.BigInteger(), nullable=True),
        sa.Column("last_sweep_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_site")),
    )
    op.create_table(
        "cursor",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.name"], name=op.f("fk_cursor_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_cursor")),
    )
    op.create_table(
        "op",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site", sa.Text(), server_default="", nullable=False),
        sa.Column("ticket", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.Text(), server_default="", nullable=False),
        sa.Column("run", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("audience", sa.Text(), server_default="", nullable=False),
        sa.Column("request_digest", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("remote_id", sa.Text(), server_default="", nullable=False),
        sa.Column("job", sa.Text(), server_default="", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.Column("body_digest", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.name"], name=op.f("fk_op_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_op")),
        sa.UniqueConstraint("site", "ticket", "key", name=op.f("uq_op_site_ticket_key")),
    )
    op.create_index("ix_op_status", "op", ["status", "site", "id"], unique=False)
    op.create_index("ix_op_ticket_sent_at", "op", ["site", "ticket", "sent_at"], unique=False)
    op.create_index(
        "uq_op_sending",
        "op",
        ["site", "ticket"],
        unique=True,
        sqlite_where=sa.text("status = 'sending'"),
        postgresql_where=sa.text("status = 'sending'"),
    )

    op.create_table(
        "quarantine",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.name"], name=op.f("fk_quarantine_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site", "id", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "ticket",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), server_default="", nullable=False),
        sa.Column("scope", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("priority_rank", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("own_version", sa.Text(), server_default="", nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("next_due_at", sa.BigInteger(), nullable=True),
        sa.Column("policy_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("history_complete", sa.Boolean(), nullable=False),
        sa.Column("history_until", sa.BigInteger(), nullable=True),
        sa.Column("text_version", sa.Text(), server_default="", nullable=False),
        sa.Column("text_hits", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.name"], name=op.f("fk_ticket_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site", "id", name=op.f("pk_ticket")),
    )
    op.create_index(
        "ix_ticket_due",
        "ticket",
        ["site", "next_due_at"],
        unique=False,
        sqlite_where=sa.text("next_due_at IS NOT NULL"),
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
    )
    op.create_index("ix_ticket_key", "ticket", ["key"], unique=False)
    op.create_index(
        "ix_ticket_open",
        "ticket",
        ["site", "policy_hash", "id"],
        unique=False,
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_index(
        "ix_ticket_without_history",
        "ticket",
        ["site", "priority_rank", "updated_at"],
        unique=False,
        sqlite_where=sa.text("is_open = 1 AND history_complete = 0"),
        postgresql_where=sa.text("is_open AND NOT history_complete"),
    )

    op.create_table(
        "applied",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("baseline", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "ticket"], ["ticket.site", "ticket.id"], name=op.f("fk_applied_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site", "ticket", "field", name=op.f("pk_applied")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "budget",
        sa.Column("op", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), server_default="", nullable=False),
        sa.Column("ticket", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["op"], ["op.id"], name=op.f("fk_budget_op"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("op", "effect", name=op.f("pk_budget")),
    )
    op.create_index("ix_budget_site_effect_at", "budget", ["site", "effect", "at"], unique=False)

    op.create_table(
        "clock",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("cycle_start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("target", sa.Text(), server_default="", nullable=False),
        sa.Column("calendar", sa.Text(), server_default="", nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=True),
        sa.Column("elapsed", sa.BigInteger(), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("met_at", sa.BigInteger(), nullable=True),
        sa.Column("breached", sa.Boolean(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "ticket"], ["ticket.site", "ticket.id"], name=op.f("fk_clock_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site", "ticket", "clock", "cycle_start", name=op.f("pk_clock")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "escalation",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), server_default="", nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("run", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "ticket"], ["ticket.site", "ticket.id"], name=op.f("fk_escalation_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site", "ticket", name=op.f("pk_escalation")),
    )
    op.create_table(
        "said",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "ticket"], ["ticket.site", "ticket.id"], name=op.f("fk_said_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site", "ticket", "occasion", "audience", name=op.f("pk_said")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ticket_event",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "ticket"], ["ticket.site", "ticket.id"], name=op.f("fk_ticket_event_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site", "ticket", "id", name=op.f("pk_ticket_event")),
        sqlite_with_rowid=False,
    )
