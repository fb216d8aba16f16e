"""Jira's issues into our tickets and events. Pure: structs and a field map in, frozen values out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from connector.domain.events import Actor, EventKind, Role, TicketEvent
from connector.domain.site import BindingSource, FieldMap
from connector.domain.ticket import (
    ClockName,
    Fact,
    Link,
    LinkKind,
    NativeClock,
    NativeStage,
    Status,
    Text,
    Ticket,
    TicketRef,
)
from connector.errors import Malformed
from connector.helpdesks.jira.structs import (
    FIXED_FIELDS,
    Account,
    Comment,
    Cycle,
    Fields,
    Issue,
    IssueLink,
    SlaValue,
    StatusValue,
    fields_decoder,
)
from connector.helpdesks.jira.text import plain
from connector.helpdesks.plaintext import clean

_CATEGORIES = {"new": Status.NEW, "indeterminate": Status.OPEN, "done": Status.SOLVED}
_LONGEST_TEXT = 20_000
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What normalising one site's issues needs to know.

    Attributes:
        site: The site's name.
        fields: How vendor fields bind to the policy's names.
        account: Our own account id.
        clocks: SLA field id → our clock, once the names in the map have been looked up.
        web_url: Where people open issues, without a trailing slash.
    """

    site: str
    fields: FieldMap
    account: str
    web_url: str
    clocks: Mapping[str, ClockName] = field(default_factory=lambda: MappingProxyType({}))

    @functools.cached_property
    def custom(self) -> tuple[str, ...]:
        """Return ids of the plain custom fields that we read."""
        bindings = [b for b in self.fields.inputs.values() if b.source is BindingSource.FIELD]
        own = (self.fields.level, self.fields.path, self.fields.group_field)
        ids = {b.id for b in bindings} | {b.id for b in own if b is not None}
        return tuple(sorted(ids - set(FIXED_FIELDS) - set(_SYSTEM)))

    @functools.cached_property
    def slas(self) -> tuple[str, ...]:
        """Return ids of the SLA fields that we read."""
        return tuple(sorted(self.clocks))

    @functools.cached_property
    def asked(self) -> tuple[str, ...]:
        """Return every field to ask for."""
        return (*FIXED_FIELDS, *self.custom, *self.slas)

    @functools.cached_property
    def decode(self) -> Callable[[bytes | msgspec.Raw], Fields]:
        """Return what decodes this site's fields, made once and not per issue."""
        return fields_decoder(self.custom, self.slas).decode

    @functools.cached_property
    def asked_for_writing(self) -> tuple[str, ...]:
        """Return the fields that a write depends on, read just before it."""
        own = (self.fields.level, self.fields.path, self.fields.group_field)
        custom = sorted(b.id for b in own if b is not None)
        return ("status", "priority", "assignee", "labels", "created", "updated", "project", *custom)


_SYSTEM = ("type", "project", "security")
"""System inputs that a map may name without a field id."""


def moment(text: str) -> datetime:
    """Return Jira's ``2026-11-22T02:00:00.000+0100`` in UTC; raises ``ValueError``."""
    return datetime.fromisoformat(text).astimezone(UTC)


def observe(issue: Issue, shape: Shape, *, now: datetime) -> tuple[Ticket, tuple[TicketEvent, ...]]:
    """Return the ticket and the events of its comments; raises ``Malformed`` when it cannot be read."""
    try:
        fields = shape.decode(issue.fields)
        ticket = _ticket(issue, fields, shape, now=now)
        comments = fields.comment.comments if fields.comment else []
        return ticket, tuple(comment_events(comments, shape, requester=ticket.requester))
    except (msgspec.DecodeError, ValueError, TypeError, KeyError) as error:
        raise Malformed(f"issue {issue.id}: {type(error).__name__}: {str(error)[:200]}") from error


def _ticket(issue: Issue, fields: Fields, shape: Shape, *, now: datetime) -> Ticket:
    names = shape.fields
    group = _option(getattr(fields, names.group_field.id, None)) if names.group_field else None
    level = _option(getattr(fields, names.level.id, None)) if names.level else None
    requester = fields.reporter.account_id if fields.reporter else None
    return Ticket(
        ref=TicketRef(shape.site, issue.id),
        key=issue.key,
        version=fields.updated,
        status=status_of(fields.status, names),
        opened_at=moment(fields.created),
        updated_at=moment(fields.updated),
        priority=names.priority_of(fields.priority.id) if fields.priority else None,
        group=names.group_name(group),
        assignee=names.person_name(fields.assignee.account_id if fields.assignee else None),
        labels=frozenset(fields.labels or ()),
        level=int(float(level)) if level else None,
        path=(_option(getattr(fields, names.path.id, None)) or None) if names.path else None,
        requester=requester,
        locale=fields.reporter.locale if fields.reporter else None,
        facts=dict(_facts(fields, names)),
        text=_text(fields),
        native=tuple(_natives(fields, shape, now=now)),
        links=tuple(_links(fields.issuelinks or (), names)),
        scope=fields.project.key if fields.project else "",
        restricted=fields.security is not None,
        url=f"{shape.web_url}/browse/{issue.key}",
    )


def status_of(value: StatusValue | None, names: FieldMap) -> Status:
    """Return our status by the map (id, then name), else by Jira's own category."""
    if value is None:
        return Status.OPEN
    known = names.statuses.get(value.id) or names.statuses.get(value.name) or names.statuses.get(value.name.casefold())
    return known or _CATEGORIES.get(value.status_category.key, Status.OPEN)


def _text(fields: Fields) -> Text | None:
    if fields.summary is None:
        return None
    return Text(subject=clean(fields.summary), first_message=clean(plain(fields.description))[:_LONGEST_TEXT])


def _facts(fields: Fields, names: FieldMap) -> Iterator[tuple[str, Fact]]:
    for name, binding in names.inputs.items():
        raw = _raw(fields, binding.id)
        value = None if raw is None else _fact(raw, binding.values)
        if value is not None:
            yield name, value


def _raw(fields: Fields, id_: str) -> Any:
    match id_:
        case "type" | "issuetype":
            return fields.issuetype.name if fields.issuetype else None
        case "project":
            return fields.project.key if fields.project else None
        case "labels":
            return fields.labels
        case "security":
            return None if fields.security is None else "restricted"
        case "requester":
            return fields.reporter.account_id if fields.reporter else None
    return getattr(fields, id_, None)


def _fact(value: Any, values: Mapping[str, str]) -> Fact | None:
    """Return a fact; what the vendor leaves empty is missing."""
    if isinstance(value, (bool, int, float)):
        return values.get(str(value), value) if values else value
    if isinstance(value, list):
        items = [mapped(_option(item), values) for item in value]
        return frozenset(i for i in items if i) or None
    return mapped(_option(value), values)


def mapped(text: str | None, values: Mapping[str, str]) -> str | None:
    """Return the policy's word for a vendor's text: by the map, else the text itself, case-folded."""
    if not text:
        return None
    return values.get(text, values.get(text.casefold(), text.casefold()))


def _option(value: Any) -> str | None:
    """Return the text of a plain value, an option (``{"value"}``), a named thing or a request type."""
    if value is None or value == "":
        return None
    if isinstance(value, dict):
        request_type = value.get("requestType")
        inner = request_type.get("name") if isinstance(request_type, dict) else None
        found = value.get("value") or value.get("name") or inner or value.get("id")
        return None if found is None else str(found)
    return str(value)


def _links(links: Iterable[IssueLink], names: FieldMap) -> Iterator[Link]:
    for link in links:
        kind = names.links.get(link.type.name) or names.links.get(link.type.name.casefold())
        other = link.outward_issue or link.inward_issue
        if kind and other:
            yield Link(kind=LinkKind(kind), target=other.key or other.id)


# ---- SLA fields


def _natives(fields: Fields, shape: Shape, *, now: datetime) -> Iterator[NativeClock]:
    for id_, clock in shape.clocks.items():
        value: SlaValue | None = getattr(fields, id_, None)
        if value is not None and (native := native_clock(value, clock, now=now)) is not None:
            yield native


def native_clock(value: SlaValue, clock: ClockName, *, now: datetime) -> NativeClock | None:
    """Return what an SLA field says now: the ongoing cycle where there is one, else the last completed one."""
    cycle = value.ongoing_cycle or (value.completed_cycles[-1] if value.completed_cycles else None)
    if cycle is None:
        return None
    return NativeClock(
        clock=clock,
        name=value.name,
        stage=_stage(cycle, ongoing=value.ongoing_cycle is not None),
        read_at=now,
        started_at=_instant(cycle.start_time.epoch_millis if cycle.start_time else None),
        breach_at=_instant(cycle.breach_time.epoch_millis if cycle.breach_time else None),
        goal=_span(cycle.goal_duration.millis if cycle.goal_duration else None),
        elapsed=_span(cycle.elapsed_time.millis if cycle.elapsed_time else None),
        remaining=_span(cycle.remaining_time.millis if cycle.remaining_time else None),
        within_hours=cycle.within_calendar_hours,
    )


def _stage(cycle: Cycle, *, ongoing: bool) -> NativeStage:
    if not ongoing:
        return NativeStage.BREACHED if cycle.breached else NativeStage.MET
    if cycle.breached:
        return NativeStage.BREACHED
    return NativeStage.PAUSED if cycle.paused else NativeStage.RUNNING


def _instant(millis: int | None) -> datetime | None:
    return None if not millis else datetime.fromtimestamp(millis / 1000, UTC)


def _span(millis: int | None) -> timedelta | None:
    return None if millis is None else millis * _MILLISECOND


# ---- who did what


def actor_of(account: Account | None, shape: Shape, *, requester: str | None) -> Actor:
    """Return who an account is: ours, the requester or another customer, an app, or an agent."""
    if account is None or not account.account_id:
        return Actor("", Role.UNKNOWN)
    return Actor(shape.fields.person_name(account.account_id) or "", role_of(account, shape, requester=requester))


def role_of(account: Account, shape: Shape, *, requester: str | None) -> Role:
    """Return an account's role on one issue; Jira says ``customer`` for portal-only accounts and ``app`` for apps."""
    if account.account_id == shape.account:
        return Role.OURS
    if account.account_type == "app":
        return Role.AUTOMATION
    if account.account_type == "customer" or account.account_id == requester:
        return Role.CUSTOMER
    return Role.AGENT if account.account_type == "atlassian" else Role.UNKNOWN


def comment_events(comments: Iterable[Comment], shape: Shape, *, requester: str | None) -> Iterator[TicketEvent]:
    """Yield an event per comment, and one per ``/esc`` line that an agent wrote internally."""
    for comment in comments:
        at = moment(comment.created)
        actor = actor_of(comment.author, shape, requester=requester)
        public = comment.jsd_public is not False
        yield TicketEvent(id=f"comment:{comment.id}", at=at, kind=EventKind.COMMENT, actor=actor, public=public)
        if actor.role is Role.AGENT and not public:
            yield from _commands(comment, at, actor)


def _commands(comment: Comment, at: datetime, actor: Actor) -> Iterator[TicketEvent]:
    lines = [line.strip() for line in plain(comment.body).splitlines()]
    for index, line in enumerate(line for line in lines if line.startswith("/esc ")):
        verb, _, rest = line.removeprefix("/esc ").strip().partition(" ")
        yield TicketEvent(
            id=f"command:{comment.id}:{index}",
            at=at,
            kind=EventKind.COMMAND,
            actor=actor,
            name=verb.casefold(),
            after=rest.strip()[:200],
            public=False,
        )
