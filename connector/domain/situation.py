"""Everything that a decision may look at; ``decide`` is a function of this, the policy and ``now`` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from connector.domain.change import Field
from connector.domain.copying import drafted
from connector.domain.events import History
from connector.domain.occasion import Record, SaidRows
from connector.domain.policy import LevelTarget, Path
from connector.domain.reason import Reason
from connector.domain.site import SiteRules
from connector.domain.ticket import Link, Priority, Status, Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelLeft:
    """The level that a step left, as it stood: what ``EscalationState`` says of the present one; 0: the path began."""

    level: int
    entered_at: datetime | None = None
    timer_from: datetime | None = None
    stepped_at: datetime | None = None
    repeats: int = 0
    level_reason: str = ""
    level_why: Reason = Reason()
    skipped: tuple[str, ...] = ()
    refreshed: bool = False
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationState:
    """What we remember about one ticket between passes. In shadow it is the shadow's own.

    Attributes:
        path: The snapshot taken when the path started (frozen; everything else is current); ``None``: not started.
        path_reason: Why it started: ``trigger security-form``, ``P1 starts at once``, ``threshold resolution 100%``.
        started_at: When the path started.
        level: Present level's number, 0 before the start.
        entered_at: When it was entered; names the level's occasion.
        timer_from: From when the level's timer counts (later than ``entered_at`` after a pause or an outage).
        stepped_at: Last time that a level changed; at most one step per ``min_step``.
        repeats: How often the present level has announced itself again.
        acknowledged_at, acknowledged_by: By a person with an agent's role; stops the timer.
        priority, priority_since: The effective priority and since when; a raised target's floor counts from here. The
            first answer and one that we lowered count from the opening.
        variant, variant_since: Faster targets that a trigger asks for, and since when; their floor counts from here.
        candidate_priority, candidate_since: A lower answer that has not stood for ``dwell`` yet.
        policy_hash: Policy of the last decision; a change supersedes the marks already passed.
        policy_since: When this policy was first applied to this ticket.
        active_triggers: Names of the triggers that hit last time; a new one ends a person's hold.
        decided_at: When a decision last changed anything here; ``None``: never decided.
        stated_priority: The priority that somebody other than us gave last, where that is known.
        rose_at: When an input last rose (a new trigger, a reopening, impact or urgency going up).
        level_reason: Why the present level was entered, in words; ``level_why`` is the same for texts.
        skipped: Who was passed over on the way to the present level, and why.
        refreshed: The present level has had its fresh interval after an outage.
        wanted_last, wanted_changes: The priority wanted last, and the latest moments at which that changed.
        flapping_since: Since when the wanted priority goes to and fro too much to be followed.
        standoffs: In words: fields that another program owns, and that our own writes went round in circles.
        baseline_at: When the ticket left shadow with a path under way; what began before stays unsaid.
        left: What was left to people last time and why, in words: the log tells each once.
        began_at: When the case began, where a ticket that was merged into this one is older.
        floor: The highest priority of the tickets that were merged into this one.
        left_level: The level before, where a timer or a threshold made the last step: to go back to while nobody has
            heard of it.
        owed: What had been asked for, as ``fields threshold:…`` or ``notes threshold:…``, steps until they are made: it
            still comes when a policy is loaded or the priority rises, which supersede what nothing was asked for.
        withdrawn: Occasions of approvals that were asked for and that nothing waits for now.
        silent: In words why it says nothing of itself, empty where it speaks: others do not wait for it then.
        unread: The priority was left as it is because the ticket's history was not in: the next answer is the first.
        unread_since: Since when something waits for the ticket's history without a break; ``None``: nothing does.
        unread_told: People were told that something urgent waits for it.
    """

    path: Path | None = None
    path_reason: str = ""
    started_at: datetime | None = None
    level: int = 0
    entered_at: datetime | None = None
    timer_from: datetime | None = None
    stepped_at: datetime | None = None
    repeats: int = 0
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    priority: Priority | None = None
    priority_since: datetime | None = None
    variant: str | None = None
    variant_since: datetime | None = None
    candidate_priority: Priority | None = None
    candidate_since: datetime | None = None
    policy_hash: str = ""
    policy_since: datetime | None = None
    active_triggers: frozenset[str] = frozenset()
    decided_at: datetime | None = None
    stated_priority: Priority | None = None
    rose_at: datetime | None = None
    level_reason: str = ""
    level_why: Reason = Reason()
    skipped: tuple[str, ...] = ()
    refreshed: bool = False
    wanted_last: Priority | None = None
    wanted_changes: tuple[datetime, ...] = ()
    flapping_since: datetime | None = None
    standoffs: tuple[str, ...] = ()
    baseline_at: datetime | None = None
    left: tuple[str, ...] = ()
    began_at: datetime | None = None
    floor: Priority | None = None
    left_level: LevelLeft | None = None
    owed: frozenset[str] = frozenset()
    withdrawn: frozenset[str] = frozenset()
    silent: str = ""
    unread: bool = False
    unread_since: datetime | None = None
    unread_told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The last value that we wrote to a field, and when; ``baseline`` marks a value taken over as ours unwritten."""

    value: str | None
    at: datetime
    baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Who stands behind a level's target right now.

    Attributes:
        exists: The target is bound on this site and known to the helpdesk.
        reachable: Somebody can be reached now.
        member_ids: Vendor accounts (``id:…`` or bound names) that count as members, for acknowledgement.
        person: For a schedule or a person: the one to assign; ``None`` where the group routes by itself.
        group: The group to set, where the target has one.
        why: Reason when it does not exist or nobody is reachable.
        refused: Why the helpdesk does not tell who stands behind it: whoever it is counts as reachable.
        unasked: The helpdesk could not be asked for now: that it is here tells nothing.
        known: People behind a group who are known to be able to take a ticket, where others are ``untold``.
        untold: People behind a group of whom the helpdesk does not tell whether they are; they count as if they were.
        involved: It is not to be called whatever happens: nobody stands behind it who is not involved in the ticket.
    """

    exists: bool = True
    reachable: bool = True
    involved: bool = False
    member_ids: frozenset[str] = frozenset()
    person: str | None = None
    group: str | None = None
    why: str = ""
    refused: str = ""
    unasked: bool = False
    known: int = 0
    untold: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A linked ticket as we know it: where it is, whether it is open, and whether it faces a customer.

    Attributes:
        key: What people call it, as far as readers of the other ticket may know.
        status: ``None`` where we do not know the ticket.
        opened_at: When it was opened: of two that could speak, the earlier one does.
        priority: The one that drives its clock and path.
        speaks: What falls due on it is said: its internal notes are switched on.
        silent: In words why nothing is said on it all the same, for now: held, paused, set aside. Empty: it speaks.
        deputies: While it is silent: those that hang on it as well and may speak in its place, the first one first.
        customer_facing: Comments on it that a customer reads are switched on.
    """

    link: Link
    status: Status | None = None
    customer_facing: bool = False
    key: str = ""
    opened_at: datetime | None = None
    priority: Priority | None = None
    speaks: bool = False
    silent: str = ""
    deputies: tuple[Twin, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """Many alike tickets that came within a short time.

    Attributes:
        size: How many there are by now, this one included.
        since: When the first of them was opened.
        alike: What they have in common, in words of the policy's inputs and triggers.
        first: The one that speaks for all of them; ``None``: this one does.
    """

    size: int
    since: datetime
    alike: str
    first: Twin | None = None


@drafted
@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One ticket with all that is known about it.

    Attributes:
        ticket: As observed now.
        history: Our event log for it.
        text_hits: ``Words.key`` → did the ticket's text contain them; a missing key is *unknown*.
        commands: Part of the history: ``/esc`` lines of agents arrive as events of kind ``command``.
        reach: For every target of the policy's paths: who is reachable now. A missing key counts as unknown: the group
            is still written, nothing is cleared.
        people: Vendor account id → bound name, for the people whom the site's map binds.
        notes_today: Internal notes and comments that we posted on this ticket in the last 24 hours.
        last_note_at: The latest of them.
        policy_since: When the policy in force was first applied on this site: what passed before is superseded, also
            on tickets that were there already at the first load. ``None``: not known, the ticket's own state says.
        halted: Why no field may be written on this site now (paused, frozen), empty when it may: timers wait meanwhile.
        resumed_at: When an operator last let the site write again; a level then has a fresh interval.
        inherited: What was settled on tickets that were merged into this one, to be stored as its own.
        storm: The many alike tickets of which this is one, if it is.
        marks: Refs of what was said here and read back from the helpdesk, because the state had forgotten it.
        merged: The finished tickets that were merged into it, each as it was by itself; what holds one holds this.
        unread: Ids of the earlier tickets that it goes on for whose vendor history is not in.
        opened_at: When the ticket itself was opened, where it goes on for an older one; ``None``: as the ticket says.
        unseen_until: Until when people may have acted on it unseen: it had been changed when we first saw it, and its
            history is not in. ``None``: what they did is known, as far as a delta can tell.
    """

    ticket: Ticket
    rules: SiteRules
    history: History = History()
    state: EscalationState = EscalationState()
    said: SaidRows = field(default_factory=lambda: MappingProxyType({}))
    applied: Mapping[Field, Applied] = field(default_factory=lambda: MappingProxyType({}))
    text_hits: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    reach: Mapping[LevelTarget, Reach] = field(default_factory=lambda: MappingProxyType({}))
    twins: tuple[Twin, ...] = ()
    storm: Storm | None = None
    people: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    notes_today: int = 0
    last_note_at: datetime | None = None
    policy_since: datetime | None = None
    halted: str = ""
    resumed_at: datetime | None = None
    marks: frozenset[str] = frozenset()
    inherited: tuple[Record, ...] = ()
    merged: tuple[Situation, ...] = ()
    unread: tuple[str, ...] = ()
    opened_at: datetime | None = None
    unseen_until: datetime | None = None
