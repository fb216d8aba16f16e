"""What a way to a helpdesk needs of the program that it runs in."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from connector.helpdesks.transport.redaction import Redactor
from connector.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the composition root hands in.

    ``ca_file`` names the authorities to believe instead of the usual ones; verifying is never off. ``may_begin`` is
    asked before the first byte of every write, with the seconds that it may take.
    """

    clock: Clock
    rng: random.Random = field(default_factory=random.Random)
    redactor: Redactor = field(default_factory=Redactor)
    ca_file: str | None = None
    may_begin: Callable[[float], bool] = lambda _: True
