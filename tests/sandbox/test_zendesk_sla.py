"""SLA policies, where metrics stand, and how tickets compare with recorded ones."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.zendesk import hours
from tests.sandbox.zendesk_desk import START, Account


def _metrics(account: Account, ticket: int) -> dict[str, tuple[str | None, str | None]]:
    told = account.get(f"tickets/{ticket}.json", include="slas")["ticket"]["slas"]["policy_metrics"]
    return {row["metric"]: (row["stage"], row["breach_at"]) for row in told}


def test_without_priority_there_is_no_policy_and_a_priority_write_brings_one() -> None:
    account = Account()
    ticket = account.new()
    assert _metrics(account, ticket) == {}
    account.put(ticket, priority="normal")
    assert _metrics(account, ticket)["first_reply_time"] == ("active", "2026-11-23T12:00:00Z")
    account.put(ticket, priority="urgent")
    assert _metrics(account, ticket)["first_reply_time"] == ("active", "2026-11-23T08:15:00Z")
    account.put(ticket, tags=["vip"])
    assert set(_metrics(account, ticket)) == {"first_reply_time", "total_resolution_time"}


def test_a_public_agent_comment_ends_the_first_reply() -> None:
    account = Account()
    ticket = account.new(priority="P3")
    account.site.people.comment(str(ticket), "anna", "for us", public=False)
    assert _metrics(account, ticket)["first_reply_time"][0] == "active"
    assert _metrics(account, ticket)["next_reply_time"] == (None, None)
    account.put(ticket, comment={"body": "from the API", "public": True})
    assert _metrics(account, ticket)["first_reply_time"] == ("achieved", None)
    account.wait(60)
    account.site.people.comment(str(ticket), "carla", "and now?")
    assert _metrics(account, ticket)["next_reply_time"] == ("active", "2026-11-24T08:01:00Z")  # eight business hours
    account.site.people.comment(str(ticket), "anna", "soon")
    assert _metrics(account, ticket)["next_reply_time"] == ("achieved", None)


def test_pending_pauses_the_requesters_wait() -> None:
    account = Account()
    ticket = account.new(priority="P1", assignee="anna")
    assert _metrics(account, ticket)["requester_wait_time"] == ("active", "2026-11-23T12:00:00Z")
    account.wait(3600)
    account.site.people.set_status(str(ticket), "anna", "waiting_customer")
    assert _metrics(account, ticket)["requester_wait_time"] == ("paused", None)
    account.wait(3600)
    account.site.people.set_status(str(ticket), "anna", "open")
    assert _metrics(account, ticket)["requester_wait_time"] == ("active", "2026-11-23T13:00:00Z")
    account.site.people.set_status(str(ticket), "anna", "solved")
    assert _metrics(account, ticket)["requester_wait_time"] == ("achieved", None)


def test_a_breach_before_a_pause_keeps_its_moment() -> None:
    account = Account()
    ticket = account.new(priority="P1", assignee="anna")
    account.wait(5 * 3600)
    account.site.people.set_status(str(ticket), "anna", "waiting_customer")
    account.wait(3600)
    account.site.people.set_status(str(ticket), "anna", "open")
    assert _metrics(account, ticket)["requester_wait_time"] == ("active", "2026-11-23T12:00:00Z")


def test_the_passage_of_time_changes_nothing_but_the_countdown() -> None:
    account = Account(options={"sla_countdown": True})
    ticket = account.new(priority="P1")
    account.wait(20 * 60)
    told = account.get(f"tickets/{ticket}.json", include="slas")["ticket"]
    assert told["updated_at"] == "2026-11-23T08:00:00Z"
    assert told["slas"]["policy_metrics"][0]["minutes"] == -5
    assert told["slas"]["policy_metrics"][-1]["hours"] == 3


def test_policies_are_told_as_recorded_ones_are(shared: Path) -> None:
    ours = Account().get("slas/policies.json")["sla_policies"]
    recorded = json.loads((shared / "data/api/zendesk/gozendesk_GET_sla_policies.json").read_text())["sla_policies"]
    assert set(recorded[0]) <= set(ours[0])
    assert set(recorded[0]["policy_metrics"][0]) <= set(ours[0]["policy_metrics"][0])


@given(
    start=st.integers(0, 60 * 86400),
    first=st.integers(0, 20 * 86400),
    second=st.integers(0, 20 * 86400),
    business=st.booleans(),
)
def test_business_time_adds_up(start: int, first: int, second: int, *, business: bool) -> None:
    begin = int(datetime(2026, 9, 20, tzinfo=UTC).timestamp()) + start  # across the end of summer time
    end = hours.after(begin, first, business=business)
    assert end is not None
    assert hours.elapsed(begin, end, business=business) == first
    later = end + second
    whole = hours.elapsed(begin, later, business=business)
    assert whole == first + hours.elapsed(end, later, business=business)


def test_business_hours_are_told_in_minutes_from_sunday() -> None:
    account = Account()
    schedule = account.get("business_hours/schedules.json")["schedules"][0]
    assert schedule["intervals"][0] == {"start_time": 1980, "end_time": 2460}
    assert account.get(f"business_hours/schedules/{schedule['id']}/holidays.json") == {"holidays": []}
    monday_noon = int(START.timestamp())
    assert hours.elapsed(monday_noon, monday_noon + 7 * 86400, business=True) == 40 * 3600


# Keys that only some recorded accounts have.
ELSEWHERE = {"satisfaction_probability", "generated_timestamp", "_meta"}


def _recorded_tickets(shared: Path) -> list[dict[str, Any]]:
    path = shared / "data/api/zendesk/recorded_exchanges.jsonl.gz"
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    pages = [row["response_body"].get("tickets", []) for row in rows if "incremental" in row["url"]]
    return [ticket for page in pages for ticket in page]


def test_a_ticket_has_every_key_of_recorded_ones_with_the_same_kinds_of_value(shared: Path) -> None:
    account = Account()
    account.new()
    ours = account.get("tickets/1.json")["ticket"]
    recorded = _recorded_tickets(shared)
    assert len(recorded) > 1000
    for ticket in recorded:
        assert set(ticket) - ELSEWHERE <= set(ours)
    kinds: dict[str, set[type]] = {}
    for ticket in recorded:
        for key, value in ticket.items():
            kinds.setdefault(key, set()).add(type(value))
    for key, value in ours.items():
        known = kinds.get(key, {type(value)}) - {type(None)}
        assert value is None or not known or type(value) in known, key


@pytest.mark.parametrize(
    ("name", "key"),
    [("audits", "sfa_das_zendesk.ticket.1071.audits"), ("comments", "sfa_das_zendesk.ticket.1071.comments")],
)
def test_audits_and_comments_have_the_keys_of_recorded_ones(shared: Path, name: str, key: str) -> None:
    recorded = json.loads((shared / f"data/api/zendesk/{key}.json").read_text())
    account = Account()
    ticket = account.new()
    account.put(ticket, priority="high", comment={"body": "x", "public": True})
    ours = account.get(f"tickets/{ticket}/{name}.json")
    assert set(ours) == set(recorded)
    assert set(ours[name][0]) == set(recorded[name][0])
    if name == "audits":
        changes = {e["field_name"]: e for a in ours["audits"] for e in a["events"] if e["type"] == "Change"}
        known = next(e for a in recorded["audits"] for e in a["events"] if e["type"] == "Change" and "via" not in e)
        assert set(changes["priority"]) == set(known)


def test_a_view_speaks_the_words_of_scripts() -> None:
    account = Account(options={"values": {"impact": {"team": "impact_team"}}})
    ticket = account.new(impact="team", priority="P2", assignee="anna", type="security-incident", key="hack")
    row = account.site.view()[0]
    assert (row["key"], row["type"], row["priority"], row["assignee"]) == ("hack", "security-incident", "P2", "anna")
    assert (row["fields"]["impact"], row["vendor"]["custom_fields"][0]["value"]) == ("team", "impact_team")
    assert account.get(f"tickets/{ticket}.json")["ticket"]["ticket_form_id"] == 402
    assert {form["id"] for form in account.get("ticket_forms.json")["ticket_forms"]} == {401, 402, 403}
    assert len(account.get("custom_statuses.json")["custom_statuses"]) == 6
    assert account.get("ticket_fields/27641.json")["ticket_field"]["type"] == "tagger"
