"""``backup`` and ``restore``, and the backups that a daemon or a ``sync`` makes by itself."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from connector import journal
from connector.errors import ConnectorError

if TYPE_CHECKING:
    from connector.bootstrap.certainty import Certainty
    from connector.bootstrap.connector import Connector
    from connector.ports import Observer

UNSURE_EVERY = timedelta(days=1)
"""Time between two backups at least while the clock is not known: none is thinned out then, and the disk is finite."""

RESTORED = "the state was restored from a backup"

_NO_FILE = "a state on a database server is backed up by the server's own tools"
_SERVER_BACKUP = "use pg_dump; after pg_restore run: connector restore --done-elsewhere"


def back_up(program: Connector, place: Path | None, *, now: datetime) -> Path:
    """Back the state up, beside a running daemon or not, and return the verified backup.

    ``place`` is a file that is not there yet, or a folder; without one it is where the regular backups are.

    Raises:
        ConnectorError: There is no state, it is on a database server, or the disk fails.
    """
    state = _file(program)
    target = place or folder_of(program, state)
    if place is None or target.is_dir():
        target /= journal.backup_name(state, now)
    return journal.make_backup(state, target)


def folder_of(program: Connector, state: Path) -> Path:
    """Return where the regular backups are kept."""
    return program.settings.backup.folder or journal.backup_folder(state)


def restore(program: Connector, source: Path, *, now: datetime) -> Path | None:
    """Put a backup in the place of the state; return where the state that stood there is kept.

    What was said since the backup was made is read back from the helpdesks before anything is said again.

    Raises:
        Busy: A process holds the state.
        ConnectorError: The backup cannot be used; the state stands as it was.
    """
    return journal.restore(program.settings.state_url, _file(program), source, now=now, why=RESTORED)


def forget(program: Connector) -> None:
    """Note that the state was restored by other means; raises ``Busy`` when a process holds it."""
    journal.open_journal(program.settings.state_url, forgotten=RESTORED).close()


def _file(program: Connector) -> Path:
    state = journal.state_file(program.settings.state_url)
    if state is None:
        raise ConnectorError(_NO_FILE, remedy=_SERVER_BACKUP)
    return state


class RegularBackups:
    """Makes a backup whenever the last one is old enough; never stands in the way of a pass."""

    def __init__(self, program: Connector, certainty: Certainty) -> None:
        self._certainty = certainty
        self._state = journal.state_file(program.settings.state_url)
        self._every: timedelta = program.settings.backup.every
        self._folder = folder_of(program, self._state) if self._state else None
        self._observer: Observer = program.observer
        self._thread: threading.Thread | None = None

    def due(self, now: datetime) -> bool:
        """Return whether the latest backup is older than the configuration wants; none are made every ``0m``.

        One that a wrong clock stamped with a moment to come does not count until then.
        """
        if self._state is None or self._folder is None or not self._every or (self._thread and self._thread.is_alive()):
            return False
        every = self._every if self._certainty.is_there() else max(self._every, UNSURE_EVERY)
        ages = (now - at for at, _ in journal.backups_in(self._state, self._folder))
        return not any(timedelta(0) <= age < every for age in ages)

    def make(self, now: datetime) -> None:
        """Make one now and thin out the old ones, if the clock is known; a failure is told and stops nothing."""
        if self._state is None or self._folder is None:
            return
        try:
            made = journal.back_up(self._state, self._folder, now=now, thin=self._certainty.may_delete())
            self._observer.event("backed_up", file=made.name)
        except ConnectorError as error:
            self._observer.event("backup_failed", why=str(error), remedy=error.remedy)

    def start(self, now: datetime) -> None:
        """Make one in a thread of its own."""
        self._thread = threading.Thread(target=self.make, args=(now,), name="backup", daemon=True)
        self._thread.start()
