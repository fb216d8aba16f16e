"""A desk to play at: two simulated sites in another process, a folder as an operator has it, and the command line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from ruamel.yaml import YAML

from connector.bootstrap.demo import DemoOptions, prepare
from connector.cli.main import run as command_line
from connector.sandbox.client import SandboxClient
from tests.canaries import BODY, SUBJECT, found_in
from tests.e2e.nursery import nursery
from tests.languages import keep_languages

ROOT = Path(__file__).resolve().parents[2]
JIRA, ZENDESK = "jsm-eu", "zendesk"
SITES = (JIRA, ZENDESK)
GIVE_UP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert not found_in(self.out + self.err), (found_in(self.out + self.err), self.out, self.err)

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Standard output as one document per line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log's lines on standard error."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == name]


class Process:
    """A command that runs in a process of its own until it ends or is ended."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []

    @property
    def pid(self) -> int:
        return self._process.pid

    def await_event(self, name: str, **values: object) -> dict[str, Any]:
        """Read the log until an event; fails when the process ends before it."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line)
            said = json.loads(line) if line.startswith("{") else {}
            if said.get("event") == name and all(said.get(k) == v for k, v in values.items()):
                return dict(said)
        raise AssertionError(f"ended without {name}: {''.join(self.lines[-20:])}")

    def read_line(self) -> str:
        """Return the next line of standard output; fails when there is none any more."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "standard output ended"
        return line

    def tell(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.communicate(timeout=GIVE_UP_SECONDS)

    def end(self, number: signal.Signals | None = signal.SIGTERM) -> Ran:
        """Ask it to end (or only wait for it) and return what it left behind."""
        if number is not None:
            self.tell(number)
        out, err = self._process.communicate(timeout=GIVE_UP_SECONDS)
        return Ran(self._process.returncode, out, "".join(self.lines) + err)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


class Desk:
    """The operator's folder and commands, and the people on the other side.

    ``run`` calls the command line in this process, because starting Python takes far longer than most commands;
    ``process`` and ``start`` are the real thing for what only a process shows: signals, locks, crashes.
    """

    def __init__(self, client: SandboxClient, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self.config = prepare(DemoOptions(folder=folder), client)
        keep_languages(folder / "mappings", "en", "de")

    # ---- the operator

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit ``connector.yaml``."""
        yaml = YAML(typ="safe")
        document = yaml.load(self.config)
        change(document)
        with self.config.open("w") as file:
            yaml.dump(document, file)

    def site(self, name: str, **values: Any) -> None:
        """Set keys of one site."""

        def change(document: dict[str, Any]) -> None:
            next(s for s in document["sites"] if s["name"] == name).update(values)

        self.configure(change)

    def effects(self, *effects: str) -> None:
        """Switch the same effects on for both sites, and all others off."""
        for name in SITES:
            self.site(name, effects=list(effects))

    def only(self, name: str) -> None:
        """Keep one site alone."""
        self.configure(lambda document: document.update(sites=[s for s in document["sites"] if s["name"] == name]))

    def edit_policy(self, before: str, after: str) -> None:
        path = self.folder / "mappings" / "policy.yaml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    def run(self, *arguments: str) -> Ran:
        """Run one command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command_line(["-c", str(self.config), *arguments])
        return Ran(int(code), out.getvalue(), err.getvalue())

    def ok(self, *arguments: str) -> Ran:
        """Run one command that has to succeed."""
        ran = self.run(*arguments)
        assert ran.code == 0, (arguments, ran)
        return ran

    def start(self, *arguments: str, **environment: str) -> Process:
        """Start a command in a process of its own."""
        command = [sys.executable, "-m", "connector", "-c", str(self.config), *arguments]
        return Process(command, {**os.environ, **environment})

    def process(self, *arguments: str, **environment: str) -> Ran:
        """Run one command in a process of its own to its end."""
        with self.start(*arguments, **environment) as process:
            return process.end(None)

    # ---- people, time and truth

    def ticket(self, site: str, **details: Any) -> str:
        """Create a P1: impact department, urgency blocked."""
        known = {
            "subject": SUBJECT,
            "body": BODY,
            "requester": "pieter",
            "impact": "department",
            "urgency": "blocked",
            "group": "service-desk",
        }
        return self.client.create_ticket(site, **{**known, **details})

    def later(self, **length: float) -> None:
        self.client.advance(timedelta(**length))

    def view(self, site: str, ticket: str) -> dict[str, Any]:
        return next(row for row in self.client.view(site) if row["ticket"] == ticket)

    def writes(self, *sites: str) -> list[dict[str, Any]]:
        """Everything that came in through a site's API and changed it, by the sandbox's own account."""
        facts = self.client.truth()
        return [
            f
            for f in facts
            if f["via"] == "api" and f["kind"] in {"field", "comment", "ticket"} and f["site"] in (sites or SITES)
        ]

    def requests(self, site: str) -> list[dict[str, Any]]:
        return [f["data"] for f in self.client.truth(site, kind="request")]

    def ours(self, site: str, ticket: str) -> list[dict[str, Any]]:
        """Comments of our own account on one ticket."""
        view = self.view(site, ticket)
        return [c for c in view["comments"] if str(c["author"]).startswith("connector")]


@contextlib.contextmanager
def open_desk(folder: Path, *arguments: str) -> Iterator[Desk]:
    """Run two empty sites (or what ``arguments`` say) in another process, on stepped time."""
    with nursery().sandbox(*(arguments or ("--scenario", "empty"))) as client:
        yield Desk(client, folder)


def await_fault(client: SandboxClient, site: str, name: str, *, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Wait until a fault has struck: the other side is in the middle of that request now."""
    for _ in range(GIVE_UP_SECONDS * 50):
        if any(order["name"] == name and order["struck"] for order in client.faults(site)):
            return
        meanwhile()
        threading.Event().wait(0.02)
    raise AssertionError(f"the fault {name} did not strike")
