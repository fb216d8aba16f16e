"""What real Jira sites answered, read without an unhandled case."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connector.domain.site import FieldMap
from connector.domain.ticket import ClockName, NativeStage, Status
from connector.helpdesks.jira.clocks import native_clock
from connector.helpdesks.jira.normalise import observe
from connector.helpdesks.jira.people import comment_events
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import CommentPage, FieldInfo, Issue, SlaValue

SHAPE = Shape(site="j", fields=FieldMap(), account="", web_url="https://acme.atlassian.example")
READ_AT = datetime(2026, 11, 22, tzinfo=UTC)


def recorded(shared: Path, name: str) -> Any:
    return json.loads((shared / "data/api/jira" / f"{name}.json").read_text())


def issues(shared: Path) -> list[dict[str, Any]]:
    found = list(recorded(shared, "airbyte_jira_issues")["issues"])
    found += recorded(shared, "faros_source_issues")
    return found + [item["data"] for item in recorded(shared, "grimoire_elk_jira_new")]


def test_every_recorded_issue_is_read(shared: Path) -> None:
    read = {}
    for raw in issues(shared):
        issue = msgspec.json.decode(json.dumps(raw).encode(), type=Issue, strict=False)
        ticket, events, _ = observe(issue, SHAPE, now=READ_AT)
        assert ticket.key == raw["key"]
        assert ticket.opened_at == datetime.fromisoformat(raw["fields"]["created"]).astimezone(UTC)
        assert isinstance(ticket.status, Status)
        assert ticket.text is None or ticket.text.subject == raw["fields"]["summary"].strip()
        read[ticket.key] = len(events)
    assert len(read) == len(issues(shared)) == 8


def test_recorded_comments_and_fields_are_read(shared: Path) -> None:
    page = msgspec.json.decode(json.dumps(recorded(shared, "airbyte_jira_issue_comments")).encode(), type=CommentPage)
    events = list(comment_events(page.comments or (), SHAPE, requester=None))
    assert len(events) == 2
    fields = msgspec.json.decode(
        json.dumps(recorded(shared, "airbyte_jira_issue_fields")).encode(), type=list[FieldInfo]
    )
    assert all(field.id for field in fields)


def sla(raw: dict[str, Any]) -> SlaValue:
    return msgspec.json.decode(json.dumps(raw).encode(), type=SlaValue, strict=False)


def test_a_real_sla_is_read_to_the_second(shared: Path) -> None:
    raw = recorded(shared, "jsm_sla_real_payload")
    clock = native_clock(sla(raw), ClockName.RESOLUTION, now=datetime(2025, 10, 20, tzinfo=UTC))
    assert clock is not None
    assert clock.breach_at == datetime.fromtimestamp(1762772983, tz=UTC) + timedelta(milliseconds=324)
    assert (clock.goal, clock.stage) == (timedelta(milliseconds=547200000), NativeStage.RUNNING)


@pytest.mark.parametrize("index", range(5))
def test_every_shape_that_an_sla_takes_is_read(shared: Path, index: int) -> None:
    raw = recorded(shared, "jsm_sla_field_variants")[index]
    clock = native_clock(sla(raw), ClockName.RESOLUTION, now=READ_AT)
    cycle = raw.get("ongoingCycle") or {}
    if clock is None:
        assert not cycle.get("breachTime")
        return
    if (cycle.get("breachTime") or {}).get("jira"):
        assert clock.breach_at == datetime(2026, 6, 30, 15, 0, tzinfo=UTC)  # from its only exact form
    if cycle.get("remainingTime", {}).get("millis", 0) < 0:
        assert clock.stage is NativeStage.BREACHED
