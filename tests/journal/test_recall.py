"""What was forgotten is read back: marks become operations, occasions and the place of a path, and a recall ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.domain.marks import Mark, ref_of, remember
from connector.domain.occasion import Outcome, Said, level
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.ticket import Priority, Status, TicketRef
from connector.journal import open_journal
from connector.journal.recalls import MARKS_FOUND
from connector.journal.sql import SqlJournal
from connector.ports import Candidate, JournalEvent, OpStatus, RunRow, TicketHistory
from connector.ports.recall import Recall
from tests.domain.policies import DEFAULT, POLICY
from tests.journal.samples import FINGERPRINT, MINUTE, NOW, SITE, comment, page, store, ticket, verdict, write

KEY, OTHER_KEY = "a" * 64, "b" * 64
WHY = "it was restored"
HOUR = timedelta(hours=1)
BEFORE = NOW - HOUR
CLIMBED = EscalationState(path=DEFAULT, level=2, started_at=BEFORE, entered_at=BEFORE, priority=Priority.P2)
MEMORY = remember(CLIMBED, [Effect.FIELDS, Effect.NOTES])


@pytest.fixture
def forgetful(state: Path) -> SqlJournal:
    """A state that was restored, with one open ticket and one that is closed."""
    journal = open_journal(str(state), least_free=0)
    journal.open_site(SITE, fingerprint=FINGERPRINT)
    journal.close()
    journal = open_journal(str(state), least_free=0, forgotten=WHY)
    store(journal, ticket("1"), ticket("closed", status=Status.CLOSED))
    return journal


def told(*marks: Mark, of: str = "1", at: datetime = NOW, unreadable: str = "") -> TicketHistory:
    return TicketHistory(ref=TicketRef(SITE, of), events=(), read_until=at, marks=marks, unreadable=unreadable)


def mark(key: str = KEY, *, at: datetime = BEFORE, **values: object) -> Mark:
    return Mark(**{"at": at, "key": key, "refs": frozenset({ref_of(key)}), "public": False} | values)  # type: ignore[arg-type]


def learn(journal: SqlJournal, *histories: TicketHistory, at: datetime = NOW) -> None:
    """As a pass does: what their marks tell is taken in, then the histories are stored."""
    journal.recall(SITE, histories, policy=POLICY, now=at)
    journal.store_history(histories)


def recall_of(journal: SqlJournal) -> Recall:
    return journal.open_site(SITE, fingerprint=FINGERPRINT).recall


def lines(journal: SqlJournal, kind: str) -> list[JournalEvent]:
    return [line for line in journal.records().events() if line.kind == kind]


# ---- what marks tell


@pytest.mark.parametrize(("public", "effect"), [(False, Effect.NOTES), (True, Effect.PUBLIC)])
def test_what_was_said_is_an_operation_that_is_done_and_counts(
    forgetful: SqlJournal, public: bool, effect: Effect
) -> None:
    learn(forgetful, told(mark(public=public)))
    (op,) = forgetful.records().ops(site=SITE)
    assert (op.write.ref, op.write.key, op.status, op.attempts) == (TicketRef(SITE, "1"), KEY, OpStatus.DONE, 1)
    assert (op.sent_at, op.settled_at, op.run) == (BEFORE, BEFORE, "recall")
    assert (op.why, op.remote_id) == ("read back from the helpdesk", "")
    windows = dict.fromkeys(Effect, NOW - timedelta(days=1))
    spent = forgetful.spent(SITE, windows=windows, now=NOW)
    assert {one: count for one, count in spent.used.items() if count} == {effect: 1}
    assert spent.by_ticket[effect, "1"] == 1


def test_what_was_read_back_is_known_by_its_marks_and_not_learned_twice(forgetful: SqlJournal) -> None:
    spoke_for_two = mark(refs=frozenset({ref_of(KEY), "OTHER00001"}))
    for _ in range(2):
        learn(forgetful, told(spoke_for_two, mark(), mark("", refs=frozenset({"REFALONE01"}))))
    (found,) = forgetful.load(SITE, ["1"], now=NOW)
    assert found.marks == {ref_of(KEY), "OTHER00001", "REFALONE01"}
    assert {op.write.key for op in forgetful.records().ops(site=SITE)} == {KEY, "ref:REFALONE01"}
    assert len(forgetful.records().ops(site=SITE)) == 2


def test_fields_alone_are_no_operation_but_their_memory_counts(forgetful: SqlJournal) -> None:
    learn(forgetful, told(mark(public=None, refs=frozenset(), memory=MEMORY)))
    assert forgetful.records().ops(site=SITE) == ()
    (found,) = forgetful.load(SITE, ["1"], now=NOW)
    assert found.marks == frozenset()
    assert (found.state.path, found.state.level, found.state.entered_at) == (DEFAULT, 2, BEFORE)
    assert (found.state.priority, found.state.decided_at) == (Priority.P2, BEFORE)
    name = str(level(DEFAULT.name, BEFORE, 2))
    assert found.said == {
        (name, effect): Said(outcome=Outcome.DONE, at=BEFORE) for effect in (Effect.FIELDS, Effect.NOTES)
    }


def test_our_own_writes_that_the_state_knows_are_no_news(journal: SqlJournal) -> None:
    store(journal, ticket("1"))
    journal.arm(SITE, [(write("1", KEY, comment=comment("note")), "d")], run="r", now=NOW)
    learn(journal, told(mark(memory=MEMORY), mark("", refs=frozenset({ref_of(KEY)}))))
    assert recall_of(journal).why == ""
    assert journal.load(SITE, ["1"], now=NOW)[0].state == EscalationState()
    learn(journal, told(mark(OTHER_KEY, refs=frozenset({ref_of(KEY)}))))
    assert recall_of(journal).why == MARKS_FOUND


@pytest.mark.parametrize(("at", "stands"), [(BEFORE, 1), (BEFORE - MINUTE, 1), (BEFORE + MINUTE, 2)])
def test_a_path_is_taken_up_from_the_latest_memory_unless_something_later_is_known(
    forgetful: SqlJournal, at: datetime, stands: int
) -> None:
    known = replace(CLIMBED, level=1, decided_at=BEFORE)
    forgetful.store_verdicts(SITE, [verdict(state=known, now=BEFORE)], run="r")
    older = mark(OTHER_KEY, at=at - MINUTE, memory=remember(replace(CLIMBED, level=3), []))
    learn(forgetful, told(older, mark(at=at, memory=MEMORY)))
    (found,) = forgetful.load(SITE, ["1"], now=NOW)
    assert found.state.level == stands
    assert bool(found.said) == (stands == 2)


def test_a_memory_without_a_path_has_a_priority(forgetful: SqlJournal) -> None:
    memory = remember(EscalationState(priority=Priority.P1), [Effect.FIELDS])
    learn(forgetful, told(mark(memory=memory)))
    (found,) = forgetful.load(SITE, ["1"], now=NOW)
    assert (found.state.path, found.state.level, found.state.priority) == (None, 0, Priority.P1)
    assert found.said == {}


def test_a_memory_that_cannot_be_read_leaves_it_to_the_one_before(forgetful: SqlJournal) -> None:
    older, broken = mark(OTHER_KEY, at=BEFORE - HOUR, memory=MEMORY), mark(memory="{")
    learn(forgetful, told(older, broken))
    assert forgetful.load(SITE, ["1"], now=NOW)[0].state.level == 2


def test_a_ticket_that_was_forgotten_and_is_back_takes_its_path_up_by_its_memory(forgetful: SqlJournal) -> None:
    learn(forgetful, told(mark(memory=MEMORY)))
    store(forgetful, ticket("1", status=Status.CLOSED, version="v2"))
    forgetful.end_recall(SITE, policy_hash=POLICY.hash, now=NOW)
    forgetful.erase(SITE, ticket="1")
    store(forgetful, ticket("1", version="v3"))
    (back,) = forgetful.load(SITE, ["1"], now=NOW)
    assert back.state.path is None
    learn(forgetful, told(mark(memory=MEMORY)), at=NOW + HOUR)
    (found,) = forgetful.load(SITE, ["1"], now=NOW)
    assert (found.state.path, found.state.level) == (DEFAULT, 2)


# ---- how a recall begins and ends


def test_a_state_that_forgot_waits_for_every_open_ticket(forgetful: SqlJournal) -> None:
    store(forgetful, ticket("2"))
    before = recall_of(forgetful)
    assert (before.why, before.is_over, before.left, before.freezes) == (WHY, False, 2, True)
    learn(forgetful, told())
    assert forgetful.end_recall(SITE, policy_hash=POLICY.hash, now=NOW).left == 1
    assert lines(forgetful, "recalled") == []
    learn(forgetful, told(of="2"))
    after = forgetful.end_recall(SITE, policy_hash=POLICY.hash, now=NOW + MINUTE)
    assert (after.is_over, after.done_at, after.blind, after.freezes) == (True, NOW + MINUTE, frozenset(), False)
    (line,) = lines(forgetful, "recalled")
    assert (line.at, line.site, line.data) == (NOW + MINUTE, SITE, {"why": WHY, "blind": "0"})
    store(forgetful, ticket("opened since"))
    assert forgetful.end_recall(SITE, policy_hash=POLICY.hash, now=NOW + HOUR) == after


def test_only_tickets_that_are_not_read_back_yet_wait(forgetful: SqlJournal) -> None:
    store(forgetful, ticket("2"))
    learn(forgetful, told(of="2"))
    assert set(forgetful.due(SITE, now=NOW + HOUR, limit=9)) == {"1", "2"}
    assert forgetful.due(SITE, now=NOW + HOUR, limit=9, unread=False) == ("2",)
    assert forgetful.undecided(SITE, policy_hash="p", limit=9, unread=False) == ("2",)
    learn(forgetful, told())
    forgetful.end_recall(SITE, policy_hash=POLICY.hash, now=NOW)
    store(forgetful, ticket("opened since"))
    assert set(forgetful.due(SITE, now=NOW + HOUR, limit=9, unread=False)) == {"1", "2", "opened since"}


def test_a_history_that_was_read_before_the_state_forgot_is_read_again(
    journal: SqlJournal, reopen: Callable[[], SqlJournal], state: Path
) -> None:
    store(journal, ticket("1"))
    learn(journal, told(at=NOW))
    assert journal.end_recall(SITE, policy_hash=POLICY.hash, now=NOW).is_over
    assert lines(journal, "recalled") == []
    journal.close()
    open_journal(str(state), least_free=0, forgotten=WHY).close()
    journal = reopen()
    found = recall_of(journal)
    assert (found.why, found.left, found.since, found.read_at) == (WHY, 1, NOW, NOW)
    learn(journal, told(at=NOW + MINUTE))
    assert recall_of(journal).left == 0


def test_a_ticket_whose_history_was_given_up_is_blind(forgetful: SqlJournal) -> None:
    for _ in range(3):
        assert recall_of(forgetful).left == 1
        forgetful.skip_history(SITE, [told(unreadable="403")], now=NOW)
    found = forgetful.end_recall(SITE, policy_hash=POLICY.hash, now=NOW)
    assert (found.is_over, found.blind) == (True, {"1"})
    assert lines(forgetful, "recalled")[0].data == {"why": WHY, "blind": "1"}


@pytest.mark.parametrize(
    ("shown", "why", "blind"),
    [({"level": 2}, MARKS_FOUND, {"1"}), ({"path": "default"}, MARKS_FOUND, {"1"}), ({}, "", set())],
)
def test_on_a_new_site_our_fields_alone_betray_an_earlier_state(
    journal: SqlJournal, shown: dict[str, object], why: str, blind: set[str]
) -> None:
    store(journal, ticket("1", **shown))
    for _ in range(3):
        journal.skip_history(SITE, [told(unreadable="403")], now=NOW)
    found = journal.end_recall(SITE, policy_hash=POLICY.hash, now=NOW)
    assert (found.is_over, found.why, found.blind) == (True, why, blind)
    assert len(lines(journal, "recalled")) == len(blind)


def test_on_a_new_site_marks_betray_an_earlier_state_and_that_is_told_once(journal: SqlJournal) -> None:
    store(journal, ticket("1"), ticket("2"))
    learn(journal, told())
    assert lines(journal, "forgotten") == []
    for at in (NOW, NOW + MINUTE):
        learn(journal, told(mark(str(at.minute) * 64, at=at)), at=at)
    assert recall_of(journal).why == MARKS_FOUND
    (line,) = lines(journal, "forgotten")
    assert (line.at, line.site, line.data) == (NOW, SITE, {"why": MARKS_FOUND})


def test_marks_that_come_after_the_recall_are_another_matter(journal: SqlJournal) -> None:
    store(journal, ticket("1"))
    learn(journal, told())
    journal.end_recall(SITE, policy_hash=POLICY.hash, now=NOW)
    learn(journal, told(mark()))
    assert recall_of(journal).why == ""


@pytest.mark.parametrize(
    ("policies", "since"),
    [
        pytest.param([POLICY.hash[:12], POLICY.hash[:12]], BEFORE - MINUTE, id="the earliest mark under it"),
        pytest.param(["f" * 12, POLICY.hash[:12]], BEFORE, id="marks under another say nothing"),
        pytest.param(["f" * 12, ""], None, id="no mark says so"),
    ],
)
def test_since_when_the_policy_has_been_in_force_is_read_back(
    forgetful: SqlJournal, policies: list[str], since: datetime | None
) -> None:
    earlier, later = policies
    first = mark(OTHER_KEY, at=BEFORE - MINUTE, policy=earlier)
    learn(forgetful, told(first, mark(at=BEFORE, policy=later)))
    learn(forgetful, told(mark("c" * 64, at=BEFORE + MINUTE, policy=later)))
    forgetful.end_recall(SITE, policy_hash=POLICY.hash, now=NOW)
    assert forgetful.policy_since(SITE, POLICY.hash) == since


@pytest.mark.parametrize(("known", "since"), [(BEFORE - HOUR, BEFORE - HOUR), (BEFORE, BEFORE), (NOW, BEFORE)])
def test_a_policy_that_is_known_to_be_older_stays_so(forgetful: SqlJournal, known: datetime, since: datetime) -> None:
    forgetful.begin_run(RunRow(id="r1", site=SITE, kind="run", policy=POLICY.hash, started_at=known))
    learn(forgetful, told(mark(policy=POLICY.hash[:12])))
    forgetful.end_recall(SITE, policy_hash=POLICY.hash, now=NOW)
    assert forgetful.policy_since(SITE, POLICY.hash) == since
    assert len(forgetful.records().runs()) == (2 if since < known else 1)


def test_a_state_that_forgets_again_recalls_again_though_the_policy_went_and_came_back(
    journal: SqlJournal, reopen: Callable[[], SqlJournal], state: Path
) -> None:
    """The same mark is the earliest both times, and by the runs the policy is in force since a later moment."""
    for number, at in enumerate((NOW, NOW + HOUR)):
        journal.close()
        open_journal(str(state), least_free=0, forgotten=WHY).close()
        journal = reopen()
        store(journal, ticket("1"))
        learn(journal, told(mark(policy=POLICY.hash[:12]), at=at), at=at)
        assert journal.end_recall(SITE, policy_hash=POLICY.hash, now=at).is_over
        for id_, policy, later in ((f"a{number}", "another", 1), (f"b{number}", POLICY.hash, 2)):
            journal.begin_run(RunRow(id=id_, site=SITE, kind="run", policy=policy, started_at=at + later * MINUTE))
    assert len(lines(journal, "recalled")) == 2
    (read_back,) = (row for row in journal.records().runs() if row.kind == "recall")
    assert (read_back.site, read_back.policy, read_back.started_at) == (SITE, POLICY.hash, BEFORE)


def test_two_sites_whose_earliest_marks_are_of_one_moment_keep_one_row_each(forgetful: SqlJournal) -> None:
    forgetful.open_site("other", fingerprint=FINGERPRINT)
    forgetful.store_page("other", [Candidate(ticket=ticket("1", site="other"))], page=page(), now=NOW)
    for site in (SITE, "other"):
        history = TicketHistory(
            ref=TicketRef(site, "1"), events=(), read_until=NOW, marks=(mark(policy=POLICY.hash[:12]),)
        )
        forgetful.store_history([history])
        forgetful.recall(site, [history], policy=POLICY, now=NOW)
        assert forgetful.end_recall(site, policy_hash=POLICY.hash, now=NOW).is_over
        assert forgetful.policy_since(site, POLICY.hash) == BEFORE


def test_before_the_first_history_the_first_pass_tells_since_when_it_waits(journal: SqlJournal) -> None:
    store(journal, ticket("1"))
    assert recall_of(journal).read_at is None
    for id_, at in (("r1", BEFORE), ("r2", NOW)):
        journal.begin_run(RunRow(id=id_, site=SITE, kind="run", policy="p", started_at=at))
    assert recall_of(journal).read_at == BEFORE
    assert recall_of(journal).since == datetime(1970, 1, 1, tzinfo=UTC)
