"""A day of a journal under a recorder: ``python -m tests.journal.power_lab FOLDER RECORD STEPS [SYNCHRONOUS]``.

A new state is made in the empty FOLDER. Pages, intents and answers are stored in it, backups are made, the state is
closed and opened again, and a backup is put back. What the journal said is stored is in the record as ``said``.
SYNCHRONOUS weakens the journal's setting of that name on purpose, to see that what is lost then is noticed.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.journal import backup_folder, make_backup, open_journal, restore
from connector.journal.sql import SqlJournal
from tests.journal import samples
from tests.journal.disk_recorder import Recorder
from tests.journal.samples import FINGERPRINT, NOW, SITE

STATE = "state.db"
"""Where the state is, below the folder that is watched."""

CHECKPOINT_PAGES = 60
"""The log is copied into the database so often, so that a short day sees it many times; SQLite's own number is 1000."""


class Day:
    """The workload, and what it was told."""

    def __init__(self, folder: Path, recorder: Recorder, synchronous: str) -> None:
        self._folder, self._state = folder, folder / STATE
        self._recorder, self._synchronous = recorder, synchronous
        self._number = 0

    def said(self, *words: str) -> None:
        self._recorder.note("said", *words)

    @contextmanager
    def journal(self) -> Iterator[SqlJournal]:
        with open_journal(str(self._state), least_free=0) as journal:
            settings = [f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}"]
            settings += [f"PRAGMA synchronous={self._synchronous}"] if self._synchronous else []
            thread = journal._thread
            for setting in settings:
                raw = thread._connection.connection.driver_connection
                thread._pool.submit(lambda raw=raw, setting=setting: raw.execute(setting).fetchall()).result()
            journal.open_site(SITE, fingerprint=FINGERPRINT)
            yield journal

    def work(self, journal: SqlJournal, steps: int) -> None:
        for number in range(self._number, self._number + steps):
            samples.store(journal, samples.ticket(str(number)), cursor=f"c{number}")
            self.said("page", str(number))
            (op,) = journal.arm(SITE, [(samples.write(str(number), f"k{number}"), "d")], run="r", now=NOW)
            self.said("armed", f"k{number}")
            if number % 2:
                journal.settle(op, samples.receipt(f"k{number}"), now=NOW)
                self.said("settled", f"k{number}")
        self._number += steps

    def back_up(self, name: str) -> Path:
        target = backup_folder(self._state) / name
        made = make_backup(self._state, target)
        self.said("backup", str(made.relative_to(self._folder)))
        return made

    def live(self, steps: int) -> None:
        with self.journal() as journal:
            self.work(journal, steps)
            self.back_up("first.db")
            self.work(journal, steps)
            second = self.back_up("second.db")
            self.work(journal, 2)
        with self.journal() as journal:
            self.work(journal, 2)
        self.said("restoring")
        restore(str(self._state), self._state, second, now=NOW, why="restored")
        self.said("restored", str(second.relative_to(self._folder)))
        with self.journal() as journal:
            self.work(journal, 2)


def main(folder: str, record: str, steps: str, synchronous: str = "") -> None:
    recorder = Recorder(Path(folder))
    recorder.install()
    Day(Path(folder), recorder, synchronous).live(int(steps))
    Path(record).write_bytes(pickle.dumps(recorder.entries))


if __name__ == "__main__":
    main(*sys.argv[1:])
