"""One simulated site, the connector's own engine and adapters on it, and a network that can be made to fail."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connector.domain.policy import SlaSource
from connector.domain.site import Budget, Effect, SiteRules
from connector.engine.daemon import Limits, SiteLoop
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.passes import PassResult, Site, run_pass
from connector.helpdesks.jira.assembly import JiraOptions
from connector.helpdesks.jira.assembly import open_site as open_jira
from connector.helpdesks.transport import Basic
from connector.helpdesks.transport import Surroundings as Around
from connector.helpdesks.zendesk.adapter import ZendeskOptions
from connector.helpdesks.zendesk.adapter import open_site as open_zendesk
from connector.journal import open_journal
from connector.journal.sql import SqlJournal
from connector.policyfiles import load_site_map
from connector.ports import Alarm
from connector.render import TextRenderer
from connector.sandbox.assembly import Sandbox
from connector.sandbox.core.faults import Fault
from connector.sandbox.core.site import NewTicket
from tests.gates.site import MAPS, TEMPLATES, Deaf, OnePolicy, sandbox
from tests.helpdesks.sandbox_stage import SandboxClock
from tests.helpdesks.scripted_server import ScriptedServer, scripted_server
from tests.helpdesks.test_zendesk import credentials

CERTIFICATES = Path(__file__).parent / "certificates"
PROJECTS = ("SUP", "HR")
LIMITED = {"zendesk": {"repeat_chance": 0.0, "system_touch_chance": 0.0}, "jira": {"index_lag": (0.0, 0.0)}}


@dataclass
class Ears:
    """Hears every alarm."""

    alarms: list[Alarm] = field(default_factory=list)

    def alarm(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)

    def ping(self, *, ok: bool) -> None:
        """Nobody waits for it."""


class EndingClock(SandboxClock):
    """Ends a loop when its time has come."""

    def __init__(self, running: Sandbox, ends_at: datetime) -> None:
        super().__init__(running)
        self._ends_at = ends_at
        self.at_end: Callable[[], None] = lambda: None

    def wait(self, until: datetime | None) -> bool:
        super().wait(min(until or self._ends_at, self._ends_at))
        if self.now() >= self._ends_at:
            self.at_end()
        return True


@dataclass
class Desk:
    """A site with tickets that people make, and passes over it."""

    running: Sandbox
    kind: str
    journal: SqlJournal
    effects: frozenset[Effect] = frozenset({Effect.FIELDS})
    by_search: bool = False
    policies: OnePolicy = field(default_factory=OnePolicy)
    ears: Ears = field(default_factory=Ears)

    def __post_init__(self) -> None:
        self.url = self.running.url(self.kind)
        self.restart()

    def restart(self, *, clock: Any = None, base_url: str = "") -> None:
        """Begin as a new process does: nothing in memory is left; ``base_url`` leads elsewhere."""
        clock = clock or SandboxClock(self.running)
        self.ports = self._ports(Around(clock=clock), base_url or self.url)
        ample = Budget(least=1_000, window=timedelta(hours=24))
        rules = SiteRules(
            name=self.kind,
            fingerprint="faults",
            effects=self.effects,
            budgets=dict.fromkeys(Effect, ample),
            unwritable=load_site_map(MAPS[self.kind]).unwritable,
        )
        reading = SiteReading(rules=rules, reader=self.ports.reader, directory=self.ports.directory)
        self.site = Site(reading=reading, writer=self.ports.writer)
        self.around = Surroundings(
            journal=self.journal,
            policies=self.policies,
            renderer=TextRenderer(TEMPLATES, timezone="UTC", fallback=("en",)),
            notifier=self.ears,
            observer=Deaf(),
            clock=clock,
        )

    def _ports(self, around: Around, url: str) -> Any:
        told, fields = self.running.site(self.kind).describe(), load_site_map(MAPS[self.kind]).fields
        if self.kind == "zendesk":
            reader, writer = credentials(url, told["reader"], "read"), credentials(url, told["writer"], "read write")
            options = ZendeskOptions(
                site=self.kind, base_url=url, reader=reader, writer=writer, fields=fields, by_search=self.by_search
            )
            return open_zendesk(options, around)
        basic = told["auth"]["basic"]
        auth = Basic(basic["email"], basic["token"])
        options_ = JiraOptions(site=self.kind, api_base=url, reader=auth, fields=fields, projects=PROJECTS)
        return open_jira(options_, around)

    def run(self, *, fetch: bool = True) -> PassResult:
        return run_pass(self.site, self.around, kind="sync", fetch=fetch)

    def daemon(self, length: timedelta) -> None:
        """Let a daemon's loop run for so long."""
        clock = EndingClock(self.running, self.now + length)
        self.restart(clock=clock)
        loop = SiteLoop(self.site, self.around, Limits())
        clock.at_end = loop.stop
        loop.run()

    # ---- people, faults and truth

    @property
    def now(self) -> datetime:
        return self.running.clock.now()

    def later(self, **length: float) -> None:
        self.running.clock.advance(timedelta(**length))

    def passes(self, times: int, **apart: float) -> None:
        """Let so many passes come, each as long after the one before."""
        for _ in range(times):
            self.later(**apart)
            self.run()

    def ticket(self, *, impact: str = "department", **details: Any) -> str:
        """Create a ticket that the starter makes P1; other impacts make less of it."""
        known = {"subject": "down", "body": "it does not work", "requester": "pieter"}
        return str(self.people.create_ticket(NewTicket(**{**known, "impact": impact, "urgency": "blocked", **details})))

    @property
    def people(self) -> Any:
        return self.running.site(self.kind).people

    def strike(self, action: str, **conditions: Any) -> None:
        with self.running.clock.lock:
            self.running.exchanges[self.kind].faults.add(Fault.from_json({"action": action, **conditions}))

    def heal(self) -> None:
        with self.running.clock.lock:
            self.running.exchanges[self.kind].faults.clear()

    def requests(self, *, since: datetime | None = None, **wanted: Any) -> list[dict[str, Any]]:
        """What the site received, token requests included, as its own ledger has it."""
        facts = [e for e in self.running.facts if e.site == self.kind and e.kind == "request"]
        found = [dict(e.data) | {"at": e.at} for e in facts if since is None or e.at >= since]
        return [f for f in found if all(f.get(k) == v for k, v in wanted.items())]

    def priority(self, ticket: str) -> str | None:
        """What people see."""
        return self._row(ticket)["priority"]  # type: ignore[no-any-return]

    def issue_id(self, ticket: str) -> str:
        """Return the vendor's own id of a ticket."""
        return str(self._row(ticket)["id"])

    def _row(self, ticket: str) -> dict[str, Any]:
        return next(row for row in self.running.site(self.kind).view() if str(row["ticket"]) == ticket)

    def screen(self, name: str, *projects: str) -> None:
        """Put a Jira field on the screens of these projects alone; none: of all."""
        state: Any = self.running.site(self.kind)
        fields, id_ = state.state.catalog.fields, self.running.site(self.kind).describe()["fields"][name]
        fields[id_] = replace(fields[id_], projects=projects)

    def delete_field(self, name: str, *, back: bool = False) -> None:
        """Delete a Zendesk ticket field, or bring it ``back``."""
        state: Any = self.running.site(self.kind)
        deleted = state.office.desk.fields.deleted
        (deleted.discard if back else deleted.add)(name)

    def told(self, ticket: str, name: str) -> Any:
        """Return what a Zendesk field holds."""
        return self._row(ticket)["fields"][name]

    def custom(self, ticket: str, name: str) -> Any:
        """Return what a Jira field holds."""
        id_ = self.running.site(self.kind).describe()["fields"][name]
        state: Any = self.running.site(self.kind)
        return state.state.issues[int(self.issue_id(ticket))].get(id_)

    def known(self) -> frozenset[str]:
        return self.journal.known_open(self.kind)

    @property
    def cursor(self) -> str | None:
        return self.journal.open_site(self.kind, fingerprint="faults").cursor

    @property
    def frozen(self) -> dict[Effect, str]:
        return dict(self.journal.open_site(self.kind, fingerprint="faults").frozen)


@contextmanager
def desk(
    kind: str,
    *,
    effects: frozenset[Effect] = frozenset({Effect.FIELDS}),
    by_search: bool = False,
    own_clocks: bool = False,
    **options: Any,
) -> Iterator[Desk]:
    """Run one empty site with the vendor's own limits, and a journal in memory; ``own_clocks``: ours alone count."""
    policies = OnePolicy()
    if own_clocks:
        policies.policy = replace(policies.policy, sla=replace(policies.policy.sla, source=SlaSource.OWN))
    with sandbox(kind, 0, **{**LIMITED[kind], **options}) as running, open_journal("sqlite://") as journal:
        yield Desk(running, kind, journal, effects=effects, by_search=by_search, policies=policies)


@contextmanager
def secured(certificate: str, *, cut: int = 0) -> Iterator[ScriptedServer]:
    """Run a scripted server behind TLS; the first ``cut`` connections end in the middle of their handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{certificate}.pem")
    left = [cut]

    def wrap(conn: socket.socket) -> socket.socket:
        if left[0]:
            left[0] -= 1
            raise ConnectionAbortedError
        return context.wrap_socket(conn, server_side=True)

    with scripted_server(wrap) as server:
        yield server
