from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.change import Field
from connector.domain.guard import OVER_BUDGET
from connector.domain.occasion import Outcome
from connector.domain.occasion import level as level_of
from connector.domain.site import Effect
from connector.domain.situation import Applied, EscalationState
from connector.errors import ConnectorError, UnsafePlan
from connector.ports import Progress
from tests.domain.policies import DEFAULT
from tests.journal.samples import (
    FINGERPRINT,
    MINUTE,
    NOW,
    SITE,
    field_change,
    receipt,
    record,
    store,
    ticket,
    verdict,
    write,
)

FIELDS, NOTES, ASSIGN, PUBLIC = Effect.FIELDS, Effect.NOTES, Effect.ASSIGN, Effect.PUBLIC


def _site(journal):
    return journal.open_site(SITE, fingerprint=FINGERPRINT)


def _kinds(journal):
    return [line.kind for line in journal.records().events()]


# ---- a site's bookkeeping


def test_a_new_site_has_no_cursor_and_a_known_one_keeps_its_own(reopen):
    journal = reopen()
    state = _site(journal)
    assert (state.cursor, state.loaded, state.open_tickets, state.last_good_at) == (None, False, 0, None)
    journal.advance(SITE, Progress(cursor="c0", loaded=False))
    journal.advance(SITE, Progress(loaded=True, last_good_at=NOW, last_sweep_at=NOW - MINUTE))
    journal.advance(SITE, Progress())
    store(journal, ticket("1"), ticket("2"))
    state = _site(reopen())
    assert (state.cursor, state.loaded, state.open_tickets) == ("c0", True, 2)
    assert (state.last_good_at, state.last_sweep_at) == (NOW, NOW - MINUTE)


def test_a_site_that_points_at_another_helpdesk_is_refused(journal):
    with pytest.raises(UnsafePlan, match="another helpdesk") as raised:
        journal.open_site(SITE, fingerprint="other")
    assert raised.value.remedy
    assert _site(journal).fingerprint == FINGERPRINT


def test_what_is_said_of_an_unknown_site_is_an_error_with_a_remedy(journal):
    with pytest.raises(ConnectorError, match="not in this state"):
        journal.pause("nowhere", "why", now=NOW, actor="op")


def test_sites_do_not_see_one_another(journal):
    journal.open_site("jira", fingerprint="j")
    store(journal, ticket("1"))
    assert journal.known_open("jira") == frozenset()
    assert journal.load("jira", ["1"], now=NOW) == ()
    assert [state.site for state in journal.records().sites()] == ["jira", SITE]


# ---- pause, freeze, resume


def test_a_freeze_keeps_its_first_reason_and_is_told_once(journal):
    journal.freeze(SITE, NOTES, "a note came out public", now=NOW)
    journal.freeze(SITE, NOTES, "again", now=NOW)
    journal.freeze(SITE, None, "401", now=NOW)
    journal.freeze(SITE, None, "401", now=NOW)
    frozen = _site(journal).frozen
    assert frozen == {NOTES: "a note came out public", FIELDS: "401", ASSIGN: "401", PUBLIC: "401"}
    assert _kinds(journal) == ["frozen", "frozen"]


def test_what_is_frozen_by_a_budget_is_frozen_harder_by_what_leaves_no_reserve(journal):
    journal.freeze(SITE, FIELDS, f"{OVER_BUDGET}: 4 more wanted", now=NOW)
    journal.freeze(SITE, None, "denied", now=NOW)
    journal.freeze(SITE, FIELDS, f"{OVER_BUDGET}: 5 more wanted", now=NOW)
    assert _site(journal).frozen == dict.fromkeys(Effect, "denied")
    assert _kinds(journal) == ["frozen", "frozen"]


def test_budgets_that_are_all_used_up_halt_nothing_for_what_has_a_reserve(journal):
    for effect in Effect:
        journal.freeze(SITE, effect, f"{OVER_BUDGET}: 4 more wanted", now=NOW)
    assert journal.halted(SITE) == ""
    journal.freeze(SITE, None, "denied", now=NOW)
    assert journal.halted(SITE) == "denied"


def test_resume_clears_pause_and_freezes_and_allows_a_stated_number(journal, reopen):
    journal.pause(SITE, "maintenance", now=NOW, actor="anna")
    journal.freeze(SITE, None, "over budget", now=NOW)
    assert _site(journal).paused == "maintenance"
    journal.resume(SITE, allow=3, now=NOW, actor="anna")
    state = _site(reopen())
    assert (state.paused, state.frozen) == ("", {})
    assert state.allowance == dict.fromkeys(Effect, 3)


def test_resuming_what_is_not_stopped_says_nothing(journal):
    journal.resume(SITE, allow=0, now=NOW, actor="anna")
    assert _kinds(journal) == []


def test_an_operators_word_is_kept_where_nothing_was_stopped_but_something_was_told(journal):
    """What was told before is news again, also for a process that only knows the state; a second word adds nothing."""
    journal.note_alarm("budget", site=SITE, kind="freeze", now=NOW)
    assert journal.alarm_told("budget", site=SITE, since=NOW - MINUTE)
    for later in (MINUTE, 2 * MINUTE):
        journal.resume(SITE, allow=0, now=NOW + later, actor="anna")
        assert _kinds(journal) == ["alarm", "resumed"]
        assert journal.resumed_at(SITE) == NOW + MINUTE
        assert not journal.alarm_told("budget", site=SITE, since=NOW - MINUTE)


def test_every_operators_act_is_in_the_audit_with_who_and_why(journal):
    journal.pause(SITE, "", now=NOW, actor="anna")
    journal.pause(SITE, "", now=NOW, actor="anna")
    assert journal.resumed_at(SITE) is None
    journal.resume(SITE, allow=2, now=NOW + MINUTE, actor="ben")
    assert journal.resumed_at(SITE) == journal.records().resumed_at(SITE) == NOW + MINUTE
    paused, resumed = journal.records().events()
    assert (paused.kind, paused.actor, paused.data) == ("paused", "anna", {"why": "paused by anna"})
    assert (resumed.kind, resumed.actor, resumed.data["allow"]) == ("resumed", "ben", "2")


def test_what_resume_allows_is_used_up_write_by_write(journal):
    store(journal, *(ticket(str(n)) for n in range(4)))
    journal.resume(SITE, allow=2, now=NOW, actor="anna")
    left = []
    for n in range(4):
        (armed,) = journal.arm(SITE, [(write(str(n), f"k{n}"), "d")], run="r", now=NOW)
        journal.settle(armed, receipt(f"k{n}"), now=NOW)
        left.append(dict(_site(journal).allowance))
    others = {NOTES: 2, ASSIGN: 2, PUBLIC: 2}
    assert left == [{FIELDS: 1} | others, others, others, others]


# ---- effects


def _would_do(journal, id_, *audiences):
    records = tuple(record(audience=audience) for audience in audiences)
    journal.store_verdicts(SITE, [verdict(id_, records=records)], run="r")


def _outcomes(journal, id_="1"):
    (found,) = journal.load(SITE, [id_], now=NOW)
    return {audience: row.outcome for (_, audience), row in found.said.items()}


def test_switching_an_effect_on_silences_what_shadow_would_have_said(journal):
    store(journal, ticket("1"))
    _would_do(journal, "1", NOTES, PUBLIC)
    assert journal.switch_effects(SITE, {"": frozenset({NOTES})}, now=NOW + MINUTE) == 1
    assert _outcomes(journal) == {NOTES: Outcome.SILENCED, PUBLIC: Outcome.WOULD_DO}
    assert _site(journal).effects == {"": frozenset({NOTES})}
    assert journal.switch_effects(SITE, {"": frozenset({NOTES})}, now=NOW) == 0


def test_switching_off_and_on_again_silences_what_came_between_alone(journal):
    store(journal, ticket("1"))
    journal.switch_effects(SITE, {"": frozenset({NOTES})}, now=NOW)
    assert journal.switch_effects(SITE, {"": frozenset()}, now=NOW) == 0
    _would_do(journal, "1", NOTES)
    assert journal.switch_effects(SITE, {"": frozenset({NOTES})}, now=NOW) == 1
    assert [line.data for line in journal.records().events()] == [
        {"scope": "", "before": "", "after": "notes"},
        {"scope": "", "before": "notes", "after": ""},
        {"scope": "", "before": "", "after": "notes"},
    ]


def test_only_the_scope_that_was_switched_is_silenced(journal):
    store(journal, ticket("1", scope="SUP"), ticket("2", scope="OPS"), ticket("3", scope=""))
    for id_ in ("1", "2", "3"):
        _would_do(journal, id_, NOTES)
    assert journal.switch_effects(SITE, {"": frozenset(), "SUP": frozenset({NOTES})}, now=NOW) == 1
    assert _outcomes(journal, "1") == {NOTES: Outcome.SILENCED}
    assert _outcomes(journal, "2") == _outcomes(journal, "3") == {NOTES: Outcome.WOULD_DO}


def test_a_named_scope_is_left_out_when_the_default_is_switched(journal):
    store(journal, ticket("1", scope="SUP"), ticket("2", scope="OPS"))
    for id_ in ("1", "2"):
        _would_do(journal, id_, NOTES)
    effects = {"": frozenset({NOTES}), "SUP": frozenset[Effect]()}
    assert journal.switch_effects(SITE, effects, now=NOW) == 1
    assert _outcomes(journal, "1") == {NOTES: Outcome.WOULD_DO}


def test_dropping_a_scope_whose_default_is_on_switches_it_on(journal):
    store(journal, ticket("1", scope="SUP"))
    journal.switch_effects(SITE, {"": frozenset({NOTES}), "SUP": frozenset()}, now=NOW)
    _would_do(journal, "1", NOTES)
    assert journal.switch_effects(SITE, {"": frozenset({NOTES})}, now=NOW) == 1


def test_live_values_become_the_baseline_where_shadow_wanted_others(journal):
    store(journal, ticket("1", assignee=None), ticket("2"))
    (armed,) = journal.arm(SITE, [(write("1", fields=[field_change(Field.PATH, "default")]), "d")], run="r", now=NOW)
    journal.settle(armed, receipt(), now=NOW)
    _would_do(journal, "1", FIELDS, ASSIGN)
    later = NOW + timedelta(hours=1)
    assert journal.switch_effects(SITE, {"": frozenset({FIELDS, ASSIGN})}, now=later) == 2
    one, two = journal.load(SITE, ["1", "2"], now=NOW)
    assert two.applied == {}
    assert one.applied == {
        Field.PATH: Applied(value="default", at=NOW + MINUTE),
        Field.PRIORITY: Applied(value="P3", at=later, baseline=True),
        Field.LEVEL: Applied(value=None, at=later, baseline=True),
        Field.GROUP: Applied(value="service-desk", at=later, baseline=True),
        Field.ASSIGNEE: Applied(value=None, at=later, baseline=True),
    }


def test_a_path_that_ran_in_shadow_goes_on_from_what_really_stands(journal):
    """From the last level that was written, else from the first; only where something was switched on at all."""
    ids = ("shadow", "written", "elsewhere", "at rest")
    store(journal, *(ticket(id_, scope="OPS" if id_ == "elsewhere" else "SUP") for id_ in ids))
    entered = NOW - timedelta(minutes=30)
    climbed = EscalationState(path=DEFAULT, level=3, started_at=NOW - timedelta(hours=2), entered_at=NOW)
    done = record(str(level_of(DEFAULT.name, entered, 2)), audience=FIELDS, outcome=Outcome.DONE)
    due = NOW + timedelta(hours=9)
    given = [verdict(id_, due=due, state=climbed) for id_ in ("shadow", "written", "elsewhere")]
    given[1] = replace(given[1], records=(done,))
    journal.store_verdicts(SITE, [*given, verdict("at rest", due=due)], run="r")
    later = NOW + MINUTE
    journal.switch_effects(SITE, {"": frozenset(), "SUP": frozenset({FIELDS})}, now=later)
    found = {one.ticket.ref.id: one for one in journal.load(SITE, ids, now=NOW)}
    assert [(found[id_].state.level, found[id_].state.entered_at) for id_ in ids[:3]] == [
        (1, NOW - timedelta(hours=2)),
        (2, entered),
        (3, NOW),
    ]
    assert [found[id_].state.baseline_at for id_ in ids] == [later, later, None, None]
    assert [found[id_].next_due_at for id_ in ids] == [later, later, due, due]
    journal.switch_effects(SITE, {"": frozenset(), "SUP": frozenset({FIELDS, NOTES})}, now=later + MINUTE)
    (again,) = journal.load(SITE, ["written"], now=NOW)
    assert (again.state, again.next_due_at) == (found["written"].state, later)


def test_lifting_a_pause_leaves_what_is_frozen(journal):
    journal.freeze(SITE, NOTES, "401", now=NOW)
    journal.pause(SITE, "maintenance", now=NOW, actor="anna")
    journal.lift(SITE, now=NOW + MINUTE, actor="ben")
    state = _site(journal)
    assert (state.paused, state.frozen) == ("", {NOTES: "401"})
    line = journal.records().events()[-1]
    assert (line.at, line.kind, line.actor, line.data) == (NOW + MINUTE, "resumed", "ben", {"paused": "maintenance"})


def test_what_is_left_of_a_word_is_counted_to_the_last(journal):
    store(journal, ticket("1"), ticket("2"))
    journal.resume(SITE, allow=3, now=NOW, actor="anna")
    for n, id_ in enumerate(("1", "2")):
        (armed,) = journal.arm(SITE, [(write(id_, f"k{n}"), "d")], run="r", now=NOW)
        journal.settle(armed, receipt(f"k{n}"), now=NOW)
    assert _site(journal).allowance == {FIELDS: 1, NOTES: 3, ASSIGN: 3, PUBLIC: 3}


def test_a_word_that_nobody_gave_does_not_end_and_says_nothing(journal):
    before = _kinds(journal)
    journal.end_allowance(SITE, now=NOW)
    assert _kinds(journal) == before


def test_a_site_that_the_state_does_not_know_is_not_halted(journal):
    assert journal.halted("nowhere") == ""
    journal.pause(SITE, "holidays", now=NOW, actor="op")
    assert (journal.halted(SITE), journal.halted("nowhere")) == ("holidays", "")


# ---- approvals


@pytest.mark.parametrize(("level", "waits"), [(1, 1), (2, 1), (3, 0), (4, 0)])
def test_a_step_waits_for_approval_until_something_else_has_made_it(journal, level, waits):
    store(journal, ticket("1"))
    asked = record("approve:3:resolution:20261123T080000Z:50%", audience=FIELDS, outcome=Outcome.HELD)
    reached = EscalationState(policy_hash="p", level=level, decided_at=NOW)
    journal.store_verdicts(SITE, [verdict(state=reached, records=(asked,))], run="r")
    assert len(journal.records().approvals(SITE)) == waits
    assert journal.approve(SITE, "1", now=NOW, actor="op") == waits
    told = [line.data for line in journal.records().events() if line.kind == "approved"]
    assert told == [{"steps": "level 3 (resolution 50%)"}] * waits


@pytest.mark.parametrize(("asked", "told"), [(2, "2"), (4, "4"), (9, "4")])
def test_a_step_that_waits_leads_to_the_end_of_its_path_at_most(journal, asked, told):
    store(journal, ticket("1"))
    step = record(f"approve:{asked}:resolution:20261123T080000Z:50%", audience=FIELDS, outcome=Outcome.HELD)
    reached = EscalationState(policy_hash="p", path=DEFAULT, level=1, started_at=NOW, entered_at=NOW, decided_at=NOW)
    journal.store_verdicts(SITE, [verdict(state=reached, records=(step,))], run="r")
    (waits,) = journal.records().approvals(SITE)
    assert waits.data == {"level": told, "threshold": "resolution 50%"}
