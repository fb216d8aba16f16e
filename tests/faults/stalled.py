"""A connector that stands still between storing an intent and the first byte of its write, by a real ``SIGSTOP``.

``python -m tests.faults.stalled SECONDS ARGUMENTS…`` runs the command line. Once a commit has left a write ``sending``
on disk the process stops itself. When somebody continues it, its monotonic clocks have gone on by SECONDS, as a
machine's do meanwhile; so nobody has to wait for them. It watches from outside our own code: SQLite's connection below
SQLAlchemy, and the system's clocks.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import time
from typing import Any


class _Stalling(sqlite3.Connection):
    """Stops the process after the first commit that arms a write."""

    seconds = 0.0
    stalled = False

    def commit(self) -> None:
        super().commit()
        if not _Stalling.stalled and _is_armed(self):
            _Stalling.stalled = True
            os.kill(os.getpid(), signal.SIGSTOP)


def _is_armed(connection: sqlite3.Connection) -> bool:
    try:
        return connection.execute("select 1 from op where status = 'sending' limit 1").fetchone() is not None
    except sqlite3.OperationalError:  # there is no schema yet
        return False


def install(seconds: float) -> None:
    """Watch every connection that is made from now on, and let the stop take ``seconds``."""
    _Stalling.seconds = seconds
    connect, ticks, read = sqlite3.connect, time.monotonic, time.clock_gettime  # noqa: TID251 - the machine's own

    def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
        return connect(*arguments, **{**options, "factory": _Stalling})

    def monotonic() -> float:
        return ticks() + (_Stalling.seconds if _Stalling.stalled else 0.0)

    def clock_gettime(clock: int) -> float:
        return read(clock) + (_Stalling.seconds if _Stalling.stalled and clock != time.CLOCK_REALTIME else 0.0)

    sqlite3.connect = watched  # type: ignore[assignment]
    time.monotonic = monotonic  # noqa: TID251
    time.clock_gettime = clock_gettime


if __name__ == "__main__":
    install(float(sys.argv[1]))
    from connector.cli.main import run

    sys.exit(run(sys.argv[2:]))
