"""Tickets that hang together: links that are found from either end, and what alike tickets have in common."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "link",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target_site", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "ticket"], ["ticket.site", "ticket.id"], name=op.f("fk_link_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site", "ticket", "kind", "target_site", "target", name=op.f("pk_link")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_link_target_site_target", "link", ["target_site", "target"], unique=False)
    op.add_column("ticket", sa.Column("alike", sa.Text(), server_default="", nullable=False))
    op.add_column("ticket", sa.Column("alike_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_ticket_alike",
        "ticket",
        ["site", "alike", "alike_at"],
        unique=False,
        sqlite_where=sa.text("alike <> ''"),
        postgresql_where=sa.text("alike <> ''"),
    )
