from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .conftest import Rig

EDIT = "/rest/api/3/bulk/issues/fields"


def test_bursts_are_limited_per_operation(make: Callable[..., Rig]) -> None:
    rig = make(limits=True)
    replies = [rig.call("GET", "/rest/api/3/myself") for _ in range(101)]
    assert [reply.status for reply in replies].count(200) == 100
    refused = replies[-1]
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit-Reason"] == "jira-burst-based"
    assert refused.headers["X-RateLimit-Reset"] == "2026-11-23T08:00:01Z"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert refused.json["status"] == 429
    assert replies[85].headers["X-RateLimit-NearLimit"] == "true"
    assert "X-RateLimit-NearLimit" not in replies[10].headers
    assert rig.call("GET", "/rest/api/3/serverInfo").status == 200
    rig.advance(seconds=1)
    assert rig.call("GET", "/rest/api/3/myself").status == 200


def test_writes_to_one_issue_are_limited_twice(make: Callable[..., Rig]) -> None:
    rig = make(limits=True)
    key, other = rig.ticket(), rig.ticket()

    def write(issue: str) -> Any:
        return rig.put(issue, {"properties": [{"key": "k", "value": rig.world.now().isoformat()}]})

    replies = [write(key) for _ in range(21)]
    assert [reply.status for reply in replies] == [204] * 20 + [429]
    assert replies[-1].headers["RateLimit-Reason"] == "jira-per-issue-on-write"
    assert write(other).status == 204
    sent = 0
    for _ in range(300):  # five a second fit the short limit and not the long one
        rig.advance(seconds=0.2)
        sent += write(key).status == 204
    assert 270 <= sent <= 281


def test_a_refused_write_changes_nothing(make: Callable[..., Rig]) -> None:
    rig = make(limits=True)
    key = rig.ticket()
    for n in range(25):
        rig.put(key, {"fields": {"customfield_10111": n}})
    assert rig.fields(key)["customfield_10111"] == 19


def test_a_quota_stops_everything_until_the_hour_is_over(make: Callable[..., Rig]) -> None:
    rig = make(limits=True, points=3)
    statuses = [rig.call("GET", "/rest/api/3/serverInfo").status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = rig.call("GET", "/rest/api/3/myself")
    assert refused.headers["RateLimit-Reason"] == "jira-quota-tenant-based"
    assert refused.headers["Retry-After"] == "3600"
    rig.advance(hours=1)
    assert rig.call("GET", "/rest/api/3/myself").status == 200


def bulk(*keys: str, **more: Any) -> dict[str, Any]:
    return {
        "selectedActions": ["priority"],
        "selectedIssueIdsOrKeys": list(keys),
        "editedFieldsInput": {"priority": {"priorityId": "1"}},
        **more,
    }


def progress(rig: Rig, task: str) -> dict[str, Any]:
    shown: dict[str, Any] = rig.call("GET", f"/rest/api/3/bulk/queue/{task}").json
    return shown


def test_a_bulk_edit_is_accepted_worked_and_may_fail_in_part(rig: Rig) -> None:
    one, two, closed = rig.ticket(author="anna"), rig.ticket(), rig.ticket()
    rig.site.people.delete(closed, "root")
    made = rig.call("POST", EDIT, bulk(one, two, closed, "SUP-99"))
    assert made.status == 201
    task = made.json["taskId"]
    assert progress(rig, task)["status"] == "ENQUEUED"
    rig.advance(seconds=0.6)
    assert progress(rig, task)["status"] == "RUNNING"
    rig.advance(seconds=10)
    done = progress(rig, task)
    assert (done["status"], done["progressPercent"], done["invalidOrInaccessibleIssueCount"]) == ("COMPLETE", 100, 2)
    assert done["processedAccessibleIssues"] == [10001, 10002]
    assert rig.fields(one)["priority"]["id"] == "1"
    assert [e.data["to"] for e in rig.mails(why="edited")] == ["anna@desk.example"]


def test_a_field_off_the_screen_fails_per_issue(make: Callable[..., Rig]) -> None:
    rig = make(unscreened={"SUP": ("customfield_10111",)}, bulk_seconds=0)
    rig.ticket()
    body = bulk(
        "SUP-1",
        selectedActions=["customfield_10111", "labels"],
        editedFieldsInput={
            "clearableNumberFields": [{"fieldId": "customfield_10111", "value": 2}],
            "labelsFields": [
                {"fieldId": "labels", "bulkEditMultiSelectFieldOption": "ADD", "labels": [{"name": "esc"}]}
            ],
        },
    )
    task = rig.call("POST", EDIT, body).json["taskId"]
    rig.advance(seconds=1)
    assert list(progress(rig, task)["failedAccessibleIssues"]) == ["10001"]
    assert rig.fields("SUP-1")["labels"] == []


def test_bulk_mails_are_on_unless_switched_off(rig: Rig) -> None:
    key = rig.ticket(author="anna")
    rig.call("POST", EDIT, bulk(key, sendBulkNotification=False))
    rig.advance(seconds=5)
    assert rig.mails(why="edited") == []


def test_what_is_no_bulk_edit_is_refused(rig: Rig) -> None:
    key = rig.ticket()
    for wrong in (bulk(), bulk(*[key] * 1001), bulk(key, selectedActions=["labels"]), bulk(key, comment="x")):
        reply = rig.call("POST", EDIT, wrong, odd=True)
        assert (reply.status, set(reply.json)) == (400, {"errors"})


def test_progress_is_kept_for_a_fortnight_and_for_its_owner(rig: Rig) -> None:
    task = rig.call("POST", EDIT, bulk(rig.ticket())).json["taskId"]
    assert rig.call("GET", f"/rest/api/3/bulk/queue/{task}", who="anna").status == 400
    rig.advance(days=14, seconds=1)
    assert rig.call("GET", f"/rest/api/3/bulk/queue/{task}").status == 400
