"""What an administrator set up: projects, fields, statuses, priorities, request types, SLAs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from connector.sandbox.core.roster import Roster
from connector.sandbox.jira.calendar import ALWAYS, BUSINESS
from connector.sandbox.jira.fields import SYSTEM_FIELDS, Field, custom_fields
from connector.sandbox.jira.options import JiraOptions
from connector.sandbox.jira.sla import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A workflow status."""

    id: str
    name: str
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Anything with an id and a name: priority, issue type, request type, option."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project and, where it is a service project, its desk."""

    id: str
    key: str
    name: str
    desk: str
    security: str | None = None


CATEGORIES: Mapping[str, tuple[int, str, str]] = {
    "new": (2, "blue-gray", "To Do"),
    "indeterminate": (4, "yellow", "In Progress"),
    "done": (3, "green", "Done"),
}
STATUSES = (
    Status(id="1", name="Open", category="new"),
    Status(id="10001", name="Waiting for support", category="new"),
    Status(id="3", name="In Progress", category="indeterminate"),
    Status(id="10002", name="Waiting for customer", category="indeterminate"),
    Status(id="10003", name="Pending", category="indeterminate"),
    Status(id="5", name="Resolved", category="done"),
    Status(id="6", name="Closed", category="done"),
)
PRIORITIES = tuple(Named(id=str(n + 1), name=name) for n, name in enumerate(("Highest", "High", "Medium", "Low")))
RESOLUTIONS = (Named(id="10000", name="Done"), Named(id="10001", name="Duplicate"))
ISSUE_TYPES = (Named(id="10010", name="[System] Incident"), Named(id="10011", name="[System] Service request"))
LINK_TYPES = (
    ("10000", "Blocks", "is blocked by", "blocks"),
    ("10001", "Duplicate", "is duplicated by", "duplicates"),
    ("10002", "Relates", "relates to", "relates to"),
    ("10003", "Problem/Incident", "is caused by", "causes"),
)
PROJECTS = (
    Project(id="10000", key="SUP", name="Support", desk="1"),
    Project(id="10001", key="HR", name="Human resources", desk="2", security="confidential"),
)
SECURITY = Named(id="10100", name="confidential")
REQUEST_TYPES = ("incident", "security-incident", "request", "legal", "question", "hr")
IMPACTS = ("site", "department", "team", "user")
URGENCIES = ("blocked", "degraded", "inconvenient")
NEUTRAL: Mapping[str, str] = {
    "summary": "summary",
    "impact": "customfield_10101",
    "urgency": "customfield_10102",
    "category": "customfield_10103",
    "tier": "customfield_10104",
    "region": "customfield_10105",
    "level": "customfield_10111",
    "path": "customfield_10112",
    "next_due": "customfield_10113",
    "group": "customfield_10114",
    "twins": "customfield_10116",
    "request_type": "customfield_10010",
    "organizations": "customfield_10002",
    "participants": "customfield_10003",
    "first_response": "customfield_10030",
    "resolution_sla": "customfield_10031",
}
RESPONSE_GOALS = (30, 60, 240, 480)
RESOLUTION_GOALS = (240, 480, 1440, 2400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything that is set up once, found by id and by name.

    Attributes:
        open: Select fields whose options nobody listed: administrators add them as people need them.
    """

    fields: dict[str, Field]
    metrics: tuple[Metric, ...]
    choices: dict[str, tuple[Named, ...]] = field(default_factory=dict)
    open: frozenset[str] = frozenset()
    _options: dict[tuple[str, str], Named] = field(default_factory=dict, repr=False)

    def option(self, field_id: str, value: str) -> Named | None:
        """An option of a select field by its value or its id."""
        known = self._options.get((field_id, value))
        if known is None:
            known = next((o for o in self.choices.get(field_id, ()) if value in (o.name, o.id)), None)
            if known is not None:
                self._options[field_id, value] = known
        return known

    def offer(self, field_id: str, value: str) -> Named | None:
        """The option of this value; an open field gets it if it is new."""
        found = self.option(field_id, value)
        if found is None and field_id in self.open:
            held = self.choices.get(field_id, ())
            found = Named(id=_option_id(field_id, len(held)), name=value)
            self.choices[field_id] = (*held, found)
        return found

    def add(self, field: Field) -> None:
        """Add a field that no edit takes."""
        self.fields[field.id] = field

    def takes(self, field_id: str, project: str, options: JiraOptions) -> bool:
        """Whether an edit may set this field in this project."""
        found = self.fields.get(field_id)
        if found is None or not found.editable or field_id in options.unscreened.get(project, ()):
            return False
        return not found.projects or project in found.projects


def furnish(roster: Roster, options: JiraOptions) -> Catalog:
    """Set a site up for a roster."""
    fields = (*SYSTEM_FIELDS, *custom_fields(options))
    choices = _choices(roster)
    return Catalog(
        fields={f.id: f for f in fields},
        metrics=_metrics({f.id: f.name for f in fields}, options),
        choices=choices,
        open=frozenset(f.id for f in fields if f.kind == "select" and not choices.get(f.id)),
    )


def _choices(roster: Roster) -> dict[str, tuple[Named, ...]]:
    tiers = tuple(dict.fromkeys(o.tier for o in roster.organizations if o.tier))
    regions = tuple(dict.fromkeys(o.region for o in roster.organizations if o.region))
    values: dict[str, tuple[str, ...]] = {
        "impact": IMPACTS,
        "urgency": URGENCIES,
        "tier": tiers,
        "region": regions,
        "group": tuple(group.key for group in roster.groups),
    }
    values |= {name: tuple(chosen) for name, chosen in roster.choices.items()}
    return {
        NEUTRAL[name]: tuple(Named(id=_option_id(NEUTRAL[name], n), name=value) for n, value in enumerate(chosen))
        for name, chosen in values.items()
        if name in NEUTRAL
    }


def _option_id(field_id: str, number: int) -> str:
    return f"{field_id.removeprefix('customfield_')}{number:02d}"


def _metrics(names: Mapping[str, str], options: JiraOptions) -> tuple[Metric, ...]:
    calendar = BUSINESS if options.calendar == "business" else ALWAYS
    response = options.goals.get("first_response", RESPONSE_GOALS)
    resolution = options.goals.get("resolution", RESOLUTION_GOALS)
    return (
        Metric(
            field_id="customfield_10030",
            key="first_response",
            name=names["customfield_10030"],
            goals=_goals(response),
            calendar=calendar,
            stops_on_reply=True,
        ),
        Metric(
            field_id="customfield_10031",
            key="resolution",
            name=names["customfield_10031"],
            goals=_goals(resolution),
            calendar=calendar,
            paused_in=frozenset({"Waiting for customer", "Pending"}),
        ),
    )


def _goals(minutes: tuple[int, ...]) -> dict[str, timedelta]:
    return {str(n + 1): timedelta(minutes=each) for n, each in enumerate(minutes)}
