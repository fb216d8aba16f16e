"""The row that every pull client makes of a ticket, so that all of them read the same fields and show that they did."""

from __future__ import annotations

import marshal
import zlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

Row = tuple[Any, ...]
"""id, updated, status, priority, number of tags, three inputs, earliest running breach in epoch seconds."""


def told(rows: Iterable[Row], **more: Any) -> dict[str, Any]:
    """Count rows and sum them up in one number that does not depend on their order."""
    count = total = 0
    for row in rows:
        count += 1
        total += zlib.crc32(marshal.dumps(row, 2))  # the quickest bytes that are equal for equal rows
    return {"count": count, "sum": total, **more}


def epoch(text: str) -> int:
    """Return a vendor's moment as epoch seconds."""
    return int(datetime.fromisoformat(text).timestamp())
