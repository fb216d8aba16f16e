"""A scope that no ticket of a Zendesk site can have is refused, as it would switch and protect nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from connector.errors import ConfigError
from tests.bootstrap.conftest import Compose
from tests.bootstrap.test_problems import broken


def told(compose: Compose, **site: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        compose(of_zendesk=site)
    return [str(problem) for problem in caught.value.problems]


def by(tmp_path: Path, scope: str) -> None:
    broken(tmp_path / "mappings/sites/zendesk.yaml", "scope: brand", f"scope: {scope}")


@pytest.mark.parametrize(
    ("scope", "name", "key", "value"),
    [
        *(("brand", name, "confidential", "ignore") for name in ("hr", "HR", "id:900", "0900", "\u0669")),
        ("brand", "vip-brand", "scopes", []),
        ("form", "hr", "confidential", "restricted"),
        ("organization", "hr", "scopes", ["fields"]),
    ],
)
def test_what_is_no_id_is_refused_where_scopes_are_ids(
    compose: Compose, tmp_path: Path, scope: str, name: str, key: str, value: object
) -> None:
    if scope != "brand":
        by(tmp_path, scope)
    (problem,) = told(compose, **{key: {name: value}})
    assert problem.startswith(f"{tmp_path}/connector.yaml:")
    assert f"sites.1.{key}.{name}: is no {scope}'s id" in problem
    assert f"write the number in the {scope}'s address" in problem


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Legal", "did you mean legal?"),
        ("hr", "use legal, second-line, security-incident, service-desk, specialists, or id:<number>"),
        ("105", "105 is legal in the map: write legal"),
        ("id:105", "105 is legal in the map: write legal"),
        ("900", "write id:900"),
        ("id:nine", "the number in the group's address"),
        ("id:", "the number in the group's address"),
    ],
)
def test_what_is_no_group_is_refused_where_scopes_are_groups(
    compose: Compose, tmp_path: Path, name: str, words: str
) -> None:
    by(tmp_path, "group")
    (problem,) = told(compose, confidential={name: "ignore"})
    assert f"sites.1.confidential.{name}: no ticket is ever in a group of that name" in problem
    assert words in problem


def test_what_a_ticket_can_be_in_is_taken(compose: Compose, tmp_path: Path) -> None:
    rules = compose(of_zendesk={"scopes": {"900": []}, "confidential": {"901": "ignore"}}).rules("zendesk")
    assert (set(rules.scopes), set(rules.confidential)) == ({"900"}, {"901"})
    by(tmp_path, "group")
    rules = compose(of_zendesk={"scopes": {"legal": []}, "confidential": {"id:901": "ignore"}}).rules("zendesk")
    assert (set(rules.scopes), set(rules.confidential)) == ({"legal"}, {"id:901"})


def test_a_map_that_is_read_again_is_held_to_the_scopes(compose: Compose, tmp_path: Path) -> None:
    program = compose(of_zendesk={"confidential": {"901": "ignore"}})
    by(tmp_path, "group")
    with pytest.raises(ConfigError, match=r"sites\.1\.confidential\.901: no ticket is ever in a group"):
        program.policies.reload(today=date(2026, 11, 23))


def test_it_is_told_beside_what_else_is_wrong_with_the_line_and_the_variable(
    compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_SITES__ZENDESK__CONFIDENTIAL__HR", "ignore")
    found = told(compose, confidential={"vip": "restricted"}, locale="?")
    line = (tmp_path / "connector.yaml").read_text().splitlines().index("  confidential: {vip: restricted}") + 1
    assert len(found) == 3
    assert any(f"connector.yaml:{line}:18: sites.1.confidential.vip: is no brand's id" in p for p in found)
    assert any("environment: CONNECTOR_SITES__ZENDESK__CONFIDENTIAL__HR: is no brand's id" in p for p in found)
