"""The outbox of notifications: stored with the verdict that asks for them, delivered at least once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Delivery(StrEnum):
    """What became of a notification."""

    WAITING = "waiting"  # tried again
    DONE = "done"
    FAILED = "failed"  # not delivered in time, or nobody is configured to deliver it


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A notification in the outbox; ``key`` tells a receiver that it has had it already."""

    site: str
    key: str
    of: str  # the ticket's id
    ticket: str
    target: str
    person: str
    why: str
    link: str
    at: datetime
    status: Delivery = Delivery.WAITING
    attempts: int = 0
    next_at: datetime | None = None
    error: str = ""


class Outbox(Protocol):
    """The outbox of notifications: what waits, and what became of it. Every method is one durable transaction."""

    def notifications_due(self, *, now: datetime, limit: int) -> tuple[Queued, ...]:
        """Return what waits and may be tried at ``now``, oldest first."""

    def settle_notification(
        self, queued: Queued, status: Delivery, *, now: datetime, next_at: datetime | None = None, error: str = ""
    ) -> None:
        """Store one attempt: ``done`` and ``failed`` are for good, ``waiting`` is tried again at ``next_at``."""

    def alarm_told(self, key: str, *, site: str, since: datetime) -> bool:
        """Return whether an alarm was handed over after ``since``, by whichever process; ``key`` names it.

        One from before the site's last ``resume`` does not count: what goes wrong again is told again.
        """

    def owe_alarm(self, key: str, said: Mapping[str, str], *, site: str, since: datetime, now: datetime) -> None:
        """Store what an alarm says until ``note_alarm`` tells that it was handed over.

        One that was stored before ``since`` is given up: the same one is stored anew, as it is news by now.
        """

    def alarms_owed(self, *, since: datetime) -> tuple[Mapping[str, str], ...]:
        """Return what the alarms from ``since`` on say that were not handed over, oldest first; of others that goes."""

    def note_alarm(self, key: str, *, site: str, kind: str, now: datetime) -> None:
        """Store that an alarm was handed over: its kind and key, nothing of what it says."""
