"""``status``: complete without a daemon, before the first run, and with what a daemon says of itself."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.bootstrap import Connector
from connector.bootstrap.service import Service
from connector.cli.main import run
from connector.engine.control import ControlServer
from connector.engine.steering import FILE
from connector.ports import AsideKind, Candidate, JournalEvent, Progress, RunRow, RunSummary, SetAside, TicketHistory
from tests.bootstrap.conftest import Compose
from tests.journal.samples import page, ticket

KEYS = {
    *("name", "last_good_at", "last_outcome", "open_tickets", "effects", "scopes", "policy_since", "next_due_at"),
    *("next_poll_at", "failures", "budgets", "paused", "frozen", "aside", "held", "parked", "untold", "quarantined"),
    *("unread", "ended"),
}


@contextmanager
def daemon(program: Connector, sites: Mapping[str, Any]) -> Iterator[None]:
    answer = {"since": "2026-11-23 09:00:00 UTC", "sites": sites}
    server = ControlServer(program.places.socket, {"status": lambda _: answer})
    server.start()
    yield
    server.stop()


def test_before_the_first_run_it_tells_what_is_configured(compose: Compose) -> None:
    program = compose(of_zendesk={"effects": ["notes", "fields"], "scopes": {"7": []}})
    report = program.status()
    assert [site.name for site in report.sites] == ["jsm-eu", "zendesk"]
    zendesk = report.sites[1]
    assert (zendesk.effects, zendesk.scopes, zendesk.last_outcome) == (("fields", "notes"), {"7": ()}, "never ran")
    assert (report.running, report.policy_since, report.daemon) == (False, None, "no daemon")
    assert {key for site in report.data["sites"] for key in site} == KEYS


def test_a_held_edit_says_what_becomes_of_the_tickets(compose: Compose) -> None:
    program = compose()
    now = datetime(2026, 11, 23, 9, tzinfo=UTC)
    with program.journal() as journal:
        journal.open_site("zendesk", fingerprint=program.rules("zendesk").fingerprint)
        said = {"what": "12 priority", "why": "too much", "tickets": "12", "meanwhile": "14 open tickets go on"}
        policy = program.policies.current().hash
        journal.record(JournalEvent(at=now, kind="edit-held", site="zendesk", key=policy, data=said))
    told = program.status().sites[1].aside
    assert told == ("the policy edit is held since 2026-11-23 09:00 UTC: 14 open tickets go on",)


def test_a_kept_policy_is_applied_again_where_it_goes_with_texts_and_maps(compose: Compose) -> None:
    policies, today = compose().policies, datetime(2026, 11, 23, tzinfo=UTC).date()
    document = policies.loaded.document
    assert policies.kept(document, today=today) == policies.current()
    assert policies.kept(document.replace('"breached"', '"no-such-text"'), today=today) is None


def test_the_age_of_the_policy_is_that_of_its_first_run(compose: Compose) -> None:
    program = compose()
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the program runs on the machine's clock
    with program.journal() as journal:
        journal.open_site("zendesk", fingerprint=program.rules("zendesk").fingerprint)
        began = now - timedelta(hours=3)
        row = RunRow(id="r1", site="zendesk", kind="sync", policy=program.policies.current().hash, started_at=began)
        journal.begin_run(row)
        journal.end_run(row)
        journal.advance("zendesk", Progress(last_good_at=now))
    report = program.status()
    assert report.policy_since == began
    assert report.sites[1].last_good_at == now


def test_a_pause_file_that_is_gone_pauses_nothing_any_more(compose: Compose) -> None:
    """A pass lifts what it noted while the file stood; by cron that may be a while after the file is gone."""
    program = compose()
    now = datetime(2026, 11, 23, 9, tzinfo=UTC)
    with program.journal() as journal:
        for name in ("jsm-eu", "zendesk"):
            journal.open_site(name, fingerprint=program.rules(name).fingerprint)
        journal.pause("jsm-eu", f"{FILE}: the file PAUSED exists", now=now, actor=FILE)
        journal.pause("zendesk", "migration", now=now, actor="ann")
    gone = program.status()
    assert [site.paused for site in gone.sites] == ["until its next pass: the pause file is gone", "migration"]
    assert [(item["site"], item["what"]) for item in program.attention()] == [("zendesk", "migration")]
    program.places.paused.touch()
    there = program.status()
    assert [site.paused for site in there.sites] == [f"{FILE}: the file PAUSED exists", "migration"]
    assert sorted(item["site"] for item in program.attention()) == ["", "zendesk"]


def test_a_pause_file_does_not_hide_whether_a_daemon_runs(compose: Compose) -> None:
    program = compose()
    program.places.paused.touch()
    paused = f"paused by the file {program.places.paused}"
    assert program.status().daemon == f"{paused}; no daemon"
    with daemon(program, {}):
        report = program.status()
    assert (report.daemon, report.running) == (f"{paused}; daemon running since 2026-11-23 09:00:00 UTC", True)


def test_a_daemon_adds_its_next_poll_and_what_is_left(compose: Compose) -> None:
    program = compose()
    poll = "2026-11-23T09:31:00+00:00"
    said = {"zendesk": {"next_poll_at": poll, "failures": 2, "budgets": {"account": [200, 280], "search": [3, 70]}}}
    with daemon(program, said):
        report = program.status()
    zendesk = report.sites[1]
    assert report.running
    assert (zendesk.next_poll_at, zendesk.failures) == (datetime.fromisoformat(poll), 2)
    assert zendesk.budgets["search"] == {"left": 3, "limit": 70}
    assert report.sites[0].budgets == {}


def test_as_people_and_machines_read_it(compose: Compose, capsys: pytest.CaptureFixture[str]) -> None:
    program = compose(of_zendesk={"effects": ["fields"], "scopes": {"7": []}})
    config = str(program.places.paused.with_name("connector.yaml"))
    said = {"zendesk": {"next_poll_at": None, "failures": 0, "budgets": {"account": [200, 280], "search": [3, 70]}}}
    with daemon(program, said):
        assert run(["-c", config, "status"]) == 0
        assert run(["-c", config, "-o", "json", "status"]) == 0
    text, machine = capsys.readouterr().out.rsplit("\n", 2)[:2]
    assert "not yet applied" in text
    header, _, zendesk = (line.split("\t") for line in text.splitlines()[1:])
    assert dict(zip(header, zendesk, strict=True)) == {
        "site": "zendesk",
        "last good pass": "never",
        "last run": "never ran",
        "open": "0",
        "effects": "fields; 7: shadow",
        "next due in": "",
        "held": "0",
        "parked": "0",
        "stopped": "",
        "next poll in": "",
        "budget left": "search 3/70",
    }
    told = json.loads(machine)
    assert {"schema_version", "kind", "policy_hash", "policy_since", "running"} <= set(told)


def test_what_the_daemon_says_is_what_its_loops_noted(compose: Compose) -> None:
    program = compose()
    with program.journal() as journal:
        service = Service(program, journal)
        pulse = service._loops[1].pulse
        pulse.budgets, pulse.next_poll_at = {"account": (5, 9)}, datetime(2026, 11, 23, 9, tzinfo=UTC)
        said = json.loads(json.dumps(service._status({})))["sites"]["zendesk"]
        assert (said["budgets"], said["next_poll_at"]) == ({"account": [5, 9]}, "2026-11-23T09:00:00+00:00")
        service._hooks.close()
        service._control.stop()


def test_tickets_that_ended_under_us_are_counted_for_a_day(
    compose: Compose, capsys: pytest.CaptureFixture[str]
) -> None:
    program = compose()
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the program runs on the machine's clock
    with program.journal() as journal:
        journal.open_site("zendesk", fingerprint=program.rules("zendesk").fingerprint)
        seen = [Candidate(ticket=ticket(id_, site="zendesk")) for id_ in ("7", "8", "9")]
        journal.store_page("zendesk", seen, page=page(), now=now - timedelta(days=3))
        journal.store_page("zendesk", [], page=page(gone=("7",)), now=now - timedelta(days=2))
        journal.store_page("zendesk", [], page=page(gone=("8",)), now=now - timedelta(hours=2))
    assert [site.ended for site in program.status().sites] == [0, 1]
    assert run(["-c", str(program.places.paused.with_name("connector.yaml")), "status"]) == 0
    assert "1 tickets deleted, moved or closed under us in 24 h" in " ".join(capsys.readouterr().out.split())


def test_a_quarantined_ticket_is_in_sight_and_its_first_failures_are_not(
    compose: Compose, capsys: pytest.CaptureFixture[str]
) -> None:
    program = compose()
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the program runs on the machine's clock
    failed = [
        SetAside(kind=AsideKind.QUARANTINE, ticket="7", field="deciding", value=str(n), why="deciding fails", since=now)
        for n in (1, 2, 3)
    ]
    with program.journal() as journal:
        journal.open_site("zendesk", fingerprint=program.rules("zendesk").fingerprint)
        journal.set_aside("zendesk", failed[:2])
        assert program.status().sites[1].quarantined == 0
        assert program.attention() == []
        journal.set_aside("zendesk", failed[2:])
    assert (program.status().sites[1].quarantined, program.status().sites[1].aside) == (1, ())
    (row,) = program.attention()
    assert (row["kind"], row["ticket"], row["what"]) == ("quarantined", "7", "deciding fails, 3 times")
    assert "connector release zendesk:7" in row["command"]
    assert run(["-c", str(program.places.paused.with_name("connector.yaml")), "status"]) == 0
    assert "quarantined: 1" in capsys.readouterr().out


def test_how_far_a_site_is_read_back_is_in_sight(compose: Compose, capsys: pytest.CaptureFixture[str]) -> None:
    """A new site reads every history first: that waits for nobody, until no history comes in for an hour."""
    program = compose()
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the program runs on the machine's clock
    seen = [Candidate(ticket=ticket(id_, site="zendesk")) for id_ in ("1", "2", "3")]
    ref = seen[0].ticket.ref
    with program.journal() as journal:
        journal.open_site("zendesk", fingerprint=program.rules("zendesk").fingerprint)
        row = RunRow(id="r1", site="zendesk", kind="sync", policy="p", started_at=now - timedelta(hours=3))
        journal.begin_run(row)
        journal.store_page("zendesk", seen, page=page(), now=now)
        (stuck,) = program.attention()
        assert (stuck["kind"], stuck["since"]) == ("recalling", row.started_at)
        assert stuck["what"] == "3 open tickets are still to be read back; no history could be read for an hour"
        journal.store_history([TicketHistory(ref=ref, events=(), read_until=now)])
    assert program.attention() == []
    assert program.status().sites[1].unread == 2
    assert run(["-c", str(program.places.paused.with_name("connector.yaml")), "status"]) == 0
    assert "reading back, 2 tickets left" in capsys.readouterr().out


def test_a_ticket_on_which_nothing_is_written_for_want_of_its_history_is_named_so(compose: Compose) -> None:
    program = compose()
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the program runs on the machine's clock
    hidden = ticket("1", site="zendesk", level=2)
    unread = TicketHistory(ref=hidden.ref, events=(), read_until=now, unreadable="403")
    with program.journal() as journal:
        journal.open_site("zendesk", fingerprint=program.rules("zendesk").fingerprint)
        journal.store_page("zendesk", [Candidate(ticket=hidden)], page=page(), now=now)
        for _ in range(3):
            journal.skip_history("zendesk", [unread], now=now)
        assert [row["consequence"][:19] for row in program.attention()] == ["its clocks stay pro"]
        journal.end_recall("zendesk", policy_hash="p", now=now)
    (row,) = program.attention()
    assert row["consequence"] == "nothing is written there: what was said before the state was lost is not known"
    assert row["command"] == "connector resume zendesk"


def test_what_is_set_aside_is_in_sight_until_it_ends(compose: Compose) -> None:
    program = compose()
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the program runs on the machine's clock
    later, earlier = now + timedelta(hours=1), now - timedelta(minutes=1)
    with program.journal() as journal:
        for name in ("zendesk", "jsm-eu"):
            journal.open_site(name, fingerprint=program.rules(name).fingerprint)
        field = SetAside(kind=AsideKind.FIELD, scope="SUP", field="level", why="on no screen", since=earlier)
        scope = SetAside(kind=AsideKind.SCOPE, scope="HR", why="403", since=now)
        journal.set_aside("jsm-eu", [field, replace(field, since=now), scope])
        rest = SetAside(kind=AsideKind.SITE, why="429", since=earlier, until=later)
        journal.set_aside("zendesk", [rest])
    jira, zendesk = program.status().sites
    assert jira.aside == ("level refused in SUP", "HR frozen")
    assert zendesk.aside == (f"left alone until {later:%Y-%m-%d %H:%M:%S} UTC",)
    rows = {row["what"]: row for row in program.attention()}
    assert rows["level refused in SUP: on no screen"]["since"] == earlier
    assert rows["HR frozen: 403"]["command"] == "give the account its rights, then: connector resume jsm-eu"
    with program.journal() as journal:
        journal.resume("jsm-eu", allow=0, now=now, actor="anna")
        journal.take_back("zendesk", [rest], now=now)
        journal.resume("jsm-eu", allow=0, now=now, actor="anna")
    assert [site.aside for site in program.status().sites] == [(), ()]
    assert program.attention() == []
    told = [(row["what"], row["site"]) for row in program.log() if row["what"] != "policy"]
    assert sorted(told) == [
        ("resumed", "jsm-eu"),
        *[("set-aside", "jsm-eu")] * 2,
        ("set-aside", "zendesk"),
        ("taken-back", "zendesk"),
    ]


def spoil_newer(program: Connector) -> None:
    with program.journal():
        pass
    with closing(sqlite3.connect(program.settings.state.removeprefix("sqlite:///"))) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()


@pytest.mark.parametrize(
    ("spoil", "why", "remedy"),
    [
        pytest.param(
            lambda program: Path(program.settings.state.removeprefix("sqlite:///")).write_text("no database " * 99),
            "file is not a database",
            "restore the state from a backup",
            id="no database",
        ),
        pytest.param(
            lambda program: Path(program.settings.state.removeprefix("sqlite:///")).mkdir(),
            "state.db is no file",
            "name a file for the database under `state`",
            id="a folder",
        ),
        pytest.param(spoil_newer, "written by a newer version", "install the newer version", id="newer schema"),
    ],
)
def test_a_state_that_cannot_be_read_is_a_failure_with_a_remedy(
    compose: Compose, capsys: pytest.CaptureFixture[str], spoil: Callable[[Connector], Any], why: str, remedy: str
) -> None:
    program = compose()
    spoil(program)
    config = str(program.places.paused.with_name("connector.yaml"))
    assert run(["-c", config, "status"]) == 1
    text = capsys.readouterr()
    assert "cannot be read" in text.out
    assert "zendesk\tnever" in text.out  # what is configured is told all the same
    assert text.err.startswith("error: ")
    assert why in text.err
    assert remedy in text.err.partition("\n  -> ")[2]
    assert run(["-c", config, "-o", "json", "status"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert why in told["error"]
    assert remedy in told["remedy"]


def test_a_state_that_is_not_there_yet_is_no_failure(compose: Compose, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(compose().places.paused.with_name("connector.yaml"))
    assert run(["-c", config, "status"]) == 0
    told = capsys.readouterr()
    assert "state.db, none yet" in told.out
    assert told.err == ""


def test_what_a_pause_holds_goes_on_with_the_pause_and_takes_no_allowance(compose: Compose) -> None:
    """``resume --allow`` ends no pause file, and a word for what a pause holds would let other writes through."""
    program = compose()
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the program runs on the machine's clock
    by_file = f"{FILE}: the file PAUSED exists"
    held = {"jsm-eu": [f"paused: {by_file}"], "zendesk": ["paused: migration", "over the budget"]}
    with program.journal() as journal:
        for site, reasons in held.items():
            journal.open_site(site, fingerprint=program.rules(site).fingerprint)
            row = RunRow(id=f"r-{site}", site=site, kind="sync", policy="p", started_at=now)
            journal.begin_run(row)
            for number, why in enumerate(reasons):
                data = {"effect": "fields", "what": "fields", "why": why}
                journal.record(JournalEvent(at=now, kind="held", site=site, ticket=str(number), run=row.id, data=data))
            journal.end_run(replace(row, ended_at=now, outcome="held", summary=RunSummary(held=len(reasons))))
        journal.pause("jsm-eu", by_file, now=now, actor=FILE)
        journal.pause("zendesk", "migration", now=now, actor="ann")

    def commands() -> list[tuple[str, str, str]]:
        return [(row["kind"], row["site"], row["command"]) for row in program.attention()]

    gone = [
        ("paused", "zendesk", "connector resume zendesk"),
        ("held", "zendesk", "connector resume zendesk"),
        ("held", "zendesk", "connector resume zendesk --allow 1"),
    ]
    assert commands() == gone
    program.places.paused.touch()
    remove = f"rm {program.places.paused}"
    assert commands() == [("paused", "", remove), ("held", "jsm-eu", remove), *gone]
