"""Bulk updates as background jobs, and the account's limits."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox.core.faults import Fault
from tests.sandbox.zendesk_desk import Account, Reply

MANY = "/api/v2/tickets/update_many.json"


def _queue(account: Account, body: Any, **query: Any) -> Reply:
    return account.call("PUT", MANY, body, who="connector-writer", query=query)


def _job(account: Account, reply: Reply) -> Any:
    return account.get(f"job_statuses/{reply.body['job_status']['id']}.json")["job_status"]


def test_a_job_is_queued_works_and_completes_item_by_item() -> None:
    account = Account(options={"job_wait": 2, "job_item": 1})
    made = [account.new() for _ in range(3)]
    account.site.people.close(str(made[2]), "anna")
    account.wait(5)
    reply = _queue(account, {"tickets": [{"id": i, "priority": "high"} for i in (*made, 99)]})
    assert (reply.status, reply.body["job_status"]["status"], reply.body["job_status"]["results"]) == (
        200,
        "queued",
        None,
    )
    account.wait(4)
    working = _job(account, reply)
    assert (working["status"], working["progress"], working["results"]) == ("working", 2, None)
    account.wait(10)
    done = _job(account, reply)
    assert (done["status"], done["total"], done["progress"]) == ("completed", 4, 4)
    results = {row["id"]: row for row in done["results"]}
    assert results[made[0]] == {"id": made[0], "action": "update", "success": True, "status": "Updated"}
    assert results[99]["error"] == "RecordNotFound"
    assert "closed prevents" in results[made[2]]["details"]
    assert account.get(f"tickets/show_many.json?ids={made[0]}")["tickets"][0]["priority"] == "high"


def test_one_change_for_many_ids_adds_and_removes_tags() -> None:
    account = Account()
    made = [account.new(labels=("old", "kept")) for _ in range(2)]
    account.wait(5)
    body = {"ticket": {"additional_tags": ["new"], "remove_tags": ["old"]}}
    _queue(account, body, ids=",".join(map(str, made)))
    account.wait(10)
    assert [account.get(f"tickets/{i}/tags.json")["tags"] for i in made] == [["kept", "new"]] * 2


def test_bulk_updates_are_always_safe() -> None:
    account = Account(options={"job_wait": 5})
    seen, edited = account.new(), account.new()
    account.wait(60)
    reply = _queue(
        account,
        {
            "tickets": [
                {"id": seen, "priority": "low", "safe_update": True, "updated_stamp": "2026-11-23T08:00:00Z"},
                {"id": edited, "priority": "low"},
            ]
        },
    )
    account.wait(2)
    account.site.people.add_labels(str(edited), "anna", ("x",))
    account.wait(10)
    results = {row["id"]: row.get("error") for row in _job(account, reply)["results"]}
    assert results == {seen: None, edited: "UpdateConflict"}


def test_what_update_many_refuses() -> None:
    account = Account()
    many = [{"id": i, "priority": "low"} for i in range(1, 102)]
    assert _queue(account, {"tickets": many}).body["error"] == "TooManyValues"
    assert _queue(account, {"ticket": {}}, ids=",".join(str(i) for i in range(101))).status == 400
    assert _queue(account, {"ticket": {"priority": "low"}}).status == 400
    assert _queue(account, {"tickets": [{"priority": "low"}]}).status == 400
    assert _queue(account, {"tickets": [{"id": 1, "safe_update": True}]}).status == 400
    assert _queue(account, {"tickets": [], "dry_run": True}).status == 400


def test_the_thirty_first_job_is_one_too_many() -> None:
    account = Account(options={"ticket_updates": 100})
    ticket = account.new()
    for _ in range(30):
        assert _queue(account, {"tickets": [{"id": ticket, "priority": "low"}]}).status == 200
    reply = _queue(account, {"tickets": [{"id": ticket, "priority": "low"}]})
    assert (reply.status, reply.body["error"]) == (429, "TooManyJobs")
    account.wait(10)
    assert _queue(account, {"tickets": [{"id": ticket, "priority": "low"}]}).status == 200


def test_a_killed_job_stops_halfway() -> None:
    account = Account(options={"kill_jobs": 1})
    made = [account.new() for _ in range(4)]
    account.wait(5)
    reply = _queue(account, {"tickets": [{"id": i, "priority": "high"} for i in made]})
    account.wait(10)
    assert _job(account, reply)["status"] == "killed"
    assert len(account.truth("field", name="priority")) == 2
    again = _queue(account, {"tickets": [{"id": i, "priority": "high"} for i in made]})
    account.wait(10)
    assert _job(account, again)["status"] == "completed"


def test_a_jobs_data_is_gone_after_a_day() -> None:
    account = Account()
    ticket = account.new()
    first = _queue(account, {"tickets": [{"id": ticket, "priority": "low"}]}).body["job_status"]["id"]
    account.wait(80_000)
    second = _queue(account, {"tickets": [{"id": ticket, "priority": "high"}]}).body["job_status"]["id"]
    rows = account.get(f"job_statuses/show_many.json?ids={first},{second}")["job_statuses"]
    assert {row["id"] for row in rows} == {first, second}
    account.wait(10_000)
    assert account.call("GET", f"/api/v2/job_statuses/{first}.json").status == 404
    assert [row["id"] for row in account.get("job_statuses.json")["job_statuses"]] == [second]


def test_thirty_updates_of_a_ticket_in_ten_minutes_and_no_more() -> None:
    account = Account()
    ticket, other = account.new(), account.new()
    for number in range(30):
        assert account.put(ticket, subject=f"s{number}").status == 200
    refused = account.put(ticket, subject="s30")
    assert (refused.status, refused.headers["retry-after"]) == (429, "600")
    assert int(refused.headers["x-rate-limit-remaining"]) > 600
    assert account.put(other, subject="x").status == 200
    assert account.put(ticket, who="anna", subject="y").status == 200
    account.wait(600)
    assert account.put(ticket, subject="s30").status == 200


def test_people_use_up_the_accounts_updates() -> None:
    account = Account(options={"update_limit": 10})
    ticket = account.new()
    for number in range(8):
        account.site.people.add_labels(str(ticket), "anna", (f"t{number}",))
    replies = [account.put(ticket, subject=f"s{number}").status for number in range(3)]
    assert replies == [200, 200, 429]
    account.wait(60)
    assert account.put(ticket, subject="later").status == 200


def test_incremental_endpoints_share_ten_a_minute() -> None:
    account = Account()
    for _ in range(5):
        account.get("incremental/tickets/cursor.json", start_time=1)
        account.get("incremental/ticket_metric_events.json", start_time=1)
    refused = account.call("GET", "/api/v2/incremental/tickets/cursor.json?start_time=1")
    assert (refused.status, refused.headers["retry-after"]) == (429, "60")
    assert refused.headers["ratelimit-remaining"] == "689"
    assert account.get("users/me.json")


def test_the_account_has_its_plans_limit_and_a_forced_retry_after() -> None:
    account = Account(options={"account_limit": 2, "retry_after": 93})
    account.get("users/me.json")
    last = account.call("GET", "/api/v2/tickets.json")
    assert last.headers["x-rate-limit-remaining"] == "0"
    assert last.headers["zendesk-rate-limit-tickets-index"] == "total=100; remaining=99; resets=60"
    refused = account.call("GET", "/api/v2/users/me.json")
    assert (refused.status, refused.headers["retry-after"], refused.body["error"]) == (
        429,
        "93",
        "APIRateLimitExceeded",
    )


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500, 503])
def test_ordered_refusals_have_the_vendors_shape(status: int) -> None:
    account = Account()
    ticket = account.new()
    account.exchange.faults.add(Fault(action="status", status=status, retry_after=7, times=1))
    reply = account.put(ticket, priority="low")
    assert (reply.status, reply.headers["retry-after"]) == (status, "7")
    assert "error" in reply.body
    assert account.truth("field") == []


def test_a_group_can_be_forbidden() -> None:
    account = Account()
    hidden, open_to_us = account.new(group="legal"), account.new()
    account.exchange.faults.add(Fault(action="forbid", scope="legal"))
    assert account.put(hidden, priority="low").status == 403
    assert account.put(open_to_us, priority="low").status == 200


def test_a_late_landing_meets_the_stamp() -> None:
    account = Account()
    ticket = account.new()
    account.wait(10)
    account.exchange.faults.add(Fault(action="late", seconds=60, methods=("PUT",), times=1))
    from connector.sandbox.core.messages import Request  # noqa: PLC0415

    body = b'{"ticket":{"priority":"high","safe_update":true,"updated_stamp":"2026-11-23T08:00:00Z"}}'
    headers = {"authorization": f"Bearer {account.tokens['connector-writer']}", "host": "x"}
    lost = account.exchange.run(Request.of("PUT", f"/api/v2/tickets/{ticket}.json", headers=headers, body=body))
    assert lost.response is None
    account.put(ticket, subject="meanwhile")
    account.wait(60)
    assert account.truth("fault")[0].data["status"] == 409
    assert account.site.view()[0]["priority"] is None
