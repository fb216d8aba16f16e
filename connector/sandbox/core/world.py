"""What a site stands on: the clock, its ledger, its own randomness, its options."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connector.sandbox.core.clock import SandboxClock
from connector.sandbox.core.ledger import Entry, Ledger
from connector.sandbox.core.moments import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One site's surroundings.

    Attributes:
        site: The site's name, such as ``jsm-eu``.
        rng: Seeded by (seed, site); a site draws from nothing else.
        options: The vendor's switches by name (lags, limits, presets, unverified behaviours);
            a site documents its own and refuses unknown ones.
    """

    site: str
    clock: SandboxClock
    ledger: Ledger
    rng: random.Random
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        site: str,
        clock: SandboxClock,
        entries: list[Entry],
        *,
        seed: int,
        options: Mapping[str, Any] | None = None,
    ) -> World:
        """Surround ``site``; ``entries`` is the sandbox's one list of facts."""
        ledger = Ledger(site, now=clock.now, entries=entries)
        return cls(site=site, clock=clock, ledger=ledger, rng=random.Random(f"{seed}/{site}"), options=options or {})

    def now(self) -> datetime:
        """The simulated moment."""
        return self.clock.now()

    def at(self, moment: datetime, name: str, run: Callable[[], None]) -> Event:
        """Do something at a moment, under the lock; a failure is noted as a problem of this site."""
        return self.clock.at(moment, f"{self.site}: {name}", lambda: self._attempt(name, run))

    def after(self, delay: timedelta, name: str, run: Callable[[], None]) -> Event:
        """Do something once ``delay`` has passed."""
        return self.at(self.now() + delay, name, run)

    def _attempt(self, name: str, run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:  # noqa: BLE001 - a script's mistake must not stop time for everybody
            self.ledger.problem(name, error)
