"""Jira's answers as structs that name only what we read; msgspec skips the rest while it decodes."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec


class _Struct(msgspec.Struct, gc=False, rename="camel"):
    pass


class Account(_Struct):
    """A user as it stands in fields, comments and changelogs. ``account_type``: atlassian, app or customer."""

    account_id: str | None = None
    account_type: str | None = None
    locale: str | None = None
    active: bool | None = None


class Named(_Struct):
    """Anything with an id and a name."""

    id: str | None = None
    name: str | None = None


class Category(_Struct):
    """A status category: ``new``, ``indeterminate`` or ``done``."""

    key: str | None = None


class StatusValue(_Struct):
    """A status; ``status_category`` decides where the map does not know the status."""

    id: str | None = None
    name: str | None = None
    status_category: Category | None = None


class Project(_Struct):
    """The project of an issue."""

    id: str | None = None
    key: str | None = None


class LinkType(_Struct):
    """How two issues hang together: the type's name, and what it is called from either end."""

    name: str | None = None
    inward: str | None = None
    outward: str | None = None


class LinkedIssue(_Struct):
    """The other end of a link."""

    id: str | None = None
    key: str | None = None


class IssueLink(_Struct):
    """A link between two issues; exactly one of the ends is given."""

    type: LinkType | None = None
    inward_issue: LinkedIssue | None = None
    outward_issue: LinkedIssue | None = None


class Comment(_Struct):
    """A comment; ``jsd_public`` is missing on issues that are no requests. ``visibility`` limits it to a role."""

    id: str
    created: str
    author: Account | None = None
    jsd_public: bool | None = None
    visibility: Any = None
    body: Any = None
    properties: list[Any] | None = None


class CommentPage(_Struct):
    """A page of comments, or the comments inside an issue."""

    comments: list[Comment] | None = None
    total: int | None = None


class Millis(_Struct):
    """A length of time."""

    millis: int | None = None


class Instant(_Struct):
    """A moment in up to three forms, of which any may be missing."""

    epoch_millis: int | None = None
    jira: str | None = None
    iso8601: str | None = None


class Cycle(_Struct):
    """An SLA cycle. ``breach_time`` may be missing from an ongoing one."""

    start_time: Instant | None = None
    breach_time: Instant | None = None
    breached: bool | None = None
    paused: bool | None = None
    within_calendar_hours: bool | None = None
    goal_duration: Millis | None = None
    elapsed_time: Millis | None = None
    remaining_time: Millis | None = None


class SlaValue(_Struct):
    """An SLA field: completed cycles, oldest first, and at most one ongoing."""

    name: str | None = None
    ongoing_cycle: Cycle | None = None
    completed_cycles: list[Cycle] | None = None


class ChangeItem(_Struct):
    """One field of one change."""

    field: str | None = None
    field_id: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    from_string: str | None = None
    to: str | None = None
    to_string: str | None = None


class ChangeHistory(_Struct):
    """One change of an issue; ``created`` is a number in seconds or milliseconds, or text."""

    id: str
    created: int | float | str
    author: Account | None = None
    items: list[ChangeItem] | None = None


class EmbeddedChangelog(_Struct):
    """The latest changes of an issue, where they were asked for with it."""

    histories: list[ChangeHistory] = []


class Issue(_Struct):
    """An issue; ``fields`` is decoded by what ``fields_struct`` makes for a site, at once or afterwards."""

    id: str
    key: str | None = None
    fields: msgspec.Raw = msgspec.Raw(b"{}")
    properties: dict[str, Any] | None = None
    changelog: EmbeddedChangelog | None = None


class SearchPage(_Struct):
    """An answer of ``search/jql``: it ends when there is no token."""

    issues: list[Issue] = []
    next_page_token: str | None = None


class BulkIssues(_Struct):
    """An answer of ``issue/bulkfetch``; what we cannot see is left out."""

    issues: list[Issue] = []


class RawPage(_Struct):
    """Either page, its issues still as bytes: for a page on which one of them breaks its struct."""

    issues: list[msgspec.Raw] = []
    next_page_token: str | None = None


class IssueId(_Struct):
    """All that is asked of an issue that cannot be read."""

    id: str | int = ""


class IssueChangelog(_Struct):
    """The changes of one issue, oldest first."""

    issue_id: str
    change_histories: list[ChangeHistory] = []


class ChangelogPage(_Struct):
    """An answer of ``changelog/bulkfetch``."""

    issue_change_logs: list[IssueChangelog] = []
    next_page_token: str | None = None


class Myself(_Struct):
    """The account that the credentials stand for."""

    account_id: str = ""


class UserPage(_Struct):
    """An answer of ``user/bulk``."""

    values: list[Account] = []


class Value(_Struct):
    """A value of a custom field that is an object: an option, a named thing, a request type, a language.

    Which of these it is, nobody says; what is not asked for here is skipped, and that is most of it.
    """

    value: Any = None
    name: Any = None
    id: Any = None
    request_type: Value | list[Any] | str | int | float | bool | None = None
    language_code: Any = None


CustomValue: TypeAlias = Value | list[Any] | str | int | float | bool | None


class Node(_Struct):
    """A node of an ADF document, as far as it shows text."""

    type: str | None = None
    text: str | None = None
    attrs: dict[str, Any] | None = None
    content: list[Node] | None = None


SLA_TYPE = "com.atlassian.servicedesk:sd-sla-field"
PARTICIPANTS_TYPE = "com.atlassian.servicedesk:sd-request-participants"
ORGANIZATIONS_TYPE = "com.atlassian.servicedesk:sd-customer-organizations"


class FieldSchema(_Struct):
    """What a field holds."""

    custom: str | None = None


class FieldInfo(_Struct):
    """A field of the site."""

    id: str
    name: str | None = None
    schema_: FieldSchema | None = msgspec.field(default=None, name="schema")


class Created(_Struct):
    """The answer to a new comment on either API."""

    id: str
    jsd_public: bool | None = None
    public: bool | None = None


FIXED_FIELDS = (
    "summary",
    "description",
    "status",
    "priority",
    "assignee",
    "reporter",
    "created",
    "updated",
    "labels",
    "project",
    "issuetype",
    "issuelinks",
    "security",
    "comment",
)


class Fields(_Struct):
    """The fields that every site has."""

    summary: str | None = None
    description: msgspec.Raw = msgspec.Raw(b"null")
    status: StatusValue | None = None
    priority: Named | None = None
    assignee: Account | None = None
    reporter: Account | None = None
    creator: Account | None = None
    created: str = ""
    updated: str = ""
    labels: list[str] | None = None
    project: Project | None = None
    issuetype: Named | None = None
    issuelinks: list[IssueLink] | None = None
    security: Any = None
    comment: CommentPage | None = None
