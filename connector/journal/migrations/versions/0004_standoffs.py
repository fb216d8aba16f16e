"""Where we stopped by ourselves on a ticket."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "standoff",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "ticket"], ["ticket.site", "ticket.id"], name=op.f("fk_standoff_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site", "ticket", "why", name=op.f("pk_standoff")),
        sqlite_with_rowid=False,
    )
