"""Faults on the way to the helpdesk and back, while a comment is being written. The helpdesk's own truth judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.domain.site import Effect
from connector.domain.ticket import Priority, Status
from connector.engine.next_step import QUARANTINE
from connector.errors import Unavailable
from connector.helpdesks.transport.breaker import FAILURES
from connector.ports import AlarmKind, AsideKind, OpStatus
from tests.faults.recovery_desk import JIRA, MINUTE, ZENDESK, Desk, desk

Sit = Callable[..., Desk]
VENDORS = pytest.mark.parametrize("vendor", [JIRA, ZENDESK])
READERS = pytest.mark.parametrize("public", [pytest.param(True, id="public"), pytest.param(False, id="note")])


@pytest.fixture
def sit(tmp_path: Path) -> Iterator[Sit]:
    with ExitStack() as stack:
        yield lambda vendor, **options: stack.enter_context(desk(vendor, tmp_path, **options))


def once(at: Desk) -> None:
    """The comment stands there once, to whom it may concern, and nothing is open any more."""
    (said,) = at.ours()
    assert said.public is at.public
    assert at.priority() is Priority.P1
    assert at.ops(OpStatus.SENDING) == ()
    assert not at.alarms(AlarmKind.PARK)


@READERS
@VENDORS
@pytest.mark.parametrize("action", ["drop", "lose"])
def test_fault_05_reset_after_bytes_is_looked_up(sit: Sit, vendor: str, public: bool, action: str) -> None:
    """The connection is reset after our bytes left, before or after they took effect: said once, never lost."""
    at = sit(vendor, public=public)
    at.strike(action)
    assert at.work().unknown == 1
    at.go_on()
    once(at)
    assert at.writes() == (2 if action == "drop" else 1)


@VENDORS
def test_fault_06_read_timeout_is_looked_up(sit: Sit, vendor: str) -> None:
    """No answer comes in time, though the write was applied: it is found, and not sent again."""
    at = sit(vendor)
    at.strike("hang", pause=2.0)
    with at.between(hurried=True):
        assert at.work().unknown == 1
    at.until_applied()
    at.go_on()
    once(at)
    assert at.writes() == 1


@VENDORS
def test_fault_08_a_cut_answer_to_a_write_is_looked_up(sit: Sit, vendor: str) -> None:
    """The answer's body is cut: what it would have proved is asked for."""
    at = sit(vendor)
    at.strike("cut", after_bytes=-5)
    assert at.work().unknown == 1
    at.go_on()
    once(at)
    assert at.writes() == 1


@VENDORS
@pytest.mark.parametrize("seconds", [1, 290])
def test_fault_09_late_landing_is_not_said_twice(sit: Sit, vendor: str, seconds: int) -> None:
    """The request lands only after we gave it up, within its quarantine: the customer reads it once."""
    at = sit(vendor)
    at.strike("late", seconds=seconds)
    assert at.work().unknown == 1
    at.go_on()
    once(at)
    assert not at.alarms(AlarmKind.SELF_REPORT)


def test_fault_09_a_note_lands_within_its_own_quarantine(sit: Sit) -> None:
    """Internal notes have a shorter one, and the second look comes after it."""
    at = sit(JIRA, public=False)
    at.strike("late", seconds=QUARANTINE[Effect.NOTES].total_seconds())
    at.work()
    at.go_on()
    once(at)
    assert at.writes() == 1


def test_fault_10_landing_later_than_assumed_is_taken_back_and_reported(sit: Sit) -> None:
    """The first copy lands long after its quarantine: the newer one is removed, and we say that it was our fault."""
    at = sit(JIRA)
    at.strike("late", seconds=15 * 60)
    at.work()
    at.go_on(10)
    assert len(at.ours()) == 1
    at.later(minutes=5)
    assert len(at.ours()) == 2, "the assumption is broken now"
    at.go_on()
    once(at)
    (alarm,) = at.alarms(AlarmKind.SELF_REPORT)
    assert "twice" in alarm.message or "2 times" in alarm.message


def _gateway(status: int) -> Callable[[requests.Response], None]:
    def answer(response: requests.Response) -> None:
        response.status_code, response._content = status, b"<html>Bad gateway</html>"
        response.headers["Content-Type"] = "text/html"

    return answer


@VENDORS
@pytest.mark.parametrize("status", [500, 504])
def test_fault_11_a_5xx_that_was_applied_is_found(sit: Sit, vendor: str, status: int) -> None:
    """A gateway gives up on a write that took effect: its marker is found, nothing is repeated."""
    at = sit(vendor)
    with at.between(answer=_gateway(status)):
        at.work()
    at.go_on()
    once(at)
    assert at.writes() == 1


@READERS
@VENDORS
def test_fault_12_a_5xx_that_was_not_applied_is_written_once(sit: Sit, vendor: str, public: bool) -> None:
    """The same answer, but nothing took effect: it is said after all, once."""
    at = sit(vendor, public=public)
    at.strike("status", status=503)
    assert at.work().unknown == 1
    at.go_on()
    once(at)
    assert at.writes() == 2


@VENDORS
@pytest.mark.parametrize("action", ["html", "mistype"])
def test_fault_21_a_login_page_for_an_answer_is_looked_up(sit: Sit, vendor: str, action: str) -> None:
    """Status 200 with a page proves nothing, whether the write took effect behind it or not."""
    at = sit(vendor)
    at.strike(action, status=200)
    assert at.work().unknown == 1
    at.go_on()
    once(at)


@VENDORS
def test_fault_22_an_empty_answer_is_looked_up(sit: Sit, vendor: str) -> None:
    """Status 200 or 201 without a body: the write is looked for and found."""
    at = sit(vendor)
    at.strike("empty")
    assert at.work().unknown == 1
    at.go_on()
    once(at)
    assert at.writes() == 1


@VENDORS
def test_fault_24_a_captive_portal_swallows_the_write(sit: Sit, vendor: str) -> None:
    """A hotspot answers everything with 200 and its own page: nothing took effect, and it is said later."""
    at = sit(vendor)
    at.strike("html", status=200, message="Please accept our terms")
    assert at.work().unknown == 1
    assert at.ours() == []
    at.go_on()
    once(at)


@pytest.mark.parametrize(("action", "edits"), [("status", 2), ("html", 2), ("empty", 1), ("mistype", 1)])
def test_fault_24_an_edit_whose_answer_does_not_show_the_issue_is_looked_up(sit: Sit, action: str, edits: int) -> None:
    """Status 200 with JSON of anybody's, with a page, with nothing: it is no edit before the issue shows it."""
    at = sit(JIRA)
    at.strike(action, status=200, methods=["PUT"], path=r"/issue/\d+$", times=1)
    assert at.work().unknown == 1
    assert at.priority() is (Priority.P1 if edits == 1 else Priority.P4)
    at.go_on()
    once(at)
    assert sum(f.data["method"] == "PUT" for f in at.stage.behind.truth("request")) == edits


def test_fault_28_conflicts_slow_us_down(sit: Sit) -> None:
    """Somebody changes the ticket whenever we write: planned anew each time, and after five in a row ever slower."""
    at = sit(ZENDESK)
    at.strike("status", status=409, times=40)
    for _ in range(30):
        at.later(seconds=10)
        at.work()
    assert 6 <= at.writes() <= 8, "our own limit for one ticket would allow ten"
    at.stage.behind._exchange.faults.clear()
    at.go_on(14)
    once(at)


@VENDORS
def test_fault_29_a_ticket_closed_meanwhile_is_left_alone(sit: Sit, vendor: str) -> None:
    """It is closed between reading and writing: refused for good, somebody is told, no follow-up is opened."""
    at = sit(vendor)
    tickets = len(at.stage.behind.sandbox.site(at.stage.site).view())
    people = at.stage.behind.people
    closed = {JIRA: lambda: people.set_status(at.stage.key(at.id), "anna", "closed")}
    closed[ZENDESK] = lambda: people.set_status(at.id, "anna", "closed")
    at.before_write = closed[vendor]
    at.work()
    sent = at.writes()
    at.before_write = lambda: None
    at.go_on()
    assert at.ours() == []
    assert at.writes() == sent <= 1
    assert [op.status for op in at.ops()] == [OpStatus.FAILED]
    (alarm,) = at.alarms(AlarmKind.FINDING)
    assert "was closed before it could be told" in alarm.message
    records, now = at.journal.records(), at.stage.clock.now()
    assert records.ended(at.stage.site, since=now - 60 * MINUTE) == 1, "so ``status`` says"
    assert records.ended(at.stage.site, since=now + MINUTE) == 0
    assert at.ops(OpStatus.SENDING) == ()
    assert len(at.stage.behind.sandbox.site(at.stage.site).view()) == tickets


@VENDORS
def test_a_ticket_solved_meanwhile_is_told_nothing_and_is_no_alarm(sit: Sit, vendor: str) -> None:
    """Somebody solves it between reading and writing: it may be opened again, and nothing is refused for good."""
    at = sit(vendor)
    at.before_write = lambda: at.stage.agent(at.id, status=Status.SOLVED)
    at.work()
    at.before_write = lambda: None
    at.go_on()
    assert (at.ours(), at.alarms(AlarmKind.FINDING)) == ([], [])


@VENDORS
def test_fault_30_what_is_never_accepted_is_not_tried_for_ever(sit: Sit, vendor: str) -> None:
    """Validation refuses the write: it is set aside with its reason, and not sent again as long as nothing changes."""
    at = sit(vendor)
    at.strike("status", status=422 if vendor == ZENDESK else 400, times=None)
    at.go_on(6)
    assert at.ours() == []
    assert at.writes() <= 3
    refused = {item.field for item in at.journal.aside(at.stage.site) if item.kind is AsideKind.REFUSED}
    assert refused == ({"priority", "public"} if vendor == ZENDESK else {"public"})


@READERS
@VENDORS
def test_fault_38_what_is_hidden_from_us_is_parked_not_repeated(sit: Sit, vendor: str, public: bool) -> None:
    """Comments are hidden from our account: their absence proves nothing, so a person decides. Fields go on."""
    at = sit(vendor, public=public)
    at.strike("lose")
    at.work()
    hidden: dict[str, Any] = {"methods": ["GET"], "path": "/(comment|audits)", "times": None}
    at.stage.behind.strike("forbid", **hidden)
    at.go_on()
    assert len(at.ours()) == 1
    assert at.writes() == 1
    (op,) = at.ops(OpStatus.PARKED)
    assert op.write.comment is not None
    assert op.write.comment.body == at.text, "kept until somebody has settled it"
    assert len(at.alarms(AlarmKind.PARK)) == 1
    assert at.priority() is Priority.P1


@READERS
@VENDORS
def test_one_ticket_whose_comments_always_fail_stops_nothing(sit: Sit, vendor: str, public: bool) -> None:
    """What tells whether it was said answers 503 for ever: the pass goes on, the row waits, it is said once."""
    at = sit(vendor, public=public)
    at.strike("lose")
    at.work()
    (before,) = at.ops(OpStatus.SENDING)
    at.stage.behind.strike("status", methods=["GET"], path="/(comment|audits)", times=None, name="poison")
    at.go_on()
    (after,) = at.ops(OpStatus.SENDING)
    assert (after, at.writes(), at.alarms(AlarmKind.PARK)) == (before, 1, [])
    assert [item.kind for item in at.journal.aside(at.stage.site)] == [AsideKind.UNANSWERED]
    at.stage.behind.mend("poison")
    at.go_on()
    once(at)
    assert at.writes() == 1
    assert at.journal.aside(at.stage.site) == ()


@VENDORS
def test_a_ticket_that_is_not_answered_for_does_not_lengthen_an_outage(sit: Sit, vendor: str) -> None:
    """The first request after an outage tells whether it is over: it must not be one that fails anyway."""
    at = sit(vendor)
    at.strike("lose")
    at.work()
    at.stage.behind.strike("status", methods=["GET"], path="/(comment|audits)", times=None, name="poison")
    at.go_on(3)
    at.stage.behind.strike("status", times=None, name="outage")
    for _ in range(12):
        at.later(minutes=1)
        with pytest.raises(Unavailable):
            at.work()
    at.stage.behind.mend("outage")
    at.later(minutes=6)
    at.work()
    assert len(at.ops(OpStatus.SENDING)) == 1


def test_an_outage_costs_hardly_more_for_what_is_open(sit: Sit) -> None:
    """Nothing answers, and that is known before anything is laid at a ticket's door."""
    at = sit(JIRA)
    at.strike("lose")
    at.work()
    at.stage.behind.strike("status", times=None)
    before = at.stage.reader.requests_made()
    for _ in range(2):
        with pytest.raises(Unavailable):
            at.work()
    assert at.stage.reader.requests_made() - before <= FAILURES
    assert at.journal.aside(at.stage.site) == ()


@pytest.mark.parametrize("public", [True, False])
def test_an_issue_that_cannot_be_read_before_a_write_stops_nothing(sit: Sit, public: bool) -> None:
    """It answers 503 whenever it is read by itself: it waits, and the site goes on."""
    at = sit(JIRA, public=public)
    at.stage.behind.strike("status", methods=["GET"], path=rf"/issue/{at.id}$", times=None, name="poison")
    applied = at.work()
    assert (applied.stopped, applied.failed) == ("", 1)
    at.go_on(6)
    assert (at.writes(), at.ops(OpStatus.SENDING), at.ours()) == (0, (), [])
    at.stage.behind.mend("poison")
    at.go_on()
    once(at)
    assert at.journal.aside(at.stage.site) == ()


@VENDORS
def test_fault_19_a_deleted_ticket_cancels_what_was_open_on_it(sit: Sit, vendor: str) -> None:
    """The look for a lost comment meets a 404: there is nothing to be proved, nobody to be told and nobody to ask."""
    at = sit(vendor)
    at.strike("lose")
    at.work()
    at.stage.delete(at.id)
    at.go_on()
    assert [op.why for op in at.ops() if op.write.comment] == ["the ticket is gone"]
    assert at.ops(OpStatus.PARKED) == at.ops(OpStatus.SENDING) == ()
    assert at.alarms(AlarmKind.PARK) == []


def _made_public(body: dict[str, Any]) -> None:
    if "public" in body:
        body["public"] = True
    if "comment" in body.get("ticket", {}):
        body["ticket"]["comment"]["public"] = True


@VENDORS
def test_fault_39_a_note_that_comes_out_public_is_hidden_at_once(sit: Sit, vendor: str) -> None:
    """The internal flag is ignored: the very next request takes the note out of sight, and notes are frozen."""
    at = sit(vendor, public=False)
    with at.between(request=_made_public):
        at.work()
    facts = [fact.data for fact in at.stage.behind.truth("request")]
    posted = max(n for n, f in enumerate(facts) if f["method"] in {"POST", "PUT"} and "private" not in f["path"])
    after = facts[posted + 1]
    assert (after["method"], after["path"].endswith("make_private.json")) in {("DELETE", False), ("PUT", True)}
    assert not [said for said in at.ours() if said.public]
    state = at.journal.open_site(at.stage.site, fingerprint="f")
    assert set(state.frozen) == {Effect.NOTES}
    (alarm,) = at.alarms(AlarmKind.FREEZE)
    assert "NOT" not in alarm.message


@VENDORS
def test_fault_39_a_public_note_whose_answer_was_lost_is_hidden_when_it_is_found(sit: Sit, vendor: str) -> None:
    """The same, and the answer is lost as well: the next look finds the note in sight and hides it."""
    at = sit(vendor, public=False)
    at.strike("lose")
    with at.between(request=_made_public):
        at.work()
    assert [said.public for said in at.ours()] == [True]
    at.later(minutes=1)
    at.work()
    assert not [said for said in at.ours() if said.public]
    assert at.ops(OpStatus.PARKED) == ()
    assert set(at.journal.open_site(at.stage.site, fingerprint="f").frozen) == {Effect.NOTES}


def _stripped(body: dict[str, Any]) -> None:
    body.pop("properties", None)
    body.get("ticket", {}).pop("metadata", None)


@READERS
@VENDORS
def test_fault_40_without_its_hidden_marker_a_comment_is_known_by_its_words(
    sit: Sit, vendor: str, public: bool
) -> None:
    """Properties and metadata are stripped on the way, and the answer is lost: reference or words find the comment."""
    at = sit(vendor, public=public)
    at.strike("lose")
    with at.between(request=_stripped):
        at.work()
    at.go_on()
    once(at)
    assert at.writes() == 1


@VENDORS
def test_fault_41_one_comment_too_many_never_costs_the_fields(sit: Sit, vendor: str) -> None:
    """The ticket takes no further comment: the comment is given up, the escalation itself arrives."""
    at = sit(vendor)
    if vendor == ZENDESK:
        at.strike("status", status=422, body='"comment"', times=None)
    else:
        at.strike("status", status=413, times=None)
    at.work()
    assert at.priority() is Priority.P1, "in the very same pass"
    at.go_on(4)
    assert at.ours() == []
    assert at.priority() is Priority.P1
    assert at.writes() <= 2


@READERS
@VENDORS
def test_fault_41_a_text_that_is_too_long_is_cut_between_characters(sit: Sit, vendor: str, public: bool) -> None:
    """Longer than the helpdesk takes: cut visibly, between two characters that a reader sees, and said once."""
    family = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
    at = sit(vendor, public=public, text=family * 9000)
    at.work()
    at.go_on(2)
    (said,) = at.ours()
    shown, _, _ = said.body.partition("…")
    assert len(shown) % len(family) == 0
    assert 0 < len(said.body.encode()) <= 70_000 * 3
