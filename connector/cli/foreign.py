"""What others would print: the libraries' log, and what nobody caught. Both come through our log, masked."""

from __future__ import annotations

import logging
import sys
import threading

from connector.cli.log import Log
from connector.errors import what_failed, where_failed

_LIBRARIES = ("urllib3", "requests", "zenpy", "jira")
_LONGEST = 300


class _FromLibraries(logging.Handler):
    """Hands what the libraries log to our own log: masked, shortened, a traceback as places only."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; never raises."""
        if self._log.asks_the_time:
            return
        try:
            words = self._log.masked(record.getMessage())[:_LONGEST]  # cut first, a secret's head would stay
        except (TypeError, ValueError):
            words = "a message that cannot be read"
        error = record.exc_info[1] if record.exc_info else None
        more = {} if error is None else {"error": what_failed(error), "where": where_failed(error)}
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.event("library", library=record.name, severity=level, why=words, **more)


def take_over_libraries(log: Log) -> None:
    """Send what any library logs at warning or above to ``log``, and nowhere else."""
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _FromLibraries)]:
        root.removeHandler(handler)
    root.addHandler(_FromLibraries(log))
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.setLevel(logging.WARNING)
        library.handlers.clear()
        library.propagate = True


def take_over_crashes(log: Log) -> None:
    """Tell of what nobody caught, on any thread, in one masked line: a traceback may quote a ticket or a secret."""

    def told(error: BaseException | None, thread: str) -> None:
        if error is not None and not isinstance(error, KeyboardInterrupt | SystemExit):
            log.event("crashed", thread=thread, why=what_failed(error), where=where_failed(error))

    def on_thread(found: threading.ExceptHookArgs) -> None:
        told(found.exc_value, found.thread.name if found.thread else "")

    sys.excepthook = lambda _kind, error, _trace: told(error, "main")
    threading.excepthook = on_thread
