from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, update

from connector.domain.calendar import Calendar
from connector.domain.policy import Defaults, Escalation, Policy, PriorityRules, Sla
from connector.domain.ticket import TicketRef
from connector.errors import ConnectorError
from connector.journal import open_journal, open_records
from connector.journal.runs import CUT_SHORT
from connector.journal.tables import event
from connector.ports import Candidate, JournalEvent, OpStatus, RunRow, RunSummary
from tests.journal.samples import MINUTE, NOW, SITE, comment, field_change, page, receipt, store, ticket, write


def _line(n, **values):
    given = {"at": NOW + n * MINUTE, "kind": "held", "site": SITE, "ticket": str(n), "data": {"why": f"reason {n}"}}
    return JournalEvent(**given | values)


def test_a_policy_that_comes_back_counts_from_its_coming_back(journal):
    for minute, policy in enumerate(("a", "a", "b", "a", "a")):
        journal.begin_run(replace(_run(str(minute), minute), policy=policy))
    assert journal.policy_since(SITE, "a") == NOW + 3 * MINUTE
    assert journal.policy_since(SITE, "b") is None, "another one is in force"
    assert journal.policy_since("elsewhere", "a") is None
    assert journal.records().policy_since(SITE, "a") == NOW + 3 * MINUTE


def test_the_policies_that_decided_are_told_with_since_when(journal):
    for minute, policy in enumerate("aabba"):
        journal.begin_run(replace(_run(str(minute), minute), policy=policy))
    journal.open_site("other", fingerprint="o")
    journal.begin_run(replace(_run("its own", 3.25), site="other", policy="z"))
    policies = journal.records().policies
    found = policies(SITE, since=NOW, until=NOW + 9 * MINUTE)
    assert found == ((NOW, "a"), (NOW + 2 * MINUTE, "b"), (NOW + 4 * MINUTE, "a"))
    between = policies(SITE, since=NOW + 3.5 * MINUTE, until=NOW + 3.9 * MINUTE)
    assert between == ((NOW + 3 * MINUTE, "b"),)
    assert policies(SITE, since=NOW - MINUTE, until=NOW) == ((NOW, "a"),)
    assert policies(SITE, since=NOW + 2 * MINUTE, until=NOW + 2 * MINUTE) == ((NOW + 2 * MINUTE, "b"),)
    assert policies("elsewhere", since=NOW, until=NOW + 9 * MINUTE) == ()


def test_passes_that_decided_are_told_in_order(journal):
    for minute, kind in ((2, "run"), (0, "sync"), (1, "apply"), (3, "sync"), (4, "sync")):
        journal.begin_run(_run(str(minute), minute, kind))
        outcome = "failed" if minute == 3 else "ok"
        journal.end_run(_run(str(minute), minute, kind, ended_at=NOW + 5 * MINUTE, outcome=outcome))
    passes = journal.records().passes
    assert passes(SITE, since=NOW, until=NOW + 9 * MINUTE) == (NOW, NOW + 2 * MINUTE, NOW + 4 * MINUTE)
    assert passes(SITE, since=NOW + MINUTE, until=NOW + 2 * MINUTE) == (NOW + 2 * MINUTE,)


def _run(id_, minute=0, kind="sync", **values):
    return RunRow(id=id_, site=SITE, kind=kind, policy="p" * 64, started_at=NOW + minute * MINUTE, **values)


# ---- finding


def test_tickets_are_found_by_key_by_id_and_with_their_site(journal):
    journal.open_site("jira", fingerprint="j")
    store(journal, ticket("123"), ticket("14"))
    journal.store_page(
        "jira",
        [
            Candidate(ticket=ticket("10001", site="jira", key="SUP-14")),
            Candidate(ticket=ticket("123", site="jira", key="SUP-15")),
        ],
        page=page(),
        now=NOW,
    )
    find = journal.records().find
    assert (
        find("SUP-14") == find("sup-14") == find("jira:SUP-14") == find("jira:10001") == (TicketRef("jira", "10001"),)
    )
    assert find("123") == (TicketRef("jira", "123"), TicketRef(SITE, "123"))
    assert find("zd:123") == find("zd:#123") == (TicketRef(SITE, "123"),)
    assert find("#14") == find(" 14 ") == (TicketRef(SITE, "14"),)
    assert find("SUP-99") == find("nowhere:14") == find("") == ()


def test_one_ticket_is_read_with_all_that_is_known(journal, state):
    store(journal, ticket())
    records = open_records(str(state))
    assert records.stored(TicketRef(SITE, "1"), now=NOW).ticket == ticket()
    assert records.stored(TicketRef(SITE, "404"), now=NOW) is None


# ---- runs


def test_runs_come_latest_first_with_their_counts(journal):
    summary = RunSummary(read=7, written=2, requests=9)
    journal.begin_run(_run("a"))
    journal.end_run(_run("a", ended_at=NOW + MINUTE, outcome="ok", summary=summary))
    journal.begin_run(_run("b", 5))
    latest, first = journal.records().runs()
    assert (latest.id, latest.ended_at) == ("b", None)
    assert (first.outcome, first.summary, first.ended_at) == ("ok", summary, NOW + MINUTE)
    assert [run.id for run in journal.records().runs(limit=1)] == ["b"]
    assert journal.records().runs(site="other") == ()


def test_runs_are_told_as_of_a_moment_and_of_a_site(journal):
    journal.open_site("other", fingerprint="o")
    for n in range(3):
        journal.begin_run(_run(str(n), n))
    journal.begin_run(replace(_run("z", 1), site="other"))
    runs = journal.records().runs
    assert [run.id for run in runs(until=NOW + MINUTE)] == ["z", "1", "0"]
    assert [run.id for run in runs(site=SITE, until=NOW + MINUTE)] == ["1", "0"]
    assert runs(until=NOW - MINUTE) == ()


def test_since_when_a_policy_was_applied_last_is_told_whatever_came_after(journal):
    for minute, policy in enumerate("aabbaab"):
        journal.begin_run(replace(_run(str(minute), minute), policy=policy))
    assert journal.applied_since(SITE, "a") == NOW + 4 * MINUTE
    assert journal.applied_since(SITE, "b") == NOW + 6 * MINUTE
    assert journal.applied_since(SITE, "c") is None
    assert journal.applied_since("elsewhere", "a") is None


def test_a_run_that_a_crash_cut_short_is_ended_by_the_next(journal, reopen):
    journal.begin_run(_run("a"))
    again = reopen()
    again.begin_run(_run("b", 5))
    _, cut = again.records().runs()
    assert (cut.outcome, cut.why, cut.ended_at) == ("stopped", CUT_SHORT, NOW + 5 * MINUTE)


# ---- audit


def test_audit_lines_come_oldest_first_and_the_latest_are_kept_when_there_are_too_many(journal):
    for n in range(6):
        journal.record(_line(n, site=SITE if n % 2 else "jira"))
    records = journal.records()
    assert [line.ticket for line in records.events()] == list("012345")
    assert [line.ticket for line in records.events(limit=2)] == ["4", "5"]
    assert [line.ticket for line in records.events(site=SITE)] == ["1", "3", "5"]
    assert [line.ticket for line in records.events(since=NOW + 4 * MINUTE)] == ["4", "5"]
    assert records.events(ticket="3") == (_line(3),)


def test_audit_lines_are_told_between_two_positions(journal):
    assert journal.records().last_event() == 0
    for n in range(4):
        journal.record(_line(n))
    records = journal.records()
    last = records.last_event()
    assert [line.ticket for line in records.events(between=(last - 3, last - 1))] == ["1", "2"]
    assert records.events(between=(last, last + 9)) == ()


def test_a_write_is_told_as_old_and_new_and_why(journal):
    store(journal, ticket())
    (armed,) = journal.arm(SITE, [(write(fields=[field_change()], comment=comment()), "d")], run="r7", now=NOW)
    journal.settle(armed, receipt(), now=NOW)
    (line,) = journal.records().events()
    assert (line.kind, line.run, line.key, line.ticket) == ("write", "r7", "k1", "1")
    assert line.data["priority"] == "P3 -> P1"
    assert line.data["why"] == "priority because; 75 % used"
    assert line.data["comment"] == "notes at-risk (de)"


def _edit(journal, statement):
    journal._thread.run(lambda c: c.execute(statement))


@pytest.mark.parametrize(
    ("tamper", "position"),
    [
        pytest.param(update(event).where(event.c.id == 2).values(data='{"why":"x"}'), 2, id="a line was edited"),
        pytest.param(update(event).where(event.c.id == 3).values(at=0), 3, id="a moment was edited"),
        pytest.param(delete(event).where(event.c.id == 2), 2, id="a line was removed"),
        pytest.param(delete(event).where(event.c.id == 1), 1, id="the first line was removed"),
        pytest.param(update(event).where(event.c.id == 4).values(chain="0"), 4, id="the chain was edited"),
        pytest.param(update(event).where(event.c.id == 4).values(id=9), 4, id="a line was moved"),
    ],
)
def test_the_audits_chain_shows_where_it_was_touched(journal, tamper, position):
    assert journal.records().verify_chain() is None
    for n in range(4):
        journal.record(_line(n))
    assert journal.records().verify_chain() is None
    _edit(journal, tamper)
    assert journal.records().verify_chain() == position


def test_the_chain_goes_on_after_a_restart(journal, reopen):
    journal.record(_line(1))
    again = reopen()
    again.record(_line(2))
    assert again.records().verify_chain() is None


# ---- held, quarantined, intents, policies


def test_what_the_latest_finished_run_held_back_is_shown(journal):
    one = RunSummary(held=1)
    journal.begin_run(_run("a"))
    journal.record(_line(1, run="a"))
    journal.end_run(_run("a", ended_at=NOW, summary=one))
    assert [line.ticket for line in journal.records().held()] == ["1"]
    journal.begin_run(_run("b", 5))
    journal.record(_line(2, run="b"))
    journal.record(_line(3, run="b", kind="left"))
    assert [line.ticket for line in journal.records().held(site=SITE)] == ["1"]
    journal.end_run(_run("b", 5, ended_at=NOW + 6 * MINUTE, summary=one))
    assert [line.ticket for line in journal.records().held()] == ["2"]
    assert list(journal.records().held(site="other")) == []


def test_what_each_site_holds_is_told_whatever_its_runs_are_called(journal):
    """A site that holds nothing ends no list; which run is the latest is told by when it began."""
    journal.open_site("another", fingerprint="a")
    for number, site in enumerate(("another", SITE)):
        journal.begin_run(replace(_run(f"z{number}"), site=site))
        journal.end_run(replace(_run(f"z{number}", ended_at=NOW), site=site))
    journal.begin_run(_run("a", 5))
    journal.record(_line(1, run="a"))
    journal.end_run(_run("a", 5, ended_at=NOW + 6 * MINUTE, summary=RunSummary(held=1)))
    assert [(line.site, line.ticket) for line in journal.records().held()] == [(SITE, "1")]


def test_what_ended_under_us_is_counted_by_tickets_from_a_moment_on(journal):
    journal.open_site("other", fingerprint="o")
    for n, kind in enumerate(("gone", "closed", "closed", "rejected", "held")):
        journal.record(_line(n, kind=kind, ticket="1" if kind == "closed" else str(n + 5)))
    journal.record(_line(9, kind="gone", site="other"))
    ended = journal.records().ended
    assert (ended(SITE, since=NOW), ended(SITE, since=NOW + MINUTE), ended("other", since=NOW)) == (3, 2, 1)
    assert ended(SITE, since=NOW + 3 * MINUTE) == 1


def test_when_a_site_is_due_is_told_of_that_site(journal):
    journal.open_site("other", fingerprint="o")
    store(journal, ticket("1"), now=NOW)
    assert (journal.records().next_due(SITE), journal.records().next_due("other")) == (journal.next_due(SITE), None)
    assert journal.next_due(SITE) is not None


def test_what_is_still_held_is_shown_from_the_run_that_told_of_it(journal):
    journal.begin_run(_run("a"))
    journal.record(_line(1, run="a"))
    journal.end_run(_run("a", ended_at=NOW, summary=RunSummary(held=1)))
    for name, minutes, values in (
        ("b", 5, {"summary": RunSummary(held=1)}),
        ("c", 10, {"outcome": "failed"}),
        ("d", 15, {"kind": "apply"}),
    ):
        journal.begin_run(_run(name, minutes))
        journal.end_run(_run(name, minutes, ended_at=NOW + 20 * MINUTE, **values))
        assert [line.ticket for line in journal.records().held()] == ["1"]
    journal.begin_run(_run("e", 30))
    journal.end_run(_run("e", 30, ended_at=NOW + 31 * MINUTE))
    assert list(journal.records().held()) == []


def test_intents_are_listed_latest_first_by_site_and_status(journal):
    store(journal, ticket("1"), ticket("2"))
    one, _ = journal.arm(SITE, [(write("1", "k1"), "d"), (write("2", "k2"), "d")], run="r", now=NOW)
    journal.settle(one, receipt(), now=NOW)
    ops = journal.records().ops
    assert [op.write.key for op in ops()] == ["k2", "k1"]
    assert [op.write.key for op in ops(status=OpStatus.SENDING)] == ["k2"]
    assert [op.write.key for op in ops(limit=1)] == ["k2"]
    assert ops(site="other") == ()
    assert [op.write.key for op in ops(site=SITE, ticket="1")] == ["k1"]
    assert [op.write.key for op in ops(ticket="1", status=OpStatus.SENDING)] == []


def _policy(digest, **values):
    return Policy(
        name="acme",
        hash=digest,
        defaults=Defaults(),
        calendars=dict[str, Calendar](),
        priority=PriorityRules(),
        triggers=(),
        sla=Sla(targets=(), thresholds=()),
        escalation=Escalation(paths={}, routes=(), start={}),
        **values,
    )


def test_a_policy_is_kept_once_and_found_by_the_beginning_of_its_hash(journal):
    for digest in ("aa11", "aa22", "bb33"):
        journal.remember_policy(_policy(digest, sources={"holidays": "0.109"}), f"document {digest}", now=NOW)
        journal.remember_policy(_policy(digest), "another", now=NOW + MINUTE)
    policy = journal.records().policy
    assert policy("aa11") == "document aa11"
    assert policy("BB") == "document bb33"
    assert policy("aa") is policy("cc") is policy("") is policy("%") is None
    lines = journal.records().events()
    assert [line.key for line in lines] == ["aa11", "aa22", "bb33"]
    assert {(line.at, line.kind, line.site, line.ticket) for line in lines} == {(NOW, "policy", "", "")}
    assert lines[0].data == {"name": _policy("aa11").name, "policy": "aa11", "holidays": "0.109"}


# ---- reading beside a writer


def test_readers_see_what_the_writer_stored_and_cannot_write(journal, state):
    records = open_records(str(state))
    store(journal, ticket())
    assert records.find("1") == (TicketRef(SITE, "1"),)
    with pytest.raises(ConnectorError, match="readonly"):
        records._runner.run(lambda c: c.execute(delete(event)))


def test_a_state_in_memory_is_read_through_its_writer():
    with open_journal("sqlite://") as journal:
        journal.open_site(SITE, fingerprint="f")
        store(journal, ticket())
        assert journal.records().find("1") == (TicketRef(SITE, "1"),)


def test_an_unfinished_run_of_another_site_is_left_alone(journal):
    journal.begin_run(replace(_run("a"), site="jira"))
    journal.begin_run(_run("b", 1))
    assert {run.id: run.ended_at for run in journal.records().runs()} == {"a": None, "b": None}
    assert journal.records().runs(site="jira")[0].started_at == NOW
