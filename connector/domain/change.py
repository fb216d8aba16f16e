"""Changes: what a plan holds and an adapter writes. They print, serialise and compare; their order is fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from connector.domain.occasion import Occasion
from connector.domain.reason import Reason
from connector.domain.site import Effect
from connector.domain.ticket import Priority, TicketRef


class Field(StrEnum):
    """Fields that the connector may write, in the order in which they are shown."""

    PRIORITY = "priority"
    PATH = "path"
    LEVEL = "level"
    LABELS = "labels"
    GROUP = "group"
    ASSIGNEE = "assignee"
    NEXT_DUE = "next_due"

    @property
    def effect(self) -> Effect:
        """Return the effect that allows writing this field."""
        return Effect.ASSIGN if self in {Field.GROUP, Field.ASSIGNEE} else Effect.FIELDS


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field from ``before`` to ``after``.

    Values are our words as text: priority names, level numbers, bound names; for labels ``after`` is the sorted,
    space-separated set to *add*. ``None`` is empty; we never clear a field because a look-up failed.
    """

    field: Field
    before: str | None
    after: str | None
    reason: str
    occasion: Occasion


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a comment is to say, before it is rendered.

    Attributes:
        occasion: Why; the comment's marker is derived from it.
        audience: ``notes`` for an internal note, ``public`` for a comment that the requester reads.
        template: Name of the template.
        locale: Language wanted; the renderer falls back along the site's chain.
        values: Plain values for the template; ticket text among them is data, never source.
        reason: One line for plan, log and explain.
        why: The leading reason, for the text; ``also`` the others that fall due with it.
        covers: Further occasions that this notice speaks for (what falls due in one pass is one note).
    """

    occasion: Occasion
    audience: Effect
    template: str
    locale: str
    values: Mapping[str, str]
    reason: str
    covers: tuple[Occasion, ...] = ()
    why: Reason = Reason()
    also: tuple[Reason, ...] = ()

    @property
    def is_regular(self) -> bool:
        """True for an update that falls due by the policy's cadence and says nothing else."""
        return {self.occasion.kind, *(about.kind for about in self.covers)} == {"update"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing to tell one target. It carries no text of the ticket.

    Attributes:
        occasion: Why, with the target in it: its key is how a receiver recognises a repetition.
        target: A name of the policy's, or ``assignee``.
        person: The assignee's bound name, for the target ``assignee``.
        why: In words.
        ticket, link: The ticket's key, and where people open it.
    """

    occasion: Occasion
    target: str
    why: str
    ticket: str
    person: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A notice with its text, as it will be posted.

    Attributes:
        key: The operation key (64 hex digits): the hidden marker.
        also: Refs of the further occasions that it speaks for.
        ref: Visible reference ``ESC-…`` (its first 40 bits), used in Jira's internal notes only.
        body: Plain text in the reader's language; vendors' markup is added by the adapter.
    """

    notice: Notice
    key: str
    body: str
    also: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """Return the visible reference of the marker."""
        return f"ESC-{self.key[:10].upper()}"

    @property
    def public(self) -> bool:
        """True when the requester will read it."""
        return self.notice.audience is Effect.PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Everything that one pass wants to write on one ticket.

    Attributes:
        ref, key: Which ticket.
        seen: The version that the decision was made on.
        severity, deadline: What the plan is ordered by: highest priority first, then earliest deadline.
        hard: A hard trigger or P1 stands behind it; it may use the budget's reserve.
        riders: Score, next due, policy hash and run: they travel along and never cause a write.
    """

    ref: TicketRef
    key: str
    seen: str
    fields: tuple[FieldChange, ...] = ()
    comments: tuple[Comment, ...] = ()
    severity: Priority | None = None
    deadline: datetime | None = None
    hard: bool = False
    riders: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def effects(self) -> frozenset[Effect]:
        """Return the effects that this change uses."""
        return frozenset({f.field.effect for f in self.fields} | {c.notice.audience for c in self.comments})

    def is_regular(self, effect: Effect) -> bool:
        """Return whether all that is said under ``effect`` are regular updates, which the policy orders apart."""
        said = [c.notice for c in self.comments if c.notice.audience is effect]
        return bool(said) and all(notice.is_regular for notice in said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One HTTP write: the unit of intent, receipt and recovery. An adapter splits a change into these.

    Attributes:
        key: The comment's operation key, or for fields alone a digest of ticket, fields, values and version.
        comment: At most one.
    """

    ref: TicketRef
    key: str
    seen: str
    fields: tuple[FieldChange, ...] = ()
    comment: Comment | None = None
    riders: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
