"""How much to ask for at once: less after a page that never came, and by and by more again.

A page that a helpdesk cannot build in its gateway's time, or that is larger than we read, does not come the next time
either. Asked for by half, it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connector.errors import Unknown

PAGES_TO_GROW = 3
"""Pages read in a row after which twice as much is asked for."""


class PageSize:
    """How many rows a page is asked for: ``most``, or after failures fewer, down to ``least``.

    Not thread-safe: the site's thread owns it.
    """

    def __init__(self, most: int, *, least: int) -> None:
        self.rows = most
        self._most = most
        self._least = least
        self._read = 0

    @contextmanager
    def tried(self) -> Iterator[int]:
        """Give the rows to ask for, and take in whether the page came: one that was lost halves them."""
        try:
            yield self.rows
        except Unknown:
            self.rows, self._read = max(self.rows // 2, self._least), 0
            raise
        self._read += 1
        if self._read >= PAGES_TO_GROW:
            self.rows, self._read = min(self.rows * 2, self._most), 0
