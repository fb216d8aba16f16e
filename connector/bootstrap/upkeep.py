"""What is done beside the passes: backups, retention, reminders. What fails there is told, and ends nothing."""

from __future__ import annotations

from collections.abc import Callable

from connector.errors import ConnectorError, StateFull, what_failed, where_failed
from connector.ports import Observer


def kept_up(observer: Observer, what: str, work: Callable[[], object]) -> None:
    """Do ``work``; where it fails the log says so, and it is tried again when its time comes.

    A state that cannot be used is the passes' business: they end by it, and say so themselves where it is full.
    """
    try:
        work()
    except StateFull:
        return
    except Exception as error:  # noqa: BLE001 - no fault in upkeep may cost an escalation
        observer.event("upkeep_failed", what=what, why=words_of(error), where=where_failed(error))


def words_of(error: Exception) -> str:
    """Return what failed: in the words of an error that is ours, of another one no more than its kind."""
    return str(error) if isinstance(error, ConnectorError) else what_failed(error)
