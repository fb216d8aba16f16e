"""Single records, lists, and the rarer things that people and clients do."""

from __future__ import annotations

import pytest

from tests.sandbox.zendesk_desk import Account


@pytest.mark.parametrize(
    ("path", "key", "ids"),
    [
        ("users.json?role=agent", "users", [501, 502, 503, 504, 900]),
        ("users.json?role[]=admin&role[]=end-user", "users", [901, 1001, 1002]),
        ("groups/assignable.json", "groups", [101, 102, 103, 105]),
        ("groups/102/memberships.json", "group_memberships", [50100, 50300]),
        ("group_memberships.json?per_page=2", "group_memberships", [50100, 50200]),
        ("organizations.json", "organizations", [3001]),
    ],
)
def test_lists(path: str, key: str, ids: list[int]) -> None:
    assert [row["id"] for row in Account().get(path)[key]] == ids


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("users/502.json", "user"),
        ("groups/101.json", "group"),
        ("organizations/3001.json", "organization"),
        ("ticket_fields/27605.json", "ticket_field"),
    ],
)
def test_single_records_exist_or_are_not_found(path: str, key: str) -> None:
    account = Account()
    number = int("".join(filter(str.isdigit, path)))
    assert account.get(path)[key]["id"] == number
    assert account.call("GET", f"/api/v2/{path.replace(str(number), '424242')}").status == 404


def test_holidays_of_another_schedule_are_not_found() -> None:
    assert Account().call("GET", "/api/v2/business_hours/schedules/1/holidays.json").status == 404


def test_tickets_are_listed_with_their_sideloads() -> None:
    account = Account()
    first, second = account.new(), account.new(requester="vito")
    page = account.get("tickets.json?per_page=1&page=2&include=users,organizations")
    assert ([row["id"] for row in page["tickets"]], [row["id"] for row in page["users"]]) == ([second], [1002])
    assert page["previous_page"] is not None
    audits = account.get(f"tickets/{first}/audits.json?include=users")
    assert [row["id"] for row in audits["users"]] == [1001]
    assert account.call("GET", f"/api/v2/tickets/{first}/audits.json?include=organizations").status == 400


def test_a_body_that_is_no_ticket_is_refused() -> None:
    account = Account()
    path = f"/api/v2/tickets/{account.new()}.json"
    for body in ([], {}, {"ticket": []}, {"ticket": {}, "tickets": []}):
        assert account.call("PUT", path, body, who="connector-writer").status == 400
    assert account.call("PUT", path, who="connector-writer").status == 422
    tags = path.replace(".json", "/tags.json")
    assert account.call("PUT", tags, {"tags": [], "mood": 1}, who="connector-writer").status == 400


def test_assignee_by_address_requester_and_organization() -> None:
    account = Account()
    ticket = account.new(requester="carla")
    assert account.put(ticket, assignee_email="anna@desk.example").body["ticket"]["assignee_id"] == 502
    assert account.put(ticket, requester_id=1002).body["ticket"]["requester_id"] == 1002
    for wrong in ({"assignee_email": "no@body"}, {"requester_id": 7}, {"organization_id": 7}, {"custom_status_id": 7}):
        assert account.put(ticket, **wrong).status == 422
    assert account.put(ticket, organization_id=None).body["ticket"]["organization_id"] is None
    assert account.put(ticket, type="task", due_at="2026-12-01T00:00:00Z").body["ticket"]["type"] == "task"


def test_followers_and_ccs_come_and_go() -> None:
    account = Account()
    ticket = account.new()
    account.put(ticket, followers=[{"user_id": "501"}, {"user_id": "502"}], collaborator_ids=[1002])
    told = account.put(ticket, followers=[{"user_id": "501", "action": "delete"}]).body["ticket"]
    assert (told["follower_ids"], told["email_cc_ids"]) == ([502], [1002])
    assert account.put(ticket, followers=[{"user_email": "no@body"}]).status == 422


def test_fields_of_other_types_check_their_values() -> None:
    kinds = {"next_due": "date", "level": "integer", "path": "checkbox"}
    account = Account(options={"field_types": kinds})
    ticket = account.new()

    def put(field_id: int, value: object) -> object:
        reply = account.put(ticket, custom_fields=[{"id": field_id, "value": value}])
        if reply.status != 200:
            return reply.status
        return next(row["value"] for row in reply.body["ticket"]["custom_fields"] if row["id"] == field_id)

    assert [put(27653, "2026-11-24"), put(27653, "2026-11-24T09:00:00Z")] == ["2026-11-24", 422]
    assert [put(27651, 3), put(27651, "three")] == ["3", 422]
    assert [put(27652, "true"), put(27652, None)] == [True, False]


def test_a_deleted_field_is_ignored_without_a_word() -> None:
    account = Account(options={"deleted_fields": ["level"]})
    ticket = account.new()
    reply = account.put(ticket, priority="high", custom_fields=[{"id": 27651, "value": "2"}])
    assert (reply.status, reply.body["ticket"]["priority"]) == (200, "high")
    assert 27651 not in [row["id"] for row in reply.body["ticket"]["custom_fields"]]
    account.wait(5)
    reply = account.put(ticket, custom_fields=[{"id": 27651, "value": "2"}])
    assert (reply.status, "audit" in reply.body) == (200, False)
    assert account.put(ticket, custom_fields=[{"id": 1, "value": "2"}]).body["error"] == "SandboxStrict"
    with pytest.raises(ValueError, match="there is no colour"):
        Account(options={"deleted_fields": ["colour"]})


def test_people_work_in_their_own_screens() -> None:
    account = Account()
    people, ticket = account.site.people, str(account.new(author="anna", channel="phone", type="outage"))
    people.set_group(ticket, "anna", "second-line")
    people.assign(ticket, "anna", None)
    people.set_status(ticket, "sorter", "on_hold")
    people.set_field(ticket, "anna", "impact", "planet")
    people.set_field(ticket, "anna", "urgency", None)
    people.add_labels(ticket, "anna", ("a", "b"))
    people.remove_labels(ticket, "anna", ("a",))
    row = account.site.view()[0]
    assert (row["status"], row["group"], row["labels"], row["fields"]["impact"]) == (
        "on_hold",
        "second-line",
        ["b", "planet"],
        "planet",
    )
    assert (row["vendor"]["via"]["channel"], row["vendor"]["submitter_id"], row["type"]) == ("voice", 502, "outage")
    assert account.truth("field", name="status")[0].via == "bot"
    people.set_status(ticket, "vito", "solved")  # whoever has no group leaves it to the ticket's own
    assert account.site.view()[0]["assignee"] == "duty-manager"
    assert account.mails("assignee") == ["dora@desk.example"]


def test_a_customers_comment_is_always_public() -> None:
    account = Account()
    ticket = account.new()
    account.site.people.comment(str(ticket), "carla", "psst", public=False)
    assert account.truth("comment")[-1].data["public"] is True
