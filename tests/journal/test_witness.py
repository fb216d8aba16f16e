"""The witness beside a state: what it notices, what it cannot, and that it counts what changed and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from connector.journal import open_journal, witness
from connector.journal.witness import SUFFIX, read_witness
from tests.journal.samples import FINGERPRINT, SITE, store, ticket


def witness_of(state: Path) -> Path:
    return state.with_name(state.name + SUFFIX)


def said(state: Path) -> witness.Testimony:
    found = read_witness(state)
    assert found is not None
    return found


@pytest.fixture
def lived(state: Path) -> Path:
    """A state that was used and closed."""
    with open_journal(str(state), least_free=0) as journal:
        journal.open_site(SITE, fingerprint=FINGERPRINT)
    return state


def forgotten(state: Path) -> tuple[str, bool]:
    """Return what a state says that it forgot, and whether its site then waits to be read back."""
    with open_journal(str(state), least_free=0) as journal:
        return journal.forgotten, journal.open_site(SITE, fingerprint=FINGERPRINT).recall.freezes


def test_a_state_that_is_opened_again_has_forgotten_nothing(lived: Path) -> None:
    for _ in range(2):
        assert forgotten(lived) == ("", False)


def test_every_change_is_counted_once_and_reading_is_none(lived: Path) -> None:
    with open_journal(str(lived), least_free=0) as journal:
        before = said(lived)
        journal.known_open(SITE)
        assert said(lived) == before
        store(journal, ticket("1"), ticket("2"))
        assert said(lived) == witness.Testimony(before.mark, before.epoch, before.count + 1)
        journal.known_open(SITE)
        store(journal, ticket("1"), ticket("2"))
        assert said(lived) == witness.Testimony(before.mark, before.epoch, before.count + 1), "nothing of it was new"
        store(journal, ticket("3"))
        assert said(lived).count == before.count + 2


def test_a_deleted_state_is_noticed_and_begins_a_later_epoch(lived: Path) -> None:
    before = said(lived)
    for path in lived.parent.glob(f"{lived.name}*"):
        if path != witness_of(lived):
            path.unlink()
    assert forgotten(lived) == ("the state was deleted, or replaced by an empty one", True)
    assert (said(lived).mark != before.mark, said(lived).epoch) == (True, before.epoch + 1)


def test_a_state_that_was_rolled_back_is_noticed_once(lived: Path, tmp_path: Path) -> None:
    older = shutil.copy(lived, tmp_path / "older")
    before = said(lived)
    with open_journal(str(lived), least_free=0) as journal:
        store(journal, ticket("1"))
    shutil.copy(older, lived)
    assert forgotten(lived) == ("the state is older than what was last stored here: it was rolled back", True)
    assert (said(lived).mark, said(lived).epoch) == (before.mark, before.epoch + 1)
    assert forgotten(lived) == ("", True), "the site waits until it is read back"


@pytest.mark.parametrize("text", [None, "", "{}", '{"mark": "m", "epoch": "later", "count": 1}', "[]"])
def test_a_state_without_a_witness_that_can_be_read_was_copied_here(lived: Path, text: str | None) -> None:
    witness_of(lived).unlink() if text is None else witness_of(lived).write_text(text, encoding="utf-8")
    assert read_witness(lived) is None
    told, freezes = forgotten(lived)
    assert "without its witness" in told
    assert freezes


def test_a_new_state_has_nothing_to_forget(state: Path) -> None:
    assert not witness_of(state).exists()
    assert forgotten(state) == ("", False)


def test_a_state_of_several_sites_that_was_copied_here_is_noticed(lived: Path) -> None:
    with open_journal(str(lived), least_free=0) as journal:
        journal.open_site("other", fingerprint=FINGERPRINT)
    witness_of(lived).unlink()
    assert forgotten(lived) == ("the state stands without its witness: it was copied here, or restored by hand", True)


def test_nobody_else_may_read_it(lived: Path) -> None:
    assert witness_of(lived).stat().st_mode & 0o777 == 0o600
