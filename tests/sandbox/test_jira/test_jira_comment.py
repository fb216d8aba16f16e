from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector.sandbox.core.faults import Fault

from .conftest import Rig, adf

INTERNAL = {"properties": [{"key": "sd.public.comment", "value": {"internal": True}}]}


def path(key: str, ending: str = "") -> str:
    return f"/rest/api/3/issue/{key}/comment{ending}"


def desk(key: str) -> str:
    return f"/rest/servicedeskapi/request/{key}/comment"


def test_a_platform_comment_is_public_unless_a_property_says_otherwise(rig: Rig) -> None:
    key = rig.ticket()
    assert rig.call("POST", path(key), {"body": adf("hello")}).json["jsdPublic"] is True
    assert rig.call("POST", path(key), {"body": adf("psst"), **INTERNAL}).json["jsdPublic"] is False
    assert [e.data["body"] for e in rig.mails(to="carla@acme.example", why="commented")] == ["hello"]


@pytest.mark.parametrize(
    "body",
    [
        {"body": "a text"},
        {"body": {"type": "doc", "content": []}},
        {"body": {"type": "doc", "version": 1, "content": [{"type": "text", "text": "inline at the top"}]}},
        {"body": {"type": "doc", "version": 1, "content": [{"type": "marquee"}]}},
        {
            "body": {
                "type": "doc",
                "version": 1,
                "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}],
            }
        },
        {"body": {"type": "doc", "version": 1, "content": []}},
        {"body": adf("x" * 32768)},
        {"body": adf("x"), "public": False},
        {"body": adf("x"), "visibility": {"type": "group", "value": "legal"}},
        {},
    ],
    ids=[
        "text",
        "no version",
        "inline",
        "unknown node",
        "empty text",
        "empty",
        "long",
        "stray key",
        "not a member",
        "none",
    ],
)
def test_what_is_no_comment_is_refused(rig: Rig, body: Any) -> None:
    key = rig.ticket()
    assert rig.call("POST", path(key), body, odd=True).status == 400
    assert rig.call("GET", path(key)).json["total"] == 0


def test_comments_carry_properties_that_lists_show_on_request(rig: Rig) -> None:
    key = rig.ticket()
    marked = {"body": adf("one"), "properties": [{"key": "esc.dedup", "value": {"id": "k1"}}]}
    made = rig.call("POST", path(key), marked, query={"expand": "properties"}).json
    assert made["properties"] == [{"key": "esc.dedup", "value": {"id": "k1"}}]
    assert "properties" not in rig.call("GET", path(key)).json["comments"][0]
    listed = rig.call("GET", path(key), query={"expand": "properties"}).json["comments"][0]
    assert listed["properties"] == made["properties"]
    by_id = rig.call(
        "POST", "/rest/api/3/comment/list", {"ids": [int(made["id"]), 999]}, query={"expand": "properties"}
    ).json
    assert [c["id"] for c in by_id["values"]] == [made["id"]]


def test_comments_have_pages_and_an_order(rig: Rig) -> None:
    key = rig.ticket()
    ids = [rig.site.people.comment(key, "anna", str(n)) for n in range(5)]
    newest = rig.call("GET", path(key), query={"orderBy": "-created", "maxResults": 2}).json
    assert [c["id"] for c in newest["comments"]] == ids[::-1][:2]
    assert (newest["total"], newest["startAt"], newest["maxResults"]) == (5, 0, 2)
    rest = rig.call("GET", path(key), query={"startAt": 4}).json
    assert [c["id"] for c in rest["comments"]] == ids[4:]
    assert rig.call("GET", path(key), query={"orderBy": "author"}).status == 400


def test_an_issue_shows_its_first_comments_and_counts_them_all(rig: Rig) -> None:
    key = rig.ticket()
    ids = [rig.site.people.comment(key, "anna", str(n)) for n in range(23)]
    shown = rig.fields(key, "comment")["comment"]
    assert [c["id"] for c in shown["comments"]] == ids[:20]
    assert (shown["total"], shown["startAt"], shown["maxResults"]) == (23, 0, 20)


def test_own_comments_can_be_edited_and_deleted_those_of_others_cannot(rig: Rig) -> None:
    key = rig.ticket()
    own = rig.call("POST", path(key), {"body": adf("one")}).json["id"]
    foreign = rig.site.people.comment(key, "anna", "hers")
    edited = rig.call("PUT", path(key, f"/{own}"), {"body": adf("two")}).json
    assert edited["body"] == adf("two")
    assert rig.call("PUT", path(key, f"/{foreign}"), {"body": adf("mine")}).status == 400
    assert rig.call("DELETE", path(key, f"/{foreign}")).status == 400
    assert rig.call("DELETE", path(key, f"/{own}")).status == 204
    assert rig.call("GET", path(key, f"/{own}")).status == 404
    assert [c["id"] for c in rig.call("GET", path(key)).json["comments"]] == [foreign]


def test_an_issue_holds_so_many_comments(make: Callable[..., Rig]) -> None:
    rig = make(comment_cap=2)
    key = rig.ticket()
    assert [rig.call("POST", path(key), {"body": adf("x")}).status for _ in range(3)] == [201, 201, 413]


def test_an_internal_note_is_wiki_text_and_nobody_outside_hears_of_it(rig: Rig) -> None:
    key = rig.ticket(assignee="anna")
    made = rig.call("POST", desk(key), {"body": "Level 2 now.\nRef ESC\\-1", "public": False})
    assert (made.status, made.json["public"]) == (201, False)
    assert made.json["created"]["jira"] == "2026-11-23T09:00:00.000+0100"
    assert [e.data["to"] for e in rig.mails(why="commented")] == ["anna@desk.example"]
    shown = rig.call("GET", path(key)).json["comments"][0]
    assert (shown["jsdPublic"], shown["body"]["type"]) == (False, "doc")
    assert [e.data["body"] for e in rig.facts if e.kind == "comment"] == ["Level 2 now.\nRef ESC\\-1"]


@pytest.mark.parametrize(
    "body",
    [
        {"body": "x"},
        {"body": "x", "public": None},
        {"public": False},
        {"body": adf("x"), "public": False},
        {"body": "x", "public": False, "properties": []},
    ],
)
def test_the_service_desk_wants_a_text_and_to_know_who_may_read_it(rig: Rig, body: Any) -> None:
    key = rig.ticket()
    reply = rig.call("POST", desk(key), body, odd=True)
    assert (reply.status, set(reply.json)) == (400, {"errorMessage", "i18nErrorMessage"})
    assert rig.call("GET", desk(key)).json["size"] == 0


def test_what_is_live_in_a_note_is_seen(rig: Rig) -> None:
    key = rig.ticket()
    rig.call("POST", desk(key), {"body": "see [~accountid:qm:anna] and https://evil.example", "public": False})
    rig.call("POST", desk(key), {"body": "see \\[\\~accountid:qm\\:anna\\]", "public": False})
    live = [e.data for e in rig.facts if e.data.get("event") == "live"]
    assert len(live) == 1
    assert [part.split()[0] for part in live[0]["parts"]] == ["mention", "autolink"]
    document = adf("x")
    document["content"][0]["content"] = [{"type": "mention", "attrs": {"id": "qm:anna"}}]
    rig.call("POST", path(key), {"body": document})
    assert [e.data["parts"] for e in rig.facts if e.data.get("event") == "live"][-1] == ("mention qm:anna",)


def test_customers_write_in_public_only_and_see_no_notes(rig: Rig) -> None:
    key = rig.ticket()
    rig.site.people.comment(key, "anna", "internal", public=False)
    rig.site.people.comment(key, "anna", "public")
    assert [c["body"] for c in rig.call("GET", desk(key), who="carla").json["values"]] == ["public"]
    assert rig.call("POST", desk(key), {"body": "x", "public": False}, who="carla").status == 403
    assert rig.call("GET", desk(key), who="dirk").status == 404
    public = rig.call("GET", desk(key), query={"internal": "false"}).json["values"]
    assert [c["body"] for c in public] == ["public"]
    with pytest.raises(ValueError, match="customer"):
        rig.site.people.comment(key, "carla", "x", public=False)


def test_the_preset_waits_for_the_customer_after_a_public_answer(rig: Rig) -> None:
    key = rig.ticket()
    rig.call("POST", path(key), {"body": adf("We are on it.")})
    assert rig.fields(key, "status")["status"]["name"] == "Waiting for customer"
    moved = next(e for e in rig.facts if e.kind == "field" and e.data["name"] == "status")
    assert (moved.actor, moved.via) == ("automation", "trigger")
    rig.site.people.comment(key, "carla", "Thanks")
    assert rig.fields(key, "status")["status"]["name"] == "Waiting for support"
    rig.site.people.comment(key, "anna", "internal", public=False)
    assert rig.fields(key, "status")["status"]["name"] == "Waiting for support"


def test_a_customers_answer_reopens_what_was_resolved(rig: Rig) -> None:
    key = rig.ticket()
    rig.site.people.set_status(key, "anna", "solved")
    rig.site.people.comment(key, "carla", "It is back")
    shown = rig.fields(key)
    assert (shown["status"]["name"], shown["resolution"]) == ("Waiting for support", None)


def test_the_preset_can_be_off(make: Callable[..., Rig]) -> None:
    rig = make(waiting_on_customer=False)
    key = rig.ticket()
    rig.call("POST", path(key), {"body": adf("We are on it.")})
    assert rig.fields(key, "status")["status"]["name"] == "Open"


def test_a_lost_answer_leaves_the_comment_and_a_late_one_lands_later(rig: Rig) -> None:
    key = rig.ticket()
    rig.exchange.faults.add(Fault(action="late", methods=("POST",), path="/comment$", seconds=120, times=1))
    request = {"body": adf("twice?")}
    with pytest.raises(AssertionError):
        rig.call("POST", path(key), request)
    assert rig.call("GET", path(key)).json["total"] == 0
    rig.advance(seconds=120)
    assert rig.call("GET", path(key)).json["total"] == 1
    rig.exchange.faults.add(Fault(action="lose", methods=("POST",), times=1))
    with pytest.raises(AssertionError):
        rig.call("POST", path(key), request)
    assert rig.call("GET", path(key)).json["total"] == 2


def test_faults_can_strike_one_project_alone(rig: Rig) -> None:
    key = rig.ticket()
    rig.exchange.faults.add(Fault(action="forbid", scope="SUP"))
    assert rig.call("GET", path(key)).status == 403
    assert set(rig.call("GET", desk(key)).json) == {"errorMessage", "i18nErrorMessage"}
    assert rig.call("GET", "/rest/api/3/myself").status == 200


def test_version_2_has_wiki_text_where_version_3_has_documents(rig: Rig) -> None:
    key = rig.ticket(body="Help")
    old = path(key).replace("/3/", "/2/")
    assert rig.call("POST", old, {"body": adf("x")}).status == 400
    assert rig.call("POST", old, {"body": "ask [~accountid:qm:anna]"}).json["body"] == "ask [~accountid:qm:anna]"
    assert [e.data["parts"] for e in rig.facts if e.data.get("event") == "live"] == [("mention accountid:qm:anna",)]
    issue = f"/rest/api/2/issue/{key}"
    assert rig.call("GET", issue).json["fields"]["description"] == "Help"
    assert rig.call("PUT", issue, {"fields": {"description": "New"}}).status == 204
    assert rig.call("PUT", issue, {"fields": {"description": adf("New")}}).status == 400
    assert rig.fields(key)["description"] == adf("New")
