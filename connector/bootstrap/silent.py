"""A notifier for commands that only look."""

from __future__ import annotations

from connector.ports import Alarm


class Silent:
    """Takes alarms and pings and does nothing: a plan must not wake anybody."""

    def alarm(self, alarm: Alarm) -> None:
        """Take an alarm."""

    def ping(self, *, ok: bool) -> None:
        """Take a ping."""
