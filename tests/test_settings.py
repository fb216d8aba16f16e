"""The configuration: file, environment, secrets; every problem at once with its place."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents import parse
from connector.domain.site import DEFAULT_BUDGETS, Confidential, Effect
from connector.errors import ConfigError
from connector.helpdesks.transport.redaction import SHORTEST
from connector.settings import Settings, config_reference, config_schema, load_settings, read_settings, site_rules
from connector.settings.auth import secret_name
from connector.settings.checks import SHORTEST_SECRET
from connector.settings.sources import exposure, overrides

GOOD = dedent("""\
    state: sqlite:///state.db
    policy: mappings/policy.yaml
    sites:
      - name: jsm-eu
        kind: jira
        base_url: https://acme.atlassian.net/
        projects: SUP
        map: mappings/sites/jsm-eu.yaml
        auth: {method: token, email: bot@acme.example}
        effects: [fields]
        scopes: {SUP: [fields, notes]}
        enforce_from: 2026-12-01T08:00:00+01:00
        budgets: {notes: {least: 5, per: 2h}}
      - name: zendesk
        kind: zendesk
        base_url: https://ACME.zendesk.com:443
        map: mappings/sites/zendesk.yaml
        auth:
          reader: {method: oauth, client_id: reader}
          writer: {method: oauth, client_id: writer, secret: zd-write}
    """)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CREDENTIALS_DIRECTORY", "CONNECTOR_SECRETS_DIR"):
        monkeypatch.delenv(name, raising=False)


def settings(text: str = GOOD, base: Path = Path("/etc/connector")) -> Settings:
    return read_settings(parse(text, file="connector.yaml"), base=base, need_secrets=False)


def problems(text: str, *, need_secrets: bool = False) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_settings(parse(text, file="connector.yaml"), base=Path("/etc"), need_secrets=need_secrets)
    return [str(p) for p in caught.value.problems]


def test_a_good_file_is_read_with_paths_beside_it() -> None:
    read = settings()
    assert read.policy == Path("/etc/connector/mappings/policy.yaml")
    assert read.state == "sqlite:////etc/connector/state.db"
    assert read.site("zendesk").map == Path("/etc/connector/mappings/sites/zendesk.yaml")
    assert read.site("zendesk").base_url == "https://acme.zendesk.com"
    assert read.site("jsm-eu").projects == ("SUP",)
    assert read.stale_after == timedelta(minutes=15)


def test_rules_for_the_domain() -> None:
    rules = site_rules(settings().site("jsm-eu"))
    assert rules.allows(Effect.NOTES, "SUP")
    assert not rules.allows(Effect.NOTES, "OTHER")
    assert rules.enforce_from == datetime(2026, 12, 1, 7, tzinfo=UTC)
    notes, default = rules.budgets[Effect.NOTES], DEFAULT_BUDGETS[Effect.NOTES]
    assert (notes.least, notes.window, notes.reserve) == (5, timedelta(hours=2), default.reserve)
    assert rules.budgets[Effect.PUBLIC] == DEFAULT_BUDGETS[Effect.PUBLIC]


@pytest.mark.parametrize(
    "other", ["https://acme2.atlassian.net/", "http://localhost:1/", "https://acme.atlassian.net/x"]
)
def test_another_address_is_another_site(other: str) -> None:
    moved = settings(GOOD.replace("https://acme.atlassian.net/", other))
    assert moved.site("jsm-eu").fingerprint != settings().site("jsm-eu").fingerprint


def test_moving_to_the_api_gateway_keeps_the_site() -> None:
    moved = settings(
        GOOD.replace("    projects:", "    api_base: https://api.atlassian.com/ex/jira/1-2\n    projects:")
    )
    assert moved.site("jsm-eu").fingerprint == settings().site("jsm-eu").fingerprint
    assert moved.site("jsm-eu").api_url == "https://api.atlassian.com/ex/jira/1-2"
    assert moved.site("jsm-eu").link_url == "https://acme.atlassian.net"


def test_every_problem_at_once() -> None:
    text = dedent("""\
        state: mysql://x/y
        polcy: p.yaml
        sites:
          - name: JSM EU
            kind: jria
            base_url: http://jira.example
            efects: [fields]
            map: m.yaml
            auth: {method: token, email: a@b.example}
          - name: zd
            kind: zendesk
            base_url: https://u:p@acme.zendesk.com
            effects: [filds]
            enforce_from: 2026-12-01
            timezone: Europe/Berln
            poll: {every: 1 minute, history_share: 80%}
            map: m.yaml
            auth: {reader: {method: basic}, writer: {method: bearer, secret: "ab12:xyz"}}
        """)
    found = problems(text)
    assert found == sorted(found, key=lambda p: [int(n) for n in p.split(":")[1:3]])
    expected = [
        "connector.yaml:1:1: state: is no database that can be used",
        "connector.yaml:2:1: polcy: unknown key (did you mean policy?)",
        "connector.yaml:4:5: sites.0.name:",
        "connector.yaml:5:5: sites.0.kind: 'jria' is not known here (did you mean jira?)",
        "connector.yaml:6:5: sites.0.base_url: plain http:// is for this machine only; write https://",
        "connector.yaml:7:5: sites.0.efects: unknown key (did you mean effects?)",
        "connector.yaml:12:5: sites.1.base_url: holds a user name or password; leave them out",
        "connector.yaml:13:15: sites.1.effects.0: 'filds' is not known here (did you mean fields?)",
        "connector.yaml:14:5: sites.1.enforce_from:",
        "connector.yaml:15:5: sites.1.timezone: 'Europe/Berln' is not an IANA time zone such as Europe/Berlin",
        "connector.yaml:16:12: sites.1.poll.every: '1 minute' is not a duration; write 30m, 4h, 1h30m or 3d",
        "connector.yaml:16:29: sites.1.poll.history_share:",
        "connector.yaml:18:12: sites.1.auth.reader: 'basic' is not known here (use bearer, oauth, token)",
        "connector.yaml:18:62: sites.1.auth.writer.secret: must be the name of a secret",
    ]
    assert [p for p, start in zip(found, expected, strict=True) if not p.startswith(start)] == []


def test_what_is_wrong_in_one_part_hides_no_other_part(monkeypatch, tmp_path) -> None:
    (tmp_path / "jsm_eu").write_text("secret that all may change")
    (tmp_path / "jsm_eu").chmod(0o602)
    monkeypatch.setenv("CONNECTOR_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("CONNECTOR_SITES__OTHER__BASE_URL", "https://x.example")
    monkeypatch.setenv("CONNECTOR_STATE__PATH", "state.db")
    wrong = GOOD.replace("projects: SUP", "views: 12").replace("state: sqlite:///state.db", "stat: x\nstate: state.db")
    found = problems(wrong + "log: {level: loud}\n", need_secrets=True)
    expected = [
        f"{tmp_path}/jsm_eu: the secret file can be changed by other users",
        "connector.yaml:1:1: stat: unknown key",
        "connector.yaml:2:1: state: is no database that can be used",
        "connector.yaml:5:5: sites.0.projects: is missing",
        "connector.yaml:8:5: sites.0.views: means nothing on a jira site",
        "connector.yaml:12:14: sites.0.scopes.SUP: is not one of this site's projects",
        "connector.yaml:20:7: sites.1.auth.reader: the secret zendesk_reader is not set",
        "connector.yaml:21:7: sites.1.auth.writer: the secret zd_write is not set",
        "connector.yaml:22:7: log.level: 'loud' is not known here",
        "environment: CONNECTOR_SITES__OTHER__BASE_URL: cannot be used: there is no site 'other' in the file",
        "environment: CONNECTOR_STATE__PATH: cannot be used: state is no mapping",
    ]
    assert [p for p, start in zip(found, expected, strict=True) if not p.startswith(start)] == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param("projects: SUP", "views: 12", "views: means nothing on a jira site", id="views on jira"),
        pytest.param("    projects: SUP\n", "", "projects: is missing", id="no projects"),
        pytest.param("{SUP:", "{HR:", "HR: is not one of this site's projects (use SUP)", id="unknown scope"),
        pytest.param("name: zendesk", "name: jsm-eu", "is the name of two sites", id="name twice"),
        pytest.param("https://acme.atlassian.net/", "http://x.example", "plain http://", id="plain http"),
        pytest.param("https://acme.atlassian.net/", "https://acme.atlassian.net?x=1", "without ? or #", id="query"),
        pytest.param("https://acme.atlassian.net/", "https://h:99999", "is not a URL", id="port"),
        pytest.param("sqlite:///state.db", "postgresql://u:pw@h/db", "a password never stands", id="password in URL"),
        pytest.param(
            "sqlite:///state.db", "postgresql://u@h/db?password=x", "a password never stands", id="password in query"
        ),
        pytest.param("sqlite:///state.db", "state.db", "is no database", id="no URL"),
        pytest.param("sqlite:///state.db", '"postgresql://[h/db"', "is no database", id="broken URL"),
        pytest.param("sqlite:///state.db", "sqlite://state.db", "state: names no file", id="two slashes"),
        pytest.param("sqlite:///state.db", "sqlite:///", "state: names no file", id="no path"),
        pytest.param("sqlite:///state.db", '"sqlite:///:memory:"', "state: names no file", id="memory"),
        pytest.param("policy:", "clock_url: http://10.0.0.1:1\npolicy:", "must be on this machine", id="clock"),
        pytest.param(
            "    projects: SUP\n", "    projects: SUP\n    poll: {history_share: 0}\n", "history_share", id="no share"
        ),
    ],
)
def test_refused(old: str, new: str, words: str) -> None:
    assert old in GOOD
    assert any(words in p for p in problems(GOOD.replace(old, new)))


def test_project_keys_are_capitals_however_they_are_written(monkeypatch) -> None:
    monkeypatch.setenv("CONNECTOR_SITES__JSM_EU__CONFIDENTIAL__LAW", "ignore")
    small = GOOD.replace("projects: SUP", "projects: [sup, hr, law]\n    confidential: {hr: ignore}")
    site = settings(small.replace("{SUP:", "{sup:")).site("jsm-eu")
    assert site.projects == ("SUP", "HR", "LAW")
    assert set(site.scopes) == {"SUP"}
    assert site.confidential == {"HR": Confidential.IGNORE, "LAW": Confidential.IGNORE}


@pytest.mark.parametrize("key", ["scopes: {sup: [], SUP: [fields]}", "confidential: {sup: ignore, SUP: restricted}"])
def test_a_project_in_small_and_in_capital_letters_is_given_twice(key: str) -> None:
    name = key.partition(":")[0]
    found = problems(GOOD.replace("    scopes: {SUP: [fields, notes]}\n", f"    {key}\n"))
    assert [p.partition(" ")[2] for p in found] == [f"sites.0.{name}: SUP is given twice; keep one of them"]


def test_a_confidential_project_that_is_not_looked_after_is_told_by_its_own_key() -> None:
    (found,) = problems(GOOD.replace("{SUP: [fields, notes]}", "{SUP: []}\n    confidential:\n      hr: ignore"))
    assert found.startswith("connector.yaml:13:7: sites.0.confidential.hr: is not one of this site's projects (use SUP")


@pytest.mark.parametrize(
    "moment", ["20261201", "'20261201'", "1764576000.5", "'1764576000'", "2026-12-01", "true", "-1"]
)
def test_a_number_is_no_moment(moment: str) -> None:
    (found,) = problems(GOOD.replace("2026-12-01T08:00:00+01:00", moment))
    assert "sites.0.enforce_from: " in found
    assert "2026-12-01T09:00+01:00" in found


@pytest.mark.parametrize(
    "moment",
    ["2026-12-01T08:00+01:00", "2026-12-01 08:00:00+01:00", "'2026-12-01T07:00:00Z'", "2026-12-01t07:00:00.0z"],
)
def test_a_moment_with_its_offset_is_one(moment: str) -> None:
    read = settings(GOOD.replace("2026-12-01T08:00:00+01:00", moment)).site("jsm-eu")
    assert read.enforce_from == datetime(2026, 12, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize("day", ["20261201", "'20261201'", "1764547200", "2026-12-01T00:00:00", "0", "true"])
def test_what_is_no_date_is_no_day_on_which_a_secret_ends(day: str) -> None:
    (found,) = problems(GOOD.replace("email: bot@acme.example", f"email: bot@acme.example, expires_on: {day}"))
    assert "sites.0.auth.reader.expires_on: " in found or "sites.0.auth.expires_on: " in found
    assert "is no date; write one such as 2026-12-01" in found


def test_a_date_is_the_day_on_which_a_secret_ends() -> None:
    read = settings(GOOD.replace("email: bot@acme.example", "email: bot@acme.example, expires_on: 2026-12-01"))
    assert read.site("jsm-eu").auth.writer.expires_on == date(2026, 12, 1)


@pytest.mark.parametrize("share", ["1", "1.0", "2", "100"])
def test_a_bare_number_of_one_or_more_is_no_share(share: str) -> None:
    (found,) = problems(GOOD.replace("least: 5", f"share: {share}"))
    assert "sites.0.budgets.notes.share: " in found
    assert "is not a share; write a percentage" in found


@pytest.mark.parametrize(("share", "part"), [("100%", 1.0), ("0.5", 0.5), ("0", 0.0), ("1%", 0.01)])
def test_a_share_is_a_percentage_or_a_part_of_one(share: str, part: float) -> None:
    read = settings(GOOD.replace("least: 5", f"share: {share}")).site("jsm-eu")
    assert site_rules(read).budgets[Effect.NOTES].share == part


@pytest.mark.parametrize("key", ["least", "reserve", "per_ticket"])
def test_a_truth_is_no_count(key: str) -> None:
    (found,) = problems(GOOD.replace("least: 5", f"{key}: true"))
    assert f"sites.0.budgets.notes.{key}: must be a whole number" in found


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("per: 2h", "per: 0m", "sites.0.budgets.notes.per"),
        ("    projects: SUP\n", "    projects: SUP\n    poll: {every: 0s}\n", "sites.0.poll.every"),
        ("    projects: SUP\n", "    projects: SUP\n    poll: {sweep_every: 0h}\n", "sites.0.poll.sweep_every"),
        ("policy:", "stale_after: 0m\npolicy:", "stale_after"),
    ],
)
def test_a_length_of_nothing_switches_no_guard_off(old: str, new: str, key: str) -> None:
    (found,) = problems(GOOD.replace(old, new))
    assert f"{key}: must be longer than nothing; write 30s, 15m or 4h" in found


def test_no_backups_by_themselves_is_a_choice() -> None:
    assert settings(f"backup: {{every: 0m}}\n{GOOD}").backup.every == timedelta(0)


@pytest.mark.parametrize("command", ["notify-send hello", "' page someone '", "'page\tx'", "/opt/my tools/page"])
def test_a_command_in_one_text_with_its_arguments_is_refused(command: str) -> None:
    (found,) = problems(f"alarm_command: {command}\n{GOOD}")
    assert "alarm_command: is one name with spaces in it; write [notify-send, hello]" in found


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("page-someone", ("page-someone",)),
        ("' page-someone '", ("page-someone",)),
        ("[notify-send, hello you]", ("notify-send", "hello you")),
        ("[/opt/my tools/page]", ("/opt/my tools/page",)),
    ],
)
def test_a_command_is_a_program_with_its_arguments_one_by_one(command: str, parts: tuple[str, ...]) -> None:
    assert settings(f"alarm_command: {command}\n{GOOD}").alarm_command == parts


def test_two_sites_with_one_address() -> None:
    twin = GOOD[GOOD.index("  - name: zendesk") :].replace("zendesk\n    kind", "second\n    kind")
    assert any("is the address of zendesk as well" in p for p in problems(GOOD + twin))


def test_a_zendesk_site_needs_a_pair() -> None:
    start = GOOD.index("    auth:\n")
    assert any(
        "sites.1.auth: needs a reader and a writer" in p
        for p in problems(GOOD[:start] + "    auth: {method: bearer}\n")
    )


@pytest.mark.parametrize("key", ["token", "password", "client_secret", "api-token", "API_KEY"])
def test_a_secret_in_the_file_is_refused_and_never_shown(key: str) -> None:
    text = GOOD.replace("email: bot@acme.example", f"email: bot@acme.example, {key}: hunter2")
    found = problems(text)
    assert len(found) == 1
    assert found[0].startswith(f"connector.yaml:9:52: sites.0.auth.{key}: a secret never stands in this file")
    assert "hunter2" not in found[0]


def test_the_name_of_the_token_to_listen_with_may_stand_in_the_file() -> None:
    assert settings("web: {token: ops}\n" + GOOD).web.token == "ops"
    found = problems("web: {token: 'hunter2 is no name'}\n" + GOOD)
    assert [p.partition(": ")[2].partition(":")[0] for p in found] == ["web.token"]
    assert "hunter2" not in found[0]


def test_secrets_at_the_top_of_the_file_are_refused() -> None:
    assert problems("secrets: {a: hunter2}\n" + GOOD)[0].startswith(
        "connector.yaml:1:1: secrets: a secret never stands"
    )


class TestEnvironment:
    def test_variables_lie_over_the_file_and_find_sites_by_name(self, monkeypatch) -> None:
        monkeypatch.setenv("CONNECTOR_STATE", "sqlite:////var/lib/c.db")
        monkeypatch.setenv("CONNECTOR_SITES__JSM_EU__BASE_URL", "http://127.0.0.1:8001")
        monkeypatch.setenv("CONNECTOR_SITES__JSM_EU__EFFECTS", "[fields, notes]")
        monkeypatch.setenv("CONNECTOR_SITES__JSM_EU__SCOPES__SUP", "[assign]")
        monkeypatch.setenv("CONNECTOR_LOG__LEVEL", "debug")
        read = settings()
        site = read.site("jsm-eu")
        assert read.state == "sqlite:////var/lib/c.db"
        assert (site.base_url, site.effects) == ("http://127.0.0.1:8001", {Effect.FIELDS, Effect.NOTES})
        assert site.scopes == {"SUP": {Effect.ASSIGN}}
        assert read.log.level == "debug"
        assert read.site("zendesk").base_url == "https://acme.zendesk.com"

    def test_problems_name_the_variable(self, monkeypatch) -> None:
        monkeypatch.setenv("CONNECTOR_SITES__ZENDESK__BASE_URL", "ftp://x")
        monkeypatch.setenv("CONNECTOR_LOG__LEVEL", "loud")
        assert problems(GOOD) == [
            "environment: CONNECTOR_LOG__LEVEL: 'loud' is not known here (use debug, error, info, warning)",
            "environment: CONNECTOR_SITES__ZENDESK__BASE_URL: is not a URL; write https://host or https://host/path",
        ]

    def test_a_variable_for_a_site_that_is_not_there(self, monkeypatch) -> None:
        monkeypatch.setenv("CONNECTOR_SITES__OTHER__BASE_URL", "https://x.example")
        assert problems(GOOD) == [
            "environment: CONNECTOR_SITES__OTHER__BASE_URL: cannot be used: there is no site 'other' in the file"
        ]

    def test_a_variable_that_is_not_utf_8(self, monkeypatch) -> None:
        monkeypatch.setenv("CONNECTOR_STATE", "sqlite:///\udce4.db")
        (problem,) = problems(GOOD)
        assert problem.startswith("environment: CONNECTOR_STATE: cannot be used: ")
        assert "U+DCE4 is not accepted" in problem

    def test_other_variables_are_not_ours(self) -> None:
        assert overrides({"CONNECTOR_OUTPUT": "json", "PATH": "x", "CONNECTORS": "y"}, ["state"], ()) == ((), ())


class TestSecrets:
    def test_missing_ones_are_named_with_what_to_do(self) -> None:
        places = ("9:5: sites.0.auth.reader", "19:7: sites.1.auth.reader", "20:7: sites.1.auth.writer")
        expected = [
            f"connector.yaml:{place}: the secret {name} is not set"
            f" (set CONNECTOR_SECRETS__{name.upper()} or write the file {name} in secrets_dir)"
            for place, name in zip(places, ("jsm_eu", "zendesk_reader", "zd_write"), strict=True)
        ]
        assert problems(GOOD, need_secrets=True) == expected

    @pytest.mark.parametrize(
        "pasted",
        [
            "ATATT3xFfGF0q1w2e3r4t5y6u7i8o9p0",
            "aB3dE6gH9jK2mN5pQ8sT",
            "glpat-Zx8cVb7nM6aS5dF4gH3j",
            "c0ffee12-9b1d-4c3e-8f7a-0123456789ab",
            "qwertyuiopasdfghjklzxcvbnm",
        ],
    )
    @pytest.mark.parametrize(
        ("old", "new", "place"),
        [
            ("secret: zd-write", "secret: {}", "20:7: sites.1.auth.writer"),
            ("    projects: SUP\n", "    projects: SUP\n    webhook_secrets: [{}]\n", "8:5: sites.0.webhook_secrets"),
            ("policy: mappings/policy.yaml", "web: {{token: {}}}", "2:7: web.token"),
        ],
    )
    @pytest.mark.parametrize("given", [{}, {"short": "abc"}])
    def test_a_secret_in_place_of_its_name_is_not_repeated(
        self, monkeypatch, pasted: str, old: str, new: str, place: str, given: dict[str, str]
    ) -> None:
        for secret in given.values():
            monkeypatch.setenv(f"CONNECTOR_SECRETS__{secret_name(pasted).upper()}", secret)
        found = [p for p in problems(GOOD.replace(old, new.format(pasted)), need_secrets=True) if place in p]
        assert [p.count("the secret that this key names") for p in found] == [1]
        assert secret_name(pasted) not in secret_name(found[0])
        assert ("revoke it" in found[0]) == (not given)

    @pytest.mark.parametrize("name", ["zd-write", "acme_production_zendesk_writer_2026", "ops", "key2"])
    def test_what_plainly_is_a_name_is_repeated(self, name: str) -> None:
        found = problems(GOOD.replace("zd-write", name), need_secrets=True)[-1]
        assert f"the secret {secret_name(name)} is not set (set CONNECTOR_SECRETS__" in found

    def test_a_name_that_follows_from_the_sites_is_repeated_whatever_it_looks_like(self) -> None:
        found = problems(GOOD.replace("name: jsm-eu", "name: c0ffee12-9b1d-4c3e-8f7a"), need_secrets=True)[0]
        assert "the secret c0ffee12_9b1d_4c3e_8f7a is not set" in found

    def test_one_that_could_not_be_masked_is_refused_unseen(self, monkeypatch) -> None:
        for name, secret in (("JSM_EU", "tok-1"), ("ZENDESK_READER", "tok-12"), ("ZD_WRITE", "tok-canary")):
            monkeypatch.setenv(f"CONNECTOR_SECRETS__{name}", secret)
        (found,) = problems(GOOD, need_secrets=True)
        assert "the secret jsm_eu is shorter than 6 characters: it could not be masked in the log" in found
        assert "tok-1" not in found
        assert SHORTEST_SECRET == SHORTEST

    def test_variable_over_named_file_over_directory(self, monkeypatch, tmp_path) -> None:
        folder = tmp_path / "secrets"
        folder.mkdir()
        for name, text in {"jsm-eu": "from dir\n", "zd_write": "from dir\n", "zendesk_reader": "from dir\n"}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        (tmp_path / "w").write_text("from file\n")
        (tmp_path / "w").chmod(0o600)
        (tmp_path / "connector.yaml").write_text(f"secrets_dir: secrets\n{GOOD}")
        monkeypatch.setenv("CONNECTOR_SECRETS__ZD_WRITE_FILE", str(tmp_path / "w"))
        monkeypatch.setenv("CONNECTOR_SECRETS__ZENDESK_READER", "012345")
        read = load_settings(tmp_path / "connector.yaml")
        zendesk = read.site("zendesk")
        assert read.secret(read.site("jsm-eu"), "reader").get_secret_value() == "from dir"
        assert read.secret(zendesk, "reader").get_secret_value() == "012345"
        assert read.secret(zendesk, "writer").get_secret_value() == "from file"

    def test_systemd_credentials(self, monkeypatch, tmp_path) -> None:
        (tmp_path / "state").write_text("p@ss/word")
        (tmp_path / "state").chmod(0o600)
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        read = settings(GOOD.replace("sqlite:///state.db", "postgresql://u@h/db"))
        assert read.state_url == "postgresql://u:p%40ss%2Fword@h/db"
        assert "p@ss" not in repr(read) + str(read) + read.model_dump_json()

    def test_an_unusable_file_is_named(self, monkeypatch, tmp_path) -> None:
        monkeypatch.setenv("CONNECTOR_SECRETS__JSM_EU_FILE", str(tmp_path / "none"))
        assert "none: the secret file cannot be read" in problems(GOOD)[0]
        (tmp_path / "none").write_text("x")
        (tmp_path / "none").chmod(0o666)
        assert "can be changed by other users" in problems(GOOD)[0]

    @pytest.mark.parametrize(
        ("mode", "owner", "us", "words"),
        [
            (0o600, 1000, 1000, ""),
            (0o640, 1000, 1000, "read by other users"),
            (0o604, 1000, 1000, "read by other users"),
            (0o644, 0, 1000, ""),
            (0o664, 0, 1000, "changed by other users"),
            (0o600, 1001, 1000, "another user"),
        ],
    )
    def test_who_may_touch_a_secret_file(self, mode: int, owner: int, us: int, words: str) -> None:
        found = exposure(mode, owner=owner, us=us)
        assert words in found
        assert bool(words) == bool(found)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda i: (
            st.lists(i, max_size=3)
            | st.dictionaries(
                st.sampled_from(["sites", "name", "kind", "auth", "state", "map", "_x", "x"]), i, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_any_document_is_settings_or_problems(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    with pytest.raises(ConfigError) as caught:
        read_settings(parse(text, file="c.yaml"), base=Path("/etc"))
    assert all(p.message for p in caught.value.problems)


def test_every_setting_is_documented() -> None:
    def described(node: dict, path: str) -> list[str]:
        lacking = []
        for name, inner in node.get("properties", {}).items():
            lacking += [] if "description" in inner or "$ref" in inner else [f"{path}.{name}"]
        return lacking

    schema = config_schema()
    lacking = described(schema, "") + [d for title, node in schema["$defs"].items() for d in described(node, title)]
    assert lacking == []


def test_the_reference_has_a_row_for_every_key() -> None:
    rows = config_reference().splitlines()
    for key in (
        "state",
        "sites",
        "sites[].auth.reader.client_id",
        "sites[].poll.every",
        "sites[].budgets.<name>.per",
        "log.level",
    ):
        assert any(row.startswith(f"| `{key}` |") for row in rows), key
    assert not any("`secrets`" in row.split("|")[1] for row in rows)
    assert all(row.count(" | ") >= 3 for row in rows[2:])
