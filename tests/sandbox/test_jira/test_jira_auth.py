from __future__ import annotations

from collections.abc import Callable

import pytest

from connector.sandbox.core.faults import Fault

from .conftest import Rig, basic

SEARCH = "/rest/api/3/search/jql"
ASK = {"jql": "project = SUP"}


def gateway(rig: Rig) -> str:
    return str(rig.site.describe()["api_path"])


def bearer(rig: Rig) -> dict[str, str]:
    client = rig.site.describe()["auth"]["client"]
    reply = rig.call("POST", "/oauth/token", {"grant_type": "client_credentials", **client}, who=None)
    assert reply.status == 200
    return {"authorization": f"Bearer {reply.json['access_token']}"}


def test_a_classic_token_works_at_the_site_address(rig: Rig) -> None:
    reply = rig.call("GET", "/rest/api/3/myself")
    assert (reply.status, reply.json["accountId"]) == (200, "qm:connector")
    assert reply.json["timeZone"] == "Europe/Berlin"


def test_a_scoped_token_works_at_the_gateway_alone(rig: Rig) -> None:
    scoped = basic(user=(auth := rig.site.describe()["auth"]["scoped"])["email"], secret=auth["token"])
    assert rig.call("GET", f"{gateway(rig)}/rest/api/3/myself", headers=scoped).status == 200
    assert rig.call("GET", "/rest/api/3/myself", headers=scoped).status == 401
    assert rig.call("POST", SEARCH, ASK, headers=scoped).status == 401


def test_client_credentials_make_a_token_that_expires(make: Callable[..., Rig]) -> None:
    rig = make(token_seconds=60)
    token = bearer(rig)
    myself = f"{gateway(rig)}/rest/api/3/myself"
    assert rig.call("GET", myself, headers=token).status == 200
    assert rig.call("GET", "/rest/api/3/myself", headers=token).status == 401
    rig.advance(seconds=60)
    assert rig.call("GET", myself, headers=token).status == 401
    assert rig.call("GET", myself, headers=bearer(rig)).status == 200


def test_a_revoked_token_is_replaced_by_a_new_one(rig: Rig) -> None:
    token = bearer(rig)
    rig.exchange.faults.add(Fault(action="revoke", times=1))
    myself = f"{gateway(rig)}/rest/api/3/myself"
    assert rig.call("GET", myself, headers=token).status == 401
    assert rig.call("GET", myself, headers=bearer(rig)).status == 200


def test_wrong_client_credentials_are_refused(rig: Rig) -> None:
    wrong = {"grant_type": "client_credentials", "client_id": "connector-client", "client_secret": "guess"}
    assert rig.call("POST", "/oauth/token", wrong, who=None).status == 401


@pytest.mark.parametrize("headers", [{}, basic("connector@example.com", "wrong")], ids=["nobody", "wrong token"])
def test_whoever_is_not_signed_in_finds_nothing_and_is_not_told_so(rig: Rig, headers: dict[str, str]) -> None:
    key = rig.ticket()
    found = rig.call("POST", SEARCH, ASK, headers=headers)
    assert (found.status, found.json) == (200, {"issues": [], "isLast": True})
    assert rig.call("GET", f"/rest/api/3/issue/{key}", headers=headers).status == 404
    assert rig.call("GET", "/rest/api/3/myself", headers=headers).status == 401
    assert rig.call("PUT", f"/rest/api/3/issue/{key}", {"fields": {}}, headers=headers).status == 401


def test_a_site_may_also_refuse_wrong_tokens(make: Callable[..., Rig]) -> None:
    rig = make(wrong_credentials="refuse")
    assert rig.call("POST", SEARCH, ASK, headers=basic("connector@example.com", "wrong")).status == 401
    assert rig.call("POST", SEARCH, ASK, who=None).status == 200


def test_the_request_log_names_who_asked(rig: Rig) -> None:
    rig.call("GET", "/rest/api/3/myself", who="anna")
    rig.call("GET", "/rest/api/3/serverInfo", who=None)
    rig.call("GET", "/rest/api/3/serverInfo", headers=basic("x", "y"))
    assert [e.actor for e in rig.facts if e.kind == "request"] == ["anna", "anonymous", "invalid"]


def test_permissions_tell_whether_mails_may_be_left_out(make: Callable[..., Rig]) -> None:
    for admin in (False, True):
        reply = make(connector_admin=admin).call(
            "GET", "/rest/api/3/mypermissions", query={"permissions": "ADMINISTER_PROJECTS,EDIT_ISSUES"}
        )
        held = {key: each["havePermission"] for key, each in reply.json["permissions"].items()}
        assert held == {"ADMINISTER_PROJECTS": admin, "EDIT_ISSUES": True}


def test_an_unknown_switch_is_refused(make: Callable[..., Rig]) -> None:
    with pytest.raises(ValueError, match="no option indx_lag"):
        make(indx_lag=3)
    with pytest.raises(ValueError, match="notify_flag is one of"):
        make(notify_flag="perhaps")
