"""What ``check`` reads of an account's rights on Jira, for one account and for a pair."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from connector.domain.site import Effect, FieldMap
from connector.helpdesks.jira.assembly import JiraOptions, open_site
from connector.helpdesks.jira.rights import UNUSED, WRITING
from connector.helpdesks.transport import Basic, Surroundings
from connector.ports.inspection import Verdict, Wanted
from tests.helpdesks.stopped_clock import StoppedClock

API = "https://acme.atlassian.net/rest/api/3"
ALL = frozenset(Effect)
NEEDED = {
    "BROWSE_PROJECTS",
    "SERVICEDESK_AGENT",
    "EDIT_ISSUES",
    "ADD_COMMENTS",
    "DELETE_OWN_COMMENTS",
    "ASSIGN_ISSUES",
}


def myself(request: Any) -> tuple[int, dict[str, str], str]:
    return 200, {}, json.dumps({"accountId": request.headers["Authorization"]})


def rights(
    held: set[str], effects: frozenset[Effect], *, pair: bool = False, strange: frozenset[str] = frozenset()
) -> dict[str, set[str]]:
    """Verdicts by kind; ``strange``: permissions that this site does not know."""

    def permissions(request: Any) -> tuple[int, dict[str, str], str]:
        asked = request.params["permissions"].split(",")
        if strange & set(asked):
            return 400, {}, '{"errorMessages":["Unrecognized permission"],"errors":{}}'
        told = ",".join(f'"{name}":{{"havePermission":{str(name in held).lower()}}}' for name in asked)
        return 200, {}, f'{{"permissions":{{{told}}}}}'

    options = JiraOptions(
        site="j",
        api_base="https://acme.atlassian.net",
        reader=Basic("r", "reader-token"),
        writer=Basic("w", "writer-token") if pair else None,
        fields=FieldMap(),
        projects=("SUP",),
    )
    with responses.RequestsMock() as wire:
        wire.add_callback("GET", f"{API}/myself", myself, content_type="application/json")
        wire.add_callback("GET", f"{API}/mypermissions", permissions, content_type="application/json")
        for name in ("field", "priority"):
            wire.get(f"{API}/{name}", json=[])
        inspector = open_site(options, Surroundings(clock=StoppedClock())).inspector
        found = list(inspector.inspect(Wanted(effects=effects)))
    verdicts = {verdict: {f.what for f in found if f.verdict is verdict} for verdict in Verdict}
    return {str(verdict): whats for verdict, whats in verdicts.items() if whats}


def test_exactly_what_is_needed_is_in_order() -> None:
    assert set(rights(NEEDED, ALL)) == {"ok"}


@pytest.mark.parametrize("right", sorted(NEEDED))
def test_each_right_that_is_missing_is_named(right: str) -> None:
    assert rights(NEEDED - {right}, ALL)["missing"] == {f"account: {right} in SUP"}


def test_in_shadow_reading_is_enough() -> None:
    assert "missing" not in rights({"BROWSE_PROJECTS", "SERVICEDESK_AGENT"}, frozenset())


def test_what_could_do_harm_is_named() -> None:
    harmful = {"ADMINISTER", "DELETE_ISSUES", "EDIT_ALL_COMMENTS", "MANAGE_WATCHERS", "TRANSITION_ISSUES"}
    assert rights(NEEDED | harmful, ALL)["excess"] == {f"account: {right} in SUP" for right in harmful}


@pytest.mark.parametrize("right", UNUSED)
def test_each_right_that_nothing_uses_is_named(right: str) -> None:
    assert rights(NEEDED | {right}, ALL)["excess"] == {f"account: {right} in SUP"}


@pytest.mark.parametrize("effect", Effect)
def test_a_right_that_only_other_effects_need_is_too_much(effect: Effect) -> None:
    told = rights(NEEDED, frozenset({effect}))
    writes = {right for needed in WRITING.values() for right in needed}
    assert told["excess"] == {f"account: {right} in SUP" for right in writes - set(WRITING[effect])}
    assert "missing" not in told


def test_a_permission_that_the_site_does_not_know_hides_no_missing_one() -> None:
    told = rights(NEEDED - {"EDIT_ISSUES"}, ALL, strange=frozenset({"CLOSE_ISSUES"}))
    assert told["missing"] == {"account: EDIT_ISSUES in SUP"}
    assert told["unknown"] == {"account: rights beyond need in SUP"}


def test_a_reader_of_its_own_needs_no_right_to_write() -> None:
    told = rights(NEEDED, ALL, pair=True)
    assert told["excess"] == {f"reader: {right} in SUP" for right in NEEDED - {"BROWSE_PROJECTS", "SERVICEDESK_AGENT"}}
    assert "missing" not in told
