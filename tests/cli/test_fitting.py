"""What is shown at a terminal fits it: no line is wider, nothing is cut, and a pipe gets every value whole."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from connector.cli.fitting import LEAST_WIDTH, fitted_table, wrapped
from connector.cli.show import emit_more, emit_table, put_fitted

WORDS = st.text(st.sampled_from("ab-é障害/:,"), min_size=1, max_size=30)
TEXTS = st.lists(WORDS, max_size=12).map(" ".join)
WIDTHS = st.integers(LEAST_WIDTH, 140)
NAMES = ("site", "at", "what", "command")

LONG = "assignee (none) -> duty-manager; level 3 -> 4 (path default, level 4: level 3 not acknowledged)"
AT = "2026-11-23 14:45:00Z"
TABLES: dict[str, tuple[dict[str, str], set[str]]] = {
    "status": (
        {
            "site": "zendesk",
            "last good pass": "3d 12h ago",
            "last run": "partial",
            "open": "1480",
            "effects": "assign,fields,notes,public; 114094762733: fields",
            "next due in": "3h 22m",
            "held": "12",
            "parked": "3",
            "stopped": "paused: migration until noon; notes frozen: over the budget",
            "next poll in": "59s",
            "budget left": "incremental_export 7/10",
        },
        {"effects", "stopped"},
    ),
    "attention": (
        {
            "kind": "quarantined",
            "site": "zendesk",
            "ticket": "#123456",
            "since": AT,
            "what": "writing fails: Rejected: there is no field 27641",
            "consequence": "nothing is written on this ticket; all others go on",
            "command": "connector release zendesk:123456",
        },
        {"what", "consequence", "command"},
    ),
    "log": ({"at": AT, "site": "jsm-eu", "ticket": "SUPPORT-14815", "what": "write", "detail": LONG}, {"detail"}),
    "runs": (
        {
            "at": AT,
            "site": "zendesk",
            "run": "20261123T160500Z-00613-1e9c",
            "outcome": "partial",
            "counts": "read 1, decided 1, written 12, left 2, requests 181",
        },
        {"counts"},
    ),
    "parked": (
        {
            "key": "3f9c1a7b20de",
            "site": "jsm-eu",
            "ticket": "SUP-14815",
            "what": "internal note escalated",
            "since": AT,
            "why": "the helpdesk shows no history to this account",
            "text": f"{LONG[:60]}…",
        },
        {"what", "why", "text"},
    ),
    "sync": (
        {
            "site": "jsm-eu",
            "outcome": "failed",
            "read": "14800",
            "decided": "14800",
            "written": "120",
            "held": "12",
            "left": "0",
            "failed": "0",
            "parked": "0",
            "would_do": "14000",
            "insufficient": "12",
            "requests": "182",
            "why": f"Unavailable: {LONG}",
        },
        {"why"},
    ),
}


def packed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("name", list(TABLES))
def test_real_tables_with_long_values(name: str, width: int) -> None:
    values, prose = TABLES[name]
    lines = fitted_table(tuple(values), [tuple(values.values())], prose=frozenset(prose), width=width)
    assert [line for line in lines if cell_len(line) > width] == []
    for column, value in values.items():
        if column not in prose:  # what people copy stands in one piece
            assert any(value in line for line in lines)
    assert all(word in packed("".join(lines)) for value in values.values() for word in value.split())


@given(
    rows=st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), max_size=4),
    prose=st.sets(st.sampled_from(NAMES[1:])),
    w=WIDTHS,
)
def test_no_line_is_too_wide_and_no_character_is_lost(rows: list[tuple[str, ...]], prose: set[str], w: int) -> None:
    lines = fitted_table(NAMES, rows, prose=frozenset(prose), width=w)
    assert [line for line in lines if cell_len(line) > w] == []
    shown = sorted(packed("".join(lines)))
    for character in sorted(packed("".join(cell for row in rows for cell in row))):
        shown.remove(character)


@given(text=TEXTS, indent=st.integers(0, 8), hang=st.integers(0, 30), w=WIDTHS)
def test_a_line_is_wrapped_without_loss(text: str, indent: int, hang: int, w: int) -> None:
    line = " " * indent + text
    pieces = list(wrapped(line, w, hang=hang))
    assert [piece for piece in pieces if cell_len(piece) > w] == []
    assert packed("".join(pieces)) == packed(text)
    assert (pieces == [line.rstrip()]) == (cell_len(line.rstrip()) <= w)


def test_words_are_not_broken_where_a_blank_is_near() -> None:
    assert list(wrapped("  level 3 -> 4 (not acknowledged)", 24, hang=4)) == [
        "  level 3 -> 4 (not",
        "      acknowledged)",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_its_width_and_a_pipe_everything_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    values, prose = TABLES["log"]
    columns, row = tuple(values), tuple(values.values())

    def shown(stream: io.StringIO) -> list[str]:
        monkeypatch.setattr(sys, "stdout", stream)
        emit_table(columns, [row], prose=prose)
        emit_more([row])
        put_fitted(f"  {LONG}")
        return stream.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()

    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, shown(Terminal()))) <= 60
    assert shown(io.StringIO()) == ["\t".join(columns), "\t".join(row), "\t".join(row), f"  {LONG}"]
