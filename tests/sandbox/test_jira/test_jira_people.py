from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.sandbox.assembly import Sandbox
from connector.sandbox.serve import ServeOptions, make_sandbox

from .conftest import ROSTER, Rig, adf


@contextmanager
def told(options: ServeOptions) -> Iterator[Sandbox]:
    sandbox = make_sandbox(options)
    try:
        yield sandbox
    finally:
        sandbox.stop()


def test_every_verb_of_people_shows_in_the_api(rig: Rig) -> None:
    people, key = rig.site.people, rig.ticket()
    other = rig.ticket("Other")
    people.set_priority(key, "anna", "P2")
    people.set_field(key, "anna", "urgency", "blocked")
    people.assign(key, "anna", "ben")
    people.set_group(key, "anna", "second-line")
    people.add_labels(key, "anna", ("vip", "news"))
    people.remove_labels(key, "rival", ("news",))
    people.set_status(key, "anna", "on_hold")
    people.link(key, "anna", other)
    people.link(key, "anna", "https://wiki.example/1")
    shown = rig.fields(key)
    assert (shown["priority"]["name"], shown["customfield_10102"]["value"]) == ("High", "blocked")
    assert (shown["assignee"]["accountId"], shown["customfield_10114"]["value"]) == ("qm:ben", "second-line")
    assert (shown["labels"], shown["status"]["name"]) == (["vip"], "Pending")
    assert shown["issuelinks"][0]["outwardIssue"]["key"] == other
    assert rig.call("GET", f"/rest/api/3/issue/{key}/remotelink").json[0]["object"]["url"] == "https://wiki.example/1"
    told = {(e.data["name"], e.actor, e.via) for e in rig.facts if e.kind == "field" and e.ticket == key}
    assert told == {
        ("priority", "anna", "people"),
        ("urgency", "anna", "people"),
        ("assignee", "anna", "people"),
        ("group", "anna", "people"),
        ("labels", "anna", "people"),
        ("labels", "rival", "bot"),
        ("status", "anna", "people"),
    }


def test_what_the_screens_would_refuse_is_refused(rig: Rig) -> None:
    people, key = rig.site.people, rig.ticket()
    with pytest.raises(ValueError, match="empty"):
        people.set_priority(key, "anna", None)
    with pytest.raises(ValueError, match="cannot be assigned"):
        people.assign(key, "anna", "carla")
    with pytest.raises(ValueError, match="no field"):
        people.set_field(key, "anna", "mood", "good")
    with pytest.raises(ValueError, match="no request type"):
        rig.ticket(type="rant")
    with pytest.raises(KeyError):
        rig.ticket(requester="nobody")
    with pytest.raises(KeyError):
        people.link(key, "anna", "nowhere")
    people.close(key, "anna")
    for refused in (lambda: people.set_priority(key, "anna", "P1"), lambda: people.close(key, "anna")):
        with pytest.raises(ValueError, match="closed"):
            refused()


def test_category_takes_new_words_where_nobody_listed_any(make: Callable[..., Rig]) -> None:
    gardening = {"category": "gardening"}
    with pytest.raises(ValueError, match="category cannot be"):
        make().ticket(fields=gardening)
    rig = make(roster=replace(ROSTER, choices={}))
    assert rig.fields(rig.ticket(fields=gardening))["customfield_10103"]["value"] == "gardening"
    assert rig.put("SUP-1", {"fields": {"customfield_10103": {"value": "cooking"}}}).status == 400


def test_mails_leave_for_customers_on_creation_answer_and_solution_alone(rig: Rig) -> None:
    key = rig.ticket(author="anna")
    rig.put(key, {"fields": {"priority": {"id": "1"}, "customfield_10111": 2}})
    rig.site.people.comment(key, "anna", "internal", public=False)
    rig.call("POST", f"/rest/servicedeskapi/request/{key}/comment", {"body": "note", "public": False})
    rig.site.people.comment(key, "anna", "public")
    rig.site.people.set_status(key, "anna", "solved")
    assert [e.data["why"] for e in rig.mails(to="carla@acme.example")] == ["created", "commented", "resolved"]


def test_restricted_comments_are_for_their_group(rig: Rig) -> None:
    key = rig.ticket()
    path = f"/rest/api/3/issue/{key}/comment"
    body = {"body": adf("x"), "visibility": {"type": "group", "value": "service-desk"}}
    assert rig.call("POST", path, body, who="anna").status == 201
    assert [rig.call("GET", path, who=who).json["total"] for who in ("anna", "ben", "connector")] == [1, 0, 0]


def test_the_demo_plays_on_this_site_without_a_refusal() -> None:
    with told(ServeOptions(sites={"jsm-eu": "jira"}, mode="manual")) as sandbox:
        sandbox.clock.set(datetime(2026, 11, 23, 18, 0, tzinfo=UTC))
        assert [fact.data for fact in sandbox.facts if fact.kind == "problem"] == []
        assert {ticket["ticket"].split("-")[0] for ticket in sandbox.site("jsm-eu").view()} == {"SUP", "HR"}


def test_the_incident_log_loads_and_goes_on(shared: Path) -> None:
    log = shared / "data" / "incidents_uci.csv.gz"
    options = ServeOptions(scenario="incidents", sites={"jsm-eu": "jira"}, mode="manual", incidents=log, limit=150)
    with told(options) as sandbox:
        site = sandbox.site("jsm-eu")
        before = {ticket["ticket"]: ticket["status"] for ticket in site.view()}
        assert len(before) > 100
        assert {"closed", "waiting_customer"} <= set(before.values())
        sandbox.clock.set(datetime(2017, 6, 1, tzinfo=UTC))
        after = {ticket["ticket"]: ticket["status"] for ticket in site.view()}
        assert after != before
        assert [fact.data for fact in sandbox.facts if fact.kind == "problem"] == []
