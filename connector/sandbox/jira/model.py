"""What a Jira site stores. Issues are frozen: the search index keeps old ones for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.sandbox.core.ledger import Via
from connector.sandbox.jira.sla import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who can act at this site.

    Attributes:
        key: Roster key.
        account_type: ``atlassian``, ``app`` or ``customer``.
        team: Works on requests (agents, admins, bots and the connector).
        inside: Sees requests as they are and may add internal notes; a collaborator is inside and not of the team.
    """

    key: str
    account_id: str
    name: str
    email: str
    account_type: str
    zone: str
    locale: str = "en_US"
    groups: tuple[str, ...] = ()
    organization: str | None = None
    admin: bool = False
    team: bool = False
    inside: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something, and how it came about."""

    account: Account
    via: Via


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue at one version.

    Attributes:
        values: Stored value by field id; absent is null.
        memo: Serialised forms of exactly this version.
    """

    id: int
    key: str
    project: str
    created: datetime
    updated: datetime
    version: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    clocks: tuple[Clock, ...] = ()
    former_keys: tuple[str, ...] = ()
    memo: dict[Any, bytes] = field(default_factory=dict, compare=False, repr=False)

    def get(self, field_id: str) -> Any:
        """The stored value, ``None`` when there is none."""
        return self.values.get(field_id)

    @property
    def running(self) -> bool:
        """Whether an SLA value moves as time passes."""
        return any(clock.ongoing is not None for clock in self.clocks)


@dataclass(slots=True, kw_only=True)
class Comment:
    """One comment; ``text`` is what the service desk API shows of the document."""

    id: int
    issue_id: int
    author: Account
    created: datetime
    updated: datetime
    editor: Account
    body: Mapping[str, Any]
    text: str
    public: bool
    visibility: Mapping[str, Any] | None = None
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field's change: stored values, and how people read them."""

    field: str
    field_id: str
    custom: bool
    before: str | None
    before_text: str | None
    after: str | None
    after_text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One edit in an issue's changelog."""

    id: int
    created: datetime
    author: Account
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link between two issues."""

    id: int
    type_id: str
    inward: int
    outward: int


@dataclass(slots=True, kw_only=True)
class Task:
    """A bulk edit on its way."""

    id: str
    owner: Account
    created: datetime
    total: int
    status: str = "ENQUEUED"
    started: datetime | None = None
    updated: datetime | None = None
    invalid: int = 0
    done: list[int] = field(default_factory=list)
    failed: dict[int, list[str]] = field(default_factory=dict)


class Refusal(Exception):
    """The site refuses a request.

    Attributes:
        errors: Sentence by field id.
    """

    def __init__(
        self,
        status: int,
        *messages: str,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__("; ".join((*messages, *(errors or {}).values())))
        self.status = status
        self.messages = messages
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})
