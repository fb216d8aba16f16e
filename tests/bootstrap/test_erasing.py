"""``erase --user`` finds the person whatever their id looks like, and names every copy that may still hold them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from connector.bootstrap import Connector
from connector.bootstrap.certainty import Certainty
from connector.bootstrap.erasing import Retention, copies, erase, purge
from connector.domain.ticket import Status
from connector.errors import StateFull
from connector.journal import back_up, backup_folder, make_backup
from connector.ports import Candidate, Journal, Progress
from tests.bootstrap.conftest import Compose
from tests.journal.samples import page, ticket

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def known(program: Connector, **people: str) -> None:
    """Store a ticket per site, with its requester."""
    with program.journal() as journal:
        for site, requester in people.items():
            name = site.replace("_", "-")
            journal.open_site(name, fingerprint="f" * 64)
            seen = Candidate(ticket=ticket("1", site=name, requester=requester))
            journal.store_page(name, [seen], page=page(), now=AT)


def requesters(program: Connector) -> dict[str, str | None]:
    with program.journal() as journal:
        found = {name: journal.load(name, ["1"], now=AT) for name in program.settings.site_names}
        return {name: stored[0].ticket.requester for name, stored in found.items() if stored}


@pytest.mark.parametrize("account", ["qm:pieter", "1234:aaaaa-bbb", "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077"])
@pytest.mark.parametrize("prefix", ["", "jsm-eu:"])
def test_an_id_with_a_colon_is_an_id(compose: Compose, account: str, prefix: str) -> None:
    program = compose()
    known(program, jsm_eu=account, zendesk="381")
    program.erase(ticket="", user=prefix + account, actor="root")
    assert requesters(program) == {"jsm-eu": "erased", "zendesk": "381"}


def test_a_site_stands_before_the_first_colon(compose: Compose) -> None:
    program = compose()
    known(program, jsm_eu="381", zendesk="381")
    program.erase(ticket="", user="zendesk:381", actor="root")
    assert requesters(program) == {"jsm-eu": "381", "zendesk": "erased"}


def test_a_person_is_known_by_the_maps_name_as_well(compose: Compose) -> None:
    program = compose()
    people = program.policies.loaded.maps["zendesk"].fields.people
    name, account = next(iter(people.items()))
    known(program, zendesk=name)
    program.erase(ticket="", user=account, actor="root")
    assert requesters(program) == {"zendesk": "erased"}
    known(program, zendesk=account)
    program.erase(ticket="", user=f"zendesk:{name}", actor="root")
    assert requesters(program)["zendesk"] == "erased"


class FullDisk:
    """A program whose disk has no room for the state a second time."""

    def __init__(self, program: Connector) -> None:
        self._program = program

    def __getattr__(self, name: str) -> Any:
        return getattr(self._program, name)

    @contextmanager
    def journal(self) -> Iterator[Any]:
        with self._program.journal() as journal:
            yield Unwritten(journal)


class Unwritten:
    """A journal whose file cannot be rewritten."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def compact(self) -> None:
        raise StateFull("no space")


def test_what_is_erased_is_so_on_every_site_and_in_the_audit_before_the_file_is_rewritten(compose: Compose) -> None:
    program = compose()
    known(program, jsm_eu="381", zendesk="381")
    with pytest.raises(StateFull):
        erase(cast("Connector", FullDisk(program)), user="381", actor="root", now=AT)
    assert requesters(program) == {"jsm-eu": "erased", "zendesk": "erased"}
    lines = [line for line in program.records().events(limit=99) if line.kind == "erasure"]
    assert [(line.site, line.actor, line.data["what"]) for line in lines] == [
        ("jsm-eu", "root", "account"),
        ("zendesk", "root", "account"),
    ]


def test_every_copy_is_named_wherever_it_is_kept(compose: Compose, tmp_path: Path) -> None:
    elsewhere, state = tmp_path / "other-disk", tmp_path / "data" / "state.db"
    state.parent.mkdir()
    program = compose(backup={"folder": "other-disk"}, state="sqlite:///data/state.db")
    known(program, zendesk="381")
    regular = back_up(state, elsewhere, now=AT)
    mine = make_backup(state, tmp_path / "data" / "mine.db")
    replaced = make_backup(state, tmp_path / "data" / f"state.db.replaced-{AT:%Y%m%dT%H%M%SZ}")
    Path(f"{replaced}-wal").write_bytes(b"rows")
    (tmp_path / "data" / "connector.log.1").write_text("a line")
    (tmp_path / "data" / "notes.txt").write_text("no copy")
    ends = {Path(copy.path).name: copy.ends_at for copy in copies(program)}
    assert ends == {
        regular.name: AT + 7 * DAY,
        mine.name: None,
        replaced.name: AT + 14 * DAY,
        f"{replaced.name}-wal": AT + 14 * DAY,
        "connector.log.1": None,
    }


def test_what_another_state_keeps_in_the_same_folder_is_not_said_to_end(compose: Compose, tmp_path: Path) -> None:
    program = compose(backup={"folder": "shared"})
    known(program, zendesk="381")
    back_up(tmp_path / "state.db", tmp_path / "shared", now=AT)
    other = make_backup(tmp_path / "state.db", tmp_path / "shared" / "state-2-20261123T093000Z.db")
    earlier = make_backup(tmp_path / "state.db", backup_folder(tmp_path / "state.db") / "state-20261101T000000Z.db")
    ends = {copy.path: copy.ends_at for copy in copies(program)}
    assert (ends[str(other)], ends[str(earlier)]) == (None, None), "the latter is from before the folder was named"


def test_where_no_backups_are_made_none_is_said_to_end(compose: Compose, tmp_path: Path) -> None:
    program = compose(backup={"every": "0m"})
    known(program, zendesk="381")
    back_up(tmp_path / "state.db", backup_folder(tmp_path / "state.db"), now=AT)
    assert [copy.ends_at for copy in copies(program)] == [None]


def test_what_was_set_aside_goes_by_itself(compose: Compose, tmp_path: Path) -> None:
    program = compose()
    known(program, zendesk="381")
    state = tmp_path / "state.db"
    replaced = make_backup(state, tmp_path / f"state.db.replaced-{AT:%Y%m%dT%H%M%SZ}")
    now = AT
    with program.journal() as journal:
        retention = Retention(lambda: now, journal, program.settings.state_url, Certainty([None], program.observer))
        for day in (13, 15):
            now = AT + day * DAY
            for _ in range(60):
                retention.step()
            assert replaced.exists() is (day == 13)


def test_a_clock_that_is_ahead_forgets_nothing(compose: Compose, tmp_path: Path) -> None:
    """A machine that believes in next year would empty the audit and delete the state that was set aside."""
    program = compose()
    state = tmp_path / "state.db"
    with program.journal() as journal:
        journal.open_site("zendesk", fingerprint="zendesk")
        closed = Candidate(ticket=ticket("381", site="zendesk", status=Status.CLOSED, updated_at=AT))
        journal.store_page("zendesk", [closed], page=page(), now=AT)
        journal.advance("zendesk", Progress(last_good_at=AT + DAY))
        replaced = make_backup(state, tmp_path / f"state.db.replaced-{AT:%Y%m%dT%H%M%SZ}")
        assert purge(journal, program.settings.state_url, now=AT + 400 * DAY) == 0
        assert replaced.exists()
        journal.advance("zendesk", Progress(last_good_at=AT + 31 * DAY))
        assert purge(journal, program.settings.state_url, now=AT + 31 * DAY) == 1
        assert not replaced.exists()


def test_a_clock_that_was_ahead_keeps_no_purge_back(compose: Compose) -> None:
    """Put right while the daemon runs: it does not wait for the hour after a moment that is yet to come."""
    program = compose()
    with program.journal() as journal:
        journal.open_site("zendesk", fingerprint="zendesk")
        closed = Candidate(ticket=ticket("381", site="zendesk", status=Status.CLOSED, updated_at=AT - 31 * DAY))
        now = AT + 400 * DAY
        retention = Retention(lambda: now, journal, program.settings.state_url, Certainty([None], program.observer))
        for _ in range(60):
            retention.step()
        journal.store_page("zendesk", [closed], page=page(), now=AT)
        now = AT
        for _ in range(60):
            retention.step()
        assert journal.load("zendesk", ["381"], now=AT) == ()
