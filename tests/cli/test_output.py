"""Output: to a reader that leaves early, to one that has few characters, and how numbers and moments are told."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.cli.exits import Exit
from connector.cli.main import main, run
from connector.cli.show import counted, emit_json, in_force

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
MAPPINGS = Path(__file__).parents[2] / "mappings"


@pytest.mark.parametrize("arguments", [["--help"], ["policy", "test", "-k", "merged"]])
def test_a_reader_that_leaves_early_ends_the_command_as_it_does_others(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    theirs, ours = os.pipe()
    os.close(theirs)
    with os.fdopen(ours, "w", buffering=1) as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        monkeypatch.setattr(sys, "stderr", sys.stderr)
        assert run(arguments) == Exit.UNREAD, "what was found is not known: no gate may pass on it"


def test_a_character_that_the_output_does_not_have_is_shown_as_an_escape(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    story = (MAPPINGS / "tests/ten-tickets.yaml").read_text()
    cases = tmp_path / "cases.yaml"
    cases.write_text(story.replace("confidential HR complaint", "vertrauliche Größe"))
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    monkeypatch.setattr(
        sys,
        "argv",
        ["connector", "policy", "test", "--policy", str(MAPPINGS / "policy.yaml"), str(cases), "-k", "Größe"],
    )
    with pytest.raises(SystemExit) as ended:
        main()
    sys.stdout.flush()
    assert ended.value.code == 0
    assert b"vertrauliche Gr\\xf6\\xdfe" in shown.getvalue()


def test_a_policy_of_a_later_moment_is_told_by_that_moment() -> None:
    """The demo's state stands in its own time, which the machine's clock may not have reached."""
    assert in_force(None, NOW) == "not yet applied"
    assert in_force(NOW - timedelta(minutes=90), NOW) == "in force for 1h 30m"
    assert in_force(NOW + timedelta(hours=5), NOW) == "in force from 2026-11-23 14:30 UTC"


def test_one_thing_is_told_as_one() -> None:
    assert [counted(n, "mail") for n in (0, 1, 2)] == ["0 mails", "1 mail", "2 mails"]


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "utf-8"])
@given(words=st.text())
def test_what_is_printed_as_json_is_json_whatever_characters_the_output_has(encoding: str, words: str) -> None:
    shown = io.BytesIO()
    stream = io.TextIOWrapper(shown, encoding=encoding, errors="backslashreplace")
    with contextlib.redirect_stdout(stream):
        emit_json("case", words=words)
    stream.flush()
    assert json.loads(shown.getvalue().decode("utf-8")) == {"schema_version": 1, "kind": "case", "words": words}
