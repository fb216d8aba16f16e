"""A small account to test the sandbox's Zendesk with, spoken to without sockets."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from connector.sandbox.core.clock import SandboxClock
from connector.sandbox.core.exchange import Exchange
from connector.sandbox.core.faults import FaultPlan
from connector.sandbox.core.ledger import Entry
from connector.sandbox.core.messages import Request
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.roster import Group, Organization, Person, Roster
from connector.sandbox.core.site import NewTicket
from connector.sandbox.core.world import World
from connector.sandbox.zendesk import ZendeskSite, build

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ORIGIN = "http://127.0.0.1:8123"
CONTRACT = Path(__file__).resolve().parents[3] / "shared" / "contract"

ROSTER = Roster(
    people=(
        Person(key="duty-manager", name="Dora Duty", email="dora@desk.example", role="agent", groups=("second-line",)),
        Person(key="anna", name="Anna Agent", email="anna@desk.example", role="agent", groups=("service-desk",)),
        Person(
            key="ben", name="Ben Berg", email="ben@desk.example", role="agent", groups=("second-line", "specialists")
        ),
        Person(key="sorter", name="Sorting Bot", email="bot@desk.example", role="bot", groups=("service-desk",)),
        Person(key="carla", name="Carla Kunde", email="carla@acme.example", locale="de", organization="acme"),
        Person(key="vito", name="Vito Vip", email="vito@acme.example", tags=("vip",), organization="acme"),
    ),
    organizations=(Organization(key="acme", name="Acme", tier="platinum", region="eu"),),
    groups=tuple(Group(key=key, name=key) for key in ("service-desk", "second-line", "specialists", "legal")),
)
QUIET = {"repeat_chance": 0.0, "system_touch_chance": 0.0}

# What the vendor's document says that real traffic does not obey; each with its reason.
EXCUSED = (
    ("request ticket/custom_fields", "is a required property", "the document asks an update for key, title and type"),
    ("request tickets/", "is a required property", "the same in a batch"),
    ("query: unknown parameter include", "", "sideloads are described on a page of their own"),
    ("query: unknown parameter p", "", "paging is described on a page of its own"),
    ("query: unknown parameter sort_order", "", "likewise"),
    ("query: unknown parameter filter[type]", "", "zenpy sends to the search what only the export has"),
    ("/events/", "is not valid under any of the given schemas", "tags in audit events are lists"),
    ("response user", "", "users as recorded fail the document, which knows no null in them"),
    ("", "None for not nullable", "nulls that real answers carry and the document forgets"),
    ("", "None is not of type", "the same seen from the other side"),
    ("no operation GET /api/v2/business_hours", "", "the document has no business hours"),
    ("no operation GET /api/v2/users/", "", "memberships of one user stand in the document's text alone"),
    ("no operation GET /api/v2/groups/", "", "likewise those of one group"),
    ("custom_fields/", "is not of type 'string'", "checkboxes are booleans"),
    ("tickets/", "'deleted' is not one of", "the export's word for a deleted ticket"),
    ("results", "is not valid under any of the given schemas", "results are null until the job ends"),
)


@dataclass(slots=True)
class Reply:
    """An answer, decoded."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(slots=True)
class Account:
    """One simulated account with its clock; every exchange is put before the oracle when that is there."""

    options: Mapping[str, Any] = field(default_factory=dict)
    clock: SandboxClock = field(init=False)
    facts: list[Entry] = field(init=False)
    site: ZendeskSite = field(init=False)
    exchange: Exchange = field(init=False)
    tokens: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.clock = SandboxClock(ClockOptions(start=START))
        self.facts = []
        world = World.of("zendesk", self.clock, self.facts, seed=7, options=QUIET | dict(self.options))
        self.site = build(world, ROSTER)
        self.exchange = Exchange(self.site, world, FaultPlan(world.rng))
        gate, now = self.site.office.gate, int(START.timestamp())
        self.tokens = {
            user: gate.issue(user, now, lifetime=30 * 86400)
            for user in ("connector-writer", "connector-reader", "anna")
        }

    def call(
        self, method: str, path: str, body: Any = None, *, who: str = "connector-reader", query: Any = (), **more: str
    ) -> Reply:
        """Send one request as ``who``; ``query`` is a mapping."""
        target = path + (f"?{urlencode(dict(query))}" if query else "")
        headers = {"host": ORIGIN.removeprefix("http://")} | more
        headers.setdefault("authorization", f"Bearer {self.tokens.get(who, who)}")
        raw = b"" if body is None else json.dumps(body).encode()
        response = self.exchange.run(Request.of(method, target, headers=headers, body=raw)).response
        assert response is not None
        told = {name.lower(): value for name, value in response.headers}
        decoded = response.body.decode()
        payload = json.loads(decoded) if "json" in told.get("content-type", "") else decoded
        judge(method, ORIGIN + target, body, response.status, payload or None)
        return Reply(status=response.status, headers=told, body=payload)

    def get(self, path: str, *, who: str = "connector-reader", **query: Any) -> Any:
        """Read as ``who`` and expect success."""
        reply = self.call("GET", f"/api/v2/{path}", who=who, query=query)
        assert reply.status == 200, reply
        return reply.body

    def put(self, ticket: int | str, who: str = "connector-writer", **changes: Any) -> Reply:
        """Update one ticket."""
        return self.call("PUT", f"/api/v2/tickets/{ticket}.json", {"ticket": changes}, who=who)

    def new(self, requester: str = "carla", **details: Any) -> int:
        """Let a customer write in."""
        ticket = NewTicket(subject="Printer", body="It smokes", requester=requester, **details)
        return int(self.site.people.create_ticket(ticket))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(seconds=seconds))

    def truth(self, kind: str, **data: Any) -> list[Entry]:
        """Facts of a kind whose data contain what is given."""
        return [e for e in self.facts if e.kind == kind and all(e.data.get(k) == v for k, v in data.items())]

    def mails(self, why: str) -> list[str]:
        """Whom mails of this reason went to."""
        return [entry.data["to"] for entry in self.truth("mail", why=why)]


def basic(user: str, secret: str) -> str:
    """A Basic header."""
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def judge(method: str, url: str, body: Any, status: int, payload: Any) -> None:
    """Put an exchange before the vendor's document, unless strictness refused it anyway."""
    if not CONTRACT.is_dir() or status >= 400:
        return
    if str(CONTRACT) not in sys.path:
        sys.path.insert(0, str(CONTRACT))
    from oracle import Oracle  # noqa: PLC0415 - it lives beside the project, not in it

    found = Oracle.load("zendesk").check(method, url, request=body, status=status, response=payload)
    problems = [line for line in found if not any(a in line and b in line for a, b, _ in EXCUSED)]
    assert not problems, problems
