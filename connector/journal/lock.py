"""One process holds a state: an advisory lock on a file beside the database, gone with the process that held it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from connector.errors import Busy, ConnectorError


class StateLock:
    """Holds ``<database>.lock``; the file stays, its content only says whose process it was."""

    def __init__(self, path: Path) -> None:
        """Take the lock at once; raises ``Busy`` when another process has it."""
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConnectorError(f"{path}: {error.strerror}", remedy="make the state's folder writable") from error
        self._close = os.close  # our own: as an interpreter exits, a module loses its names before its objects go
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise self._held_by_another(path) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def _held_by_another(self, path: Path) -> Busy:
        holder = os.pread(self._file, 32, 0).decode(errors="replace") or "unknown"
        os.close(self._file)
        return Busy(
            f"{path}: another process holds this state (process {holder})",
            remedy="let it do the work, or stop it first",
        )

    def release(self) -> None:
        """Let the next process in."""
        if self._file >= 0:
            self._close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
