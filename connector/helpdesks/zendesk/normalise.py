"""From Zendesk's tickets to ours. Pure: structs and a field map in, values out."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from connector.domain.site import Binding, BindingSource, FieldMap
from connector.domain.ticket import (
    Activity,
    ClockName,
    Fact,
    Link,
    LinkKind,
    NativeClock,
    NativeStage,
    Priority,
    Status,
    Text,
    Ticket,
    TicketRef,
)
from connector.errors import Malformed
from connector.helpdesks.zendesk import shapes
from connector.helpdesks.zendesk.wire import PRIORITIES
from connector.ports import Quarantined

T = TypeVar("T")

STATUSES: Mapping[str, Status] = MappingProxyType(
    {
        "new": Status.NEW,
        "open": Status.OPEN,
        "pending": Status.WAITING_CUSTOMER,
        "hold": Status.ON_HOLD,
        "solved": Status.SOLVED,
        "closed": Status.CLOSED,
        "deleted": Status.GONE,
    }
)
CLOCKS: Mapping[str, ClockName] = MappingProxyType(
    {
        "first_reply_time": ClockName.FIRST_RESPONSE,
        "next_reply_time": ClockName.UPDATE,
        "periodic_update_time": ClockName.UPDATE,
        "pausable_update_time": ClockName.UPDATE,
        "total_resolution_time": ClockName.RESOLUTION,
        "requester_wait_time": ClockName.RESOLUTION,
        "agent_work_time": ClockName.RESOLUTION,
    }
)
_STAGES = {"active": NativeStage.RUNNING, "paused": NativeStage.PAUSED, "achieved": NativeStage.MET}
_MERGED_TAG = "closed_by_merge"


@dataclass(frozen=True, slots=True)
class Known:
    """Sideloaded people and organizations by id."""

    users: Mapping[int, shapes.User] = field(default_factory=dict)
    organizations: Mapping[int, shapes.Organization] = field(default_factory=dict)

    @classmethod
    def of(cls, users: Iterable[shapes.User] | None, organizations: Iterable[shapes.Organization] | None) -> Known:
        """Index what a page brought along."""
        return cls({u.id: u for u in users or () if u.id is not None}, {o.id: o for o in organizations or ()})


@dataclass(frozen=True, kw_only=True)
class View:
    """How one site's tickets are to be read: its name, its map, and where people open a ticket."""

    site: str
    fields: FieldMap
    web_base: str

    @functools.cached_property
    def custom_ids(self) -> frozenset[int]:
        """Return the ids of the custom fields that anybody reads; the others are skipped."""
        bound = [*self.fields.inputs.values(), self.fields.level, self.fields.path, self.fields.next_due]
        return frozenset(int(b.id) for b in bound if b and b.source is BindingSource.FIELD and b.id.isdecimal())


def moment(text: str) -> datetime:
    """Return a Zendesk moment in UTC; raises ``ValueError`` for anything else."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return at.astimezone(UTC)


def optional_moment(text: str | None) -> datetime | None:
    """Return a moment; ``None`` when it is missing or unreadable."""
    try:
        return moment(text) if text else None
    except ValueError:
        return None


def ticket(raw: shapes.Ticket, view: View, known: Known, *, read_at: datetime) -> Ticket:
    """Return one ticket as observed.

    Raises:
        Malformed: A moment cannot be read, or its status is one that neither Zendesk nor the site's map knows.
    """
    try:
        opened_at, updated_at = moment(raw.created_at), moment(raw.updated_at)
    except ValueError as error:
        raise Malformed(f"ticket {raw.id}: {error}") from None
    user = known.users.get(raw.requester_id or 0)
    facts = _Facts(raw, view, user, known.organizations.get(raw.organization_id or 0))
    fields = view.fields
    return Ticket(
        ref=TicketRef(view.site, str(raw.id)),
        key=f"#{raw.id}",
        version=raw.updated_at,
        status=_status(raw, fields),
        opened_at=opened_at,
        updated_at=updated_at,
        priority=priority(raw.priority, fields),
        group=fields.group_name(_text(raw.group_id)),
        assignee=fields.person_name(_text(raw.assignee_id)),
        labels=frozenset(raw.tags or ()),
        level=_number(facts.value(fields.level)),
        path=_string(facts.value(fields.path)),
        requester=fields.person_name(_text(raw.requester_id)),
        locale=user.locale if user else None,
        facts=facts.all(),
        text=Text(subject=raw.raw_subject or raw.subject or "", first_message=raw.description or ""),
        native=tuple(_native(raw, fields, read_at)),
        links=tuple(_links(raw)),
        activity=_activity(raw.metric_set),
        scope=_scope(raw, fields),
        url=f"{view.web_base}/agent/tickets/{raw.id}",
    )


def priority(value: str | None, fields: FieldMap) -> Priority | None:
    """Return our priority for Zendesk's."""
    if fields.priorities:
        return fields.priority_of(value)
    return next((ours for ours, theirs in PRIORITIES.items() if theirs == value), None)


def status(value: str | None, fields: FieldMap) -> Status | None:
    """Return our status for a category or a custom status id; the site's map goes first."""
    return fields.statuses.get(value or "", STATUSES.get(value or ""))


def quarantined(raw: bytes, why: str) -> Quarantined:
    """Describe a payload that cannot be read, without keeping any of its text."""
    try:
        id_ = str(msgspec.json.decode(raw, type=shapes.SearchId).id)
    except msgspec.MsgspecError:
        id_ = ""
    return Quarantined(id=id_, why=why[:200], digest=hashlib.sha256(raw).hexdigest())


def decoded(body: bytes, type_: type[T], *, what: str) -> T:
    """Decode an answer; raises ``Malformed`` when it is not what it should be."""
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.MsgspecError as error:
        raise Malformed(f"{what}: {error}") from None


class _Facts:
    """The policy's inputs as the site's map binds them. A value that is empty or not mapped is missing."""

    def __init__(
        self, raw: shapes.Ticket, view: View, user: shapes.User | None, organization: shapes.Organization | None
    ) -> None:
        wanted = view.custom_ids
        self._raw = raw
        self._inputs = view.fields.inputs
        self._custom = {f.id: f.value for f in raw.custom_fields or () if f.id in wanted}
        self._user = user
        self._organization = organization

    def all(self) -> Mapping[str, Fact]:
        found = {name: self.value(binding) for name, binding in self._inputs.items()}
        return MappingProxyType({name: value for name, value in found.items() if value is not None})

    def value(self, binding: Binding | None) -> Fact | None:
        return as_fact(self._vendor_value(binding), binding.values) if binding else None

    def _vendor_value(self, binding: Binding) -> Any:
        match binding.source:
            case BindingSource.REQUESTER:
                return _of_user(self._user, binding.id)
            case BindingSource.ORGANIZATION:
                return _of_organization(self._organization, binding.id)
            case BindingSource.FIELD:
                if binding.id.isdecimal():
                    return self._custom.get(int(binding.id))
                return _SYSTEM[binding.id](self._raw) if binding.id in _SYSTEM else None


_SYSTEM: Mapping[str, Callable[[shapes.Ticket], Any]] = MappingProxyType(
    {
        "type": lambda raw: raw.type,
        "priority": lambda raw: raw.priority,
        "status": lambda raw: raw.status,
        "tags": lambda raw: raw.tags,
        "brand": lambda raw: _text(raw.brand_id),
        "form": lambda raw: _text(raw.ticket_form_id),
        "via": lambda raw: raw.via.channel if raw.via else None,
    }
)


def as_fact(value: Any, names: Mapping[str, str]) -> Fact | None:
    """Return a vendor's value as the policy knows it; ``None`` when it is empty or the map does not name it."""
    if isinstance(value, list):
        found = frozenset(name for item in value if isinstance(name := as_fact(item, names), str))
        return found or None
    if isinstance(value, bool):
        return names.get(str(value).lower()) if names else value
    if isinstance(value, int | float):
        return names.get(str(value)) if names else float(value)
    if not isinstance(value, str) or not value.strip():
        return None
    return names.get(value.strip()) if names else value.strip().casefold()


def _of_user(user: shapes.User | None, name: str) -> Any:
    if user is None:
        return None
    built_in = {"tags": user.tags, "locale": user.locale}
    return built_in[name] if name in built_in else (user.user_fields or {}).get(name)


def _of_organization(organization: shapes.Organization | None, name: str) -> Any:
    if organization is None:
        return None
    return organization.tags if name == "tags" else (organization.organization_fields or {}).get(name)


def _status(raw: shapes.Ticket, fields: FieldMap) -> Status:
    if raw.status == "closed" and _MERGED_TAG in (raw.tags or ()):
        return Status.GONE
    found = fields.statuses.get(str(raw.custom_status_id)) or status(raw.status, fields)
    if found is None:
        raise Malformed(f"ticket {raw.id}: status {raw.status!r} is not known")
    return found


def _native(raw: shapes.Ticket, fields: FieldMap, read_at: datetime) -> Iterator[NativeClock]:
    names = fields.clocks or CLOCKS
    metrics = raw.slas.policy_metrics if isinstance(raw.slas, shapes.Slas) else None
    for metric in metrics or ():
        if metric.metric in names:
            breach_at = optional_moment(metric.breach_at)
            stage = _STAGES.get(metric.stage or "", NativeStage.NONE)
            if stage is NativeStage.RUNNING and breach_at is not None and breach_at <= read_at:
                stage = NativeStage.BREACHED
            clock = names[metric.metric]
            yield NativeClock(clock=clock, name=metric.metric, stage=stage, read_at=read_at, breach_at=breach_at)


def _links(raw: shapes.Ticket) -> Iterator[Link]:
    if raw.problem_id is not None:
        yield Link(kind=LinkKind.PROBLEM, target=str(raw.problem_id))


def _activity(metrics: shapes.MetricSet | None) -> Activity | None:
    if metrics is None:
        return None
    return Activity(
        public_replies=metrics.replies,
        last_comment_at=optional_moment(metrics.latest_comment_added_at),
        requester_at=optional_moment(metrics.requester_updated_at),
        agent_at=optional_moment(metrics.assignee_updated_at),
    )


def _scope(raw: shapes.Ticket, fields: FieldMap) -> str:
    match fields.scope:
        case "group":
            return fields.group_name(_text(raw.group_id)) or ""
        case "form":
            return _text(raw.ticket_form_id) or ""
        case "organization":
            return _text(raw.organization_id) or ""
        case _:
            return _text(raw.brand_id) or ""


def _text(id_: int | None) -> str | None:
    return None if id_ is None else str(id_)


def _string(value: Fact | None) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Fact | None) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | float):
        return None
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        return None
