"""Signs of life of the sites' threads: a pass may take long, and one that goes on asking is not stuck."""

from __future__ import annotations

from collections.abc import Sequence

from connector.engine.daemon import SiteLoop

STUCK_SECONDS = 300.0
"""A site's thread that gives no sign of life for so long, outside a stated wait, is stuck.

A first load takes hours, and so may one read of a helpdesk that hangs; each of its exchanges and waits is shorter.
"""


class LifeSigns:
    """Watches loops from another thread: who ticks, waits as stated or makes requests is alive."""

    def __init__(self, loops: Sequence[SiteLoop]) -> None:
        self._loops = loops
        self._asked: dict[str, tuple[int, float]] = {}

    def all_there(self) -> bool:
        """True while no thread is stuck; to be asked every now and then."""
        return all(self._is_there(loop) for loop in self._loops)

    def _is_there(self, loop: SiteLoop) -> bool:
        now, made = loop.monotonic(), loop.site.reading.reader.requests_made()
        before = self._asked.get(loop.site.name)
        if before is None or before[0] != made:
            before = self._asked[loop.site.name] = made, now
        return loop.pulse.waiting_until is not None or now - max(loop.pulse.ticked_at, before[1]) <= STUCK_SECONDS
