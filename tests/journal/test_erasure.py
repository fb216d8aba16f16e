"""What was erased is gone, from the rows and from the file; what keeps us from speaking twice stays."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Text

from connector.domain.change import Field
from connector.domain.events import Actor, Role
from connector.domain.marks import ref_of
from connector.domain.occasion import Outcome, Record, level, threshold
from connector.domain.policy import Mark
from connector.domain.site import Effect
from connector.domain.ticket import ClockName, Status, TicketRef
from connector.errors import Busy, UnsafePlan
from connector.journal import audit, open_journal
from connector.journal.audit import TOMBSTONE
from connector.journal.erasure import AT_ONCE, FACTS_OF_CLOSED, RECORDS
from connector.journal.sql import SqlJournal
from connector.journal.tables import metadata
from connector.ports import AsideKind, Candidate, JournalEvent, OpStatus, Page, RunRow, SetAside
from connector.ports.erasure import Erased
from connector.ports.helpdesk import Quarantined, TicketHistory
from tests.domain.policies import POLICY
from tests.journal.samples import (
    FINGERPRINT,
    MINUTE,
    NOW,
    SITE,
    comment,
    event,
    field_change,
    receipt,
    store,
    ticket,
    verdict,
    write,
)

CANARY = "person-5e1"


def arm(journal: SqlJournal, id_: str = "1", key: str = ""):
    notice = comment().notice
    key = key or notice.occasion.key(FINGERPRINT, id_, notice.audience)
    return journal.arm(SITE, [(write(id_, key, comment=comment()), f"digest-{key}")], run="r1", now=NOW)


def bytes_of(state: Path) -> bytes:
    return b"".join(path.read_bytes() for path in state.parent.glob("state.db*"))


@pytest.fixture
def known(journal: SqlJournal) -> SqlJournal:
    """A closed ticket with an event, a settled write and an audit line, each with the canary; and its neighbour."""
    closed = ticket("1", status=Status.CLOSED, requester=CANARY, assignee=f"id:{CANARY}")
    store(journal, closed, ticket("2", requester=CANARY), events=(event("e1", actor=Actor(CANARY, Role.AGENT)),))
    (op,) = arm(journal)
    journal.settle(op, receipt(), now=NOW + MINUTE)
    for id_ in ("1", "2"):
        line = JournalEvent(at=NOW, kind="note", site=SITE, ticket=id_, data={"by": CANARY})
        journal.record(line)
    return journal


def test_an_erased_ticket_is_in_no_row_and_no_byte(known: SqlJournal, state: Path) -> None:
    assert CANARY.encode() in bytes_of(state)
    known.erase(SITE, ticket="1")
    known.erase(SITE, account=CANARY)
    known.compact()
    assert known.load(SITE, ["1"], now=NOW) == ()
    assert known.records().events(ticket="1") == ()
    assert CANARY.encode() not in bytes_of(state), "the log is emptied as well, while the state is in use"
    known.close()
    assert CANARY.encode() not in bytes_of(state)


@pytest.mark.parametrize("named", ["1", f"{SITE}:1", ticket("1").key])
def test_an_alarm_of_an_erased_ticket_that_nobody_took_goes_with_it(known: SqlJournal, state: Path, named: str) -> None:
    for key, of in (("mine", named), ("other", "2")):
        said = {"kind": "park", "site": SITE, "ticket": of, "message": f"{CANARY}-{key}", "at": str(NOW)}
        known.owe_alarm(key, said, site=SITE, since=NOW, now=NOW)
    known.erase(SITE, ticket="1")
    known.compact()
    assert [said["ticket"] for said in known.alarms_owed(since=NOW)] == ["2"]
    assert known.records().verify_chain() is None
    assert f"{CANARY}-mine".encode() not in bytes_of(state)


def test_an_erasure_stands_in_the_audit_with_what_it_did(known: SqlJournal) -> None:
    """In one transaction: whoever dies before the file is rewritten has erased, and has said so."""
    asked = JournalEvent(at=NOW, kind="erasure", site=SITE, actor="root", data={"what": "ticket"})
    done = known.erase(SITE, ticket="1", line=asked)
    (line,) = (each for each in known.records().events(site=SITE) if each.kind == "erasure")
    assert line == replace(asked, data={"what": "ticket", "rows": str(done.rows), "lines": str(done.lines)})
    assert known.records().verify_chain() is None


@pytest.mark.parametrize(("holds", "why"), [("BEGIN", "somebody reads it"), ("BEGIN IMMEDIATE", "database is locked")])
def test_what_could_not_be_rewritten_is_told_and_done_when_asked_again(
    known: SqlJournal, state: Path, holds: str, why: str
) -> None:
    thread = known._thread
    raw = thread._connection.connection.driver_connection
    assert raw is not None
    thread._pool.submit(lambda: raw.execute("PRAGMA busy_timeout=0").fetchall()).result()
    known.erase(SITE, ticket="1")
    known.erase(SITE, account=CANARY)
    other = sqlite3.connect(state, isolation_level=None)
    other.execute(holds)
    other.execute("SELECT * FROM ticket").fetchall()
    with pytest.raises(Busy, match=why) as refused:
        known.compact()
    assert "in no row any more" in str(refused.value)
    assert refused.value.remedy.endswith("connector erase --user nobody")
    other.close()
    known.compact()
    assert CANARY.encode() not in bytes_of(state)


def test_the_neighbour_stays(known: SqlJournal) -> None:
    known.erase(SITE, ticket="1")
    (left,) = known.load(SITE, ["2"], now=NOW)
    assert left.ticket.requester == CANARY
    assert len(known.records().events(ticket="2")) == 1


def test_the_chain_holds_and_still_tells_tampering(known: SqlJournal, state: Path) -> None:
    known.erase(SITE, ticket="1")
    assert known.records().verify_chain() is None
    known.close()
    with sqlite3.connect(state) as raw:
        raw.execute("UPDATE event SET data = '{}' WHERE ticket = '2'")
    raw.close()
    assert open_journal(str(state), least_free=0).records().verify_chain() is not None


def test_what_was_written_is_never_written_again(known: SqlJournal) -> None:
    known.erase(SITE, ticket="1")
    store(known, ticket("1", status=Status.CLOSED))
    (again,) = arm(known)
    assert again.status is OpStatus.DONE
    assert again.write.comment is None
    assert again.write.fields == ()


def forget_by_erasing(journal: SqlJournal) -> None:
    journal.erase(SITE, ticket="1")


def forget_by_age(journal: SqlJournal) -> None:
    assert journal.purge(now=NOW + FACTS_OF_CLOSED, most=100)


def forget_as_unwanted(journal: SqlJournal) -> None:
    journal.store_page(SITE, (), page=Page(observations=(), cursor="", unwanted=("1",)), now=NOW)


@pytest.mark.parametrize("forget", [forget_by_erasing, forget_by_age, forget_as_unwanted])
@pytest.mark.parametrize("times", [1, 2])
def test_a_ticket_that_comes_back_brings_along_what_was_settled_there(
    journal: SqlJournal, forget: Callable[[SqlJournal], None], times: int
) -> None:
    """What was said along with something else has no operation of its own; what was passed over has none at all."""
    said = [threshold(ClockName.RESOLUTION, NOW, Mark(percent=percent)) for percent in (50, 75, 100)]
    shadow = level("default", NOW, 1)
    outcomes = zip((*said, shadow), (Outcome.DONE, Outcome.SUPERSEDED, Outcome.DONE, Outcome.WOULD_DO), strict=True)
    rows = [Record(occasion=about, audience=Effect.NOTES, outcome=became, at=NOW) for about, became in outcomes]
    store(journal, ticket("1", status=Status.CLOSED))
    journal.store_verdicts(SITE, [verdict("1", records=tuple(rows))], run="r1")
    for _ in range(times):
        (op,) = arm(journal, key=said[2].key(FINGERPRINT, "1", Effect.NOTES))
        if op.status is OpStatus.SENDING:
            journal.settle(op, receipt(), now=NOW + MINUTE)
        forget(journal)
        assert journal.load(SITE, ["1"], now=NOW) == ()
        store(journal, ticket("1", status=Status.CLOSED))
    (back,) = journal.load(SITE, ["1"], now=NOW)
    refs = {ref_of(about.key(FINGERPRINT, "1", Effect.NOTES)) for about in said}
    assert refs <= back.marks
    assert ref_of(shadow.key(FINGERPRINT, "1", Effect.NOTES)) not in back.marks
    assert (back.said, back.notes_today) == ({}, 1), "what was said together is one note"


def test_an_account_is_a_word_everywhere(known: SqlJournal) -> None:
    done = known.erase(SITE, account=CANARY)
    assert done.rows >= 3
    one, two = known.load(SITE, ["1", "2"], now=NOW)
    assert (one.ticket.requester, one.ticket.assignee, two.ticket.requester) == ("erased", "id:erased", "erased")
    assert known.records().verify_chain() is None


def test_a_fact_that_reads_like_an_account_stays(journal: SqlJournal) -> None:
    facts = {"seats": "502", "rooms": frozenset({"room 502", "room 503"})}
    store(journal, ticket("1", facts=facts, requester="502", involved=frozenset({"502", "503"})))
    journal.erase(SITE, account="502")
    (left,) = journal.load(SITE, ["1"], now=NOW)
    assert (left.ticket.requester, left.ticket.facts) == ("erased", facts)
    assert left.ticket.involved == {"erased", "503"}


def named(state: Path, *words: str) -> list[tuple[str, str, str]]:
    """Every text of the state that holds one of some words."""
    found = []
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as raw:
        for table in metadata.sorted_tables:
            texts = [column.name for column in table.columns if isinstance(column.type, Text)]
            for name in texts:
                rows = raw.execute(f'SELECT "{name}" FROM "{table.name}"').fetchall()  # noqa: S608 - our own names
                found += [(table.name, name, text) for (text,) in rows if text and any(word in text for word in words)]
    return found


@pytest.mark.parametrize(
    ("account", "name"),
    [
        (CANARY, "müllér"),
        ("qm:pieter", "müllér"),
        ("1234:aaaaa-bbb", 'bo "the cat" katz'),
        ("5b10ac8d82e05b22cc7d4ef5", "müll\\ér"),
    ],
)
def test_a_person_is_nowhere_under_any_name(journal: SqlJournal, state: Path, account: str, name: str) -> None:
    forms = (account, name, json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1])
    mine, seen = f"id:{account}", Actor(account, Role.AGENT)
    moved = (
        event("e1", actor=seen, before="ben", after=mine),
        event("e2", actor=Actor("9", Role.AGENT), after=name),
    )
    store(
        journal,
        ticket("1", requester=account, assignee=name, facts={"manager": mine, "boss": account}),
        events=moved,
    )
    assigns = field_change(Field.ASSIGNEE, before=mine, after=name)
    fields = [replace(assigns, occasion=level("default", NOW, 4), reason=f"taken from {account}")]
    (op,) = journal.arm(SITE, [(write("1", "k1", fields=fields), "d")], run="r1", now=NOW)
    journal.settle(op, receipt(), now=NOW + MINUTE)
    given = [field_change(Field.ASSIGNEE, before=name, after=mine)]  # its occasion names the value
    (other,) = journal.arm(SITE, [(write("1", "k2", fields=given), "d")], run="r1", now=NOW + MINUTE)
    journal.fail(other, OpStatus.FAILED, f"conflict: {account} changed it", now=NOW + MINUTE)
    refused = SetAside(
        kind=AsideKind.FIELD, ticket="1", field="assignee", value=mine, why=f"refused: {mine}", since=NOW
    )
    journal.set_aside(SITE, [refused])
    journal.record(
        JournalEvent(at=NOW, kind="lost_race", site=SITE, ticket="1", data={"by": "someone", "theirs": name})
    )
    assert len({place for place, *_ in named(state, *forms)}) >= 6
    journal.erase(SITE, account=account, names=(name,))
    assert named(state, *forms) == []
    assert journal.records().verify_chain() is None
    assert [e.before for e in journal.load(SITE, ["1"], now=NOW)[0].history.events if e.id == "e1"] == ["ben"]


def test_a_name_inside_another_is_another(journal: SqlJournal) -> None:
    store(journal, ticket("1", requester="anna-maria", assignee="anna"))
    for other in ("joanna", "anna-maria", "anna@acme.example", "anna.b"):
        journal.record(JournalEvent(at=NOW, kind="note", site=SITE, ticket="1", data={"why": f"taken by {other}"}))
    journal.record(JournalEvent(at=NOW, kind="note", site=SITE, ticket="1", data={"why": "taken by anna."}))
    done = journal.erase(SITE, account="502", names=("anna",))
    (left,) = journal.load(SITE, ["1"], now=NOW)
    assert (left.ticket.requester, left.ticket.assignee, done.lines) == ("anna-maria", "erased", 1)


def test_a_write_that_names_the_person_is_settled_first(journal: SqlJournal) -> None:
    store(journal, ticket("1"))
    assigns = write("1", "k1", fields=[field_change(Field.ASSIGNEE, after=f"id:{CANARY}")])
    (op,) = journal.arm(SITE, [(assigns, "d")], run="r1", now=NOW)
    with pytest.raises(Busy, match="names this account") as refused:
        journal.erase(SITE, account=CANARY)
    assert "connector parked" in str(refused.value.remedy)
    journal.settle(op, receipt(), now=NOW + MINUTE)
    journal.erase(SITE, account=CANARY)


def test_what_was_written_loses_its_content_after_thirteen_months(journal: SqlJournal, state: Path) -> None:
    store(journal, ticket("1", status=Status.CLOSED))
    assigns = write("1", "k1", fields=[field_change(Field.ASSIGNEE, after="id:erik", before=f"id:{CANARY}")])
    (op,) = journal.arm(SITE, [(assigns, "d")], run="r1", now=NOW)
    journal.settle(op, receipt(), now=NOW + MINUTE)
    journal.purge(now=NOW + RECORDS, most=100)
    assert ("op", "document") in {place[:2] for place in named(state, CANARY)}
    later = NOW + RECORDS + timedelta(days=1)
    while journal.purge(now=later, most=1):
        pass
    assert named(state, CANARY) == []
    assert journal.purge(now=later, most=100) == 0, "what is empty is not emptied again"
    store(journal, ticket("1", status=Status.CLOSED))
    (again,) = journal.arm(SITE, [(assigns, "d")], run="r2", now=later)
    assert again.status is OpStatus.DONE


def test_what_is_purged_is_in_no_byte(journal: SqlJournal, state: Path) -> None:
    closed = ticket("1", status=Status.CLOSED, requester=CANARY, assignee=f"id:{CANARY}")
    store(journal, closed, events=(event("e1", actor=Actor(CANARY, Role.AGENT)),))
    store(journal, ticket("2"))
    assert CANARY.encode() in bytes_of(state)
    journal.purge(now=NOW + FACTS_OF_CLOSED, most=100)
    journal.close()
    assert CANARY.encode() not in bytes_of(state)


def test_a_write_under_way_or_an_open_ticket_is_refused(journal: SqlJournal) -> None:
    store(journal, ticket("1"), ticket("2", status=Status.CLOSED))
    with pytest.raises(UnsafePlan, match="open"):
        journal.erase(SITE, ticket="1")
    arm(journal, "2")
    with pytest.raises(Busy, match="under way") as refused:
        journal.erase(SITE, ticket="2")
    assert refused.value.remedy == "try again when it is settled"


def test_what_is_past_its_time_goes_in_small_steps(known: SqlJournal) -> None:
    assert known.purge(now=NOW + FACTS_OF_CLOSED - timedelta(hours=2), most=100) == 0
    assert known.purge(now=NOW + FACTS_OF_CLOSED, most=100) == 1
    assert [found.ticket.ref for found in known.load(SITE, ["1", "2"], now=NOW)] == [TicketRef(SITE, "2")]
    later = NOW + RECORDS + timedelta(days=1)
    steps = [known.purge(now=later, most=1) for _ in range(4)]
    assert all(0 <= step <= 2 for step in steps)
    assert known.purge(now=later, most=100) >= 0
    assert known.purge(now=later, most=100) == 0
    assert known.records().verify_chain() is None


def test_a_ticket_that_is_not_shown_is_forgotten_a_month_after_it_was_missed(journal: SqlJournal) -> None:
    """Nobody had touched it for forty days; it was hidden by mistake, and may be shown again."""
    store(journal, ticket("1"), ticket("2", status=Status.CLOSED))
    missed = NOW + FACTS_OF_CLOSED + timedelta(days=10)
    gone = Page(observations=(), cursor="", gone=("1",))
    journal.store_page(SITE, (), page=gone, now=missed)
    assert journal.purge(now=missed, most=100) == 1
    assert journal.purge(now=missed + FACTS_OF_CLOSED - MINUTE, most=100) == 0
    assert [found.ticket.ref.id for found in journal.load(SITE, ["1", "2"], now=NOW)] == ["1"]
    journal.store_page(SITE, [Candidate(ticket=ticket("1"))], page=Page(observations=(), cursor=""), now=missed)
    journal.store_page(SITE, (), page=gone, now=missed + 5 * MINUTE)
    assert journal.purge(now=missed + FACTS_OF_CLOSED + MINUTE, most=100) == 0, "it is the last time that counts"
    assert journal.purge(now=missed + FACTS_OF_CLOSED + 6 * MINUTE, most=100) == 1


def unreadable(journal: SqlJournal, *ids: str) -> None:
    """The tickets are broken once, and so are their histories, three times."""
    bad = tuple(Quarantined(id=id_, why=f"no {CANARY}", digest="d") for id_ in ids)
    journal.store_page(SITE, (), page=Page(observations=(), cursor="", malformed=bad), now=NOW)
    of_known = [TicketHistory(ref=TicketRef(SITE, id_), events=(), read_until=NOW, unreadable=CANARY) for id_ in ids]
    for _ in range(3):
        journal.skip_history(SITE, of_known, now=NOW)


def in_quarantine(journal: SqlJournal) -> list[str]:
    rows = journal.records().quarantined()
    return sorted(line.data.get("of", "ticket") + " " + line.ticket for line in rows)


@pytest.mark.parametrize("how", ["erased", "unwanted", "past its time"])
def test_what_could_not_be_read_of_a_ticket_goes_with_it(journal: SqlJournal, how: str) -> None:
    """Its own payload and its history: an error's words and the id would stay for good."""
    store(journal, ticket("1", status=Status.CLOSED), ticket("2"))
    unreadable(journal, "1", "2")
    assert in_quarantine(journal) == ["history 1", "history 2", "ticket 1", "ticket 2"]
    if how == "erased":
        journal.erase(SITE, ticket="1")
    elif how == "unwanted":
        journal.store_page(SITE, (), page=Page(observations=(), cursor="", unwanted=("1",)), now=NOW)
    else:
        journal.purge(now=NOW + FACTS_OF_CLOSED - MINUTE, most=100)
    assert in_quarantine(journal) == ["history 2", "ticket 2"]


def test_what_could_not_be_read_and_is_of_no_open_ticket_goes_after_a_month(journal: SqlJournal) -> None:
    """A payload without an id, a ticket never read, one that was closed meanwhile: nobody would ever end them."""
    store(journal, ticket("1"), ticket("2", status=Status.CLOSED, updated_at=NOW + MINUTE))
    unreadable(journal, "", "1", "2", "3")
    later = NOW + FACTS_OF_CLOSED
    assert journal.purge(now=later, most=100) == 0
    assert len(in_quarantine(journal)) == 8
    assert journal.purge(now=later + timedelta(seconds=1), most=100) == 6
    assert in_quarantine(journal) == ["history 1", "ticket 1"]


def test_a_ticket_that_we_must_not_know_is_forgotten_once_no_write_is_under_way(known: SqlJournal) -> None:
    """Its scope became confidential: one that is being written to waits, or nobody would look for the write."""
    (op,) = arm(known, "2", "k2")
    known.store_page(SITE, (), page=Page(observations=(), cursor="", unwanted=("1", "2")), now=NOW)
    assert [row.ticket.ref.id for row in known.load(SITE, ["1", "2"], now=NOW)] == ["2"]
    known.settle(op, receipt(), now=NOW + MINUTE)
    known.store_page(SITE, (), page=Page(observations=(), cursor="", unwanted=("1", "2")), now=NOW)
    assert known.load(SITE, ["1", "2"], now=NOW) == ()


def test_an_erasure_says_what_it_did(known: SqlJournal) -> None:
    """The ticket, its event and one operation; then its neighbour, and an event and a line of that."""
    told = [line.kind for line in known.records().events(ticket="1")]
    assert known.erase(SITE, ticket="1") == Erased(rows=2, kept=1, lines=len(told))
    assert known.erase(SITE, ticket="1") == Erased(rows=0, kept=1, lines=0)
    assert known.erase(SITE, account=CANARY) == Erased(rows=2, kept=0, lines=1)
    assert known.erase(SITE, account=CANARY) == Erased(rows=0, kept=0, lines=0)


def test_what_stands_aside_on_an_erased_ticket_goes_with_it(known: SqlJournal) -> None:
    for of in ("1", "2"):
        known.set_aside(SITE, [SetAside(kind=AsideKind.QUARANTINE, ticket=of, why=f"failed: {CANARY}", since=NOW)])
    known.erase(SITE, ticket="1")
    assert [item.ticket for item in known.aside(SITE)] == ["2"]


def test_what_stands_aside_on_a_ticket_past_its_time_goes_with_it(journal: SqlJournal) -> None:
    journal.open_site("other", fingerprint="o")
    store(journal, ticket("1", status=Status.CLOSED), ticket("2"))
    aside = [SetAside(kind=AsideKind.QUARANTINE, ticket=of, why="failed", since=NOW) for of in ("1", "2")]
    for site in (SITE, "other"):
        journal.set_aside(site, aside)
    journal.purge(now=NOW + FACTS_OF_CLOSED, most=100)
    assert [item.ticket for item in journal.aside(SITE)] == ["2"]
    assert [item.ticket for item in journal.aside("other")] == ["1", "2"]


def test_an_emptied_line_keeps_its_place_and_nothing_else(journal: SqlJournal) -> None:
    store(journal, ticket("1", status=Status.CLOSED))
    line = JournalEvent(at=NOW, kind="note", site=SITE, ticket="1", key="k1", run="r1", actor="anna", data={"a": "b"})
    journal.record(line)
    journal.erase(SITE, ticket="1")
    (left,) = journal.records().events()
    assert (left.at, left.site) == (NOW, SITE)
    assert (left.ticket, left.key, left.run, left.actor, left.data) == ("", "", "", "", {})


def test_lines_of_what_the_person_did_or_suffered_lose_their_content_however_many(journal: SqlJournal) -> None:
    by = JournalEvent(at=NOW, kind="paused", site=SITE, actor=CANARY, data={"why": "maintenance"})
    of = JournalEvent(at=NOW, kind="note", site=SITE, data={"by": CANARY})
    other = JournalEvent(at=NOW, kind="note", site=SITE, actor="ben", data={"why": "maintenance"})
    lines = [(by, of)[n % 2] for n in range(2 * AT_ONCE + 1)]
    journal._thread.run(lambda c: audit.append(c, *lines, other))
    assert journal.erase(SITE, account=CANARY) == Erased(rows=0, kept=0, lines=len(lines))
    assert [line for line in journal.records().events(limit=len(lines) + 9) if line.kind != TOMBSTONE] == [other]


def test_nothing_of_another_site_is_erased(known: SqlJournal) -> None:
    known.open_site("other", fingerprint="o")
    namesake = Candidate(ticket=ticket("1", site="other", requester=CANARY))
    known.store_page("other", [namesake], page=Page(observations=(), cursor=""), now=NOW)
    known.record(JournalEvent(at=NOW, kind="note", site="other", ticket="1", data={"by": CANARY}))
    known.erase(SITE, ticket="1")
    known.erase(SITE, account=CANARY)
    (left,) = known.load("other", ["1"], now=NOW)
    assert left.ticket.requester == CANARY
    assert [line.data for line in known.records().events(site="other")] == [{"by": CANARY}]


def test_a_policy_is_kept_while_something_was_decided_by_it_and_the_latest_always(journal: SqlJournal) -> None:
    later = NOW + RECORDS + timedelta(days=1)
    store(journal, ticket("1"))
    journal.store_verdicts(SITE, [verdict(policy="of a ticket")], run="r")
    named = ("of a ticket", "of an old run", "of a late run", "of nothing", "young", "the latest")
    for number, digest in enumerate(named):
        since = later - MINUTE if number >= 4 else NOW + number * MINUTE
        journal.remember_policy(replace(POLICY, hash=digest), "{}", now=since + number * MINUTE)
    for id_, at in (("of an old run", NOW), ("of a late run", later)):
        journal.begin_run(RunRow(id=id_, site=SITE, kind="run", policy=id_, started_at=at))
    while journal.purge(now=later, most=1):
        pass
    kept = {digest for digest in named if journal.records().policy(digest) is not None}
    assert kept == {"of a ticket", "of a late run", "young", "the latest"}
    assert [run.id for run in journal.records().runs()] == ["of a late run"]
    journal.purge(now=later + 2 * RECORDS, most=9)
    assert journal.records().policy("the latest") is not None
