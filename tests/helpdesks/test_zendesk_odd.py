"""Answers that the sandbox does not give, each stated by hand."""

from __future__ import annotations

import dataclasses
import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import responses
from responses import matchers

from connector.domain.change import Field
from connector.domain.marks import had_effects
from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.site import Effect, FieldMap
from connector.domain.situation import Reach
from connector.domain.ticket import Ticket
from connector.errors import Denied, Malformed, Mute, NotSent, Unavailable, Unknown
from connector.helpdesks.transport import Bearer, Surroundings
from connector.helpdesks.zendesk import shapes
from connector.helpdesks.zendesk.adapter import ZendeskOptions, ZendeskSite, open_site
from connector.helpdesks.zendesk.directory import MOST_ALONE
from connector.helpdesks.zendesk.marks import marks
from connector.helpdesks.zendesk.normalise import decoded
from connector.helpdesks.zendesk.wire import Position, metadata
from connector.ports import Failure, Presence
from tests.helpdesks.contract import carry_out, change, note, wanted
from tests.helpdesks.stopped_clock import StoppedClock

BASE = "https://acme.zendesk.com"
API = f"{BASE}/api/v2"
STAMP = "2026-11-22T08:00:00Z"
AT = datetime(2026, 11, 22, 8, tzinfo=UTC)


ME = {"user": {"id": 901, "role": "agent"}}


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def site(clock: StoppedClock) -> ZendeskSite:
    options = ZendeskOptions(site="z", base_url=BASE, reader=Bearer("reader-token"), fields=FieldMap())
    return open_site(options, Surroundings(clock=clock, rng=random.Random(1)))


@pytest.fixture
def mapped(clock: StoppedClock) -> ZendeskSite:
    """A site whose map binds a group."""
    fields = FieldMap(groups={"line": "31"})
    options = ZendeskOptions(site="z", base_url=BASE, reader=Bearer("reader-token"), fields=fields)
    return open_site(options, Surroundings(clock=clock, rng=random.Random(1)))


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def ticket(**changes: Any) -> dict[str, Any]:
    return {"id": 7, "created_at": STAMP, "updated_at": STAMP, "status": "open", "slas": {}} | changes


def observed(site: ZendeskSite, wire: responses.RequestsMock) -> Ticket:
    wire.get(f"{API}/tickets/show_many.json", json={"tickets": [ticket()]})
    (found,) = site.reader.get(["7"]).observations
    return found.ticket


def reply(key: str | None, *comments: dict[str, Any]) -> dict[str, Any]:
    metadata = {"custom": {"esc": {"key": key}} if key else {}, "system": {}}
    audit = {"id": 1, "created_at": STAMP, "author_id": 900, "events": list(comments), "metadata": metadata}
    return {"ticket": ticket(updated_at="2026-11-22T09:00:00Z"), "audit": audit}


def said(*, public: bool) -> dict[str, Any]:
    return {"id": 55, "type": "Comment", "public": public, "body": "x"}


class TestNotes:
    @pytest.mark.parametrize("answer", ["", " ", '""', '"ok"', "null", "{}"])
    def test_one_that_came_out_public_is_hidden_and_stops_the_site(
        self, site: ZendeskSite, wire: responses.RequestsMock, answer: str
    ) -> None:
        """Zendesk's own document has a text for an answer, others met none at all: the status says it."""
        seen = observed(site, wire)
        comment = note(seen.ref, "internal")
        wire.put(f"{API}/tickets/7.json", json=reply(comment.key, said(public=True)))
        place = f"{API}/tickets/7/comments/55/make_private.json"
        hidden = wire.put(place, body=answer, content_type="application/json")
        with pytest.raises(Denied, match="was made private"):
            carry_out(site, change(seen, comments=(comment,)), seen)  # type: ignore[arg-type]
        assert hidden.call_count == 1

    @pytest.mark.parametrize(
        "answer",
        [
            {"status": 403, "json": {"error": "Forbidden"}},
            {"body": "<html>sign in</html>", "content_type": "text/html"},
            {"body": "<html>sign in</html>", "content_type": "application/json"},
            {"body": "ok", "content_type": "text/plain"},
        ],
        ids=["forbidden", "a page", "a page that claims to be JSON", "plain text"],
    )
    def test_one_that_cannot_be_hidden_says_so(
        self, site: ZendeskSite, wire: responses.RequestsMock, answer: dict[str, Any]
    ) -> None:
        seen = observed(site, wire)
        comment = note(seen.ref, "internal")
        wire.put(f"{API}/tickets/7.json", json=reply(comment.key, said(public=True)))
        wire.put(f"{API}/tickets/7/comments/55/make_private.json", **answer)
        with pytest.raises(Denied, match="NOT"):
            carry_out(site, change(seen, comments=(comment,)), seen)  # type: ignore[arg-type]

    def test_a_public_comment_that_came_out_private_is_denied(
        self, site: ZendeskSite, wire: responses.RequestsMock
    ) -> None:
        seen = observed(site, wire)
        comment = note(seen.ref, "for the customer", public=True)
        wire.put(f"{API}/tickets/7.json", json=reply(comment.key, said(public=False)))
        with pytest.raises(Mute, match="private"):
            carry_out(site, change(seen, comments=(comment,)), seen)  # type: ignore[arg-type]

    @pytest.mark.parametrize(("came_out", "refs"), [(True, 2), (False, 0)], ids=["public", "private"])
    def test_a_public_comment_that_came_out_private_was_not_said_to_the_customer(
        self, site: ZendeskSite, wire: responses.RequestsMock, came_out: bool, refs: int
    ) -> None:
        """A lost state reads it back: what stands there privately would pass for said, and never be said again."""
        seen = observed(site, wire)
        comment = dataclasses.replace(note(seen.ref, "for the customer", public=True), also=("0123456789",))
        memory = '{"p":"default","l":1,"d":"notes public"}'
        (write,) = site.writer.split(change(seen, comments=(comment,)))
        sent = metadata(dataclasses.replace(write, riders={"memory": memory}))
        audit = reply(write.key, said(public=came_out))["audit"] | {"metadata": {"custom": {"esc": sent}}}
        (mark,) = marks([msgspec.convert(audit, shapes.Audit)], {"900"})
        assert (len(mark.refs), mark.public) == (refs, True if came_out else None)
        later = {"id": 2, "created_at": STAMP, "events": [{"type": "CommentPrivacyChange", "comment_id": 55}]}
        (hidden, *_) = marks([msgspec.convert(each, shapes.Audit) for each in (audit, later)], {"900"})
        assert len(hidden.refs) == 2, "what was public once was said, whoever has hidden it since"
        assert had_effects(mark.memory) == {Effect.NOTES, Effect.PUBLIC} - (set() if came_out else {Effect.PUBLIC})

    @pytest.mark.parametrize("kept", [True, "true", "1", 1, ["x"]], ids=repr)
    def test_how_hidden_metadata_is_kept_costs_nobody_a_history(self, kept: object) -> None:
        """Metadata is anybody's to send, and no promise says that what we send comes back as it was."""
        marker = {"key": "k" * 64, "public": kept}
        audit = reply("k" * 64, said(public=False))["audit"] | {"metadata": {"custom": {"esc": marker}}}
        page = decoded(json.dumps({"audits": [audit]}).encode(), shapes.AuditPage, what="audits")
        (mark,) = marks(page.audits, {"900"})
        assert (mark.refs, mark.public) == (frozenset(), None)

    @pytest.mark.parametrize(
        "body",
        [
            reply(None, said(public=False)),
            reply("another", said(public=False)),
            {"ticket": ticket(), "audit": None},
            {"ticket": ticket()},
            {"ticket": None},
            {"job_status": {}},
            [],
        ],
    )
    def test_an_answer_without_proof_is_unknown(
        self, site: ZendeskSite, wire: responses.RequestsMock, body: Any
    ) -> None:
        seen = observed(site, wire)
        wire.put(f"{API}/tickets/7.json", json=body)
        with pytest.raises(Unknown):
            carry_out(site, change(seen, comments=(note(seen.ref, "x"),)), seen)  # type: ignore[arg-type]

    def test_a_marker_without_its_comment_is_unknown(self, site: ZendeskSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        comment = note(seen.ref, "x")
        wire.put(f"{API}/tickets/7.json", json=reply(comment.key))
        with pytest.raises(Unknown):
            carry_out(site, change(seen, comments=(comment,)), seen)  # type: ignore[arg-type]

    def test_a_wake_before_sending_means_not_sent(
        self, site: ZendeskSite, wire: responses.RequestsMock, clock: StoppedClock
    ) -> None:
        wire.get(f"{API}/tickets/show_many.json", json={"tickets": [ticket(updated_at="2026-11-22T09:00:00Z")]})
        (found,) = site.reader.get(["7"]).observations
        clock.wake()
        with pytest.raises(NotSent):
            carry_out(site, change(found.ticket, wanted(Field.PRIORITY, "P1")), found.ticket)  # type: ignore[arg-type]


class TestPaging:
    def test_a_cursor_that_stands_still_ends_the_read(self, site: ZendeskSite, wire: responses.RequestsMock) -> None:
        stuck = {"tickets": [ticket()], "after_cursor": "same", "end_of_stream": False}
        wire.get(f"{API}/incremental/tickets/cursor.json", json=stuck)
        pages = site.reader.changes(Position(0, "same").text())
        assert [o.ticket.ref.id for o in next(pages).observations] == ["7"]
        with pytest.raises(Unavailable, match="cursor"):
            next(pages)

    def test_no_url_of_an_answer_is_followed(self, site: ZendeskSite, wire: responses.RequestsMock) -> None:
        wire.get(f"{API}/users/me.json", json=ME)
        evil = "https://evil.example/api/v2/tickets/7/audits.json?page=2"
        audit = {"id": 1, "created_at": STAMP, "author_id": 900, "events": []}
        first = wire.get(
            f"{API}/tickets/7/audits.json",
            json={"audits": [audit], "next_page": evil},
            match=[matchers.query_param_matcher({"page[size]": "100"})],
        )
        second = wire.get(
            f"{API}/tickets/7/audits.json",
            json={"audits": [{**audit, "id": 2}], "next_page": None},
            match=[matchers.query_param_matcher({"page": "2"})],
        )
        wire.get(f"{API}/users/show_many.json", json={"users": [{"id": 900, "role": "agent"}]})
        (history,) = site.reader.history(["7"])
        assert (first.call_count, second.call_count) == (1, 1)
        assert history.events

    @pytest.mark.parametrize(("probe", "count"), [(False, 5), (True, 1)])
    def test_a_history_that_failed_before_is_asked_for_once(
        self, site: ZendeskSite, wire: responses.RequestsMock, *, probe: bool, count: int
    ) -> None:
        wire.get(f"{API}/users/me.json", json=ME)
        asked = wire.get(f"{API}/tickets/7/audits.json", status=503)
        with pytest.raises(Unavailable):
            list(site.reader.history(["7"], probe=probe))
        assert asked.call_count == count

    def test_endless_audits_are_given_up(self, site: ZendeskSite, wire: responses.RequestsMock) -> None:
        audit = {"id": 1, "created_at": STAMP, "author_id": 900, "events": []}
        wire.get(f"{API}/users/me.json", json=ME)
        more = {"audits": [audit], "meta": {"has_more": True, "after_cursor": "again"}}
        wire.get(f"{API}/tickets/7/audits.json", json=more)
        (history,) = site.reader.history(["7"])
        assert (history.events, "60 pages" in history.unreadable) == ((), True)

    def test_a_search_without_slas_is_completed(self, site: ZendeskSite, wire: responses.RequestsMock) -> None:
        bare = ticket(status="open")
        del bare["slas"]
        wire.get(f"{API}/search/export.json", json={"results": [bare], "meta": {"has_more": False}})
        shown = wire.get(f"{API}/tickets/show_many.json", json={"tickets": [ticket(status="pending")]})
        (page,) = site.reader.load_open(cursor="c")
        assert shown.call_count == 1
        assert str(page.observations[0].ticket.status) == "waiting_customer"

    def test_an_unreadable_page_ends_the_read(self, site: ZendeskSite, wire: responses.RequestsMock) -> None:
        wire.get(f"{API}/incremental/tickets/cursor.json", json={"tickets": "none"})
        with pytest.raises(Malformed):
            next(site.reader.changes(Position(0, "c").text()))


class TestAccounts:
    @pytest.mark.parametrize("user", [{"id": None, "name": "Anonymous user"}, None])
    def test_nobody_is_denied(self, site: ZendeskSite, wire: responses.RequestsMock, user: Any) -> None:
        wire.get(f"{API}/users/me.json", json={"user": user})
        with pytest.raises(Denied):
            site.reader.check()

    def test_one_credential_serves_for_both(self, site: ZendeskSite, wire: responses.RequestsMock) -> None:
        asked = wire.get(f"{API}/users/me.json", json={"user": {"id": 900, "role": "admin"}})
        site.reader.check()
        assert (site.reader.account, asked.call_count, site.reader.requests_made()) == ("900", 1, 1)


class TestDirectory:
    """One of a group's two members is missing where many are asked for."""

    def reach(self, site: ZendeskSite, wire: responses.RequestsMock, **alone: Any) -> Reach:
        members = [{"id": n, "user_id": n, "group_id": 31} for n in (1, 2)]
        agent = {"role": "agent", "active": True, "suspended": False, "role_type": None}
        wire.get(f"{API}/groups.json", json={"groups": [{"id": 31, "name": "line", "deleted": False}]})
        wire.get(f"{API}/group_memberships.json", json={"group_memberships": members})
        wire.get(f"{API}/users/show_many.json", json={"users": [agent | {"id": 1}]})
        wire.get(f"{API}/users/2.json", **{"json": {"user": agent | {"id": 2}}, **alone})
        return site.directory.reach(LevelTarget(TargetKind.GROUP, "line"), at=AT)

    def test_it_is_asked_for_alone(self, mapped: ZendeskSite, wire: responses.RequestsMock) -> None:
        found = self.reach(mapped, wire)
        assert {"1", "2"} <= found.member_ids
        assert not found.refused

    @pytest.mark.parametrize("status", [403, 422])
    def test_refused_is_not_gone(self, mapped: ZendeskSite, wire: responses.RequestsMock, status: int) -> None:
        found = self.reach(mapped, wire, status=status, json={"error": "no"})
        assert {"1", "2"} <= found.member_ids
        assert f"status {status}" in found.refused
        assert (found.known, found.untold) == (1, 1)

    def test_where_memory_runs_out_nobody_is_at_fault(self, mapped: ZendeskSite, wire: responses.RequestsMock) -> None:
        wire.get(f"{API}/groups.json", body=MemoryError())
        with pytest.raises(MemoryError):
            mapped.directory.reach(LevelTarget(TargetKind.GROUP, "line"), at=AT)

    def test_gone_is_gone(self, mapped: ZendeskSite, wire: responses.RequestsMock) -> None:
        found = self.reach(mapped, wire, status=404, json={"error": "RecordNotFound"})
        assert "2" not in found.member_ids
        assert not found.refused

    @pytest.mark.parametrize("status", [403, 422])
    def test_where_it_is_refused_it_is_asked_once_a_pass(
        self, mapped: ZendeskSite, wire: responses.RequestsMock, status: int
    ) -> None:
        asked = wire.get(f"{API}/groups.json", status=status, json={"error": "no"})
        target = LevelTarget(TargetKind.GROUP, "line")
        found = [mapped.directory.reach(target, at=AT) for _ in range(5)]
        assert all(f"status {status}" in each.refused for each in found)
        assert asked.call_count == 1
        mapped.directory.reach(target, at=AT + timedelta(minutes=1))
        assert asked.call_count == 2, "and again with the next one"

    def test_many_that_are_not_shown_are_not_each_asked_for(
        self, mapped: ZendeskSite, wire: responses.RequestsMock
    ) -> None:
        members = [{"id": n, "user_id": n, "group_id": 31} for n in range(1, 91)]
        wire.get(f"{API}/groups.json", json={"groups": [{"id": 31, "name": "line", "deleted": False}]})
        wire.get(f"{API}/group_memberships.json", json={"group_memberships": members})
        wire.get(f"{API}/users/show_many.json", json={"users": []})
        asked = wire.get(re.compile(rf"{API}/users/\d+\.json"), status=404, json={"error": "RecordNotFound"})
        found = mapped.directory.reach(LevelTarget(TargetKind.GROUP, "line"), at=AT)
        assert asked.call_count == MOST_ALONE
        assert "does not tell" in found.refused
        assert found.reachable


class TestJobs:
    @pytest.mark.parametrize(
        ("result", "failure"),
        [
            ({"id": 7, "success": True, "status": "Updated", "action": "update"}, None),
            ({"id": 7, "status": "Updated"}, None),
            ({"id": 7, "success": False, "error": "UpdateConflict"}, Failure.CONFLICT),
            (
                {"id": 7, "success": False, "error": "x", "details": "Safe Update prevented by conflict"},
                Failure.CONFLICT,
            ),
            ({"id": 7, "success": False, "error": "TicketUpdateFailed", "details": {"a": 1}}, Failure.REJECTED),
            ({"id": 7, "success": False}, Failure.REJECTED),
            ({"id": 8, "success": True}, Failure.UNKNOWN),
            ({"index": 0}, Failure.UNKNOWN),
        ],
    )
    def test_results_by_ticket(
        self, site: ZendeskSite, wire: responses.RequestsMock, result: dict[str, Any], failure: Failure | None
    ) -> None:
        seen = observed(site, wire)
        (write,) = site.writer.split(change(seen, wanted(Field.PRIORITY, "P1")))
        wire.put(f"{API}/tickets/update_many.json", json={"job_status": {"id": "j", "status": "queued"}})
        done = {"id": "j", "status": "completed", "results": [result]}
        wire.get(f"{API}/job_statuses/show_many.json", json={"job_statuses": [done]})
        (answer,) = site.writer.collect([site.writer.submit([(write, seen)])])["j"] or ()
        assert (answer.key, answer.failure, answer.receipt is None) == (write.key, failure, failure is not None)

    @pytest.mark.parametrize("status", ["failed", "killed", "completed", "something new"])
    def test_an_ended_job_without_results_is_unknown(
        self, site: ZendeskSite, wire: responses.RequestsMock, status: str
    ) -> None:
        seen = observed(site, wire)
        (write,) = site.writer.split(change(seen, wanted(Field.PRIORITY, "P1")))
        wire.put(f"{API}/tickets/update_many.json", json={"job_status": {"id": "j"}})
        wire.get(
            f"{API}/job_statuses/show_many.json",
            json={"job_statuses": [{"id": "j", "status": status, "results": None}]},
        )
        (answer,) = site.writer.collect([site.writer.submit([(write, seen)])])["j"] or ()
        assert answer.failure is Failure.UNKNOWN

    def test_a_job_without_an_id_is_unknown(self, site: ZendeskSite, wire: responses.RequestsMock) -> None:
        seen = observed(site, wire)
        (write,) = site.writer.split(change(seen, wanted(Field.PRIORITY, "P1")))
        wire.put(f"{API}/tickets/update_many.json", json={"job_status": {}})
        with pytest.raises(Unknown):
            site.writer.submit([(write, seen)])


def test_an_audit_of_another_account_proves_nothing(site: ZendeskSite, wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/users/me.json", json={"user": {"id": 900, "role": "admin"}})
    site.reader.check()
    seen = observed(site, wire)
    (write,) = site.writer.split(change(seen, comments=(note(seen.ref, "x"),)))
    forged = reply(write.key, said(public=False))["audit"] | {"author_id": 12}
    wire.get(f"{API}/tickets/7/audits.json", json={"audits": [forged]})
    assert site.reader.look_up(write, since=seen.updated_at).presence is Presence.ABSENT


def test_an_old_audit_of_ours_proves_nothing(site: ZendeskSite, wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/users/me.json", json={"user": {"id": 900, "role": "admin"}})
    site.reader.check()
    seen = observed(site, wire)
    (write,) = site.writer.split(change(seen, comments=(note(seen.ref, "x"),)))
    old = reply(write.key, said(public=False))["audit"] | {"created_at": "2026-11-22T07:59:59Z"}
    wire.get(f"{API}/tickets/7/audits.json", body=json.dumps({"audits": [old]}), content_type="application/json")
    assert site.reader.look_up(write, since=seen.updated_at).presence is Presence.ABSENT


def test_what_cannot_be_read_is_not_gone(site: ZendeskSite, wire: responses.RequestsMock) -> None:
    found = [ticket(id=7), ticket(id=8, created_at="long ago")]
    wire.get(f"{API}/tickets/show_many.json", json={"tickets": found})
    page = site.reader.get(["7", "8", "9"])
    assert [o.ticket.ref.id for o in page.observations] == ["7"]
    assert [q.id for q in page.malformed] == ["8"]
    assert page.gone == ("9",)


def test_while_something_nameless_cannot_be_read_nothing_is_gone(
    site: ZendeskSite, wire: responses.RequestsMock
) -> None:
    wire.get(f"{API}/tickets/show_many.json", json={"tickets": [ticket(id=7), {"id": "?", "status": 1}]})
    page = site.reader.get(["7", "9"])
    assert [q.id for q in page.malformed] == [""]
    assert page.gone == ()


def test_refused_credentials_prove_nothing_about_a_ticket(site: ZendeskSite, wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/users/me.json", json=ME)
    seen = observed(site, wire)
    (write,) = site.writer.split(change(seen, comments=(note(seen.ref, "x"),)))
    wire.get(f"{API}/tickets/7/audits.json", status=401, json={"error": "invalid_token"})
    with pytest.raises(Denied) as caught:
        site.reader.look_up(write, since=seen.updated_at)
    assert caught.value.about == "credentials"


def test_a_refusal_of_one_tickets_audits_leaves_its_write_unproved(
    site: ZendeskSite, wire: responses.RequestsMock
) -> None:
    wire.get(f"{API}/users/me.json", json=ME)
    seen = observed(site, wire)
    (write,) = site.writer.split(change(seen, comments=(note(seen.ref, "x"),)))
    wire.get(f"{API}/tickets/7/audits.json", status=403, json={"error": "Forbidden"})
    assert site.reader.look_up(write, since=seen.updated_at).presence is Presence.UNPROVABLE
