"""The journal: what the connector remembers, on SQLite or PostgreSQL, behind the ``Journal`` and ``Records`` ports.

Importing this package costs nothing; the database's library is loaded when a state is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.journal.records import SqlRecords
    from connector.journal.sql import SqlJournal

__all__ = ["open_journal", "open_records", "open_scratch"]


def open_journal(url: str, *, least_free: int | None = None) -> SqlJournal:
    """Open a state for writing, making it on first use; close it, or use it in a ``with`` statement.

    Args:
        url: A file's path, ``sqlite:///file.db``, ``sqlite://`` (in memory) or ``postgresql://…``.
        least_free: Bytes that the disk must have free; 200 MB where not given.

    Raises:
        Busy: Another process holds the state.
        ConfigError: The address cannot be used (unknown database, a network file system).
        ConnectorError: The file is damaged, not ours, or of a newer version, or the disk is full.
    """
    from connector.journal import opening, sqlite  # noqa: PLC0415 - loads SQLAlchemy

    return opening.open_journal(url, least_free=sqlite.LEAST_FREE if least_free is None else least_free)


def open_scratch(url: str) -> SqlJournal:
    """Open a private copy of a state in memory: the same methods, nothing of it is ever stored.

    Neither locks the state nor needs one: where there is none yet, the copy is empty.
    """
    from connector.journal import opening  # noqa: PLC0415 - loads SQLAlchemy

    return opening.open_scratch(url)


def open_records(url: str) -> SqlRecords:
    """Open a state for reading alone, beside a process that writes it.

    Raises:
        ConnectorError: There is no state yet, or its schema is not this version's.
    """
    from connector.journal import opening  # noqa: PLC0415 - loads SQLAlchemy

    return opening.open_records(url)
