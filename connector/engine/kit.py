"""What a pass works with: the reading half of a site, and the surroundings that all sites share."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from connector.domain.site import SiteRules
from connector.ports import (
    Asides,
    Clock,
    Directory,
    Fence,
    Journal,
    Notifier,
    Observer,
    Policies,
    Renderer,
    TicketReader,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReading:
    """Everything about one site that reading and deciding may use; there is no writer in it.

    Attributes:
        people: Vendor account id → bound name, for the people whom the site's map binds.
        bindings: Digest of the site's map.
        poll_every: Time between two polls of the delta.
        sweep_every: Time between two sweeps over the ids of all open tickets.
        asked_for: Gives, once, the ids of tickets that somebody asked us to look at soon.
    """

    rules: SiteRules
    reader: TicketReader
    directory: Directory
    people: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    bindings: str = ""
    poll_every: timedelta = timedelta(seconds=60)
    sweep_every: timedelta = timedelta(hours=6)
    asked_for: Callable[[], tuple[str, ...]] = tuple

    @property
    def name(self) -> str:
        """Return the site's name."""
        return self.rules.name


class TimeTrust(Protocol):
    """Whether the clock can be believed; see ``timekeeping``."""

    def certain(self) -> bool:
        """Return whether the helpdesk has found the clock right and it has not leapt since; from any thread."""

    def steady(self) -> bool:
        """Return whether the clock was found right and has not leapt since."""

    def sound(self, site: SiteReading) -> None:
        """Ask the helpdesk for its time as we begin and after a leap.

        Raises:
            Unavailable: There is no answer, or no agreement.
            ClockIsOff: The clock is far off.
        """

    def settle(self, site: SiteReading, around: Surroundings, now: datetime) -> datetime:
        """Return the moment to decide by; raises ``ClockIsOff`` when the clock is far off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all sites share. ``clock`` belongs to the thread that holds this value.

    ``stopped`` says why no site may be written now by a word from outside the state (the pause file), empty when none.
    ``fence`` calls a write off when the process stood still between arming it and its first byte.
    ``rules_of`` tells what the operator allows on another site, ``None`` for one that is not configured.
    ``time`` watches the clock where time is the machine's; stepped time is never in doubt.
    ``remembered`` keeps for one pass what is set aside; ``None``: the journal is asked every time.
    """

    journal: Journal
    policies: Policies
    renderer: Renderer
    notifier: Notifier
    observer: Observer
    clock: Clock
    stopped: Callable[[], str] = lambda: ""
    rules_of: Callable[[str], SiteRules | None] = lambda _: None
    time: TimeTrust | None = None
    fence: Fence = field(default_factory=lambda: Fence(lambda: 0.0))
    remembered: Asides | None = None

    @property
    def asides(self) -> Asides:
        """Return what is set aside, as this pass knows it."""
        return self.journal if self.remembered is None else self.remembered


_COUNT = itertools.count(1)


def new_run_id(now: datetime) -> str:
    """Return a run's name: readable, unique, and sorted as they began, also within one second of one process."""
    return f"{now:%Y%m%dT%H%M%SZ}-{next(_COUNT):05d}-{secrets.token_hex(2)}"
