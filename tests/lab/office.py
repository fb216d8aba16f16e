"""An installation as an operator has it, small enough to be started hundreds of times: one policy, one language."""

from __future__ import annotations

import atexit
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from connector.journal import open_journal
from connector.starter import starter_folder
from tests.languages import keep_languages

JIRA, ZENDESK = "jsm-eu", "zendesk"
KINDS: Mapping[str, str] = {JIRA: "jira", ZENDESK: "zendesk"}
POLICY = Path(__file__).with_name("policy.yaml")
EFFECTS = "[fields, notes, assign, public]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Where an installation lies and how it reads its sites.

    Attributes:
        sites: As the sandbox describes them, by name.
        clock_url: Who owns the time; ``None`` where the clock is handed in.
        poll_every: As ``connector.yaml`` has it.
        update_every: How often the policy has a customer with a P1 told how it stands.
        edits: What else stands in policy, maps or configuration in the place of what.
    """

    folder: Path
    sites: Mapping[str, Mapping[str, Any]]
    clock_url: str | None = None
    poll_every: str = "15m"
    update_every: str = "40m"
    edits: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "connector.yaml"

    @property
    def state(self) -> Path:
        return self.folder / "state.db"

    def furnish(self) -> None:
        """Write everything but the state."""
        mappings = self.folder / "mappings"
        if not mappings.exists():
            _mappings(mappings)
            policy = POLICY.read_text(encoding="utf-8").replace("every: 40m", f"every: {self.update_every}")
            (mappings / "policy.yaml").write_text(policy, encoding="utf-8")
            for path in (mappings / "policy.yaml", *(mappings / "sites").glob("*.yaml")):
                path.write_text(self._edited(path.read_text(encoding="utf-8")), encoding="utf-8")
        secrets = self.folder / "secrets"
        secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, secret in self._secrets().items():
            (secrets / name).write_text(secret)
            (secrets / name).chmod(0o600)
        self.config.write_text(self._edited(self._configuration()), encoding="utf-8")

    def _edited(self, text: str) -> str:
        for before, after in self.edits.items():
            text = text.replace(before, after)
        return text

    def _secrets(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, site in self.sites.items():
            if name == JIRA:
                found["jsm_eu"] = site["auth"]["basic"]["token"]
            else:
                found |= {f"zendesk_{role}": site[role]["client_secret"] for role in ("reader", "writer")}
        return found

    def _configuration(self) -> str:
        clock = f"clock_url: {self.clock_url}\n" if self.clock_url else ""
        sites = "".join(_SITE[name](self, site) for name, site in self.sites.items())
        return (
            f"state: sqlite:///state.db\npolicy: mappings/policy.yaml\ntemplates: mappings/templates\n"
            f"secrets_dir: secrets\nlog: {{format: json}}\n{clock}sites:\n{sites}"
        )

    def jira(self, site: Mapping[str, Any]) -> str:
        return (
            f"  - name: {JIRA}\n    kind: jira\n    base_url: {site['base_url']}\n    projects: [SUP]\n"
            f"    map: mappings/sites/{JIRA}.yaml\n"
            f"    auth: {{method: token, email: {site['auth']['basic']['email']}}}\n" + self._common()
        )

    def zendesk(self, site: Mapping[str, Any]) -> str:
        reader, writer = site["reader"]["client_id"], site["writer"]["client_id"]
        return (
            f"  - name: {ZENDESK}\n    kind: zendesk\n    base_url: {site['base_url']}\n"
            f"    map: mappings/sites/{ZENDESK}.yaml\n    auth:\n"
            f"      reader: {{method: oauth, client_id: {reader}, scope: read}}\n"
            f"      writer: {{method: oauth, client_id: {writer}, scope: read write}}\n" + self._common()
        )

    def _common(self) -> str:
        return (
            f"    effects: {EFFECTS}\n    may_stop_native_first_response: true\n"
            f"    poll: {{every: {self.poll_every}}}\n"
            "    budgets: {fields: {least: 200}, notes: {least: 200}, assign: {least: 200},"
            " public: {least: 200, per_ticket: 20}}\n"
        )


_SITE = {JIRA: Office.jira, ZENDESK: Office.zendesk}


def _mappings(folder: Path) -> None:
    """Copy the starter's maps and its English texts; the policy is the lab's own."""
    shutil.copytree(starter_folder(), folder, ignore=shutil.ignore_patterns("tests"))
    keep_languages(folder, "en")


def empty_state(path: Path) -> Path:
    """Make a state that knows nothing yet, with its schema up to date, for copying."""
    open_journal(f"sqlite:///{path}", least_free=0).close()
    return path


@cache
def empty_template() -> Path:
    """Return such a state, made once in a process; it goes when the process ends."""
    folder = TemporaryDirectory(prefix="empty-state-")
    atexit.register(folder.cleanup)
    return empty_state(Path(folder.name) / "empty.db")


def copy_state(template: Path, to: Path) -> None:
    """Put a state where an installation looks for it."""
    shutil.copyfile(template, to)
    os.chmod(to, 0o600)  # noqa: PTH101
    witness = template.with_name(f"{template.name}.witness")
    if witness.exists():
        shutil.copyfile(witness, to.with_name(f"{to.name}.witness"))
