"""What holds for every ticket, whatever people, automations and the connector did to it before."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from connector.domain.change import Field
from connector.domain.decide import decide
from connector.domain.decision import Decision
from connector.domain.explain import explain_dict, explain_lines
from connector.domain.occasion import Outcome
from connector.domain.site import Effect
from connector.domain.ticket import Status
from tests.domain import strategies as some
from tests.domain.desk import Desk
from tests.domain.policies import POLICY, lowering


def effects_of(decision: Decision):
    """What would be done; reasons, whose minutes run, and riders left out."""
    return (
        [(w.field, w.value, str(w.occasion)) for w in decision.fields],
        [(str(n.occasion), n.audience, n.template, [str(c) for c in n.covers]) for n in decision.notices],
        [(str(r.occasion), r.audience, r.outcome) for r in decision.records],
        decision.alarms,
    )


def walked(decision: Decision):
    state = decision.state
    return state.priority, state.level, state.path, state.entered_at, state.repeats


@given(desk=some.stories())
def test_the_same_situation_gives_the_same_decision(desk: Desk):
    assert decide(desk.situation, desk.policy, desk.now) == decide(desk.situation, desk.policy, desk.now)


@given(desk=some.stories())
def test_a_second_pass_at_the_same_moment_writes_nothing_and_stores_nothing(desk: Desk):
    desk.sync()
    decision, planned = desk.look()
    assert planned.fields == ()
    assert planned.notices == ()
    assert planned.records == ()
    assert planned.adopted == ()
    assert decision.state == desk.state


@given(desk=some.stories())
def test_what_is_wanted_can_be_told_again_from_the_stored_state_when_nothing_was_written(desk: Desk):
    """The state is stored before the writes: a crash between must lose none of them."""
    decision, planned = desk.look()
    desk.store(decision, planned)
    again, replanned = desk.look()
    assert again.state == decision.state
    assert replanned.fields == planned.fields
    assert [(n.occasion, n.audience) for n in replanned.notices] == [(n.occasion, n.audience) for n in planned.notices]
    assert replanned.records == ()


@given(desk=some.stories(), share=st.floats(0, 0.999))
def test_nothing_differs_before_the_moment_to_look_again(desk: Desk, share: float):
    desk.sync()
    decision, _ = desk.look()
    assert decision.next_due_at is None or decision.next_due_at > desk.now
    horizon = decision.next_due_at or desk.now + timedelta(days=30)
    between = desk.now + (horizon - desk.now) * share
    assume(between < horizon)
    later = decide(desk.situation, desk.policy, between)
    assert effects_of(later) == effects_of(decision)
    assert walked(later) == walked(decision)


@given(desk=some.stories())
def test_looking_again_when_told_to_comes_to_an_end(desk: Desk):
    """Every look at the due moment changes something or names a strictly later moment."""
    for _ in range(25):
        desk.sync()
        due_at = desk.look()[0].next_due_at
        if due_at is None:
            return
        assert due_at > desk.now
        desk.now = due_at


@given(desk=some.stories())
def test_in_shadow_nothing_is_written_and_every_would_do_is_stored_once(desk: Desk):
    desk.rules = dataclasses.replace(desk.rules, effects=frozenset())
    decision, planned = desk.look()
    assert planned.fields == ()
    assert planned.notices == ()
    desk.store(decision, planned)
    assert desk.look()[1].records == ()


@given(desk=some.stories())
def test_a_finished_ticket_wants_nothing(desk: Desk):
    desk.status(Status.SOLVED)
    decision, planned = desk.look()
    assert (decision.fields, decision.notices, decision.records, decision.next_due_at) == ((), (), (), None)
    assert (planned.fields, planned.notices, planned.records) == ((), (), ())


@given(desk=some.stories(st.sampled_from([POLICY])))
def test_a_policy_that_only_raises_never_lowers(desk: Desk):
    live = desk.ticket.priority
    for change in desk.sync().fields:
        if change.field is Field.PRIORITY:
            assert desk.ticket.priority is not None
            assert desk.ticket.priority.is_above(live)


@given(desk=some.stories(), actor=some.people, to=some.priorities)
def test_a_persons_priority_stands_while_nothing_rises(desk: Desk, actor, to):
    desk.sync()
    desk.wait(minutes=1)
    assume(desk.ticket.priority is not to)
    desk.priority(to, actor)
    planned = desk.look()[1]
    assert [c for c in planned.fields if c.field is Field.PRIORITY] == []


@given(desk=some.stories())
def test_one_pass_says_one_thing_to_one_audience_and_no_more_than_the_day_allows(desk: Desk):
    planned = desk.sync()
    audiences = [notice.audience for notice in planned.notices]
    assert len(audiences) == len(set(audiences))
    day = [at for at in desk.notes if at > desk.now - timedelta(hours=24)]
    assert len(day) <= desk.policy.quiet.notes_per_day


@given(desk=some.stories())
def test_a_pass_moves_a_running_path_up_by_one_step_or_not_at_all(desk: Desk):
    desk.sync()
    before = desk.state
    for _ in range(6):
        due_at = desk.look()[0].next_due_at
        if due_at is None:
            return
        desk.now = due_at
        desk.sync()
        after = desk.state
        if before.path is not None and after.path == before.path and after.started_at == before.started_at:
            assert after.level >= before.level
            if after.level > before.level and before.stepped_at is not None and after.stepped_at is not None:
                assert after.stepped_at - before.stepped_at >= desk.policy.escalation.min_step
        before = after


@given(desk=some.stories())
def test_nothing_is_said_to_a_customer_that_no_rule_asks_for(desk: Desk):
    """These policies speak to nobody outside; nor may a merge of notes make one public."""
    assert all(notice.audience is Effect.NOTES for notice in desk.sync().notices)


@given(desk=some.stories())
def test_no_settled_occasion_is_acted_upon_again(desk: Desk):
    _, planned = desk.look()
    for notice in planned.notices:
        for about in (notice.occasion, *notice.covers):
            row = desk.said.get((str(about), notice.audience))
            assert row is None or row.outcome in {Outcome.WOULD_DO, Outcome.HELD}


@given(desk=some.stories())
def test_every_decision_explains_itself_in_words_and_in_data(desk: Desk):
    decision, planned = desk.look()
    lines = explain_lines(decision, planned)
    assert all(line and "\n" not in line for line in lines)
    json.dumps(explain_dict(decision, planned))


@given(desk=some.stories(st.sampled_from([POLICY])), hours=st.integers(1, 200))
def test_an_edited_policy_that_changes_no_rule_writes_nothing(desk: Desk, hours: int):
    desk.sync()
    desk.policy = dataclasses.replace(desk.policy, hash="e" * 64)
    planned = desk.look()[1]
    assert planned.fields == ()
    assert planned.notices == ()


@given(desk=some.desks(st.sampled_from([lowering()])))
def test_how_often_one_looks_does_not_change_when_a_priority_is_lowered(desk: Desk):
    desk.complete = True
    rare = _copy(desk)
    for _ in range(8):
        desk.sync()
        desk.wait(minutes=5)
    rare.sync()
    rare.wait(minutes=40)
    assert desk.look()[0].explanation.priority.wanted == rare.look()[0].explanation.priority.wanted


def _copy(desk: Desk) -> Desk:
    twin = Desk(desk.policy, rules=desk.rules)
    twin.__dict__.update({name: _own(value) for name, value in vars(desk).items()})
    return twin


def _own(value):
    return value.copy() if isinstance(value, dict | list) else value
