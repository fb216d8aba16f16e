from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.change import Field
from connector.domain.decision import Look
from connector.domain.occasion import Outcome, Said
from connector.domain.policy import Level, LevelTarget, Path, TargetKind
from connector.domain.site import Effect
from connector.domain.situation import Applied, EscalationState
from connector.domain.ticket import ClockName, Priority, Status, TicketRef
from connector.errors import ConnectorError
from connector.journal.tables import clock, escalation
from connector.ports import Awaited, TicketHistory
from tests.journal.listening import heard_by_every_engine
from tests.journal.samples import MINUTE, NOW, POLICY, SITE, reading, record, store, ticket, verdict

LEVEL = Level(level=1, target=LevelTarget(TargetKind.GROUP, "second-line"), within=timedelta(minutes=30))
PATH = Path(name="default", levels=(LEVEL,))


def _stored(journal, id_="1"):
    (found,) = journal.load(SITE, [id_], now=NOW)
    return found


def _clocks(journal):
    return _rows(journal, clock.select().order_by(clock.c.cycle_start))


def _rows(journal, wanted):
    return journal._thread.run(lambda c: c.execute(wanted).mappings().all())


def _micros(at):
    return int(at.timestamp()) * 1_000_000


def _lines(journal, kind):
    return [line for line in journal.records().events() if line.kind == kind]


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


def test_what_is_remembered_can_be_read_without_its_document(journal):
    """A path's name and level, and both its moments, stand in columns of their own."""
    store(journal, ticket("1"), ticket("2"))
    climbed = EscalationState(path=PATH, level=1, entered_at=NOW, acknowledged_at=NOW + MINUTE, decided_at=NOW)
    assert journal.store_verdicts(SITE, [verdict("1"), verdict("2")], run="r1") == 4
    assert journal.store_verdicts(SITE, [verdict("1", state=climbed), verdict("2")], run="r2") == 1
    one, two = _rows(journal, escalation.select().order_by(escalation.c.ticket))
    assert (one["path"], one["level"], one["run"]) == ("default", 1, "r2")
    assert (one["entered_at"], one["acknowledged_at"]) == (_micros(NOW), _micros(NOW + MINUTE))
    assert (two["path"], two["level"], two["entered_at"], two["run"]) == ("", 0, None, "r1")
    assert _stored(journal).state == climbed


def test_a_clocks_row_tells_its_deadline_when_it_was_met_and_that_it_has_no_target(journal):
    store(journal, ticket())
    met = reading(met_at=NOW + MINUTE, target=None, calendar="", provisional=True)
    journal.store_verdicts(SITE, [verdict(clocks=(met,))], run="r")
    (row,) = _clocks(journal)
    assert (row["deadline"], row["met_at"]) == (_micros(NOW + timedelta(hours=4)), _micros(NOW + MINUTE))
    assert (row["target"], row["calendar"], row["source"], row["provisional"]) == ("", "", "own", True)


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


@pytest.mark.parametrize(
    ("already", "then"),
    [
        pytest.param(NOW - MINUTE, NOW - MINUTE, id="it was due before: it still is since then"),
        pytest.param(NOW + MINUTE, NOW, id="it would be due later: it is due now"),
        pytest.param(None, NOW, id="it was never due: it is due now"),
    ],
)
def test_what_is_unwritten_keeps_a_ticket_due(journal, already, then):
    store(journal, ticket())
    journal.store_verdicts(SITE, [verdict(due=already)], run="r1")
    waits = replace(verdict(due=NOW + timedelta(hours=9)), unwritten=True)
    journal.store_verdicts(SITE, [waits], run="r2")
    assert journal.next_due(SITE) == then
    assert journal.store_verdicts(SITE, [waits], run="r3") == 0


def test_what_is_written_moves_on_unless_something_newer_made_it_due(journal):
    ids = ("written", "finished for now", "decided later", "never due", "another's")
    later = NOW + timedelta(hours=9)
    store(journal, *(ticket(id_) for id_ in ids))
    due = {"decided later": NOW + MINUTE, "never due": None}
    journal.store_verdicts(SITE, [verdict(id_, due=due.get(id_, NOW)) for id_ in ids], run="r")
    journal.move_on(SITE, {}, since=NOW)
    journal.move_on("other", {"another's": later}, since=NOW)
    journal.move_on(
        SITE, {"written": later, "finished for now": None, "decided later": later, "never due": later}, since=NOW
    )
    after = {found.ticket.ref.id: found.next_due_at for found in journal.load(SITE, ids, now=NOW)}
    assert after == {
        "written": later,
        "finished for now": None,
        "decided later": NOW + MINUTE,
        "never due": None,
        "another's": NOW,
    }


def test_what_shadow_would_have_done_is_told_in_the_audit(journal):
    store(journal, ticket("1"), ticket("2"))
    told = {"priority": "P3 → P1", "why": "the site is down"}
    journal.store_verdicts(SITE, [replace(verdict("1"), would_do=told), verdict("2")], run="r7")
    (line,) = _lines(journal, "would-do")
    assert (line.at, line.site, line.ticket, line.run, line.data) == (NOW, SITE, "1", "r7", told)


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


def test_tickets_decided_under_another_policy_are_found_with_the_one_that_they_were_decided_under(journal):
    store(journal, *(ticket(str(n)) for n in range(4)), ticket("solved", status=Status.SOLVED))
    given = [verdict("1"), verdict("2", policy="0" * 64), verdict("3", policy="f" * 64), verdict("solved", policy="f")]
    journal.store_verdicts(SITE, given, run="r")
    assert journal.decided_before(SITE, policy_hash=POLICY) == ("2", "3")
    assert journal.decided_before("other", policy_hash=POLICY) == ()
    known = {"0": "", "1": POLICY, "2": "0" * 64, "solved": "f"}
    assert journal.policies_of(SITE, [*known, "404"]) == known
    assert journal.policies_of("other", list(known)) == {}


def test_before_the_first_write_nothing_of_a_ticket_is_ours(journal):
    store(journal, ticket("1"))
    assert {id_: known.applied for id_, known in journal.previous(SITE, ["1", "404"]).items()} == {"1": {}}


def test_open_tickets_are_told_by_their_scope(journal):
    in_scope = [ticket("1", scope="SUP"), ticket("2", scope="SUP"), ticket("3", scope="OPS"), ticket("4")]
    store(journal, *in_scope, ticket("5", scope="SUP", status=Status.CLOSED))
    assert journal.open_by_scope(SITE) == {"": {"4"}, "OPS": {"3"}, "SUP": {"1", "2"}}
    assert journal.known_open(SITE) == {"1", "2", "3", "4"}
    assert journal.open_by_scope("other") == {}


def test_histories_that_are_not_in_are_told_in_the_order_asked(journal):
    store(journal, *(ticket(str(n)) for n in range(3)), ticket("closed", status=Status.CLOSED))
    journal.store_history([TicketHistory(ref=TicketRef(SITE, "1"), events=(), read_until=NOW)])
    assert journal.histories_left(SITE, ["2", "1", "closed", "0", "2", "404"]) == ("2", "closed", "0")
    assert journal.histories_left("other", ["2"]) == ()


def test_what_waits_for_its_own_history_is_told_most_urgent_first(journal):
    store(journal, *(ticket(str(n)) for n in range(6)), ticket("closed", status=Status.CLOSED))
    urgent = {"0": 7, "1": 3, "2": 5, "3": None, "4": 3, "5": 1, "closed": 2}
    given = [replace(verdict(of), awaits=awaits) for of, awaits in urgent.items()]
    assert journal.store_verdicts(SITE, given, run="r") > 0
    assert journal.store_verdicts(SITE, given, run="r") == 0
    journal.store_history([TicketHistory(ref=TicketRef(SITE, "2"), events=(), read_until=NOW)])
    hidden = TicketHistory(ref=TicketRef(SITE, "5"), events=(), read_until=NOW, unreadable="hidden")
    for _ in range(3):
        journal.skip_history(SITE, [hidden], now=NOW)
    assert journal.awaited(SITE, limit=9) == (Awaited(3, "1", POLICY), Awaited(3, "4", POLICY), Awaited(7, "0", POLICY))
    assert journal.awaited(SITE, limit=1) == (Awaited(3, "1", POLICY),)
    assert journal.awaited("other", limit=9) == ()
    journal.store_verdicts(SITE, [verdict("1")], run="r")
    assert [each.id for each in journal.awaited(SITE, limit=9)] == ["4", "0"]


def test_a_history_that_is_given_up_has_its_ticket_decided(journal):
    store(journal, ticket("1"), ticket("2"))
    journal.store_verdicts(SITE, [verdict("1"), verdict("2")], run="r")
    hidden = TicketHistory(ref=TicketRef(SITE, "1"), events=(), read_until=NOW, unreadable="hidden")
    for due in ((), (), ("1",)):
        journal.skip_history(SITE, [hidden], now=NOW)
        assert journal.due(SITE, now=NOW, limit=9) == due


def test_what_is_put_off_is_due_as_told_and_counts_as_looked_at_under_the_policy(journal):
    store(journal, ticket("1"), ticket("2"), ticket("closed", status=Status.CLOSED))
    later = NOW + MINUTE
    journal.put_off(SITE, {"1": later, "2": None, "closed": later, "404": later}, policy_hash=POLICY, awaits={})
    assert [_stored(journal, of).next_due_at for of in ("1", "2", "closed")] == [later, None, None]
    assert journal.undecided(SITE, policy_hash=POLICY, limit=9) == ()
    assert _stored(journal).state == EscalationState()


def test_what_is_put_off_as_it_was_before_changes_no_row(journal):
    store(journal, ticket("1"), ticket("2"))
    changed = []

    def hear(_connection, _cursor, statement, parameters, *_):
        if statement.startswith("UPDATE ticket "):
            changed.append(parameters)

    for due in (NOW, NOW, NOW + MINUTE):
        with heard_by_every_engine("before_cursor_execute", hear):
            journal.put_off(SITE, {"1": due, "2": NOW}, policy_hash=POLICY, awaits={})
    assert [len(rows) if isinstance(rows, list) else 1 for rows in changed] == [2, 1]


def test_how_a_ticket_looked_is_kept_where_a_policy_changes_it_and_only_there(journal):
    store(journal, ticket("1"))

    def looks(digest, policy):
        given = verdict("1", policy=policy)
        seen = Look(digest, NOW, "words")
        journal.store_verdicts(SITE, [replace(given, decision=replace(given.decision, look=seen))], run="r")
        (found,) = journal.alike(SITE, [digest], since=NOW)
        assert found.id == "1"
        return [each for each in "abc" if journal.alike(SITE, [each], since=NOW, edited=True)]

    assert looks("a", POLICY) == []
    assert looks("b", "f" * 64) == ["a"]
    assert looks("b", "f" * 64) == ["a"]
    assert looks("b", "e" * 64) == ["a"], "an edit that changes nothing of it"
    assert looks("c", "e" * 64) == [], "somebody changed the ticket"
