"""One site: which effects are on where, its limits, and how its vendor fields bind to the policy's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from connector.domain.ticket import ClockName, LinkKind, Priority, Status


class Effect(StrEnum):
    """What we may do to a ticket; switched on one by one, in this order. Also the *audience* of an occasion."""

    FIELDS = "fields"  # priority, level, path, labels
    NOTES = "notes"  # internal notes
    ASSIGN = "assign"  # group, assignee
    PUBLIC = "public"  # comments that the requester reads


class Confidential(StrEnum):
    """How tickets of a confidential scope are treated."""

    IGNORE = "ignore"  # nothing of them is stored
    RESTRICTED = "restricted"  # no text is read, nothing is public, nobody involved is called


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much of one effect may be written in a window.

    The limit is the larger of ``least`` and ``share`` of the site's open tickets; ``reserve`` more is kept for P1 and
    hard triggers. ``per_ticket`` bounds one ticket in ``per_ticket_window``.
    """

    least: int
    window: timedelta
    share: float = 0.0
    reserve: int = 0
    per_ticket: int | None = None
    per_ticket_window: timedelta = timedelta(hours=24)

    def limit(self, open_tickets: int) -> int:
        """Return the number of writes allowed in one window, without the reserve."""
        return max(self.least, int(open_tickets * self.share))


DEFAULT_BUDGETS: Mapping[Effect, Budget] = MappingProxyType(
    {
        Effect.FIELDS: Budget(least=10, share=0.02, window=timedelta(minutes=10), reserve=20),
        Effect.ASSIGN: Budget(least=10, share=0.02, window=timedelta(minutes=10), reserve=20),
        Effect.NOTES: Budget(least=60, window=timedelta(hours=1)),
        Effect.PUBLIC: Budget(least=20, window=timedelta(hours=1), per_ticket=1),
    }
)


HOLD_LABEL = "esc-hold"
HOLD_UNTIL = "hold_until"
"""The name under which changes of the field that holds a ticket stand in its event log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRules:
    """What the operator allows on one site.

    Attributes:
        name: As in ``connector.yaml``.
        fingerprint: Digest of kind and base URL; part of every operation's key, so a swapped URL is another site.
        effects: Effects that are on where no scope says otherwise.
        scopes: Scope name (project, brand, group, form) → effects that are on there.
        enforce_from: Crossings, level starts, holds and questions of before this moment stay unsaid.
        locale: The site's default language.
        unwritable: Fields of ours that this site's map does not bind (values of ``Field``); never planned.
        may_stop_native_first_response: Allow a public comment while the helpdesk's own first-response clock runs.
        hold_label: The label that holds a ticket while it is on.
        confidential: Scope → how its tickets are treated, where they are confidential.
    """

    name: str
    fingerprint: str
    effects: frozenset[Effect] = frozenset()
    scopes: Mapping[str, frozenset[Effect]] = field(default_factory=lambda: MappingProxyType({}))
    enforce_from: datetime | None = None
    locale: str = "en"
    unwritable: frozenset[str] = frozenset({"next_due"})
    may_stop_native_first_response: bool = False
    budgets: Mapping[Effect, Budget] = field(default_factory=lambda: DEFAULT_BUDGETS)
    hold_label: str = HOLD_LABEL
    confidential: Mapping[str, Confidential] = field(default_factory=lambda: MappingProxyType({}))

    def allows(self, effect: Effect, scope: str) -> bool:
        """True when ``effect`` is on for tickets of ``scope``; everything else is shadow."""
        return effect in self.scopes.get(scope, self.effects)


class BindingSource(StrEnum):
    """Where an input stands in the vendor's data."""

    FIELD = "field"  # a (custom) field of the ticket, by vendor id or system name
    REQUESTER = "requester"  # a field of the requester's record; ``tags`` and ``locale`` are built in
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One policy input ↔ one vendor field.

    Attributes:
        id: ``customfield_10111``, ``27642``, or a system name such as ``type``.
        values: Vendor value (or option id) → policy value; empty passes the vendor's value through, case-folded.
        writable: The connector may set this field (level, path, next due).
    """

    source: BindingSource
    id: str
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinField:
    """A ticket field that names tickets of another site by their ids or keys.

    Attributes:
        field: The field's vendor id; Zendesk's ``external_id`` is built in.
        kind: What those tickets are to the one that names them.
    """

    field: str
    kind: LinkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMap:
    """How one site's vendor data binds to the policy's names; handed to ``normalise`` and to request building.

    Attributes:
        inputs: Policy input name → binding.
        level, path, next_due: Our own fields where the site has them.
        priorities: Our level ↔ the vendor's priority (Jira: id; Zendesk: name), for reading and writing.
        statuses: Vendor status (Zendesk: category or custom status id; Jira: status id or name) → ours.
        groups: Bound name → vendor group id. Jira Cloud has no group on an issue: there the value is written to
            ``group_field``.
        people: Bound name → vendor account id.
        clocks: Vendor SLA name or field id → our clock.
        scope: What a ticket's scope is taken from: ``project``, ``brand``, ``group``, ``form``, ``organization``.
        links: Vendor link type name → our link kind value.
        twins: Other site's name → the field that names its tickets.
        hold_until: The field with the moment until which a ticket is held, where the site has one.
        hold_label: The label that holds a ticket while it is on.
        automations: Vendor ids of accounts that programs use although the helpdesk takes them for people.
        commanders: Vendor ids of people who may write ``/esc`` commands; ``command_groups``: vendor ids of the groups
            whose members may. Both empty: every agent.
        reply_is_public: For Zendesk tickets without history: comments by agents count as public where this is true.
    """

    inputs: Mapping[str, Binding] = field(default_factory=lambda: MappingProxyType({}))
    level: Binding | None = None
    path: Binding | None = None
    next_due: Binding | None = None
    group_field: Binding | None = None
    priorities: Mapping[Priority, str] = field(default_factory=lambda: MappingProxyType({}))
    statuses: Mapping[str, Status] = field(default_factory=lambda: MappingProxyType({}))
    groups: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    people: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    clocks: Mapping[str, ClockName] = field(default_factory=lambda: MappingProxyType({}))
    scope: str = "project"
    links: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    twins: Mapping[str, TwinField] = field(default_factory=lambda: MappingProxyType({}))
    hold_until: Binding | None = None
    hold_label: str = HOLD_LABEL
    automations: frozenset[str] = frozenset()
    commanders: frozenset[str] = frozenset()
    command_groups: frozenset[str] = frozenset()

    def group_name(self, vendor_id: str | None) -> str | None:
        """Return the bound name of a vendor group, ``id:<vendor id>`` when unbound, ``None`` for none."""
        return _bound(self.groups, vendor_id)

    def person_name(self, vendor_id: str | None) -> str | None:
        """Return the bound name of a vendor account, ``id:<vendor id>`` when unbound, ``None`` for none."""
        return _bound(self.people, vendor_id)

    def priority_of(self, vendor_value: str | None) -> Priority | None:
        """Return our level for the vendor's priority; ``None`` when it has none or the map does not know it."""
        return next((ours for ours, theirs in self.priorities.items() if theirs == vendor_value), None)


def _bound(names: Mapping[str, str], vendor_id: str | None) -> str | None:
    if vendor_id is None:
        return None
    return next((name for name, bound in names.items() if bound == vendor_id), f"id:{vendor_id}")


def vendor_id(names: Mapping[str, str], bound: str) -> str | None:
    """Return the vendor's id for a bound name or an ``id:…`` value; ``None`` when the name is not bound here."""
    return bound.removeprefix("id:") if bound.startswith("id:") else names.get(bound)
