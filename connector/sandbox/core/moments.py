"""The clock's values: events, parties, and why a wait ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

Mode = Literal["stepped", "running", "manual"]
FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(order=True, slots=True)
class Event:
    """A thing to do at a moment; equal moments keep the order in which they were scheduled."""

    at: datetime
    order: int
    name: str = field(compare=False)
    run: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Party:
    """One participant in stepped time."""

    name: str
    waiting: bool = False
    until: datetime = FAR
    poked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Why a wait ended: the moment came, somebody poked, or neither (patience or caller gone)."""

    now: datetime
    reached: bool
    poked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOptions:
    """How a clock starts.

    Attributes:
        start: The first moment.
        mode: See the module.
        speed: Simulated seconds per real second in running mode.
        request_cost: How far time moves with each vendor request in stepped mode.
    """

    start: datetime
    mode: Mode = "manual"
    speed: float = 1.0
    request_cost: timedelta = timedelta(0)
