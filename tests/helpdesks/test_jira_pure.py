"""Jira's pure parts: issues, clocks, changelogs, requests and headers, without a socket."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.change import Field, Write
from connector.domain.events import Actor, EventKind, Role, TicketEvent
from connector.domain.site import Binding, BindingSource, FieldMap
from connector.domain.ticket import ClockName, LinkKind, NativeStage, Priority, Status, Ticket, TicketRef
from connector.errors import Malformed, Rejected, Throttled, Unavailable
from connector.helpdesks.jira import changelog, compare, facts, limits, pages, people, wire
from connector.helpdesks.jira.clocks import native_clock
from connector.helpdesks.jira.normalise import _links, observe, version_of
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import (
    ChangeHistory,
    Comment,
    Fields,
    Issue,
    IssueLink,
    LinkedIssue,
    LinkType,
    SlaValue,
)
from connector.helpdesks.transport import Reply
from tests.helpdesks.contract import note, wanted

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
STAMP = "2026-11-22T10:00:00.123+0100"


def custom(number: int, **values: str) -> Binding:
    return Binding(source=BindingSource.FIELD, id=f"customfield_{number}", values=values, writable=True)


NAMES = FieldMap(
    inputs={
        "impact": custom(1, Site="site", **{"10101": "user"}),
        "urgency": custom(2),
        "type": Binding(source=BindingSource.FIELD, id="type"),
        "tier": Binding(source=BindingSource.ORGANIZATION, id="name", values={"Acme": "gold", "7": "silver"}),
        "language": Binding(source=BindingSource.REQUESTER, id="timeZone"),
        "locale": custom(8),
    },
    level=custom(3),
    path=custom(4),
    group_field=custom(5),
    priorities={Priority.P1: "1", Priority.P2: "2", Priority.P3: "3", Priority.P4: "4"},
    statuses={"10": Status.WAITING_OUTSIDE, "Waiting": Status.WAITING_CUSTOMER},
    groups={"desk": "Service Desk"},
    people={"anna": "acc-anna"},
    links={"Duplicate": "merged_into"},
)
SHAPE = Shape(
    site="j",
    fields=NAMES,
    account="acc-us",
    readers=frozenset({"acc-reader"}),
    web_url="https://acme.example",
    clocks={"customfield_6": ClockName.RESOLUTION},
    organizations="customfield_7",
)


def issue(**fields: Any) -> Issue:
    values = {"created": STAMP, "updated": STAMP, "status": {"id": "3", "statusCategory": {"key": "new"}}} | fields
    return msgspec.json.decode(json.dumps({"id": "10001", "key": "SUP-1", "fields": values}), type=Issue, strict=False)


def read(**fields: Any) -> Ticket:
    return observe(issue(**fields), SHAPE, now=NOW).ticket


class TestNormalise:
    def test_nulls_everywhere_are_no_obstacle(self) -> None:
        names = {*Fields.__struct_fields__, *SHAPE.custom, *SHAPE.slas} - {"created", "updated"}
        ticket = read(**dict.fromkeys(names))
        assert (ticket.priority, ticket.group, ticket.assignee, ticket.labels) == (None, None, None, frozenset())
        assert (ticket.native, ticket.links, dict(ticket.facts), ticket.text) == ((), (), {}, None)

    def test_nulls_inside_are_no_obstacle(self) -> None:
        ticket = read(
            status={"id": None, "name": None, "statusCategory": None},
            priority={"id": None, "name": None},
            reporter={"accountId": None, "accountType": None},
            project={"id": None, "key": None},
            issuetype={"id": None, "name": None},
            issuelinks=[{"type": None, "inwardIssue": None}, {"type": {"name": None}, "inwardIssue": {"id": None}}],
            comment={"comments": None, "total": None},
            customfield_6={"name": None, "ongoingCycle": None, "completedCycles": None},
        )
        assert (ticket.status, ticket.priority, ticket.requester, ticket.native) == (Status.OPEN, None, None, ())

    def test_missing_keys_are_no_obstacle(self) -> None:
        assert read().key == "SUP-1"

    @pytest.mark.parametrize(
        "updated", ["", None, "today", "2026-11-22T10:00:00.000", 5, "2026-13-01T00:00:00.000+0000"]
    )
    def test_a_moment_that_cannot_be_read_is_malformed(self, updated: Any) -> None:
        with pytest.raises(Malformed):
            read(updated=updated)

    @pytest.mark.parametrize("fields", [{"labels": "x"}, {"customfield_3": "level two"}, {"status": 5}])
    def test_values_of_another_kind_are_malformed(self, fields: dict[str, Any]) -> None:
        with pytest.raises(Malformed):
            read(**fields)

    @pytest.mark.parametrize(
        "key", ["SUP-1\x00", "SUP-\ud83d", "sup 1", "SUP-", "-1", "SUP-\u0661", "SUP-1\n", "../SUP-1"]
    )
    def test_a_key_that_no_jira_gives_out_is_malformed(self, key: str) -> None:
        odd = msgspec.structs.replace(issue(), key=key)
        with pytest.raises(Malformed) as caught:
            observe(odd, SHAPE, now=NOW)
        assert key not in str(caught.value)

    @pytest.mark.parametrize(("security", "hidden"), [({"id": "10100", "name": "HR"}, True), ({}, True), (None, False)])
    def test_any_issue_security_makes_it_confidential(self, security: Any, hidden: bool) -> None:
        assert read(security=security).restricted is hidden

    @pytest.mark.parametrize("key", ["SUP-1", "A2_B-10001"])
    def test_keys_as_jira_gives_them_out(self, key: str) -> None:
        assert observe(msgspec.structs.replace(issue(), key=key), SHAPE, now=NOW)[0].key == key

    def test_depth_is_no_crash(self) -> None:
        deep: Any = "x"
        for _ in range(200):
            deep = {"type": "panel", "content": [deep]}
        assert read(summary="s", description=deep).text is not None

    @given(st.timedeltas(min_value=timedelta(hours=-14), max_value=timedelta(hours=14)))
    def test_the_version_does_not_depend_on_who_asks(self, offset: timedelta) -> None:
        minutes = int(offset.total_seconds() // 60)
        at = datetime(2026, 11, 22, 9, 0, 0, 123000, tzinfo=UTC) + timedelta(minutes=minutes)
        sign, rest = ("-" if minutes < 0 else "+"), abs(minutes)
        text = f"{at:%Y-%m-%dT%H:%M:%S}.123{sign}{rest // 60:02}{rest % 60:02}"
        assert read(updated=text).version == "2026-11-22T09:00:00.123+00:00"

    @pytest.mark.parametrize(
        ("status", "ours"),
        [
            ({"id": "10", "name": "x", "statusCategory": {"key": "done"}}, Status.WAITING_OUTSIDE),
            ({"id": "11", "name": "Waiting"}, Status.WAITING_CUSTOMER),
            ({"id": "11", "name": "New name", "statusCategory": {"key": "done"}}, Status.SOLVED),
            ({"id": "11", "name": "New name", "statusCategory": {"key": "indeterminate"}}, Status.OPEN),
            ({"id": "11", "name": "New name", "statusCategory": {"key": "undefined"}}, Status.OPEN),
            (None, Status.OPEN),
        ],
    )
    def test_statuses(self, status: Any, ours: Status) -> None:
        assert read(status=status).status is ours

    def test_names_are_bound_and_strangers_keep_their_id(self) -> None:
        ticket = read(
            assignee={"accountId": "acc-x"},
            customfield_5={"value": "Service Desk", "id": "1"},
            priority={"id": "9"},
            customfield_3=2.0,
            customfield_4={"value": "security"},
        )
        assert (ticket.assignee, ticket.group, ticket.priority) == ("id:acc-x", "desk", None)
        assert (ticket.level, ticket.path) == (2, "security")

    def test_facts(self) -> None:
        ticket = read(
            customfield_1={"value": "Only me", "id": "10101"},
            customfield_2=[{"value": "High"}, {"value": "Odd"}],
            issuetype={"name": "[System] Incident"},
            customfield_7=[{"id": "9", "name": "Unknown"}, {"id": "7", "name": "Renamed"}],
            customfield_8={"languageCode": "pt-BR", "displayName": "Português"},
        )
        assert ticket.facts == {
            "impact": "user",
            "urgency": frozenset({"high", "odd"}),
            "type": "[system] incident",
            "tier": "silver",
        }
        assert ticket.locale == "pt-BR"

    @pytest.mark.parametrize(
        ("value", "values", "fact"),
        [
            ({"value": "Wide"}, {}, "wide"),
            ({"value": "Wide"}, {"narrow": "n"}, None),
            ({"value": "WIDE"}, {"wide": "w"}, "w"),
            ({"requestType": {"id": "5", "name": "Security"}}, {}, "security"),
            ({"requestType": {"id": "5", "name": "Security"}}, {"5": "s"}, "s"),
            (3, {}, 3.0),
            (3.0, {"3": "three"}, "three"),
            (True, {}, True),
            (False, {"false": "no"}, "no"),
            ([], {}, None),
            ("", {}, None),
            ({}, {}, None),
            ([{"value": "a"}, None], {}, frozenset({"a"})),
        ],
    )
    def test_values_are_mapped(self, value: Any, values: dict[str, str], fact: Any) -> None:
        assert facts.fact(value, values) == fact

    def test_links(self) -> None:
        links = [{"type": {"name": "Duplicate"}, "outwardIssue": {"id": "5", "key": "SUP-5"}}, {"type": {"name": "x"}}]
        (link,) = read(issuelinks=links).links
        assert (link.kind, link.target) == (LinkKind.MERGED_INTO, "5")

    @pytest.mark.parametrize(
        ("name", "outward", "kind"),
        [
            ("Duplicate", True, LinkKind.MERGED_INTO),
            ("Duplicate", False, LinkKind.ABSORBED),
            ("Problem/Incident", False, LinkKind.PROBLEM),
            ("Problem/Incident", True, None),
            ("Relates", False, LinkKind.WORK),
            ("Relates", True, LinkKind.WORK),
        ],
    )
    def test_a_link_has_two_ends(self, name: str, outward: bool, kind: LinkKind | None) -> None:
        names = {"Duplicate": "merged_into", "Problem/Incident": "problem", "Relates": "work"}
        side = "outward_issue" if outward else "inward_issue"
        links = [IssueLink(type=LinkType(name=name), **{side: LinkedIssue(id="5", key="SUP-5")})]
        found = [link.kind for link in _links(links, FieldMap(links=names))]
        assert found == ([kind] if kind else [])

    def test_a_phrase_says_more_than_the_name_of_a_type(self) -> None:
        links = [IssueLink(type=LinkType(name="Big", outward="is led by"), outward_issue=LinkedIssue(id="5"))]
        (link,) = _links(links, FieldMap(links={"is led by": "problem", "Big": "work"}))
        assert (link.kind, link.target) == (LinkKind.PROBLEM, "5")


class Starved(Mapping[str, str | None]):
    """What people read; there is no memory to tell of anybody."""

    def __getitem__(self, _account: str) -> str | None:
        raise MemoryError

    def __iter__(self) -> Iterator[str]:
        raise MemoryError

    def __len__(self) -> int:
        raise MemoryError


class TestPages:
    def test_no_issue_is_to_blame_where_memory_runs_out(self) -> None:
        found = pages.Found(issues=[issue()])
        with pytest.raises(MemoryError):
            pages.observed(found, SHAPE, now=NOW, languages=Starved())

    def test_one_broken_issue_costs_no_other(self) -> None:
        good = json.loads(msgspec.json.encode(issue()))
        broken = [{"id": "8", "fields": {"created": "x"}}, {"id": 9, "properties": 5}, {"id": None}, {}]
        body = json.dumps({"issues": [good, *broken, {**good, "id": "10002"}], "nextPageToken": "t"}).encode()
        found = pages.found_in(body, what="search")
        observations, malformed = pages.observed(found, SHAPE, now=NOW)
        assert [o.ticket.ref.id for o in observations] == ["10001", "10002"]
        assert sorted(q.id for q in malformed) == ["", "", "8", "9"]
        assert all(len(q.digest) == 64 for q in malformed)
        assert found.token == "t"

    @pytest.mark.parametrize("body", [b"[]", b"5", b'{"issues": 5}', b"<html>", b"", b'{"issues":' + b"[" * 5000])
    def test_what_is_no_page_is_unavailable(self, body: bytes) -> None:
        with pytest.raises(Unavailable):
            pages.found_in(body, what="search")

    @pytest.mark.parametrize("token", [None, ""])
    def test_no_token_is_the_end(self, token: Any) -> None:
        assert pages.found_in(json.dumps({"issues": [], "nextPageToken": token}).encode(), what="s").token is None


def clock(**cycle: Any) -> Any:
    value = msgspec.json.decode(json.dumps({"name": "SLA", **cycle}), type=SlaValue, strict=False)
    return native_clock(value, ClockName.RESOLUTION, now=NOW)


BEFORE, AFTER = int(NOW.timestamp() * 1000) - 1000, int(NOW.timestamp() * 1000) + 60_000


class TestClocks:
    @pytest.mark.parametrize(
        ("cycle", "stage"),
        [
            ({"breachTime": {"epochMillis": AFTER}}, NativeStage.RUNNING),
            ({"withinCalendarHours": False, "breachTime": {"epochMillis": AFTER}}, NativeStage.RUNNING),
            ({"paused": True}, NativeStage.PAUSED),
            ({"paused": True, "breachTime": {"epochMillis": BEFORE}}, NativeStage.PAUSED),
            ({"breached": True, "paused": True}, NativeStage.BREACHED),
            ({"breached": False, "remainingTime": {"millis": -1}}, NativeStage.BREACHED),
            ({"breached": False, "breachTime": {"epochMillis": BEFORE}}, NativeStage.BREACHED),
            ({"breachTime": {}}, NativeStage.RUNNING),
            ({"breachTime": None, "paused": None, "breached": None}, NativeStage.RUNNING),
            ({}, NativeStage.RUNNING),
        ],
    )
    def test_what_an_ongoing_cycle_says(self, cycle: dict[str, Any], stage: NativeStage) -> None:
        assert clock(ongoingCycle=cycle).stage is stage

    def test_an_ongoing_cycle_goes_before_completed_ones(self) -> None:
        cycles = [{"breached": True}, {"breached": False}]
        assert clock(ongoingCycle={"paused": True}, completedCycles=cycles).stage is NativeStage.PAUSED
        assert clock(completedCycles=cycles).stage is NativeStage.MET
        assert clock(completedCycles=cycles[::-1]).stage is NativeStage.BREACHED
        assert clock() is None

    @pytest.mark.parametrize(
        "form",
        [
            {"epochMillis": 1782828000000},
            {"jira": "2026-06-30T11:00:00.000-0300", "friendly": "30/Jun/26"},
            {"iso8601": "2026-06-30T17:30:00+0330"},
        ],
    )
    def test_moments_in_every_form(self, form: dict[str, Any]) -> None:
        assert clock(ongoingCycle={"breachTime": form}).breach_at == datetime(2026, 6, 30, 14, tzinfo=UTC)

    def test_two_readings_of_the_same_are_the_same(self) -> None:
        first = clock(ongoingCycle={"elapsedTime": {"millis": 1}, "breachTime": {"epochMillis": AFTER}})
        assert first == clock(ongoingCycle={"elapsedTime": {"millis": 2}, "breachTime": {"epochMillis": AFTER}})


def said(**fields: Any) -> Comment:
    values = {"id": "1", "created": STAMP, "author": {"accountId": "acc-anna", "accountType": "atlassian"}} | fields
    return msgspec.json.decode(json.dumps(values), type=Comment, strict=False)


class TestPeople:
    @pytest.mark.parametrize(
        ("author", "role"),
        [
            ({"accountId": "acc-us", "accountType": "atlassian"}, Role.OURS),
            ({"accountId": "acc-reader", "accountType": "app"}, Role.OURS),
            ({"accountId": "a", "accountType": "app"}, Role.AUTOMATION),
            ({"accountId": "a", "accountType": "customer"}, Role.CUSTOMER),
            ({"accountId": "acc-boss", "accountType": "atlassian"}, Role.CUSTOMER),
            ({"accountId": "a", "accountType": "atlassian"}, Role.AGENT),
            ({"accountId": "a", "accountType": "unknown"}, Role.UNKNOWN),
            ({"accountId": "a"}, Role.UNKNOWN),
            ({"accountId": None}, Role.UNKNOWN),
            (None, Role.UNKNOWN),
        ],
    )
    def test_roles(self, author: Any, role: Role) -> None:
        (event,) = people.comment_events([said(author=author)], SHAPE, requester="acc-boss")
        assert event.actor.role is role

    @pytest.mark.parametrize(
        ("team", "public", "role"),
        [
            (frozenset({"acc-boss"}), False, Role.AGENT),
            (frozenset({"acc-boss"}), True, Role.CUSTOMER),
            (frozenset({"acc-anna"}), False, Role.CUSTOMER),
            (None, False, Role.CUSTOMER),
        ],
        ids=["inside", "in public", "not of the team", "the team is hidden"],
    )
    def test_an_agent_on_an_issue_of_their_own(self, team: frozenset[str] | None, public: bool, role: Role) -> None:
        """Inside they are at work on it and may command; in public they speak as the requester that they are."""
        body = {"type": "doc", "version": 1, "content": [{"type": "text", "text": "/esc hold 4h"}]}
        boss = {"accountId": "acc-boss", "accountType": "atlassian"}
        comment = said(author=boss, jsdPublic=public, body=body)
        found = list(people.comment_events([comment], replace(SHAPE, team=team), requester="acc-boss"))
        assert [e.actor.role for e in found if e.kind is EventKind.COMMENT] == [role]
        assert [e.after for e in found if e.kind is EventKind.COMMAND] == (
            ["/esc hold 4h"] if role is Role.AGENT else []
        )

    @pytest.mark.parametrize(
        ("fields", "public"),
        [
            ({"jsdPublic": True}, True),
            ({"jsdPublic": False}, False),
            ({}, True),
            ({"jsdPublic": True, "visibility": {"type": "role", "value": "Team"}}, False),
        ],
    )
    def test_who_can_read_a_comment(self, fields: dict[str, Any], public: bool) -> None:
        assert people.is_public(said(**fields)) is public


def history(*items: dict[str, Any], created: Any = 1795338000, **author: Any) -> ChangeHistory:
    raw = {"id": "5", "created": created, "items": list(items), "author": author or None}
    return msgspec.json.decode(json.dumps(raw), type=ChangeHistory, strict=False)


class TestChangelog:
    @pytest.mark.parametrize("relabelled", [False, True])
    @pytest.mark.parametrize(
        ("creator", "told"),
        [
            (Actor("acc-anna", Role.AGENT), ["esc-hold"]),
            (Actor("app", Role.AUTOMATION), ["esc-hold"]),
            (Actor("acc-boss", Role.CUSTOMER), []),
            (Actor("", Role.UNKNOWN), []),
        ],
    )
    def test_the_labels_of_a_new_issue_are_those_of_whoever_typed_it_in(
        self, creator: Actor, told: list[str], relabelled: bool
    ) -> None:
        change = {"fieldId": "labels", "fromString": "esc-hold", "toString": ""}
        ticket = read(labels=[] if relabelled else ["esc-hold"])
        changes = [history(change, accountId="acc-anna")] if relabelled else []
        events = changelog.history_events(ticket, changes, (), SHAPE, creator=creator)
        first = [e for e in events if e.kind is EventKind.LABELS and e.at == ticket.opened_at and e.after]
        assert [e.after for e in first] == told
        assert all(e.actor == creator for e in first)

    def test_changes_in_our_words(self) -> None:
        items = [
            {"fieldId": "status", "from": "3", "fromString": "Open", "to": "10", "toString": "Vendor"},
            {"fieldId": "priority", "from": "4", "to": "1"},
            {"fieldId": "assignee", "from": None, "to": "acc-anna"},
            {"fieldId": "labels", "fromString": "b a", "toString": "esc-hold b a"},
            {"fieldId": "customfield_5", "fromString": None, "toString": "Service Desk"},
            {"fieldId": "customfield_1", "fromString": "Site", "to": "10101", "toString": "Only me"},
            {"field": "Rank", "fieldId": None},
            {},
        ]
        ticket = read(created="2026-11-22T01:00:00.000+0000")
        events = changelog.history_events(ticket, [history(*items, accountId="acc-anna")], (), SHAPE)
        assert [(e.kind, e.name, e.before, e.after) for e in events] == [
            (EventKind.CREATED, "", None, "open"),
            (EventKind.STATUS, "", "open", "waiting_outside"),
            (EventKind.PRIORITY, "", "P4", "P1"),
            (EventKind.ASSIGNEE, "", None, "anna"),
            (EventKind.LABELS, "", "a b", "a b esc-hold"),
            (EventKind.GROUP, "", None, "desk"),
            (EventKind.FACT, "impact", "site", "user"),
        ]
        assert len({e.id for e in events}) == len(events)

    @pytest.mark.parametrize("created", [-6.776804060974081e16, 1e300, float("inf"), float("nan"), "soon"])
    def test_a_moment_that_is_none_makes_the_history_unreadable(self, created: Any) -> None:
        ticket = read(created="2026-11-22T01:00:00.000+0000")
        item = {"fieldId": "status", "from": "1", "to": "3"}
        with pytest.raises((ValueError, OverflowError)):
            changelog.history_events(ticket, [history(item, created=created)], (), SHAPE)

    @pytest.mark.parametrize("created", [1795338000, 1795338000000, "2026-11-22T11:00:00.000+0200", 1795338000.0])
    def test_moments(self, created: Any) -> None:
        ticket = read(created="2026-11-22T01:00:00.000+0000")
        raised = history({"fieldId": "priority", "to": "1"}, created=created)
        *_, event = changelog.history_events(ticket, [raised], (), SHAPE)
        assert event.at == datetime(2026, 11, 22, 9, tzinfo=UTC)

    def test_at_most_ten_fields_are_asked_for_and_the_weighty_ones_first(self) -> None:
        inputs = {f"input-{n}": custom(100 + n) for n in range(20)} | {"impact": custom(1), "urgency": custom(2)}
        asked = changelog.history_fields(FieldMap(inputs=inputs, group_field=custom(5)))
        assert len(asked) == 10
        assert asked[:7] == (
            "status",
            "priority",
            "assignee",
            "labels",
            "customfield_5",
            "customfield_1",
            "customfield_2",
        )

    @pytest.mark.parametrize(("seconds", "reaction"), [(-2, False), (-1, True), (0, True), (60, True), (61, False)])
    def test_what_counts_as_an_answer_to_us(self, seconds: int, reaction: bool) -> None:
        ours = TicketEvent(id="b", at=NOW, kind=EventKind.COMMENT, actor=Actor("acc-us", Role.OURS))
        rule = TicketEvent(
            id="a", at=NOW + timedelta(seconds=seconds), kind=EventKind.STATUS, actor=Actor("app", Role.AUTOMATION)
        )
        marked = {e.id: e for e in changelog.mark_reactions(sorted([ours, rule], key=lambda e: (e.at, e.id)))}
        assert marked["a"].reaction is reaction
        assert not marked["b"].reaction

    @pytest.mark.parametrize(("seconds", "reaction"), [(-5, True), (0, True), (1, False), (30, False), (31, True)])
    def test_an_answer_to_a_person_who_acted_since_is_none_to_us(self, seconds: int, reaction: bool) -> None:
        ours = TicketEvent(id="b", at=NOW, kind=EventKind.COMMENT, actor=Actor("acc-us", Role.OURS))
        person = replace(ours, id="c", at=NOW + timedelta(seconds=seconds), actor=Actor("acc-daan", Role.AGENT))
        rule = replace(
            ours, id="a", at=NOW + timedelta(seconds=30), kind=EventKind.STATUS, actor=Actor("app", Role.AUTOMATION)
        )
        marked = {e.id: e for e in changelog.mark_reactions(sorted([ours, person, rule], key=lambda e: (e.at, e.id)))}
        assert marked["a"].reaction is reaction


def write(*fields: Any, **more: Any) -> Write:
    return Write(ref=TicketRef("j", "10001"), key="k" * 64, seen="v", fields=fields, **more)


class TestRequests:
    def test_one_edit_holds_everything_and_its_marker(self) -> None:
        changes = (wanted(Field.PRIORITY, "P1"), wanted(Field.LEVEL, "2"), wanted(Field.LABELS, "b a"))
        request = wire.edit("10001", changes, NAMES, marker={"key": "k"}, quiet=True)
        assert request.body == {
            "fields": {"priority": {"id": "1"}, "customfield_3": 2.0},
            "update": {"labels": [{"add": "a"}, {"add": "b"}]},
            "properties": [{"key": "esc.marker", "value": {"key": "k"}}],
        }
        assert dict(request.params) == {"returnIssue": "true", "notifyUsers": "false", "expand": "changelog"}

    @pytest.mark.parametrize(
        "change",
        [wanted(Field.GROUP, "nobody"), wanted(Field.ASSIGNEE, "nobody"), wanted(Field.NEXT_DUE, "x")],
    )
    def test_what_is_not_bound_is_rejected_and_nothing_is_cleared(self, change: Any) -> None:
        with pytest.raises(Rejected) as caught:
            wire.edit("1", (change,), NAMES, marker={}, quiet=False)
        assert caught.value.fields == (str(change.field),)

    def test_a_moment_goes_as_jira_reads_it_and_one_that_is_cleared_as_nothing(self) -> None:
        names = replace(NAMES, next_due=Binding(source=BindingSource.FIELD, id="customfield_9", writable=True))
        change = wanted(Field.NEXT_DUE, "2026-11-22T02:05+00:00")
        for due, sent in ((change, "2026-11-22T02:05:00.000+0000"), (replace(change, after=None), None)):
            body = wire.edit("1", (due,), names, marker={}, quiet=False).body
            assert body["fields"] == {"customfield_9": sent}
            assert wire.refused(("customfield_9",), (due,), names) == ("next_due",)

    def test_refused_fields_are_named_in_our_words(self) -> None:
        changes = (wanted(Field.LEVEL, "2"), wanted(Field.PRIORITY, "P1"))
        assert wire.refused(("customfield_3", "customfield_99"), changes, NAMES) == ("level", "customfield_99")

    def test_ids_and_names_cannot_leave_their_place(self) -> None:
        assert wire.issue("1/../2?x", ()).path.count("/") == wire.issue("1", ()).path.count("/")
        assert "?" not in wire.issue("1?x", ()).path
        assert wire.open_jql(['S" OR project = "X']).startswith('project in ("S\\" OR project = \\"X") AND ')


class TestVersions:
    def test_one_is_told_alone_and_is_empty_where_it_cannot_be_read(self) -> None:
        assert version_of(issue(), SHAPE) == read().version
        assert [version_of(issue(updated=bad), SHAPE) for bad in (None, "yesterday", {})] == [""] * 3


class TestCompare:
    def test_a_comment_depends_on_what_people_set(self) -> None:
        seen, live = read(priority={"id": "4"}), read(priority={"id": "3"}, customfield_3=4)
        comment = note(seen.ref, "x")
        assert compare.changed_since(seen, live, write(comment=comment)) == "priority"
        assert compare.changed_since(seen, live, write(wanted(Field.PRIORITY, "P1"))) == "priority"
        assert compare.changed_since(seen, live, write(wanted(Field.PATH, "x"))) == ""
        assert compare.changed_since(seen, live, write(wanted(Field.LABELS, "x"))) == ""
        assert compare.changed_since(seen, live, write(wanted(Field.NEXT_DUE, "x"))) == ""

    def test_a_step_up_the_path_depends_on_who_took_the_ticket_since(self) -> None:
        step = write(wanted(Field.LEVEL, "2"))
        assert compare.changed_since(read(), read(assignee={"accountId": "acc-anna"}), step) == "assignee"
        assert compare.changed_since(read(), read(customfield_3=4), step) == "level"
        assert compare.changed_since(read(), read(labels=["x"]), step) == ""

    @pytest.mark.parametrize(
        ("author", "spoke"),
        [("acc-us", False), ("acc-reader", False), ("acc-anna", True)],
    )
    def test_who_spoke(self, author: str, spoke: bool) -> None:
        comment = said(author={"accountId": author, "accountType": "atlassian"})
        at = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)
        assert compare.somebody_spoke([comment], since=at, ours=SHAPE.ours) is spoke
        assert not compare.somebody_spoke([comment], since=at + timedelta(seconds=1), ours=SHAPE.ours)


def endpoint(name: str) -> Any:
    return next(e for e in limits.ENDPOINTS if e.name == name)


class TestLimits:
    @pytest.mark.parametrize(
        ("name", "count", "read"),
        [
            ("search", 100, True),
            ("search", 350, True),
            ("search", 65_000, False),  # the hourly quota of points
            ("edit", 20, False),  # an issue's own bucket
            ("edit", 50, True),
        ],
    )
    def test_only_the_burst_limit_is_taken_from_headers(self, name: str, count: int, read: bool) -> None:
        headers = {"x-ratelimit-limit": str(count), "x-ratelimit-remaining": "7"}
        assert [(r.count, r.left) for r in limits.readings(endpoint(name), headers)] == ([(count, 7)] if read else [])

    @pytest.mark.parametrize("headers", [{}, {"x-ratelimit-limit": "x"}, {"x-ratelimit-limit": "100"}])
    def test_headers_that_say_nothing(self, headers: dict[str, str]) -> None:
        assert list(limits.readings(endpoint("search"), headers)) == []

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            (b'{"errorMessages":[],"errors":{"customfield_3":"secret text"}}', ("customfield_3",)),
            (b'{"errorMessage":"x","i18nErrorMessage":{}}', ()),
            (b'{"errors":["x"]}', ()),
            (b"<html>", ()),
            (b"", ()),
        ],
    )
    def test_refused_fields_are_named_and_their_text_is_not(self, body: bytes, fields: tuple[str, ...]) -> None:
        error = limits.judge(Reply(status=400, headers={}, body=body, at=NOW), Rejected("edit: rejected"))
        assert isinstance(error, Rejected)
        assert error.fields == fields
        assert "secret" not in str(error)

    def test_other_errors_stay_as_they_are(self) -> None:
        error = Throttled("x", retry_after=timedelta(seconds=1))
        assert limits.judge(Reply(status=429, headers={}, body=b"{}", at=NOW), error) is error

    @pytest.mark.parametrize(
        ("method", "path", "name", "ticket"),
        [
            ("PUT", "/rest/api/3/issue/10001", "edit", "10001"),
            ("POST", "/rest/api/3/issue/10001/comment", "comment", "10001"),
            ("POST", "/rest/servicedeskapi/request/10001/comment", "note", "10001"),
            ("POST", "/rest/api/3/issue/bulkfetch", "bulkfetch", ""),
            ("GET", "/rest/api/3/issue/10001/comment", "comments", ""),
            ("GET", "/rest/api/3/issue/10001/comment/5", "comment.read", ""),
            ("GET", "/rest/api/3/issue/10001", "issue", ""),
            ("GET", "/rest/api/3/user", "users", ""),
        ],
    )
    def test_endpoints(self, method: str, path: str, name: str, ticket: str) -> None:
        found, of_ticket = limits.DIALECT.find(method, path)
        assert (found.name, of_ticket) == (name, ticket)
