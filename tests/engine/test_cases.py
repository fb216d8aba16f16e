"""Tickets that are one case: twins on one site or two, work for a customer's ticket, storms of alike tickets.

The whole engine on sites in memory; what was written is read from what the sites were sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from connector.domain.change import Change, Write
from connector.domain.decision import Decision
from connector.domain.events import EventKind, TicketEvent
from connector.domain.policy import Mark, Policy, Threshold
from connector.domain.site import Effect
from connector.domain.ticket import ClockName, Link, LinkKind, Priority, Status
from connector.engine.gather import reach_all
from connector.engine.storms import decided
from connector.helpdesks.memory.reader import MemoryReader
from connector.helpdesks.memory.world import AGENT
from connector.helpdesks.memory.writer import MemoryWriter
from connector.ports import AlarmKind
from tests.engine.stage import MINUTE, MONDAY, POLICY, SECOND, Desk, Stage
from tests.helpdesks.stopped_clock import StoppedClock
from tests.quick import some

P1, P2, P3, P4 = Priority
OUTAGE = {"impact": "site", "urgency": "blocked"}
NETWORK = {**OUTAGE, "category": "network"}
MILD = {"impact": "team", "urgency": "degraded"}


@pytest.fixture
def stage(empty_state: Path) -> Iterator[Stage]:
    clock = StoppedClock(MONDAY)
    made = Stage(empty_state, Desk("desk", clock), Desk("lab", clock), clock=clock, policy=TELLING)
    yield made
    made.close()


def telling(policy: Policy) -> Policy:
    """Return a policy that tells customers when a quarter of the time to a solution has gone."""
    told = Threshold(clock=ClockName.RESOLUTION, mark=Mark(percent=25), tell_customer="status-update")
    sla = replace(policy.sla, thresholds=(*policy.sla.thresholds, told))
    return replace(policy, hash="telling" * 8 + "beef", sla=sla)


TELLING = telling(POLICY)


class Case:
    """Tickets on two sites, and what is said on them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def opened(self, desk: str = "desk", **ticket: Any) -> str:
        known = {"facts": OUTAGE, "priority": P3}
        self.stage.clock.move(SECOND)
        return str(self.stage.desks[desk].world.create(**{**known, **ticket}).id)

    def linked(self, desk: str, id_: str, kind: LinkKind, *targets: str, site: str = "") -> None:
        links = tuple(Link(kind=kind, target=target, site=site) for target in targets)
        self.stage.desks[desk].world.update(id_, links=links)

    def later(self, *, hours: float = 1.25, every: timedelta = 15 * MINUTE) -> None:
        """Let time go by, with a pass over each site that has tickets."""
        for _ in range(int(hours * 60 * MINUTE / every)):
            self.stage.clock.move(every)
            for name, desk in self.stage.desks.items():
                if desk.world.rows:
                    self.stage.run(name)

    def told(self, *, public: bool) -> set[tuple[str, str]]:
        """Return on which tickets something was said to customers, or to agents."""
        return {
            (name, sent.write.ref.id)
            for name, desk in self.stage.desks.items()
            for sent in desk.writer.sent
            if sent.write.comment and sent.write.comment.public is public
        }

    def level(self, desk: str, id_: str) -> int:
        return self.stage.desks[desk].live(id_).level or 0

    def decision(self, desk: str, id_: str) -> Decision:
        now, policy, reading = self.stage.clock.now(), self.stage.policies.current(), self.stage.desks[desk].reading
        reach = reach_all(reading, policy, now=now)
        ((_, found),) = decided(reading, self.stage.around, [id_], reach, policy=policy, now=now)
        return found

    def findings(self, desk: str, id_: str) -> str:
        return "; ".join(self.decision(desk, id_).explanation.findings)


class Spent(MemoryReader):
    """A reader whose share of requests for histories is used up."""

    def history_allowance(self) -> int:
        return 0


@pytest.fixture
def case(stage: Stage) -> Case:
    return Case(stage)


class TestTwins:
    @pytest.mark.parametrize("solved", [False, True], ids=["both are open", "the first one is solved"])
    def test_one_of_two_speaks_to_the_customer(self, case: Case, solved: bool) -> None:
        first, second = case.opened(), case.opened()
        case.linked("desk", second, LinkKind.TWIN, first)
        case.later(hours=0.25)
        if solved:
            case.stage.desks["desk"].world.update(first, status=Status.SOLVED)
        case.later()
        assert case.told(public=True) == {("desk", second if solved else first)}

    def test_what_the_other_one_said_is_not_caught_up_with(self, case: Case) -> None:
        first, second = case.opened(), case.opened()
        case.linked("desk", second, LinkKind.TWIN, first)
        case.later()
        case.stage.desks["desk"].world.update(first, status=Status.SOLVED)
        case.later()
        assert case.told(public=True) == {("desk", first)}

    def test_each_goes_its_own_way_inside(self, case: Case) -> None:
        first, second = case.opened(), case.opened()
        case.linked("desk", second, LinkKind.TWIN, first)
        case.later()
        assert case.told(public=False) == {("desk", first), ("desk", second)}
        assert min(case.level("desk", first), case.level("desk", second)) > 1

    def test_a_twin_of_a_twin_is_a_twin(self, case: Case) -> None:
        first, second, between = case.opened(), case.opened(), case.opened()
        case.linked("desk", between, LinkKind.TWIN, first, second)
        case.later()
        assert case.told(public=True) == {("desk", first)}

    def test_on_another_site_it_is_known_by_its_key(self, case: Case) -> None:
        first = case.opened("lab")
        key = case.stage.desks["lab"].live(first).key
        second = case.opened("desk")
        case.linked("desk", second, LinkKind.TWIN, key, site="lab")
        case.later()
        assert case.told(public=True) == {("lab", first)}
        assert f"same case as {key} (new): {key} speaks to the customer" in case.findings("desk", second)
        assert "this one speaks to the customer" in case.findings("lab", first)

    def test_a_link_on_one_side_is_known_on_both(self, case: Case) -> None:
        first, second = case.opened("lab"), case.opened("desk")
        case.linked("lab", first, LinkKind.TWIN, second, site="desk")
        case.later()
        assert case.told(public=True) == {("lab", first)}

    def test_where_the_other_site_may_not_speak_this_one_does(self, case: Case) -> None:
        case.stage.desks["lab"].allow(Effect.FIELDS, Effect.NOTES)
        first, second = case.opened("lab"), case.opened("desk")
        case.linked("desk", second, LinkKind.TWIN, first, site="lab")
        case.later()
        assert case.told(public=True) == {("desk", second)}

    def test_another_site_that_is_away_delays_nobody(self, case: Case) -> None:
        """What is stored of the twin counts; nothing is asked of its site."""
        first, second = case.opened("lab"), case.opened("desk")
        case.linked("desk", second, LinkKind.TWIN, first, site="lab")
        case.stage.run("lab")
        for _ in range(5):
            case.stage.clock.move(15 * MINUTE)
            case.stage.run("desk")
        assert case.level("desk", second) > 1
        assert case.told(public=True) == set()

    def test_of_a_confidential_twin_nothing_is_told(self, case: Case) -> None:
        secret = case.opened("lab", restricted=True)
        case.stage.desks["lab"].world.update(secret, key="HR-77")
        open_one = case.opened("desk")
        case.linked("lab", secret, LinkKind.TWIN, open_one, site="desk")
        case.later()
        told = case.findings("desk", open_one)
        assert "HR-77" not in told
        assert "another ticket (new)" in told
        assert case.told(public=True) == {("desk", open_one)}

    @pytest.mark.parametrize(("members", "speaks"), [(10, True), (11, False)])
    def test_a_case_of_more_than_ten_is_left_to_people(self, case: Case, members: int, speaks: bool) -> None:
        first, *others = (case.opened() for _ in range(members))
        case.linked("desk", first, LinkKind.TWIN, *others)
        case.later(hours=1.5, every=45 * MINUTE)
        assert case.told(public=True) == ({("desk", first)} if speaks else set())
        assert ("a case of more than 10 tickets is left to people" in case.findings("desk", first)) is not speaks

    @pytest.mark.parametrize("chain", [False, True], ids=["into one", "into one that is merged as well"])
    def test_a_twin_of_a_merged_ticket_is_one_of_the_survivor(self, case: Case, chain: bool) -> None:
        first, twin, between, into = case.opened("desk"), case.opened("lab"), case.opened("desk"), case.opened("desk")
        case.linked("lab", twin, LinkKind.TWIN, first, site="desk")
        case.later(hours=0.25)
        world = case.stage.desks["desk"].world
        world.merge(first, between if chain else into)
        world.merge(between, into)
        case.later(hours=2)
        assert case.told(public=True) == {("lab", twin)}
        key = case.stage.desks["lab"].live(twin).key
        assert f"{key} speaks to the customer" in case.findings("desk", into)


class TestMerges:
    def test_the_survivor_still_speaks_to_the_customer(self, case: Case) -> None:
        source, target = case.opened(), case.opened()
        case.later(hours=0.25)
        case.stage.desks["desk"].world.merge(source, target)
        case.later(hours=2)
        assert case.told(public=True) == {("desk", target)}

    def test_its_history_is_read_once_there_is_room_for_it(self, case: Case) -> None:
        """Until then nothing is said to the customer, and the ticket stays due."""
        source, target = case.opened(), case.opened()
        case.later(hours=0.25)
        desk = case.stage.desks["desk"]
        desk.world.merge(source, target)
        reader = desk.reader
        desk.reader = Spent(desk.world)
        case.later(hours=2)
        assert not case.stage.stored("desk", source).history.complete
        assert case.told(public=True) == set()
        desk.reader = reader
        case.stage.clock.move(MINUTE)
        case.stage.run("desk")
        assert case.stage.stored("desk", source).history.complete
        case.later(hours=0.5)
        assert case.told(public=True) == {("desk", target)}

    @pytest.mark.parametrize("apart", [0, 1], ids=["at once", "an hour apart"])
    def test_a_chain_of_merges_loses_nothing(self, case: Case, apart: int) -> None:
        """The last one is as old and as urgent as the first, stands on its level and repeats nothing."""
        first = case.opened()
        case.later(hours=5, every=30 * MINUTE)
        desk = case.stage.desks["desk"]
        assert case.level("desk", first) == 4
        between, into = case.opened(facts=MILD, priority=P4), case.opened(facts=MILD, priority=P4)
        case.later(hours=0.5)
        before = case.told(public=True)
        desk.world.merge(first, between)
        case.later(hours=apart)
        desk.world.merge(between, into)
        case.later(hours=1)
        assert (desk.live(into).priority, desk.live(into).level) == (P1, 4)
        assert case.stage.stored("desk", into).state.began_at == case.stage.stored("desk", first).ticket.opened_at
        assert case.told(public=True) == before

    def mild(self, case: Case) -> str:
        return case.opened(facts=MILD, priority=P4)

    def merged(self, case: Case, source: str, *into: str) -> None:
        """Merge a ticket into one, maybe that one into the next; then the last one becomes an outage."""
        case.later(hours=0.25)
        world, last = case.stage.desks["desk"].world, source
        for target in into:
            world.merge(last, target)
            last = target
        case.later(hours=0.25)
        case.stage.desks["desk"].writer.sent.clear()
        world.update(last, facts=OUTAGE)
        case.later(hours=1.5)

    @pytest.mark.parametrize("chain", [False, True], ids=["into one", "into one that is merged as well"])
    @pytest.mark.parametrize("how", ["label", "command"])
    def test_it_keeps_a_hold_of_the_source(self, case: Case, how: str, chain: bool) -> None:
        source, between, target = self.mild(case), self.mild(case), self.mild(case)
        keeps_silent(case, source, how)
        self.merged(case, source, *([between] if chain else []), target)
        assert case.stage.desks["desk"].sent() == []
        (hold, *_) = case.decision("desk", target).explanation.holds
        assert hold.by.endswith(f"on {case.stage.desks['desk'].live(source).key}, merged into this one")

    def test_a_release_of_the_source_ends_no_hold_of_the_target(self, case: Case) -> None:
        source, target = self.mild(case), self.mild(case)
        case.later(hours=0.25)
        commanded(case, target, "/esc hold 10d")
        case.stage.clock.move(MINUTE)
        commanded(case, source, "/esc hold 4h")
        case.stage.clock.move(MINUTE)
        commanded(case, source, "/esc release")
        self.merged(case, source, target)
        assert case.stage.desks["desk"].sent() == []

    def test_a_hold_of_the_source_that_is_refused_ends_no_hold_of_the_target(self, case: Case) -> None:
        source, target = self.mild(case), self.mild(case)
        case.later(hours=0.25)
        now, world = case.stage.clock.now(), case.stage.desks["desk"].world
        world.update(target, held_until=now + timedelta(hours=10))
        world.update(source, held_until=now + timedelta(days=60))
        self.merged(case, source, target)
        assert case.stage.desks["desk"].sent() == []

    def test_a_hold_that_came_with_a_merge_ends_with_a_release(self, case: Case) -> None:
        """The label of a ticket that is closed for good cannot be taken off."""
        source, target = self.mild(case), self.mild(case)
        keeps_silent(case, source, "label")
        self.merged(case, source, target)
        commanded(case, target, "/esc release")
        case.later(hours=0.5)
        assert case.stage.desks["desk"].live(target).priority is P1

    def test_a_release_from_before_the_merge_ends_no_hold_of_the_source(self, case: Case) -> None:
        source, target = self.mild(case), self.mild(case)
        keeps_silent(case, source, "label")
        case.later(hours=0.25)
        commanded(case, target, "/esc release")
        self.merged(case, source, target)
        assert case.stage.desks["desk"].sent() == []

    def test_merges_in_a_circle_end(self, case: Case) -> None:
        one, other, third = (case.opened() for _ in range(3))
        case.linked("desk", one, LinkKind.ABSORBED, other, third)
        case.linked("desk", other, LinkKind.ABSORBED, third, one)
        case.linked("desk", third, LinkKind.ABSORBED, one, other)
        for id_ in (other, third):
            case.stage.desks["desk"].world.update(id_, status=Status.CLOSED)
        case.later(hours=1)
        assert case.level("desk", one) > 1


class TestWork:
    @pytest.mark.parametrize("end", ["the customer's names it", "the work names it", "both"])
    def test_work_is_silent_while_the_customers_ticket_speaks(self, case: Case, end: str) -> None:
        customers, work = case.opened("desk"), case.opened("lab")
        if end != "the work names it":
            case.linked("desk", customers, LinkKind.WORK, work, site="lab")
        if end != "the customer's names it":
            case.linked("lab", work, LinkKind.WORKS_FOR, customers, site="desk")
        case.later()
        assert case.told(public=True) | case.told(public=False) == {("desk", customers)}
        live = case.stage.desks["lab"].live(work)
        assert (live.priority, live.level, live.group) == (P1, None, None)
        key = case.stage.desks["desk"].live(customers).key
        assert f"follows {key}, which speaks for it until it is solved" in case.findings("lab", work)

    def test_it_goes_its_own_way_when_the_customers_ticket_is_solved(self, case: Case) -> None:
        customers, work = case.opened("desk"), case.opened("lab")
        case.linked("lab", work, LinkKind.WORKS_FOR, customers, site="desk")
        case.later(hours=1)
        case.stage.desks["desk"].world.update(customers, status=Status.SOLVED)
        case.later(hours=1)
        assert case.level("lab", work) > 0

    def test_where_each_is_work_for_the_other_both_speak(self, case: Case) -> None:
        one, other = case.opened(), case.opened()
        case.linked("desk", one, LinkKind.WORK, other)
        case.linked("desk", other, LinkKind.WORK, one)
        case.later(hours=1)
        assert min(case.level("desk", one), case.level("desk", other)) > 0

    def test_nobody_waits_for_a_site_in_shadow(self, case: Case) -> None:
        case.stage.desks["desk"].allow()
        customers, work = case.opened("desk"), case.opened("lab")
        case.linked("lab", work, LinkKind.WORKS_FOR, customers, site="desk")
        case.later(hours=1)
        assert case.level("lab", work) > 0
        assert "goes its own way: nothing is said on it" in case.findings("lab", work)


def keeps_silent(case: Case, id_: str, how: str) -> None:
    """Let a ticket say nothing more: held by a label or a command, waiting, or failing whenever it is written."""
    desk = case.stage.desks["desk"]
    if how == "label":
        desk.world.update(id_, labels=frozenset({"esc-hold"}))
    elif how == "waiting":
        desk.world.update(id_, status=Status.WAITING_CUSTOMER)
    elif how == "command":
        commanded(case, id_, "/esc hold 20d")
    else:
        desk.writer.real = failing = Failing(desk.world, bulk_size=0)
        failing.poison = id_


def commanded(case: Case, id_: str, line: str) -> None:
    world = case.stage.desks["desk"].world
    world.comment(id_, line, public=False)
    log, at = world.rows[id_].events, world.clock.now()
    kind, name = EventKind.COMMAND, line.split()[1]
    log.append(TicketEvent(id=f"c{len(log)}", at=at, kind=kind, actor=AGENT, after=line, name=name, public=False))


class Failing(MemoryWriter):
    """A writer whose code fails on one ticket."""

    poison = ""

    def split(self, change: Change) -> tuple[Write, ...]:
        if change.ref.id == self.poison:
            raise ValueError("a fault of our own")
        return super().split(change)


SILENCES = ("label", "command", "waiting", "failing")
TIES = (LinkKind.PROBLEM, LinkKind.WORKS_FOR)


class TestSilentLeaders:
    """Where the one that is followed says nothing, the first that can speaks in its place, and it alone."""

    @pytest.mark.parametrize("how", some(product(SILENCES), [("label",), ("failing",)]))
    def test_in_a_storm_the_next_one_speaks(self, case: Case, how: str) -> None:
        first, second, *others = [case.opened(facts=NETWORK) for _ in range(12)]
        case.stage.run("desk")
        keeps_silent(case, first, how)
        case.stage.desks["desk"].writer.sent.clear()
        case.later(hours=2.5)
        assert case.told(public=False) == {("desk", second)}
        assert case.level("desk", second) > 1
        assert {case.level("desk", id_) for id_ in others} == {0}
        key = case.stage.desks["desk"].live(second).key
        assert f"follows {key}, which speaks for it" in case.findings("desk", others[-1])

    @pytest.mark.parametrize(("kind", "how"), some(product(TIES, SILENCES), [*zip(TIES * 2, SILENCES, strict=True)]))
    def test_of_those_that_are_attached_one_speaks(self, case: Case, kind: LinkKind, how: str) -> None:
        front, *followers = (case.opened(priority=P1) for _ in range(4))
        for each in followers:
            case.linked("desk", each, kind, front)
        case.stage.run("desk")
        keeps_silent(case, front, how)
        case.stage.desks["desk"].writer.sent.clear()
        case.later(hours=2.5)
        assert case.told(public=False) == {("desk", followers[0])}
        assert [case.level("desk", each) > 0 for each in followers] == [True, False, False]
        if how != "failing":
            told = case.findings("desk", followers[0])
            assert f"goes its own way: it is {'paused' if how == 'waiting' else 'held'}" in told

    def test_work_that_the_customers_ticket_names_has_one_voice_as_well(self, case: Case) -> None:
        front, *work = case.opened("desk"), case.opened("lab"), case.opened("lab")
        case.linked("desk", front, LinkKind.WORK, *work, site="lab")
        case.later(hours=0.25)
        keeps_silent(case, front, "label")
        case.later(hours=2)
        assert case.told(public=False) - {("desk", front)} == {("lab", work[0])}

    def test_the_followers_fall_silent_again_when_it_is_released(self, case: Case) -> None:
        front, *followers = (case.opened(priority=P1) for _ in range(3))
        for each in followers:
            case.linked("desk", each, LinkKind.PROBLEM, front)
        case.stage.run("desk")
        world = case.stage.desks["desk"].world
        world.update(front, labels=frozenset({"esc-hold"}))
        case.later(hours=1)
        world.update(front, labels=frozenset())
        case.later(hours=0.25)
        case.stage.desks["desk"].writer.sent.clear()
        case.later(hours=2)
        assert case.told(public=False) | case.told(public=True) == {("desk", front)}

    def test_one_of_them_that_is_held_as_well_is_passed_over(self, case: Case) -> None:
        front, *followers = (case.opened(priority=P1) for _ in range(4))
        for each in followers:
            case.linked("desk", each, LinkKind.PROBLEM, front)
        case.stage.run("desk")
        for held in (front, followers[0]):
            keeps_silent(case, held, "label")
        case.stage.desks["desk"].writer.sent.clear()
        case.later(hours=2)
        assert case.told(public=False) == {("desk", followers[1])}

    @pytest.mark.parametrize("how", ["label", "waiting"])
    def test_no_twin_speaks_for_one_that_keeps_still(self, case: Case, how: str) -> None:
        """What people hold, or have asked the customer, holds for the case; nobody is said to speak."""
        first, twin = case.opened("desk"), case.opened("lab")
        case.linked("lab", twin, LinkKind.TWIN, first, site="desk")
        case.later(hours=0.25)
        keeps_silent(case, first, how)
        case.later(hours=2)
        assert case.told(public=True) == set()
        key = case.stage.desks["desk"].live(first).key
        why = "paused" if how == "waiting" else "held"
        assert f"{key} speaks to the customer when it does again: it is {why}" in case.findings("lab", twin)


class TestStorms:
    def storm(self, case: Case, count: int, *, every: timedelta = MINUTE, **ticket: Any) -> list[str]:
        """Open alike tickets one after the other, with a pass after each."""
        made = []
        for _ in range(count):
            made.append(case.opened(**{"facts": NETWORK, **ticket}))
            case.stage.clock.move(every)
            case.stage.run("desk")
        return made

    def all_at_once(self, case: Case, count: int, **ticket: Any) -> list[str]:
        return [case.opened(**{"facts": NETWORK, **ticket}) for _ in range(count)]

    def test_one_speaks_for_all(self, case: Case) -> None:
        first, *others = self.all_at_once(case, 12)
        case.later()
        assert case.told(public=True) | case.told(public=False) == {("desk", first)}
        assert {case.stage.desks["desk"].live(id_).priority for id_ in others} == {P1}
        assert {case.level("desk", id_) for id_ in others} == {0}

    def test_who_spoke_before_it_was_one_falls_silent(self, case: Case) -> None:
        first, *others = self.storm(case, 14)
        case.stage.desks["desk"].writer.sent.clear()
        case.later()
        assert case.told(public=True) | case.told(public=False) == {("desk", first)}
        assert max(case.level("desk", id_) for id_ in others) <= 2

    @pytest.mark.parametrize(
        "ticket",
        [{"facts": OUTAGE}, {"facts": {**NETWORK, **MILD}, "priority": P4}, {"restricted": True}],
        ids=["nothing known in common", "nothing urgent", "confidential"],
    )
    def test_what_is_no_storm(self, case: Case, ticket: dict[str, Any]) -> None:
        made = self.all_at_once(case, 12, **ticket)
        case.later(hours=0.5)
        assert "alike" not in case.findings("desk", made[-1])

    def test_tickets_of_another_look_go_their_own_way(self, case: Case) -> None:
        self.all_at_once(case, 12)
        mail = case.opened(facts={**OUTAGE, "category": "mail"})
        marked = case.opened(facts={**NETWORK, "org.tier": "platinum"})
        case.later(hours=0.5)
        assert min(case.level("desk", mail), case.level("desk", marked)) > 0

    def test_nine_within_the_time_are_none(self, case: Case) -> None:
        made = self.storm(case, 12, every=2 * MINUTE)
        assert case.level("desk", made[-1]) > 0

    def test_the_next_one_speaks_when_the_first_is_solved(self, case: Case) -> None:
        first, second, *_ = self.all_at_once(case, 12)
        case.later(hours=0.5)
        case.stage.desks["desk"].world.update(first, status=Status.SOLVED)
        case.stage.desks["desk"].writer.sent.clear()
        case.later()
        assert case.told(public=False) == {("desk", second)}

    def test_a_more_urgent_one_is_not_silenced(self, case: Case) -> None:
        calm = {"impact": "department", "urgency": "degraded", "category": "network"}
        self.all_at_once(case, 12, facts=calm)
        urgent = case.opened(facts=NETWORK)
        case.later(hours=0.5)
        assert case.level("desk", urgent) > 0

    def test_sites_do_not_mix(self, case: Case) -> None:
        made = self.all_at_once(case, 6)
        for _ in range(6):
            case.opened("lab", facts=NETWORK)
        case.later(hours=0.5)
        assert min(case.level("desk", id_) for id_ in made) > 0

    def test_it_is_told_once_and_explained(self, case: Case) -> None:
        made = self.all_at_once(case, 12)
        case.later(hours=1)
        key = case.stage.desks["desk"].live(made[0]).key
        (alarm,) = [a for a in case.stage.ears.alarms if a.kind is AlarmKind.FINDING]
        assert f"12 alike tickets since 2026-11-23 09:00 UTC (category network): {key} speaks for them" in alarm.message
        told = case.findings("desk", made[5])
        assert "one of 12 alike tickets since 2026-11-23 09:00 UTC (category network)" in told
        assert f"follows {key}, which speaks for it until it is solved" in told
        assert "speaks for the alike tickets" in case.findings("desk", made[0])
        assert ("escalation", f"follows {key}") in case.decision("desk", made[5]).left

    def test_a_day_later_each_goes_its_own_way(self, case: Case) -> None:
        made = self.all_at_once(case, 12)
        case.later(hours=23, every=timedelta(hours=23))
        assert case.level("desk", made[-1]) == 0
        case.later(hours=1.5, every=45 * MINUTE)
        assert case.level("desk", made[-1]) > 0

    def test_passing_again_changes_nothing(self, case: Case) -> None:
        self.all_at_once(case, 12)
        case.later(hours=0.5)
        before = case.stage.rows()
        case.stage.run("desk")
        assert case.stage.rows() == before
        assert case.stage.wanted("desk") == {}
