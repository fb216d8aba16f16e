"""What resending safely needs to know of an intent; fields alone no longer wait for a comment of unknown outcome."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SENDING_FIELDS = sa.text("status = 'sending' AND audience = ''")
_SENDING_COMMENT = sa.text("status = 'sending' AND audience <> ''")
_LOOKED_AT = sa.text("look_at IS NOT NULL")


def upgrade() -> None:
    for column in (
        sa.Column("updated_stamp", sa.Text(), server_default="", nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("resent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("absent_at", sa.BigInteger(), nullable=True),
        sa.Column("look_at", sa.BigInteger(), nullable=True),
        sa.Column("ordered_by", sa.Text(), server_default="", nullable=False),
        sa.Column("failure", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column("op", column)
    op.execute(sa.text("UPDATE op SET look_at = sent_at WHERE status = 'sending'"))
    op.drop_index("uq_op_sending", "op")
    for name, which in (("uq_op_sending_fields", _SENDING_FIELDS), ("uq_op_sending_comment", _SENDING_COMMENT)):
        op.create_index(
            name, "op", ["site", "ticket"], unique=True, sqlite_where=which, postgresql_where=which
        )
    op.create_index(
        "ix_op_look_at",
        "op",
        ["site", "look_at"],
        unique=False,
        sqlite_where=_LOOKED_AT,
        postgresql_where=_LOOKED_AT,
    )
