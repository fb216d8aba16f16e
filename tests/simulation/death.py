"""The connector's process ends at a random boundary: before or after a commit, before or after a write is applied."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Iterator
from typing import Any


class Killed(BaseException):
    """The process is gone: nothing catches this, and what was in memory is lost."""


class Death:
    """Comes after a drawn number of boundaries, again and again, while it is ``awake``."""

    def __init__(self, rng: random.Random, *, every: int) -> None:
        self._rng = rng
        self._every = every
        self._left = self._draw()
        self.awake = True
        self.came = 0

    def _draw(self) -> int:
        """Draw when the next one comes; one in four strikes soon after the one before, in the middle of recovery."""
        return self._rng.randrange(1, 40) if self._rng.random() < 0.25 else self._rng.randrange(1, 2 * self._every)

    def passing(self, _boundary: str) -> None:
        """Count one boundary and end the process at the drawn one."""
        if not self.awake:
            return
        self._left -= 1
        if self._left <= 0:
            self._left = self._draw()
            self.came += 1
            raise Killed


@contextlib.contextmanager
def mortal_journal(death: Death) -> Iterator[None]:
    """Make the commits of every connection that is opened meanwhile boundaries."""
    connect = sqlite3.connect

    class Mortal(sqlite3.Connection):
        def commit(self) -> None:
            if not self.in_transaction:
                super().commit()
                return
            death.passing("before-commit")
            super().commit()
            death.passing("after-commit")

    def mortal(database: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
        if "mode=ro" in str(database):
            return connect(database, *arguments, **options)
        return connect(database, *arguments, **{**options, "factory": Mortal})

    sqlite3.connect = mortal  # type: ignore[assignment]
    try:
        yield
    finally:
        sqlite3.connect = connect
