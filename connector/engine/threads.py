"""The daemon: a thread per site, each with a loop of its own.

One site's outage never delays another, nor does a fault of ours that one site brings out: each thread owns its vendor
clients and its own waiting. Only a state that cannot be used ends them all. A daemon never exits
because a limit was reached; it goes on reading and says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from connector.engine.daemon import SiteLoop


@dataclass(slots=True)
class Daemon:
    """All sites' loops and their threads."""

    loops: Sequence[SiteLoop]
    on_crash: Callable[[str, BaseException], None]
    on_end: Callable[[str], None] = lambda _site: None
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Start a thread per site."""
        self._threads = [
            threading.Thread(target=self._run, args=(loop,), name=f"site {loop.site.name}") for loop in self.loops
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask every site to finish its write in hand and end."""
        for loop in self.loops:
            loop.stop()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for every thread, each at most ``timeout`` seconds; return True when all have ended."""
        for thread in self._threads:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def alive(self) -> bool:
        """True while every site's thread runs; the watchdog is fed only then."""
        return all(thread.is_alive() for thread in self._threads)

    def _run(self, loop: SiteLoop) -> None:
        try:
            loop.run()
        except BaseException as error:  # noqa: BLE001 - told here; the interpreter's own traceback would not be masked
            self.on_crash(loop.site.name, error)
        finally:
            self.on_end(loop.site.name)
