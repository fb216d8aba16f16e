"""One story told by both helpdesks is the same story to the domain: who did what, in our words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from connector.domain.acknowledgement import names_of
from connector.domain.events import EventKind, Role, TicketEvent
from connector.domain.site import Binding, BindingSource, FieldMap, SiteRules
from connector.domain.situation import Situation
from connector.domain.ticket import Priority, Status, Ticket
from connector.helpdesks.jira import changelog, people
from connector.helpdesks.jira.normalise import observe
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import ChangeHistory, Comment, Issue
from connector.helpdesks.zendesk import history, normalise, shapes
from connector.helpdesks.zendesk.view import Known, View

OPENED = datetime(2026, 11, 23, 9, tzinfo=UTC)
ZENDESK = FieldMap(
    inputs={"impact": Binding(source=BindingSource.FIELD, id="1", values={"imp_site": "site", "imp_user": "user"})},
    people={"anna": "502"},
)
JIRA = FieldMap(
    inputs={"impact": Binding(source=BindingSource.FIELD, id="customfield_1", values={"Site": "site", "Me": "user"})},
    priorities={Priority.P1: "1", Priority.P2: "2", Priority.P3: "3", Priority.P4: "4"},
    statuses={"3": Status.OPEN, "10": Status.WAITING_CUSTOMER},
    people={"anna": "acc-anna"},
)
SHAPE = Shape(site="j", fields=JIRA, account="acc-us", web_url="https://acme.example")

STORY = [
    (EventKind.PRIORITY, Role.AGENT, "P3", "P2", None, True),
    (EventKind.PRIORITY, Role.OURS, "P2", "P1", None, False),
    (EventKind.STATUS, Role.AUTOMATION, "open", "waiting_customer", None, False),
    (EventKind.ASSIGNEE, Role.AGENT, None, "anna", None, True),
    (EventKind.COMMAND, Role.AGENT, None, "/esc hold 4h", False, True),
    (EventKind.COMMENT, Role.AGENT, None, None, False, True),
    (EventKind.COMMENT, Role.CUSTOMER, None, None, True, True),
    (EventKind.FACT, Role.AGENT, "user", "site", None, True),
    (EventKind.LABELS, Role.AGENT, "a", "a esc-hold", None, True),
]
"""Kind, who, before, after, could the requester read it, does it count as somebody's own act."""


def at(minute: int) -> str:
    return (OPENED + timedelta(minutes=5 * minute)).isoformat()


def on_zendesk() -> tuple[Ticket, tuple[TicketEvent, ...]]:
    def audit(n: int, author: int, *events: dict[str, Any]) -> dict[str, Any]:
        numbered = [{"id": 10 * n + k, "type": "Change", **event} for k, event in enumerate(events)]
        return {"id": n, "created_at": at(n), "author_id": author, "events": numbered}

    def change(name: str, before: Any, after: Any, **more: Any) -> dict[str, Any]:
        return {"field_name": name, "previous_value": before, "value": after, **more}

    rule = {"channel": "rule", "source": {"from": {"id": 5}, "rel": "trigger"}}
    audits = [
        audit(0, 9),
        audit(1, 502, change("priority", "normal", "high")),
        audit(2, 900, change("priority", "high", "urgent"), change("status", "open", "pending", via=rule)),
        audit(3, 502, change("assignee_id", None, "502")),
        audit(4, 502, {"type": "Comment", "author_id": 502, "public": False, "body": "Later.\n/esc hold 4h"}),
        audit(5, 9, {"type": "Comment", "author_id": 9, "public": True, "body": "Thank you"}),
        audit(6, 502, change("1", "imp_user", "imp_site")),
        audit(7, 502, change("tags", ["a"], ["esc-hold", "a"])),
    ]
    page = normalise.decoded(json.dumps({"audits": audits}).encode(), shapes.AuditPage, what="audits")
    roles = {900: Role.OURS, 502: Role.AGENT, 9: Role.CUSTOMER}
    found = history.events(page.audits, history.Witness(fields=ZENDESK, role_of=lambda id_: roles[id_]))
    raw = {
        "id": 7, "created_at": at(0), "updated_at": at(7), "status": "pending", "priority": "urgent",
        "assignee_id": 502, "tags": ["esc-hold", "a"], "custom_fields": [{"id": 1, "value": "imp_site"}],
    }  # fmt: skip
    struct = normalise.decoded(json.dumps(raw).encode(), shapes.Ticket, what="ticket")
    view = View(site="z", fields=ZENDESK, web_base="https://acme.zendesk.com")
    return normalise.ticket(struct, view, Known(), read_at=OPENED), found


def on_jira() -> tuple[Ticket, tuple[TicketEvent, ...]]:
    anna = {"accountId": "acc-anna", "accountType": "atlassian"}
    customer = {"accountId": "acc-carla", "accountType": "customer"}
    us, robot = {"accountId": "acc-us"}, {"accountId": "acc-robot", "accountType": "app"}

    def entry(n: int, author: dict[str, Any], seconds: int = 0, **item: Any) -> ChangeHistory:
        moment = (OPENED + timedelta(minutes=5 * n, seconds=seconds)).timestamp()
        raw = {"id": f"{n}-{seconds}", "created": moment, "author": author, "items": [item]}
        return msgspec.json.decode(json.dumps(raw), type=ChangeHistory, strict=False)

    def moved(before: str | None, after: str) -> dict[str, Any]:
        return {"from": before, "to": after}

    def comment(n: int, author: dict[str, Any], text: str, *, public: bool) -> Comment:
        raw = {"id": str(n), "created": at(n), "author": author, "body": text, "jsdPublic": public}
        return msgspec.json.decode(json.dumps(raw), type=Comment, strict=False)

    fields = {
        "created": at(0), "updated": at(7), "status": {"id": "10", "statusCategory": {"key": "indeterminate"}},
        "priority": {"id": "1"}, "assignee": anna, "reporter": customer, "labels": ["esc-hold", "a"],
        "customfield_1": {"value": "Site"},
    }  # fmt: skip
    issue = msgspec.json.decode(json.dumps({"id": "7", "key": "SUP-7", "fields": fields}), type=Issue, strict=False)
    ticket = observe(issue, SHAPE, now=OPENED).ticket
    said = [comment(4, anna, "Later.\n/esc hold 4h", public=False), comment(5, customer, "Thank you", public=True)]
    comments = people.comment_events(said, SHAPE, requester=ticket.requester)
    entries = [
        entry(1, anna, fieldId="priority", **moved("3", "2")),
        entry(2, us, fieldId="priority", **moved("2", "1")),
        entry(2, robot, 1, fieldId="status", **{"from": "3", "fromString": "Open", "to": "10", "toString": "Waiting"}),
        entry(3, anna, fieldId="assignee", **moved(None, "acc-anna")),
        entry(6, anna, fieldId="customfield_1", fromString="Me", toString="Site"),
        entry(7, anna, fieldId="labels", fromString="a", toString="esc-hold a"),
    ]
    return ticket, changelog.history_events(ticket, entries, comments, SHAPE)


def told(events: tuple[TicketEvent, ...]) -> list[tuple[Any, ...]]:
    rest = sorted((e for e in events if e.kind is not EventKind.CREATED), key=lambda e: (e.at, e.kind))
    return [(e.kind, e.actor.role, e.before, e.after, e.public, e.counts) for e in rest]


def test_zendesk_tells_the_story() -> None:
    assert told(on_zendesk()[1]) == STORY


def test_jira_tells_the_same_story() -> None:
    assert told(on_jira()[1]) == STORY


def test_the_ticket_looks_the_same() -> None:
    (zendesk, _), (jira, _) = on_zendesk(), on_jira()
    for name in ("status", "priority", "foreign_priority", "assignee", "labels", "opened_at", "updated_at"):
        assert getattr(zendesk, name) == getattr(jira, name), name
    assert dict(zendesk.facts) == dict(jira.facts) == {"impact": "site"}


def test_a_priority_outside_the_map_is_foreign_and_an_empty_one_is_not() -> None:
    def zendesk(priority: str | None, names: FieldMap) -> Ticket:
        raw = {"id": 7, "created_at": at(0), "updated_at": at(0), "status": "open", "priority": priority}
        struct = normalise.decoded(json.dumps(raw).encode(), shapes.Ticket, what="ticket")
        return normalise.ticket(struct, View(site="z", fields=names, web_base=""), Known(), read_at=OPENED)

    def jira(priority: dict[str, Any] | None) -> Ticket:
        status = {"id": "3", "statusCategory": {"key": "new"}}
        fields = {"created": at(0), "updated": at(0), "status": status, "priority": priority}
        raw = json.dumps({"id": "7", "key": "SUP-7", "fields": fields})
        return observe(msgspec.json.decode(raw, type=Issue, strict=False), SHAPE, now=OPENED).ticket

    three = FieldMap(priorities={Priority.P1: "urgent", Priority.P2: "high", Priority.P3: "normal"})
    assert [zendesk(p, three).foreign_priority for p in ("low", "high", None)] == [True, False, False]
    assert [zendesk(p, FieldMap()).foreign_priority for p in ("low", "high", None)] == [False, False, False]
    named = ({"id": "5"}, {"id": "2"}, None, {"id": None})
    assert [jira(p).foreign_priority for p in named] == [True, False, False, False]


def test_who_assigned_themselves_is_recognised_under_their_bound_name() -> None:
    for (ticket, events), names in ((on_zendesk(), ZENDESK), (on_jira(), JIRA)):
        bound = {account: name for name, account in names.people.items()}
        situation = Situation(ticket=ticket, rules=SiteRules(name="s", fingerprint="f"), people=bound)
        (event,) = (e for e in events if e.kind is EventKind.ASSIGNEE)
        assert event.after in names_of(event.actor.id, situation)
