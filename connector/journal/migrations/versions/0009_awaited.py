"""How urgently a ticket's history is awaited, how it looked before an edit, and when a site was lost from memory."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("ticket", sa.Column("awaits", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_ticket_awaits",
        "ticket",
        ["site", "awaits", "id"],
        unique=False,
        sqlite_where=sa.text("awaits IS NOT NULL"),
        postgresql_where=sa.text("awaits IS NOT NULL"),
    )
    op.add_column("ticket", sa.Column("alike_before", sa.Text(), server_default="", nullable=False))
    op.add_column("recall", sa.Column("lost_at", sa.BigInteger(), nullable=True))
