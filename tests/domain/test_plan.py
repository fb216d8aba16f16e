"""The plan: shadow, next due, order, budgets; and how a decision is told."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.change import Change, Comment, Field, FieldChange, Notice
from connector.domain.durations import length
from connector.domain.explain import explain_dict, explain_lines
from connector.domain.guard import guard, order
from connector.domain.occasion import Occasion, Outcome, set_field
from connector.domain.plan import change
from connector.domain.site import Budget, Effect
from connector.domain.ticket import Priority, TicketRef
from tests.domain.desk import ANNA, BEN, MONDAY, Desk
from tests.domain.policies import POLICY, changed

P1, P2, P3, P4 = Priority
OUTAGE = {"impact": "site", "urgency": "blocked"}


class TestEffects:
    @pytest.mark.parametrize(
        ("effects", "written"),
        [
            pytest.param((), [], id="shadow writes nothing"),
            pytest.param(("fields",), ["priority", "path", "level"], id="fields only"),
            pytest.param(("assign",), ["group"], id="assignment only"),
        ],
    )
    def test_each_is_switched_on_by_itself(self, effects, written):
        desk = Desk(facts=OUTAGE)
        desk.rules = dataclasses.replace(desk.rules, effects=frozenset(map(Effect, effects)))
        planned = desk.sync()
        assert [c.field for c in planned.fields] == written
        shadowed = {r.audience for r in planned.records if r.outcome is Outcome.WOULD_DO}
        assert shadowed == {Effect.FIELDS, Effect.ASSIGN} - set(map(Effect, effects))

    def test_a_scope_may_differ_from_its_site(self):
        desk = Desk(facts=OUTAGE, scope="SUP")
        desk.rules = dataclasses.replace(desk.rules, effects=frozenset(), scopes={"SUP": frozenset({Effect.FIELDS})})
        assert desk.sync().fields

    def test_the_shadow_keeps_a_level_and_a_priority_of_its_own(self):
        desk = Desk(facts=OUTAGE)
        desk.rules = dataclasses.replace(desk.rules, effects=frozenset())
        desk.run(hours=1)
        assert (desk.ticket.priority, desk.ticket.level) == (P3, None)
        assert (desk.state.priority, desk.state.level) == (P1, 3)

    def test_a_field_that_the_site_does_not_have_is_not_planned(self):
        desk = Desk(facts=OUTAGE)
        desk.rules = dataclasses.replace(desk.rules, unwritable=frozenset({"level", "path", "next_due"}))
        assert [c.field for c in desk.sync().fields] == ["priority", "group"]

    def test_a_value_that_stands_already_becomes_ours_without_a_write(self):
        planned = Desk(facts=OUTAGE, priority=P1).look()[1]
        assert Field.PRIORITY in planned.adopted
        assert Field.PRIORITY not in [c.field for c in planned.fields]


class TestNextDue:
    def desk(self, **ticket) -> Desk:
        desk = Desk(changed(sla=dataclasses.replace(POLICY.sla, thresholds=()), hash="n" * 64), **ticket)
        desk.rules = dataclasses.replace(desk.rules, unwritable=frozenset())
        return desk

    def test_it_is_written_once_and_a_quiet_ticket_not_again_over_seven_days(self):
        desk = self.desk(facts={"impact": "user", "urgency": "inconvenient"}, priority=P4)
        desk.wait(minutes=5).says(ANNA)
        assert desk.sync().fields == (), "a young ticket gets no write for this alone"
        desk.wait(hours=4)
        desk.sync()
        written = list(desk.written)
        assert [line.split()[0] for line in written] == ["next_due"]
        for _ in range(14):
            desk.run(hours=12)
        assert desk.written == written

    def test_a_deadline_that_has_passed_is_not_the_next_one(self):
        desk = self.desk(facts={"impact": "user", "urgency": "inconvenient"}, priority=P4)
        desk.wait(hours=4)
        desk.sync()
        answer_by = desk.applied[Field.NEXT_DUE].value
        desk.run(days=3)
        assert answer_by < desk.now.isoformat() < desk.applied[Field.NEXT_DUE].value
        assert desk.look()[0].riders["next_due"] > desk.now.isoformat()
        desk.run(days=30)
        assert "next_due" not in desk.look()[0].riders, "nothing is due any more, it is all overdue"

    def test_it_travels_along_with_another_write(self):
        desk = self.desk(facts={"impact": "user", "urgency": "inconvenient"}, priority=P4)
        desk.sync()
        desk.wait(minutes=10)
        desk.fact("impact", "site")
        desk.fact("urgency", "blocked")
        assert Field.NEXT_DUE in [c.field for c in desk.sync().fields]

    def test_alone_it_waits_four_hours(self):
        desk = self.desk(facts=OUTAGE, priority=P1)
        desk.sync()
        desk.wait(minutes=5)
        desk.priority(P3, BEN)
        assert [c.field for c in desk.sync().fields] == []
        desk.wait(hours=4)
        assert Field.NEXT_DUE in [c.field for c in desk.sync().fields]


def test_riders_alone_make_no_change():
    desk = Desk(facts={"impact": "user", "urgency": "inconvenient"}, priority=P4)
    decision, planned = desk.look()
    assert decision.riders["policy"] == POLICY.short_hash
    assert change(planned, (), desk.situation) is None


# ---- order and budgets


def written(name: str, *effects: Effect, severity: Priority = P3, hard: bool = False, due: int = 0) -> Change:
    about = Occasion("o", (name,))
    fields = {Effect.FIELDS: Field.LEVEL, Effect.ASSIGN: Field.GROUP}
    notices = [
        Notice(occasion=about, audience=e, template="t", locale="en", values={}, reason="r")
        for e in effects
        if e not in fields
    ]
    return Change(
        ref=TicketRef("demo", name),
        key=f"#{name}",
        seen="1",
        severity=severity,
        deadline=MONDAY + timedelta(hours=due) if due else None,
        hard=hard,
        fields=tuple(
            FieldChange(field=fields[e], before=None, after="1", reason="r", occasion=set_field("level", "1"))
            for e in effects
            if e in fields
        ),
        comments=tuple(Comment(notice=n, key="k", body="b") for n in notices),
    )


def guarded(changes, *, least=2, used=0, allowance=0, frozen="", **limits):
    on_ticket = limits.pop("on_ticket", 0)
    budget = Budget(least=least, window=timedelta(hours=1), **limits)
    return guard(
        changes,
        budgets=dict.fromkeys(Effect, budget),
        used=dict.fromkeys(Effect, used),
        used_by_ticket={(e, "a"): on_ticket for e in Effect},
        open_tickets=0,
        allowance=dict.fromkeys(Effect, allowance),
        frozen={Effect.NOTES: frozen} if frozen else {},
    )


def test_the_most_urgent_comes_first():
    changes = [
        written("a", Effect.FIELDS, severity=P3, due=1),
        written("b", Effect.FIELDS, severity=P1, due=9),
        written("c", Effect.FIELDS, severity=P1, due=2),
        written("d", Effect.FIELDS, severity=P1),
    ]
    assert [c.ref.id for c in order(changes)] == ["c", "b", "d", "a"]


@pytest.mark.parametrize(
    ("limits", "go"),
    [
        pytest.param({}, ["a", "b"], id="as many as the budget allows"),
        pytest.param({"used": 1}, ["a"], id="what was written in this window counts"),
        pytest.param({"reserve": 1}, ["a", "b", "c"], id="a hard trigger may use the reserve"),
        pytest.param({"reserve": 1, "least": 0}, ["c"], id="and nobody else may"),
        pytest.param({"allowance": 2}, ["a", "b", "c", "d"], id="an operator lets more through"),
    ],
)
def test_a_budget(limits, go):
    changes = [written(name, Effect.FIELDS, hard=name == "c") for name in "abcd"]
    gone, held = guarded(changes, **limits)
    assert [c.ref.id for c in gone] == go
    assert [h.ref.id for h in held] == [name for name in "abcd" if name not in go]
    assert all("over the budget" in h.why for h in held)


def test_a_change_may_go_in_part():
    gone, held = guarded([written("a", Effect.FIELDS, Effect.NOTES)], frozen="too many")
    assert [c.effects for c in gone] == [{Effect.FIELDS}]
    assert [(h.effect, h.what, h.why) for h in held] == [(Effect.NOTES, "comment t", "frozen: too many")]


def test_one_ticket_has_a_limit_of_its_own():
    gone, held = guarded([written("a", Effect.PUBLIC), written("b", Effect.PUBLIC)], per_ticket=1, on_ticket=1)
    assert [c.ref.id for c in gone] == ["b"]
    assert "on this ticket" in held[0].why
    assert not held[0].freezes, "what one ticket had enough of is nobody else's loss"


def test_regular_updates_are_apart_from_what_one_ticket_may_get():
    def spoken(*occasions: Occasion) -> Change:
        lead, *others = occasions
        notice = Notice(
            occasion=lead,
            audience=Effect.PUBLIC,
            template="t",
            locale="en",
            values={},
            reason="r",
            covers=tuple(others),
        )
        comment = Comment(notice=notice, key="k" * 64, body="b")
        return Change(ref=TicketRef("demo", "a"), key="a", seen="1", comments=(comment,))

    update, mark = Occasion("update", ("1",)), Occasion("threshold", ("1",))
    gone, _ = guarded([spoken(update), spoken(update), spoken(mark), spoken(mark, update)], least=9, per_ticket=1)
    assert [c.comments[0].notice.occasion for c in gone] == [update, update, mark]
    gone, held = guarded([spoken(update), spoken(update)], least=1)
    assert len(gone) == 1, "they count against the site all the same"
    assert held[0].freezes


@given(
    uses=st.lists(st.frozensets(st.sampled_from(list(Effect)), min_size=1), max_size=12),
    least=st.integers(0, 5),
    used=st.integers(0, 5),
)
def test_no_effect_is_used_beyond_its_budget_and_nothing_gets_lost(uses, least, used):
    changes = [written(str(n), *sorted(effects)) for n, effects in enumerate(uses)]
    gone, held = guarded(changes, least=least, used=used)
    for effect in Effect:
        through = sum(effect in c.effects for c in gone)
        assert through <= max(least - used, 0)
        assert through + sum(h.effect is effect for h in held) == sum(effect in u for u in uses)


# ---- how it is told


def test_an_explanation_reads_like_this():
    desk = Desk(facts=OUTAGE, labels=frozenset({"security"}))
    desk.sync()
    desk.wait(minutes=6)
    desk.says(BEN, public=False)
    lines = explain_lines(*desk.look())
    assert lines[:4] == [
        "inputs: impact site | urgency blocked",
        "priority: impact site × urgency blocked = P1 -> wanted P1",
        "trigger security-form: hit (type is security-incident or labels includes security)",
        "first_response: 15m on 'always': 6 min = 40 %, due 09:15, next 75% 09:11:15",
    ]
    assert "path security, level 1 since 09:00: trigger security-form (trigger security-form)" in lines
    assert "next: 09:10 next step after level 1 unless acknowledged" in lines


def test_the_same_for_machines():
    data = explain_dict(*Desk(facts=OUTAGE).look())
    assert json.loads(json.dumps(data))["schema_version"] == 1
    assert data["priority"]["wanted"] == "P1"
    assert data["clocks"][0]["clock"] == "first_response"
    assert data["changes"][0]["after"] == "P1"


@pytest.mark.parametrize(
    ("time", "told"),
    [
        (timedelta(), "0 s"),
        (timedelta(minutes=11, seconds=15), "11 min 15 s"),
        (timedelta(days=2, hours=3), "2 d 3 h"),
        (-timedelta(minutes=5), "-5 min"),
    ],
    ids=["nothing", "minutes and seconds", "days and hours", "backwards"],
)
def test_a_length_of_time(time, told):
    assert length(time) == told
