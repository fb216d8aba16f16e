"""What we read of Zendesk's answers: one struct per object, naming only the fields that are used.

Every field that the real thing leaves out, or gives as null, has a default here. ``gc=False`` keeps half a million
short-lived objects off the cyclic collector; none of them can be part of a cycle.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""Aware; the decoder gives UTC for the ``Z`` that Zendesk writes."""


class CustomField(msgspec.Struct, gc=False):
    """``value``: text, list of texts (multi-select), boolean (checkbox), number or null."""

    id: int
    value: Any = None


class PolicyMetric(msgspec.Struct, gc=False):
    """One of the helpdesk's own clocks: ``stage`` active, paused, achieved or null; ``breach_at`` may be null."""

    metric: str
    stage: str | None = None
    breach_at: Moment | None = None


class Slas(msgspec.Struct, gc=False):
    """The sideload; an empty list means that no policy applies."""

    policy_metrics: list[PolicyMetric] | None = None


class MetricSet(msgspec.Struct, gc=False):
    """Counters and stamps that tell of comments which an export does not carry."""

    ticket_id: int | None = None
    replies: int | None = None
    latest_comment_added_at: Moment | None = None
    requester_updated_at: Moment | None = None
    assignee_updated_at: Moment | None = None


class Place(msgspec.Struct, gc=False):
    """Where something came from: a rule's title and id, another ticket, or the tickets that a merge closed."""

    ticket_id: Any = None
    ticket_ids: Any = None
    id: Any = None


class Source(msgspec.Struct, gc=False, rename={"from_": "from"}):
    """``rel`` says how: trigger, follow_up, merge and so on."""

    from_: Place | None = None
    to: Place | None = None
    rel: Any = None


class Via(msgspec.Struct, gc=False):
    """``channel``: web, email, api, rule, …; a number in some old records."""

    channel: str | int | None = None
    source: Source | None = None


class Stub(msgspec.Struct, gc=False):
    """What is left of a ticket that was deleted."""

    id: int
    status: str | None = None


class Ticket(msgspec.Struct, gc=False):
    """A ticket of an export, a search, ``show_many`` or an update's answer.

    ``updated_at`` stays text: a compare-and-set wants it back exactly as it came.
    """

    id: int
    created_at: Moment
    updated_at: str
    status: str | None = None
    custom_status_id: int | None = None
    subject: str | None = None
    raw_subject: str | None = None
    description: str | None = None
    priority: str | None = None
    type: str | None = None
    group_id: int | None = None
    assignee_id: int | None = None
    requester_id: int | None = None
    collaborator_ids: list[int] | None = None
    follower_ids: list[int] | None = None
    email_cc_ids: list[int] | None = None
    organization_id: int | None = None
    brand_id: int | None = None
    ticket_form_id: int | None = None
    problem_id: int | None = None
    external_id: Any = None
    tags: list[str] | None = None
    custom_fields: list[CustomField] | None = None
    via: Via | None = None
    slas: Slas | msgspec.UnsetType | None = msgspec.UNSET
    metric_set: MetricSet | None = None


class User(msgspec.Struct, gc=False):
    """``role``: end-user, agent or admin; null id for nobody.

    A light agent is an agent with ``role_type`` 1, who may only comment privately.
    """

    id: int | None = None
    role: str | None = None
    role_type: int | None = None
    only_private_comments: bool | None = None
    locale: str | None = None
    tags: list[str] | None = None
    user_fields: dict[str, Any] | None = None


class Organization(msgspec.Struct, gc=False):
    """Custom fields by key."""

    id: int
    tags: list[str] | None = None
    organization_fields: dict[str, Any] | None = None


class Meta(msgspec.Struct, gc=False):
    """Cursor paging."""

    has_more: bool = False
    after_cursor: str | None = None


class TicketPage(msgspec.Struct, gc=False):
    """Tickets with what was sideloaded: an export page, or ``show_many``."""

    tickets: list[Ticket]
    users: list[User] | None = None
    organizations: list[Organization] | None = None
    metric_sets: list[MetricSet] | None = None
    after_cursor: str | None = None
    end_of_stream: bool | None = None


class SearchPage(msgspec.Struct, gc=False):
    """A page of the search export."""

    results: list[Ticket]
    users: list[User] | None = None
    organizations: list[Organization] | None = None
    metric_sets: list[MetricSet] | None = None
    meta: Meta | None = None


class RawTicketPage(msgspec.Struct, gc=False):
    """A page whose tickets are to be read one by one, because one of them is not as it should be."""

    tickets: list[msgspec.Raw] | None = None
    results: list[msgspec.Raw] | None = None
    users: list[User] | None = None
    organizations: list[Organization] | None = None
    metric_sets: list[MetricSet] | None = None
    meta: Meta | None = None
    after_cursor: str | None = None
    end_of_stream: bool | None = None


class SearchId(msgspec.Struct, gc=False):
    """Which ticket it is, and nothing else."""

    id: int


class Swept(msgspec.Struct, gc=False):
    """All that the sweep wants; a stamp of whatever other kind tells of no change, and costs no page."""

    id: int
    updated_at: Any = None

    @property
    def version(self) -> str:
        """Return it as a ticket's version is written; empty where none is told."""
        return self.updated_at if isinstance(self.updated_at, str) else ""


class SweptPage(msgspec.Struct, gc=False):
    """A page of what the sweep wants."""

    results: list[Swept]
    meta: Meta | None = None


class ViewPage(msgspec.Struct, gc=False):
    """A page of a view, as far as membership goes."""

    tickets: list[SearchId]
    meta: Meta | None = None


class EscMarker(msgspec.Struct, gc=False):
    """Our own hidden marker; ``public``, of whatever kind it comes back as: its comment was meant for the customer."""

    key: str | None = None
    public: Any = None
    run: str | None = None
    hop: int | None = None
    also: str | None = None
    memory: str | None = None
    policy: str | None = None


class CustomMetadata(msgspec.Struct, gc=False):
    """Hidden metadata as callers left it."""

    esc: EscMarker | None = None


class AuditMetadata(msgspec.Struct, gc=False):
    """``custom`` is ours and other callers'."""

    custom: CustomMetadata | None = None


class AuditEvent(msgspec.Struct, gc=False):
    """One event of an audit: ``Create``, ``Change``, ``Comment``, a notification and others.

    ``value`` and ``previous_value`` are text, a list of texts for tags, or null; ``body`` is text in comments, and may
    be a list in notifications; ``comment_id`` is of the comment that a ``CommentPrivacyChange`` has hidden.
    """

    id: int | None = None
    type: str | None = None
    field_name: str | None = None
    value: Any = None
    previous_value: Any = None
    public: bool | None = None
    body: Any = None
    author_id: int | None = None
    comment_id: Any = None
    via: Via | None = None


class Audit(msgspec.Struct, gc=False):
    """One update of one ticket."""

    id: int
    created_at: str
    author_id: int | None = None
    events: list[AuditEvent] | None = None
    metadata: AuditMetadata | None = None
    via: Via | None = None


class AuditPage(msgspec.Struct, gc=False):
    """Audits, oldest first; paged by cursor or, in old answers, by number."""

    audits: list[Audit]
    meta: Meta | None = None
    next_page: str | None = None


class UpdateReply(msgspec.Struct, gc=False):
    """Answer to an update; no audit where nothing changed."""

    ticket: Ticket
    audit: Audit | None = None


class JobResult(msgspec.Struct, gc=False):
    """One ticket's part of a job; results come in any order. Failures carry ``error`` and ``details``."""

    id: int | None = None
    index: int | None = None
    success: bool | None = None
    status: str | None = None
    error: Any = None
    errors: Any = None
    details: Any = None


class JobStatus(msgspec.Struct, gc=False):
    """``status``: queued, working, completed, failed or killed. ``results`` is null until there are some."""

    id: str
    status: str | None = None
    results: list[JobResult] | dict[str, Any] | None = None


class JobReply(msgspec.Struct, gc=False):
    """A job that was accepted."""

    job_status: JobStatus


class JobReplies(msgspec.Struct, gc=False):
    """Several jobs; ones that are no longer known are absent."""

    job_statuses: list[JobStatus]


class Membership(msgspec.Struct, gc=False):
    """An agent in a group."""

    user_id: int | None = None


class Memberships(msgspec.Struct, gc=False):
    """``groups/{id}/memberships``."""

    group_memberships: list[Membership]
    meta: Meta | None = None


class UserReply(msgspec.Struct, gc=False):
    """``users/me``."""

    user: User | None = None


class UsersReply(msgspec.Struct, gc=False):
    """``users/show_many``."""

    users: list[User]


class Refusal(msgspec.Struct, gc=False):
    """An error's body. ``error`` is a code or an object with a title; ``details`` is keyed by field."""

    error: Any = None
    description: str | None = None
    details: Any = None
