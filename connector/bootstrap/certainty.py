"""Whether what is past its time may be deleted: by a clock alone that a helpdesk has found right.

A clock that is a year ahead for a minute would take the whole audit, and every backup but the one made by it; what is
deleted cannot be brought back. Nothing is lost by waiting: what is past its time goes once the clock is known.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.engine.kit import TimeTrust
from connector.ports import Observer

UNSURE = "no helpdesk has confirmed this machine's clock yet; what is past its time stays until one has"


class Certainty:
    """Asks who watches the clock for each site; one that is certain is enough. Callable from any thread."""

    def __init__(self, times: Sequence[TimeTrust | None], observer: Observer) -> None:
        """Take who watches for each site, ``None`` where time is stepped; a list may grow while sites begin."""
        self._times = times
        self._observer = observer
        self._told = False

    def is_there(self) -> bool:
        """Return whether the clock is known to be right at this moment."""
        return any(time is None or time.certain() for time in self._times)

    def may_delete(self) -> bool:
        """Return the same; what is put off is told in the log, once until the clock is known again."""
        certain = self.is_there()
        if not certain and not self._told:
            self._observer.event("deleting_put_off", why=UNSURE)
        self._told = not certain
        return certain
