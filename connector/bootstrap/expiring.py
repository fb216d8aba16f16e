"""Secrets that are about to end: said while there is still time to renew them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from connector.ports import Alarm, AlarmKind, Notifier
from connector.settings import Settings

WARN_BEFORE = timedelta(days=14)


def warn_of_endings(settings: Settings, notifier: Notifier, *, now: datetime) -> None:
    """Raise an alarm for every credential whose ``expires_on`` is at most ``WARN_BEFORE`` away, or behind us."""
    for alarm in endings(settings, now=now):
        notifier.alarm(alarm)


def endings(settings: Settings, *, now: datetime) -> Iterator[Alarm]:
    """Yield an alarm per credential that is about to end; a site that uses one for both roles is told once."""
    for site in settings.sites:
        roles = (
            {"reader": site.auth.reader, "writer": site.auth.writer} if site.auth.is_pair else {"": site.auth.reader}
        )
        for role, credential in roles.items():
            left = credential.expires_on - now.date() if credential.expires_on else None
            if left is None or left > WARN_BEFORE:
                continue
            told = "has ended" if left < timedelta(0) else f"ends in {left.days} days"
            yield Alarm.of_site(
                AlarmKind.FINDING,
                site.name,
                f"{site.name}: the secret of its {role or 'account'} {told} ({credential.expires_on})",
                remedy="renew it, put it in place, and correct expires_on; no restart is needed",
                at=now,
            )
