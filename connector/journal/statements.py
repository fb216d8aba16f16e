"""Small statements that every part of the journal shares; portable, for one writer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect, Table, and_, bindparam, insert, update
from sqlalchemy.sql.compiler import SQLCompiler
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
    """Insert rows that are known to be new, all with the same columns; return how many."""
    if rows:
        _run_many(connection, _insert(table, tuple(rows[0]), connection.dialect), rows)
    return len(rows)


def change_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]) -> int:
    """Update rows that are known to exist, all with the same columns; ``key`` names those that find each."""
    if rows:
        _run_many(connection, _update(table, tuple(rows[0]), tuple(key), connection.dialect), rows)
    return len(rows)


@lru_cache(maxsize=128)
def _insert(table: Table, columns: tuple[str, ...], dialect: Dialect) -> SQLCompiler:
    return insert(table).values({name: bindparam(f"b_{name}") for name in columns}).compile(dialect=dialect)


@lru_cache(maxsize=128)
def _update(table: Table, columns: tuple[str, ...], key: tuple[str, ...], dialect: Dialect) -> SQLCompiler:
    bound: dict[str, Any] = {name: bindparam(f"b_{name}") for name in columns}
    found_by = [table.c[name] == bound[name] for name in key]
    values = {name: value for name, value in bound.items() if name not in key}
    return update(table).where(*found_by).values(values).compile(dialect=dialect)


def _run_many(connection: Connection, compiled: SQLCompiler, rows: Sequence[Mapping[str, Any]]) -> None:
    """Hand rows to the driver as they are: nothing in them needs a conversion, and pages have thousands."""
    names = [name.removeprefix("b_") for name in compiled.positiontup or ()]
    if names:
        connection.exec_driver_sql(compiled.string, list(map(itemgetter(*names), rows)))
    else:
        connection.exec_driver_sql(compiled.string, [{f"b_{k}": v for k, v in row.items()} for row in rows])


def put_row(connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Update the row with ``key`` or, where there is none, insert it."""
    changed = connection.execute(update(table).where(_matches(table, key)).values(**values))
    if changed.rowcount == 0:
        connection.execute(insert(table).values(**key, **values))


def _matches(table: Table, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))
