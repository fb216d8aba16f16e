"""The demo: two simulated sites in another process, a folder with everything a real installation has, one daemon."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from connector.bootstrap.connector import Connector, Observe
from connector.bootstrap.service import Service
from connector.errors import ConnectorError
from connector.sandbox.client import SandboxClient, SandboxProcess
from connector.settings import load_settings
from connector.starter import starter_folder

MARK = ".connector-demo"
"""A folder with this file is one of ours and may be made anew."""

NARRATOR = "narrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """How to play.

    Attributes:
        folder: Where configuration, state and secrets go; kept afterwards, for the commands to try.
        speed: Simulated seconds per second; ``None`` plays in stepped time and ends by itself.
        port: First of the ports to serve on; 0 takes free ones.
    """

    folder: Path
    seed: int = 1
    speed: float | None = None


@contextmanager
def sandbox(options: DemoOptions) -> Iterator[SandboxClient]:
    """Run the simulated sites in a process of their own, and stop them in the end."""
    arguments = ["--scenario", "demo", "--seed", str(options.seed)]
    if options.speed is not None:
        arguments += ["--mode", "running", "--speed", str(options.speed)]
    process = SandboxProcess(*arguments)
    try:
        client = process.start()
    except RuntimeError as error:
        raise ConnectorError(f"the simulated sites did not start: {error}") from error
    try:
        yield client
    finally:
        process.stop()


def prepare(options: DemoOptions, client: SandboxClient) -> Path:
    """Write the folder: configuration, secrets, a copy of the starter's mappings; return the configuration's path."""
    folder = options.folder
    if folder.exists():
        if not (folder / MARK).exists():
            raise ConnectorError(f"{folder} exists and is no demo of ours", remedy="choose another: --folder PATH")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).write_text("made by `connector demo`; may be deleted\n")
    shutil.copytree(starter_folder(), folder / "mappings")
    jira, zendesk = client.site("jsm-eu"), client.site("zendesk")
    _write_secrets(
        folder / "secrets",
        {
            "jsm_eu": jira["auth"]["basic"]["token"],
            "zendesk_reader": zendesk["reader"]["client_secret"],
            "zendesk_writer": zendesk["writer"]["client_secret"],
        },
    )
    path = folder / "connector.yaml"
    path.write_text(_configuration(client, jira, zendesk), encoding="utf-8")
    return path


def tell_customers(configuration: Path) -> None:
    """Let customers with a P1 hear from us every hour; the starter reminds the team to write, and leaves it at that."""
    policy = configuration.parent / "mappings" / "policy.yaml"
    text = policy.read_text(encoding="utf-8")
    told = text.replace("note: status-update, public: false", "note: customer-update, public: true")
    if told == text:
        raise ConnectorError(f"{policy} has no regular update that the demo could make public")
    policy.write_text(told, encoding="utf-8")


def _write_secrets(folder: Path, secrets: Mapping[str, str]) -> None:
    folder.mkdir(mode=0o700)
    for name, secret in secrets.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secret)


def _configuration(client: SandboxClient, jira: Mapping[str, Any], zendesk: Mapping[str, Any]) -> str:
    return f"""\
# Made by `connector demo`: two simulated sites on this machine, on the sandbox's clock.
state: sqlite:///state.db
policy: mappings/policy.yaml
templates: mappings/templates
secrets_dir: secrets
clock_url: {client.clock_url}
sites:
  - name: jsm-eu
    kind: jira
    base_url: {jira["base_url"]}
    projects: [SUP]
    map: mappings/sites/jsm-eu.yaml
    timezone: Europe/Berlin
    locale: de
    auth: {{method: token, email: {jira["auth"]["basic"]["email"]}}}
    effects: [fields, notes, assign, public]
    poll: {{every: 2m}}
  - name: zendesk
    kind: zendesk
    base_url: {zendesk["base_url"]}
    map: mappings/sites/zendesk.yaml
    auth:
      reader: {{method: oauth, client_id: {zendesk["reader"]["client_id"]}, scope: read}}
      writer: {{method: oauth, client_id: {zendesk["writer"]["client_id"]}, scope: read write}}
    effects: [fields, notes, assign, public]
    poll: {{every: 2m}}
"""


def play(path: Path, client: SandboxClient, observe: Observe, *, stepped: bool) -> int:
    """Run the daemon over the demo's day (for good where time is not stepped) and return its exit code."""
    program = Connector(load_settings(path), observe)
    with program.journal() as journal:
        if stepped:
            client.join(NARRATOR)
        service = Service(program, journal)
        if not stepped:
            return service.run()
        ends_at = datetime.fromisoformat(client.story()["ends_at"])
        leave = partial(client.leave, NARRATOR)  # a party that no longer waits would hold the others up
        return service.run(until=lambda: _day_is_over(client, ends_at), on_signal=leave)


def _day_is_over(client: SandboxClient, ends_at: datetime) -> bool:
    """Take part in time until the day ends: the narrator is the party that says when."""
    return bool(client.wait(NARRATOR, ends_at, patience=1.0)["reached"])


def freeze_clock(path: Path) -> None:
    """Take the sandbox's clock out of the configuration once it is gone; explain then needs ``--at``."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("clock_url:")]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
