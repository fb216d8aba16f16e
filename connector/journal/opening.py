"""Opening a state: which database a URL means, what is checked first, and what is let go of at the end."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

from sqlalchemy import Connection, Engine, RowMapping, Table, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from connector.errors import ConfigError, ConnectorError, NoState, Problem
from connector.journal import schema, sqlite
from connector.journal.backup import backup_before_migrating
from connector.journal.lease import Lease
from connector.journal.lock import StateLock
from connector.journal.recalls import forget_all
from connector.journal.records import SqlRecords
from connector.journal.sql import SqlJournal
from connector.journal.tables import metadata
from connector.journal.witness import (
    Testimony,
    Witness,
    begin_epoch,
    changes_of,
    read_witness,
    what_is_forgotten,
)
from connector.journal.worker import JournalThread, Reader, Runner


def open_journal(url: str, *, least_free: int = sqlite.LEAST_FREE, forgotten: str = "") -> SqlJournal:
    """Open a state for writing; see ``connector.journal.open_journal``."""
    place = _place(url)
    if not _is_sqlite(place):
        return _open(_server_engine(place), None, forgotten=forgotten, shared=True)
    path = database_path(place)
    if path is None:
        return _open(sqlite.writer_engine(None), None)
    with ExitStack() as undo:
        sqlite.prepare_file(path, least_free=least_free)
        lock = undo.enter_context(StateLock(lock_path(path)))
        backup_before_migrating(path)
        journal = _open(sqlite.writer_engine(path), path, lock=lock, forgotten=forgotten)
        undo.pop_all()
    return journal


def state_file(url: str) -> Path | None:
    """Return the file of a SQLite state; ``None`` for one in memory or on a database server."""
    place = _place(url)
    return database_path(place) if _is_sqlite(place) else None


def lock_path(path: Path) -> Path:
    """Return where the lock of the state ``path`` is."""
    return path.with_name(f"{path.name}.lock")


def open_scratch(url: str) -> SqlJournal:
    """Open a private copy of a state in memory; see ``connector.journal.open_scratch``."""
    place = _place(url)
    if _is_sqlite(place):
        path = database_path(place)
        copied = path is not None and path.is_file()
        return _open(sqlite.scratch_engine(path) if copied and path else sqlite.writer_engine(None), None)
    return _copied(_server_reader(_server_engine(place)))


def _copied(reader: Reader) -> SqlJournal:
    """Return a copy in memory of whatever state is read there; where there is none yet, it is empty."""
    rows: Mapping[Table, Sequence[RowMapping]] = {}
    with suppress(NoState):
        rows = reader.run(_every_row)
    thread = JournalThread(sqlite.writer_engine(None))
    thread.run(lambda c: _fill(c, rows))
    return SqlJournal(thread, thread, release=thread.close)


def _every_row(source: Connection) -> Mapping[Table, Sequence[RowMapping]]:
    schema.check_readable(source)
    return {table: source.execute(table.select()).mappings().all() for table in metadata.sorted_tables}


def _fill(connection: Connection, rows: Mapping[Table, Sequence[RowMapping]]) -> None:
    schema.bring_up_to_date(connection)
    for table, found in rows.items():
        if found:
            connection.execute(table.insert(), [dict(row) for row in found])


def _open(
    engine: Engine, path: Path | None, *, lock: StateLock | None = None, forgotten: str = "", shared: bool = False
) -> SqlJournal:
    """Open a database for writing; ``shared`` is one that other machines reach, where no file lock can hold."""
    with ExitStack() as closing:
        if lock is not None:
            closing.callback(lock.release)
        thread = JournalThread(engine)
        closing.callback(thread.close)
        entry = thread.run(lambda c: _check_in(c, path, forgotten, shared=shared))
        thread.guard(entry.lease.check)
        if shared:
            closing.callback(_let_go, thread, entry.lease)
        if path is not None:
            thread.seal(Witness(path, entry.testimony, changes=thread.run(changes_of)).count)
        readers = _readers(thread, engine, path)
        return SqlJournal(thread, readers, release=closing.pop_all().close, forgotten=entry.forgotten)


def _let_go(thread: JournalThread, lease: Lease) -> None:
    """Let the next one in at once; where that cannot be stored, it comes in when the lease has run out."""
    with suppress(ConnectorError):
        thread.run(lease.give_up)


class _Entry(NamedTuple):
    """What came of checking in."""

    lease: Lease
    testimony: Testimony
    forgotten: str


def _check_in(connection: Connection, path: Path | None, forgotten: str, *, shared: bool) -> _Entry:
    """Check the database, bring its schema up to date, take the lease, notice what is forgotten: one transaction."""
    if path is not None:
        sqlite.check_file(connection, path)
    schema.bring_up_to_date(connection)
    lease = Lease(connection, holder=f"{socket.gethostname()}:{os.getpid()}", shared=shared)
    witness = read_witness(path) if path is not None else None
    why = forgotten or (what_is_forgotten(connection, witness) if path is not None else "")
    if why:
        forget_all(connection, why)
    return _Entry(lease, begin_epoch(connection, witness, forgotten=why), why)


def _readers(thread: JournalThread, engine: Engine, path: Path | None) -> Runner:
    """Return who answers the read side: connections of its own, or the one that a database in memory has."""
    if engine.dialect.name != "sqlite":
        return _server_reader(engine)
    return thread if path is None else Reader(sqlite.reader_engine(path))


def open_records(url: str) -> SqlRecords:
    """Open a state for reading; see ``connector.journal.open_records``."""
    place = _place(url)
    if not _is_sqlite(place):
        return _checked(_server_reader(_server_engine(place)))
    path = database_path(place)
    if path is None or not path.exists():
        raise NoState(f"there is no state at {path or 'memory'} yet")
    if not path.is_file():
        raise ConnectorError(f"{path} is no file", remedy="name a file for the database under `state`")
    return _checked(Reader(sqlite.reader_engine(path)))


def _checked(reader: Reader) -> SqlRecords:
    reader.run(schema.check_readable)
    return SqlRecords(reader)


def _place(url: str) -> URL:
    """Read a state's address; what has no scheme is the path of a SQLite file."""
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        return make_url(url)
    except ArgumentError as error:
        _refuse(f"{url!r} is not the address of a database", error)


def _is_sqlite(place: URL) -> bool:
    return place.get_backend_name() == "sqlite"


def database_path(place: URL) -> Path | None:
    """Return the file of a SQLite state, ``None`` for one in memory."""
    return None if place.database in {None, "", ":memory:"} else Path(str(place.database)).expanduser()


def _server_engine(place: URL) -> Engine:
    if place.get_backend_name() != "postgresql":
        _refuse(f"{place.get_backend_name()} is not supported", None)
    if place.drivername == "postgresql":
        place = place.set(drivername="postgresql+psycopg")
    try:
        engine = create_engine(place, poolclass=NullPool, isolation_level="READ COMMITTED")
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise ConnectorError(
            "the driver for PostgreSQL is not installed", remedy="install psycopg, or use a SQLite file"
        ) from error
    event.listen(engine, "connect", _commit_to_disk)
    return engine


COMMIT_TO_DISK = """\
SELECT set_config('synchronous_commit', 'on', false) FROM pg_settings
WHERE name = 'synchronous_commit' AND setting = 'off'"""
"""An armed row outlives the server's power: what a role or a server has switched off is on here; more is left alone."""


def _commit_to_disk(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute(COMMIT_TO_DISK)
    cursor.close()
    connection.commit()


def _server_reader(engine: Engine) -> Reader:
    """Return who reads from a server: all that one transaction sees is of one moment, whoever writes meanwhile."""
    return Reader(engine.execution_options(isolation_level="REPEATABLE READ"))


def _refuse(message: str, cause: Exception | None) -> NoReturn:
    remedy = "give a file's path, sqlite:///file.db or postgresql://user@host/database"
    raise ConfigError((Problem(file="connector.yaml", key="state", message=message, remedy=remedy),)) from cause
