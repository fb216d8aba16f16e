"""What ``decide`` answers: wanted effects, the next state, reasons, and when to look again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol

from connector.domain.change import Field, FieldChange, Notice, Notification
from connector.domain.clocks import ClockReading
from connector.domain.copying import drafted
from connector.domain.occasion import Occasion, Record
from connector.domain.situation import EscalationState
from connector.domain.ticket import Priority, TicketRef


class FieldWant(NamedTuple):
    """A field should have ``value`` (our words, as in ``FieldChange.after``), and why.

    ``once`` wants are written once per occasion (group and assignee of a level); the others stand until they hold.
    """

    field: Field
    value: str
    reason: str
    occasion: Occasion
    once: bool = False


class Hold(NamedTuple):
    """A person's value that stands: which field, since when, by whom, until when, and what ends it."""

    field: Field
    value: str | None
    since: datetime
    by: str
    until: datetime | None = None
    reason: str = ""


class TriggerState(StrEnum):
    """What became of a trigger."""

    HIT = "hit"
    ALSO_MATCHED = "also matched"  # hit, but a higher floor or an earlier path won
    TAKEN_BACK = "taken back"  # matched, and its ``unless`` as well
    DISMISSED = "dismissed"
    UNKNOWN = "unknown"  # free text not read yet; never lowers
    NO = "no"


class TriggerVerdict(NamedTuple):
    """One trigger: its state and, in words, what it asks for or who dismissed it."""

    name: str
    state: TriggerState
    why: str = ""


class InputVerdict(NamedTuple):
    """One input of the priority: its value (``None``: missing) and, in the weighted form, weight and points."""

    name: str
    value: str | None
    weight: float | None = None
    points: float | None = None


class PriorityVerdict(NamedTuple):
    """How the priority came about.

    Attributes:
        computed: From matrix or score; ``None``: insufficient inputs.
        wanted: The answer after floors, holds and dwell; ``None``: nothing to want.
        effective: What drives clock and path (the held or live value, else ``wanted``).
        score: Points, in the weighted form.
        lines: Reasons in words, in order of weight.
    """

    computed: Priority | None
    wanted: Priority | None
    effective: Priority | None
    inputs: tuple[InputVerdict, ...] = ()
    score: float | None = None
    sufficient: bool = True
    lines: tuple[str, ...] = ()


class PathVerdict(NamedTuple):
    """Where the ticket is on its path, and why.

    Attributes:
        path, level: Present path and level; level 0: not started.
        why: Why this path and why it is (not) started.
        entered_at: The instant of what caused the level; ``stepped_at`` is that of the pass that entered it.
        timer_due_at: When the next step falls due; ``None``: stopped (acknowledged, paused, last level).
        skipped: Who was passed over and why, one line each.
    """

    path: str | None
    level: int = 0
    why: str = ""
    entered_at: datetime | None = None
    stepped_at: datetime | None = None
    timer_due_at: datetime | None = None
    acknowledged: str = ""
    skipped: tuple[str, ...] = ()


class Upcoming(NamedTuple):
    """Something that happens by itself if nothing changes."""

    at: datetime
    what: str


class Explanation(NamedTuple):
    """Every reason behind a decision, as values; ``explain.py`` puts them into words.

    ``owed`` is what had been asked for before and has not come yet, as ``EscalationState.owed`` names it.
    """

    priority: PriorityVerdict
    triggers: tuple[TriggerVerdict, ...] = ()
    clocks: tuple[ClockReading, ...] = ()
    path: PathVerdict = PathVerdict(path=None)
    holds: tuple[Hold, ...] = ()
    left_alone: tuple[str, ...] = ()
    upcoming: tuple[Upcoming, ...] = ()
    findings: tuple[str, ...] = ()
    owed: frozenset[str] = frozenset()

    @property
    def sufficient(self) -> bool:
        """Return whether enough was known to compute a priority."""
        return self.priority.sufficient

    def explained(self) -> Explanation:
        """Return itself: reasons that are told already."""
        return self


class Reasons(Protocol):
    """What a decision's explanation can be told from, when somebody asks."""

    @property
    def clocks(self) -> tuple[ClockReading, ...]:
        """Return the clocks' readings."""
        ...

    @property
    def sufficient(self) -> bool:
        """Return whether enough was known to compute a priority."""
        ...

    def explained(self) -> Explanation:
        """Return every reason."""
        ...


@drafted
@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer for one ticket at ``now``.

    Attributes:
        reasons: What ``explanation`` is told from; most decisions are never explained.
        fields: Wanted field values, whether or not they differ from the live ones; ``plan`` compares.
        notices: What is to be said now and has not been said.
        notifications: Whom to tell beside the ticket, and has not been told.
        records: Rows to store without saying anything: superseded, silenced.
        state: What to remember.
        next_due_at: Never later than the first instant at which the wanted effects differ; ``None``: only a change in
            the helpdesk can make a difference. Strictly later than ``now``.
        unread_text: A trigger's text result is unknown: read the ticket and decide again before lowering anything.
        unread_history: Something waits for the ticket's own history: it is read next, the most urgent first.
        overdue: What is urgent and has waited too long for it, in words; told once.
        alarms: Loud facts for people (nobody reachable, a target that does not exist).
        left: What the policy would do but leaves, and why.
        standoffs: Where we have just stopped by ourselves, in words; each is told once.
        owned: Fields that another program owns, and why we say so.
        look: What others may have in common with it; ``None`` where it could be no part of a storm.
        severity, deadline, hard: For ordering and budgets, see ``Change``.
    """

    ref: TicketRef
    now: datetime
    policy_hash: str
    state: EscalationState
    reasons: Reasons
    fields: tuple[FieldWant, ...] = ()
    notices: tuple[Notice, ...] = ()
    notifications: tuple[Notification, ...] = ()
    records: tuple[Record, ...] = ()
    next_due_at: datetime | None = None
    unread_text: bool = False
    unread_history: bool = False
    overdue: str = ""
    alarms: tuple[str, ...] = ()
    left: tuple[LeftAlone, ...] = ()
    standoffs: tuple[str, ...] = ()
    owned: Mapping[Field, str] = field(default_factory=lambda: MappingProxyType({}))
    look: Look | None = None
    severity: Priority | None = None
    deadline: datetime | None = None
    hard: bool = False
    riders: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def explanation(self) -> Explanation:
        """Return every reason behind the decision, told anew each time."""
        return self.reasons.explained()

    @property
    def clocks(self) -> tuple[ClockReading, ...]:
        """Return the clocks' readings."""
        return self.reasons.clocks


class Look(NamedTuple):
    """What a ticket has in common with others that may come in a storm.

    ``digest`` is the same for alike tickets; ``words`` say what it is made of, by the policy's inputs and triggers.
    """

    digest: str
    opened_at: datetime
    words: str


class LeftAlone(NamedTuple):
    """Something wanted that was not planned, and why (held by a person, silenced, over budget, effect off)."""

    what: str
    why: str


@drafted
@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPlan:
    """What one decision means for one ticket under the site's rules.

    Attributes:
        fields, notices: To be written, all in effects that are on.
        records: Rows to store: the decision's own, ``would-do`` for effects that are off, ``silenced`` ones.
        adopted: Fields whose live value already is what is wanted and becomes ours without a write.
        left: For plan, log and explain.
        would_write, would_say, would_notify: What shadow keeps back, told once: when its row is stored.
        notifications: To be handed to the outbox with the verdict, where the effect ``notes`` is on.
        key, seen: The ticket's key and the version that the decision was made on.
    """

    decision: Decision
    key: str = ""
    seen: str = ""
    fields: tuple[FieldChange, ...] = ()
    notices: tuple[Notice, ...] = ()
    records: tuple[Record, ...] = ()
    adopted: tuple[Field, ...] = ()
    left: tuple[LeftAlone, ...] = ()
    would_write: tuple[FieldChange, ...] = ()
    would_say: tuple[Notice, ...] = ()
    notifications: tuple[Notification, ...] = ()
    would_notify: tuple[Notification, ...] = ()
