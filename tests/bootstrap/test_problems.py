"""Everything that is wrong with a configuration is told at once: the file, the policy, maps, templates and secrets."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connector.cli.main import run
from connector.errors import ConfigError


def broken(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def told(compose, **wrong) -> dict[str, list[str]]:
    """Return what is wrong, by the name of its file."""
    with pytest.raises(ConfigError) as caught:
        compose(**wrong)
    found: dict[str, list[str]] = {}
    for problem in caught.value.problems:
        found.setdefault(Path(problem.file).name, []).append(f"{problem.key}: {problem.message}")
    return found


def test_a_broken_configuration_hides_neither_policy_nor_maps_nor_templates_nor_secrets(compose, tmp_path) -> None:
    mappings = tmp_path / "mappings"
    broken(mappings / "policy.yaml", "version:", "versoin:")
    broken(mappings / "sites/jsm-eu.yaml", "priorities:", "prioritys:")
    broken(mappings / "templates/de/hold.md", "{{", "{% for %}{{")
    (tmp_path / "keys/zendesk_writer").unlink()
    found = told(compose, of_zendesk={"timezone": "Europe/Berln"}, log={"level": "loud"})
    assert set(found) == {"connector.yaml", "policy.yaml", "jsm-eu.yaml", "hold.md"}
    assert [line.split(":")[0] for line in found["connector.yaml"]] == [
        "log.level",
        "sites.1.auth.writer",
        "sites.1.timezone",
    ]
    assert "versoin: unknown key" in found["policy.yaml"]
    assert "prioritys: unknown key" in found["jsm-eu.yaml"]


@pytest.mark.parametrize("kind", [["jira"], {"jira": None}, 3])
def test_a_kind_that_is_no_word_is_a_problem_like_another(compose, kind: object) -> None:
    (line,) = [line for line in told(compose, of_zendesk={"kind": kind})["connector.yaml"] if "kind" in line]
    assert line.startswith("sites.1.kind: ")


def test_a_missing_secret_hides_nothing(compose, tmp_path) -> None:
    broken(tmp_path / "mappings/policy.yaml", "version:", "versoin:")
    (tmp_path / "keys/zendesk_writer").unlink()
    found = told(compose)
    assert found["connector.yaml"] == ["sites.1.auth.writer: the secret zendesk_writer is not set"]
    assert "versoin: unknown key" in found["policy.yaml"]


def test_a_map_that_cannot_be_read_lays_nothing_at_the_policys_door(compose, tmp_path) -> None:
    """Only the broken map may bind an input: the policy is then not told that nobody does."""
    for name in ("jsm-eu", "zendesk"):
        broken(tmp_path / f"mappings/sites/{name}.yaml", "version: 1", "version: 2")
    assert set(told(compose)) == {"jsm-eu.yaml", "zendesk.yaml"}
    broken(tmp_path / "mappings/sites/jsm-eu.yaml", "version: 2", "version: 1")
    broken(tmp_path / "mappings/sites/jsm-eu.yaml", "\n  impact:", "\n  impakt:")
    assert set(told(compose)) == {"zendesk.yaml"}
    assert set(told(compose, of_zendesk={"map": 7})) == {"connector.yaml"}


def test_broken_syntax_hides_no_other_file_and_nothing_else_of_its_own(compose, tmp_path, capsys) -> None:
    config = compose().places.paused.with_name("connector.yaml")
    broken(config, "secrets_dir:", "template: x\nbackup: [\nsecrets_dir:")
    broken(tmp_path / "mappings/policy.yaml", "version:", "storm: {count: 3\nversoin:")
    broken(tmp_path / "mappings/sites/jsm-eu.yaml", "priorities:", "hold: {label: a, label: b}\nprioritys:")
    assert run(["-c", str(config), "status"]) == 78
    told = capsys.readouterr().err
    for line in (
        "connector.yaml:1:1: template: unknown key",
        "is not valid YAML: a bracket is opened here and never closed",
        "policy.yaml:4:1: versoin: unknown key",
        "jsm-eu.yaml",
        "hold.label: is given twice",
        "prioritys: unknown key",
    ):
        assert line in told


def test_sites_that_cannot_be_read_hide_no_fault_of_the_policy(compose, tmp_path, capsys, monkeypatch) -> None:
    """And neither they nor a variable that is for one of them are said to be missing."""
    config = compose().places.paused.with_name("connector.yaml")
    monkeypatch.setenv("CONNECTOR_SITES__JSM_EU__LOCALE", "de")
    broken(config, "sites:", "sites: [")
    broken(tmp_path / "mappings/policy.yaml", "version:", "versoin:")
    assert run(["-c", str(config), "status"]) == 78
    told = capsys.readouterr().err
    assert "is not valid YAML" in told
    assert "versoin: unknown key" in told
    assert "CONNECTOR_SITES" not in told
    assert "sites: " not in told


def test_a_configuration_that_is_not_there_says_how_to_go_on(tmp_path, capsys) -> None:
    assert run(["-c", str(tmp_path / "connector.yaml"), "status"]) == 78
    assert "connector.yaml: there is no such file (name it with -c FILE" in capsys.readouterr().err


def test_a_tab_is_called_one(tmp_path, capsys) -> None:
    (tmp_path / "connector.yaml").write_text("sites:\n\t- name: x\n")
    assert run(["-c", str(tmp_path / "connector.yaml"), "status"]) == 78
    assert "connector.yaml:2:1: is not valid YAML" in (told := capsys.readouterr().err)
    assert "indent with spaces: YAML takes no tabs" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "x"], "'x' is not of the form NAME=VALUE"),
        (["--port", "zendesk=x"], "'x' is no port"),
        (["--site", "x"], "'x' is not of the form NAME=VALUE"),
        (["--options", "{x"], "'{x' is no JSON object by site"),
    ],
)
def test_a_wrong_word_to_the_sandbox_is_explained(capsys, arguments: list[str], words: str) -> None:
    assert run(["sandbox", *arguments]) == 64
    assert words in capsys.readouterr().err


def test_a_taken_port_is_explained(capsys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run(["sandbox", "--scenario", "empty", "--port", f"zendesk={taken.getsockname()[1]}"]) == 64
    assert "name a free port with --port NAME=PORT" in capsys.readouterr().err


def test_a_database_of_nobody_or_somebody_else_is_no_old_state(compose, tmp_path, capsys) -> None:
    config = str(compose().places.paused.with_name("connector.yaml"))
    (tmp_path / "state.db").touch()
    assert run(["-c", config, "log"]) == 1
    assert "there is nothing in the state yet" in capsys.readouterr().err
    assert run(["-c", config, "status"]) == 0
    with closing(sqlite3.connect(tmp_path / "state.db")) as theirs:
        theirs.execute("CREATE TABLE something (x)")
    capsys.readouterr()
    assert run(["-c", config, "log"]) == 1
    assert "this database is not a connector's state" in capsys.readouterr().err
