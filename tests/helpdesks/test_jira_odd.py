"""Answers that the sandbox does not give, each stated by hand."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
import requests
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from responses import matchers

from connector.domain.change import Field
from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.site import FieldMap
from connector.domain.ticket import Priority, Ticket
from connector.errors import (
    Conflict,
    Denied,
    Malformed,
    Mute,
    NotSent,
    Rejected,
    Throttled,
    Unavailable,
    Unchecked,
    Unknown,
)
from connector.helpdesks.jira.assembly import JiraOptions, JiraSite, open_site
from connector.helpdesks.transport import Basic, Surroundings
from connector.ports import Presence, TicketHistory
from tests.helpdesks.contract import change, note, wanted
from tests.helpdesks.stopped_clock import START, StoppedClock

BASE = "https://acme.atlassian.net"
API = f"{BASE}/rest/api/3"
DESK = f"{BASE}/rest/servicedeskapi"
STAMP = "2026-11-22T08:00:00.000+0000"
NAMES = FieldMap(priorities={p: str(int(p)) for p in Priority})
JSON = {"Content-Type": "application/json"}
TOLD = '{"issueChangeLogs": []}'
Answer: TypeAlias = tuple[int, Mapping[str, str], str]
US = {"accountId": "us", "accountType": "atlassian"}
OTHERS_ANSWERS: tuple[Mapping[str, Any], ...] = (
    {"status": 204},
    {"json": {}},
    {"json": {"login": "required"}},
    {"json": {"id": "8", "fields": {}}},
    {"json": []},
)


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def site_on(clock: StoppedClock, **changes: Any) -> JiraSite:
    options = JiraOptions(
        site="j", api_base=BASE, reader=Basic("us@acme.example", "t"), fields=NAMES, projects=("SUP",)
    )
    return open_site(replace(options, **changes), Surroundings(clock=clock, rng=random.Random(1)))


@pytest.fixture
def site(clock: StoppedClock, wire: responses.RequestsMock) -> JiraSite:
    made = site_on(clock)
    wire.get(f"{API}/myself", json={"accountId": "us"})
    wire.get(f"{API}/field", json=[])
    made.reader.check()
    return made


def issue(**fields: Any) -> dict[str, Any]:
    values = {
        "created": STAMP,
        "updated": STAMP,
        "status": {"id": "3"},
        "priority": {"id": "4"},
        "project": {"key": "SUP"},
    }
    values |= fields
    return {"id": "7", "key": "SUP-7", "fields": values}


def observed(site: JiraSite, wire: responses.RequestsMock) -> Ticket:
    wire.post(f"{API}/issue/bulkfetch", json={"issues": [issue()]})
    (found,) = site.reader.get(["7"]).observations
    wire.get(f"{API}/issue/7", json=issue())
    return found.ticket


def send(site: JiraSite, ticket: Ticket, *fields: Any, comment: Any = None) -> Any:
    (write,) = site.writer.split(change(ticket, *fields, comments=(comment,) if comment else ()))
    return site.writer.send(write, seen=ticket)


def posted(**values: Any) -> dict[str, Any]:
    return {"id": "55", "created": STAMP, "author": US, "jsdPublic": False} | values


class TestNotes:
    def test_one_that_came_out_public_is_removed_and_stops_the_site(
        self, site: JiraSite, wire: responses.RequestsMock
    ) -> None:
        seen = observed(site, wire)
        wire.post(f"{DESK}/request/7/comment", json={"id": "55", "public": False}, status=201)
        wire.get(f"{API}/issue/7/comment/55", json=posted(jsdPublic=True))
        removed = wire.delete(f"{API}/issue/7/comment/55", status=204)
        with pytest.raises(Denied, match="was removed"):
            send(site, seen, comment=note(seen.ref, "internal"))
        assert removed.call_count == 1

    def test_one_that_says_so_at_once_is_not_even_read_back(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        wire.post(f"{DESK}/request/7/comment", json={"id": "55", "public": True}, status=201)
        wire.delete(f"{API}/issue/7/comment/55", status=204)
        with pytest.raises(Denied, match="was removed"):
            send(site, seen, comment=note(seen.ref, "internal"))

    def test_one_that_cannot_be_removed_says_so(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        wire.post(f"{DESK}/request/7/comment", json={"id": "55", "public": False}, status=201)
        wire.get(f"{API}/issue/7/comment/55", json=posted(jsdPublic=True))
        wire.delete(f"{API}/issue/7/comment/55", status=403, json={"errorMessages": ["no"]})
        with pytest.raises(Denied, match="NOT"):
            send(site, seen, comment=note(seen.ref, "internal"))

    @pytest.mark.parametrize(("stated", "trusted"), [(False, True), (None, False)])
    def test_where_it_cannot_be_read_back_the_first_answer_counts(
        self, site: JiraSite, wire: responses.RequestsMock, stated: Any, trusted: bool
    ) -> None:
        seen = observed(site, wire)
        wire.post(f"{DESK}/request/7/comment", json={"id": "55", "public": stated}, status=201)
        wire.get(f"{API}/issue/7/comment/55", status=404, json={"errorMessages": ["gone"]})
        if trusted:
            assert send(site, seen, comment=note(seen.ref, "internal")).remote_id == "55"
            return
        wire.delete(f"{API}/issue/7/comment/55", status=204)
        with pytest.raises(Denied):
            send(site, seen, comment=note(seen.ref, "internal"))

    @pytest.mark.parametrize(
        ("status", "became", "told"), [(204, "it was removed", Denied), (403, "it could NOT be removed", Mute)]
    )
    def test_a_public_comment_that_came_out_internal_is_taken_back_and_denied(
        self, site: JiraSite, wire: responses.RequestsMock, status: int, became: str, told: type[Denied]
    ) -> None:
        """It is said again once it may be public, and is not to stand there twice."""
        seen = observed(site, wire)
        created = posted(jsdPublic=False)
        wire.post(f"{API}/issue/7/comment", json=created, status=201)
        removed = wire.delete(f"{API}/issue/7/comment/{created['id']}", status=status, json={})
        with pytest.raises(Denied, match=f"came out internal; {became}") as raised:
            send(site, seen, comment=note(seen.ref, "for the customer", public=True))
        assert type(raised.value) is told
        assert removed.call_count == 1

    @pytest.mark.parametrize("body", [{}, {"id": None}, [], {"id": 5}])
    def test_an_answer_without_an_id_is_unknown(self, site: JiraSite, wire: responses.RequestsMock, body: Any) -> None:
        seen = observed(site, wire)
        wire.post(f"{DESK}/request/7/comment", json=body, status=201)
        with pytest.raises(Unknown):
            send(site, seen, comment=note(seen.ref, "x"))

    def test_a_login_page_for_an_answer_is_unknown(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        wire.post(f"{DESK}/request/7/comment", body="<html>log in</html>", content_type="text/html", status=200)
        with pytest.raises(Unknown):
            send(site, seen, comment=note(seen.ref, "x"))

    def test_an_automation_that_wrote_is_nobody_who_spoke(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        wire.replace(responses.GET, f"{API}/issue/7", json=issue(updated="2026-11-22T08:30:00.000+0000"))
        bot = posted(author={"accountId": "rule", "accountType": "app"}, created="2026-11-22T08:30:00.000+0000")
        wire.get(f"{API}/issue/7/comment", json={"comments": [bot], "total": 1})
        wire.post(f"{DESK}/request/7/comment", json={"id": "56", "public": False}, status=201)
        wire.get(f"{API}/issue/7/comment/56", json=posted())
        assert send(site, seen, comment=note(seen.ref, "x")).remote_id == "56"


def test_where_memory_runs_out_a_person_is_not_just_untold(clock: StoppedClock, wire: responses.RequestsMock) -> None:
    site = site_on(clock, fields=replace(NAMES, people={"anna": "acc-anna"}))
    wire.get(f"{API}/user", body=MemoryError())
    with pytest.raises(MemoryError):
        site.directory.reach(LevelTarget(TargetKind.USER, "anna"), at=clock.now())


class TestEdits:
    @pytest.mark.parametrize("answer", OTHERS_ANSWERS)
    @pytest.mark.parametrize("shown", [True, False])
    def test_without_the_issue_in_the_answer_it_is_the_issue_that_tells(
        self, site: JiraSite, wire: responses.RequestsMock, answer: Mapping[str, Any], shown: bool
    ) -> None:
        """What answers may be a login page's server, a cache, a captive portal: the edit may be lost."""
        seen = observed(site, wire)
        wire.put(f"{API}/issue/7", **answer)
        (write,) = site.writer.split(change(seen, wanted(Field.PRIORITY, "P1")))
        told = {"esc.marker": {"key": write.key if shown else "an older one"}}
        wire.replace(responses.GET, f"{API}/issue/7", json=issue() | {"properties": told})
        if shown:
            receipt = site.writer.send(write, seen=seen)
            assert (receipt.remote_id, receipt.version) == ("7", "2026-11-22T08:00:00.000+00:00")
        else:
            with pytest.raises(Unknown, match="the issue no edit"):
                site.writer.send(write, seen=seen)

    def test_an_edit_that_nothing_shows_is_unknown(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        wire.put(f"{API}/issue/7", status=204)
        (write,) = site.writer.split(change(seen, wanted(Field.PRIORITY, "P1")))
        looked = wire.get(f"{API}/issue/7", status=404, json={"errorMessages": ["gone"]})
        with pytest.raises(Unknown, match="which cannot be read"):
            site.writer.send(write, seen=seen)
        assert looked.call_count >= 1

    @pytest.mark.parametrize("status", [200, 201])
    def test_an_empty_answer_is_unknown(self, site: JiraSite, wire: responses.RequestsMock, status: int) -> None:
        seen = observed(site, wire)
        wire.put(f"{API}/issue/7", status=status, content_type="text/html")
        with pytest.raises(Unknown):
            send(site, seen, wanted(Field.PRIORITY, "P1"))

    def test_the_answers_zone_does_not_matter(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        wire.put(f"{API}/issue/7", json=issue(updated="2026-11-22T10:30:00.000+0130"))
        assert send(site, seen, wanted(Field.PRIORITY, "P1")).version == "2026-11-22T09:00:00.000+00:00"

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refusal_without_the_flag_is_denied(
        self, site: JiraSite, wire: responses.RequestsMock, status: int
    ) -> None:
        seen = observed(site, wire)
        put = wire.put(f"{API}/issue/7", status=status, json={"errorMessages": ["no"]})
        with pytest.raises(Denied):
            send(site, seen, wanted(Field.PRIORITY, "P1"))
        assert put.call_count == 1

    def test_an_issue_that_is_gone_is_rejected(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        wire.replace(responses.GET, f"{API}/issue/7", status=404, json={"errorMessages": ["gone"]})
        with pytest.raises(Rejected, match="gone"):
            send(site, seen, wanted(Field.PRIORITY, "P1"))

    def test_an_issue_that_cannot_be_understood_is_a_conflict(
        self, site: JiraSite, wire: responses.RequestsMock
    ) -> None:
        seen = observed(site, wire)
        wire.replace(responses.GET, f"{API}/issue/7", json=issue(updated="soon"))
        with pytest.raises(Conflict):
            send(site, seen, wanted(Field.PRIORITY, "P1"))

    def test_a_long_wait_before_the_reading_is_a_wait(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        slow = {"Retry-After": "600"}
        wire.replace(responses.GET, f"{API}/issue/7", status=429, json={}, headers=slow)
        with pytest.raises(Throttled) as caught:
            send(site, seen, wanted(Field.PRIORITY, "P1"))
        assert caught.value.retry_after == timedelta(minutes=10)

    def test_an_outage_before_the_reading_is_not_sent(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        wire.replace(responses.GET, f"{API}/issue/7", status=502, body="<html>")
        with pytest.raises(Throttled, match="not sent") as caught:  # by then the breaker says when to ask again
            send(site, seen, wanted(Field.PRIORITY, "P1"))
        assert caught.value.retry_after is not None
        assert timedelta(seconds=30) < caught.value.retry_after <= timedelta(minutes=1)

    def test_whether_mails_may_be_left_out_is_asked_once_an_hour_per_project(
        self, site: JiraSite, clock: StoppedClock, wire: responses.RequestsMock
    ) -> None:
        seen = replace(observed(site, wire), scope="SUP")
        asked = wire.get(
            f"{API}/mypermissions",
            json={"permissions": {"ADMINISTER": {"havePermission": True}}},
            match=[
                matchers.query_param_matcher({"projectKey": "SUP", "permissions": "ADMINISTER,ADMINISTER_PROJECTS"})
            ],
        )
        quiet = {"returnIssue": "true", "notifyUsers": "false", "expand": "changelog"}
        put = wire.put(f"{API}/issue/7", json=issue(), match=[matchers.query_param_matcher(quiet)])
        for _ in range(2):
            send(site, seen, wanted(Field.PRIORITY, "P1"))
        assert (asked.call_count, put.call_count) == (1, 2)
        clock.move(timedelta(hours=1))
        send(site, seen, wanted(Field.PRIORITY, "P1"))
        assert (asked.call_count, put.call_count) == (2, 3)
        wire.replace("GET", f"{API}/mypermissions", status=500)
        clock.move(timedelta(hours=1))
        send(site, seen, wanted(Field.PRIORITY, "P1"))
        assert put.call_count == 4, "what was known goes on where it cannot be asked: no edit mails everybody"

    def test_a_digest_asks_nothing(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        wire.assert_all_requests_are_fired = False
        seen = replace(observed(site, wire), scope="SUP")
        (write,) = site.writer.split(change(seen, wanted(Field.PRIORITY, "P1")))
        before = site.reader.requests_made()
        assert len(site.writer.request_digest(write, seen=seen)) == 64
        assert site.reader.requests_made() == before


class TestPaging:
    def test_a_circle_of_tokens_ends_the_search(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        for token in ("a", "b", "a"):
            wire.post(f"{API}/search/jql", json={"issues": [], "nextPageToken": token})
        with pytest.raises(Unavailable, match="token"):
            list(site.reader.load_open(cursor="c"))

    def test_a_token_that_expired_ends_the_read_for_now(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        wire.post(f"{API}/search/jql", json={"issues": [], "nextPageToken": "a"})
        wire.post(f"{API}/search/jql", status=400, json={"errorMessages": ["The nextPageToken is invalid"]})
        with pytest.raises(Unavailable):
            list(site.reader.load_open(cursor="c"))

    def test_the_new_cursor_comes_with_the_last_page(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        wire.post(f"{API}/search/jql", json={"issues": [issue()], "nextPageToken": "a", "isLast": True})
        wire.post(f"{API}/search/jql", json={"issues": [issue()], "isLast": False})
        begin = str(int((START - timedelta(hours=1)).timestamp() * 1000))
        first, last = site.reader.changes(begin)
        assert first.cursor == begin
        assert int(last.cursor) > int(begin)

    def test_an_empty_delta_of_somebody_else_moves_nothing(
        self, clock: StoppedClock, wire: responses.RequestsMock
    ) -> None:
        site = site_on(clock)
        wire.get(f"{API}/myself", json={"accountId": "us"})
        wire.get(f"{API}/field", json=[])
        wire.post(f"{API}/search/jql", json={"issues": []})
        begin = site.reader.start_cursor()
        clock.move(timedelta(minutes=9))
        (page,) = site.reader.changes(begin)
        assert page.cursor == begin  # believed, but nothing is given up for it
        clock.move(timedelta(minutes=2))
        wire.get(f"{API}/myself", json={"accountId": "another"})
        with pytest.raises(Denied, match="another"):
            list(site.reader.changes(begin))

    @pytest.mark.parametrize("tokens", [("a", "a"), ("a", "b", "a")])
    def test_half_a_changelog_is_no_history(
        self, site: JiraSite, wire: responses.RequestsMock, tokens: tuple[str, ...]
    ) -> None:
        wire.post(f"{API}/issue/bulkfetch", json={"issues": [issue()]})
        for token in tokens:
            wire.post(f"{API}/changelog/bulkfetch", json={"issueChangeLogs": [], "nextPageToken": token})
        with pytest.raises(Unavailable, match="token"):
            list(site.reader.history(["7"]))

    @pytest.mark.parametrize(("probe", "count"), [(False, 5), (True, 1)])
    @pytest.mark.parametrize("failing", ["changelog", "comments"])
    def test_a_history_that_failed_before_is_asked_for_once(
        self, site: JiraSite, wire: responses.RequestsMock, failing: str, *, probe: bool, count: int
    ) -> None:
        wire.get(re.compile(rf"{API}/user/assignable/search\b.*"), json=[])
        wire.post(f"{API}/issue/bulkfetch", json={"issues": [issue()]})
        if failing == "changelog":
            asked = wire.post(f"{API}/changelog/bulkfetch", status=503)
        else:
            wire.post(f"{API}/changelog/bulkfetch", json={"issueChangeLogs": []})
            asked = wire.get(f"{API}/issue/7/comment", status=503)
        with pytest.raises(Unavailable):
            list(site.reader.history(["7"], probe=probe))
        assert asked.call_count == count

    def bulk(
        self, site: JiraSite, wire: responses.RequestsMock, count: int, answer: Callable[[frozenset[str]], Answer]
    ) -> tuple[list[TicketHistory], int]:
        """Return what is told of so many issues where a bulk of changelogs gets ``answer``, and how often it asked."""
        asked: list[frozenset[str]] = []

        def changelogs(request: requests.PreparedRequest) -> Answer:
            asked.append(frozenset(json.loads(request.body or b"")["issueIdsOrKeys"]))
            return answer(asked[-1])

        ids = [str(n) for n in range(1, count + 1)]
        wire.post(f"{API}/issue/bulkfetch", json={"issues": [issue() | {"id": id_} for id_ in ids]})
        wire.add_callback(responses.POST, f"{API}/changelog/bulkfetch", changelogs)
        wire.assert_all_requests_are_fired = False
        wire.get(re.compile(rf"{API}/issue/\d+/comment"), json={"comments": [], "total": 0})
        return list(site.reader.history(ids)), len(asked)

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(count=st.integers(1, 40), drawn=st.sets(st.integers(1, 40), max_size=4), garbled=st.booleans())
    def test_issues_whose_changelog_is_refused_cost_the_others_nothing(
        self, site: JiraSite, wire: responses.RequestsMock, count: int, drawn: set[int], garbled: bool
    ) -> None:
        wire.reset()
        bad = {str(n) for n in drawn if n <= count}
        refusal: Answer = (200, JSON, '{"issueChangeLogs": 7}') if garbled else (400, JSON, "{}")
        answer: Callable[[frozenset[str]], Answer] = lambda ids: refusal if ids & bad else (200, JSON, TOLD)  # noqa: E731
        try:
            told, _ = self.bulk(site, wire, count, answer)
        except (Rejected, Malformed):
            assert len(bad) >= min(3, count), "as long as nothing is told it may be nobody's own fault"
            return
        assert [h.ref.id for h in told] == [str(n) for n in range(1, count + 1)]
        assert {h.ref.id for h in told if h.unreadable} == bad

    def test_changelogs_that_are_refused_for_all_are_not_asked_for_one_by_one(
        self, site: JiraSite, wire: responses.RequestsMock
    ) -> None:
        asked = 0

        def refusal(_ids: frozenset[str]) -> Answer:
            nonlocal asked
            asked += 1
            return 400, JSON, "{}"

        with pytest.raises(Rejected):
            self.bulk(site, wire, 50, refusal)
        assert asked <= 10

    def comments(self, site: JiraSite, wire: responses.RequestsMock, *shown: tuple[str, int]) -> TicketHistory:
        """Return the history of an issue whose comments come in these pages: their ids, and how many are counted."""
        wire.upsert(responses.POST, f"{API}/issue/bulkfetch", json={"issues": [issue()]})
        wire.upsert(responses.POST, f"{API}/changelog/bulkfetch", json={"issueChangeLogs": []})
        for ids, total in shown:
            wire.get(f"{API}/issue/7/comment", json={"comments": [posted(id=id_) for id_ in ids], "total": total})
        (history,) = site.reader.history(["7"])
        return history

    @pytest.mark.parametrize(
        "pages",
        [
            pytest.param([("12", 4), ("34", 4)], id="nothing moves"),
            pytest.param([("12", 3), ("234", 4)], id="one comes in before the second page"),
            pytest.param([("12", 5), ("34", 4), ("12", 4), ("34", 4)], id="one is deleted before the second page"),
            pytest.param([("01", 5), ("34", 4), ("12", 4), ("34", 4)], id="what was deleted has moved one away"),
        ],
    )
    def test_comments_that_move_between_pages_are_read_once(
        self, site: JiraSite, wire: responses.RequestsMock, pages: list[tuple[str, int]]
    ) -> None:
        history = self.comments(site, wire, *pages)
        assert [e.id for e in history.events] == ["created", *(f"comment:{n}" for n in "1234")]

    @pytest.mark.parametrize(
        "pages", [[("", 1), ("", 1)], [("12", 4), ("", 4), ("12", 4), ("", 4)], [("12", 4), ("23", 4)] * 2]
    )
    def test_comments_that_are_counted_and_not_shown_are_no_history(
        self, site: JiraSite, wire: responses.RequestsMock, pages: list[tuple[str, int]]
    ) -> None:
        self.shown(wire, "8", "1", 1)
        assert [bool(h.unreadable) for h in self.histories(site, wire, "8")] == [False]  # a site that shows comments
        history = self.comments(site, wire, *pages)
        assert (history.events, history.marks) == ((), ())
        assert "counted and not shown" in history.unreadable

    def shown(self, wire: responses.RequestsMock, id_: str, ids: str, total: int) -> None:
        comments = [posted(id=each) for each in ids]
        wire.get(f"{API}/issue/{id_}/comment", json={"comments": comments, "total": total})

    def histories(self, site: JiraSite, wire: responses.RequestsMock, *ids: str) -> list[TicketHistory]:
        found = {"issues": [issue() | {"id": id_, "key": f"SUP-{id_}"} for id_ in ids]}
        wire.upsert(responses.POST, f"{API}/issue/bulkfetch", json=found)
        wire.upsert(responses.POST, f"{API}/changelog/bulkfetch", json={"issueChangeLogs": []})
        return list(site.reader.history(ids))

    @pytest.mark.parametrize("bare", [0, 1, 4])
    @pytest.mark.parametrize("hidden", [1, 2, 5])
    def test_where_no_comments_are_shown_no_ticket_is_at_fault(
        self, site: JiraSite, wire: responses.RequestsMock, bare: int, hidden: int
    ) -> None:
        """That an issue has no comments does not tell whether the account may see any."""
        ids = [str(n) for n in range(10, 10 + bare + hidden)]
        for n, id_ in enumerate(ids):
            self.shown(wire, id_, "", int(n >= bare))
        wire.assert_all_requests_are_fired = False
        with pytest.raises(Unavailable, match=r"no comments.*counted and not shown"):
            self.histories(site, wire, *ids)

    @pytest.mark.parametrize("at", [0, 2, 4])
    def test_where_some_are_shown_those_that_are_not_are_at_fault(
        self, site: JiraSite, wire: responses.RequestsMock, at: int
    ) -> None:
        ids = [str(n) for n in range(10, 15)]
        for n, id_ in enumerate(ids):
            self.shown(wire, id_, "1" * (n == at), 1)
        found = self.histories(site, wire, *ids)
        assert [bool(h.unreadable) for h in found] == [n != at for n in range(5)]
        assert all(h.unreadable for h in self.histories(site, wire, *(i for i in ids if i != ids[at]))), "it is proven"
        wire.upsert(responses.GET, f"{API}/issue/{ids[at]}/comment", json={"comments": [], "total": 1})
        with pytest.raises(Unavailable):
            self.histories(site, wire, ids[at - 1])

    def test_comments_are_read_by_the_account_that_writes(
        self, clock: StoppedClock, wire: responses.RequestsMock
    ) -> None:
        author = Basic("writer@acme.example", "u")
        site = site_on(clock, writer=author)
        wire.get(f"{API}/myself", json={"accountId": "us"})
        wire.get(f"{API}/field", json=[])
        self.comments(site, wire, ("1", 1))
        (asked,) = [call.request for call in wire.calls if str(call.request.url).partition("?")[0].endswith("/comment")]
        told = base64.b64encode(b"writer@acme.example:u").decode()
        assert asked.headers["Authorization"] == f"Basic {told}"

    def test_a_history_that_cannot_be_read_says_so(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        wire.post(f"{API}/issue/bulkfetch", json={"issues": [issue()]})
        wire.post(f"{API}/changelog/bulkfetch", json={"issueChangeLogs": []})
        wire.get(f"{API}/issue/7/comment", json={"comments": [posted(created="soon")], "total": 1})
        (history,) = site.reader.history(["7"])
        assert history.events == ()
        assert "soon" in history.unreadable


class TestSingles:
    def test_what_cannot_be_read_is_not_gone(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        broken = {"id": "8", "key": "SUP-8", "fields": {"created": STAMP, "updated": "soon"}}
        errors = [{"id": "9", "errorMessage": "Issue does not exist"}]
        wire.post(f"{API}/issue/bulkfetch", json={"issues": [issue(), broken], "issueErrors": errors})
        page = site.reader.get(["9", "8", "7"])
        assert [o.ticket.ref.id for o in page.observations] == ["7"]
        assert [q.id for q in page.malformed] == ["8"]
        assert page.gone == ("9",)

    def test_what_was_moved_is_told_from_what_is_not_shown(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        wire.post(f"{API}/issue/bulkfetch", json={"issues": [issue(project={"key": "HR"})]})
        page = site.reader.get(["7", "9"])
        assert (page.observations, page.gone, page.elsewhere) == ((), ("7", "9"), ("7",))
        assert page.moved_to == {"7": "HR"}

    def test_while_something_nameless_cannot_be_read_nothing_is_gone(
        self, site: JiraSite, wire: responses.RequestsMock
    ) -> None:
        wire.post(f"{API}/issue/bulkfetch", json={"issues": [issue(), {"id": None}]})
        assert site.reader.get(["7", "9"]).gone == ()


class TestJustBeforeAWrite:
    NOBODY: Mapping[str, Any] = {"status": 503, "json": {}}

    def test_an_issue_that_alone_cannot_be_read_is_unchecked(
        self, site: JiraSite, wire: responses.RequestsMock
    ) -> None:
        seen = observed(site, wire)
        site.reader.prove_account()
        wire.replace(responses.GET, f"{API}/issue/7", **self.NOBODY)
        with pytest.raises(Unchecked) as caught:
            send(site, seen, wanted(Field.PRIORITY, "P1"))
        assert isinstance(caught.value.__cause__, Unavailable)
        tried = len(wire.calls)
        with pytest.raises(Unchecked):
            send(site, seen, wanted(Field.PRIORITY, "P1"))
        assert len(wire.calls) == tried + 2, "one try, and whether Jira answers at all"

    def test_where_nothing_is_answered_it_is_not_the_issues_trouble(
        self, site: JiraSite, wire: responses.RequestsMock
    ) -> None:
        seen = observed(site, wire)
        site.reader.prove_account()
        wire.replace(responses.GET, f"{API}/issue/7", **self.NOBODY)
        wire.replace(responses.GET, f"{API}/myself", **self.NOBODY)
        with pytest.raises(NotSent) as caught:
            send(site, seen, wanted(Field.PRIORITY, "P1"))
        assert not isinstance(caught.value, Unchecked)

    def test_comments_that_are_none_leave_the_issue_alone(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        wire.replace(responses.GET, f"{API}/issue/7", json=issue(updated="2026-11-22T09:00:00.000+0000"))
        wire.get(f"{API}/issue/7/comment", json={"comments": [{"id": []}], "total": 1})
        with pytest.raises(Unchecked) as caught:
            send(site, seen, comment=note(seen.ref, "x"))
        assert isinstance(caught.value.__cause__, Malformed)

    def test_an_issue_that_is_none_leaves_the_issue_alone(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        wire.replace(responses.GET, f"{API}/issue/7", json={"id": "7", "key": [], "fields": {}})
        with pytest.raises(Unchecked) as caught:
            send(site, seen, wanted(Field.PRIORITY, "P1"))
        assert isinstance(caught.value.__cause__, Malformed)


class TestLookups:
    @pytest.mark.parametrize("body", ['{"comments": [{"id": []}], "total": 1}', '{"comments": NaN}'])
    def test_comments_that_are_none_are_that_tickets_trouble(
        self, site: JiraSite, wire: responses.RequestsMock, body: str
    ) -> None:
        wire.assert_all_requests_are_fired = False
        seen = observed(site, wire)
        (write,) = site.writer.split(change(seen, comments=(note(seen.ref, "x"),)))
        wire.get(f"{API}/issue/7/comment", body=body, content_type="application/json")
        with pytest.raises(Malformed):
            site.reader.look_up(write, since=START)

    def test_what_is_cut_short_may_be_whole_the_next_time(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        wire.assert_all_requests_are_fired = False
        seen = observed(site, wire)
        (write,) = site.writer.split(change(seen, comments=(note(seen.ref, "x"),)))
        wire.get(f"{API}/issue/7/comment", body='{"comments": [', content_type="application/json")
        with pytest.raises(Unavailable):
            site.reader.look_up(write, since=START)

    def comment(self, site: JiraSite, wire: responses.RequestsMock, make: Any, *, public: bool) -> Any:
        seen = observed(site, wire)
        (write,) = site.writer.split(change(seen, comments=(note(seen.ref, "x", public=public),)))
        wire.get(f"{API}/issue/7/comment", json={"comments": [make(write)], "total": 1})
        return site.reader.look_up(write, since=START - timedelta(hours=2))

    @pytest.mark.parametrize(
        ("changes", "presence"),
        [
            ({}, Presence.FOUND),
            ({"author": {"accountId": "them"}}, Presence.ABSENT),
            ({"author": None}, Presence.ABSENT),
            ({"created": "2026-11-22T06:59:59.000+0000"}, Presence.ABSENT),
            ({"properties": None}, Presence.ABSENT),
            ({"properties": [5, {"key": "other"}, {"key": "esc.marker", "value": "x"}]}, Presence.ABSENT),
        ],
    )
    def test_only_our_own_fresh_marker_counts(
        self, site: JiraSite, wire: responses.RequestsMock, changes: dict[str, Any], presence: Presence
    ) -> None:
        wire.assert_all_requests_are_fired = False

        def marked(write: Any) -> dict[str, Any]:
            marker = [{"key": "esc.marker", "value": {"key": write.key}}]
            return posted(jsdPublic=True, properties=marker) | changes

        assert self.comment(site, wire, marked, public=True).presence is presence

    def test_a_note_is_found_by_its_reference_alone(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        wire.assert_all_requests_are_fired = False

        def referred(write: Any) -> dict[str, Any]:
            return posted(body=f"text\n\nRef {write.comment.ref}")

        assert self.comment(site, wire, referred, public=False).presence is Presence.FOUND

    def test_what_cannot_be_seen_proves_nothing(self, site: JiraSite, wire: responses.RequestsMock) -> None:
        wire.assert_all_requests_are_fired = False
        seen = observed(site, wire)
        (write,) = site.writer.split(change(seen, comments=(note(seen.ref, "x"),)))
        wire.get(f"{API}/issue/7/comment", status=404, json={"errorMessages": ["gone or hidden"]})
        assert site.reader.look_up(write, since=START).presence is Presence.UNPROVABLE

    def test_refused_credentials_of_the_writer_prove_nothing_about_a_ticket(
        self, clock: StoppedClock, wire: responses.RequestsMock
    ) -> None:
        site = site_on(clock, writer=Basic("us@acme.example", "ended"))
        wire.get(f"{API}/myself", json={"accountId": "us"})
        wire.get(f"{API}/field", json=[])
        site.reader.check()
        wire.assert_all_requests_are_fired = False
        seen = observed(site, wire)
        (write,) = site.writer.split(change(seen, comments=(note(seen.ref, "x"),)))
        wire.get(f"{API}/issue/7/comment", status=401, json={})
        with pytest.raises(Denied) as caught:
            site.reader.look_up(write, since=START)
        assert caught.value.about == "credentials"


class TestAccounts:
    @pytest.mark.parametrize("body", [{}, {"accountId": ""}])
    def test_nobody_is_denied(self, clock: StoppedClock, wire: responses.RequestsMock, body: Any) -> None:
        wire.get(f"{API}/myself", json=body)
        with pytest.raises(Denied):
            site_on(clock).reader.check()

    def test_a_login_page_is_unavailable(self, clock: StoppedClock, wire: responses.RequestsMock) -> None:
        wire.get(f"{API}/myself", body="<html>log in</html>", content_type="text/html")
        with pytest.raises(Unavailable):
            site_on(clock).reader.check()
