"""A ticket as Zendesk stores it, and its shape on the wire.

Values held by a ticket are never changed in place (tuples, and dicts that are replaced), so that a shallow
copy is a snapshot: the search index keeps such copies while it lags behind.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.zendesk.fields import Fields
from connector.sandbox.zendesk.wire import encode, stamp, via, via_follow_up

BRAND_ID = 301
STATUS_IDS = {"new": 9001, "open": 9002, "pending": 9003, "hold": 9004, "solved": 9005, "closed": 9005}
CUSTOM_STATUSES = {
    9001: ("new", "New"),
    9002: ("open", "Open"),
    9003: ("pending", "Pending"),
    9004: ("hold", "On-hold"),
    9005: ("solved", "Solved"),
    9006: ("hold", "Waiting for vendor"),
}
STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
PRIORITIES = ("low", "normal", "high", "urgent")
TYPES = ("problem", "incident", "question", "task")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment as stored: placeholders expanded, cut at the size limit."""

    id: int
    audit_id: int
    author_id: int
    body: str
    html_body: str
    public: bool
    created_at: int
    channel: str
    custom: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Audit:
    """One update: who, when, and every event in order."""

    id: int
    ticket_id: int
    created_at: int
    author_id: int
    via: dict[str, Any]
    custom: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The audit on the wire."""
        return {
            "id": self.id,
            "ticket_id": self.ticket_id,
            "created_at": stamp(self.created_at),
            "author_id": self.author_id,
            "metadata": {"system": {}, "custom": self.custom},
            "events": self.events,
            "via": self.via,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a ticket's metric set counts; moments in epoch seconds."""

    reopens: int = 0
    replies: int = 0
    group_stations: int = 0
    assignee_stations: int = 0
    assignee_updated_at: int | None = None
    requester_updated_at: int | None = None
    status_updated_at: int | None = None
    initially_assigned_at: int | None = None
    assigned_at: int | None = None
    solved_at: int | None = None
    latest_comment_added_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one SLA metric stands: stage is ``None`` while it has not been activated."""

    metric: str
    stage: str | None
    breach_at: int | None
    target: int


@dataclass(slots=True, kw_only=True)
class Ticket:
    """One ticket.

    Attributes:
        updated_at: What people and clients see change.
        generated_at: What the export is ordered by; system updates move it alone.
        custom: Field id to value, unset ones absent.
        statuses: (moment, status) since creation.
        talk: (moment, ``agent`` or ``customer``) of each public comment.
        raw, slas, metrics, standings: Kept until the ticket changes; ``raw`` is the wire form up to its
            closing brace, with the origin that its links were made for.
    """

    id: int
    created_at: int
    updated_at: int
    generated_at: int
    subject: str
    description: str
    requester_id: int
    submitter_id: int
    status: str = "new"
    custom_status_id: int = 9001
    priority: str | None = None
    type: str | None = None
    group_id: int | None = None
    assignee_id: int | None = None
    organization_id: int | None = None
    brand_id: int = BRAND_ID
    ticket_form_id: int = 401
    external_id: str | None = None
    problem_id: int | None = None
    has_incidents: bool = False
    due_at: str | None = None
    tags: tuple[str, ...] = ()
    custom: dict[int, Any] = field(default_factory=dict)
    follower_ids: tuple[int, ...] = ()
    email_cc_ids: tuple[int, ...] = ()
    channel: str = "web"
    follows: int | None = None
    followup_ids: tuple[int, ...] = ()
    is_public: bool = True
    deleted: bool = False
    comments: tuple[Comment, ...] = ()
    audits: list[Audit] = field(default_factory=list)
    statuses: tuple[tuple[int, str], ...] = ()
    talk: tuple[tuple[int, str], ...] = ()
    tally: Tally = Tally()
    raw: tuple[str, bytes] | None = None
    slas: bytes | None = None
    metrics: tuple[str, bytes] | None = None
    standings: tuple[Standing, ...] | None = None

    def snapshot(self) -> Ticket:
        """What the ticket is now, for whoever reads late."""
        return copy.copy(self)

    def touched(self) -> None:
        """Forget the cached wire forms."""
        self.raw = self.slas = self.metrics = self.standings = None

    def wire(self, fields: Fields, origin: str) -> bytes:
        """The wire form without its closing brace, so that sideloads can be appended."""
        if self.raw is None or self.raw[0] != origin:
            self.raw = (origin, encode(self.as_json(fields, origin))[:-1])
        return self.raw[1]

    def as_json(self, fields: Fields, origin: str) -> dict[str, Any]:
        """Every key that the real thing sends, nulls included."""
        custom = fields.values(self.custom)
        return {
            "url": f"{origin}/api/v2/tickets/{self.id}.json",
            "id": self.id,
            "external_id": self.external_id,
            "via": via(self.channel) if self.follows is None else via_follow_up(self.channel, self.follows),
            "created_at": stamp(self.created_at),
            "updated_at": stamp(self.updated_at),
            "type": self.type,
            "subject": self.subject,
            "raw_subject": self.subject,
            "description": self.description,
            "priority": self.priority,
            "status": self.status,
            "recipient": None,
            "requester_id": self.requester_id,
            "submitter_id": self.submitter_id,
            "assignee_id": self.assignee_id,
            "organization_id": self.organization_id,
            "group_id": self.group_id,
            "collaborator_ids": list(self.email_cc_ids),
            "follower_ids": list(self.follower_ids),
            "email_cc_ids": list(self.email_cc_ids),
            "forum_topic_id": None,
            "problem_id": self.problem_id,
            "has_incidents": self.has_incidents,
            "is_public": self.is_public,
            "due_at": self.due_at,
            "tags": list(self.tags),
            "custom_fields": custom,
            "satisfaction_rating": None,
            "sharing_agreement_ids": [],
            "custom_status_id": self.custom_status_id,
            "encoded_id": _encoded_id(self.id),
            "fields": custom,
            "followup_ids": list(self.followup_ids),
            "ticket_form_id": self.ticket_form_id,
            "brand_id": self.brand_id,
            "allow_channelback": False,
            "allow_attachments": True,
            "from_messaging_channel": False,
            "support_type": "agent",
        }


def _encoded_id(ticket_id: int) -> str:
    digest = hashlib.md5(str(ticket_id).encode(), usedforsecurity=False).hexdigest().upper()
    return f"{digest[:6]}-{digest[6:11]}"


def comment_json(comment: Comment) -> dict[str, Any]:
    """A comment on the wire."""
    return {
        "id": comment.id,
        "type": "Comment",
        "author_id": comment.author_id,
        "body": comment.body,
        "html_body": comment.html_body,
        "plain_body": comment.body,
        "public": comment.public,
        "attachments": [],
        "audit_id": comment.audit_id,
        "via": via(comment.channel),
        "created_at": stamp(comment.created_at),
        "metadata": {"system": {}, "custom": comment.custom},
    }
