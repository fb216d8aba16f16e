"""One thing to say to one audience: what it is about, why, and what it gives its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connector.domain.occasion import Occasion
from connector.domain.reason import Reason
from connector.domain.site import Effect
from connector.domain.ticket import ClockName

BREACHED = 100
"""Percent of a target from which on it is breached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing to say to one audience.

    Attributes:
        why: The reason, as the leading one of a text; ``named`` is what stands for the remark beside another one.
        weight: Decides which of several leads (the least).
        regular: A reminder or a regular update: it stops first, so that what is news still has room.
        breach: The clock of whose breach it tells, if it does: a note is kept for that, see ``room``.
    """

    occasion: Occasion
    audience: Effect
    template: str
    why: Reason
    weight: int
    values: Mapping[str, str] = field(default_factory=dict)
    about: tuple[str, int] | None = None
    regular: bool = False
    breach: ClockName | None = None

    @property
    def called(self) -> str:
        """Return what stands in plan and log for it."""
        return f"{'public comment' if self.audience is Effect.PUBLIC else 'note'} {self.template}"

    @property
    def named(self) -> Reason:
        """Return the reason with the path and level that it is about, if any."""
        return self.why if self.about is None else self.why.about(path=self.about[0], level=self.about[1])

    @property
    def reason(self) -> str:
        """Return the reason in words, for plan and log."""
        return f"{self.named}{_due(self.values.get('deadline', ''))}"


def _due(deadline: str) -> str:
    return f", due {datetime.fromisoformat(deadline):%Y-%m-%d %H:%M} UTC" if deadline else ""
