"""The journal: what the connector remembers, on SQLite or PostgreSQL, behind the ``Journal`` and ``Records`` ports.

Importing this package costs nothing; the database's library is loaded when a state is opened.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.journal.records import SqlRecords
    from connector.journal.sql import SqlJournal

__all__ = [
    "back_up",
    "backup_folder",
    "backup_name",
    "backups_in",
    "ends_at",
    "expire",
    "has_room",
    "made_at",
    "make_backup",
    "open_journal",
    "open_records",
    "open_scratch",
    "require_folder",
    "restore",
    "state_file",
]


def open_journal(url: str, *, least_free: int | None = None, forgotten: str = "") -> SqlJournal:
    """Open a state for writing, making it on first use; close it, or use it in a ``with`` statement.

    Args:
        url: A file's path, ``sqlite:///file.db``, ``sqlite://`` (in memory) or ``postgresql://…``.
        least_free: Bytes that the disk must have free; 200 MB where not given.
        forgotten: Why the state is known not to know all that was done (it was restored); nothing is said then until
            it was read back from the helpdesks.

    Raises:
        Busy: Another process holds the state.
        ConfigError: The address cannot be used (unknown database, no such folder, a network file system).
        ConnectorError: The file is damaged, not ours, or of a newer version, or the disk is full.
    """
    from connector.journal import opening, sqlite  # noqa: PLC0415 - loads SQLAlchemy

    least = sqlite.LEAST_FREE if least_free is None else least_free
    return opening.open_journal(url, least_free=least, forgotten=forgotten)


def open_scratch(url: str) -> SqlJournal:
    """Open a private copy of a state in memory: the same methods, nothing of it is ever stored.

    Neither locks the state nor needs one: where there is none yet, the copy is empty.
    """
    from connector.journal import opening  # noqa: PLC0415 - loads SQLAlchemy

    return opening.open_scratch(url)


def open_records(url: str) -> SqlRecords:
    """Open a state for reading alone, beside a process that writes it.

    Raises:
        NoState: There is none yet.
        ConnectorError: It cannot be read, or its schema is not this version's.
    """
    from connector.journal import opening  # noqa: PLC0415 - loads SQLAlchemy

    return opening.open_records(url)


def state_file(url: str) -> Path | None:
    """Return the file of a SQLite state; ``None`` for one in memory or on a database server."""
    from connector.journal import opening  # noqa: PLC0415 - loads SQLAlchemy

    return opening.state_file(url)


def require_folder(url: str) -> None:
    """Raise ``ConfigError`` for a SQLite state whose folder is not there: none is ever made by itself."""
    from connector.journal import opening, sqlite  # noqa: PLC0415 - loads SQLAlchemy

    if (path := opening.state_file(url)) is not None:
        sqlite.require_folder(path)


def has_room(url: str) -> bool:
    """Return whether the disk of a state has the space that the journal wants; a server looks after its own."""
    from connector.journal import sqlite  # noqa: PLC0415 - loads SQLAlchemy

    state = state_file(url)
    return state is None or sqlite.has_room(state)


def backup_folder(state: Path) -> Path:
    """Return where the backups of a state are kept, unless told otherwise."""
    from connector.journal import backup  # noqa: PLC0415 - as above

    return backup.backup_folder(state)


def backup_name(state: Path, at: datetime) -> str:
    """Return the name of a backup made at ``at``."""
    from connector.journal import backup  # noqa: PLC0415

    return backup.backup_name(state, at)


def backups_in(state: Path, folder: Path) -> Sequence[tuple[datetime, Path]]:
    """Return the regular backups of a state in a folder with their moments, latest first."""
    from connector.journal import backup  # noqa: PLC0415

    return backup.backups_in(state, folder)


def made_at(state: Path, backup_file: Path) -> datetime | None:
    """Return when a regular backup of a state was made, by its name; ``None`` for another file."""
    from connector.journal import backup  # noqa: PLC0415

    return backup.made_at(state, backup_file)


def ends_at(state: Path, copy: Path) -> datetime | None:
    """Return when we delete a copy of a state ourselves; ``None`` for one that only its owner deletes."""
    from connector.journal import backup  # noqa: PLC0415

    return backup.ends_at(state, copy)


def expire(state: Path, *, now: datetime) -> Sequence[Path]:
    """Delete what a restore or a migration set aside too long ago; return what went."""
    from connector.journal import backup  # noqa: PLC0415

    return backup.expire(state, now=now)


def make_backup(state: Path, target: Path) -> Path:
    """Back a state up to a new file, online, and verify it; raises ``ConnectorError``."""
    from connector.journal import backup  # noqa: PLC0415

    return backup.make_backup(state, target)


def back_up(state: Path, folder: Path, *, now: datetime, thin: bool = True) -> Path:
    """Make the regular backup into a folder and thin out what is there; raises ``ConnectorError``."""
    from connector.journal import backup  # noqa: PLC0415

    return backup.back_up(state, folder, now=now, thin=thin)


def restore(url: str, state: Path, source: Path, *, now: datetime, why: str) -> Path | None:
    """Put a backup in the place of a state and begin a new epoch; return where the old one is kept.

    Raises:
        Busy: A process holds the state.
        ConnectorError: The backup cannot be used; the state stands as it was.
    """
    from connector.journal import backup, opening  # noqa: PLC0415

    def opened() -> None:
        opening.open_journal(url, forgotten=why).close()

    return backup.put_back(state, source, opening.lock_path(state), now=now, opened=opened)
