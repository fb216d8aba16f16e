"""The moment in a field that holds a ticket, for every vendor. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta


def until(value: object) -> datetime | None:
    """Return the moment that a field names; a bare date holds through that day (UTC). ``None`` for anything else."""
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip()
    try:
        if len(text) == len("2026-11-22"):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), tzinfo=UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)


def until_text(value: object) -> str | None:
    """Return that moment as it stands in the event log."""
    at = until(value)
    return None if at is None else at.isoformat()
