"""From Zendesk's tickets to ours. Pure: structs and a field map in, values out."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from connector.domain.copying import maker
from connector.domain.site import FieldMap
from connector.domain.ticket import (
    Activity,
    ClockName,
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
from connector.helpdesks.mending import UNREADABLE, mended
from connector.helpdesks.twins import twins_in
from connector.helpdesks.until import until
from connector.helpdesks.zendesk import shapes
from connector.helpdesks.zendesk.view import Known, Parts, View, as_number, as_text, facts, id_text, locale, named
from connector.helpdesks.zendesk.wire import PRIORITIES
from connector.ports import Quarantined

T = TypeVar("T")

_new_ticket, _new_ref, _new_text = maker(Ticket), maker(TicketRef), maker(Text)
_new_clock, _new_activity = maker(NativeClock), maker(Activity)

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
_RUNNING, _NONE = NativeStage.RUNNING, NativeStage.NONE
_STAGES = {"active": _RUNNING, "paused": NativeStage.PAUSED, "achieved": NativeStage.MET}
_NOBODY: frozenset[str] = frozenset()
_MERGED_TAG = "closed_by_merge"


def moment(text: str) -> datetime:
    """Return a Zendesk moment in UTC; raises ``ValueError`` for anything else."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return at.astimezone(UTC)


def ticket(raw: shapes.Ticket, view: View, known: Known, *, read_at: datetime) -> Ticket:
    """Return one ticket as observed.

    Raises:
        Malformed: A moment cannot be read, or its status is one that neither Zendesk nor the site's map knows.
    """
    try:
        updated_at = moment(raw.updated_at)
    except ValueError as error:
        raise Malformed(f"ticket {raw.id}: {error}") from None
    user = known.users.get(raw.requester_id or 0)
    wanted = view.custom_ids
    custom = {f.id: f.value for f in raw.custom_fields or () if f.value is not None and f.id in wanted}
    parts = Parts(raw, custom, user, known.organizations.get(raw.organization_id or 0))
    level, path = view.own
    fields = view.fields
    id_ = str(raw.id)
    return _new_ticket(
        ref=_new_ref(view.site, id_),
        key=f"#{id_}",
        version=raw.updated_at,
        status=_status(raw, fields),
        opened_at=_utc(raw.created_at),
        updated_at=updated_at,
        priority=(known_priority := view.priorities.get(raw.priority or "")),
        foreign_priority=raw.priority is not None and known_priority is None,
        group=named(view.groups, raw.group_id),
        assignee=named(view.people, raw.assignee_id),
        labels=frozenset(raw.tags or ()),
        level=as_number(level(parts)),
        path=as_text(path(parts)),
        requester=named(view.people, raw.requester_id),
        locale=locale(parts, view),
        facts=facts(parts, view),
        text=_new_text(subject=raw.raw_subject or raw.subject or "", first_message=raw.description or ""),
        native=_native(raw, fields, read_at),
        links=_links(raw, custom, fields),
        activity=_activity(raw.metric_set),
        scope=_scope(raw, fields),
        url=f"{view.web_base}/agent/tickets/{id_}",
        held_until=until(custom.get(view.hold_field)) if view.hold_field else None,
        involved=_involved(raw),
    )


def _involved(raw: shapes.Ticket) -> frozenset[str]:
    """Return who else reads along: in copy of the mails, or following."""
    if not (raw.collaborator_ids or raw.follower_ids or raw.email_cc_ids):
        return _NOBODY
    ids = itertools.chain(raw.collaborator_ids or (), raw.follower_ids or (), raw.email_cc_ids or ())
    return frozenset(map(str, ids))


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
    except UNREADABLE:
        id_ = ""
    return Quarantined(id=id_, why=why[:200], digest=hashlib.sha256(raw).hexdigest())


def decoded(body: bytes, type_: type[T], *, what: str) -> T:
    """Decode an answer, mended where it is not quite JSON; raises ``Malformed`` when it is not what it should be."""
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        raise Malformed(f"{what}: {error}") from None
    except UNREADABLE:
        return _mended(body, type_, what=what)


def _mended(body: bytes, type_: type[T], *, what: str) -> T:
    try:
        return msgspec.json.decode(mended(body), type=type_)
    except UNREADABLE as error:
        raise Malformed(f"{what}: {error}") from None


def _status(raw: shapes.Ticket, fields: FieldMap) -> Status:
    if raw.status == "closed" and _MERGED_TAG in (raw.tags or ()):
        return Status.GONE
    custom = fields.statuses.get(str(raw.custom_status_id)) if fields.statuses else None
    found = custom or status(raw.status, fields)
    if found is None:
        raise Malformed(f"ticket {raw.id}: status {raw.status!r} is not known")
    return found


def _native(raw: shapes.Ticket, fields: FieldMap, read_at: datetime) -> tuple[NativeClock, ...]:
    metrics = raw.slas.policy_metrics if isinstance(raw.slas, shapes.Slas) else None
    if not metrics:
        return ()
    names = fields.clocks or CLOCKS
    return tuple([_clock(m, clock, read_at) for m in metrics if (clock := names.get(m.metric)) is not None])


def _clock(metric: shapes.PolicyMetric, clock: ClockName, read_at: datetime) -> NativeClock:
    breach_at = _optional_utc(metric.breach_at)
    stage = _STAGES.get(metric.stage or "", _NONE)
    if stage is _RUNNING and breach_at is not None and breach_at <= read_at:
        stage = NativeStage.BREACHED
    return _new_clock(clock=clock, name=metric.metric, stage=stage, read_at=read_at, breach_at=breach_at)


def _links(raw: shapes.Ticket, custom: Mapping[int, Any], fields: FieldMap) -> tuple[Link, ...]:
    problem = () if raw.problem_id is None else (Link(kind=LinkKind.PROBLEM, target=str(raw.problem_id)),)
    earlier = _followed(raw.via)
    links = problem if earlier is None else (*problem, Link(kind=LinkKind.FOLLOW_UP, target=earlier))
    return (*links, *_twins(raw, custom, fields)) if fields.twins else links


def _twins(raw: shapes.Ticket, custom: Mapping[int, Any], fields: FieldMap) -> Iterator[Link]:
    for site, bound in fields.twins.items():
        value = custom.get(int(bound.field)) if bound.field.isdecimal() else raw.external_id
        yield from twins_in(value, site, bound)


def _followed(via: shapes.Via | None) -> str | None:
    """Return the id of the closed ticket that this one follows up, if it does."""
    source = via.source if via is not None else None
    if source is None or source.rel != "follow_up" or source.from_ is None or source.from_.ticket_id is None:
        return None
    return str(source.from_.ticket_id)


def _activity(metrics: shapes.MetricSet | None) -> Activity | None:
    if metrics is None:
        return None
    return _new_activity(
        public_replies=metrics.replies,
        last_comment_at=_optional_utc(metrics.latest_comment_added_at),
        requester_at=_optional_utc(metrics.requester_updated_at),
        agent_at=_optional_utc(metrics.assignee_updated_at),
    )


def _scope(raw: shapes.Ticket, fields: FieldMap) -> str:
    match fields.scope:
        case "group":
            return fields.group_name(id_text(raw.group_id)) or ""
        case "form":
            return id_text(raw.ticket_form_id) or ""
        case "organization":
            return id_text(raw.organization_id) or ""
        case _:
            return id_text(raw.brand_id) or ""


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _optional_utc(at: datetime | None) -> datetime | None:
    return at if at is None or at.tzinfo is UTC else at.astimezone(UTC)
