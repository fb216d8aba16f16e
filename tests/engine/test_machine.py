"""Two helpdesks, people, rival bots, faults and deaths in any order: what the connector promises holds after each."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from connector.domain.events import Actor
from connector.domain.policy import StormRules
from connector.domain.site import Budget, Effect
from connector.domain.ticket import Link, LinkKind, Priority, Status, Text
from connector.engine.next_step import APART, QUARANTINE
from connector.engine.passes import PassOutcome, PassResult
from connector.helpdesks.memory import AGENT, BOT, CUSTOMER, Fault, MemoryHelpdesk
from connector.ports import AsideKind
from tests.engine import ledger
from tests.engine.stage import MINUTE, MONDAY, POLICY, SECOND, Desk, IndexedReader, Killed, Stage
from tests.helpdesks.stopped_clock import StoppedClock

LOUDER = replace(
    POLICY,
    hash="louder" * 10 + "beef",
    cadence={p: replace(POLICY.cadence[Priority.P1], public=True) for p in (Priority.P1, Priority.P2)},
    priority=replace(POLICY.priority, lower=True),
    quiet=replace(POLICY.quiet, min_interval=timedelta(0)),
    storm=StormRules(count=4),
)
"""The starter with lowering, with regular updates that the requester reads, and with storms of four."""

POLICIES = {"starter": POLICY, "louder": LOUDER}

TIGHT = {
    Effect.FIELDS: Budget(least=2, window=timedelta(minutes=10), reserve=1),
    Effect.ASSIGN: Budget(least=2, window=timedelta(minutes=10), reserve=1),
    Effect.NOTES: Budget(least=2, window=timedelta(hours=1)),
    Effect.PUBLIC: Budget(least=1, window=timedelta(hours=1), per_ticket=1),
}

SITES = ("alpha", "beta")
IN_ORDER = (Effect.FIELDS, Effect.NOTES, Effect.ASSIGN, Effect.PUBLIC)
sites = st.sampled_from(SITES)
who = st.sampled_from([AGENT, BOT])
priorities = st.sampled_from(Priority)
OUTAGE = {"impact": "site", "urgency": "blocked", "category": "network"}
DEGRADED = {"impact": "department", "urgency": "degraded"}
facts: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        OUTAGE,
        DEGRADED,
        {"impact": "user", "urgency": "inconvenient"},
        {"category": "legal-hold"},
        {"requester.tags": frozenset({"vip"}), "impact": "team", "urgency": "blocked"},
        {},
    ]
)
subjects = st.sampled_from(["The printer is slow", "Ransomware on my laptop", "Nothing works"])
faults = st.lists(st.none() | st.sampled_from([f for f in Fault if f is not Fault.UNAVAILABLE]), max_size=3)
spans = st.sampled_from([SECOND * 30, MINUTE * 2, MINUTE * 11, MINUTE * 35, timedelta(hours=5), timedelta(days=3)])
STATUSES = (Status.OPEN, Status.WAITING_CUSTOMER, Status.SOLVED, Status.CLOSED)
Act = Callable[[MemoryHelpdesk, str, Actor, int], None]


def _labelled(world: MemoryHelpdesk, id_: str, by: Actor, choice: int) -> None:
    label = ("security", "not-security", "esc-hold", "esc-hold")[choice]
    world.update(id_, by, labels=world.ticket(id_).labels ^ {label})


def _filled_in(world: MemoryHelpdesk, id_: str, by: Actor, choice: int) -> None:
    name, value = (("impact", "site"), ("impact", "user"), ("urgency", "blocked"), ("urgency", "degraded"))[choice]
    world.set_fact(id_, name, value, by)


def _commented(world: MemoryHelpdesk, id_: str, _by: Actor, choice: int) -> None:
    world.comment(id_, "Hello", (AGENT, AGENT, CUSTOMER, BOT)[choice], public=choice > 0)


def _merged(world: MemoryHelpdesk, id_: str, by: Actor, choice: int) -> None:
    if str(choice + 1) in world.rows and id_ != str(choice + 1):
        world.merge(id_, str(choice + 1), by)


def _linked(kind: LinkKind) -> Act:
    def act(world: MemoryHelpdesk, id_: str, by: Actor, choice: int) -> None:
        """Twins and work are on the other site, problems on the same one."""
        other = world.site if kind is LinkKind.PROBLEM else next(name for name in SITES if name != world.site)
        links = (*world.ticket(id_).links, Link(kind=kind, target=str(choice + 1), site=other))
        world.update(id_, by, links=tuple(dict.fromkeys(links)))

    return act


ACTS: dict[str, Act] = {
    "priority": lambda world, id_, by, choice: world.update(id_, by, priority=Priority(choice + 1)),
    "status": lambda world, id_, by, choice: world.update(id_, by, status=STATUSES[choice]),
    "assign": lambda world, id_, by, choice: world.update(
        id_, by, group=("second-line", "id:99")[choice % 2], assignee=("id:agent", None)[choice // 2]
    ),
    "comment": _commented,
    "label": _labelled,
    "fact": _filled_in,
    "merge": _merged,
    "attach": _linked(LinkKind.PROBLEM),
    "twin": _linked(LinkKind.TWIN),
    "work": _linked(LinkKind.WORKS_FOR),
}
RISING = frozenset({"label", "fact"})
"""Acts after which the policy may overrule what somebody decided before."""

QUARANTINES = (*[QUARANTINE[Effect.PUBLIC] + SECOND, APART] * 3,)
"""Long enough for a write of unknown outcome to be sent once more and, if that is not clear either, to be parked."""

MOST_PASSES = 6
"""Passes in a row, with nothing going wrong, within which everything is said and done."""


class EngineMachine(RuleBasedStateMachine):
    template: Path
    tickets: Bundle[tuple[str, str]] = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.clock = StoppedClock(MONDAY)
        self.alpha = Desk("alpha", self.clock)
        self.beta = Desk("beta", self.clock, bulk_size=3, indexed=True)
        self.beta.world.compares = False
        self.stage = Stage(self.template, self.alpha, self.beta, clock=self.clock)
        self.on_at: dict[str, list[tuple[datetime, frozenset[Effect]]]] = defaultdict(list)
        self.allowances: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
        self.rises: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        self.looked_at: dict[str, datetime] = {}
        self.loaded_from: dict[str, int] = {}
        self.most_open: dict[str, int] = dict.fromkeys(SITES, 0)
        self.entries = ledger.Entries()

    def teardown(self) -> None:
        try:
            for name in SITES:
                self.come_to_rest(name)
            assert self.stage.journal.records().verify_chain() is None
        finally:
            self.stage.close()

    def desk(self, name: str) -> Desk:
        return self.stage.desks[name]

    @initialize(
        target=tickets,
        tight=st.sampled_from([False, False, True]),
        effects=st.sampled_from([4, 4, 3, 0]),
        given=st.lists(facts, min_size=2, max_size=4),
        policy=st.sampled_from(sorted(POLICIES)),
    )
    def begin(self, tight: bool, effects: int, given: list[Any], policy: str) -> Any:
        self.stage.policies.policy = POLICIES[policy]
        for name in SITES:
            if tight:
                self.desk(name).rules = replace(self.desk(name).rules, budgets=TIGHT)
            self.turn_on(name, effects)
        return multiple(*(self.open(name, Priority.P3, each, "Nothing works") for name in SITES for each in given))

    # ---- people

    @rule(target=tickets, site=sites, priority=st.none() | priorities, given=facts, subject=subjects)
    def create(self, site: str, priority: Priority | None, given: Any, subject: str) -> tuple[str, str]:
        return self.open(site, priority, given, subject)

    def open(self, site: str, priority: Priority | None, given: Any, subject: str) -> tuple[str, str]:
        self.clock.move(SECOND)
        text = Text(subject=subject)
        ref = self.desk(site).world.create(text=text, priority=priority, facts=given, requester="customer")
        return site, ref.id

    @rule(target=tickets, site=sites, count=st.integers(3, 7), hard=st.booleans(), faults=faults)
    def outage(self, site: str, count: int, hard: bool, faults: list[Fault | None]) -> Any:
        """Many report the same thing, and the helpdesk suffers from it, too."""
        opened = [self.open(site, Priority.P3, OUTAGE if hard else DEGRADED, "Nothing works") for _ in range(count)]
        self.desk(site).world.write_faults.extend(faults)
        self.look(site, fetch=True)
        return multiple(*opened)

    @rule(ticket=tickets, act=st.sampled_from(sorted(ACTS)), by=who, choice=st.integers(0, 3), look=st.booleans())
    def somebody_acts(self, ticket: tuple[str, str], act: str, by: Actor, choice: int, look: bool) -> None:
        world = self.desk(ticket[0]).world
        row = world.rows.get(ticket[1])
        if row is None or row.ticket.status is Status.CLOSED:
            return
        self.clock.move(SECOND)
        finished = row.ticket.status.is_finished
        ACTS[act](world, ticket[1], by, choice)
        if act in RISING or finished:
            self.rises[ticket].append(self.clock.now())
        if look:
            self.look(ticket[0], fetch=True)

    @rule(ticket=consumes(tickets))
    def delete(self, ticket: tuple[str, str]) -> None:
        if ticket[1] in self.desk(ticket[0]).world.rows:
            self.clock.move(SECOND)
            self.desk(ticket[0]).world.delete(ticket[1])

    @rule(site=sites, back=st.booleans())
    def rival(self, site: str, back: bool) -> None:
        """A rule of the helpdesk sets the priority back whenever we set it, or stops doing so."""
        self.desk(site).world.automations[:] = [_sets_back] if back else []

    # ---- operators

    @rule(site=sites, count=st.sampled_from([4, 4, 3, 2, 1, 0]))
    def switch(self, site: str, count: int) -> None:
        self.turn_on(site, count)

    def turn_on(self, site: str, count: int) -> None:
        self.clock.move(SECOND)
        self.desk(site).allow(*IN_ORDER[:count])
        self.on_at[site].append((self.clock.now(), frozenset(IN_ORDER[:count])))

    @rule(site=sites, after=st.booleans())
    def pause(self, site: str, after: bool) -> None:
        """Somebody pauses a site over a pass, or for longer."""
        self.stage.journal.pause(site, "a person said so", now=self.clock.now(), actor="op")
        before = len(self.desk(site).writer.sent)
        self.look(site, fetch=True)
        assert len(self.desk(site).writer.sent) == before
        if after:
            self.let_go(site, 0)

    @rule(site=sites, allow=st.integers(0, 3))
    def resume(self, site: str, allow: int) -> None:
        self.let_go(site, allow)

    def let_go(self, site: str, allow: int) -> None:
        self.clock.move(SECOND)
        self.stage.journal.resume(site, allow=allow, now=self.clock.now(), actor="op")
        self.allowances[site].append((self.clock.now(), allow))

    @rule(policy=st.sampled_from(sorted(POLICIES)))
    def reload(self, policy: str) -> None:
        self.stage.policies.policy = POLICIES[policy]
        self.clock.move(SECOND)
        for name in SITES:
            for ticket in self.desk(name).world.rows:
                self.rises[name, ticket].append(self.clock.now())

    # ---- time, faults, passes

    @rule(span=spans)
    def time_goes_by(self, span: timedelta) -> None:
        self.clock.move(span)

    @rule(wakes=st.integers(1, 4))
    def deadlines_pass(self, wakes: int) -> None:
        """The connector wakes whenever something falls due."""
        for _ in range(wakes):
            for name in SITES:
                self.look(name, fetch=True)
            due = [at for name in SITES if (at := self.stage.journal.next_due(name, after=self.clock.now()))]
            if due:
                self.clock.move(min(due) - self.clock.now())

    @rule(site=sites, faults=faults)
    def writes_go_wrong(self, site: str, faults: list[Fault | None]) -> None:
        self.desk(site).world.write_faults.extend(faults)

    @rule(site=sites, calls=st.integers(0, 2), fault=st.sampled_from([Fault.UNAVAILABLE, Fault.DENIED]))
    def reads_go_wrong(self, site: str, calls: int, fault: Fault) -> None:
        self.desk(site).world.read_faults.extend([*[None] * calls, fault])

    @rule(lag=st.sampled_from([timedelta(0), SECOND * 20, MINUTE * 2]))
    def index_lags(self, lag: timedelta) -> None:
        reader = self.beta.reader
        assert isinstance(reader, IndexedReader)
        reader.lag = lag

    @rule(site=sites, call=st.integers(0, 40), after=st.booleans())
    def die(self, site: str, call: int, after: bool) -> None:
        """The process ends somewhere in a pass, and another one takes over."""
        self.stage.death.comes_at(call, after=after)
        with contextlib.suppress(Killed):
            self.look(site, fetch=True)
        self.stage.restart()
        self.entries.note(self.stage, site)

    @rule(site=sites, fetch=st.booleans())
    def pass_over(self, site: str, fetch: bool) -> None:
        self.look(site, fetch=fetch)

    def look(self, site: str, *, fetch: bool) -> PassResult:
        self.clock.move(SECOND)
        if not self.stage.journal.open_site(site, fingerprint=self.desk(site).rules.fingerprint).loaded:
            self.loaded_from[site] = len(self.desk(site).world.log)
        result = self.stage.run(site, fetch=fetch)
        self.entries.note(self.stage, site)
        state = self.stage.journal.open_site(site, fingerprint=self.desk(site).rules.fingerprint)
        self.most_open[site] = max(self.most_open[site], state.open_tickets)
        return result

    @precondition(lambda self: any(self.desk(name).world.rows for name in SITES))
    @rule(site=sites)
    def everything_is_done(self, site: str) -> None:
        self.come_to_rest(site)

    def come_to_rest(self, site: str) -> None:
        """With nothing going wrong, a few passes do all that is wanted; then nothing is written and nothing stored."""
        desk = self.desk(site)
        desk.world.write_faults.clear()
        desk.world.read_faults.clear()
        desk.world.automations.clear()
        if isinstance(desk.reader, IndexedReader):
            desk.reader.lag = timedelta(0)
        for wait in QUARANTINES:
            self.clock.move(wait)
            self.look(site, fetch=True)
        result = self.run_until_quiet(site)
        self.nothing_more_happens(site, result)
        held = {item.ref.id for item in result.plan.held} if result.plan else set()
        paused = self.stage.journal.open_site(site, fingerprint=desk.rules.fingerprint).paused
        waits = held | set(desk.world.rows) if paused else held  # a pause keeps what was sent, wanted or not
        assert {op.write.ref.id for op in self.stage.journal.sending(site)} <= waits
        refused = {item.ticket for item in self.stage.journal.aside(site) if item.kind is AsideKind.REFUSED}
        assert {id_: what for id_, what in self.stage.wanted(site).items() if id_ not in held | refused} == {}
        self.all_is_known(desk)

    def run_until_quiet(self, site: str) -> PassResult:
        moved: frozenset[str] = frozenset()
        for _ in range(MOST_PASSES):
            before, sent = self.stage.rows(), len(self.desk(site).writer.sent)
            result = self.look(site, fetch=True)
            assert result.outcome in {PassOutcome.OK, PassOutcome.HELD, PassOutcome.PARTIAL}, result.error
            moved = self.stage.rows() - before
            if len(self.desk(site).writer.sent) == sent and not moved:
                return result
        raise AssertionError(f"{site} does not come to rest: {sorted(moved)} {self.desk(site).sent()[-3:]}")

    def nothing_more_happens(self, site: str, result: PassResult) -> None:
        before, sent = self.stage.rows(), len(self.desk(site).writer.sent)
        again = self.stage.run(site)
        assert len(self.desk(site).writer.sent) == sent
        assert self.stage.rows() == before
        assert again.plan is not None
        assert result.plan is not None
        assert [h.what for h in again.plan.held] == [h.what for h in result.plan.held]

    def all_is_known(self, desk: Desk) -> None:
        """What is stored of open tickets is what the helpdesk has."""
        truth = {id_: row.ticket for id_, row in desk.world.rows.items() if row.ticket.is_open}
        assert self.stage.journal.known_open(desk.name) == set(truth)
        for stored in self.stage.journal.load(desk.name, sorted(truth), now=self.clock.now()):
            known, real = stored.ticket, replace(truth[stored.ticket.ref.id], text=None)
            assert known == real, f"stored: {known}, real: {real}"

    # ---- what must hold after every step

    @invariant()
    def promises_hold(self) -> None:
        for name in SITES:
            desk = self.desk(name)
            ledger.nothing_is_said_twice(desk)
            ledger.internal_stays_internal(desk)
            ledger.budgets_hold(desk, self.allowances[name], most_open=self.most_open[name])
            ledger.group_and_assignee_are_written_once_per_level(desk, self.entries)
            ledger.a_persons_priority_stands(desk, self.rises)
            if name in self.loaded_from and name == "alpha":
                ledger.the_cursor_is_not_ahead(self.stage, desk, loaded_from=self.loaded_from[name])
            ledger.what_is_parked_was_announced(self.stage, desk)
            if self.on_at[name]:
                ledger.effects_that_are_off_are_not_used(desk, self.on_at[name])


def _sets_back(ticket: Any, update: Any) -> dict[str, Any]:
    return {"priority": Priority.P4} if update.marker and "priority" in update.values else {}


def test_the_promises_hold_whatever_happens(empty_state: Path) -> None:
    EngineMachine.template = empty_state
    profile = settings.default or settings()
    fewer = settings(
        profile,
        max_examples=max(5, profile.max_examples // 12),  # every step is many transactions
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # making a failing story shorter takes many minutes
    )
    run_state_machine_as_test(EngineMachine, settings=fewer)
