"""``check`` as an operator runs it: in order, too little, too much, and a map that names what is not there."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from connector.cli.main import run as command_line
from tests.cli.test_fitting import Terminal
from tests.e2e.desk import JIRA, ZENDESK, Desk

WRITES = ("EDIT_ISSUES", "ADD_COMMENTS", "DELETE_OWN_COMMENTS", "ASSIGN_ISSUES")


def found(desk: Desk, *verdicts: str, site: str = "") -> list[dict[str, Any]]:
    rows = desk.run("check", "-o", "json").json["findings"]
    return [row for row in rows if row["verdict"] in verdicts and row["site"] == (site or row["site"])]


def test_a_desk_in_order_says_so_and_changes_nothing(desk: Desk) -> None:
    ran = desk.run("check")
    assert ran.code == 0, ran.out
    assert " in order, 0 missing, 0 excess, 0 broken" in ran.out
    assert desk.writes() == []
    assert not list(desk.folder.glob("state.db*"))


def test_a_mistyped_state_is_told_and_not_made(desk: Desk) -> None:
    """Nobody could tell a new, empty state from a lost one: it would read a first load beside the one it missed."""
    mistyped = desk.folder / "stat" / "state.db"
    desk.configure(lambda c: c.update(state=f"sqlite:///{mistyped}"))
    ran = desk.run("check")
    assert ran.code == 78
    assert f"there is no folder {mistyped.parent} for the state" in ran.out
    for command in (("sync",), ("run",), ("pause", JIRA)):
        ran = desk.run(*command)
        assert (ran.code, "there is no folder" in ran.err) == (78, True)
    assert not mistyped.parent.exists()
    mistyped.parent.mkdir(mode=0o700)
    (row,) = (row for row in found(desk, "ok") if row["what"].startswith("state "))
    assert row["what"].endswith("none yet: the first run makes it")
    desk.ok("sync")


@pytest.mark.parametrize("folder", ["connector.yaml", "a" * 300])
def test_a_state_in_what_is_no_folder_is_told(desk: Desk, folder: str) -> None:
    desk.configure(lambda c: c.update(state=f"sqlite:///{desk.folder / folder / 'state.db'}"))
    ran = desk.run("check", "-o", "json")
    told = [row for row in ran.json["findings"] if row["what"].startswith("state ")]
    assert (ran.code, [row["verdict"] for row in told]) == (78, ["broken"])
    assert desk.run("sync").code == 78


def test_secrets_that_others_may_see_are_told_and_fail_nothing(desk: Desk) -> None:
    secrets = desk.folder / "secrets"
    assert found(desk, "excess", site="") == []
    secrets.chmod(0o755)
    key = desk.folder / "listen.pem"
    key.touch()
    key.chmod(0o640)
    desk.configure(lambda c: c.update(web={"tls_certificate": "listen.pem", "tls_key": "listen.pem"}))
    assert desk.run("check").code == 0
    told = [(row["what"], row["why"], row["remedy"]) for row in found(desk, "excess") if not row["site"]]
    assert told == [
        (f"secrets folder {secrets}", "may be listed by other users (mode 0755)", f"chmod 700 {secrets}"),
        (f"secret file {key}", "may be read by other users (mode 0640)", f"chmod 600 {key}"),
    ]


def test_a_program_that_is_not_there_is_told(desk: Desk) -> None:
    desk.configure(lambda c: c.update(alarm_command=["/nowhere/page-someone"]))
    assert desk.run("check").code == 78
    assert [row["what"] for row in found(desk, "broken")] == ["alarm_command /nowhere/page-someone"]


def test_a_map_that_names_what_is_not_there_is_told_line_by_line(desk: Desk) -> None:
    for name, old, new in (
        (JIRA, "customfield_10101", "customfield_66601"),
        (JIRA, "qm:anna", "qm:nobody"),
        (JIRA, "P4: 4", "P4: 44"),
        (ZENDESK, "27641", "66602"),
        (ZENDESK, "service-desk: 101", "service-desk: 66603"),
        (ZENDESK, "anna: 502", "anna: 66604"),
    ):
        path = desk.folder / "mappings" / "sites" / f"{name}.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert desk.run("check").code == 78
    told = " ".join(f"{row['what']} {row['why']}" for row in found(desk, "broken"))
    for bad in ("customfield_66601", "qm:nobody", "priority 44", "66602", "66603", "66604"):
        assert bad in told


def test_a_scope_too_much_and_a_scope_too_little_are_told(desk: Desk) -> None:
    desk.effects("fields", "notes")

    def swap(document: dict[str, Any]) -> None:
        auth = next(s for s in document["sites"] if s["name"] == ZENDESK)["auth"]
        auth["reader"]["scope"], auth["writer"]["scope"] = "read write", "read"

    desk.configure(swap)
    assert desk.run("check").code == 4
    assert [row["what"] for row in found(desk, "missing")] == ["writer: scope write"]
    assert [row["what"] for row in found(desk, "excess", site=ZENDESK)] == ["reader: scope write"]


def test_a_site_that_is_read_by_search_needs_no_admin(desk: Desk) -> None:
    """An agent's client alone: too little for the export, all that the search takes."""

    def agent_alone(document: dict[str, Any]) -> None:
        site = next(s for s in document["sites"] if s["name"] == ZENDESK)
        site["auth"]["reader"] = dict(site["auth"]["writer"])

    (secret,) = [path for path in Path(desk.folder).rglob("zendesk_writer") if path.is_file()]
    shutil.copy(secret, secret.with_name("zendesk"))
    desk.configure(agent_alone)
    assert [row["what"] for row in found(desk, "missing", site=ZENDESK)] == ["reader: role admin"]

    def by_search(document: dict[str, Any]) -> None:
        next(s for s in document["sites"] if s["name"] == ZENDESK)["poll"] = {"by": "search"}

    desk.configure(by_search)
    assert found(desk, "missing", site=ZENDESK) == []


def test_a_wrong_secret_is_told_and_the_other_site_is_looked_at(desk: Desk) -> None:
    (secret,) = [path for path in Path(desk.folder).rglob("*") if path.name == "jsm_eu" and path.is_file()]
    secret.write_text("not-the-secret")
    ran = desk.run("check", "--all")
    assert ran.code == 4
    assert "not-the-secret" not in ran.out + ran.err
    assert ZENDESK in ran.out
    (row,) = found(desk, "missing", "broken", "unknown", site=JIRA)
    assert row["what"] == "account: sign-in"
    assert row["why"].startswith("the token is refused")
    assert row["remedy"]


def test_rights_too_much_are_told_and_end_well(desk: Desk) -> None:
    """In shadow whatever writes is too much; an admin's API token is, whatever is switched on."""

    def with_token(document: dict[str, Any]) -> None:
        site = next(s for s in document["sites"] if s["name"] == ZENDESK)
        site["auth"]["reader"] = {"method": "token", "email": "connector-reader@sandbox.example"}

    (secret,) = [path for path in Path(desk.folder).rglob("zendesk_reader") if path.is_file()]
    secret.write_text(desk.client.site(ZENDESK)["api_token"])
    desk.configure(with_token)
    desk.effects()
    assert desk.run("check").code == 0
    assert [row["what"] for row in found(desk, "excess", site=ZENDESK)] == ["reader: API token", "writer: scope write"]
    assert {row["what"] for row in found(desk, "excess", site=JIRA)} == {f"account: {right} in SUP" for right in WRITES}
    assert all(row["remedy"] for row in found(desk, "excess"))


@pytest.mark.parametrize("arguments", [["check", "--all"], ["policy", "test", "-k", "the"]])
def test_at_a_narrow_terminal_no_line_is_wider(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", "40")
    assert command_line(["-c", str(desk.config), "--no-color", *arguments]) == 0
    lines = screen.getvalue().splitlines()
    assert len(lines) > 5
    assert [line for line in lines if cell_len(line) > 40] == []


@pytest.mark.parametrize("site", [JIRA, ZENDESK])
def test_one_site_can_be_asked_alone(desk: Desk, site: str) -> None:
    rows = desk.run("check", "--site", site, "-o", "json").json["findings"]
    assert {row["site"] for row in rows} == {"", site}
