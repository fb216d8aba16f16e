"""Small statements that every part of the journal shares; portable, for one writer.

A statement that every pass needs is made once, with parameters: building it anew and finding it among those that are
compiled already costs several times what the database takes to answer it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, Connection, Dialect, Insert, Integer, Table, Update, bindparam, insert, update
from sqlalchemy.sql.compiler import SQLCompiler

AnyRow: TypeAlias = Any
"""A row with the columns that its statement names; the library's own type cannot say which."""


def parameter(name: str, *, many: bool = False) -> BindParameter[Any]:
    """Return a parameter of a statement that is made once; ``many`` values for an ``IN``."""
    return bindparam(name, expanding=many)


MOST = bindparam("most", type_=Integer)
"""How many rows at most."""


SITE = parameter("of_site")
"""The site of a statement that is made once."""

IDS = parameter("ids", many=True)
"""Ids of tickets, at most ``IN_AT_ONCE``."""

IN_AT_ONCE = 1000
"""Values that one ``IN`` takes; both databases allow far more."""


def portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield ids in portions that fit into one statement."""
    for start in range(0, len(ids), IN_AT_ONCE):
        yield ids[start : start + IN_AT_ONCE]


def add_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows that are known to be new, all with the same columns; return how many."""
    if rows:
        _run_many(connection, _compiled(_insert(table, tuple(rows[0])), connection.dialect), rows)
    return len(rows)


def change_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]) -> int:
    """Update rows that are known to exist, all with the same columns; ``key`` names those that find each."""
    if rows:
        _run_many(connection, _compiled(_update(table, tuple(rows[0]), tuple(key)), connection.dialect), rows)
    return len(rows)


@lru_cache(maxsize=128)
def _insert(table: Table, columns: tuple[str, ...]) -> Insert:
    return insert(table).values({name: bindparam(f"b_{name}") for name in columns})


@lru_cache(maxsize=128)
def _update(table: Table, columns: tuple[str, ...], key: tuple[str, ...]) -> Update:
    bound: dict[str, Any] = {name: bindparam(f"b_{name}") for name in columns}
    found_by = [table.c[name] == bound[name] for name in key]
    values = {name: value for name, value in bound.items() if name not in key}
    return update(table).where(*found_by).values(values)


@lru_cache(maxsize=256)
def _compiled(statement: Insert | Update, dialect: Dialect) -> SQLCompiler:
    return statement.compile(dialect=dialect)


def _run_many(connection: Connection, compiled: SQLCompiler, rows: Sequence[Mapping[str, Any]]) -> None:
    """Hand rows to the driver as they are: nothing in them needs a conversion, and pages have thousands."""
    names = [name.removeprefix("b_") for name in compiled.positiontup or ()]
    if names:
        connection.exec_driver_sql(compiled.string, list(map(itemgetter(*names), rows)))
    else:
        connection.exec_driver_sql(compiled.string, [{f"b_{k}": v for k, v in row.items()} for row in rows])


def put_row(connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Update the row with ``key`` or, where there is none, insert it."""
    row = {**key, **values}
    given = {f"b_{name}": value for name, value in row.items()}
    if connection.execute(_update(table, tuple(row), tuple(key)), given).rowcount == 0:
        connection.execute(_insert(table, tuple(row)), given)
