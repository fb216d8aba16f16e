from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.change import Field
from connector.domain.occasion import Outcome, Said
from connector.domain.policy import Level, LevelTarget, Path, TargetKind
from connector.domain.site import Effect
from connector.domain.situation import Applied, EscalationState
from connector.domain.ticket import ClockName, Priority, Status
from connector.errors import ConnectorError
from connector.journal.tables import clock
from tests.journal.samples import MINUTE, NOW, POLICY, SITE, reading, record, store, ticket, verdict

LEVEL = Level(level=1, target=LevelTarget(TargetKind.GROUP, "second-line"), within=timedelta(minutes=30))
PATH = Path(name="default", levels=(LEVEL,))


def _stored(journal, id_="1"):
    (found,) = journal.load(SITE, [id_], now=NOW)
    return found


def _clocks(journal):
    return journal._thread.run(lambda c: c.execute(clock.select().order_by(clock.c.cycle_start)).mappings().all())


def test_a_verdict_stores_state_due_moment_clocks_occasions_and_adopted_values(journal):
    store(journal, ticket())
    state = EscalationState(path=PATH, level=1, entered_at=NOW, priority=Priority.P2, decided_at=NOW)
    given = verdict(
        state=state, records=(record(),), clocks=(reading(),), adopted={Field.PRIORITY: "P2", Field.GROUP: None}
    )
    assert journal.store_verdicts(SITE, [given], run="r1") == 6
    found = _stored(journal)
    assert found.state == state
    assert found.next_due_at == NOW + timedelta(hours=1)
    assert found.said == {("x:1", Effect.NOTES): Said(outcome=Outcome.WOULD_DO, at=NOW)}
    assert found.applied == {
        Field.PRIORITY: Applied(value="P2", at=NOW, baseline=True),
        Field.GROUP: Applied(value=None, at=NOW, baseline=True),
    }


def test_the_same_verdict_again_changes_no_row_even_when_it_was_made_later(journal):
    store(journal, ticket())
    given = verdict(records=(record(),), clocks=(reading(),), adopted={Field.PRIORITY: "P2"})
    assert journal.store_verdicts(SITE, [given], run="r1") == 5
    assert journal.store_verdicts(SITE, [given], run="r2") == 0
    later = NOW + MINUTE
    again = replace(
        given,
        decision=replace(given.decision, now=later, state=replace(given.decision.state, decided_at=later)),
        records=(replace(record(), at=later),),
    )
    assert journal.store_verdicts(SITE, [again], run="r3") == 0
    assert _stored(journal).state.decided_at == NOW


def test_a_clock_that_only_went_on_changes_no_row_and_a_paused_one_keeps_what_it_used(journal):
    store(journal, ticket())
    journal.store_verdicts(SITE, [verdict(clocks=(reading(),))], run="r")
    ran_on = reading(elapsed=timedelta(minutes=50), percent=20.0)
    assert journal.store_verdicts(SITE, [verdict(clocks=(ran_on,))], run="r") == 0
    paused = reading(paused=True, deadline=None, elapsed=timedelta(minutes=50))
    assert journal.store_verdicts(SITE, [verdict(clocks=(paused,))], run="r") == 1
    (row,) = _clocks(journal)
    assert (row["elapsed"], row["deadline"], row["target"]) == (50 * 60 * 1_000_000, None, "4h")


def test_a_cycle_that_is_over_keeps_its_last_row(journal):
    store(journal, ticket())
    met = reading(met_at=NOW + MINUTE, breached=True)
    journal.store_verdicts(SITE, [verdict(clocks=(met,))], run="r")
    again = reading(start=NOW + timedelta(days=1))
    response = reading(ClockName.FIRST_RESPONSE)
    assert journal.store_verdicts(SITE, [verdict(clocks=(again, response))], run="r") == 2
    assert [(row["clock"], row["breached"]) for row in _clocks(journal)] == [
        ("first_response", False),
        ("resolution", True),
        ("resolution", False),
    ]


@pytest.mark.parametrize(
    ("before", "after", "stands"),
    [
        (Outcome.WOULD_DO, Outcome.SUPERSEDED, Outcome.SUPERSEDED),
        (Outcome.WOULD_DO, Outcome.HELD, Outcome.HELD),
        (Outcome.HELD, Outcome.WOULD_DO, Outcome.WOULD_DO),
        (Outcome.HELD, Outcome.SILENCED, Outcome.SILENCED),
        (Outcome.SILENCED, Outcome.WOULD_DO, Outcome.SILENCED),
        (Outcome.SUPERSEDED, Outcome.HELD, Outcome.SUPERSEDED),
        (Outcome.DONE, Outcome.SUPERSEDED, Outcome.DONE),
        (Outcome.PARKED, Outcome.WOULD_DO, Outcome.PARKED),
        (Outcome.REJECTED, Outcome.HELD, Outcome.REJECTED),
    ],
)
def test_what_became_of_an_occasion_moves_forward_only(journal, before, after, stands):
    store(journal, ticket())
    journal.store_verdicts(SITE, [verdict(records=(record(outcome=before),))], run="r")
    journal.store_verdicts(SITE, [verdict(records=(record(outcome=after),))], run="r")
    assert _stored(journal).said["x:1", Effect.NOTES].outcome is stands


def test_one_occasion_has_a_row_per_audience(journal):
    store(journal, ticket())
    both = (record(audience=Effect.NOTES), record(audience=Effect.PUBLIC, outcome=Outcome.SILENCED))
    journal.store_verdicts(SITE, [verdict(records=both)], run="r")
    assert set(_stored(journal).said) == {("x:1", Effect.NOTES), ("x:1", Effect.PUBLIC)}


def test_an_adopted_value_is_stored_again_only_when_it_differs(journal):
    store(journal, ticket())
    journal.store_verdicts(SITE, [verdict(adopted={Field.PRIORITY: "P2"})], run="r")
    assert journal.store_verdicts(SITE, [verdict(adopted={Field.PRIORITY: "P2"}, now=NOW + MINUTE)], run="r") == 0
    assert journal.store_verdicts(SITE, [verdict(adopted={Field.PRIORITY: "P1"}, now=NOW + MINUTE)], run="r") == 1
    assert _stored(journal).applied[Field.PRIORITY] == Applied(value="P1", at=NOW + MINUTE, baseline=True)


def test_a_finished_ticket_is_never_due_whatever_its_verdict_says(journal):
    store(journal, ticket(status=Status.CLOSED))
    journal.store_verdicts(SITE, [verdict(due=NOW)], run="r")
    assert journal.next_due(SITE) is None


def test_a_verdict_on_a_ticket_that_is_not_stored_is_an_error_and_changes_nothing(journal):
    store(journal, ticket())
    with pytest.raises(ConnectorError, match="404"):
        journal.store_verdicts(SITE, [verdict("1"), verdict("404")], run="r")
    assert _stored(journal).state == EscalationState()


def test_what_is_due_comes_earliest_first_and_within_the_limit(journal):
    store(journal, *(ticket(str(n)) for n in range(5)))
    moments = [NOW + MINUTE * k for k in (3, 1, 4, 2)]
    journal.store_verdicts(SITE, [verdict(str(n), due=at) for n, at in enumerate([*moments, None])], run="r")
    assert journal.due(SITE, now=NOW, limit=9) == ()
    assert journal.due(SITE, now=NOW + 3 * MINUTE, limit=9) == ("1", "3", "0")
    assert journal.due(SITE, now=NOW + 3 * MINUTE, limit=2) == ("1", "3")
    assert journal.due("other", now=NOW + 3 * MINUTE, limit=9) == ()
    assert journal.next_due(SITE) == NOW + MINUTE
    assert journal.next_due("other") is None


def test_tickets_decided_under_another_policy_or_never_are_undecided(journal):
    store(journal, *(ticket(str(n)) for n in range(5)), ticket("solved", status=Status.SOLVED))
    given = [verdict("1"), verdict("2", policy="0" * 64), verdict("3", policy="f" * 64), verdict("solved", policy="f")]
    journal.store_verdicts(SITE, given, run="r")
    assert journal.undecided(SITE, policy_hash=POLICY, limit=9) == ("0", "4", "2", "3")
    assert journal.undecided(SITE, policy_hash=POLICY, limit=2) == ("0", "4")
    assert journal.undecided(SITE, policy_hash=POLICY, limit=3) == ("0", "4", "2")
