"""``check`` on the simulated sites: who we are comes first, then what each credential lacks and has too much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connector.domain.site import Effect, FieldMap
from connector.helpdesks.jira.assembly import JiraOptions
from connector.helpdesks.jira.assembly import open_site as open_jira
from connector.helpdesks.transport import Basic, Bearer, ClientCredentials, Credentials, Surroundings
from connector.helpdesks.transport.credentials import granted
from connector.helpdesks.zendesk.adapter import ZendeskOptions
from connector.helpdesks.zendesk.adapter import open_site as open_zendesk
from connector.ports.inspection import Inspector, Verdict, Wanted
from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.jira import build as build_jira
from connector.sandbox.zendesk import build as build_zendesk
from tests.helpdesks.sandbox_stage import ROSTER, START
from tests.helpdesks.stopped_clock import StoppedClock
from tests.helpdesks.test_zendesk import credentials

ALL = Wanted(effects=frozenset(Effect))
SHADOW = Wanted(effects=frozenset())
READER, WRITER = "connector-reader", "connector-writer"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    specs = (
        SiteSpec(name="jira", kind="jira", build=build_jira, roster=ROSTER),
        SiteSpec(name="zendesk", kind="zendesk", build=build_zendesk, roster=ROSTER),
    )
    with Sandbox(specs, ClockOptions(start=START, mode="manual")) as running:
        yield running


def verdicts(inspector: Inspector, wanted: Wanted) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in inspector.inspect(wanted):
        assert finding.remedy or finding.verdict is Verdict.OK, finding
        found.setdefault(str(finding.verdict), []).append(finding.what)
    found.pop("ok", None)
    return found


@pytest.mark.parametrize(
    ("answer", "scopes"),
    [
        (b'{"access_token": "t", "scope": "read write"}', {"read", "write"}),
        (b'{"access_token": "t"}', set()),
        (b'{"access_token": "t", "scope": null}', set()),
        (b"<html>", set()),
    ],
)
def test_a_token_tells_its_scopes_or_none(answer: bytes, scopes: set[str]) -> None:
    assert granted(answer) == scopes


class TestZendesk:
    @pytest.fixture
    def at(self, sandbox: Sandbox) -> Any:
        """Who looks, given the client and the scopes of reader and writer."""
        told, url = sandbox.site("zendesk").describe(), sandbox.url("zendesk")
        clients = {told[role]["client_id"]: told[role] for role in ("reader", "writer")}

        def signing_in(client: str, scope: str) -> Credentials:
            if scope == "token":
                return Basic(f"{client}@sandbox.example/token", told["api_token"])
            secret = {"client_secret": "another"} if scope == "wrong" else {}
            return credentials(url, clients[client] | secret, "read" if scope == "wrong" else scope)

        def look(reader: tuple[str, str], writer: tuple[str, str] | None) -> Inspector:
            options = ZendeskOptions(site="z", base_url=url, fields=FieldMap(), reader=signing_in(*reader))
            options = replace(options, writer=signing_in(*writer) if writer else None)
            return open_zendesk(options, Surroundings(clock=StoppedClock())).inspector

        return look

    def test_a_pair_with_what_it_needs_is_in_order(self, at: Any) -> None:
        assert verdicts(at((READER, "read"), (WRITER, "read write")), ALL) == {}
        assert verdicts(at((READER, "tickets:read users:read"), (WRITER, "tickets users:read")), ALL) == {}

    @pytest.mark.parametrize("scope", ["write", "tickets:write", "tickets", "impersonate", "users:write", "webhooks"])
    def test_a_reader_that_could_write_has_too_much(self, at: Any, scope: str) -> None:
        found = verdicts(at((READER, f"read {scope}"), (WRITER, "read write")), ALL)
        assert found == {"excess": [f"reader: scope {scope}"]}

    @pytest.mark.parametrize("scope", ["impersonate", "users:write", "organizations:write", "triggers"])
    def test_a_writer_that_could_write_more_than_tickets_has_too_much(self, at: Any, scope: str) -> None:
        found = verdicts(at((READER, "read"), (WRITER, f"read write {scope}")), ALL)
        assert found == {"excess": [f"writer: scope {scope}"]}

    def test_in_shadow_a_writer_that_could_write_has_too_much(self, at: Any) -> None:
        assert verdicts(at((READER, "read"), (WRITER, "read")), SHADOW) == {}
        assert verdicts(at((READER, "read"), (WRITER, "read write")), SHADOW) == {"excess": ["writer: scope write"]}

    def test_a_writer_that_cannot_write_lacks_a_scope(self, at: Any) -> None:
        assert verdicts(at((READER, "read"), (WRITER, "read")), ALL) == {"missing": ["writer: scope write"]}

    def test_a_credential_that_cannot_read_lacks_a_scope(self, at: Any) -> None:
        found = verdicts(at((READER, "read"), (WRITER, "tickets:write")), ALL)
        assert found == {"missing": ["writer: scope read"]}

    def test_one_credential_for_both_is_too_much_only_where_it_is_an_admins(self, at: Any) -> None:
        found = verdicts(at((READER, "read write"), None), ALL)
        assert found == {"excess": ["reader and writer: one credential, of an admin"]}
        by_search = replace(ALL, searches=True)
        assert verdicts(at((WRITER, "read write"), None), by_search) == {}

    def test_one_credential_needs_what_the_effects_need(self, at: Any) -> None:
        by_search = replace(ALL, searches=True)
        assert verdicts(at((WRITER, "read"), None), by_search) == {"missing": ["reader: scope write"]}
        found = verdicts(at((WRITER, "read write"), None), replace(SHADOW, searches=True))
        assert found == {"excess": ["reader: scope write"]}

    def test_the_search_needs_no_admin(self, at: Any) -> None:
        by_search = replace(ALL, searches=True)
        assert verdicts(at((READER, "read"), (WRITER, "read write")), by_search) == {"excess": ["reader: role admin"]}
        assert verdicts(at((WRITER, "read"), (WRITER, "read write")), ALL)["missing"] == ["reader: role admin"]

    def test_two_credentials_of_one_account_are_told(self, at: Any) -> None:
        found = verdicts(at((READER, "read"), (READER, "read write")), ALL)
        assert found == {"excess": ["writer: role admin", "reader and writer: one account"]}

    def test_an_api_token_is_too_much_and_an_admins_is_called_so(self, at: Any) -> None:
        found = [*at((READER, "token"), (WRITER, "token")).inspect(ALL)]
        told = {f.what: f.why for f in found if f.verdict is Verdict.EXCESS}
        assert set(told) == {"reader: API token", "writer: API token"}
        assert ["admin" in told[f"{role}: API token"] for role in ("reader", "writer")] == [True, False]

    @pytest.mark.parametrize("role", ["reader", "writer"])
    def test_a_client_that_is_refused_is_told_and_the_other_is_looked_at(self, at: Any, role: str) -> None:
        reader, writer = ("wrong", "read write impersonate") if role == "reader" else ("read impersonate", "wrong")
        other = "writer" if role == "reader" else "reader"
        found = verdicts(at((READER, reader), (WRITER, writer)), ALL)
        assert found == {"missing": [f"{role}: sign-in"], "excess": [f"{other}: scope impersonate"]}

    def test_a_scope_that_the_client_may_not_ask_for_is_told(self, at: Any) -> None:
        found = [*at((READER, "read everything"), (WRITER, "read write")).inspect(ALL)]
        (sign_in,) = [f for f in found if f.verdict is Verdict.MISSING]
        assert (sign_in.what, "scope" in sign_in.remedy) == ("reader: sign-in", True)


class TestJira:
    @pytest.fixture
    def at(self, sandbox: Sandbox) -> Any:
        """Who looks, with accounts by name: ``us`` (made for this), or one of the team; ``wrong`` is refused."""
        told, url = sandbox.site("jira").describe(), sandbox.url("jira")
        ours = told["auth"]["basic"]

        def signing_in(name: str) -> Credentials:
            email = ours["email"] if name in {"us", "wrong"} else f"{name}@desk.example"
            return Basic(email, ours["token"] if name == "us" else f"token-{name}")

        def look(reader: str | Credentials, writer: str | None = None) -> Inspector:
            options = JiraOptions(
                site="j",
                api_base=url,
                reader=signing_in(reader) if isinstance(reader, str) else reader,
                writer=signing_in(writer) if writer else None,
                fields=FieldMap(),
                projects=("SUP",),
            )
            return open_jira(options, Surroundings(clock=StoppedClock())).inspector

        return look

    def test_an_account_made_for_this_is_in_order(self, at: Any) -> None:
        assert verdicts(at("us"), ALL) == {}

    def test_a_team_members_account_has_too_much(self, at: Any) -> None:
        found = verdicts(at("anna"), ALL)
        assert set(found) == {"excess"}
        assert {"account: TRANSITION_ISSUES in SUP", "account: LINK_ISSUES in SUP"} <= set(found["excess"])

    @pytest.mark.parametrize("name", ["wrong", "nobody"])
    def test_a_wrong_token_is_refused_and_no_right_is_said_to_be_missing(self, at: Any, name: str) -> None:
        (finding,) = at(name).inspect(ALL)
        assert (finding.verdict, finding.what) == (Verdict.MISSING, "account: sign-in")
        assert finding.why.startswith("the token is refused")
        assert "secret" in finding.remedy

    def test_a_scoped_token_at_the_sites_own_address_names_the_remedy(self, sandbox: Sandbox, at: Any) -> None:
        scoped = sandbox.site("jira").describe()["auth"]["scoped"]
        (finding,) = at(Basic(scoped["email"], scoped["token"])).inspect(ALL)
        assert "api_base" in finding.remedy
        (bearer,) = at(Bearer("no token of theirs")).inspect(ALL)
        assert bearer.what == "account: sign-in"

    @pytest.mark.parametrize(
        ("wanted", "scope", "excess"),
        [
            (ALL, "", []),
            (ALL, "read:jira-work write:issue:jira manage:jira-project", ["account: scope manage:jira-project"]),
            (SHADOW, "read:jira-work offline_access write:jira-work", ["account: scope write:jira-work"]),
        ],
        ids=["the usual", "too wide", "in shadow"],
    )
    def test_scopes_that_nothing_needs_are_too_much(
        self, sandbox: Sandbox, wanted: Wanted, scope: str, excess: list[str]
    ) -> None:
        told, url = sandbox.site("jira").describe(), sandbox.url("jira")
        client = told["auth"]["client"]
        signing_in = ClientCredentials(token_url=f"{url}{told['token_path']}", scope=scope, **client)
        base = f"{url}{told['api_path']}"
        options = JiraOptions(site="j", api_base=base, reader=signing_in, fields=FieldMap(), projects=())
        found = verdicts(open_jira(options, Surroundings(clock=StoppedClock())).inspector, wanted)
        assert found == ({"excess": excess} if excess else {})

    def test_a_reader_that_is_refused_leaves_the_writer_to_be_looked_at(self, at: Any) -> None:
        assert verdicts(at("wrong", "us"), ALL) == {"missing": ["reader: sign-in"]}

    def test_two_credentials_of_one_account_are_told(self, at: Any) -> None:
        found = verdicts(at("us", "us"), ALL)
        assert found["excess"][-1] == "reader and writer: one account"
        assert "reader: EDIT_ISSUES in SUP" in found["excess"]
