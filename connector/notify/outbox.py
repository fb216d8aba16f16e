"""The outbox's way out: every notification is handed to the alarm command until it says that it has taken it.

A notification is tried again with growing pauses and given up after a day. One that was confirmed is never handed over
again; one whose confirmation was lost in a crash is, with the same key, by which a receiver can tell. One that cannot
even be made into a command's input is given up at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from connector.errors import ConnectorError, what_failed
from connector.ports import Delivery, Observer, Outbox, Queued

AT_ONCE = 100
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=24)
NO_COMMAND = "no alarm_command is configured"

Hand = Callable[[Mapping[str, str]], str]
"""Hands one payload over; returns why it was not taken, empty when it was."""


class Deliveries:
    """Delivers what waits in an outbox; lives on the notify thread."""

    def __init__(self, outbox: Outbox, now: Callable[[], datetime], observer: Observer) -> None:
        """Deliver from ``outbox``; ``now`` gives the present moment."""
        self._outbox = outbox
        self._now = now
        self._observer = observer

    def run(self, hand: Hand | None) -> None:
        """Try everything that is due once; ``hand`` is ``None`` where nobody is configured to take it."""
        try:
            for queued in self._outbox.notifications_due(now=self._now(), limit=AT_ONCE):
                self._one(queued, hand)
        except ConnectorError as error:  # the state is closed or broken: what waits is delivered after the next start
            self._observer.event("notify_stopped", why=type(error).__name__)

    def _one(self, queued: Queued, hand: Hand | None) -> None:
        hopeless = hand is None
        try:
            error = NO_COMMAND if hand is None else hand(payload(queued))
        except MemoryError:
            raise  # it waits for the next turn
        except Exception as failure:  # noqa: BLE001 - it would fail the same way for ever, and hold up all others
            hopeless, error = True, f"it cannot be handed over: {what_failed(failure)}"
        now = self._now()
        if not error:
            self._outbox.settle_notification(queued, Delivery.DONE, now=now)
        elif hopeless or now - queued.at >= GIVE_UP_AFTER:
            self._outbox.settle_notification(queued, Delivery.FAILED, now=now, error=error)
        else:
            pause = min(FIRST_PAUSE * 2**queued.attempts, LONGEST_PAUSE)
            self._outbox.settle_notification(queued, Delivery.WAITING, now=now, next_at=now + pause, error=error)


def payload(queued: Queued) -> dict[str, str]:
    """Return what the command gets: no subject, no text, nobody's address."""
    return {
        "kind": "notify",
        "site": queued.site,
        "ticket": queued.ticket,
        "link": queued.link,
        "why": queued.why,
        "target": queued.target,
        "person": queued.person,
        "key": queued.key,
        "at": queued.at.isoformat(),
        "message": f"{queued.ticket}: {queued.why}",
    }
