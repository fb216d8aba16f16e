"""Backups of a SQLite state: made online, verified before they count, thinned out, and put back with a new epoch.

A backup is made beside the process that writes, by SQLite's own backup in one step, so it is one moment of the state.
It is a single file without a log, and only gets its name once it was opened and checked. The witness is never in it:
what is put back is known to have forgotten something.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from connector.errors import ConnectorError
from connector.journal import schema
from connector.journal.faults import StateBroken
from connector.journal.lock import StateLock
from connector.journal.sqlite import APPLICATION_ID, make_folder, require_folder, sync
from connector.journal.witness import SUFFIX

_STAMP = "%Y%m%dT%H%M%SZ"
_STAMPED = r"-(\d{8}T\d{6}Z)"
_ALL_FOR, _HOURLY_FOR, _DAILY_FOR = timedelta(hours=1), timedelta(hours=24), timedelta(days=7)
THINNED_AT_ONCE = 5
"""Backups that one thinning deletes at most: more than become superfluous between two backups."""

_LOG_FILES = ("-wal", "-shm", "-journal")
ASIDE_FOR = timedelta(days=14)
"""How long a state that a backup replaced, or one from before a change of the schema, is kept."""

_REPLACED = rf"\.replaced{_STAMPED}(-wal|-shm|-journal)?"
_SCHEMA = r"-schema-[^.]+\.db"


def backup_folder(state: Path) -> Path:
    """Return where the backups of a state are kept, unless told otherwise."""
    return state.with_name(f"{state.name}.backups")


def backup_name(state: Path, at: datetime) -> str:
    """Return the name of a backup made at ``at``."""
    return f"{state.stem}-{at:{_STAMP}}.db"


def make_backup(state: Path, target: Path) -> Path:
    """Back a state up to ``target`` (a file that is not there yet) and verify it; return ``target``.

    Raises:
        ConnectorError: There is no state, the target exists, or the disk fails.
        StateBroken: What was written is damaged: so is the state, or the disk.
    """
    if not state.is_file():
        raise ConnectorError(f"there is no state at {state} to back up", remedy="run `connector sync` first")
    if target.exists():
        raise ConnectorError(f"{target} exists already", remedy="name another file, or a folder")
    return _make(state, target)


def _make(state: Path, target: Path) -> Path:
    part = target.with_name(target.name + ".part")
    try:
        make_folder(target.parent)
        _copy(state, part)
        verify(part)
        part.replace(target)
        sync(target.parent)
    except OSError as error:
        raise ConnectorError(f"{target}: {error.strerror}", remedy="free disk space, or name another place") from error
    except sqlite3.Error as error:
        raise ConnectorError(f"{state} could not be backed up: {error}", remedy="check the disk") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return target


def _copy(state: Path, part: Path) -> None:
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
    with contextlib.closing(_reader(state)) as source, contextlib.closing(sqlite3.connect(part.absolute())) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE").close()
    sync(part)


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)


def verify(path: Path) -> str:
    """Return the schema revision of a backup that is whole and ours.

    Raises:
        ConnectorError: It is not a connector's state, or of a newer version.
        StateBroken: It is damaged.
    """
    try:
        with contextlib.closing(_reader(path)) as connection:
            return _verified(connection, path)
    except sqlite3.Error as error:
        raise StateBroken(f"{path} cannot be read: {error}", remedy="take another backup") from error


def _verified(connection: sqlite3.Connection, path: Path) -> str:
    damage = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if damage != "ok":
        raise StateBroken(f"{path} is damaged: {damage}", remedy="take another backup")
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise ConnectorError(f"{path} is not a connector's state", remedy="name a file that `connector backup` made")
    found = str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    schema.refuse_newer(found)
    return found


def backup_before_migrating(state: Path) -> Path | None:
    """Back up a state of an older version before its schema changes; return the backup, ``None`` when none is needed.

    One that was made before is kept where the state has not changed since: the migration may have been cut short, and
    is about to be run again. After weeks with an earlier version it is made anew.

    Raises:
        ConnectorError: It cannot be made; one that was made before is kept.
    """
    found = _revision(state)
    if found in {"", schema.HEAD} or found not in schema.KNOWN:
        return None
    target = backup_folder(state) / f"{state.stem}-schema-{found}.db"
    is_current = target.exists() and target.stat().st_mtime_ns >= _changed_at(state)
    return target if is_current else _make(state, target)


def _changed_at(state: Path) -> int:
    """Return when a state or its log was last written, in the file system's nanoseconds."""
    files = (state.with_name(state.name + suffix) for suffix in ("", "-wal"))
    return max(file.stat().st_mtime_ns for file in files if file.exists())


def _revision(state: Path) -> str:
    try:
        with contextlib.closing(_reader(state)) as connection:
            return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return ""  # new or unreadable: opening it says which


# ---- which are kept


def made_at(state: Path, backup: Path) -> datetime | None:
    """Return when a regular backup of a state was made, by its name; ``None`` for another file."""
    return _moment(re.fullmatch(re.escape(state.stem) + _STAMPED + r"\.db", backup.name))


def _moment(found: re.Match[str] | None) -> datetime | None:
    return datetime.strptime(found.group(1), _STAMP).replace(tzinfo=UTC) if found else None


def backups_in(state: Path, folder: Path) -> tuple[tuple[datetime, Path], ...]:
    """Return the regular backups of a state in a folder with their moments, latest first.

    Those of another state in the same folder are none of ours: it has another name.
    """
    found = ((made_at(state, path), path) for path in folder.glob("*.db"))
    return tuple(sorted(((at, path) for at, path in found if at is not None), reverse=True))


def superfluous(backups: Sequence[tuple[datetime, Path]], *, now: datetime) -> Iterator[Path]:
    """Yield backups that need not be kept: all of the last hour, one per hour of a day and one per day of a week stay.

    The latest of each hour and day stays, and the latest of all, however old it is. One that a wrong clock stamped with
    a moment to come stays as well, and stands in no other's place, until then.
    """
    taken: set[str] = set()
    for place, (at, path) in enumerate(sorted((one for one in backups if one[0] <= now), reverse=True)):
        slot = _slot(at, now)
        if place and (slot is None or slot in taken):
            yield path
        elif slot is not None:
            taken.add(slot)


def _slot(at: datetime, now: datetime) -> str | None:
    age = now - at
    if age <= _ALL_FOR:
        return at.isoformat()
    if age <= _HOURLY_FOR:
        return f"{at:%Y%m%d%H}"
    return f"{at:%Y%m%d}" if age <= _DAILY_FOR else None


def back_up(state: Path, folder: Path, *, now: datetime, thin: bool = True) -> Path:
    """Make the regular backup into ``folder`` and, unless told not to, thin out what is there; return the new one.

    A thinning deletes the oldest first and ``THINNED_AT_ONCE`` at most: one mistake shall not cost them all.
    """
    made = make_backup(state, folder / backup_name(state, now))
    gone = tuple(superfluous(backups_in(state, folder), now=now)) if thin else ()
    for path in gone[-THINNED_AT_ONCE:]:
        with contextlib.suppress(OSError):
            path.unlink()
    return made


def ends_at(state: Path, copy: Path) -> datetime | None:
    """Return when we delete a copy of a state ourselves; ``None`` for one that only its owner deletes.

    A regular backup goes when later ones are a week old, so it may stay longer where none is made any more.
    """
    if replaced := _moment(re.fullmatch(re.escape(state.name) + _REPLACED, copy.name)):
        return replaced + ASIDE_FOR
    if re.fullmatch(re.escape(state.stem) + _SCHEMA, copy.name):
        return datetime.fromtimestamp(copy.stat().st_mtime, UTC) + ASIDE_FOR
    made = made_at(state, copy)
    return None if made is None else made + _DAILY_FOR


def expire(state: Path, *, now: datetime) -> tuple[Path, ...]:
    """Delete what was set aside too long ago, with the files of its log; return what went."""
    aside, earlier = f"{glob.escape(state.name)}.replaced-*", f"{glob.escape(state.stem)}-schema-*.db"
    copies = [*state.parent.glob(aside), *backup_folder(state).glob(earlier)]
    gone = []
    for copy in sorted(copies):
        with contextlib.suppress(OSError):
            if (end := ends_at(state, copy)) is not None and end <= now:
                copy.unlink()
                gone.append(copy)
    return tuple(gone)


# ---- putting one back


def put_back(state: Path, source: Path, lock: Path, *, now: datetime, opened: Callable[[], None]) -> Path | None:
    """Put a backup in the place of a state; return where the state that stood there is kept, if there was one.

    ``opened`` is called once the backup stands there and the lock is free: it opens the state and begins a new epoch.

    Raises:
        Busy: A process holds the state.
        ConfigError: The state's folder is not there.
        ConnectorError: The backup cannot be used; the state stands as it was.
    """
    require_folder(state)
    verify(source)
    with StateLock(lock):
        part = state.with_name(state.name + ".part")
        try:
            aside = _put(state, source, part, now)
        except OSError as error:
            raise ConnectorError(f"{state}: {error.strerror}", remedy="free disk space; nothing is lost") from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
    opened()
    return aside


def _put(state: Path, source: Path, part: Path, now: datetime) -> Path | None:
    _copy(source, part)
    _keep_witness(state)
    aside = _set_aside(state, now)
    part.replace(state)
    sync(state.parent)
    return aside


def _keep_witness(state: Path) -> None:
    """Sync the witness: after a power cut it alone tells that the backup, which is about to stand here, is older."""
    witness = state.with_name(state.name + SUFFIX)
    if witness.exists():
        sync(witness)
        sync(state.parent)


def _set_aside(state: Path, now: datetime) -> Path | None:
    """Rename a state and the files of its log; what is damaged is kept as it is, for whoever wants to look.

    The log goes first, and goes as well where its state is gone: whatever stands beside a log is taken to be its own,
    so that it would be played over the backup.
    """
    aside = state.with_name(f"{state.name}.replaced-{now:{_STAMP}}")
    stood = state.exists()
    for suffix in (*_LOG_FILES, ""):
        old = state.with_name(state.name + suffix)
        if old.exists():
            old.replace(aside.with_name(aside.name + suffix))
    sync(state.parent)
    return aside if stood else None
