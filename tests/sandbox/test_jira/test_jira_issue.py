from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Rig, adf

BULKFETCH = "/rest/api/3/issue/bulkfetch"
CHANGELOGS = "/rest/api/3/changelog/bulkfetch"


def one(rig: Rig, key: str, ending: str = "") -> str:
    return f"/rest/api/3/issue/{key}{ending}"


def test_an_issue_shows_its_fields_in_vendor_form(rig: Rig) -> None:
    key = rig.ticket(
        "Mail is down", impact="site", labels=("b", "a"), group="service-desk", fields={"category": "email"}
    )
    shown = rig.fields(key)
    assert shown["customfield_10101"]["value"] == "site"
    assert shown["customfield_10102"] is None
    assert shown["customfield_10104"]["value"] == "platinum"
    assert shown["customfield_10114"]["value"] == "service-desk"
    assert shown["customfield_10010"]["requestType"]["name"] == "incident"
    assert [o["name"] for o in shown["customfield_10002"]] == ["ACME"]
    assert shown["labels"] == ["a", "b"]
    assert shown["assignee"] is None
    assert shown["priority"]["name"] == "Medium"
    assert shown["status"]["statusCategory"]["key"] == "new"
    assert shown["description"]["type"] == "doc"
    assert shown["reporter"]["accountId"] == "qm:carla"
    assert "emailAddress" not in shown["reporter"]
    assert shown["created"] == shown["updated"] == "2026-11-23T09:00:00.000+0100"


def test_fields_can_be_chosen_and_left_out(rig: Rig) -> None:
    key = rig.ticket()
    assert set(rig.fields(key, "summary", "nonsense", "status")) == {"summary", "status"}
    assert "comment" in rig.fields(key)
    assert {"summary", "comment"}.isdisjoint(rig.fields(key, "*all", "-comment", "-summary"))


def test_one_put_writes_fields_labels_and_a_property(rig: Rig) -> None:
    key = rig.ticket(labels=("old",))
    rig.advance(minutes=5)
    body = {
        "fields": {
            "priority": {"id": "1"},
            "customfield_10111": 2,
            "customfield_10112": "security",
            "customfield_10113": "2026-11-23T10:00:00.000+0000",
            "customfield_10114": {"value": "second-line"},
            "assignee": {"accountId": "qm:ben"},
        },
        "update": {"labels": [{"add": "esc"}, {"remove": "old"}]},
        "properties": [{"key": "esc.marker", "value": {"op": "x"}}],
    }
    reply = rig.put(key, body)
    assert (reply.status, reply.body) == (204, b"")
    shown = rig.fields(key)
    assert (shown["priority"]["id"], shown["customfield_10111"], shown["customfield_10112"]) == ("1", 2.0, "security")
    assert shown["customfield_10113"] == "2026-11-23T11:00:00.000+0100"
    assert (shown["customfield_10114"]["value"], shown["assignee"]["displayName"]) == ("second-line", "Ben Backline")
    assert shown["labels"] == ["esc"]
    assert shown["updated"] == "2026-11-23T09:05:00.000+0100"
    assert rig.call("GET", one(rig, key, "/properties/esc.marker")).json == {"key": "esc.marker", "value": {"op": "x"}}
    assert rig.put(key, {"fields": {"priority": {"id": "2"}}}, query={"returnIssue": "true"}).json["key"] == key


def test_an_edit_that_changes_nothing_leaves_no_trace(rig: Rig) -> None:
    key = rig.ticket()
    rig.advance(minutes=1)
    before = rig.fields(key)["updated"]
    assert rig.put(key, {"fields": {"priority": {"id": "3"}}}).status == 204
    assert rig.fields(key)["updated"] == before
    assert rig.call("GET", one(rig, key, "/changelog")).json["total"] == 0


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"customfield_99999": "x"}, "customfield_99999"),
        ({"customfield_10030": 3}, "customfield_10030"),
        ({"status": {"id": "5"}}, "status"),
        ({"priority": {"id": "9"}}, "priority"),
        ({"priority": None}, "priority"),
        ({"customfield_10114": {"value": "nobody"}}, "customfield_10114"),
        ({"customfield_10114": "service-desk"}, "customfield_10114"),
        ({"customfield_10111": "2"}, "customfield_10111"),
        ({"customfield_10113": "tomorrow"}, "customfield_10113"),
        ({"customfield_10113": "2026-11-23T10:00+00:00"}, "customfield_10113"),
        ({"customfield_10113": "2026-11-23T10:00:00.000+00:00"}, "customfield_10113"),
        ({"customfield_10113": "2026-11-23T10:00:00+0000"}, "customfield_10113"),
        ({"customfield_10113": 1795428000000}, "customfield_10113"),
        ({"customfield_10112": "x" * 256}, "customfield_10112"),
        ({"customfield_10112": {"type": "doc"}}, "customfield_10112"),
        ({"customfield_10115": "a text in a rich field"}, "customfield_10115"),
        ({"description": "plain"}, "description"),
        ({"labels": ["two words"]}, "labels"),
        ({"assignee": {"accountId": "qm:carla"}}, "assignee"),
        ({"assignee": {"accountId": "qm:nobody"}}, "assignee"),
        ({"summary": "two\nlines"}, "summary"),
    ],
)
def test_one_wrong_field_refuses_the_whole_edit_by_name(rig: Rig, fields: dict[str, Any], named: str) -> None:
    key = rig.ticket()
    reply = rig.put(
        key, {"fields": {"customfield_10112": "fine", **fields} if named != "customfield_10112" else fields}
    )
    assert reply.status == 400
    assert set(reply.json["errors"]) == {named}
    assert rig.fields(key, "customfield_10112")["customfield_10112"] is None


def test_a_field_off_the_screen_of_its_project_is_refused(make: Callable[..., Rig]) -> None:
    rig = make(unscreened={"SUP": ("customfield_10111",)})
    key = rig.ticket()
    reply = rig.put(key, {"fields": {"customfield_10111": 1, "priority": {"id": "1"}}})
    assert (reply.status, set(reply.json["errors"])) == (400, {"customfield_10111"})
    assert rig.fields(key, "priority")["priority"]["id"] == "3"
    assert "customfield_10111" not in rig.call("GET", one(rig, key, "/editmeta")).json["fields"]


@pytest.mark.parametrize(
    "body", [{"field": {}}, {"fields": {}, "notify": True}, {}, {"fields": {}}, {"transition": {"id": "61"}}, ["x"]]
)
def test_edits_that_are_not_edits_are_refused(rig: Rig, body: Any) -> None:
    assert rig.put(rig.ticket(), body, odd=True).status == 400


def test_absent_hidden_and_foreign_issues_look_alike(rig: Rig) -> None:
    hidden = rig.ticket(type="hr")
    assert hidden == "HR-1"
    for key in (hidden, "SUP-99", "NOPE-1"):
        reply = rig.call("GET", one(rig, key))
        assert (reply.status, reply.json["errorMessages"]) == (
            404,
            ["Issue does not exist or you do not have permission to see it."],
        )
        assert rig.put(key, {"fields": {"priority": {"id": "1"}}}).status == 404
    assert rig.search("project in (SUP, HR)") == []
    assert rig.call("GET", one(rig, hidden), who="hanna").status == 200


def test_the_connector_may_be_let_into_the_security_level(make: Callable[..., Rig]) -> None:
    rig = make(sees_security=True)
    assert rig.fields(rig.ticket(type="hr"))["security"]["name"] == "confidential"


def test_mails_on_edit_go_to_watchers_and_only_administrators_leave_them_out(make: Callable[..., Rig]) -> None:
    edit = {"fields": {"priority": {"id": "1"}}}
    silent: dict[str, Any] = {"query": {"notifyUsers": "false"}}
    results = []
    for options in ({}, {"notify_flag": "ignore"}, {"connector_admin": True}):
        rig = make(**options)
        key = rig.ticket(author="anna")
        results.append((rig.put(key, edit, **silent).status, len(rig.mails(why="edited"))))
    assert results == [(403, 0), (204, 1), (204, 0)]
    rig = make()
    rig.put(rig.ticket(author="anna"), edit)
    assert [e.data["to"] for e in rig.mails(why="edited")] == ["anna@desk.example"]


def test_conflicts_can_be_ordered(make: Callable[..., Rig]) -> None:
    rig = make(conflict_every=2)
    key = rig.ticket()
    statuses = [rig.put(key, {"fields": {"customfield_10111": n}}).status for n in range(1, 5)]
    assert statuses == [204, 409, 204, 409]
    assert rig.fields(key)["customfield_10111"] == 3


def test_assignee_has_its_own_operation(rig: Rig) -> None:
    key = rig.ticket()
    assert rig.call("PUT", one(rig, key, "/assignee"), {"accountId": "qm:anna"}).status == 204
    assert rig.fields(key, "assignee")["assignee"]["accountId"] == "qm:anna"
    assert rig.call("PUT", one(rig, key, "/assignee"), {"accountId": "qm:dirk"}).status == 400
    assert rig.call("PUT", one(rig, key, "/assignee"), {"accountId": None}, odd=True).status == 204
    assert rig.fields(key, "assignee")["assignee"] is None


def test_transitions_lead_on_by_their_ids(rig: Rig) -> None:
    key = rig.ticket()
    possible = {t["name"]: t["id"] for t in rig.call("GET", one(rig, key, "/transitions")).json["transitions"]}
    assert "Resolve this issue" in possible
    go = {"transition": {"id": possible["Resolve this issue"]}, "fields": {"resolution": {"name": "Done"}}}
    assert rig.call("POST", one(rig, key, "/transitions"), go).status == 204
    shown = rig.fields(key)
    assert (shown["status"]["name"], shown["resolution"]["name"]) == ("Resolved", "Done")
    assert shown["resolutiondate"] == "2026-11-23T09:00:00.000+0100"
    assert rig.call("POST", one(rig, key, "/transitions"), go).status == 400
    assert [e.data["to"] for e in rig.mails(why="resolved")] == ["carla@acme.example"]


def test_closed_issues_take_no_edit(rig: Rig) -> None:
    key = rig.ticket()
    rig.site.people.close(key, "anna")
    assert rig.put(key, {"fields": {"priority": {"id": "1"}}}).status == 400
    assert rig.call("GET", one(rig, key, "/transitions")).json["transitions"] == []
    with pytest.raises(ValueError, match="closed"):
        rig.site.people.set_status(key, "anna", "open")


def test_a_moved_issue_answers_to_its_former_key(rig: Rig) -> None:
    key = rig.ticket()
    new = rig.site.people.move(key, "hanna", "HR")
    assert new == "HR-1"
    assert rig.call("GET", one(rig, key), who="hanna").json["key"] == new
    fetched = rig.call("POST", BULKFETCH, {"issueIdsOrKeys": [key], "fields": ["summary"]}, who="hanna").json
    assert [issue["key"] for issue in fetched["issues"]] == [new]


def test_deleted_issues_are_gone_at_once_but_not_from_the_index(make: Callable[..., Rig]) -> None:
    rig = make(index_lag=(30, 30))
    key = rig.ticket()
    rig.advance(seconds=30)
    rig.site.people.delete(key, "root")
    assert rig.call("GET", one(rig, key)).status == 404
    assert rig.search("project = SUP") == [key]
    rig.advance(seconds=30)
    assert rig.search("project = SUP") == []


def test_bulkfetch_sorts_by_id_and_names_what_it_could_not_read(rig: Rig) -> None:
    made = [rig.ticket(str(n)) for n in range(3)]
    hidden = rig.ticket(type="hr")
    wanted = [made[2], "10001", hidden, "SUP-77"]
    found = rig.call("POST", BULKFETCH, {"issueIdsOrKeys": wanted, "fields": ["summary"], "expand": ["changelog"]}).json
    assert [issue["key"] for issue in found["issues"]] == [made[0], made[2]]
    assert found["issues"][0]["changelog"]["total"] == 0
    assert [error["id"] for error in found["issueErrors"]] == [hidden, "SUP-77"]
    assert rig.call("POST", BULKFETCH, {"issueIdsOrKeys": [str(n) for n in range(101)]}).status == 400
    assert rig.call("POST", BULKFETCH, {"issueIdsOrKeys": []}, odd=True).status == 400


def test_changelogs_tell_who_changed_what_oldest_first(rig: Rig) -> None:
    key, other = rig.ticket(), rig.ticket("Other")
    rig.advance(seconds=10)
    rig.put(key, {"fields": {"priority": {"id": "1"}, "customfield_10111": 1}})
    rig.advance(seconds=10)
    rig.site.people.set_priority(key, "rival", "P4")
    rig.site.people.set_priority(other, "anna", "P2")
    logs = rig.call("POST", CHANGELOGS, {"issueIdsOrKeys": [other, key], "fieldIds": ["priority"]}).json
    told = {
        log["issueId"]: [(h["author"]["accountId"], h["items"][0]["toString"]) for h in log["changeHistories"]]
        for log in logs["issueChangeLogs"]
    }
    assert told == {"10001": [("qm:connector", "Highest"), ("qm:rival", "Low")], "10002": [("qm:anna", "High")]}
    assert logs["issueChangeLogs"][0]["changeHistories"][0]["created"] == 1795420810
    single = rig.call("GET", one(rig, key, "/changelog"), query={"maxResults": 1}).json
    assert (single["total"], single["isLast"], len(single["values"])) == (2, False, 1)
    assert [i["field"] for i in single["values"][0]["items"]] == ["priority", "Level"]


def test_bulk_changelogs_have_pages_and_limits(rig: Rig) -> None:
    key = rig.ticket()
    for level in ("P1", "P2", "P3", "P4", "P1"):
        rig.site.people.set_priority(key, "anna", level)
    seen, token = [], None
    while True:
        more = {"nextPageToken": token} if token else {}
        page = rig.call("POST", CHANGELOGS, {"issueIdsOrKeys": [key], "maxResults": 2, **more}).json
        seen += [h["items"][0]["toString"] for log in page["issueChangeLogs"] for h in log["changeHistories"]]
        token = page.get("nextPageToken")
        if token is None:
            break
    assert seen == ["Highest", "High", "Medium", "Low", "Highest"]
    many = {"issueIdsOrKeys": [key], "fieldIds": [str(n) for n in range(11)]}
    assert rig.call("POST", CHANGELOGS, many, odd=True).status == 400
    many = {"issueIdsOrKeys": [str(n) for n in range(1001)]}
    assert rig.call("POST", CHANGELOGS, many, odd=True).status == 400


def test_the_form_of_bulk_changelog_moments_is_a_switch(make: Callable[..., Rig]) -> None:
    forms = []
    for form in ("seconds", "millis", "iso"):
        rig = make(changelog_created=form)
        key = rig.ticket()
        rig.site.people.set_priority(key, "anna", "P1")
        logs = rig.call("POST", CHANGELOGS, {"issueIdsOrKeys": [key]}).json["issueChangeLogs"]
        forms.append(logs[0]["changeHistories"][0]["created"])
    assert forms == [1795420800, 1795420800000, "2026-11-23T09:00:00.000+0100"]


def test_embedded_changelogs_hold_the_newest_forty(rig: Rig) -> None:
    key = rig.ticket()
    for n in range(45):
        rig.put(key, {"fields": {"customfield_10111": n}})
    shown = rig.call("GET", one(rig, key), query={"expand": "changelog", "fields": "summary"}).json["changelog"]
    assert (shown["total"], len(shown["histories"])) == (45, 40)
    assert shown["histories"][0]["items"][0]["toString"] == "44.0"


def test_properties_are_created_replaced_read_and_removed(rig: Rig) -> None:
    key = rig.ticket()
    path = one(rig, key, "/properties/esc.state")
    assert [rig.call("PUT", path, body).status for body in ({"a": 1}, [2])] == [201, 200]
    assert rig.call("GET", path).json["value"] == [2]
    assert [k["key"] for k in rig.call("GET", one(rig, key, "/properties")).json["keys"]] == ["esc.state"]
    assert [rig.call("DELETE", path).status for _ in range(2)] == [204, 404]
    assert rig.call("GET", path).status == 404
    assert rig.call("PUT", one(rig, key, "/properties/" + "k" * 256), {}).status == 400
    assert rig.call("PUT", path, "x" * 32768).status == 400


def test_whether_a_property_moves_updated_is_a_switch(make: Callable[..., Rig]) -> None:
    moved = []
    for bumps in (False, True):
        rig = make(property_bumps_updated=bumps)
        key = rig.ticket()
        rig.advance(minutes=1)
        before = rig.fields(key)["updated"]
        rig.put(key, {"properties": [{"key": "k", "value": 1}]})
        moved.append(rig.fields(key)["updated"] != before)
    assert moved == [False, True]


def test_issues_can_be_created_linked_and_deleted_by_those_who_may(rig: Rig) -> None:
    other = rig.ticket()
    body = {"fields": {"project": {"key": "SUP"}, "issuetype": {"name": "[System] Incident"}, "summary": "New"}}
    made = rig.call("POST", "/rest/api/3/issue", body)
    assert made.status == 201
    key = made.json["key"]
    link = {"type": {"name": "Relates"}, "inwardIssue": {"key": key}, "outwardIssue": {"key": other}}
    assert rig.call("POST", "/rest/api/3/issueLink", link).status == 201
    assert rig.fields(key, "issuelinks")["issuelinks"][0]["outwardIssue"]["key"] == other
    assert rig.fields(other, "issuelinks")["issuelinks"][0]["inwardIssue"]["key"] == key
    assert rig.call("DELETE", one(rig, key)).status == 403
    assert rig.call("DELETE", one(rig, key), who="root").status == 204
    assert rig.call("POST", "/rest/api/3/issue", {"fields": {"project": {"key": "NO"}, "summary": "x"}}).status == 400


def test_a_duplicate_is_resolved_with_a_link(rig: Rig) -> None:
    key, into = rig.ticket(), rig.ticket("Same")
    rig.site.people.merge(key, "anna", into)
    shown = rig.fields(key)
    assert (shown["resolution"]["name"], shown["status"]["name"]) == ("Duplicate", "Resolved")
    assert shown["issuelinks"][0]["type"]["name"] == "Duplicate"


@pytest.mark.parametrize("path", ["/rest/api/3/nothing", "/rest/api/3/issue/SUP-1/nothing", "/"])
def test_unknown_paths_and_methods_are_refused(rig: Rig, path: str) -> None:
    assert rig.call("GET", path, odd=True).status == 404
    assert rig.call("PATCH", "/rest/api/3/myself", odd=True).status == 405
    assert rig.call("GET", "/rest/api/3/myself", query={"nonsense": "1"}, odd=True).status == 400


def test_text_survives_as_written(rig: Rig) -> None:
    odd = "Ünï 日本 \u202e {{x}} [~a] <b>"
    key = rig.ticket(odd, body=odd)
    shown = rig.fields(key)
    assert (shown["summary"], shown["description"]) == (odd, adf(odd))


def test_links_can_be_read_and_removed(rig: Rig) -> None:
    one_key, two_key = rig.ticket(), rig.ticket()
    types = [t["name"] for t in rig.call("GET", "/rest/api/3/issueLinkType").json["issueLinkTypes"]]
    assert types == ["Blocks", "Duplicate", "Relates", "Problem/Incident"]
    rig.site.people.link(one_key, "anna", two_key)
    number = rig.fields(one_key, "issuelinks")["issuelinks"][0]["id"]
    path = f"/rest/api/3/issueLink/{number}"
    shown = rig.call("GET", path).json
    assert (shown["inwardIssue"]["key"], shown["outwardIssue"]["key"]) == (one_key, two_key)
    assert [rig.call("DELETE", path).status, rig.call("DELETE", path).status, rig.call("GET", path).status] == [
        204,
        404,
        404,
    ]
    assert rig.fields(one_key, "issuelinks")["issuelinks"] == []
    unknown = {"type": {"name": "Loves"}, "inwardIssue": {"key": one_key}, "outwardIssue": {"key": two_key}}
    assert rig.call("POST", "/rest/api/3/issueLink", unknown).status == 404


def test_watchers_are_listed_and_added_and_hear_of_edits(rig: Rig) -> None:
    key = rig.ticket()
    watchers = one(rig, key, "/watchers")
    assert rig.call("GET", watchers).json["watchCount"] == 0
    assert rig.call("POST", watchers, "qm:ben").status == 204
    assert rig.call("POST", watchers, "qm:nobody").status == 404
    shown = rig.call("GET", watchers).json
    assert ([w["accountId"] for w in shown["watchers"]], shown["isWatching"]) == (["qm:ben"], False)
    rig.put(key, {"fields": {"priority": {"id": "1"}}})
    assert [e.data["to"] for e in rig.mails(why="edited")] == ["ben@desk.example"]


def test_links_in_answers_stay_on_the_address_that_was_called(rig: Rig) -> None:
    key = rig.ticket()
    gateway = rig.site.describe()["api_path"]
    shown = rig.call("GET", f"{gateway}{one(rig, key)}").json
    assert shown["self"] == f"http://127.0.0.1:1{gateway}/rest/api/3/issue/10001"


def test_edits_in_update_form_set_any_field_and_never_twice(rig: Rig) -> None:
    key = rig.ticket()
    both = {"fields": {"labels": ["a"]}, "update": {"labels": [{"add": "b"}]}}
    assert set(rig.put(key, both).json["errors"]) == {"labels"}
    assert rig.put(key, {"update": {"priority": [{"set": {"id": "2"}}]}}).status == 204
    assert rig.fields(key, "priority")["priority"]["id"] == "2"
    for wrong in (
        {"priority": [{"add": {"id": "1"}}]},
        {"labels": [{"add": "a", "remove": "b"}]},
        {"nothing": [{"set": 1}]},
    ):
        assert rig.put(key, {"update": wrong}).status == 400
    dates = {"duedate": "2026-12-01", "customfield_10002": [1]}
    assert rig.put(key, {"fields": dates}).status == 204
    assert rig.fields(key, "duedate")["duedate"] == "2026-12-01"
    assert set(rig.put(key, {"fields": {"duedate": "soon", "customfield_10002": [7]}}).json["errors"]) == set(dates)
