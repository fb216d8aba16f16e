"""What real Jira sites answered, read without an unhandled case."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connector.domain.events import EventKind, Role
from connector.domain.site import FieldMap
from connector.domain.ticket import ClockName, NativeStage, Status
from connector.helpdesks.jira import account, changelog, pages, people
from connector.helpdesks.jira.clocks import native_clock
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import ChangeHistory, Comment, CommentPage, FieldInfo, SlaValue

READ_AT = datetime(2026, 11, 22, tzinfo=UTC)
SHAPE = Shape(site="j", fields=FieldMap(), account="us", web_url="https://acme.example")


def load(shared: Path, name: str) -> Any:
    return json.loads((shared / "data/api/jira" / name).read_text())


def observed(issues: list[Any]) -> Any:
    found = pages.found_in(json.dumps({"issues": issues}).encode(), what="recorded")
    return pages.observed(found, SHAPE, now=READ_AT)


def test_cloud_issues_are_read(shared: Path) -> None:
    issues = load(shared, "airbyte_jira_issues.json")["issues"]
    observations, malformed = observed(issues)
    assert (len(observations), malformed) == (len(issues), ())
    tickets = [o.ticket for o in observations]
    assert all(t.text is not None and t.scope and t.key for t in tickets)
    assert all(t.version.endswith("+00:00") for t in tickets)


def test_issues_with_changelogs_are_read(shared: Path) -> None:
    issues = load(shared, "faros_source_issues.json")
    observations, malformed = observed(issues)
    assert len(observations) + len(malformed) == len(issues)
    assert observations
    by_id = {o.ticket.ref.id: o.ticket for o in observations}
    read = 0
    for issue in issues:
        if issue["id"] in by_id:
            histories = msgspec.convert(issue["changelog"]["histories"], list[ChangeHistory], strict=False)
            events = changelog.history_events(by_id[issue["id"]], histories, (), SHAPE)
            assert events[0].kind is EventKind.CREATED
            read += len(events)
    assert read > len(observations)


def test_data_centers_issues_are_read_or_quarantined(shared: Path) -> None:
    """Another generation of the API: accounts have names instead of ids, text is no document."""
    issues = [row["data"] for row in load(shared, "grimoire_elk_jira_new.json")]
    observations, malformed = observed(issues)
    assert (len(observations), malformed) == (len(issues), ())
    assert all(o.ticket.requester is None for o in observations)


def test_comments_are_read(shared: Path) -> None:
    raw = json.dumps(load(shared, "airbyte_jira_issue_comments.json")).encode()
    page = pages.decoded(raw, CommentPage, what="comments")
    assert page.comments
    events = list(people.comment_events(page.comments, SHAPE, requester=None))
    assert {e.actor.role for e in events} == {Role.AGENT}


def test_fields_are_read(shared: Path) -> None:
    raw = json.dumps(load(shared, "airbyte_jira_issue_fields.json")).encode()
    fields = pages.decoded(raw, list[FieldInfo], what="fields")
    assert account._clocks(fields, {}) == {}


def test_statuses_of_unknown_categories_are_open(shared: Path) -> None:
    from connector.helpdesks.jira.normalise import status_of  # noqa: PLC0415
    from connector.helpdesks.jira.structs import StatusValue  # noqa: PLC0415

    for transition in load(shared, "gojira_transitions.json")["transitions"]:
        value = msgspec.convert(transition["to"], StatusValue, strict=False)
        assert status_of(value, FieldMap()) is Status.OPEN


def sla(raw: Any) -> Any:
    return native_clock(msgspec.convert(raw, SlaValue, strict=False), ClockName.RESOLUTION, now=READ_AT)


def test_a_real_sla(shared: Path) -> None:
    clock = sla(load(shared, "jsm_sla_real_payload.json"))
    assert clock.started_at == datetime(2025, 10, 15, 6, 25, 4, 62000, tzinfo=UTC)
    assert clock.goal == timedelta(hours=152)
    assert clock.stage is NativeStage.BREACHED  # read a year later


def test_every_variant_of_an_sla_field(shared: Path) -> None:
    variants = load(shared, "jsm_sla_field_variants.json")
    clocks = [sla(raw) for raw in variants]
    for raw, clock in zip(variants, clocks, strict=True):
        cycle = raw.get("ongoingCycle") or (raw.get("completedCycles") or [None])[-1]
        assert (clock is None) == (cycle is None)
    assert clocks[0].breach_at == datetime(2026, 6, 30, 15, tzinfo=UTC)  # said in one form only
    assert clocks[0].remaining == timedelta(days=-4)
    assert clocks[0].stage is NativeStage.BREACHED
    assert clocks[1].stage is NativeStage.MET
    assert (clocks[2].breach_at, clocks[2].stage) == (None, NativeStage.RUNNING)
    assert clocks[3].started_at == datetime(2025, 10, 7, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", ["airbyte_jira_issue_comments.json"])
def test_text_of_real_documents(shared: Path, name: str) -> None:
    from connector.helpdesks.jira.text import plain  # noqa: PLC0415

    comments = msgspec.convert(load(shared, name)["comments"], list[Comment], strict=False)
    assert all(plain(comment.body).strip() for comment in comments)
