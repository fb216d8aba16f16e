"""Printing: data on stdout, talk on stderr; tables for people, plain tab-separated lines for pipes, JSON on request."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.cli.fitting import fitted_table, wrapped
from connector.cli.harmless import cell, in_json, json_for, visible
from connector.errors import ConnectorError

SCHEMA_VERSION = 1


class Output(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"
    NDJSON = "ndjson"


def emit_json(kind: str, /, **data: Any) -> None:
    """Print one JSON document with its kind and schema version."""
    document = {"schema_version": SCHEMA_VERSION, "kind": kind, **data}
    print(json_for(sys.stdout, in_json(json.dumps(document, default=_plain, ensure_ascii=False))))


def emit_lines(kind: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON document per row; a row's own ``kind`` (such as ``held``) stands instead of the given one."""
    for row in rows:
        emit_json(kind, **row)


def emit_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, prose: Collection[str] = (), color: bool = True
) -> None:
    """Print a table that fits the terminal for a person, tab-separated lines with a header for a pipe.

    ``prose`` are the columns with long texts, which are wrapped or told below their row where there is no room.
    """
    shown = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        print("\t".join(columns))
        for row in shown:
            print("\t".join(map(cell, row)))
        return
    told = [[" ".join(visible(value).split()) for value in row] for row in shown]
    header, *lines = fitted_table(columns, told, prose=frozenset(prose), width=_width())
    print(f"\x1b[1m{header}\x1b[0m" if color else header)
    for line in lines:
        print(line)


def emit_more(rows: Iterable[Sequence[object]]) -> None:
    """Print rows as they come: no table knows its widths yet, so cells are set apart by tabs, or spaces for people."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(cell(_cell(value)) for value in row))
        return
    for row in rows:
        put_fitted("  ".join(" ".join(visible(_cell(value)).split()) for value in row))


def say(text: str) -> None:
    """Print a sentence for a person on stderr."""
    print(visible(text), file=sys.stderr)


def say_error(error: ConnectorError, *, about: str = "") -> None:
    """Print an expected error with its remedy on stderr; ``about`` names what it concerns."""
    place = f"{about}: " if about else ""
    say(f"error: {place}{error}" + (f"\n  -> {error.remedy}" if error.remedy else ""))


def put(text: str) -> None:
    """Print a line of data for a person; names from a helpdesk may stand in it."""
    print(visible(text))


def put_fitted(text: str, *, hang: int = 4) -> None:
    """Print a line as ``put`` does; at a terminal its words are wrapped, and what follows begins ``hang`` further."""
    if not sys.stdout.isatty():
        put(text)
        return
    for line in visible(text).splitlines() or ("",):
        for piece in wrapped(line, _width(), hang=hang):
            print(piece)


def _width() -> int:
    """Return the terminal's columns; 80 where it does not tell."""
    return shutil.get_terminal_size().columns


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago a moment was, in one short phrase."""
    if at is None:
        return "never"
    return f"{length(now - at)} ago" if at <= now else f"in {length(at - now)}"


def in_force(since: datetime | None, now: datetime) -> str:
    """Return how long something has been in force; a moment yet to come is told as it is (a state of stepped time)."""
    if since is None:
        return "not yet applied"
    return f"in force for {length(now - since)}" if since <= now else f"in force from {since:%Y-%m-%d %H:%M} UTC"


def counted(number: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def length(span: timedelta) -> str:
    """Return a length of time in its two largest units."""
    seconds = int(span.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{n}{u}" for n, u in ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")) if n]
    return sign + (" ".join(parts[:2]) or "0s")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    return str(value)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, frozenset | set | tuple):
        return sorted(map(str, value)) if isinstance(value, frozenset | set) else list(value)
    return str(value)
