"""The public incident log (UCI repository, id 498) as tickets of either vendor, replayed in time.

One row of the log is one update of an incident in the state after it. A ticket is created when
the incident was opened, with the inputs of its first row; each row's differences happen at the
row's own ``sys_updated_at``. Columns that carry final values on every row (``made_sla``,
``resolved_at``, ``closed_at``, ``resolved_by``, ``closed_code``) are never read. Moments have no
zone in the log and are taken as UTC; ``?`` is missing.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from connector.sandbox.core.roster import Group, Person, Role, Roster
from connector.sandbox.core.site import Level, NewTicket, Status
from connector.sandbox.script import Scenario, Step, opening

Row = Mapping[str, str]
MISSING = "?"
READ = (
    "number",
    "incident_state",
    "sys_mod_count",
    "caller_id",
    "opened_at",
    "sys_updated_by",
    "sys_updated_at",
    "category",
    "subcategory",
    "u_symptom",
    "impact",
    "urgency",
    "priority",
    "assignment_group",
    "assigned_to",
)
IMPACTS = ("1 - High", "2 - Medium", "3 - Low")
STATUSES: Mapping[str, Status] = {
    "New": "new",
    "Active": "open",
    "Awaiting User Info": "waiting_customer",
    "Awaiting Problem": "on_hold",
    "Awaiting Vendor": "on_hold",
    "Awaiting Evidence": "on_hold",
    "Resolved": "solved",
    "Closed": "closed",
}
PRIORITIES: Mapping[str, Level] = {"1 - Critical": "P1", "2 - High": "P2", "3 - Moderate": "P3", "4 - Low": "P4"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How the log is told.

    Attributes:
        sites: Names of the sites that each get all tickets.
        opens_at: The sandbox begins to serve in the state of this moment.
        recorded_priority: Whether people set the priority that the log has; else tickets keep
            the vendor's default and only the inputs change.
        limit: Only the first so many incidents, in the log's order.
    """

    sites: tuple[str, ...]
    opens_at: datetime
    recorded_priority: bool = False
    limit: int | None = None


@dataclass(slots=True)
class _Pool:
    """Who appears in the log, and with which groups."""

    groups: set[str] = field(default_factory=set)
    callers: set[str] = field(default_factory=set)
    agents: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def note(self, row: Row) -> None:
        """Take in everybody a row names."""
        group = row["assignment_group"]
        if group != MISSING:
            self.groups.add(_key(group))
        self.callers.add(_key(row["caller_id"]))
        self.agents[_key(row["sys_updated_by"])].update(())
        if row["assigned_to"] != MISSING:
            self.agents[_key(row["assigned_to"])].update(() if group == MISSING else (_key(group),))

    def roster(self) -> Roster:
        """Everybody as accounts; an agent belongs to each group that they were assigned with."""
        agents = (_person(key, "agent", groups=tuple(sorted(groups))) for key, groups in sorted(self.agents.items()))
        callers = (_person(key, "customer") for key in sorted(self.callers))
        groups = tuple(Group(key=key, name=key.replace("-", " ").capitalize()) for key in sorted(self.groups))
        choices = {"impact": IMPACTS, "urgency": IMPACTS}
        return Roster(people=(*agents, *callers), groups=groups, choices=choices)


def read_log(path: Path) -> Iterator[Row]:
    """Rows of the log with the columns that a replay may know, grouped by incident, in order of update."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = ({name: row[name] for name in READ} for row in csv.DictReader(lines))
        yield from sorted(rows, key=lambda row: (row["number"], int(row["sys_mod_count"])))


def replay(path: Path, told: Replay) -> Scenario:
    """Read the log as a scenario."""
    pool = _Pool()
    steps: list[Step] = []
    for count, (_, rows) in enumerate(groupby(read_log(path), key=itemgetter("number"))):
        if told.limit is not None and count >= told.limit:
            break
        known = list(rows)
        for row in known:
            pool.note(row)
        for site in told.sites:
            steps += _course(site, known, told)
    steps.sort(key=lambda step: step.at)
    roster = pool.roster()
    return Scenario(
        name="incidents",
        begins_at=steps[0].at,
        opens_at=told.opens_at,
        ends_at=steps[-1].at,
        rosters=dict.fromkeys(told.sites, roster),
        steps=tuple(steps),
    )


def read_moment(text: str) -> datetime:
    """Read the log's ``d/m/Y H:M``."""
    date, _, clock = text.partition(" ")
    day, month, year = date.split("/")
    hour, minute = clock.split(":")
    return datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=UTC)


def _course(site: str, rows: list[Row], told: Replay) -> Iterator[Step]:
    first = rows[0]
    number, opened = first["number"], read_moment(first["opened_at"])
    yield opening(opened, site, number, _as_ticket(first, told))
    before: dict[str, Any] = {"group": None, "assignee": None, "status": "new"} | _inputs(first, told)
    at = opened
    for row in rows:
        at = max(at, read_moment(row["sys_updated_at"]))
        after = _state(row, told)
        for name in (name for name in after if after[name] not in (None, before.get(name))):
            yield _change(at, site, row, name, after[name])
        before |= {name: value for name, value in after.items() if value is not None}


def _as_ticket(row: Row, told: Replay) -> NewTicket:
    facts = [row[name] for name in ("category", "subcategory", "u_symptom") if row[name] != MISSING]
    inputs = _inputs(row, told)
    return NewTicket(
        subject=" / ".join((row["number"], *facts)),
        body=f"{row['number']}: " + ", ".join(facts),
        requester=_key(row["caller_id"]),
        impact=inputs["impact"],
        urgency=inputs["urgency"],
        priority=inputs.get("priority"),
        key=row["number"],
    )


def _inputs(row: Row, told: Replay) -> dict[str, Any]:
    found: dict[str, Any] = {"impact": _known(row["impact"]), "urgency": _known(row["urgency"])}
    if told.recorded_priority:
        found["priority"] = PRIORITIES.get(row["priority"])
    return found


def _state(row: Row, told: Replay) -> dict[str, Any]:
    """What a row says of its ticket, in the order in which the changes are made."""
    return _inputs(row, told) | {
        "group": _key_or_none(row["assignment_group"]),
        "assignee": _key_or_none(row["assigned_to"]),
        "status": STATUSES.get(row["incident_state"]),
    }


def _change(at: datetime, site: str, row: Row, name: str, value: Any) -> Step:
    actor = {"actor": _key(row["sys_updated_by"])}
    verbs: Mapping[str, tuple[str, dict[str, Any]]] = {
        "impact": ("set_field", {"name": "impact", "value": value}),
        "urgency": ("set_field", {"name": "urgency", "value": value}),
        "priority": ("set_priority", {"priority": value}),
        "group": ("set_group", {"group": value}),
        "assignee": ("assign", {"assignee": value}),
        "status": ("close", {}) if value == "closed" else ("set_status", {"status": value}),
    }
    do, details = verbs[name]
    return Step(at=at, site=site, do=do, ticket=row["number"], details=actor | details)


def _person(key: str, role: Role, *, groups: Iterable[str] = ()) -> Person:
    return Person(
        key=key, name=key.replace("-", " ").capitalize(), email=f"{key}@log.example", role=role, groups=tuple(groups)
    )


def _known(text: str) -> str | None:
    return None if text == MISSING else text


def _key(text: str) -> str:
    return "unknown" if text == MISSING else "-".join(text.lower().split())


def _key_or_none(text: str) -> str | None:
    return None if text == MISSING else _key(text)
