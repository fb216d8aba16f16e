"""The policy as values: what to decide, shared by every site. ``policyfiles`` builds it from ``policy.yaml``.

Names of groups, people, locales and inputs are the policy's own; each site's map binds them. Everything is frozen and
compares by value; ``Policy.hash`` is the digest of the parsed canonical document, so layout and comments never count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from connector.domain import calendar_hours
from connector.domain.calendar import Calendar
from connector.domain.conditions import ALWAYS, When
from connector.domain.ticket import ClockName, Priority, Status

Span = calendar_hours.Span

# ---- priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Impact × urgency → priority; ``cells[i][u]`` for ``impact[i]`` and ``urgency[u]``."""

    impact: tuple[str, ...]
    urgency: tuple[str, ...]
    cells: tuple[tuple[Priority, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One weighted input of the score: input name, weight, and the 0…1 value of each of its answers.

    A numeric input with no ``values`` counts as it stands, clamped to 0…1.
    """

    name: str
    weight: float
    values: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Weighted form: 0…100 points; ``bounds[p]`` is the least score that gives ``p`` (P4 needs none).

    At least ``min_known`` of the weight must be known, then the known weights are scaled to 100.
    """

    factors: tuple[Factor, ...]
    bounds: Mapping[Priority, float]
    min_known: float = 0.6
    hysteresis: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityRules:
    """Exactly one of ``matrix`` and ``score`` is set."""

    matrix: Matrix | None = None
    score: Score | None = None
    lower: bool = False
    dwell: timedelta = timedelta(minutes=30)
    hold_cap: timedelta | None = None  # a person's hold ends after this long, where set


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A hard rule: raises or speeds up, never lowers. ``unless`` takes it back."""

    name: str
    when: When
    unless: When | None = None
    at_least: Priority | None = None
    raise_by: int = 0
    cap: Priority = Priority.P1
    targets: str | None = None
    path: str | None = None
    notify: tuple[str, ...] = ()
    ask: str | None = None  # name of the note that asks an agent to confirm


# ---- SLA


class SlaSource(StrEnum):
    """Whose clock counts."""

    OWN = "own"
    HELPDESK = "helpdesk"  # where the site has its own clock, else ours


class ReopenThen(StrEnum):
    """What a reopening does to a clock."""

    RESUME = "resume"
    NEW_CYCLE = "new_cycle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen:
    """A requester's reopening: within ``within`` do ``then``, later do ``after``."""

    within: Span = Span(days=7)
    then: ReopenThen = ReopenThen.RESUME
    after: ReopenThen = ReopenThen.NEW_CYCLE
    ignore_shorter_than: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChoice:
    """A calendar by name, or by an input: ``{by: org.region, map: {us: office-us}, default: office-de}``.

    The values of ``map`` stand as they are compared: case-folded.
    """

    default: str
    by: str | None = None
    map: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """SLA target; the first whose priority, variant (``targets: vip``) and condition match applies."""

    calendar: CalendarChoice
    durations: Mapping[ClockName, Span]
    priority: Priority | None = None
    variant: str | None = None
    when: When = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point on a clock: a percentage of the target or a lead time ``before`` the deadline; exactly one is set."""

    percent: int | None = None
    before: timedelta | None = None

    def __str__(self) -> str:
        return (
            f"{self.percent}%"
            if self.percent is not None
            else f"before {int((self.before or timedelta()).total_seconds())}s"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What happens when ``clock`` reaches ``mark``.

    ``note`` names an internal template, ``tell_customer`` a public one (opt-in), ``notify`` channels or roles.
    """

    clock: ClockName
    mark: Mark
    note: str | None = None
    tell_customer: str | None = None
    notify: tuple[str, ...] = ()
    escalate_to: int | None = None
    approval: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sla:
    """SLA rules. ``pause_on`` and ``reopen_by_clock`` may differ per clock; the plain forms are the defaults."""

    targets: tuple[Target, ...]
    thresholds: tuple[Threshold, ...]
    source: SlaSource = SlaSource.OWN
    pause_on: frozenset[Status] = frozenset({Status.WAITING_CUSTOMER})
    pause_on_by_clock: Mapping[ClockName, frozenset[Status]] = field(default_factory=lambda: MappingProxyType({}))
    max_pause: Span | None = None
    reopen: Reopen = Reopen()
    reopen_by_clock: Mapping[ClockName, Reopen] = field(default_factory=lambda: MappingProxyType({}))

    def pauses(self, clock: ClockName) -> frozenset[Status]:
        """Return the statuses that pause ``clock``."""
        return self.pause_on_by_clock.get(clock, self.pause_on)

    def reopening(self, clock: ClockName) -> Reopen:
        """Return the reopening rule of ``clock``."""
        return self.reopen_by_clock.get(clock, self.reopen)


# ---- escalation


class StartWhen(StrEnum):
    """When a path starts for a priority."""

    AT_ONCE = "at_once"
    THRESHOLD = "threshold"


class TargetKind(StrEnum):
    """What a level points at. A schedule is resolved to a person by the directory."""

    GROUP = "group"
    USER = "user"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class LevelTarget:
    """A group, person or schedule by its bound name."""

    kind: TargetKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class AssignMode(StrEnum):
    """``group`` lets the helpdesk pick the person; ``person`` is for schedules and single people."""

    GROUP = "group"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One step of a path. ``within`` is the time until the next level (``None``: stays); ``repeat`` re-announces it."""

    level: int
    target: LevelTarget
    within: timedelta | None = None
    repeat: int = 0
    assign: AssignMode = AssignMode.GROUP
    calendar: str | None = None  # only says who can be reached, never the timer
    note: str | None = None
    labels: frozenset[str] = frozenset()
    fallback: LevelTarget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Levels in rising order, numbered without gaps from the first."""

    name: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """First match wins; the last route of a policy has no condition."""

    path: str
    when: When = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Paths, how tickets get on them and how fast they may climb."""

    paths: Mapping[str, Path]
    routes: tuple[Route, ...]
    start: Mapping[Priority, StartWhen]
    min_step: timedelta = timedelta(minutes=10)
    hands_off: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """Regular updates on a clock of their own: every ``every`` post ``note`` until ``until``."""

    every: timedelta
    note: str
    public: bool = False
    until: Status = Status.SOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Limits on what is said on one ticket.

    The last ``reserve`` of a day's notes, half of all rounded down, are kept for what is news (breaches, new levels,
    hard triggers, questions); reminders and regular updates stop before. For breaches some of them are kept alone, see
    ``room``.
    """

    notes_per_day: int = 6
    min_interval: timedelta = timedelta(0)

    @property
    def reserve(self) -> int:
        """Return how many of a day's notes are kept for what is news."""
        return self.notes_per_day // 2

    @property
    def regular(self) -> int:
        """Return after how many notes in 24 hours reminders and updates stop."""
        return self.notes_per_day - self.reserve


@dataclass(frozen=True, slots=True, kw_only=True)
class StormRules:
    """When many alike tickets are one case.

    Attributes:
        alike: Inputs that alike tickets have in common; at least one of them must be known.
        count: How many make a storm; 0: none ever do.
        within: The time in which they come, and the longest gap between two of a storm.
        lasts: How long after its opening a ticket may be part of one.
    """

    alike: tuple[str, ...] = ("service", "category")
    count: int = 10
    within: timedelta = timedelta(minutes=15)
    lasts: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What applies where a ticket or a rule says nothing."""

    timezone: str = "UTC"
    locale: str = "en"
    calendar: str = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy document, ready to decide with.

    Attributes:
        hash: SHA-256 hex of the canonical parsed document; shown shortened to seven characters.
        memo: Scratch space for what is compiled from this policy once; no part of its value.
        sources: What else the answer depends on, for example ``{"holidays": "0.109", "tzdata": "2026.1"}``.
    """

    name: str
    hash: str
    defaults: Defaults
    calendars: Mapping[str, Calendar]
    priority: PriorityRules
    triggers: tuple[Trigger, ...]
    sla: Sla
    escalation: Escalation
    cadence: Mapping[Priority, Cadence] = field(default_factory=lambda: MappingProxyType({}))
    quiet: Quiet = Quiet()
    storm: StormRules = StormRules()
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    memo: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def short_hash(self) -> str:
        """Return the first seven characters, as shown to people."""
        return self.hash[:7]
