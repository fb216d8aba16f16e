"""Policy cases: the ten tickets pass, and a case notices when the policy says something else."""

from __future__ import annotations

import pytest

from connector.documents import parse
from connector.domain.policy import Policy
from connector.errors import ConfigError
from connector.policyfiles import PolicyCase, load_cases, read_cases, read_policy, run_case
from tests.policyfiles.starter import POLICY, ROOT, SITES, TEMPLATES, TODAY

TEXT = (ROOT / "policy.yaml").read_text(encoding="utf-8")
CASES = load_cases([ROOT / "tests"])
STARTER = read_policy(POLICY, today=TODAY, templates=TEMPLATES, sites=SITES)
US = "holidays: {country: US, remove: [Columbus Day, Veterans Day]}"


def with_change(old: str, new: str) -> Policy:
    assert TEXT.count(old) == 1, old
    return read_policy(parse(TEXT.replace(old, new), file="policy.yaml"), today=TODAY)


def named(words: str) -> PolicyCase:
    return next(case for case in CASES if words in case.name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_starter_policy_handles(case: PolicyCase) -> None:
    assert run_case(case, STARTER).differences == ()


def test_there_are_ten_and_each_is_a_story_with_times() -> None:
    assert len(CASES) == 10
    assert all(len(case.story.story) > 150 and case.line > 0 for case in CASES)
    assert all(len(case.story.expect) >= 2 for case in CASES)


@pytest.mark.parametrize(
    ("words", "old", "new", "said"),
    [
        pytest.param("outage", "- [P1, P1, P2]", "- [P2, P1, P2]", "priority should be P1 and is P2", id="matrix"),
        pytest.param("VIP", "raise_by: 1", "raise_by: 2", "priority should be P3 and is P2", id="raise"),
        pytest.param("French", "fuite de données, fuites", "fuites", "what was said should be", id="words"),
        pytest.param(
            "waiting",
            "pause_on: [waiting_customer, waiting_outside]",
            "pause_on: []",
            "be paused and is running",
            id="pause",
        ),
        pytest.param(
            "reopened",
            "then: resume, after",
            "then: new_cycle, after",
            "the clock resolution should be due",
            id="reopening",
        ),
        pytest.param("linked", "90%:  {escalate_to: 2}", "90%:  {notify: x}", "level should be 2 and is 0", id="mark"),
        pytest.param("HR", "    path: legal\n", "", "the path should be legal and is default", id="path"),
        pytest.param("US customer", US, "holidays: {country: GB}", "should be due Fri 2026-11-27", id="holiday"),
    ],
)
def test_a_case_notices_another_policy(words: str, old: str, new: str, said: str) -> None:
    found = run_case(named(words), with_change(old, new)).differences
    assert found
    assert any(said in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param("opened: 2026-11-24 03:00+01:00", "opened: 2026-11-24 03:00", "needs its zone", id="zone"),
        pytest.param("{at: +5h, priority: P3", "{at: 5h, priority: P3", "'5h' is no moment", id="moment"),
        pytest.param(
            "{at: +1h, by: ben, s",
            "{at: +1h, by: ben, command: /esc, s",
            "command: '/esc' commands nothing; write /esc ack",
            id="command",
        ),
        pytest.param(
            "opened: 2026-11-24 03:00+01:00",
            "opened: 9999-12-31 23:00+01:00",
            "is out of range; use a year from 1970 to 2199",
            id="year",
        ),
        pytest.param(
            "opened: 2026-11-24 03:00+01:00",
            "opened: 0001-01-01 00:00+01:00",
            "is out of range; use a year from 1970 to 2199",
            id="first year",
        ),
        pytest.param(
            "{at: +5h, priority: P3",
            "{at: +99999d, priority: P3",
            "at: lies beyond the year 2199 (write a shorter time)",
            id="far",
        ),
        pytest.param("{at: +5h, priority: P3", "{at: +5h, priorty: P3", "did you mean priority?", id="key"),
        pytest.param("{at: +1h, by: ben, s", "{at: +10m, by: ben, s", "comes before the one ahead of it", id="order"),
        pytest.param("name: merged into another", "name: confidential HR complaint", "name of two cases", id="name"),
    ],
)
def test_a_broken_case_file_is_refused_with_its_place(old: str, new: str, words: str) -> None:
    text = (ROOT / "tests" / "ten-tickets.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    with pytest.raises(ConfigError) as caught:
        read_cases(parse(text.replace(old, new), file="cases.yaml"))
    assert any(words in str(p) and str(p).startswith("cases.yaml:") for p in caught.value.problems), caught.value
