"""What is set aside, read once per pass however many parts of the pass ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.ports import Asides, SetAside


class PassAsides:
    """An ``Asides`` for one pass of one thread: it reads each site once, and again after the pass has changed it.

    What another thread ends meanwhile (``resume``, ``release``) is seen by the next pass, which they ask for at once.
    """

    def __init__(self, journal: Asides) -> None:
        self._journal = journal
        self._known: dict[str, tuple[SetAside, ...]] = {}

    def set_aside(self, site: str, items: Sequence[SetAside]) -> None:
        """Set things aside."""
        self._known.pop(site, None)
        self._journal.set_aside(site, items)

    def take_back(self, site: str, items: Sequence[SetAside], *, now: datetime) -> None:
        """End what was set aside; nothing is asked where there is nothing to end."""
        if items:
            self._known.pop(site, None)
            self._journal.take_back(site, items, now=now)

    def aside(self, site: str) -> tuple[SetAside, ...]:
        """Return what is set aside on a site, longest first."""
        if site not in self._known:
            self._known[site] = self._journal.aside(site)
        return self._known[site]
