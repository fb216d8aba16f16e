"""One story, told with deaths: the daemon is killed, started again and killed again until the story is over.

What a story leads to depends on when the connector looks: a person who acts a minute before a level is due acknowledges
the one before it, a minute later the next one. A process that starts looks at once, so a death moves every later look.
The same story is therefore also told *attended*: nobody dies, and the daemon is asked by its control socket to look at
the very moments at which a new process did, and as often. What is then left to differ is what a death must not change.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from connector.engine.control import call
from connector.sandbox.client import SandboxClient
from connector.sandbox.script import Scenario
from tests.crash.failpoints import Failpoints, Kill, Tally
from tests.crash.judge import LATE, Account, account
from tests.crash.processes import NARRATOR, Child, connector, sandbox, until_dead_or
from tests.lab.office import KINDS, Office, copy_state

STEP = timedelta(seconds=5)


@dataclass(slots=True)
class Told:
    """How a story went.

    Attributes:
        killed: Boundaries at which a process really died, in order.
        looks: Moments at which a process died, with the passes that were begun there and came to their end.
        again: How many of them came before the process had ended its first pass: recovery itself was interrupted.
        counts: How often each boundary was passed by the last process.
        parked: Tickets on which a write waits for a person, by the journal.
        sending: How many writes have no outcome although they were sent in good time.
    """

    account: Account
    killed: list[str] = field(default_factory=list)
    looks: dict[datetime, int] = field(default_factory=dict)
    again: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    parked: frozenset[str] = frozenset()
    sending: int = 0
    took: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where stories are told: a folder of its own, and a state that knows nothing yet, to copy."""

    folder: Path
    template: Path
    vendor: str


def play(
    stage: Stage,
    scenario: Scenario,
    kills: Sequence[Kill] = (),
    *,
    looks: Mapping[datetime, int] = MappingProxyType({}),
) -> Told:
    """Tell a story; the first process dies at the first kill, the next at the second, and so on.

    ``looks`` are moments at which a process that nobody kills is asked to poll until it has passed so often.

    Raises:
        AssertionError: A process ended in another way than ordered, or time stood still.
    """
    began = time.perf_counter()
    shutil.rmtree(stage.folder / "logs", ignore_errors=True)
    (stage.folder / "logs").mkdir(parents=True)
    with sandbox(scenario, {stage.vendor: KINDS[stage.vendor]}, stage.folder / "logs") as client:
        office = Office(
            folder=stage.folder, sites={stage.vendor: client.site(stage.vendor)}, clock_url=client.clock_url
        )
        office.furnish()
        _fresh_state(office, stage.template, kills)
        told = _Life(office, stage, client, scenario).told(list(kills), looks)
        facts = [*client.truth(kind="problem"), *client.truth(kind="mail")]
        told.account = account({stage.vendor: client.view(stage.vendor)}, facts, scenario.ends_at)
        if told.account.problems:
            raise AssertionError(f"the sandbox failed: {told.account.problems[:3]}")
        told.parked = frozenset(_ask(office, "select distinct ticket from op where status = 'parked'"))
        late = int((scenario.ends_at - LATE).timestamp() * 1_000_000)
        told.sending = len(_ask(office, f"select id from op where status = 'sending' and sent_at < {late}"))  # noqa: S608
    told.took = time.perf_counter() - began
    return told


def _fresh_state(office: Office, template: Path, kills: Sequence[Kill]) -> None:
    for path in office.folder.glob("state.db*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    if kills and not any(kill.boundary == "migration" for kill in kills):
        copy_state(template, office.state)


@dataclass(slots=True)
class _Life:
    """The connector's life in one story: one process after another."""

    office: Office
    stage: Stage
    client: SandboxClient
    scenario: Scenario

    def told(self, kills: list[Kill], looks: Mapping[datetime, int]) -> Told:
        told = Told(account=account({}, [], self.scenario.ends_at))
        tally, passes = Tally(), 0
        died_at: list[datetime] = []
        self.client.join(NARRATOR)
        while True:
            kill = kills.pop(0) if kills else None
            child = self._born(kill, tally)
            try:
                died = self._until_the_end(child, kill, looks)
            finally:
                child.kill()
            told.counts = tally.counts()
            if not died:
                told.looks = {moment: self._passes(moment) for moment in died_at}
                return told
            if not child.was_killed or kill is None:
                raise AssertionError(f"the connector ended with {child.code}: {_tail(self.stage.folder)}")
            told.killed.append(kill.boundary)
            passes, before = self._passes(), passes
            told.again += len(told.killed) > 1 and passes == before
            self.client.join(NARRATOR)  # works again: time stands still until the next process takes part
            self.client.leave("connector/*")
            died_at.append(self.client.now())

    def _passes(self, at: datetime | None = None) -> int:
        """Return how many passes came to their end, those begun at a moment; the next process stops the others."""
        begun = "" if at is None else f" and started_at = {int(at.timestamp() * 1_000_000)}"
        ended = "select id from run where ended_at is not null and outcome != 'stopped'"
        return len(_ask(self.office, ended + begun))

    def _polled(self, at: datetime) -> bool:
        """Whether the latest good poll was at this moment; the next ones are counted from there."""
        return _ask(self.office, "select last_good_at from site") == [str(int(at.timestamp() * 1_000_000))]

    def _born(self, kill: Kill | None, tally: Tally) -> Child:
        vendor = self.stage.vendor
        ports = frozenset({int(self.client.site(vendor)["base_url"].rpartition(":")[2])})
        tally.clear()
        self.client.join(f"connector/{vendor}")  # in its name, before it runs: time must not run away
        log = self.stage.folder / "logs" / "connector.log"
        return connector(["-c", str(self.office.config), "run"], Failpoints(kill, tally, ports), log)

    def _by_steps(self, child: Child) -> bool:
        """Let time go by a little at a time until the child has died, or the story is over; True when it died.

        The main thread may die of a reload while the site's one waits for its time. That party is then gone, not at
        work, and time would go on to the end of whatever the narrator waits for, with nobody there.
        """
        while (now := self.client.now()) < self.scenario.ends_at:
            if until_dead_or(child, self.client, min(now + STEP, self.scenario.ends_at)):
                return True
        return False

    def _until_the_end(self, child: Child, kill: Kill | None, looks: Mapping[datetime, int]) -> bool:
        if kill is not None and kill.boundary in {"reload", "backup"}:  # they come by the machine's own time
            return until_dead_or(child, self.client, None) or self._by_steps(child)
        for moment, wanted in looks.items():
            if until_dead_or(child, self.client, moment):
                return True
            for _ in range(max(wanted - self._passes(moment), not self._polled(moment))):
                call(self.office.state.with_name("state.db.sock"), "poll")
                until_dead_or(child, self.client, moment)  # the pass comes first: a narrator waits until all others do
        return until_dead_or(child, self.client, self.scenario.ends_at)


def _tail(folder: Path) -> str:
    return (folder / "logs" / "connector.log").read_text(encoding="utf-8")[-2000:]


def _ask(office: Office, query: str) -> list[str]:
    """Ask the journal between two lives of the connector."""
    if not office.state.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{office.state}?mode=ro", uri=True)) as connection:
        try:
            return [str(row[0]) for row in connection.execute(query)]
        except sqlite3.OperationalError:  # killed before there was a schema
            return []
