from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from jira import JIRA, JIRAError

from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.site import NewTicket
from connector.sandbox.jira import build

from .conftest import MONDAY, ROSTER, Rig, adf, oracle

STATES = ("ALL_REQUESTS", "OPEN_REQUESTS", "CLOSED_REQUESTS")
DESK = "/rest/servicedeskapi"
API = "/rest/api/3"


def test_fields_are_found_by_name_and_type(rig: Rig) -> None:
    fields = {f["id"]: f for f in rig.call("GET", f"{API}/field").json}
    assert fields["customfield_10030"]["schema"]["type"] == "sd-servicelevelagreement"
    assert fields["customfield_10030"]["schema"]["custom"] == "com.atlassian.servicedesk:sd-sla-field"
    assert fields["customfield_10010"]["schema"]["custom"] == "com.atlassian.servicedesk:vp-origin"
    assert fields["customfield_10111"]["schema"] == {
        "type": "number",
        "custom": "com.atlassian.jira.plugin.system.customfieldtypes:float",
        "customId": 10111,
    }


def test_field_settings_are_for_administrators(make: Callable[..., Rig]) -> None:
    query = {"type": "custom", "query": "impact"}
    assert make().call("GET", f"{API}/field/search", query=query).status == 403
    admin = make(connector_admin=True)
    assert [f["id"] for f in admin.call("GET", f"{API}/field/search", query=query).json["values"]] == [
        "customfield_10101"
    ]
    options = admin.call("GET", f"{API}/field/customfield_10101/context/10100/option").json["values"]
    assert [o["value"] for o in options] == ["site", "department", "team", "user"]


def test_priorities_statuses_projects_and_groups_are_listed(rig: Rig) -> None:
    found = rig.call("GET", f"{API}/priority/search", query={"projectId": "10000"}).json["values"]
    assert [(p["id"], p["name"]) for p in found] == [("1", "Highest"), ("2", "High"), ("3", "Medium"), ("4", "Low")]
    assert "Waiting for customer" in [s["name"] for s in rig.call("GET", f"{API}/status").json]
    assert [p["key"] for p in rig.call("GET", f"{API}/project/search").json["values"]] == ["SUP", "HR"]
    assert [p["key"] for p in rig.call("GET", f"{API}/project").json] == ["SUP", "HR"]
    assert rig.call("GET", f"{API}/project/SUP").json["projectTypeKey"] == "service_desk"
    assert rig.call("GET", f"{API}/groups/picker", query={"query": "desk"}).json["total"] == 1
    members = rig.call("GET", f"{API}/group/member", query={"groupId": "service-desk"}).json["values"]
    assert [m["accountId"] for m in members] == ["qm:anna"]
    assert rig.call("GET", f"{API}/group/member", query={"groupname": "none"}).status == 404


def test_people_are_found(rig: Rig) -> None:
    assert rig.call("GET", f"{API}/user", query={"accountId": "qm:ben"}).json["displayName"] == "Ben Backline"
    assert rig.call("GET", f"{API}/user", query={"accountId": "qm:none"}).status == 404
    assert [u["accountId"] for u in rig.call("GET", f"{API}/user/search", query={"query": "anna"}).json] == [
        "qm:anna",
        "qm:hanna",
    ]
    assignable = rig.call("GET", f"{API}/user/assignable/search", query={"project": "SUP"}).json
    assert {u["accountId"] for u in assignable} == {"qm:connector", "qm:anna", "qm:ben", "qm:hanna", "qm:root"}


def test_who_can_be_given_issues_is_looked_for_among_the_users_in_range(make: Callable[..., Rig]) -> None:
    rig = make()
    everybody = [u["accountId"] for u in rig.call("GET", f"{API}/users/search").json]
    assert len(everybody) == len(ROSTER.people) + 2
    for start, size in ((0, 1), (1, 1), (2, 3), (999, 5)):
        query = {"project": "SUP", "startAt": str(start), "maxResults": str(size)}
        shown = [u["accountId"] for u in rig.call("GET", f"{API}/user/assignable/search", query=query).json]
        assert set(shown) <= set(everybody[start : start + size])
    assert (
        rig.call(
            "GET", f"{API}/user/assignable/search", query={"project": "SUP", "startAt": "1", "maxResults": "1"}
        ).json
        == []
    )
    query = {"project": "SUP", "accountId": "qm:ben"}
    assert len(rig.call("GET", f"{API}/user/assignable/search", query=query).json) == 1
    assert [u["accountId"] for u in rig.call("GET", f"{API}/users/search", query={"startAt": "1"}).json] == everybody[
        1:
    ]
    shy = make(connector_permissions=("BROWSE_PROJECTS",))
    assert shy.call("GET", f"{API}/users/search").status == 403


def test_organizations_and_desks_are_listed(rig: Rig) -> None:
    assert rig.call("GET", f"{DESK}/organization").json["values"][0]["name"] == "ACME"
    assert rig.call("GET", f"{DESK}/organization", query={"accountId": "qm:dirk"}).json["values"] == []
    assert [u["accountId"] for u in rig.call("GET", f"{DESK}/organization/1/user").json["values"]] == ["qm:carla"]
    assert rig.call("GET", f"{DESK}/organization/9").status == 404
    assert [d["projectKey"] for d in rig.call("GET", f"{DESK}/servicedesk").json["values"]] == ["SUP", "HR"]
    names = [t["name"] for t in rig.call("GET", f"{DESK}/servicedesk/1/requesttype").json["values"]]
    assert {"incident", "security-incident"} <= set(names)


def test_a_queue_shows_its_own_fields_alone(rig: Rig) -> None:
    key = rig.ticket(assignee="anna")
    queues = rig.call("GET", f"{DESK}/servicedesk/1/queue", query={"includeCount": "true"}).json["values"]
    assert [(q["name"], q["issueCount"]) for q in queues] == [("All open", 1), ("Unassigned", 0)]
    (issue,) = rig.call("GET", f"{DESK}/servicedesk/1/queue/1/issue").json["values"]
    assert (issue["key"], set(issue["fields"])) == (key, {"issuetype", "summary", "status", "created", "priority"})


def test_a_request_is_shown_with_its_status(rig: Rig) -> None:
    key = rig.ticket()
    shown = rig.call("GET", f"{DESK}/request/{key}", query={"expand": "sla"}).json
    assert (shown["issueKey"], shown["currentStatus"]["statusCategory"], shown["sla"]["size"]) == (key, "NEW", 2)
    rig.site.people.set_status(rig.ticket("done"), "anna", "solved")
    listed = {
        status: rig.call("GET", f"{DESK}/request", query={"requestStatus": status}).json["size"] for status in STATES
    }
    assert listed == {"ALL_REQUESTS": 2, "OPEN_REQUESTS": 1, "CLOSED_REQUESTS": 1}


def test_portal_customers_have_no_platform(rig: Rig) -> None:
    key = rig.ticket()
    assert rig.call("PUT", f"{API}/issue/{key}", {"fields": {"priority": {"id": "1"}}}, who="carla").status == 403
    found = rig.call("GET", f"{DESK}/servicedesk/1/customer", query={"query": "carla"}).json["values"]
    assert [user["accountId"] for user in found] == ["qm:carla"]


def test_synthetic_issues_are_there_from_the_start(make: Callable[..., Rig]) -> None:
    rig = make(load=50, load_fields=40)
    found = rig.call("POST", f"{API}/search/jql", {"jql": "project = SUP", "fields": ["*all"], "maxResults": 100}).json[
        "issues"
    ]
    assert len(found) == 50
    assert len(found[0]["fields"]) >= 80
    again = make(load=50, load_fields=40)
    assert again.fields("SUP-7") == rig.fields("SUP-7")
    assert rig.put("SUP-7", {"fields": {"priority": {"id": "1"}}}).status == 204
    assert rig.search("priority = Highest AND key = SUP-7") == ["SUP-7"]


def test_the_clock_and_the_seed_alone_decide(make: Callable[..., Rig]) -> None:
    def story() -> list[object]:
        rig = make(index_lag=(0, 120))
        found: list[object] = []
        for n in range(5):
            rig.ticket(str(n))
            rig.advance(seconds=30)
            found.append(rig.call("POST", f"{API}/search/jql", {"jql": "project = SUP", "maxResults": 2}).json)
        return found

    assert story() == story()


def test_the_view_and_the_scope_serve_scripts(rig: Rig) -> None:
    key = rig.ticket(group="service-desk", impact="team", priority="P2")
    (seen,) = rig.site.view()
    assert (seen["ticket"], seen["status"], seen["priority"], seen["group"]) == (key, "new", "P2", "service-desk")
    assert seen["fields"]["impact"] == "team"
    with pytest.raises(ValueError, match="impact cannot be 'galaxy'"):
        rig.site.people.set_field(key, "anna", "impact", "galaxy")
    with pytest.raises(KeyError):
        rig.site.people.set_status("SUP-9", "anna", "open")


def test_the_vendors_document_is_really_asked() -> None:
    check = oracle("jira-v3")
    if check is None:
        pytest.skip("the vendor's document is absent")
    url = "https://site.example/rest/api/3/search/jql"
    good = {"issues": [{"id": "1"}], "isLast": True}
    assert check("POST", url, request={"jql": "x"}, status=200, response=good) == []
    bad = copy.deepcopy(good) | {"total": 1}
    assert check("POST", url, request={"jql": "x", "startAt": 0}, status=200, response=bad) != []


# -- the public client -------------------------------------------------------------------------


@pytest.fixture
def served() -> Iterator[Sandbox]:
    spec = SiteSpec(name="jsm-eu", kind="jira", build=build, roster=ROSTER, options={"index_lag": (0, 0)})
    with Sandbox((spec,), ClockOptions(start=MONDAY)) as sandbox:
        yield sandbox


def client(sandbox: Sandbox) -> JIRA:
    auth = sandbox.site("jsm-eu").describe()["auth"]["basic"]
    jira = JIRA(
        sandbox.url("jsm-eu"),
        basic_auth=(auth["email"], auth["token"]),
        get_server_info=False,
        max_retries=0,
        options={"rest_api_version": "3"},
    )
    jira.deploymentType = "Cloud"  # what asking for the server's information would have set
    return jira


def test_the_public_client_works_here(served: Sandbox) -> None:
    with served.clock.lock:
        keys = [
            served.site("jsm-eu").people.create_ticket(NewTicket(subject=f"n {n}", body="b", requester="carla"))
            for n in range(3)
        ]
    jira = client(served)
    try:
        assert jira.server_info()["deploymentType"] == "Cloud"
        assert jira.myself()["accountId"] == "qm:connector"
        assert [project.key for project in jira.projects()] == ["SUP", "HR"]
        found = jira.enhanced_search_issues(
            "project = SUP ORDER BY key ASC", maxResults=2, fields=["summary", "status"]
        )
        assert [issue.key for issue in found] == keys[:2]
        every = jira.enhanced_search_issues("project = SUP ORDER BY key ASC", maxResults=0, fields="summary")
        assert [issue.key for issue in every] == keys
        issue = jira.issue(keys[0], expand="changelog")
        assert issue.fields.status.name == "Open"
        issue.update(fields={"priority": {"id": "1"}})
        assert jira.issue(keys[0]).fields.priority.name == "Highest"
        comment = jira.add_comment(keys[0], adf("hello"))
        assert [c.id for c in jira.comments(keys[0])] == [comment.id]
        jira.assign_issue(keys[0], "anna@desk.example")
        assert jira.issue(keys[0]).fields.assignee.displayName == "Anna Agent"
        assert [t["name"] for t in jira.transitions(keys[1])][-1] == "Resolve this issue"
        jira.transition_issue(keys[1], "Resolve this issue")
        assert jira.issue(keys[1]).fields.resolution.name == "Done"
        assert {f["name"] for f in jira.fields()} >= {"Impact", "Time to resolution"}
        with pytest.raises(JIRAError) as caught:
            jira.issue("SUP-99")
        assert caught.value.status_code == 404
    finally:
        jira.close()
    served.clock.advance(timedelta(seconds=1))
