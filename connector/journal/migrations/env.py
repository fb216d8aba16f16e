"""Runs the migrations on the connection, and in the transaction, of the one who opens the journal."""

from __future__ import annotations

from alembic import context

from connector.journal.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
