"""What people and bots do in Jira's own screens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector.sandbox.core.site import Level, NewTicket, Status
from connector.sandbox.jira import adf
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.desk import Desk, Draft, Edit, Remark
from connector.sandbox.jira.model import Actor, Issue, Refusal
from connector.sandbox.jira.moments import read_stamp
from connector.sandbox.jira.state import State
from connector.sandbox.jira.words import LEVELS, STATUSES

CONFIDENTIAL = frozenset(("hr", "HR"))


class JiraPeople:
    """The verbs of scripts, done as the site's own users would."""

    def __init__(self, state: State, desk: Desk) -> None:
        self._state = state
        self._desk = desk

    def create_ticket(self, ticket: NewTicket) -> str:
        """Raise a request; type ``hr`` (or field ``project``) leads to the confidential project."""
        state = self._state
        fields = dict(ticket.fields)
        project = fields.pop("project", "HR" if ticket.type in CONFIDENTIAL else "SUP")
        if project not in state.projects:
            raise ValueError(f"there is no project {project!r}")
        author = self._actor(ticket.author or ticket.requester)
        requester = state.people.person(ticket.requester)
        values = {
            "summary": ticket.subject,
            "description": adf.document(ticket.body),
            "reporter": requester.account_id,
            "creator": author.account.account_id,
            "issuetype": "10010" if "incident" in ticket.type else "10011",
            "labels": tuple(sorted(ticket.labels)),
            setup.NEUTRAL["request_type"]: ticket.type,
            "priority": LEVELS[ticket.priority] if ticket.priority else None,
            "assignee": state.people.person(ticket.assignee).account_id if ticket.assignee else None,
            **self._of_organization(requester.organization),
        }
        named = {"impact": ticket.impact, "urgency": ticket.urgency, "group": ticket.group, **fields}
        values |= {setup.NEUTRAL[name]: self._value(name, value) for name, value in named.items() if value is not None}
        if ticket.type not in setup.REQUEST_TYPES:
            raise ValueError(f"there is no request type {ticket.type!r}; there are {', '.join(setup.REQUEST_TYPES)}")
        return self._desk.create(Draft(project=project, actor=author, values=values)).key

    def comment(self, ticket: str, actor: str, text: str, *, public: bool = True) -> str:
        """Reply to the customer, or add an internal note."""
        who = self._actor(actor)
        if not public and not (who.account.team or who.account.inside):
            raise ValueError("a customer cannot write internal notes")
        remark = Remark(body=adf.document(text), text=text, public=public)
        return str(self._refusing(lambda: self._desk.comment(self._issue(ticket), who, remark)).id)

    def set_status(self, ticket: str, actor: str, status: Status) -> None:
        """Move to the status of that meaning; nothing leaves Closed."""
        issue, who = self._open(ticket), self._actor(actor)
        self._desk.move_to(issue, who, STATUSES[status])

    def set_priority(self, ticket: str, actor: str, priority: Level | None) -> None:
        """Set the priority by hand; Jira has no empty one."""
        if priority is None:
            raise ValueError("a priority cannot be empty here")
        self._edit(ticket, actor, {"priority": LEVELS[priority]})

    def set_field(self, ticket: str, actor: str, name: str, value: str | None) -> None:
        """Set a custom field by neutral name."""
        if name not in setup.NEUTRAL:
            raise ValueError(f"there is no field {name!r}; there are {', '.join(setup.NEUTRAL)}")
        self._edit(ticket, actor, {setup.NEUTRAL[name]: None if value is None else self._value(name, value)})

    def assign(self, ticket: str, actor: str, assignee: str | None) -> None:
        """Give to somebody of the team, or to nobody."""
        account = self._state.people.person(assignee) if assignee else None
        if account is not None and not account.team:
            raise ValueError(f"{assignee} cannot be assigned")
        self._edit(ticket, actor, {"assignee": account.account_id if account else None})

    def set_group(self, ticket: str, actor: str, group: str | None) -> None:
        """Choose the support group."""
        self.set_field(ticket, actor, "group", group)

    def add_labels(self, ticket: str, actor: str, labels: tuple[str, ...]) -> None:
        """Add labels."""
        before = self._issue(ticket).get("labels") or ()
        self._edit(ticket, actor, {"labels": tuple(sorted({*before, *labels}))})

    def remove_labels(self, ticket: str, actor: str, labels: tuple[str, ...]) -> None:
        """Take labels away."""
        before = self._issue(ticket).get("labels") or ()
        self._edit(ticket, actor, {"labels": tuple(label for label in before if label not in labels)})

    def close(self, ticket: str, actor: str) -> None:
        """Resolve if need be, and close."""
        issue, who = self._open(ticket), self._actor(actor)
        if self._state.status_of(issue).category != "done":
            issue = self._desk.move_to(issue, who, STATUSES["solved"])
        self._desk.move_to(issue, who, STATUSES["closed"])

    def merge(self, ticket: str, actor: str, into: str) -> None:
        """Resolve as a duplicate with a link."""
        who, target = self._actor(actor), self._issue(into)
        self._desk.link(self._issue(ticket), target, who, "10001")
        self._desk.move_to(self._open(ticket), who, STATUSES["solved"], resolution="10001")

    def attach(self, ticket: str, actor: str, target: str) -> None:
        """Say that a major incident caused it."""
        self._desk.link(self._issue(target), self._issue(ticket), self._actor(actor), "10003")

    def refer(self, ticket: str, actor: str, to: str) -> None:
        """Fill the text field with another helpdesk's tickets."""
        self.set_field(ticket, actor, "twins", to)

    def delete(self, ticket: str, actor: str) -> None:
        """Delete."""
        self._desk.delete(self._issue(ticket), self._actor(actor))

    def link(self, ticket: str, actor: str, target: str) -> None:
        """Link to another issue, or to an address elsewhere."""
        issue, who = self._issue(ticket), self._actor(actor)
        other = self._state.find(target)
        if other is not None:
            self._desk.link(issue, other, who, "10002")
        elif "://" in target:
            self._desk.link_out(issue, who, target)
        else:
            raise KeyError(f"there is no ticket {target!r}")

    def move(self, ticket: str, actor: str, project: str) -> str:
        """Move to another project and return the new key."""
        return self._desk.relocate(self._issue(ticket), self._actor(actor), project).key

    # -- how -----------------------------------------------------------------------------------

    def _actor(self, key: str) -> Actor:
        account = self._state.people.person(key)
        return Actor(account=account, via="bot" if account.account_type == "app" else "people")

    def _issue(self, ticket: str) -> Issue:
        issue = self._state.find(ticket)
        if issue is None:
            raise KeyError(f"there is no ticket {ticket!r}")
        return issue

    def _open(self, ticket: str) -> Issue:
        issue = self._issue(ticket)
        if self._state.status_of(issue).name == "Closed":
            raise ValueError(f"{ticket} is closed; nothing leads out of that")
        return issue

    def _edit(self, ticket: str, actor: str, values: dict[str, Any]) -> None:
        self._desk.edit(self._open(ticket), self._actor(actor), Edit(values=values))

    def _value(self, name: str, value: str) -> Any:
        field_id = setup.NEUTRAL[name]
        kind = self._state.catalog.fields[field_id].kind
        if kind == "number":
            return float(value)
        if kind == "datetime":
            return read_stamp(value)
        if kind == "participants":  # roster keys with spaces between
            return tuple(self._state.people.person(key).account_id for key in value.split())
        if kind == "select" and self._state.catalog.offer(field_id, value) is None:
            known = ", ".join(option.name for option in self._state.catalog.choices.get(field_id, ()))
            raise ValueError(f"{name} cannot be {value!r}; it can be {known}")
        return value

    def _of_organization(self, key: str | None) -> dict[str, Any]:
        found = next(((n, o) for n, o in self._state.organizations.items() if o.key == key), None)
        if found is None:
            return {}
        number, organization = found
        return {
            setup.NEUTRAL["organizations"]: (number,),
            setup.NEUTRAL["tier"]: organization.tier,
            setup.NEUTRAL["region"]: organization.region,
        }

    def _refusing(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Refusal as refusal:
            raise ValueError(str(refusal)) from refusal
