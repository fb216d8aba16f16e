"""The Zendesk adapter on the sandbox keeps the contract that every adapter keeps."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.site import Binding, BindingSource, FieldMap
from connector.domain.ticket import Priority, Status
from connector.helpdesks.transport import ClientCredentials, Surroundings
from connector.helpdesks.zendesk.adapter import ZendeskOptions, open_site
from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.site import NewTicket
from connector.sandbox.zendesk import build
from tests.helpdesks import contract
from tests.helpdesks.conftest import watch
from tests.helpdesks.contract import HelpdeskContract, Said
from tests.helpdesks.sandbox_stage import ROSTER, START, SandboxSite

QUIET = {"repeat_chance": 0.0, "system_touch_chance": 0.0}

# What the vendor's document says that real traffic does not obey; each with its reason.
EXCUSED = (
    ("request ticket/custom_fields", "is a required property"),  # it asks an update for key, title and type
    ("response user", ""),  # people as recorded from real accounts fail it
    ("query: unknown parameter include", ""),  # sideloads have a page of their own
    ("query: unknown parameter page", ""),  # and so has paging
    ("response", "None for not nullable"),  # nulls that real answers carry and the document forgets
    ("response", "None is not of type"),  # the same
    ("response", "is not valid under any of the given schemas"),  # lists in audit events, results null until the end
)


class ZendeskStage:
    site = "zendesk"
    reader_role = "reader"

    def __init__(self, sandbox: Sandbox, **narrowed: Any) -> None:
        self.behind = SandboxSite(sandbox, self.site)
        self.clock = self.behind.clock
        told = sandbox.site(self.site).describe()
        self.fields = narrowed.pop("fields", None) or field_map(told)
        url = sandbox.url(self.site)
        self.ports = open_site(
            ZendeskOptions(
                site=self.site,
                base_url=url,
                reader=credentials(url, told[self.reader_role], "read"),
                writer=credentials(url, told["writer"], "read write"),
                fields=self.fields,
                **narrowed,
            ),
            Surroundings(clock=self.clock, rng=random.Random(1)),
        )
        self.reader, self.writer = self.ports.reader, self.ports.writer
        self.adapters = tuple(c.adapter for c in (self.reader._clients.reader, self.reader._clients.writer))

    def create(self, subject: str = contract.SUBJECT, body: str = contract.BODY, **values: Any) -> str:
        priority = str(values["priority"]) if values.get("priority") else None
        return str(
            self.behind.people.create_ticket(
                NewTicket(subject=subject, body=body, requester="carla", priority=priority)  # type: ignore[arg-type]
            )
        )

    def agent(self, id_: str, **values: Any) -> None:
        people = self.behind.people
        acts: Mapping[str, Callable[[Any], None]] = {
            "priority": lambda value: people.set_priority(id_, "anna", str(value)),
            "status": lambda value: people.set_status(id_, "anna", str(value)),
            "group": lambda value: people.set_group(id_, "anna", value),
            "assignee": lambda value: people.assign(id_, "anna", value),
            "labels": lambda value: people.add_labels(id_, "anna", tuple(value)),
        }
        for name, value in values.items():
            acts[name](value)

    def comment(self, id_: str, body: str, *, public: bool, by: str = "agent") -> None:
        self.behind.people.comment(id_, "anna" if by == "agent" else "carla", body, public=public)

    def delete(self, id_: str) -> None:
        self.behind.people.delete(id_, "anna")

    def said(self, id_: str) -> list[Said]:
        comments = self.behind.view(id_)["comments"][1:]
        return [Said(c["body"], c["public"], c["author"] == "connector-writer") for c in comments]

    def truth(self, id_: str) -> Mapping[str, Any]:
        row = self.behind.view(id_)
        priority = Priority[row["priority"]] if row["priority"] else None
        return {"priority": priority, "group": row["group"], "labels": row["labels"]}

    def later(self, length: timedelta) -> None:
        self.behind.later(length)

    def lose_next_answer(self) -> None:
        self.behind.strike("lose", methods=["PUT"])

    def lose_next_request(self) -> None:
        self.behind.strike("drop", methods=["PUT"])


def credentials(url: str, client: Mapping[str, str], scope: str) -> ClientCredentials:
    return ClientCredentials(
        token_url=f"{url}/oauth/tokens",
        scope=scope,
        client_id=client["client_id"],
        client_secret=client["client_secret"],
    )


def field_map(told: Mapping[str, Any]) -> FieldMap:
    def field(name: str) -> Binding:
        return Binding(source=BindingSource.FIELD, id=str(told["fields"][name]), writable=True)

    return FieldMap(
        inputs={
            "impact": field("impact"),
            "urgency": field("urgency"),
            "org.tier": Binding(source=BindingSource.ORGANIZATION, id="tier"),
            "requester.tags": Binding(source=BindingSource.REQUESTER, id="tags"),
        },
        level=field("level"),
        path=field("path"),
        next_due=field("next_due"),
        statuses={"hold": Status.WAITING_OUTSIDE},
        groups={name: str(id_) for name, id_ in told["groups"].items()},
        people={name: str(id_) for name, id_ in told["people"].items() if name in {"anna", "ben", "duty-manager"}},
        scope="form",
    )


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    spec = SiteSpec(name="zendesk", kind="zendesk", build=build, roster=ROSTER, options=QUIET)
    with Sandbox((spec,), ClockOptions(start=START, mode="manual")) as running:
        yield running


@pytest.fixture
def stage(sandbox: Sandbox, judge: Any) -> ZendeskStage:
    made = ZendeskStage(sandbox)
    look = judge("zendesk", EXCUSED)
    for adapter in set(made.adapters):
        watch(adapter, look)
    return made


class TestZendesk(HelpdeskContract):
    """The whole contract, over real HTTP."""
