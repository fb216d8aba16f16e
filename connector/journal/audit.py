"""The audit: one line per act, append-only, each line chained to the one before it.

A line keeps the digest of its content, and the chain runs over digests, so content that has to be erased can go without
breaking the chain, while a line that was edited, removed or slipped in is found.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, update

from connector.journal.documents import mapping_document, texts_of
from connector.journal.moments import from_micros, to_micros
from connector.journal.statements import AnyRow, add_rows
from connector.journal.tables import event
from connector.ports import JournalEvent

TOMBSTONE = "erased"
"""The kind of a line whose content is gone; its digest and its place in the chain are what they were."""

_LAST = select(event.c.id, event.c.chain).order_by(event.c.id.desc()).limit(1)
_CONTENT = ("id", "at", "kind", "site", "ticket", "key", "run", "actor", "data")


def append(connection: Connection, *lines: JournalEvent) -> None:
    """Add lines at the end of the chain."""
    if not lines:
        return
    last = connection.execute(_LAST).one_or_none()
    position, chain = (last.id, last.chain) if last else (0, "")
    rows = []
    for position, line in enumerate(lines, start=position + 1):  # noqa: B020 - goes on from the last line's position
        row = _row(line, position)
        chain = _link(chain, row["digest"])
        rows.append(row | {"chain": chain})
    add_rows(connection, event, rows)


def _row(line: JournalEvent, position: int) -> dict[str, Any]:
    row = {
        "id": position,
        "at": to_micros(line.at),
        "kind": line.kind,
        "site": line.site,
        "ticket": line.ticket,
        "key": line.key,
        "run": line.run,
        "actor": line.actor,
        "data": mapping_document(line.data),
    }
    return row | {"digest": _digest(row)}


def _digest(row: dict[str, Any]) -> str:
    content = json.dumps([row[name] for name in _CONTENT], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def _link(chain: str, digest: str) -> str:
    return hashlib.sha256(f"{chain}{digest}".encode()).hexdigest()


def line_of(row: AnyRow) -> JournalEvent:
    """Read one line."""
    return JournalEvent(
        at=from_micros(row.at),
        kind=row.kind,
        site=row.site,
        ticket=row.ticket,
        key=row.key,
        run=row.run,
        actor=row.actor,
        data=texts_of(row.data),
    )


def entomb(connection: Connection, *chosen: ColumnElement[bool]) -> int:
    """Empty lines, whose digests and places in the chain stay; return how many were emptied."""
    blank = {"kind": TOMBSTONE, "ticket": "", "key": "", "run": "", "actor": "", "data": "{}"}
    return connection.execute(update(event).where(*chosen, event.c.kind != TOMBSTONE).values(**blank)).rowcount


def first_broken(connection: Connection) -> int | None:
    """Return the position of the first line that does not fit its content or the line before it."""
    chain, expected = "", 1
    for row in connection.execution_options(yield_per=1000).execute(_in_order()).mappings():
        chain = _link(chain, row["digest"])
        fits = row["id"] == expected and row["chain"] == chain
        if not fits or (row["kind"] != TOMBSTONE and _digest(dict(row)) != row["digest"]):
            return expected
        expected += 1
    return None


def _in_order() -> Select[Any]:
    return select(event).order_by(event.c.id)
