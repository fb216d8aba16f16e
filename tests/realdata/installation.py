"""An installation over the incident log: a policy with the log's own matrix, a map of one site, and ``sync``."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connector.cli.main import run as command_line
from connector.sandbox.client import SandboxClient

LEVELS = '["1 - High", "2 - Medium", "3 - Low"]'
POLICY = f"""\
version: 1
name: incident-log
defaults: {{timezone: UTC, locale: en, calendar: always}}
calendars:
  always: {{timezone: UTC, hours: {{mon-sun: ["00:00-24:00"]}}}}
priority:
  matrix:
    impact:  {LEVELS}
    urgency: {LEVELS}
    cells:  # min(4, impact + urgency - 1)
      - [P1, P2, P3]
      - [P2, P3, P4]
      - [P3, P4, P4]
  lower: true
  dwell: 0m
sla:
  pause_on: [waiting_customer]
  targets:
    - {{priority: P1, calendar: always, resolution: 4h}}
    - {{priority: P2, calendar: always, resolution: 8h}}
    - {{priority: P3, calendar: always, resolution: 3d}}
    - {{priority: P4, calendar: always, resolution: 10d}}
  thresholds:
    resolution:
      100%: {{note: breached}}
escalation:
  start: {{P1: at_once, P2: at_once, else: threshold}}
  paths:
    default:
      - {{level: 1, target: {{group: first-line}}}}
  routes:
    - {{path: default}}
"""
MAPS = {
    "zendesk": """\
version: 1
site: desk
kind: zendesk
scope: brand
locales: [en]
inputs:
  impact:  {{field: {impact}, values: {impact_tags}}}
  urgency: {{field: {urgency}, values: {urgency_tags}}}
level: {{field: {level}}}
path: {{field: {path}}}
priorities: {{P1: urgent, P2: high, P3: normal, P4: low}}
statuses: {{new: new, open: open, pending: waiting_customer, hold: on_hold, solved: solved, closed: closed}}
groups: {{first-line: {group}}}
""",
    "jira": """\
version: 1
site: desk
kind: jira
scope: project
locales: [en]
inputs: {{impact: {{field: {impact}}}, urgency: {{field: {urgency}}}}}
level: {{field: {level}}}
path: {{field: {path}}}
group_field: {{field: {group_field}}}
priorities: {{P1: 1, P2: 2, P3: 3, P4: 4}}
statuses:
  New: new
  Open: open
  Waiting for support: open
  In Progress: open
  Escalated: open
  Waiting for customer: waiting_customer
  Pending: on_hold
  Resolved: solved
  Done: solved
  Canceled: closed
  Closed: closed
groups: {{first-line: {group}}}
""",
}
TAGS = {
    name: {value: f"{name}_{value[0]}" for value in ("1 - High", "2 - Medium", "3 - Low")}
    for name in ("impact", "urgency")
}
"""On Zendesk an option is a tag, and no two fields may share one."""

LIFTED = {effect: {"least": 1_000_000, "per_ticket": 1000} for effect in ("fields", "notes", "assign")}


class Installation:
    """A folder as an operator would make it, and ``sync`` in this process."""

    def __init__(self, client: SandboxClient, kind: str, folder: Path, starter: Path) -> None:
        self._config = folder / "connector.yaml"
        site = client.site("desk")
        (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        (folder / "map.yaml").write_text(_map(kind, site), encoding="utf-8")
        shutil.copytree(starter / "templates", folder / "templates")
        secrets = folder / "secrets"
        secrets.mkdir(mode=0o700)
        for name, secret in _secrets(kind, site).items():
            (secrets / name).touch(mode=0o600)
            (secrets / name).write_text(secret)
        document = {
            "state": "sqlite:///state.db",
            "policy": "policy.yaml",
            "templates": "templates",
            "secrets_dir": "secrets",
            "clock_url": client.clock_url,
            "sites": [_site(kind, site)],
        }
        self._config.write_text(json.dumps(document, indent=1), encoding="utf-8")

    def sync(self) -> dict[str, Any]:
        """Run one pass and return its counts."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command_line(["-c", str(self._config), "-q", "-o", "json", "sync"])
        assert code == 0, (code, err.getvalue()[-4000:], out.getvalue()[-2000:])
        (row,) = json.loads(out.getvalue())["sites"]
        return dict(row)


def _map(kind: str, site: Mapping[str, Any]) -> str:
    names = {name: site["fields"][name] for name in ("impact", "urgency", "level", "path")}
    groups = site["groups"]
    if kind == "jira":
        names["group_field"] = site["fields"]["group"]
    else:
        for name, tags in TAGS.items():
            names[f"{name}_tags"] = json.dumps({tag: value for value, tag in tags.items()})
    return MAPS[kind].format(**names, group=next(iter(groups.values())) if kind == "zendesk" else groups[0])


def _secrets(kind: str, site: Mapping[str, Any]) -> dict[str, str]:
    if kind == "jira":
        return {"desk": site["auth"]["basic"]["token"]}
    return {f"desk_{role}": site[role]["client_secret"] for role in ("reader", "writer")}


def _site(kind: str, site: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {"name": "desk", "kind": kind, "base_url": site["base_url"], "map": "map.yaml"}
    known |= {"effects": ["fields", "notes", "assign"], "budgets": LIFTED}
    if kind == "jira":
        auth = {"method": "token", "email": site["auth"]["basic"]["email"]}
        return {**known, "projects": site["projects"], "auth": auth}
    auth = {role: {"method": "oauth", "client_id": site[role]["client_id"]} for role in ("reader", "writer")}
    return {**known, "auth": auth}
