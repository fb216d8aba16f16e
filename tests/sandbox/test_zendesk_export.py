"""The incremental exports and the search."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.zendesk_desk import START, Account

CURSOR = "incremental/tickets/cursor.json"
BEGIN = int(START.timestamp()) - 3600


def _ids(page: Any) -> list[int]:
    return [ticket["id"] for ticket in page["tickets"]]


def _drain(account: Account, cursor: str | None, **query: Any) -> tuple[list[int], str | None]:
    seen: list[int] = []
    while True:
        start = {"start_time": BEGIN} if cursor is None else {"cursor": cursor}
        page = account.get(CURSOR, **start, **query)
        seen += _ids(page)
        cursor = page["after_cursor"] or cursor
        if page["end_of_stream"]:
            return seen, cursor


def test_the_last_minute_is_hidden() -> None:
    account = Account()
    ticket = account.new()
    account.wait(59)
    empty = account.get(CURSOR, start_time=BEGIN)
    assert (_ids(empty), empty["after_cursor"], empty["end_of_stream"]) == ([], None, True)
    account.wait(1)
    assert _ids(account.get(CURSOR, start_time=BEGIN)) == [ticket]


def test_a_change_hides_the_ticket_again_for_a_minute() -> None:
    account = Account()
    ticket = account.new()
    account.wait(120)
    account.put(ticket, priority="high")
    assert _ids(account.get(CURSOR, start_time=BEGIN)) == []
    account.wait(60)
    assert _ids(account.get(CURSOR, start_time=BEGIN)) == [ticket]


def test_the_cursor_goes_on_after_the_end_of_the_stream() -> None:
    account = Account()
    first = account.new()
    account.wait(90)
    seen, cursor = _drain(account, None)
    assert seen == [first]
    second = account.new()
    account.wait(90)
    page = account.get(CURSOR, cursor=cursor)
    assert _ids(page) == [second]
    assert account.get(CURSOR, cursor=page["after_cursor"])["after_cursor"] == page["after_cursor"]


def test_pages_keep_the_order_of_the_export_and_their_parameters() -> None:
    account = Account()
    made = [account.new() for _ in range(5)]
    account.wait(30)
    account.put(made[0], priority="low")
    account.wait(90)
    page = account.get(CURSOR, start_time=BEGIN, per_page=2, include="users")
    assert _ids(page) == made[1:3]
    assert page["after_url"].endswith("&include=users&per_page=2")
    assert _ids(account.get(page["after_url"].partition("/api/v2/")[2])) == made[3:]
    assert _drain(account, None, per_page=2)[0] == [*made[1:], made[0]]


@pytest.mark.parametrize(
    "query",
    [
        {"start_time": int(START.timestamp()) - 59},
        {},
        {"cursor": "bm9uc2Vuc2U="},
        {"cursor": "!"},
        {"start_time": BEGIN, "per_page": 1001},
        {"start_time": BEGIN, "include": "last_audits"},
    ],
)
def test_what_the_export_refuses(query: dict[str, Any]) -> None:
    assert Account().call("GET", f"/api/v2/{CURSOR}", query=query).status == 400


def test_a_system_update_shows_the_ticket_again_without_updated_at() -> None:
    account = Account(options={"system_touch_chance": 1.0, "system_touch_delay": (30, 30)})
    ticket = account.new()
    account.wait(100)
    account.put(ticket, priority="high")
    account.wait(100)
    row = account.get(CURSOR, start_time=BEGIN)["tickets"][0]
    assert row["updated_at"] == "2026-11-23T08:01:40Z"
    assert row["generated_timestamp"] == int(START.timestamp()) + 130


def test_deleted_tickets_are_told_unless_excluded() -> None:
    account = Account()
    ticket = account.new()
    account.site.people.delete(str(ticket), "anna")
    account.wait(90)
    assert account.get(CURSOR, start_time=BEGIN)["tickets"][0]["status"] == "deleted"
    assert _ids(account.get(CURSOR, start_time=BEGIN, exclude_deleted="true")) == []
    assert account.call("GET", f"/api/v2/tickets/{ticket}.json").status == 404
    assert account.put(ticket, priority="low").status == 404
    assert account.get(f"tickets/show_many.json?ids={ticket}")["tickets"] == []


def test_rows_come_again_and_a_stuck_cursor_can_be_ordered() -> None:
    account = Account(options={"repeat_chance": 1.0, "stuck_pages": 1})
    made = [account.new() for _ in range(3)]
    account.wait(90)
    page = account.get(CURSOR, start_time=BEGIN, per_page=1)
    stuck = account.get(CURSOR, cursor=page["after_cursor"], per_page=1)
    assert (stuck["after_cursor"], stuck["end_of_stream"]) == (page["after_cursor"], False)
    assert _ids(account.get(CURSOR, cursor=page["after_cursor"], per_page=1)) == made[:2]


def test_sideloads_stand_inside_the_ticket_or_beside_the_list() -> None:
    account = Account()
    account.new(priority="P2", assignee="anna")
    account.wait(90)
    page = account.get(CURSOR, start_time=BEGIN, include="slas,metric_sets,users,groups,organizations")
    assert [user["id"] for user in page["users"]] == [502, 1001]
    assert [group["id"] for group in page["groups"]] == [101]
    assert [organization["id"] for organization in page["organizations"]] == [3001]
    assert page["tickets"][0]["slas"]["policy_metrics"][0]["metric"] == "first_reply_time"
    assert page["tickets"][0]["metric_set"]["assignee_stations"] == 1


@given(
    doings=st.lists(
        st.tuples(st.sampled_from(["new", "change", "delete", "poll"]), st.integers(0, 90), st.integers(0, 4)),
        max_size=25,
    )
)
def test_whoever_follows_the_cursor_misses_nothing(doings: list[tuple[str, int, int]]) -> None:
    account = Account(options={"repeat_chance": 0.3, "system_touch_chance": 0.5, "incremental_limit": 10_000})
    cursor: str | None = None
    seen: dict[int, str] = {}

    def poll() -> None:
        nonlocal cursor
        while True:
            start = {"start_time": BEGIN} if cursor is None else {"cursor": cursor}
            page = account.get(CURSOR, **start, per_page=2)
            seen.update({row["id"]: row["updated_at"] for row in page["tickets"]})
            cursor = page["after_cursor"] or cursor
            if page["end_of_stream"]:
                return

    for what, seconds, choice in doings:
        account.wait(seconds)
        alive = [t for t in account.site.office.desk.tickets.values() if not t.deleted]
        if what == "new" or not alive:
            account.new()
        elif what == "change":
            account.site.people.add_labels(str(alive[choice % len(alive)].id), "anna", (f"t{seconds}",))
        elif what == "delete":
            account.site.people.delete(str(alive[choice % len(alive)].id), "anna")
        else:
            poll()
    account.wait(600)
    poll()
    truth = {t["vendor"]["id"]: t["vendor"]["updated_at"] for t in account.site.view()}
    assert seen == truth


def test_metric_events_come_by_page_and_withdraw_breaches() -> None:
    account = Account()
    ticket = account.new(priority="P3")
    account.wait(120)
    account.put(ticket, priority="urgent")
    account.wait(120)
    page = account.get("incremental/ticket_metric_events.json", start_time=BEGIN)
    kinds = [(row["metric"], row["type"], row["deleted"]) for row in page["ticket_metric_events"]]
    assert ("reply_time", "activate", False) in kinds
    assert ("reply_time", "breach", True) in kinds
    assert ("reply_time", "breach", False) in kinds
    assert kinds.count(("reply_time", "apply_sla", False)) == 4  # two metrics of that name, applied twice


def _search(account: Account, query: str, **more: Any) -> list[int]:
    page = account.get("search/export.json", **{"query": query, "filter[type]": "ticket", **more})
    return [row["id"] for row in page["results"]]


def test_the_index_learns_late_and_shows_what_was() -> None:
    account = Account(options={"search_lag": (60, 60)})
    ticket = account.new(priority="P3")
    account.wait(59)
    assert _search(account, "status<closed") == []
    account.wait(1)
    assert _search(account, "priority:normal") == [ticket]
    account.put(ticket, priority="urgent")
    assert _search(account, "priority:normal") == [ticket]
    assert _search(account, "priority:urgent") == []
    account.wait(60)
    assert _search(account, "priority:normal") == []
    assert _search(account, "priority:urgent") == [ticket]


def test_the_search_language() -> None:
    account = Account(options={"search_lag": (0, 0)})
    one = account.new(priority="P1", labels=("red",), assignee="anna")
    two = account.new(requester="vito", labels=("blue",))
    account.site.people.set_status(str(one), "anna", "solved")
    assert _search(account, "status<solved") == [two]
    assert _search(account, "status:new status:solved") == [one, two]
    assert _search(account, "-status:new") == [one]
    assert _search(account, "tags:blue") == [two]
    assert _search(account, "assignee:502 priority>=high") == [one]
    assert _search(account, "priority:none") == [two]
    assert _search(account, "requester:1002 created>=2026-11-23") == [two]
    assert _search(account, "updated<2026-11-23T08:00:00Z") == []
    assert _search(account, "smokes") == [one, two]
    for refused in ("colour:red", "status:nice", "updated>tomorrow"):
        assert account.call(
            "GET", "/api/v2/search/export.json", query={"query": refused, "filter[type]": "ticket"}
        ).status in (400, 422)


def test_the_export_of_a_search_expires_and_minds_its_query() -> None:
    account = Account(options={"search_lag": (0, 0)})
    made = [account.new() for _ in range(3)]
    query = {"query": "status<closed", "filter[type]": "ticket", "page[size]": 2}
    page = account.get("search/export.json", **query)
    assert [row["id"] for row in page["results"]] == made[:2]
    cursor = {"page[after]": page["meta"]["after_cursor"]}
    last = account.get("search/export.json", **query, **cursor)
    assert ([row["id"] for row in last["results"]], last["meta"]["has_more"]) == (made[2:], False)
    path = "/api/v2/search/export.json"
    assert account.call("GET", path, query=query | cursor | {"query": "status:new"}).status == 400
    account.wait(3600)
    assert account.call("GET", path, query=query | cursor).status == 400
    assert account.call("GET", path, query=query | {"query": "type:ticket"}).status == 400


def test_the_plain_search_ends_at_a_thousand() -> None:
    account = Account(options={"search_lag": (0, 0)})
    account.new()
    page = account.get("search.json", query="type:ticket", include="tickets(users,slas)")
    assert (page["count"], page["results"][0]["result_type"], len(page["users"])) == (1, "ticket", 1)
    assert page["results"][0]["slas"] == {"policy_metrics": []}
    reply = account.call("GET", "/api/v2/search.json", query={"query": "type:ticket", "page": 11})
    assert (reply.status, reply.body["error"]) == (422, "invalid")


def test_many_tickets_at_once_are_all_exported_with_every_key() -> None:
    account = Account(options={"synthetic": 300})
    seen, _ = _drain_all(account)
    assert len(seen) == len(set(seen)) == 300
    ticket = account.get("tickets/show_many.json?ids=1")["tickets"][0]
    audits = account.get("tickets/1/audits.json")["audits"]
    assert audits[0]["events"][0]["body"] == ticket["description"]
    assert account.truth("comment") == []


def _drain_all(account: Account) -> tuple[list[int], str | None]:
    cursor, seen = None, []
    while True:
        start: dict[str, Any] = {"start_time": 1} if cursor is None else {"cursor": cursor}
        page = account.get(CURSOR, **start, per_page=100, include="slas,users")
        seen += _ids(page)
        cursor = page["after_cursor"]
        if page["end_of_stream"]:
            return seen, cursor
