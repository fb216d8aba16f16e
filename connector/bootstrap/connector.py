"""The program, composed from its configuration: what every command calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from connector.bootstrap import backups, steering
from connector.bootstrap.answering import answering
from connector.bootstrap.applying import apply_plan_file
from connector.bootstrap.checking import Checked, check
from connector.bootstrap.clock import FixedClock, RealClock, SteppedClock
from connector.bootstrap.erasing import EraseReport, erase
from connector.bootstrap.explaining import explain_ticket
from connector.bootstrap.helpdesks import connect
from connector.bootstrap.logbook import LogBook, LogQuestion
from connector.bootstrap.parked import parked_items, settle_parked
from connector.bootstrap.places import Places
from connector.bootstrap.planning import plan_sites
from connector.bootstrap.policies import CurrentRenderer, LoadedPolicies, load_configuration
from connector.bootstrap.reports import (
    ApplyReport,
    ExplainReport,
    attention_items,
)
from connector.bootstrap.service import Service
from connector.bootstrap.silent import Silent
from connector.bootstrap.status import StatusReport, status_report
from connector.bootstrap.stopping import heeding_signals
from connector.bootstrap.syncing import sync_sites
from connector.domain.site import SiteRules
from connector.engine.control import call
from connector.engine.daemon import SiteLoop
from connector.engine.kit import Surroundings
from connector.engine.passes import PassResult, Site
from connector.engine.planfile import VALID_FOR, write_plan_file
from connector.engine.reconcile import PassPlan
from connector.engine.timekeeping import Timekeeper
from connector.errors import Busy, ConnectorError, WrongUse
from connector.helpdesks.transport import Redactor
from connector.helpdesks.transport import Surroundings as Line
from connector.journal import has_room, open_journal, open_records
from connector.notify.hooks import Hooks
from connector.notify.outbox import Deliveries
from connector.ports import Clock, Journal, Notifier, Observer, Outbox, Records
from connector.settings import Settings, site_rules

Observe = Callable[["Connector"], Observer]
"""Makes the observer of a program: from its settings, its redactor and its ``now``."""


class Connector:
    """One configuration, composed. Commands call it and print; it prints nothing itself.

    ``stopping`` is set once ``sync`` or ``apply`` was asked to end by a signal.
    """

    def __init__(self, settings: Settings, observe: Observe) -> None:
        """Compose the program; raises ``ConfigError`` with every problem of policy, maps and templates.

        ``observe`` makes the observer; it is called before anything is read or sent.
        """
        self.settings = settings
        self.redactor = Redactor(secret.get_secret_value() for secret in settings.secrets.values())
        self.places = Places.beside(settings.state_url)
        self.stopping = threading.Event()
        self._clock = self.make_clock("main", join=False)
        self._log_clock = self.make_clock("log", join=False)
        self.observer = observe(self)
        self.policies = LoadedPolicies(settings, today=self._clock.now().date())

    @classmethod
    def load(cls, path: Path, observe: Observe, *, need_secrets: bool = True) -> Connector:
        """Read ``connector.yaml`` and compose the program; raises ``ConfigError`` with every problem of every file."""
        return cls(load_configuration(path, need_secrets=need_secrets), observe)

    # ---- parts

    def now(self) -> datetime:
        """Return the present moment for a line of the log; callable from any thread."""
        return self._log_clock.now()

    def make_clock(self, party: str, *, join: bool = True) -> RealClock | SteppedClock:
        """Return a clock for one thread of work: the machine's, or the sandbox's where the configuration says so."""
        if self.settings.clock_url is None:
            return RealClock()
        return SteppedClock(str(self.settings.clock_url), f"connector/{party}", join=join)

    def select(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return configured sites by name (``site:NAME`` works, too), all of them when none is named.

        Raises:
            WrongUse: A name is not configured.
        """
        wanted = [n.removeprefix("site:") for n in names]
        for name in wanted:
            if name not in self.settings.site_names:
                raise WrongUse(f"no site is called {name!r}", remedy=f"known: {', '.join(self.settings.site_names)}")
        return tuple(n for n in self.settings.site_names if n in wanted) if wanted else self.settings.site_names

    def rules(self, name: str) -> SiteRules:
        """Return what the operator allows on a site."""
        rules = site_rules(self.settings.site(name))
        bound = self.policies.loaded.maps[name]
        return replace(rules, unwritable=bound.unwritable, hold_label=bound.fields.hold_label)

    def rules_if_known(self, name: str) -> SiteRules | None:
        """Return what the operator allows on a site; ``None`` for one that is not configured."""
        return self.rules(name) if name in self.settings.site_names else None

    def site(self, name: str, clock: Clock) -> Site:
        """Return a site with its adapters."""
        names = self.policies.loaded.maps[name].fields
        return connect(self.settings, self.rules(name), names, Line(clock=clock, redactor=self.redactor))

    def around(self, name: str, journal: Journal, clock: Clock, notifier: Notifier | None = None) -> Surroundings:
        """Return what a pass over the site ``name`` works in."""
        time = Timekeeper(clock) if type(clock) is RealClock else None  # stepped and fixed time is never in doubt
        return Surroundings(
            journal=journal,
            policies=self.policies,
            renderer=CurrentRenderer(self.policies, self.settings.site(name)),
            notifier=notifier or Silent(),
            observer=self.observer,
            clock=time.clock if time else clock,
            stopped=self.pause_file,
            rules_of=self.rules_if_known,
            time=time,
        )

    def hooks(
        self,
        ping_url: str | None = None,
        *,
        outbox: Outbox | None = None,
        is_well: Callable[[], bool] = lambda: True,
    ) -> Hooks:
        """Return the notifier that the configuration asks for; it empties ``outbox`` after every pass.

        What other processes said stands there, too. No ping goes out unless ``is_well``.
        """
        configured = str(self.settings.ping_url) if self.settings.ping_url else None
        return Hooks(
            command=self.settings.alarm_command,
            ping_url=ping_url or configured,
            observer=self.observer,
            deliveries=Deliveries(outbox, self.now, self.observer) if outbox is not None else None,
            memory=outbox,
            is_well=is_well,
            now=self.now,
        )

    def records(self) -> Records:
        """Return the read side of the state; raises ``ConnectorError`` when there is none yet."""
        return open_records(self.settings.state_url)

    @contextmanager
    def journal(self, *, least_free: int | None = None) -> Iterator[Journal]:
        """Hold the state for writing; raises ``Busy`` when another process does, ``StateFull`` without room for it."""
        journal = open_journal(self.settings.state_url, least_free=least_free)
        try:
            loaded = self.policies.loaded
            journal.remember_policy(loaded.policy, loaded.document, now=self._clock.now())
            yield journal
        finally:
            journal.close()

    @contextmanager
    def journal_if_free(self, *, least_free: int | None = None) -> Iterator[Journal | None]:
        """Hold the state for writing; ``None`` when another process does, which is then to be asked."""
        with ExitStack() as stack:
            try:
                journal = stack.enter_context(self.journal(least_free=least_free))
            except Busy:
                journal = None
            yield journal

    # ---- reading commands

    def plan(
        self, names: Sequence[str], *, at: datetime | None = None
    ) -> tuple[list[PassPlan], list[tuple[str, ConnectorError]]]:
        """Plan each site on a private copy of the state: the same code as a pass, and nothing is stored or sent."""
        return plan_sites(self, names, at=at)

    def write_plan(self, path: Path, plans: Sequence[PassPlan]) -> None:
        """Keep plans in a private file."""
        write_plan_file(path, plans, fingerprints={p.site: self.rules(p.site).fingerprint for p in plans})

    def explain(self, ticket: str, *, at: datetime | None) -> ExplainReport:
        """Explain one ticket from what is stored."""
        return explain_ticket(self, ticket, at=at or self._clock.now(), rewound=at is not None)

    def status(self) -> StatusReport:
        """Return how every site is."""
        return status_report(self, now=self._clock.now())

    def check(self, names: Sequence[str]) -> list[Checked]:
        """Look at every site with both credentials: what is missing, too much, or bound to nothing."""
        return check(self, names, now=self._clock.now())

    def log(self, **asked: Any) -> list[dict[str, Any]]:
        """Return runs or audit lines, oldest first; see ``LogQuestion`` for what may be asked."""
        return LogBook(self, LogQuestion(**asked)).rows(now=self._clock.now())

    def follow(self, **asked: Any) -> Iterator[list[dict[str, Any]]]:
        """Yield what ``log`` returns, then batches of new rows as they come; the reader ends it."""
        return LogBook(self, LogQuestion(**asked)).follow(RealClock())

    def attention(self) -> list[dict[str, Any]]:
        """Return everything that waits for a person."""
        there = self.places.paused if self.places.is_paused else None
        return attention_items(self.records(), self.settings.site_names, now=self._clock.now(), pause_file=there)

    def parked(self) -> list[dict[str, Any]]:
        """Return writes whose outcome nobody could tell."""
        return parked_items(self.records(), self.settings.site_names, now=self._clock.now())

    def settle_parked(self, action: str, key: str, *, actor: str) -> dict[str, Any]:
        """Settle one of them, here or in the process that holds the state: ``resend``, ``done`` or ``drop``."""
        with self.journal_if_free() as journal:
            if journal is not None:
                return settle_parked(self, journal, action, key, actor=actor)
        return dict(call(self.places.socket, "parked", action=action, key=key, actor=actor))

    def policy_document(self, digest: str | None) -> str:
        """Return the canonical document of the policy in force, or of an earlier one by hash."""
        if digest is None or self.policies.current().hash.startswith(digest):
            return self.policies.loaded.document
        document = self.records().policy(digest)
        if document is None:
            raise ConnectorError(f"no policy whose hash begins with {digest}", remedy="connector log --runs -o json")
        return document

    # ---- writing commands

    def sync(self, names: Sequence[str], *, ping_url: str | None = None) -> list[PassResult]:
        """Run one pass per site; see ``sync_sites``."""
        with self.journal() as journal:
            return sync_sites(self, journal, names, ping_url=ping_url)

    def may_write(self) -> bool:
        """True unless we are to end, a file ``PAUSED`` stands beside the state, or its disk is all but full."""
        return not self.stopping.is_set() and not self.places.is_paused and has_room(self.settings.state_url)

    def pause_file(self) -> str:
        """Return why nothing is written on any site while a file ``PAUSED`` stands beside the state, else nothing."""
        return f"the file {self.places.paused} exists" if self.places.is_paused else ""

    def apply_file(self, path: Path) -> ApplyReport:
        """Write exactly what a plan file holds, here or in the process that holds the state."""
        with self.journal_if_free() as journal:
            if journal is not None:
                with heeding_signals(self.stopping), answering(self, journal, "an apply"):
                    return self.apply_with(journal, path)
        answer = call(self.places.socket, "apply", patience=VALID_FOR.total_seconds(), path=str(path.resolve()))
        report = ApplyReport(written=answer["written"], failed=answer["failed"], stopped=answer["stopped"])
        report.refused, report.held = [(key, why) for key, why in answer["refused"]], answer["held"]
        return report

    def apply_with(self, journal: Journal, path: Path, at: Mapping[str, SiteLoop] | None = None) -> ApplyReport:
        """Apply a plan file with the state held; a site that has a thread of its own has it done there."""
        return apply_plan_file(self, journal, path, at)

    def erase(self, *, ticket: str, user: str, actor: str) -> EraseReport:
        """Erase what is kept about a ticket or an account; raises ``Busy`` while a process holds the state."""
        return erase(self, ticket=ticket, user=user, actor=actor, now=self._clock.now())

    def run(self, *, ping_url: str | None = None, webhooks: str | None = None) -> int:
        """Stay until SIGTERM or Ctrl-C; return the exit code. ``webhooks`` is the address to listen on."""
        with self.journal() as journal:
            return Service(self, journal, ping_url=ping_url, webhooks=webhooks).run()

    def backup(self, place: Path | None) -> Path:
        """Back the state up and return the verified backup; see ``backups``."""
        return backups.back_up(self, place, now=self._clock.now())

    def restore(self, source: Path | None) -> Path | None:
        """Put a backup in the state's place (``None``: it was done elsewhere); return where the old state is kept."""
        if source is None:
            backups.forget(self)
            return None
        return backups.restore(self, source, now=self._clock.now())

    def pause(self, names: Sequence[str], *, reason: str, actor: str) -> None:
        """Pause writes on sites, here or in the process that holds the state."""
        steering.steer(self, "pause", names, reason=reason, actor=actor)

    def resume(self, names: Sequence[str], *, allow: int, actor: str) -> None:
        """Clear pauses and freezes, here or in the process that holds the state."""
        steering.steer(self, "resume", names, allow=allow, actor=actor)

    def approve(self, text: str, *, actor: str) -> int:
        """Let the steps of a ticket through that wait for approval, here or in the process that holds the state."""
        return steering.approve(self, text, actor=actor)

    def moment(self) -> datetime:
        """Return the present moment of the main thread of work."""
        return self._clock.now()

    def clock_at(self, at: datetime | None) -> Clock:
        """Return the clock of the main thread of work, or one that stands still at a moment."""
        return FixedClock(at) if at else self._clock
