from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.jira.calendar import ALWAYS, BUSINESS

from .conftest import MONDAY, Rig, adf

RESPONSE, RESOLUTION = "customfield_10030", "customfield_10031"
HOUR = 3_600_000


def clocks(rig: Rig, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    shown = rig.fields(key, RESPONSE, RESOLUTION)
    return shown[RESPONSE], shown[RESOLUTION]


def metrics(rig: Rig, key: str) -> dict[str, Any]:
    reply = rig.call("GET", f"/rest/servicedeskapi/request/{key}/sla")
    assert reply.status == 200
    return {each["name"]: each for each in reply.json["values"]}


def test_clocks_come_with_a_search_in_the_service_desks_own_shape(rig: Rig) -> None:
    key = rig.ticket(priority="P2")
    rig.advance(minutes=20)
    body = {"jql": f"key = {key}", "fields": [RESPONSE]}
    field = rig.call("POST", "/rest/api/3/search/jql", body).json["issues"][0]["fields"][RESPONSE]
    assert field == metrics(rig, key)["Time to first response"]
    ongoing = field["ongoingCycle"]
    assert ongoing["startTime"] == {
        "iso8601": "2026-11-23T09:00:00+0100",
        "jira": "2026-11-23T09:00:00.000+0100",
        "friendly": "23/Nov/26 9:00 AM",
        "epochMillis": int(MONDAY.timestamp() * 1000),
    }
    assert ongoing["breachTime"]["iso8601"] == "2026-11-23T10:00:00+0100"
    assert ongoing["goalDuration"] == {"millis": HOUR, "friendly": "1h"}
    assert ongoing["elapsedTime"] == {"millis": HOUR // 3, "friendly": "20m"}
    assert ongoing["remainingTime"] == {"millis": HOUR * 2 // 3, "friendly": "40m"}
    assert (ongoing["breached"], ongoing["paused"], ongoing["withinCalendarHours"]) == (False, False, True)


def test_time_breaches_without_any_change(rig: Rig) -> None:
    key = rig.ticket(priority="P1")
    before = rig.fields(key)["updated"]
    rig.advance(minutes=45)
    ongoing = clocks(rig, key)[0]["ongoingCycle"]
    assert (ongoing["breached"], ongoing["remainingTime"]) == (True, {"millis": -HOUR // 4, "friendly": "-15m"})
    assert rig.fields(key)["updated"] == before


def test_a_public_answer_by_the_team_ends_the_first_response(rig: Rig) -> None:
    for author in ("anna", "rival"):
        key = rig.ticket()
        rig.advance(minutes=30)
        rig.site.people.comment(key, "carla", "Anybody?")
        rig.site.people.comment(key, author, "internal", public=False)
        assert "ongoingCycle" in clocks(rig, key)[0]
        rig.site.people.comment(key, author, "Hello")
        (completed,) = clocks(rig, key)[0]["completedCycles"]
        assert "ongoingCycle" not in clocks(rig, key)[0]
        assert (completed["elapsedTime"]["millis"], completed["breached"]) == (HOUR // 2, False)


def test_so_does_the_connectors_own(rig: Rig) -> None:
    key = rig.ticket()
    rig.call("POST", f"/rest/api/3/issue/{key}/comment", {"body": adf("Hello")})
    assert "ongoingCycle" not in clocks(rig, key)[0]


def test_waiting_for_the_customer_pauses_the_resolution(rig: Rig) -> None:
    key = rig.ticket(priority="P1")
    rig.advance(hours=1)
    rig.site.people.set_status(key, "anna", "waiting_customer")
    rig.advance(hours=2)
    paused = clocks(rig, key)[1]["ongoingCycle"]
    assert (paused["paused"], paused["elapsedTime"]["millis"], "breachTime" in paused) == (True, HOUR, False)
    rig.site.people.comment(key, "carla", "Here you are")
    going = clocks(rig, key)[1]["ongoingCycle"]
    assert (going["paused"], going["breachTime"]["iso8601"]) == (False, "2026-11-23T15:00:00+0100")


def test_solving_completes_and_reopening_begins_another_cycle(rig: Rig) -> None:
    key = rig.ticket()
    rig.advance(hours=1)
    rig.site.people.set_status(key, "anna", "solved")
    response, resolution = clocks(rig, key)
    assert ("ongoingCycle" in response, "ongoingCycle" in resolution) == (False, False)
    rig.advance(hours=1)
    rig.site.people.set_status(key, "anna", "open")
    rig.advance(hours=1)
    rig.site.people.set_status(key, "anna", "solved")
    assert [c["elapsedTime"]["millis"] for c in clocks(rig, key)[1]["completedCycles"]] == [HOUR, HOUR]
    assert len(clocks(rig, key)[0]["completedCycles"]) == 1


def test_another_priority_is_another_goal_and_time_spent_counts(rig: Rig) -> None:
    key = rig.ticket(priority="P3")
    rig.advance(hours=2)
    rig.put(key, {"fields": {"priority": {"id": "1"}}})
    ongoing = clocks(rig, key)[0]["ongoingCycle"]
    assert (ongoing["goalDuration"]["millis"], ongoing["elapsedTime"]["millis"]) == (HOUR // 2, 2 * HOUR)
    assert ongoing["breached"] is True
    rig.put(key, {"fields": {"priority": {"id": "4"}}})
    assert clocks(rig, key)[0]["ongoingCycle"]["breachTime"]["iso8601"] == "2026-11-23T17:00:00+0100"


def test_outside_working_hours_the_clock_rests_but_is_not_paused(rig: Rig) -> None:
    rig.advance(hours=7, minutes=30)
    key = rig.ticket(priority="P2")
    rig.advance(hours=12)
    ongoing = clocks(rig, key)[0]["ongoingCycle"]
    assert (ongoing["withinCalendarHours"], ongoing["paused"]) == (False, False)
    assert ongoing["elapsedTime"]["millis"] == HOUR // 2
    assert ongoing["breachTime"]["iso8601"] == "2026-11-24T09:30:00+0100"


def test_who_raised_no_request_has_no_clocks(rig: Rig) -> None:
    made = rig.call("POST", "/rest/api/3/issue", {"fields": {"project": {"key": "SUP"}, "summary": "Task"}}).json["key"]
    assert clocks(rig, made) == (None, None)
    assert rig.call("GET", f"/rest/servicedeskapi/request/{made}/sla").status == 404
    assert rig.fields(made, "customfield_10010")["customfield_10010"] is None


@pytest.mark.parametrize(
    ("shape", "keys"),
    [
        ("full", {"iso8601", "jira", "friendly", "epochMillis"}),
        ("jira", {"jira", "friendly"}),
        ("empty", set()),
        ("none", None),
    ],
)
def test_the_breach_time_comes_in_the_shapes_that_were_seen(
    make: Callable[..., Rig], shape: str, keys: set[str] | None
) -> None:
    rig = make(breach_time=shape, sla_names={RESPONSE: "Reaktionszeit"})
    key = rig.ticket()
    response = clocks(rig, key)[0]
    assert response["name"] == "Reaktionszeit"
    assert (
        None if "breachTime" not in response["ongoingCycle"] else set(response["ongoingCycle"]["breachTime"])
    ) == keys


def test_slas_are_for_agents_and_found_by_number(rig: Rig) -> None:
    key = rig.ticket()
    base = f"/rest/servicedeskapi/request/{key}/sla"
    assert rig.call("GET", base, who="carla").status == 403
    assert rig.call("GET", f"{base}/10031").json["name"] == "Time to resolution"
    assert rig.call("GET", f"{base}/1").status == 404
    assert rig.call("GET", base, query={"limit": 1}).json["isLastPage"] is False


MOMENTS = st.integers(0, 60 * 24 * 365).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
SPANS = st.integers(0, 60 * 200).map(lambda minutes: timedelta(minutes=minutes))


@given(MOMENTS, SPANS)
def test_what_is_added_has_elapsed(start: datetime, span: timedelta) -> None:
    for calendar in (BUSINESS, ALWAYS):
        assert calendar.between(start, calendar.add(start, span)) == span


@given(MOMENTS, SPANS, SPANS)
def test_working_time_adds_up(start: datetime, one: timedelta, two: timedelta) -> None:
    middle, end = start + one, start + one + two
    assert BUSINESS.between(start, end) == BUSINESS.between(start, middle) + BUSINESS.between(middle, end)
