from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.jira.jql import Both, Clause, Not, Query, parse
from connector.sandbox.jira.model import Refusal

from .conftest import MONDAY, Rig

SEARCH = "/rest/api/3/search/jql"
MS = int(MONDAY.timestamp() * 1000)


def pages(rig: Rig, jql: str, *, size: int, limit: int = 50, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    body = {"jql": jql, "maxResults": size, "fields": ["summary"], **more}
    while len(found) < limit:
        reply = rig.call("POST", SEARCH, body)
        assert reply.status == 200, reply.body
        found.append(reply.json)
        if "nextPageToken" not in reply.json:
            break
        body = {**body, "nextPageToken": reply.json["nextPageToken"]}
    return found


def keys(found: list[dict[str, Any]]) -> list[str]:
    return [issue["key"] for page in found for issue in page["issues"]]


def test_a_search_without_fields_returns_ids_alone(rig: Rig) -> None:
    rig.ticket()
    assert rig.call("POST", SEARCH, {"jql": "project = SUP"}).json == {"issues": [{"id": "10001"}], "isLast": True}
    assert rig.call("GET", SEARCH, query={"jql": "project = SUP"}).json["issues"] == [{"id": "10001"}]


def test_pages_follow_tokens_to_the_end_and_have_no_totals(rig: Rig) -> None:
    made = [rig.ticket(str(n)) for n in range(7)]
    found = pages(rig, "project = SUP ORDER BY key ASC", size=3)
    assert [len(page["issues"]) for page in found] == [3, 3, 1]
    assert keys(found) == made
    assert found[-1] == {"issues": found[-1]["issues"], "isLast": True}
    assert all(set(page) == {"issues", "nextPageToken", "isLast"} for page in found[:-1])


def test_pages_may_be_shorter_than_asked_or_empty_and_still_go_on(make: Callable[..., Rig]) -> None:
    rig = make(empty_page_every=1, short_page_every=0)
    made = [rig.ticket(str(n)) for n in range(4)]
    first = rig.call("POST", SEARCH, {"jql": "project = SUP ORDER BY key", "maxResults": 3, "fields": ["summary"]}).json
    token = first["nextPageToken"]
    again = rig.call(
        "POST",
        SEARCH,
        {"jql": "project = SUP ORDER BY key", "maxResults": 3, "fields": ["summary"], "nextPageToken": token},
    ).json
    assert again["issues"] == []
    assert again["nextPageToken"]
    rig = make(short_page_every=2, empty_page_every=3, page_limit=4)
    made = [rig.ticket(str(n)) for n in range(12)]
    found = pages(rig, "project = SUP ORDER BY key", size=100)
    assert keys(found) == made
    assert [len(page["issues"]) for page in found] == [4, 2, 4, 0, 2]


def test_a_site_can_hand_out_the_same_token_again_and_again(make: Callable[..., Rig]) -> None:
    rig = make(repeat_token_every=1)
    for n in range(6):
        rig.ticket(str(n))
    found = pages(rig, "project = SUP", size=2, limit=6)
    assert len(found) == 6
    assert len({page["nextPageToken"] for page in found}) == 1


def test_tokens_expire_and_belong_to_their_query_and_account(rig: Rig) -> None:
    for n in range(3):
        rig.ticket(str(n))
    body = {"jql": "project = SUP", "maxResults": 1}
    token = rig.call("POST", SEARCH, body).json["nextPageToken"]
    assert rig.call("POST", SEARCH, {**body, "nextPageToken": token}).status == 200
    assert rig.call("POST", SEARCH, {**body, "jql": "project = HR", "nextPageToken": token}).status == 400
    assert rig.call("POST", SEARCH, {**body, "nextPageToken": token}, who="anna").status == 400
    assert rig.call("POST", SEARCH, {**body, "nextPageToken": "invented"}).status == 400
    rig.advance(days=7, seconds=1)
    assert rig.call("POST", SEARCH, {**body, "nextPageToken": token}).status == 400


def test_an_issue_that_changes_while_paging_moves_and_none_is_lost(rig: Rig) -> None:
    made = []
    for n in range(4):
        made.append(rig.ticket(str(n)))
        rig.advance(minutes=1)
    jql = "project = SUP ORDER BY updated ASC, key ASC"
    first = rig.call("POST", SEARCH, {"jql": jql, "maxResults": 2, "fields": ["summary"]}).json
    rig.site.people.set_priority(made[0], "anna", "P1")
    rig.site.people.set_priority(made[2], "anna", "P1")
    rest = pages(rig, jql, size=2, nextPageToken=first["nextPageToken"])
    assert keys(rest) == [made[3], made[0], made[2]]


@pytest.mark.parametrize(
    "body",
    [
        {"jql": "project = SUP", "startAt": 0},
        {"jql": "project = SUP", "validateQuery": True},
        {"jql": "project = SUP", "total": 1},
    ],
    ids=["startAt", "validateQuery", "total"],
)
def test_members_of_the_old_search_are_refused(rig: Rig, body: dict[str, Any]) -> None:
    assert rig.call("POST", SEARCH, body, odd=True).status == 400
    assert rig.call("GET", SEARCH, query=body, odd=True).status == 400


@pytest.mark.parametrize("jql", ["", "order by key", "ORDER BY updated DESC"])
def test_unbounded_queries_are_refused(rig: Rig, jql: str) -> None:
    reply = rig.call("POST", SEARCH, {"jql": jql})
    assert (reply.status, set(reply.json)) == (400, {"errorMessages", "errors"})
    assert "Unbounded" in reply.json["errorMessages"][0]


def test_the_old_search_is_gone(rig: Rig) -> None:
    for method, path in (("GET", "/rest/api/3/search"), ("POST", "/rest/api/3/search"), ("GET", "/rest/api/2/search")):
        reply = rig.call(method, path, {} if method == "POST" else None)
        assert reply.status == 410
        assert "CHANGE-2046" in reply.json["errorMessages"][0]


def test_the_approximate_count_counts(rig: Rig) -> None:
    for n in range(3):
        rig.ticket(str(n))
    assert rig.call("POST", "/rest/api/3/search/approximate-count", {"jql": "project = SUP"}).json == {"count": 3}


def test_properties_come_with_a_search(rig: Rig) -> None:
    key = rig.ticket()
    rig.put(key, {"properties": [{"key": "esc.marker", "value": {"op": 1}}]})
    body = {"jql": "project = SUP", "fields": ["summary"], "properties": ["esc.marker", "other"]}
    assert rig.call("POST", SEARCH, body).json["issues"][0]["properties"] == {"esc.marker": {"op": 1}}
    assert rig.call("POST", SEARCH, {**body, "properties": list("abcdef")}).status == 400
    rig.site.people.set_priority(key, "anna", "P1")
    expanded = rig.call("POST", SEARCH, {**body, "expand": "changelog"}).json["issues"][0]
    assert expanded["changelog"]["total"] == 1
    assert rig.call("POST", SEARCH, {**body, "expand": ["changelog"]}, odd=True).status == 400


# -- the index ---------------------------------------------------------------------------------


def test_changes_show_late_and_out_of_order_but_never_backwards(make: Callable[..., Rig]) -> None:
    rig = make(index_lag=(10, 120))
    made = [rig.ticket(str(n)) for n in range(20)]
    assert rig.search("project = SUP") == []
    orders = []
    for _ in range(12):
        rig.advance(seconds=10)
        orders.append(frozenset(rig.search("project = SUP ORDER BY key")))
    assert orders[-1] == set(made)
    assert all(early <= late for early, late in pairwise(orders))
    assert any(seen and seen != set(made[: len(seen)]) for seen in orders), (
        "some later issue shows before an earlier one"
    )


def test_reconciling_shows_own_writes_at_once_and_direct_reads_always_do(make: Callable[..., Rig]) -> None:
    rig = make(index_lag=(60, 60))
    key = rig.ticket()
    rig.advance(seconds=60)
    rig.put(key, {"fields": {"priority": {"id": "1"}}})
    assert rig.search("project = SUP AND priority = Highest") == []
    assert rig.search("project = SUP AND priority = Highest", reconcileIssues=[10001]) == [key]
    assert rig.fields(key, "priority")["priority"]["id"] == "1"
    assert rig.call("POST", SEARCH, {"jql": "project = SUP", "reconcileIssues": list(range(51))}).status == 400


def test_bulk_edits_show_later_still(make: Callable[..., Rig]) -> None:
    rig = make(bulk_lag=(200, 300), bulk_seconds=0)
    key = rig.ticket()
    edit = {
        "selectedActions": ["priority"],
        "selectedIssueIdsOrKeys": [key],
        "editedFieldsInput": {"priority": {"priorityId": "1"}},
    }
    assert rig.call("POST", "/rest/api/3/bulk/issues/fields", edit).status == 201
    rig.advance(seconds=199)
    assert rig.search("priority = Highest") == []
    rig.advance(seconds=101)
    assert rig.search("priority = Highest") == [key]


# -- JQL ---------------------------------------------------------------------------------------


def test_queries_choose_by_what_clients_ask_for(rig: Rig) -> None:
    one = rig.ticket("Mail is down", impact="site", labels=("vip",))
    two = rig.ticket("Beamer", requester="dirk", priority="P1", assignee="anna")
    rig.site.people.set_status(two, "anna", "solved")
    chosen = {
        "project in (SUP, HR)": [one, two],
        "project = Support AND statusCategory != Done": [one],
        "statusCategory = Done": [two],
        'status in ("Resolved", Closed)': [two],
        "NOT (status = Resolved) AND project = SUP": [one],
        f"key in ({one}, {two}) ORDER BY key DESC": [two, one],
        f"issuekey = {one.lower()}": [one],
        "id = 10002": [two],
        "assignee is EMPTY": [one],
        "assignee = 'qm:anna' OR labels in (vip)": [one, two],
        "assignee is not empty AND priority >= High": [two],
        "priority < Highest": [one],
        "cf[10101] = site": [one],
        '"Impact" = site': [one],
        'summary ~ "mail"': [one],
        "labels = vip AND reporter = 'qm:carla'": [one],
        "resolution is EMPTY": [one],
        "assignee != 'qm:ben'": [two],
    }
    assert {jql: rig.search(jql) for jql in chosen} == chosen


@pytest.mark.parametrize(
    "jql",
    [
        "project = NOPE",
        "nonsense = 1",
        "status = Fixed",
        "project =",
        "project = SUP AND",
        "(project = SUP",
        "project = SUP)",
        "project ~ SUP",
        "project = SUP ORDER updated",
        "project not SUP",
        "created was 1",
        "updated >= '2026-11-23 09:00:30'",
        "updated >= '2026-11-23T09:00:00Z'",
        "assignee = strange()",
        "project = SUP ! x",
    ],
)
def test_bad_queries_are_refused(rig: Rig, jql: str) -> None:
    reply = rig.call("POST", SEARCH, {"jql": jql})
    assert reply.status == 400
    assert reply.json["errorMessages"]


def test_dates_as_text_are_read_to_the_minute_in_the_accounts_zone(rig: Rig) -> None:
    rig.advance(seconds=30)
    key = rig.ticket()
    assert rig.search("updated >= '2026/11/23 09:00'") == [key]
    assert rig.search("updated >= '2026-11-23 09:01'") == []
    assert rig.search("updated >= '2026-11-23 08:00' AND updated < '2026-11-23 09:00'") == []
    assert rig.search("updated >= '2026/11/23' AND updated >= -1d AND updated <= now()") == [key]


def test_epoch_milliseconds_mean_the_same_everywhere(make: Callable[..., Rig]) -> None:
    rig = make(zone="Asia/Tokyo")
    rig.advance(seconds=30)
    key = rig.ticket()
    assert rig.search(f"updated >= {MS + 30_000}") == [key]
    assert rig.search(f"updated > {MS + 30_000}") == []
    assert rig.search("updated >= '2026/11/23 17:00'") == [key]
    coarse = make(epoch_grain="minute")
    coarse.advance(seconds=30)
    coarse.ticket()
    assert coarse.search(f"updated > {MS + 59_000}") == ["SUP-1"]


@given(st.text(alphabet="abc =()<>!~,\"'[]-10andorintbyNOT\\", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read: Query | Refusal = parse(text)
    except Refusal as refusal:
        read = refusal
    assert isinstance(read, Query) or read.status == 400


WORDS = st.sampled_from(["SUP", "high", "10001", "-1d", "x.y"])
CLAUSES = st.builds(
    lambda name, op, value: f"{name} {op} {value}", WORDS, st.sampled_from(["=", "!=", ">=", "<"]), WORDS
)


@given(
    st.recursive(
        CLAUSES,
        lambda inner: st.builds(lambda a, op, b: f"({a} {op} {b})", inner, st.sampled_from(["and", "OR"]), inner),
    )
)
def test_nested_conditions_keep_their_shape(text: str) -> None:
    node = parse(text).where
    assert node is not None
    assert parse(f"not ({text}) order by updated desc").where == Not(node)
    assert isinstance(node, Both | Clause)


def test_search_time_is_the_accounts_own(rig: Rig) -> None:
    key = rig.ticket()
    rig.advance(hours=0)
    shown = rig.call("POST", SEARCH, {"jql": f"key = {key}", "fields": ["updated"]}).json["issues"][0]["fields"][
        "updated"
    ]
    assert shown == "2026-11-23T09:00:00.000+0100"
    assert rig.world.now() - MONDAY == timedelta(0)
