"""Everything that holds for SQLite alone: settings, what is checked before a file is trusted, who may read it.

The settings choose safety over speed, which is ample: a write-ahead log with a full sync per commit, because a lost row
of intent would be a comment twice; one writing connection; readers that cannot write. SQLite 3.7.0 to 3.51.2 can damage
a write-ahead log when two connections write or checkpoint at once, so there is exactly one that may.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import NullPool, PoolProxiedConnection
from sqlalchemy.util import LRUCache

from connector.errors import ConfigError, ConnectorError, Problem, StateFull
from connector.journal.faults import StateBroken

APPLICATION_ID = 0x45534343  # "ESCC", in the file's header: this is a connector's state
LEAST_FREE = 200 * 1024 * 1024
"""Bytes that the disk must have free for the journal to be opened for writing."""

_WRITER = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=10000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA mmap_size=0",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA secure_delete=ON",
    "PRAGMA cache_size=-8000",
)
_READER = ("PRAGMA query_only=ON", "PRAGMA busy_timeout=10000", "PRAGMA mmap_size=0", "PRAGMA trusted_schema=OFF")
_SHARED_BY_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "beegfs", "gfs2", "ocfs2", "glusterfs", "davfs"}
    | {f"fuse.{name}" for name in ("sshfs", "glusterfs", "ceph", "s3fs", "gcsfuse", "rclone", "davfs", "cephfs")}
)


class _Dialect(SQLiteDialect_pysqlite):
    """SQLite, of which one engine is like another: a statement is compiled once per process, not once per engine.

    It begins transactions itself, as the driver would begin reading ones too late. To listen to the engine instead
    would make SQLAlchemy tell every event of every statement, which costs a quarter of what a transaction does.
    """

    supports_statement_cache = True
    opening = "BEGIN"

    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        cursor = dbapi_connection.cursor()
        cursor.execute(self.opening)
        cursor.close()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Dialect)

    def __hash__(self) -> int:
        return hash(_Dialect)


_COMPILED = LRUCache[Any, Any](500)  # as many as an engine of its own would keep
registry.register("sqlite.connector", __name__, _Dialect.__name__)


def writer_engine(path: Path | None) -> Engine:
    """Return the engine of the one writing connection; without a path the database lives in memory.

    The path is given from the root: some builds of SQLite take a name that begins with ``file:`` for an address.
    """
    database = ":memory:" if path is None else str(path.absolute())
    return _engine(database, _WRITER, begin="BEGIN IMMEDIATE")


def reader_engine(path: Path) -> Engine:
    """Return an engine whose connections cannot write."""
    return _engine(_to_read(path), _READER, begin="BEGIN")


def _to_read(path: Path) -> str:
    """Return the address that reads ``path`` as it can be read where it lies.

    A write-ahead log wants files beside the database even to read it. Where nothing can be written there and no log is
    left, nobody changes the file either: it is read as it is.
    """
    alone = not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
    return f"file:{quote(str(path.resolve()))}?mode=ro{'&immutable=1' if alone else ''}"


def scratch_engine(source: Path) -> Engine:
    """Return an engine on a copy of ``source`` in memory; the copy is one moment of it, and nothing is locked."""
    return _engine(":memory:", _WRITER, begin="BEGIN IMMEDIATE", filled_from=_to_read(source))


def _engine(database: str, settings: tuple[str, ...], *, begin: str, filled_from: str | None = None) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False, uri=True)
        if filled_from is not None:
            with contextlib.closing(sqlite3.connect(filled_from, uri=True)) as source:
                source.backup(connection)
        for setting in settings:
            connection.execute(setting).close()
        return connection

    engine = create_engine("sqlite+connector://", creator=connect, poolclass=NullPool)
    assert isinstance(engine.dialect, _Dialect)  # noqa: S101 - the address names it
    engine.dialect.opening = begin
    return engine.execution_options(compiled_cache=_COMPILED)


def prepare_file(path: Path, *, least_free: int) -> None:
    """Make the file, readable by its owner alone, after checking that its place is fit for a write-ahead log.

    Raises ``ConfigError`` for a place that is not, ``ConnectorError`` for a full disk or missing rights.
    """
    try:
        require_folder(path)
        _refuse_network(path, _mounts())
        _refuse_full_disk(path, least_free)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        _refuse_strangers(path)
        path.chmod(0o600)
    except OSError as error:
        raise ConnectorError(f"{path}: {error.strerror}", remedy="make the state's folder writable") from error


def require_folder(path: Path) -> None:
    """Refuse, with a ``ConfigError``, a state whose folder is not there, or is none.

    A mistyped path would begin an empty state, which knows nothing of what was said, beside the one that does.
    """
    folder = path.parent
    try:
        if folder.is_dir():
            return
        problem = f"there is no folder {folder} for the state"
        remedy = f"correct the path; for a new installation: mkdir -p -m 700 {shlex.quote(str(folder))}"
    except OSError as error:
        problem = f"the state's folder {folder} cannot be looked at: {error.strerror}"
        remedy = "correct the path, or let this account enter the folders above it"
    raise ConfigError((Problem(file="connector.yaml", key="state", message=problem, remedy=remedy),))


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, and those above it that are missing; a power cut undoes none of them."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in reversed(missing):
        sync(each.parent)


def sync(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on the disk."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _refuse_network(path: Path, mounts: str) -> None:
    kind = filesystem_kind(path.parent.resolve(), mounts)
    if kind in _SHARED_BY_NETWORK:
        problem = f"{path}: the state is on a network file system ({kind}), where SQLite cannot keep it safe"
        remedy = "move the state to a local disk, or use PostgreSQL"
        raise ConfigError((Problem(file="connector.yaml", key="state", message=problem, remedy=remedy),))


def _refuse_strangers(path: Path) -> None:
    """Refuse a state that another account owns: it could be exchanged under us, and its backups would not be ours."""
    owner = path.stat().st_uid
    if owner != os.geteuid():
        raise ConnectorError(
            f"{path}: the state belongs to another account (user {owner}, this process is user {os.geteuid()})",
            remedy="run the connector as that account, or give the state's folder to this one",
        )


def _mounts(table: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the system's mount table; empty where there is none to read."""
    try:
        return table.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def filesystem_kind(folder: Path, mounts: str) -> str:
    """Return the type of the file system that holds ``folder``, from a table as in proc(5) ``mountinfo``."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        point = left.split()[4].replace("\\040", " ") if len(left.split()) > 4 else ""
        if point and folder.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), right.split(" ", 1)[0]
    return kind


def _refuse_full_disk(path: Path, least_free: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < least_free:
        raise StateFull(f"{path}: {free // 1024**2} MB free on its disk, the journal wants {least_free // 1024**2} MB")


def has_room(path: Path) -> bool:
    """Return whether the disk of a state has the space that the journal wants; a disk that cannot be asked has it."""
    try:
        return shutil.disk_usage(path.parent).free >= LEAST_FREE
    except OSError:
        return True


def check_file(connection: Connection, path: Path) -> None:
    """Refuse a file that is damaged, not ours or without its write-ahead log; mark a new one as ours."""
    if (mode := connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()) != "wal":
        raise ConnectorError(f"{path}: no write-ahead log here (mode {mode})", remedy="move the state to a local disk")
    damage = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if damage != "ok":
        raise StateBroken(f"{path}: the database is damaged: {damage}")
    mark = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
    tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
    if mark not in {0, APPLICATION_ID} or (mark == 0 and tables):
        raise ConnectorError(f"{path}: this database is not a connector's state", remedy="name another file")
    if mark == 0:
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
