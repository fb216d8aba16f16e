"""The fields of a site: Jira's own and those that an administrator added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.sandbox.jira.options import JiraOptions

CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field's definition.

    Attributes:
        kind: How values are stored and shown.
        projects: Keys of the projects that have it, empty for all.
        editable: Whether edit-issue takes it.
    """

    id: str
    name: str
    kind: str
    schema: Mapping[str, Any] | None = None
    clauses: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    editable: bool = False

    @property
    def custom(self) -> bool:
        """Whether an administrator added it."""
        return self.id.startswith("customfield_")


def _system(field_id: str, name: str, kind: str, *, clauses: tuple[str, ...] = (), editable: bool = False) -> Field:
    types = {"text": "string", "adf": "string", "labels": "array"}
    schema = {"type": types.get(kind, kind), "system": field_id}
    if kind in ("labels", "links", "array"):
        schema |= {"type": "array", "items": "issuelinks" if kind == "links" else "string"}
    return Field(id=field_id, name=name, kind=kind, schema=schema, clauses=clauses or (field_id,), editable=editable)


def _custom(field_id: str, name: str, kind: str, schema: Mapping[str, Any], **more: Any) -> Field:
    number = int(field_id.removeprefix("customfield_"))
    return Field(
        id=field_id,
        name=name,
        kind=kind,
        schema={**schema, "customId": number},
        clauses=(f"cf[{number}]", name),
        **more,
    )


SYSTEM_FIELDS = (
    _system("summary", "Summary", "text", editable=True),
    _system("description", "Description", "adf", editable=True),
    _system("issuetype", "Issue Type", "issuetype", clauses=("issuetype", "type")),
    _system("project", "Project", "project"),
    _system("status", "Status", "status"),
    _system("statuscategorychangedate", "Status Category Changed", "datetime", clauses=("statusCategoryChangedDate",)),
    _system("priority", "Priority", "priority", editable=True),
    _system("assignee", "Assignee", "user", editable=True),
    _system("reporter", "Reporter", "user", editable=True),
    _system("creator", "Creator", "user"),
    _system("created", "Created", "datetime", clauses=("created", "createdDate")),
    _system("updated", "Updated", "datetime", clauses=("updated", "updatedDate")),
    _system("labels", "Labels", "labels", editable=True),
    _system("resolution", "Resolution", "resolution"),
    _system("resolutiondate", "Resolved", "datetime", clauses=("resolved", "resolutiondate")),
    _system("duedate", "Due date", "date", clauses=("due", "duedate"), editable=True),
    _system("security", "Security Level", "securitylevel", clauses=("level",)),
    _system("issuelinks", "Linked Issues", "links"),
    _system("comment", "Comment", "comments-page"),
    _system("watches", "Watchers", "watches"),
    _system("environment", "Environment", "adf", editable=True),
    _system("subtasks", "Sub-tasks", "array"),
    _system("fixVersions", "Fix versions", "array"),
    _system("components", "Components", "array"),
    _system("timespent", "Time Spent", "number"),
    _system("workratio", "Work Ratio", "number"),
)


def _select(field_id: str, name: str) -> Field:
    return _custom(field_id, name, "select", {"type": "option", "custom": CUSTOM + "select"}, editable=True)


def _sla(field_id: str, name: str) -> Field:
    schema = {"type": "sd-servicelevelagreement", "custom": "com.atlassian.servicedesk:sd-sla-field"}
    return _custom(field_id, name, "sla", schema)


def custom_fields(options: JiraOptions) -> tuple[Field, ...]:
    """The custom fields of the site."""
    names = {"customfield_10030": "Time to first response", "customfield_10031": "Time to resolution"}
    names |= options.sla_names
    desk = "com.atlassian.servicedesk:"
    organizations = {"type": "array", "items": "sd-customerorganization", "custom": f"{desk}sd-customer-organizations"}
    participants = {"type": "array", "items": "user", "custom": f"{desk}sd-request-participants"}
    request_type = {"type": "sd-customerrequesttype", "custom": f"{desk}vp-origin"}
    return (
        _custom("customfield_10002", "Organizations", "organizations", organizations, editable=True),
        _custom("customfield_10003", "Request participants", "participants", participants, editable=True),
        _custom("customfield_10010", "Request Type", "request-type", request_type),
        *(_sla(field_id, name) for field_id, name in names.items()),
        _select("customfield_10101", "Impact"),
        _select("customfield_10102", "Urgency"),
        _select("customfield_10103", "Category"),
        _select("customfield_10104", "Organization tier"),
        _select("customfield_10105", "Organization region"),
        _custom("customfield_10111", "Level", "number", {"type": "number", "custom": CUSTOM + "float"}, editable=True),
        _custom("customfield_10112", "Path", "text", {"type": "string", "custom": CUSTOM + "textfield"}, editable=True),
        _custom(
            "customfield_10113",
            "Next due",
            "datetime",
            {"type": "datetime", "custom": CUSTOM + "datetime"},
            editable=True,
        ),
        _select("customfield_10114", "Support group"),
        _custom(
            "customfield_10116",
            "Zendesk tickets",
            "text",
            {"type": "string", "custom": CUSTOM + "textfield"},
            editable=True,
        ),
        _custom("customfield_10115", "Notes", "adf", {"type": "string", "custom": CUSTOM + "textarea"}, editable=True),
    )
