"""Printing: data on stdout, talk on stderr; tables for people, plain tab-separated lines for pipes, JSON on request."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.cli.harmless import cell, in_json, visible

SCHEMA_VERSION = 1


class Output(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"
    NDJSON = "ndjson"


def emit_json(kind: str, /, **data: Any) -> None:
    """Print one JSON document with its kind and schema version."""
    document = {"schema_version": SCHEMA_VERSION, "kind": kind, **data}
    print(in_json(json.dumps(document, default=_plain, ensure_ascii=False)))


def emit_lines(kind: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON document per row; a row's own ``kind`` (such as ``held``) stands instead of the given one."""
    for row in rows:
        emit_json(kind, **row)


def emit_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, color: bool = True) -> None:
    """Print a table for a person at a terminal, tab-separated lines with a header for a pipe."""
    shown = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        print("\t".join(columns))
        for row in shown:
            print("\t".join(map(cell, row)))
        return
    from rich.console import Console  # noqa: PLC0415 - heavy, and only a person needs it
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in shown:
        table.add_row(*map(visible, row))
    Console(no_color=not color, highlight=False, markup=False, emoji=False).print(table)


def emit_more(rows: Iterable[Sequence[object]]) -> None:
    """Print rows as they come: no table knows its widths yet, so cells are set apart by tabs, or spaces for people."""
    between = "  " if sys.stdout.isatty() else "\t"
    for row in rows:
        print(between.join(cell(_cell(value)) for value in row))


def say(text: str) -> None:
    """Print a sentence for a person on stderr."""
    print(visible(text), file=sys.stderr)


def put(text: str) -> None:
    """Print a line of data for a person; names from a helpdesk may stand in it."""
    print(visible(text))


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago a moment was, in one short phrase."""
    if at is None:
        return "never"
    return f"{length(now - at)} ago" if at <= now else f"in {length(at - now)}"


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
