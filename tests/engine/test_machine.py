"""Two helpdesks, people, rival bots, faults and deaths in any order: what the connector promises holds after each."""

from __future__ import annotations

from collections import defaultdict
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

from connector.domain.policy import Policy
from connector.domain.site import Budget, Effect
from connector.domain.ticket import Priority, Status, Text
from connector.engine.passes import PassOutcome, PassResult
from connector.helpdesks.memory import AGENT, BOT, CUSTOMER, Fault
from tests.engine import ledger
from tests.engine.stage import MINUTE, MONDAY, POLICY, SECOND, Desk, IndexedReader, Killed, Stage
from tests.helpdesks.stopped_clock import StoppedClock

LOUDER = replace(
    POLICY,
    hash="louder" * 10 + "beef",
    cadence={p: replace(POLICY.cadence[Priority.P1], public=True) for p in (Priority.P1, Priority.P2)},
    priority=replace(POLICY.priority, lower=True),
    quiet=replace(POLICY.quiet, min_interval=timedelta(0)),
)
"""The starter with lowering, and with regular updates that the requester reads."""

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
facts = st.fixed_dictionaries(
    {},
    optional={
        "impact": st.sampled_from(["site", "department", "user"]),
        "urgency": st.sampled_from(["blocked", "degraded", "inconvenient"]),
        "category": st.sampled_from(["legal-hold", "hardware"]),
        "requester.tags": st.sampled_from([frozenset({"vip"}), frozenset({"student"})]),
    },
)
subjects = st.sampled_from(["The printer is slow", "Ransomware on my laptop", "Nothing works"])
write_faults = st.sampled_from([f for f in Fault if f is not Fault.UNAVAILABLE])
spans = st.sampled_from([SECOND * 30, MINUTE * 2, MINUTE * 11, MINUTE * 35, timedelta(hours=5), timedelta(days=3)])
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
        self.stage = Stage(self.template, self.alpha, self.beta, clock=self.clock)
        self.on_at: dict[str, list[tuple[datetime, frozenset[Effect]]]] = defaultdict(list)
        self.allowances: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
        self.rises: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        self.looked_at: dict[str, datetime] = {}
        self.loaded_from: dict[str, int] = {}
        self.most_open: dict[str, int] = dict.fromkeys(SITES, 0)

    def teardown(self) -> None:
        try:
            for name in SITES:
                self.come_to_rest(name)
            assert self.stage.journal.records().verify_chain() is None
        finally:
            self.stage.close()

    def desk(self, name: str) -> Desk:
        return self.stage.desks[name]

    @initialize(tight=st.booleans(), live=st.booleans())
    def begin(self, tight: bool, live: bool) -> None:
        for name in SITES:
            if tight:
                self.desk(name).rules = replace(self.desk(name).rules, budgets=TIGHT)
            self.turn_on(name, 4 if live else 0)

    # ---- people

    def act(self) -> None:
        self.clock.move(SECOND)

    def there(self, ticket: tuple[str, str]) -> bool:
        row = self.desk(ticket[0]).world.rows.get(ticket[1])
        return row is not None and row.ticket.status is not Status.CLOSED

    def rose(self, ticket: tuple[str, str]) -> None:
        """An input rose: whatever was decided since the last look may not have known it."""
        self.rises[ticket].append(self.clock.now())

    @rule(target=tickets, site=sites, priority=st.none() | priorities, given=facts, subject=subjects)
    def create(self, site: str, priority: Priority | None, given: Any, subject: str) -> tuple[str, str]:
        return self.open(site, priority, given, subject)

    def open(self, site: str, priority: Priority | None, given: Any, subject: str) -> tuple[str, str]:
        self.act()
        text = Text(subject=subject)
        ref = self.desk(site).world.create(text=text, priority=priority, facts=given, requester="customer")
        return site, ref.id

    @rule(target=tickets, site=sites, count=st.integers(3, 7))
    def outage(self, site: str, count: int) -> Any:
        return multiple(*(self.open(site, Priority.P3, {}, "Nothing works") for _ in range(count)))

    @rule(ticket=tickets, by=who, priority=priorities)
    def set_priority(self, ticket: tuple[str, str], by: Any, priority: Priority) -> None:
        if self.there(ticket):
            self.act()
            self.desk(ticket[0]).world.update(ticket[1], by, priority=priority)

    @rule(ticket=tickets, status=st.sampled_from([Status.OPEN, Status.WAITING_CUSTOMER, Status.SOLVED, Status.CLOSED]))
    def set_status(self, ticket: tuple[str, str], status: Status) -> None:
        if self.there(ticket):
            self.act()
            before = self.desk(ticket[0]).live(ticket[1]).status
            self.desk(ticket[0]).world.update(ticket[1], AGENT, status=status)
            if before.is_finished and not status.is_finished:
                self.rose(ticket)

    @rule(ticket=tickets, by=st.sampled_from([AGENT, CUSTOMER]), public=st.booleans())
    def comment(self, ticket: tuple[str, str], by: Any, public: bool) -> None:
        if self.there(ticket):
            self.act()
            if self.desk(ticket[0]).live(ticket[1]).status.is_finished:
                self.rose(ticket)
            self.desk(ticket[0]).world.comment(ticket[1], "Hello", by, public=public or by is CUSTOMER)

    @rule(
        ticket=tickets,
        by=who,
        group=st.sampled_from(["second-line", "id:99"]),
        person=st.sampled_from(["id:agent", None]),
    )
    def assign(self, ticket: tuple[str, str], by: Any, group: str, person: str | None) -> None:
        if self.there(ticket):
            self.act()
            self.desk(ticket[0]).world.update(ticket[1], by, group=group, assignee=person)

    @rule(ticket=tickets, name=st.sampled_from(["impact", "urgency"]), value=st.integers(0, 2))
    def fill_in(self, ticket: tuple[str, str], name: str, value: int) -> None:
        if self.there(ticket):
            self.act()
            words = {"impact": ["site", "department", "user"], "urgency": ["blocked", "degraded", "inconvenient"]}
            self.desk(ticket[0]).world.set_fact(ticket[1], name, words[name][value])
            self.rose(ticket)

    @rule(ticket=tickets, label=st.sampled_from(["security", "not-security", "esc-hold"]), off=st.booleans())
    def label(self, ticket: tuple[str, str], label: str, off: bool) -> None:
        if self.there(ticket):
            self.act()
            world = self.desk(ticket[0]).world
            labels = world.ticket(ticket[1]).labels
            world.update(ticket[1], AGENT, labels=labels - {label} if off else labels | {label})
            self.rose(ticket)

    @rule(ticket=tickets, into=tickets)
    def merge(self, ticket: tuple[str, str], into: tuple[str, str]) -> None:
        if self.there(ticket) and ticket != into and ticket[0] == into[0]:
            self.act()
            self.desk(ticket[0]).world.merge(ticket[1], into[1])

    @rule(ticket=consumes(tickets))
    def delete(self, ticket: tuple[str, str]) -> None:
        if ticket[1] in self.desk(ticket[0]).world.rows:
            self.act()
            self.desk(ticket[0]).world.delete(ticket[1])

    @rule(site=sites, back=st.booleans())
    def rival(self, site: str, back: bool) -> None:
        """A rule of the helpdesk sets the priority back whenever we set it, or stops doing so."""
        self.desk(site).world.automations[:] = [_sets_back] if back else []

    # ---- operators

    @rule(site=sites, count=st.integers(0, 4))
    def switch(self, site: str, count: int) -> None:
        self.turn_on(site, count)

    def turn_on(self, site: str, count: int) -> None:
        self.act()
        self.desk(site).allow(*IN_ORDER[:count])
        self.on_at[site].append((self.clock.now(), frozenset(IN_ORDER[:count])))

    @rule(site=sites)
    def pause(self, site: str) -> None:
        self.stage.journal.pause(site, "a person said so", now=self.clock.now(), actor="op")

    @rule(site=sites, allow=st.integers(0, 3))
    def resume(self, site: str, allow: int) -> None:
        self.act()
        self.stage.journal.resume(site, allow=allow, now=self.clock.now(), actor="op")
        self.allowances[site].append((self.clock.now(), allow))

    @rule(policy=st.sampled_from([POLICY, LOUDER]))
    def reload(self, policy: Policy) -> None:
        self.stage.policies.policy = policy
        self.act()
        for name in SITES:
            for ticket in self.desk(name).world.rows:
                self.rose((name, ticket))

    # ---- time, faults, passes

    @rule(span=spans)
    def time_goes_by(self, span: timedelta) -> None:
        self.clock.move(span)

    @rule(site=sites, faults=st.lists(st.none() | write_faults, min_size=1, max_size=3))
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
        try:
            self.look(site, fetch=True)
        except Killed:
            pass
        self.stage.restart()

    @rule(site=sites, fetch=st.booleans())
    def pass_over(self, site: str, fetch: bool) -> None:
        self.look(site, fetch=fetch)

    def look(self, site: str, *, fetch: bool) -> PassResult:
        self.act()
        self.loaded_from.setdefault(site, len(self.desk(site).world.log))
        result = self.stage.run(site, fetch=fetch)
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
        self.clock.move(desk.grace + SECOND)
        result = self.run_until_quiet(site)
        self.nothing_more_happens(site, result)
        assert not self.stage.journal.sending(site)
        held = {item.ref.id for item in result.plan.held} if result.plan else set()
        assert set(self.stage.wanted(site)) <= held
        self.all_is_known(desk)

    def run_until_quiet(self, site: str) -> PassResult:
        for _ in range(MOST_PASSES):
            before = len(self.desk(site).writer.sent)
            digest = self.stage.digest()
            result = self.look(site, fetch=True)
            assert result.outcome in {PassOutcome.OK, PassOutcome.HELD, PassOutcome.PARTIAL}, result.error
            if len(self.desk(site).writer.sent) == before and self.stage.digest() == digest:
                return result
        raise AssertionError(f"{site} does not come to rest")

    def nothing_more_happens(self, site: str, result: PassResult) -> None:
        before, sent = self.stage.digest(), len(self.desk(site).writer.sent)
        again = self.stage.run(site)
        assert len(self.desk(site).writer.sent) == sent
        assert self.stage.digest() == before
        assert again.plan is not None
        assert result.plan is not None
        assert [h.what for h in again.plan.held] == [h.what for h in result.plan.held]

    def all_is_known(self, desk: Desk) -> None:
        """What is stored of open tickets is what the helpdesk has."""
        truth = {id_: row.ticket for id_, row in desk.world.rows.items() if row.ticket.is_open}
        assert self.stage.journal.known_open(desk.name) == set(truth)
        for stored in self.stage.journal.load(desk.name, sorted(truth), now=self.clock.now()):
            assert stored.ticket == replace(truth[stored.ticket.ref.id], text=None)

    # ---- what must hold after every step

    @invariant()
    def promises_hold(self) -> None:
        for name in SITES:
            desk = self.desk(name)
            ledger.nothing_is_said_twice(desk)
            ledger.internal_stays_internal(desk)
            ledger.budgets_hold(desk, self.allowances[name], most_open=self.most_open[name])
            ledger.group_and_assignee_are_written_once_per_level(desk)
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
        max_examples=max(14, profile.max_examples // 4),  # every step is many transactions
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # making a failing story shorter takes many minutes
    )
    run_state_machine_as_test(EngineMachine, settings=fewer)
