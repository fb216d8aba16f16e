"""Site maps: what they bind and what is refused."""

from __future__ import annotations

import pytest

from connector.documents import parse
from connector.domain.site import BindingSource
from connector.domain.ticket import ClockName, LinkKind, Priority, Status
from connector.errors import ConfigError
from connector.policyfiles import SiteMap, load_site_map, read_site_map
from tests.policyfiles.starter import ROOT, SITES

JIRA = (ROOT / "sites" / "jsm-eu.yaml").read_text(encoding="utf-8")
ZENDESK = (ROOT / "sites" / "zendesk.yaml").read_text(encoding="utf-8")


def site(text: str) -> SiteMap:
    return read_site_map(parse(text, file="map.yaml"))


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        site(text)
    return [str(problem) for problem in caught.value.problems]


def test_the_jira_map() -> None:
    fields = SITES["jsm-eu"].fields
    assert fields.inputs["impact"].id == "customfield_10101"
    assert fields.priorities[Priority.P1] == "1"
    assert fields.statuses["Waiting for customer"] is Status.WAITING_CUSTOMER
    assert fields.clocks["Time to resolution"] is ClockName.RESOLUTION
    assert fields.person_name("qm:anna") == "anna"
    assert fields.group_field is not None
    assert fields.group_field.writable
    assert fields.links["Duplicate"] == LinkKind.MERGED_INTO.value


def test_the_zendesk_map() -> None:
    fields = SITES["zendesk"].fields
    assert fields.inputs["org.tier"].source is BindingSource.ORGANIZATION
    assert fields.inputs["requester.tags"].source is BindingSource.REQUESTER
    assert fields.groups["service-desk"] == "101"
    assert fields.statuses["hold"] is Status.ON_HOLD
    assert fields.level is not None
    assert (fields.level.id, fields.level.writable) == ("27651", True)
    assert SITES["zendesk"].locales == ("en", "de", "nl", "ja")


@pytest.mark.parametrize(
    ("text", "old", "new", "words"),
    [
        pytest.param(JIRA, "scope: project", "scope: brand", "a jira site has no brand (use project)", id="scope"),
        pytest.param(JIRA, ", P4: 4}", "}", "does not bind P4", id="priority left out"),
        pytest.param(
            JIRA, "P4: 4", "P4: 4, p4: 5", "priorities.p4: is given twice in two spellings, as P4 above", id="key twice"
        ),
        pytest.param(JIRA, "P4: 4", "P4: 3", "3 is bound to P3 as well", id="priority twice"),
        pytest.param(
            JIRA, "Closed: closed", "Closed: close", "'close' is no status; did you mean closed?", id="status"
        ),
        pytest.param(JIRA, "group_field: {field: customfield_10114}\n", "", "written without group_field", id="group"),
        pytest.param(JIRA, "Blocks: work", "Blocks: wrok", "'wrok' is not known here (did you mean work?)", id="link"),
        pytest.param(JIRA, "{field: customfield_10104}", "{organization: t}", "in ticket fields only", id="no place"),
        pytest.param(
            ZENDESK, "{organization: region}", "{organization: r, field: 1}", "needs exactly one of", id="two"
        ),
        pytest.param(ZENDESK, "  solved: solved\n", "  solved: open\n", "no ticket would ever be solved", id="solved"),
        pytest.param(ZENDESK, "anna: 502", "anna: 501", "501 is bound to duty-manager as well", id="person twice"),
        pytest.param(ZENDESK, "next_due: {f", "next_du: {f", "unknown key (did you mean next_due?)", id="key"),
    ],
)
def test_refused_with_a_remedy(text: str, old: str, new: str, words: str) -> None:
    assert text.count(old) == 1
    found = problems(text.replace(old, new))
    assert any(words in problem and problem.startswith("map.yaml:") for problem in found), found


def test_a_map_must_be_the_one_of_its_site() -> None:
    with pytest.raises(ConfigError, match="is the map of zendesk, but used for zd-2"):
        load_site_map(ROOT / "sites" / "zendesk.yaml", name="zd-2")
    with pytest.raises(ConfigError, match="is a map for zendesk, but the site is jira"):
        load_site_map(ROOT / "sites" / "zendesk.yaml", kind="jira")


def test_fields_that_a_map_does_not_bind_are_never_planned() -> None:
    assert SITES["jsm-eu"].unwritable == frozenset()
    assert site(ZENDESK.replace("next_due: {field: 27653}\n", "")).unwritable == {"next_due"}
    without = JIRA.replace("group_field: {field: customfield_10114}\n", "").replace(
        "level:       {field: customfield_10111}\n", ""
    )
    start, end = without.index("groups:\n"), without.index("people:\n")
    assert site(without[:start] + without[end:]).unwritable == {"group", "level"}


def test_jira_tells_organizations_and_the_requesters_language() -> None:
    text = JIRA.replace("{field: customfield_10104}", "{organization: name, values: {Acme: platinum}}", 1)
    fields = site(text).fields
    assert fields.inputs["org.tier"].source is BindingSource.ORGANIZATION
    assert fields.inputs["locale"].source is BindingSource.REQUESTER
    (problem,) = problems(JIRA.replace("{field: customfield_10104}", "{requester: locale}", 1))
    assert "in ticket fields only" in problem


def test_programs_commands_and_holds() -> None:
    more = (
        "automations: [qm:mirror]\ncommands: {people: [anna, qm:zoe]}\n"
        "hold: {label: hands-off, until: {field: customfield_10115}}\n"
    )
    bound = site(JIRA + more)
    assert bound.fields.automations == {"qm:mirror"}
    assert bound.fields.commanders == {"qm:anna", "qm:zoe"}
    assert bound.fields.hold_until is not None
    assert (bound.fields.hold_until.id, bound.fields.hold_label) == ("customfield_10115", "hands-off")
    assert site(ZENDESK + "commands: {groups: [service-desk]}\n").fields.command_groups == {"101"}
    assert (site(JIRA).fields.hold_label, site(JIRA).fields.commanders) == ("esc-hold", frozenset())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            JIRA + "automations: [qm:anna]\n", "qm:anna is bound to anna among people", id="a person and a program"
        ),
        pytest.param(ZENDESK + "commands: {groups: [second]}\n", "second is no group of this map", id="no such group"),
        pytest.param(JIRA + "commands: {groups: [legal]}\n", "name people instead", id="groups on Jira"),
        pytest.param(
            JIRA + "automations: [qm:bot]\ncommands: {people: ['qm:bot']}\n", "only people command", id="a program"
        ),
    ],
)
def test_people_and_programs_are_kept_apart(text: str, words: str) -> None:
    (problem,) = problems(text)
    assert words in problem


@pytest.mark.parametrize("text_field", ["summary", "description", "Summary", "comment"])
def test_what_people_wrote_is_no_input(text_field: str) -> None:
    (problem,) = problems(JIRA.replace("{field: customfield_10104}", f"{{field: {text_field}}}", 1))
    assert f"{text_field} is what people wrote, which is never stored" in problem
    assert "inputs." in problem
    assert "condition on `text`" in problem


def test_a_zendesk_subject_is_no_input_either() -> None:
    field = next(line for line in ZENDESK.splitlines() if line.startswith("  impact:"))
    (problem,) = problems(ZENDESK.replace(field, "  impact: {field: subject}"))
    assert "subject is what people wrote" in problem
