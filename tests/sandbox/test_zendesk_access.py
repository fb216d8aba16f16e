"""Who may do what: tokens, scopes, roles, and strictness."""

from __future__ import annotations

import pytest

from connector.sandbox.core.messages import Request
from tests.sandbox.zendesk_desk import Account, basic


def _grant(account: Account, **changes: object) -> tuple[int, dict[str, object]]:
    client = account.site.describe()["writer"]
    body = {"grant_type": "client_credentials", **client, "scope": "read write", **changes}
    reply = account.call("POST", "/oauth/tokens", {k: v for k, v in body.items() if v is not None}, authorization="")
    return reply.status, reply.body


def test_client_credentials_act_as_the_clients_user_until_they_expire() -> None:
    account = Account()
    status, answer = _grant(account, expires_in=300)
    assert (status, answer["token_type"], answer["expires_in"]) == (201, "bearer", 300)
    assert "refresh_token" not in answer
    token = str(answer["access_token"])
    assert account.get("users/me.json", who=token)["user"]["id"] == 900
    account.wait(300)
    refused = account.call("GET", "/api/v2/users/me.json", who=token)
    assert (refused.status, refused.body["error"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"expires_in": 299}, 400, "invalid_request"),
        ({"expires_in": 172_801}, 400, "invalid_request"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"surprise": 1}, 400, "SandboxStrict"),
    ],
)
def test_a_wrong_grant_is_refused(changes: dict[str, object], status: int, error: str) -> None:
    answered = _grant(Account(), **changes)
    assert (answered[0], answered[1]["error"]) == (status, error)


def test_a_read_token_cannot_write() -> None:
    account = Account()
    ticket = account.new()
    token = str(_grant(account, scope="read")[1]["access_token"])
    assert account.get(f"tickets/{ticket}.json", who=token)
    reply = account.put(ticket, who=token, priority="high")
    assert reply.status == 403
    assert "scope" in reply.body["error"]["message"]


def test_a_revoked_token_is_dead_and_a_new_one_works() -> None:
    account = Account()
    request = Request.of("GET", "/", headers={"authorization": f"Bearer {account.tokens['anna']}"}, body=b"")
    account.site.revoke(request)
    assert account.call("GET", "/api/v2/users/me.json", who="anna").status == 401
    assert account.site.identify(request) == "invalid"
    assert account.get("users/me.json", who=str(_grant(account)[1]["access_token"]))


def test_api_tokens_work_until_their_day() -> None:
    account = Account(options={"basic_until": "2026-11-23T09:00:00Z"})
    header = basic("connector-writer@sandbox.example/token", account.site.describe()["api_token"])
    assert account.call("GET", "/api/v2/users/me.json", authorization=header).body["user"]["id"] == 900
    account.wait(3600)
    assert account.call("GET", "/api/v2/users/me.json", authorization=header).status == 401


def test_nobody_is_let_in_without_credentials() -> None:
    reply = Account().call("GET", "/api/v2/users/me.json", authorization="")
    assert (reply.status, reply.body) == (401, {"error": "Couldn't authenticate you"})


@pytest.mark.parametrize("path", ["incremental/tickets/cursor.json?start_time=1", "slas/policies.json"])
def test_some_endpoints_are_for_admins(path: str) -> None:
    account = Account()
    assert account.get(path)
    assert account.call("GET", f"/api/v2/{path}", who="connector-writer").status == 403


def test_sla_policies_need_the_plan() -> None:
    assert Account(options={"sla_plan": False}).call("GET", "/api/v2/slas/policies.json").status == 403


def test_unknown_parameters_keys_fields_and_paths_are_named() -> None:
    account = Account()
    ticket = account.new()
    assert "offset" in account.call("GET", "/api/v2/groups.json?offset=1").body["description"]
    assert "colour" in account.put(ticket, colour="red").body["description"]
    assert "comment.visibility" in account.put(ticket, comment={"body": "x", "visibility": 1}).body["description"]
    assert "12345" in account.put(ticket, custom_fields=[{"id": 12345, "value": "x"}]).body["description"]
    assert "additional_tags" in account.put(ticket, additional_tags=["x"]).body["description"]
    assert account.call("GET", "/api/v2/nowhere.json").status == 404
    assert account.call("DELETE", "/api/v2/groups.json").status == 405
    with pytest.raises(ValueError, match="no colour"):
        Account(options={"colour": 1})


def test_metadata_takes_any_key() -> None:
    account = Account()
    assert account.put(account.new(), priority="high", metadata={"esc": {"deep": {"er": 1}}}).status == 200


def test_the_directory_has_the_demo_ids() -> None:
    account = Account()
    known = account.site.describe()
    assert known["fields"] | {"impact": 27641, "level": 27651, "path": 27652, "next_due": 27653} == known["fields"]
    assert known["groups"] == {"service-desk": 101, "second-line": 102, "specialists": 103, "legal": 105}
    assert {key: known["people"][key] for key in ("duty-manager", "anna", "ben")} == {
        "duty-manager": 501,
        "anna": 502,
        "ben": 503,
    }
    organization = account.get("organizations/show_many.json?ids=3001")["organizations"][0]
    assert organization["organization_fields"] == {"tier": "platinum", "region": "eu"}
    users = account.get("users/show_many.json?ids=1001,1002,424242")["users"]
    assert [(user["locale"], user["tags"]) for user in users] == [("de", []), ("en-US", ["vip"])]


def test_lists_page_by_cursor_and_by_offset() -> None:
    account = Account()
    seen, path = [], "groups.json?page[size]=3"
    while True:
        page = account.get(path)
        seen += [group["id"] for group in page["groups"]]
        assert page["links"]["next"] is not None  # even on the last page
        if not page["meta"]["has_more"]:
            break
        path = page["links"]["next"].partition("/api/v2/")[2]
    assert seen == [101, 102, 103, 105]
    second = account.get("groups.json?per_page=3&page=2")
    assert ([group["id"] for group in second["groups"]], second["count"]) == ([105], 4)
    assert account.call("GET", "/api/v2/groups.json?page=101&per_page=100").status == 400
    assert account.call("GET", "/api/v2/groups.json?page[after]=made-up&page[size]=1").status == 400


def test_group_memberships_say_who_can_be_given_tickets() -> None:
    rows = Account().get("group_memberships/assignable.json")["group_memberships"]
    assert {(row["user_id"], row["group_id"]) for row in rows} == {
        (501, 102),
        (502, 101),
        (503, 102),
        (503, 103),
        (504, 101),
    }
    assert [row["group_id"] for row in Account().get("users/503/group_memberships.json")["group_memberships"]] == [
        102,
        103,
    ]
