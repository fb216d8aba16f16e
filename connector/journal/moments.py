"""Moments as the journal stores them: whole microseconds since 1970 in UTC, exact and the same in every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Return ``at`` (aware) as stored."""
    return (at - _EPOCH) // _MICROSECOND


def from_micros(stored: int) -> datetime:
    """Return the moment, aware and in UTC."""
    return _EPOCH + timedelta(microseconds=stored)


def maybe_micros(at: datetime | None) -> int | None:
    """Return ``at`` as stored, or nothing."""
    return None if at is None else to_micros(at)


def maybe_moment(stored: int | None) -> datetime | None:
    """Return the stored moment, or nothing."""
    return None if stored is None else from_micros(stored)


def length_micros(length: timedelta) -> int:
    """Return a length of time in whole microseconds."""
    return length // _MICROSECOND
