"""Budgets: what passes and what waits, against a model that counts with its fingers."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.change import Change, Comment, Field, FieldChange, Notice
from connector.domain.guard import OVER_BUDGET, Held, guard, order
from connector.domain.occasion import Occasion, level, set_field, update
from connector.domain.site import Budget, Effect
from connector.domain.ticket import Priority, TicketRef

HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LEVEL = level("default", NOON, 1)
UPDATE = update(NOON, 1)
FIELD_OF = {Effect.FIELDS: Field.PRIORITY, Effect.ASSIGN: Field.GROUP}


def wants(
    id_: str, *effects: Effect, hard: bool = False, regular: bool = False, severity: Priority | None = None
) -> Change:
    """A change on ticket ``id_`` that uses ``effects``."""
    fields = tuple(
        FieldChange(field=FIELD_OF[e], before=None, after="x", reason="r", occasion=set_field(FIELD_OF[e], "x"))
        for e in effects
        if e in FIELD_OF
    )
    comments = tuple(comment(e, UPDATE if regular else LEVEL) for e in effects if e not in FIELD_OF)
    ref = TicketRef(site="s", id=id_)
    return Change(ref=ref, key=f"T-{id_}", seen="1", fields=fields, comments=comments, hard=hard, severity=severity)


def comment(effect: Effect, about: Occasion, covers: tuple[Occasion, ...] = ()) -> Comment:
    notice = Notice(occasion=about, audience=effect, template="note", locale="en", values={}, reason="r", covers=covers)
    return Comment(notice=notice, key="0" * 64, body="b")


def judge(changes: list[Change], **given_) -> tuple[list[Change], list[Held]]:
    known = {"budgets": {}, "used": {}, "used_by_ticket": {}, "open_tickets": 0, "allowance": {}, "frozen": {}}
    return guard(changes, **{**known, **given_})


def passed(changes: list[Change], **given_) -> list[tuple[str, Effect]]:
    go, _ = judge(changes, **given_)
    return [(c.ref.id, effect) for c in go for effect in sorted(c.effects)]


changes = st.lists(
    st.builds(
        lambda id_, effects, hard, regular: wants(id_, *sorted(effects), hard=hard, regular=regular),
        st.sampled_from("abc"),
        st.sets(st.sampled_from(Effect), min_size=1),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)
budgets = st.dictionaries(
    st.sampled_from(Effect),
    st.builds(
        Budget,
        least=st.integers(0, 4),
        window=st.just(HOUR),
        share=st.sampled_from([0.0, 0.02]),
        reserve=st.integers(0, 3),
        per_ticket=st.none() | st.integers(0, 2),
    ),
)
numbers = st.dictionaries(st.sampled_from(Effect), st.integers(0, 3))


limits = st.fixed_dictionaries(
    {
        "budgets": budgets,
        "used": numbers,
        "used_by_ticket": st.dictionaries(
            st.tuples(st.sampled_from(Effect), st.sampled_from("abc")), st.integers(0, 2)
        ),
        "open_tickets": st.sampled_from([0, 100, 200]),
        "allowance": numbers,
        "frozen": st.dictionaries(st.sampled_from(Effect), st.sampled_from(["why", f"{OVER_BUDGET}: 3 more wanted"])),
    }
)


@given(changes, limits)
def test_agrees_with_a_count_on_fingers(wanted, known):
    spent, spent_on, left = Counter(known["used"]), Counter(known["used_by_ticket"]), Counter(known["allowance"])
    expected = []
    for change in wanted:
        for effect in sorted(change.effects):
            frozen = known["frozen"].get(effect, "")
            reserved = effect in known["budgets"] and known["budgets"][effect].reserve > 0
            if frozen == "why" or (frozen and not (change.hard and reserved)):
                continue
            regular = effect in (Effect.NOTES, Effect.PUBLIC) and change.is_regular(effect)
            budget = known["budgets"].get(effect)
            if budget is not None:
                room = max(budget.least, int(known["open_tickets"] * budget.share))
                room += budget.reserve if change.hard else 0
                full = budget.per_ticket is not None and spent_on[effect, change.ref.id] >= budget.per_ticket
                if (left[effect] <= 0 and spent[effect] >= room) or (full and not regular):
                    continue
            if left[effect] > 0:
                left[effect] -= 1
            else:
                spent[effect] += 1
            spent_on[effect, change.ref.id] += not regular
            expected.append((change.ref.id, effect))
    assert expected == passed(wanted, **known)


@given(changes, budgets, numbers)
def test_every_part_either_passes_or_is_held_with_a_reason(wanted, budget, used):
    go, held = judge(wanted, budgets=budget, used=used)
    parts = Counter((c.ref, e) for c in go for e in c.effects) + Counter((h.ref, h.effect) for h in held)
    assert parts == Counter((c.ref, e) for c in wanted for e in c.effects)
    assert all(h.why and h.what for h in held)


def test_what_is_held_says_what_waits_for_whom_and_since_what():
    change = Change(
        ref=TicketRef(site="s", id="7"),
        key="SUP-7",
        seen="1",
        fields=(
            FieldChange(
                field=Field.PRIORITY, before=None, after="P1", reason="r", occasion=set_field(Field.PRIORITY, "P1")
            ),
            FieldChange(field=Field.PATH, before="a", after="b", reason="r", occasion=set_field(Field.PATH, "b")),
        ),
        comments=(comment(Effect.NOTES, LEVEL, covers=(UPDATE,)),),
        severity=Priority.P1,
        deadline=NOON,
    )
    _, (fields, notes) = judge([change], frozen={Effect.FIELDS: "a person looks", Effect.NOTES: "a storm"})
    assert (fields.key, fields.ref, fields.effect) == ("SUP-7", change.ref, Effect.FIELDS)
    assert fields.what == "priority (none) -> P1, path a -> b"
    assert fields.why == "frozen: a person looks"
    assert (fields.severity, fields.deadline) == (Priority.P1, NOON)
    assert fields.occasions == (set_field(Field.PRIORITY, "P1"), set_field(Field.PATH, "b"))
    assert notes.what == "comment note"
    assert notes.occasions == (LEVEL, UPDATE)


def test_a_budget_that_is_used_up_names_its_size_and_window():
    _, (held,) = judge(
        [wants("a", Effect.NOTES)], budgets={Effect.NOTES: Budget(least=2, window=HOUR)}, used={Effect.NOTES: 2}
    )
    assert (held.why, held.freezes) == ("over the budget of 2 notes within 1:00:00", True)


def test_what_one_ticket_may_get_freezes_nobody_else():
    limits = {Effect.PUBLIC: Budget(least=9, window=HOUR, per_ticket=1)}
    go, (held,) = judge(
        [wants("a", Effect.PUBLIC), wants("a", Effect.PUBLIC), wants("b", Effect.PUBLIC)], budgets=limits
    )
    assert [c.ref.id for c in go] == ["a", "b"]
    assert (held.why, held.freezes) == ("1 public on this ticket within 1 day, 0:00:00", False)


def test_the_ticket_s_limit_is_named_before_the_site_s():
    limits = {Effect.PUBLIC: Budget(least=0, window=HOUR, per_ticket=0)}
    _, (held,) = judge([wants("a", Effect.PUBLIC)], budgets=limits)
    assert not held.freezes


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            wants("z", Effect.NOTES, severity=Priority.P1), wants("a", Effect.NOTES), id="a severity before none"
        ),
        pytest.param(
            wants("z", Effect.NOTES, severity=Priority.P4),
            wants("a", Effect.NOTES),
            id="even the least severity before none",
        ),
        pytest.param(
            wants("z", Effect.NOTES, severity=Priority.P1),
            wants("a", Effect.NOTES, severity=Priority.P2),
            id="the higher severity first",
        ),
        pytest.param(wants("a", Effect.NOTES), wants("b", Effect.NOTES), id="else by name, so that plans compare"),
    ],
)
def test_the_most_urgent_comes_first(first, second):
    assert order([second, first]) == [first, second]


def test_the_earlier_deadline_comes_first_and_none_last():
    soon, late, never = (
        Change(ref=TicketRef(site="s", id=id_), key=id_, seen="1", deadline=deadline)
        for id_, deadline in (("c", NOON), ("b", NOON + HOUR), ("a", None))
    )
    assert order([never, late, soon]) == [soon, late, never]


@pytest.mark.parametrize(
    ("least", "allow", "used", "pass_"),
    [(0, 3, {}, 3), (1, 0, {}, 1), (2, 0, {}, 2), (2, 1, {}, 3), (2, 2, {Effect.NOTES: 1}, 3), (3, 0, {}, 3)],
)
def test_what_passes_is_the_word_that_was_given_and_what_is_left_of_the_budget(least, allow, used, pass_):
    budget = {Effect.NOTES: Budget(least=least, window=HOUR)}
    wanted = [wants(id_, Effect.NOTES) for id_ in "abcdef"]
    found = passed(wanted, budgets=budget, used=used, allowance={Effect.NOTES: allow} if allow else {})
    assert found == [(id_, Effect.NOTES) for id_ in "abcdef"[:pass_]]


@pytest.mark.parametrize("effect", [Effect.NOTES, Effect.PUBLIC])
def test_regular_updates_are_not_counted_on_a_ticket_whose_share_is_used_up(effect):
    budget = {effect: Budget(least=9, window=HOUR, per_ticket=1)}
    wanted = [wants("a", effect), wants("a", effect, regular=True), wants("a", effect), wants("b", effect)]
    go, held = judge(wanted, budgets=budget)
    assert [(c.ref.id, c.is_regular(effect)) for c in go] == [("a", False), ("a", True), ("b", False)]
    assert [(each.ref.id, each.why) for each in held] == [("a", f"1 {effect} on this ticket within 1 day, 0:00:00")]
