"""Small statements that every part of the journal shares; portable, for one writer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Table, and_, bindparam, insert, update
from sqlalchemy.sql.elements import ColumnElement

AnyRow: TypeAlias = Any
"""A row with the columns that its statement names; the library's own type cannot say which."""

IN_AT_ONCE = 1000
"""Values that one ``IN`` takes; both databases allow far more."""


def portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield ids in portions that fit into one statement."""
    for start in range(0, len(ids), IN_AT_ONCE):
        yield ids[start : start + IN_AT_ONCE]


def add_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows that are known to be new; return how many."""
    if rows:
        connection.execute(insert(table), rows)
    return len(rows)


def change_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]) -> int:
    """Update rows that are known to exist; ``key`` names the columns that find each; return how many."""
    if rows:
        found_by = [table.c[name] == bindparam(f"of_{name}") for name in key]
        values: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name not in key}
        bound = [{f"of_{name}" if name in key else name: value for name, value in row.items()} for row in rows]
        connection.execute(update(table).where(*found_by).values(values), bound)
    return len(rows)


def put_row(connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Update the row with ``key`` or, where there is none, insert it."""
    changed = connection.execute(update(table).where(_matches(table, key)).values(**values))
    if changed.rowcount == 0:
        connection.execute(insert(table).values(**key, **values))


def _matches(table: Table, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))
