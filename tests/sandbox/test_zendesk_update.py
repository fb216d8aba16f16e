"""Updating tickets: compare-and-set, audits, comments, business rules, rival rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.zendesk_desk import Account


def _events(reply: Any) -> list[tuple[str, Any]]:
    return [(event["type"], event.get("field_name")) for event in reply.body["audit"]["events"]]


def test_one_put_is_one_audit_with_fields_comment_and_hidden_metadata() -> None:
    account = Account()
    ticket = account.new(priority="P3")
    stamp = account.get(f"tickets/{ticket}.json")["ticket"]["updated_at"]
    account.wait(10)
    reply = account.put(
        ticket,
        priority="urgent",
        custom_fields=[{"id": 27651, "value": 2}],
        comment={"body": "Escalated", "public": False},
        metadata={"esc": {"key": "abc"}},
        safe_update=True,
        updated_stamp=stamp,
    )
    assert reply.status == 200
    assert _events(reply) == [("Comment", None), ("Change", "priority"), ("Change", "27651")]
    assert reply.body["audit"]["author_id"] == 900
    assert reply.body["audit"]["via"]["channel"] == "api"
    audits = account.get(f"tickets/{ticket}/audits.json?page[size]=10")["audits"]
    assert [audit["metadata"]["custom"] for audit in audits] == [{}, {"esc": {"key": "abc"}}]
    assert account.get(f"tickets/{ticket}/audits/{audits[1]['id']}.json")["audit"] == audits[1]
    assert account.call("GET", f"/api/v2/tickets/{ticket}/audits/1.json").status == 404
    assert account.get(f"tickets/{ticket}/comments.json")["comments"][1]["public"] is False
    priority = account.truth("field", name="priority")[0]
    assert (priority.actor, priority.via, priority.data["before"], priority.data["after"]) == (
        "connector-writer",
        "api",
        "P3",
        "P1",
    )


@pytest.mark.parametrize("safe", [True, False])
def test_a_stale_stamp_conflicts_whatever_safe_update_says(*, safe: bool) -> None:
    account = Account()
    ticket = account.new()
    account.wait(5)
    account.site.people.add_labels(str(ticket), "anna", ("x",))
    reply = account.put(ticket, priority="high", safe_update=safe, updated_stamp="2026-11-23T08:00:00Z")
    assert (reply.status, reply.body["error"]) == (409, "UpdateConflict")
    assert account.put(ticket, priority="high", updated_stamp="2026-11-23T08:00:00Z").status == 200


def test_a_change_within_the_stamps_own_second_goes_unnoticed() -> None:
    account = Account()
    ticket = account.new()
    account.site.people.set_priority(str(ticket), "anna", "P4")
    reply = account.put(ticket, priority="high", safe_update=True, updated_stamp="2026-11-23T08:00:00Z")
    assert reply.status == 200


@given(edits=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12))
def test_a_safe_update_never_overwrites_what_it_has_not_seen_in_an_earlier_second(
    edits: list[tuple[int, bool]],
) -> None:
    account = Account(options={"ticket_updates": 1000})
    ticket = account.new()
    stamp = changed = account.site.office.desk.tickets[ticket].updated_at
    for number, (seconds, ours) in enumerate(edits):
        account.wait(seconds)
        if not ours:
            account.site.people.add_labels(str(ticket), "anna", (f"t{number}",))
            changed = account.site.office.desk.now()
            continue
        told = account.get(f"tickets/{ticket}.json")["ticket"]["updated_at"] if stamp is None else None
        asked = told or f"{_iso(stamp)}"
        reply = account.put(ticket, subject=f"s{number}", safe_update=True, updated_stamp=asked)
        expected = 200 if told or stamp == changed else 409
        assert reply.status == expected
        if reply.status == 200:
            changed = stamp = account.site.office.desk.now()
        else:
            stamp = None


def _iso(seconds: int) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_update_that_changes_nothing_leaves_no_trace() -> None:
    account = Account()
    ticket = account.new(priority="P2")
    account.wait(30)
    reply = account.put(ticket, priority="high", metadata={"esc": {"key": "lost"}})
    assert (reply.status, "audit" in reply.body) == (200, False)
    assert reply.body["ticket"]["updated_at"] == "2026-11-23T08:00:00Z"
    assert len(account.get(f"tickets/{ticket}/audits.json")["audits"]) == 1


def test_a_closed_ticket_takes_nothing() -> None:
    account = Account()
    ticket = account.new()
    account.site.people.close(str(ticket), "anna")
    reply = account.put(ticket, tags=["x"])
    assert reply.status == 422
    assert reply.body["details"]["status"][0]["description"] == "Status: closed prevents ticket update"
    with pytest.raises(ValueError, match="closed prevents"):
        account.site.people.comment(str(ticket), "carla", "again")


def test_tags_are_replaced_added_and_removed() -> None:
    account = Account()
    ticket = account.new(labels=("one", "two"))
    path = f"/api/v2/tickets/{ticket}/tags.json"
    assert account.put(ticket, tags=["Three"]).body["ticket"]["tags"] == ["three"]
    assert account.call("PUT", path, {"tags": ["four"]}, who="anna").body["tags"] == ["four", "three"]
    assert account.call("DELETE", path, {"tags": ["three"]}, who="anna").status == 204
    assert account.call("POST", path, {"tags": ["five"]}, who="anna").body == {"tags": ["five"]}
    account.wait(9)
    stale = {"tags": ["six"], "safe_update": True, "updated_stamp": "2026-11-23T07:00:00Z"}
    assert account.call("PUT", path, stale, who="anna").status == 409
    assert account.get(f"tickets/{ticket}/tags.json")["tags"] == ["five"]


def test_a_dropdown_stands_among_the_tags() -> None:
    account = Account()
    ticket = account.new(impact="team", labels=("red",))
    reply = account.put(ticket, custom_fields=[{"id": 27641, "value": "site"}])
    assert reply.body["ticket"]["tags"] == ["red", "site"]
    cleared = account.put(ticket, tags=["red"]).body["ticket"]
    assert cleared["custom_fields"][0] == {"id": 27641, "value": None}
    assert account.put(ticket, custom_fields=[{"id": 27641, "value": "galaxy"}]).status == 422


def test_an_options_tag_chooses_the_option() -> None:
    account = Account()
    ticket = account.new(impact="team", labels=("red",))
    chosen = account.put(ticket, tags=["red", "team", "site"]).body["ticket"]
    assert (chosen["tags"], chosen["custom_fields"][0]["value"]) == (["red", "site"], "site")


@pytest.mark.parametrize(
    ("tags", "value"),
    [(["red", "team"], "team"), (["red"], None), (["red", "site"], "site"), (["team", "site"], "site")],
)
def test_a_list_of_tags_has_the_last_word_on_a_dropdown(tags: list[str], value: str | None) -> None:
    account = Account()
    ticket = account.new(impact="team", labels=("red",))
    found = account.put(ticket, custom_fields=[{"id": 27641, "value": "site"}], tags=tags).body["ticket"]
    assert found["custom_fields"][0]["value"] == value
    assert found["tags"] == sorted({*tags} - ({"team"} - {value}))


def test_assigning_opens_a_new_ticket_and_new_never_returns() -> None:
    account = Account()
    ticket = account.new()
    reply = account.put(ticket, assignee_id=502)
    assert (reply.body["ticket"]["status"], reply.body["ticket"]["custom_status_id"]) == ("open", 9002)
    assert account.put(ticket, status="new").status == 422
    assert account.put(ticket, custom_status_id=9006).body["ticket"]["status"] == "hold"


def test_group_and_assignee_belong_together() -> None:
    account = Account()
    ticket = account.new(assignee="anna", group="service-desk")
    moved = account.put(ticket, group_id=102).body["ticket"]
    assert (moved["group_id"], moved["assignee_id"]) == (102, None)
    assert account.put(ticket, group_id=105, assignee_id=502).status == 422
    taken = account.put(ticket, assignee_id=502).body["ticket"]
    assert (taken["group_id"], taken["assignee_id"]) == (101, 502)
    kept = account.put(ticket, group_id=102, assignee_id=503).body["ticket"]
    assert (kept["group_id"], kept["assignee_id"]) == (102, 503)
    assert account.put(ticket, group_id=103).body["ticket"]["assignee_id"] == 503  # ben is in both
    for wrong in ({"group_id": 999}, {"assignee_id": 1001}, {"assignee_id": 77}, {"group_id": "first"}):
        assert account.put(ticket, **wrong).status in (400, 422)


@pytest.mark.parametrize(
    "wrong",
    [
        {"priority": "P1"},
        {"priority": None},
        {"status": "waiting"},
        {"status": None},
        {"status": "solved"},
        {"comment": {"body": " "}},
        {"comment": {"body": "x", "author_id": 4711}},
        {"safe_update": True, "updated_stamp": "yesterday"},
    ],
)
def test_what_an_update_refuses_changes_nothing(wrong: dict[str, Any]) -> None:
    account = Account()
    ticket = account.new(priority="P3")
    before = account.site.view()
    assert account.put(ticket, subject="other", **wrong).status in (400, 422)
    assert account.site.view() == before


def test_a_comment_is_public_unless_said_otherwise_and_mails_the_customer() -> None:
    account = Account()
    ticket = account.new()
    account.put(ticket, followers=[{"user_id": "501"}], email_ccs=[{"user_email": "vito@acme.example"}])
    sent = len(account.mails("requester"))
    account.put(ticket, comment={"body": "for us", "public": False})
    assert (len(account.mails("requester")), account.mails("follower"), account.mails("cc")) == (
        sent,
        ["dora@desk.example"],
        [],
    )
    account.put(ticket, comment={"body": "for all"})
    assert account.mails("requester")[sent:] == ["carla@acme.example"]
    assert account.mails("cc") == ["vito@acme.example"]
    assert len(account.mails("follower")) == 2


def test_live_markup_is_seen_in_the_ground_truth() -> None:
    account = Account()
    ticket = account.new()
    account.put(ticket, comment={"body": "#{{ticket.id}} {% if x %}[go](http://evil.example) @anna", "public": False})
    comment = account.truth("comment")[-1]
    assert comment.data["body"] == f"#{ticket} [go](http://evil.example) @anna"
    alive = account.truth("ticket", event="live_markup")[-1].data["alive"]
    assert [row["kind"] for row in alive] == ["placeholder", "liquid", "link", "url", "mention"]
    account.put(ticket, comment={"body": r"just \[words\](here) and a\@b", "public": False})
    assert len(account.truth("ticket", event="live_markup")) == 1
    account.put(ticket, comment={"html_body": "<p>see <a href='x'>this</a></p>", "public": False})
    assert account.truth("ticket", event="live_markup")[-1].data["alive"][0]["kind"] == "link"
    assert account.truth("comment")[-1].data["body"] == "see this"


def test_long_comments_are_cut_without_a_word_and_the_5001st_is_refused() -> None:
    account = Account(options={"ticket_updates": 10})
    ticket = account.new()
    reply = account.put(ticket, comment={"body": "ü" * 40_000, "public": False})
    assert reply.status == 200
    assert len(account.truth("comment")[-1].data["body"].encode()) == 65_534
    stored = account.site.office.desk.tickets[ticket]
    stored.comments = stored.comments * 2500
    assert account.put(ticket, comment={"body": "one more", "public": False}).status == 422
    assert account.put(ticket, priority="low").status == 200


def test_author_id_is_shown_while_the_updater_remains() -> None:
    account = Account()
    ticket = account.new()
    reply = account.put(ticket, comment={"body": "as ben", "public": True, "author_id": 503})
    assert reply.body["audit"]["author_id"] == 900
    assert reply.body["audit"]["events"][0]["author_id"] == 503


def test_a_customer_reopens_what_is_solved_or_pending() -> None:
    account = Account()
    people = account.site.people
    for status in ("solved", "waiting_customer"):
        ticket = account.new(assignee="anna")
        people.set_status(str(ticket), "anna", status)  # type: ignore[arg-type]
        people.comment(str(ticket), "carla", "still broken")
        assert account.site.office.desk.tickets[ticket].status == "open"


def test_what_stays_solved_is_closed_by_the_account() -> None:
    account = Account()
    ticket = account.new(assignee="anna")
    account.site.people.set_status(str(ticket), "anna", "solved")
    account.wait(4 * 86400 - 1)
    assert account.get(f"tickets/{ticket}.json")["ticket"]["status"] == "solved"
    account.wait(1)
    last = account.get(f"tickets/{ticket}/audits.json")["audits"][-1]
    assert (last["author_id"], last["via"]["source"]["rel"]) == (-1, "automation")
    assert account.put(ticket, priority="low").status == 422


TUG = {
    "title": "Keep it normal",
    "when": {"via": "api", "changed": ["priority"], "without_tags": ["hands-off"]},
    "then": {"priority": "normal", "add_tags": ["reset"], "mail": "requester"},
}


def test_a_trigger_answers_in_the_same_audit() -> None:
    account = Account(options={"triggers": [TUG]})
    ticket = account.new(priority="P3")
    reply = account.put(ticket, priority="urgent")
    assert reply.body["ticket"]["priority"] == "normal"
    changes = [event for event in reply.body["audit"]["events"] if event["type"] == "Change"]
    assert [(e["field_name"], e["value"], e.get("via", {}).get("channel")) for e in changes] == [
        ("priority", "urgent", None),
        ("priority", "normal", "rule"),
        ("tags", ["reset"], "rule"),
    ]
    assert account.mails("trigger") == ["carla@acme.example"]
    assert [entry.via for entry in account.truth("field", name="priority")] == ["api", "trigger"]
    account.put(ticket, tags=["hands-off"])
    assert account.put(ticket, priority="urgent").body["ticket"]["priority"] == "urgent"
    account.site.people.set_priority(str(ticket), "anna", "P4")
    assert account.site.office.desk.tickets[ticket].priority == "low"


def test_an_automation_acts_by_the_hour() -> None:
    rule = {"title": "Nag", "after": 7200, "when": {"status": ["new"], "without_tags": ["nagged"]}}
    account = Account(options={"automations": [rule | {"then": {"add_tags": ["nagged"], "mail": "boss@x.example"}}]})
    ticket = account.new()
    account.wait(7199)
    assert account.get(f"tickets/{ticket}/tags.json")["tags"] == []
    account.wait(1)
    assert account.get(f"tickets/{ticket}/tags.json")["tags"] == ["nagged"]
    account.wait(4 * 3600)
    assert account.mails("trigger") == ["boss@x.example"]


def test_rules_with_strange_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="unless"):
        Account(options={"triggers": [{"title": "x", "when": {"unless": 1}}]})


def test_database_conflicts_can_be_ordered() -> None:
    account = Account(options={"database_conflict_chance": 1.0})
    reply = account.put(account.new(), priority="low")
    assert (reply.status, reply.body["error"]) == (409, "DatabaseConflict")


def test_merging_closes_one_ticket_and_tells_both() -> None:
    account = Account()
    source, target = account.new(), account.new(requester="vito")
    account.site.people.merge(str(source), "anna", str(target))
    merged = account.get(f"tickets/{source}.json")["ticket"]
    assert (merged["status"], merged["tags"]) == ("closed", ["closed_by_merge"])
    assert account.get(f"tickets/{target}/comments.json")["comments"][-1]["public"] is False


def test_links_make_problems_and_incidents() -> None:
    account = Account()
    incident, problem = account.new(key="small"), account.new(key="big")
    account.site.people.link("small", "anna", "big")
    account.site.people.link("small", "anna", "https://wiki.example/1")
    assert account.get(f"tickets/{incident}.json")["ticket"]["problem_id"] == problem
    assert account.get(f"tickets/{problem}.json")["ticket"]["has_incidents"] is True


def test_people_are_refused_in_sentences() -> None:
    account = Account()
    with pytest.raises(KeyError):
        account.site.people.assign("77", "anna", "ben")
    with pytest.raises(KeyError):
        account.site.people.comment(str(account.new()), "nobody", "hi")
    with pytest.raises(ValueError, match="anna cannot do that"):
        account.site.people.set_priority(str(account.new(priority="P1")), "anna", None)


def test_triggers_start_over_and_each_acts_once() -> None:
    second = {"title": "Second", "when": {"tags": ["ours"]}, "then": {"add_tags": ["seen"], "priority": "low"}}
    first = {"title": "First", "when": {"via": "api"}, "then": {"add_tags": ["ours"], "priority": "urgent"}}
    account = Account(options={"triggers": [second, first]})
    ticket = account.put(account.new(), subject="x").body["ticket"]
    assert (ticket["tags"], ticket["priority"]) == (["ours", "seen"], "low")


def test_metadata_is_small() -> None:
    account = Account()
    assert account.put(account.new(), priority="low", metadata={"esc": "x" * 1024}).status == 400


def test_comments_can_be_read_newest_first() -> None:
    account = Account()
    ticket = account.new()
    account.site.people.comment(str(ticket), "anna", "second")
    bodies = [row["body"] for row in account.get(f"tickets/{ticket}/comments.json", sort_order="desc")["comments"]]
    assert bodies == ["second", "It smokes"]
    refused = {"sort_order": "desc", "page[size]": 5}
    assert account.call("GET", f"/api/v2/tickets/{ticket}/comments.json", query=refused).status == 400
