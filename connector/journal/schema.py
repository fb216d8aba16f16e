"""The database's schema: brought up to date by the writer, only checked by readers.

alembic is loaded when there is something to migrate, and then alone: it costs more than a whole ``status``.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from connector.errors import ConnectorError, NoState

HEAD = "0009"
"""The revision that this program works with; a test keeps it equal to the newest migration."""

KNOWN = ("", "0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", HEAD)
"""Revisions that can be brought up to date; the empty one is a new database."""

MIGRATIONS = Path(__file__).parent / "migrations"


def revision(connection: Connection) -> str:
    """Return the revision of the database, empty for a new one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found or ""


def bring_up_to_date(connection: Connection) -> None:
    """Run the missing migrations inside the caller's transaction: after a kill they are all there or none is."""
    found = revision(connection)
    refuse_newer(found)
    if found != HEAD:
        _migrate(connection)


def check_readable(connection: Connection) -> None:
    """Raise ``ConnectorError`` when the schema is not this program's, ``NoState`` when there is none yet."""
    found = revision(connection)
    refuse_newer(found)
    if not found and not inspect(connection).get_table_names():
        raise NoState("there is nothing in the state yet")
    if not found and _is_unmarked(connection):
        raise ConnectorError("this database is not a connector's state", remedy="name another one under `state`")
    if found != HEAD:
        raise ConnectorError(
            "the state was written by an older version of the connector",
            remedy="run `connector sync` once; it brings the state up to date",
        )


def _is_unmarked(connection: Connection) -> bool:
    """True for a SQLite file that no connector has marked as its own."""
    return connection.dialect.name == "sqlite" and not connection.execute(text("PRAGMA application_id")).scalar_one()


def refuse_newer(found: str) -> None:
    """Raise ``ConnectorError`` for a revision that this program does not know."""
    if found not in KNOWN:
        raise ConnectorError(
            f"the state was written by a newer version of the connector (schema {found}, this one knows {HEAD})",
            remedy="install the newer version, or restore a backup made before the upgrade",
        )


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
