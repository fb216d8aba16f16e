"""One name per cycle where two clocks may count: the helpdesk's, and ours while it shows none.

A helpdesk may show its clock late or leave it out for a while, as Jira does where no goal applies. The cycle is still
the same one: what was told under one name of it is not told again under another.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from connector.domain.clocks import ClockReading, Silence
from connector.domain.occasion import Outcome, SaidRows, moment
from connector.domain.policy import Threshold
from connector.domain.site import Effect
from connector.domain.ticket import NativeClock

_WITH_THE_TICKET = timedelta(minutes=5)
_TOLD = frozenset({Outcome.DONE, Outcome.PARKED, Outcome.WOULD_DO, Outcome.SILENCED})
_THRESHOLD, _NOTIFY = "threshold:", "notify:"


def cycle_named(native: NativeClock, *, opened_at: datetime, ours: datetime) -> datetime:
    """The instant that names a cycle of the helpdesk's clock; `ours` where the helpdesk does not say when it began.

    A clock that the helpdesk started with the ticket has the ticket's opening for its name, as ours has: the seconds
    between the two make no other cycle.
    """
    began_at = native.started_at
    if began_at is None:
        return ours
    return opened_at if abs(began_at - opened_at) < _WITH_THE_TICKET else began_at


def told_otherwise(reading: ClockReading, said: SaidRows, *, ours: datetime) -> tuple[Silence, ...]:
    """Silences for the marks of a reading's cycle that were told under another name of the same cycle.

    `ours` is the start of the cycle on our own clock.
    """
    if not said:
        return ()
    names = _Names(reading, ours)
    return tuple(
        Silence(at=at, why=f"told on {at:%Y-%m-%d %H:%M} UTC, when another clock counted", mark=str(threshold.mark))
        for threshold, _ in reading.marks
        if (at := min(names.told(threshold, said), default=None)) is not None
    )


class _Names:
    """The other names that the cycle of a reading may have had."""

    def __init__(self, reading: ClockReading, ours: datetime) -> None:
        native = reading.native
        self._began_at = None if native is None else native.started_at
        self._present, self._ours = moment(reading.cycle_start), moment(ours)
        self._native = None if self._began_at is None else moment(self._began_at)
        self._prefix = f"{_THRESHOLD}{reading.clock.value}:"

    def told(self, threshold: Threshold, said: SaidRows) -> Iterator[datetime]:
        """Yield when a mark was told under another name."""
        kind, audiences = _traces(threshold)
        for (name, audience), row in said.items():
            if audience in audiences and row.outcome in _TOLD and name.startswith(kind) and self._prefix in name:
                start, _, mark = name.partition(self._prefix)[2].partition(":")
                if mark == str(threshold.mark) and self._is_another(start, row.at):
                    yield row.at

    def _is_another(self, start: str, at: datetime) -> bool:
        if start == self._present:
            return False
        if self._began_at is None:
            return start > self._ours  # a cycle of the helpdesk's within ours; these names sort by time
        return start == self._native or (start == self._ours and at >= self._began_at)


def _traces(threshold: Threshold) -> tuple[str, frozenset[Effect]]:
    """The kind of occasion and the audiences whose rows show that a threshold has had its effect."""
    audiences = {Effect.NOTES} if threshold.note else set()
    audiences |= {Effect.PUBLIC} if threshold.tell_customer else set()
    if audiences or threshold.escalate_to is None:
        return (_THRESHOLD if audiences else _NOTIFY), frozenset(audiences or {Effect.NOTES})
    return _THRESHOLD, frozenset({Effect.FIELDS})
