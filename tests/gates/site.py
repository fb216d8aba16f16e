"""One simulated Zendesk or Jira site of real sizes, the connector's own ports on it, and a journal in a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from connector.bootstrap.silent import Silent
from connector.domain.site import Budget, Effect, SiteRules
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.passes import PassResult, Site, run_pass
from connector.helpdesks.jira.assembly import JiraOptions
from connector.helpdesks.jira.assembly import open_site as open_jira
from connector.helpdesks.transport import Basic
from connector.helpdesks.transport import Surroundings as Around
from connector.helpdesks.zendesk.adapter import ZendeskOptions
from connector.helpdesks.zendesk.adapter import open_site as open_zendesk
from connector.journal.sql import SqlJournal
from connector.policyfiles import load_policy, load_site_map
from connector.render import TextRenderer, load_templates
from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.jira import build as build_jira
from connector.sandbox.scenarios.cast import ROSTER
from connector.sandbox.zendesk import build as build_zendesk
from tests.helpdesks.sandbox_stage import START, SandboxClock
from tests.helpdesks.test_zendesk import credentials

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
MAPS = {"zendesk": MAPPINGS / "sites" / "zendesk.yaml", "jira": MAPPINGS / "sites" / "jsm-eu.yaml"}
POLICY = load_policy(MAPPINGS / "policy.yaml", today=START.date())[0]
TEMPLATES = load_templates(MAPPINGS / "templates")
NO_LIMIT = 1_000_000
PLAIN: dict[str, dict[str, Any]] = {
    "zendesk": {
        "repeat_chance": 0.0,
        "system_touch_chance": 0.0,
        **dict.fromkeys(
            ("account_limit", "incremental_limit", "search_export_limit", "audit_limit", "update_limit"), NO_LIMIT
        ),
    },
    "jira": {"limits": False, "index_lag": (0.0, 0.0)},
}
SIZE = {"zendesk": "synthetic", "jira": "load"}
EPHEMERAL = frozenset({"run", "event", "site", "cursor", "lease", "identity", "recall", "alembic_version"})
"""Tables that tell of passes and not of tickets: every pass has its row in ``run`` and moves the site's moments."""


class OnePolicy:
    def __init__(self, policy: Any = None) -> None:
        self.policy = policy or POLICY

    def current(self) -> Any:
        return self.policy

    def document(self, _digest: str) -> str | None:
        return None


class Deaf:
    def event(self, name: str, /, **values: object) -> None:
        """Nobody listens."""


@contextmanager
def sandbox(kind: str, tickets: int, **options: Any) -> Iterator[Sandbox]:
    """Run a site with so many synthetic tickets on a clock that waiting moves."""
    build = build_zendesk if kind == "zendesk" else build_jira
    switches = {**PLAIN[kind], SIZE[kind]: tickets, **options}
    spec = SiteSpec(name=kind, kind=kind, build=build, roster=ROSTER, options=switches)
    with Sandbox((spec,), ClockOptions(start=START, mode="manual")) as running:
        yield running


def connect(running: Sandbox, kind: str) -> Any:
    """Return reader, writer and directory of the site, checked."""
    told, url = running.site(kind).describe(), running.url(kind)
    around, fields = Around(clock=SandboxClock(running)), load_site_map(MAPS[kind]).fields
    opened: Any
    if kind == "zendesk":
        reader, writer = credentials(url, told["reader"], "read"), credentials(url, told["writer"], "read write")
        opened = open_zendesk(
            ZendeskOptions(site=kind, base_url=url, reader=reader, writer=writer, fields=fields), around
        )
    else:
        basic = told["auth"]["basic"]
        auth = Basic(basic["email"], basic["token"])
        opened = open_jira(JiraOptions(site=kind, api_base=url, reader=auth, fields=fields, projects=("SUP",)), around)
    opened.reader.check()
    return opened


@dataclass
class Passes:
    """Passes over one site with its journal."""

    running: Sandbox
    kind: str
    journal: SqlJournal
    path: Path
    effects: frozenset[Effect] = frozenset()

    def __post_init__(self) -> None:
        self.ports = connect(self.running, self.kind)
        ample = Budget(least=NO_LIMIT, window=timedelta(hours=24))
        rules = SiteRules(
            name=self.kind,
            fingerprint="gates",
            effects=self.effects,
            budgets=dict.fromkeys(Effect, ample),
            unwritable=load_site_map(MAPS[self.kind]).unwritable,
        )
        self.reading = SiteReading(rules=rules, reader=self.ports.reader, directory=self.ports.directory)
        self.around = Surroundings(
            journal=self.journal,
            policies=OnePolicy(),
            renderer=TextRenderer(TEMPLATES, timezone="UTC", fallback=("en",)),
            notifier=Silent(),
            observer=Deaf(),
            clock=SandboxClock(self.running),
        )

    def run(self, *, fetch: bool = True) -> PassResult:
        return run_pass(Site(reading=self.reading, writer=self.ports.writer), self.around, kind="gate", fetch=fetch)

    @property
    def writes(self) -> int:
        """What the site itself counts: requests that wrote something."""
        found = [e for e in self.running.facts if e.site == self.kind and e.kind == "request"]
        return sum(1 for e in found if e.data["method"] in {"PUT", "DELETE"} or _is_write(e.data))

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row that tells of tickets."""
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True) as connection:
            names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            kept = [n for n in names if n not in EPHEMERAL and not n.startswith("sqlite_")]
            found = {name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr) for name in kept}  # noqa: S608
        connection.close()
        return found


def _is_write(data: Any) -> bool:
    return bool(data["method"] == "POST" and data["path"].endswith("/comment"))
