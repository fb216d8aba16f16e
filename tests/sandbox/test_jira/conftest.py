"""A Jira site without sockets; every exchange is shown to the vendor's own document when it is at hand."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from connector.sandbox.core.clock import SandboxClock
from connector.sandbox.core.exchange import Exchange
from connector.sandbox.core.faults import FaultPlan
from connector.sandbox.core.ledger import Entry
from connector.sandbox.core.messages import Request
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.roster import Group, Organization, Person, Roster
from connector.sandbox.core.site import NewTicket
from connector.sandbox.core.world import World
from connector.sandbox.jira import JiraSite, build

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # 9 o'clock in Berlin
SHARED = Path(__file__).resolve().parents[4] / "shared"

ROSTER = Roster(
    people=(
        Person(key="anna", name="Anna Agent", email="anna@desk.example", role="agent", groups=("service-desk",)),
        Person(key="ben", name="Ben Backline", email="ben@desk.example", role="agent", groups=("second-line",)),
        Person(key="hanna", name="Hanna Human", email="hanna@desk.example", role="agent", groups=("hr",)),
        Person(key="root", name="Ruth Root", email="root@desk.example", role="admin"),
        Person(key="rival", name="Rival bot", email="rival@desk.example", role="bot"),
        Person(key="carla", name="Carla Customer", email="carla@acme.example", organization="acme", locale="de"),
        Person(key="dirk", name="Dirk Customer", email="dirk@other.example"),
    ),
    organizations=(Organization(key="acme", name="ACME", tier="platinum", region="eu"),),
    groups=tuple(Group(key=key, name=key) for key in ("service-desk", "second-line", "hr")),
    choices={"category": ("network", "email")},
)

# What the vendor's document objects to though real answers look so; each line with its reason.
EXCUSED = (
    # A change from or to nothing has nulls in every recorded changelog; the document types them as text.
    r"response .*items/\d+/(from|fromString|to|toString): None (for not nullable|is not of type 'string')",
    # The document's own example of the bulk changelog has numbers where its schema wants date-times.
    r"response issueChangeLogs/\d+/changeHistories/\d+/created: \d+ is not of type 'string'",
)


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def basic(user: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


@dataclass(kw_only=True)
class Rig:
    """One site, its clock and its facts."""

    site: JiraSite
    world: World
    exchange: Exchange
    facts: list[Entry]
    objections: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None, *, who: str | None = "connector", **more: Any) -> Reply:
        """Send a request; ``odd=True`` for one that is wrong on purpose."""
        odd, headers = more.pop("odd", False), more.pop("headers", None)
        query = more.pop("query", {})
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        payload = b"" if body is None else json.dumps(body).encode()
        sent = headers if headers is not None else self.login(who)
        request = Request.of(method, target, headers={"host": "127.0.0.1:1", **sent}, body=payload)
        response = self.exchange.run(request).response
        assert response is not None
        reply = Reply(status=response.status, headers=dict(response.headers), body=response.body)
        self._judge(method, target, None if odd else body, reply, odd=odd)
        return reply

    def login(self, who: str | None) -> dict[str, str]:
        if who is None:
            return {}
        if who == "connector":
            auth = self.site.describe()["auth"]["basic"]
            return basic(auth["email"], auth["token"])
        account = self.site.state.people.person(who)
        return basic(account.email, f"token-{who}")

    def _judge(self, method: str, target: str, body: Any, reply: Reply, *, odd: bool) -> None:
        check = oracle("jsm" if "/servicedeskapi" in target else "jira-v3")
        if check is None or odd or re.match(r"/rest/api/2|/oauth", target):
            return
        target = re.sub(r"^/ex/jira/[^/]+", "", target)
        answer = json.loads(reply.body) if reply.body else None
        url = f"https://site.example{target}"
        found = check(method, url, request=body, status=reply.status, response=answer)
        self.objections += [f for f in found if not any(re.fullmatch(known, f, re.DOTALL) for known in EXCUSED)]

    # -- shorthands ----------------------------------------------------------------------------

    def ticket(self, subject: str = "Printer on fire", **more: Any) -> str:
        return self.site.people.create_ticket(
            NewTicket(**{"subject": subject, "body": "Help", "requester": "carla", **more})
        )

    def search(self, jql: str, **more: Any) -> list[str]:
        reply = self.call(
            "POST", "/rest/api/3/search/jql", {"jql": jql, "fields": ["summary"], "maxResults": 100, **more}
        )
        assert reply.status == 200, reply.body
        return [issue["key"] for issue in reply.json["issues"]]

    def fields(self, key: str, *names: str) -> dict[str, Any]:
        query = {"fields": ",".join(names)} if names else {}
        reply = self.call("GET", f"/rest/api/3/issue/{key}", query=query)
        assert reply.status == 200, reply.body
        shown: dict[str, Any] = reply.json["fields"]
        return shown

    def put(self, key: str, body: Any, **more: Any) -> Reply:
        return self.call("PUT", f"/rest/api/3/issue/{key}", body, **more)

    def advance(self, **span: float) -> None:
        self.world.clock.advance(timedelta(**span))

    def mails(self, **wanted: Any) -> list[Entry]:
        return [e for e in self.facts if e.kind == "mail" and wanted.items() <= e.data.items()]


def oracle(vendor: str) -> Callable[..., list[str]] | None:
    path = SHARED / "contract" / "oracle.py"
    if not path.is_file():
        return None
    if "oracle" not in _LOADED:
        spec = importlib.util.spec_from_file_location("contract_oracle", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        _LOADED["oracle"] = module.Oracle
    found: Callable[..., list[str]] = _LOADED["oracle"].load(vendor).check
    return found


_LOADED: dict[str, Any] = {}


@pytest.fixture
def make() -> Iterator[Callable[..., Rig]]:
    """Build sites with options; at the end the vendor's document must have had no objection."""
    rigs: list[Rig] = []

    def rig(*, roster: Roster = ROSTER, **options: Any) -> Rig:
        facts: list[Entry] = []
        clock = SandboxClock(ClockOptions(start=MONDAY))
        world = World.of("jsm-eu", clock, facts, seed=1, options={"index_lag": (0, 0), "limits": False, **options})
        site = build(world, roster)
        rigs.append(Rig(site=site, world=world, exchange=Exchange(site, world, FaultPlan(world.rng)), facts=facts))
        return rigs[-1]

    yield rig
    assert [line for each in rigs for line in each.objections] == []
    assert [e for each in rigs for e in each.facts if e.kind == "problem"] == []


@pytest.fixture
def rig(make: Callable[..., Rig]) -> Rig:
    """A site whose index shows changes at once and which limits nothing."""
    return make()


def adf(text: str) -> dict[str, Any]:
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }
