"""The contract suite on the Jira adapter, over real HTTP against a simulated site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.site import Binding, BindingSource, FieldMap
from connector.domain.ticket import Priority, Status
from connector.helpdesks.jira.assembly import JiraOptions, open_site
from connector.helpdesks.transport import Basic, Surroundings
from connector.ports import Clock, TicketReader, TicketWriter
from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.site import NewTicket
from connector.sandbox.jira import build
from tests.helpdesks.conftest import watch
from tests.helpdesks.contract import BODY, SUBJECT, HelpdeskContract, Said
from tests.helpdesks.sandbox_stage import GROUPS, ROSTER, START, SandboxSite

# What the vendor's document says that real traffic does not obey; each with its reason.
EXCUSED = (
    ("response issueChangeLogs", "is not of type 'string'"),  # moments are numbers in the document's own example
)

FIELDS = FieldMap(
    inputs={
        "impact": Binding(source=BindingSource.FIELD, id="customfield_10101"),
        "urgency": Binding(source=BindingSource.FIELD, id="customfield_10102"),
        "category": Binding(source=BindingSource.FIELD, id="customfield_10103"),
    },
    level=Binding(source=BindingSource.FIELD, id="customfield_10111", writable=True),
    path=Binding(source=BindingSource.FIELD, id="customfield_10112", writable=True),
    next_due=Binding(source=BindingSource.FIELD, id="customfield_10113", writable=True),
    group_field=Binding(source=BindingSource.FIELD, id="customfield_10114", writable=True),
    priorities={Priority.P1: "1", Priority.P2: "2", Priority.P3: "3", Priority.P4: "4"},
    statuses={
        "Open": Status.OPEN,
        "Waiting for support": Status.OPEN,
        "In Progress": Status.OPEN,
        "Waiting for customer": Status.WAITING_CUSTOMER,
        "Pending": Status.ON_HOLD,
        "Resolved": Status.SOLVED,
        "Closed": Status.CLOSED,
    },
    groups={name: name for name in GROUPS},
    people={name: f"qm:{name}" for name in ("duty-manager", "anna", "ben")},
)
_VENDOR_STATUS = {Status.SOLVED: "solved", Status.OPEN: "open", Status.WAITING_CUSTOMER: "waiting_customer"}


class JiraStage:
    """A simulated Jira site with our reader and writer on it."""

    site = "jsm"

    def __init__(self, sandbox: Sandbox, **changes: Any) -> None:
        self._site = SandboxSite(sandbox, self.site)
        described = sandbox.site(self.site).describe()["auth"]["basic"]
        self.clock: Clock = self._site.clock
        options = JiraOptions(
            site=self.site,
            api_base=sandbox.url(self.site),
            reader=Basic(described["email"], described["token"]),
            fields=FIELDS,
            projects=("SUP",),
        )
        opened = open_site(replace(options, **changes), Surroundings(clock=self.clock))
        self.reader: TicketReader = opened.reader
        self.writer: TicketWriter = opened.writer
        self.directory = opened.directory
        self.adapter = opened.reader.transport
        self.adapters = tuple({id(a): a for a in (self.adapter, opened.writer.transport)}.values())
        self.behind = self._site

    def create(self, subject: str = SUBJECT, body: str = BODY, **values: Any) -> str:
        priority = values.pop("priority", None)
        new = NewTicket(subject=subject, body=body, requester="carla", priority=priority.name if priority else None)
        key = self._site.people.create_ticket(new)
        return self._id(key)

    def agent(self, id_: str, **values: Any) -> None:
        people, key = self._site.people, self.key(id_)
        for name, value in values.items():
            match name:
                case "priority":
                    people.set_priority(key, "anna", value.name)
                case "status":
                    people.set_status(key, "anna", _VENDOR_STATUS[value])
                case "group":
                    people.set_group(key, "anna", value)
                case "assignee":
                    people.assign(key, "anna", value)
                case "labels":
                    people.add_labels(key, "anna", tuple(sorted(value)))

    def comment(self, id_: str, body: str, *, public: bool, by: str = "agent") -> None:
        actor = {"agent": "anna", "customer": "carla"}[by]
        self._site.people.comment(self.key(id_), actor, body, public=public)

    def delete(self, id_: str) -> None:
        self._site.people.delete(self.key(id_), "anna")

    def said(self, id_: str) -> list[Said]:
        comments = self._site.view(id_)["comments"]
        return [Said(body=c["body"], public=c["public"], ours=c["author"] == "connector") for c in comments]

    def truth(self, id_: str) -> Mapping[str, Any]:
        row = self._site.view(id_)
        return {**row, "priority": Priority[row["priority"]], "labels": row["labels"]}

    def later(self, length: timedelta) -> None:
        self._site.later(length)

    def lose_next_answer(self) -> None:
        self._site.strike("lose", methods=("PUT", "POST"), path="/(comment|issue/[^/]+)$")

    def lose_next_request(self) -> None:
        self._site.strike("drop", methods=("PUT", "POST"), path="/(comment|issue/[^/]+)$")

    def key(self, id_: str) -> str:
        return str(self._site.view(id_)["ticket"])

    def _id(self, key: str) -> str:
        rows = self._site.sandbox.site(self.site).view()
        return next(str(row["id"]) for row in rows if row["ticket"] == key or str(row["id"]) == key)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    spec = SiteSpec(name="jsm", kind="jira", build=build, roster=ROSTER)
    with Sandbox((spec,), ClockOptions(start=START, mode="manual"), seed=7) as running:
        yield running


@pytest.fixture
def stage(sandbox: Sandbox, judge: Any) -> JiraStage:
    made = JiraStage(sandbox)
    platform, desk = judge("jira-v3", EXCUSED), judge("jsm", ())

    def look(method: str, url: str, *exchange: Any) -> None:
        (desk if "/servicedeskapi/" in url else platform)(method, url, *exchange)

    for adapter in made.adapters:
        watch(adapter, look)
    return made


class TestJira(HelpdeskContract):
    """The suite; what is particular to Jira follows in modules of its own."""


def test_a_history_that_is_not_to_be_had_says_so(stage: Any) -> None:
    id_ = stage.create()
    found = {history.ref.id: history for history in stage.reader.history([id_, "99999"])}
    assert not found[id_].unreadable
    assert (found["99999"].events, found["99999"].unreadable) == ((), "the issue is gone or hidden")
