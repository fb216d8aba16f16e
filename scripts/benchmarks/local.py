"""Look-ups in a journal with very many open tickets, which are put there by SQL: only their rows matter here."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connector.journal import open_journal
from scripts.benchmarks.server import START

SITE, FINGERPRINT, HASH = "zendesk", "benchmark", "a" * 64
DUE_NOW = 20
LOOKS = 200


@dataclass(frozen=True, slots=True)
class Found:
    """Look-ups with their median and 99th percentile in milliseconds, and the requests that they took."""

    rows: tuple[tuple[str, float, float], ...]
    requests: int


def due(count: int) -> Found:
    """Fill a journal with ``count`` open tickets and look for what is due, as a pass does."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "state.db"
        fill(path, count, policy_hash=HASH)
        with open_journal(str(path)) as journal:
            looks: dict[str, Callable[[], Any]] = {
                f"due ({DUE_NOW} of them)": lambda: journal.due(SITE, now=START, limit=1_000_000),
                "next due moment": lambda: journal.next_due(SITE),
                "decided under another policy (none)": lambda: journal.undecided(
                    SITE, policy_hash=HASH, limit=1_000_000
                ),
            }
            found = journal.due(SITE, now=START, limit=1_000_000)
            if len(found) != DUE_NOW:
                raise RuntimeError(f"{len(found)} tickets are due, not {DUE_NOW}")
            return Found(tuple((name, *_timed(look)) for name, look in looks.items()), requests=0)


def _timed(look: Callable[[], Any]) -> tuple[float, float]:
    took = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        look()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return took[LOOKS // 2], took[int(LOOKS * 0.99)]


def fill(path: Path, count: int, *, policy_hash: str, now: datetime = START, due: int = DUE_NOW) -> None:
    """Make a journal with ``count`` open, decided tickets: ``due`` of them now, the others within thirty days."""
    with open_journal(str(path)) as journal:
        journal.open_site(SITE, fingerprint=FINGERPRINT)
    values = {
        "site": SITE,
        "count": count,
        "due": due,
        "now": int(now.timestamp() * 1_000_000),
        "spread": int(timedelta(days=30) / timedelta(microseconds=1)),
        "hash": policy_hash,
    }
    with sqlite3.connect(path) as connection:
        connection.execute(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
            INSERT INTO ticket (site, id, key, scope, status, is_open, priority_rank, version, own_version, updated_at,
                                next_due_at, policy_hash, history_complete, history_until, digest, document)
            SELECT :site, 'stored-' || i, '#' || i, '', 'open', 1, 3, 'v', '', :now - i * 1000000,
                   CASE WHEN i <= :due THEN :now - i * 1000000
                        ELSE :now + 3600000000 + (i * 7919 % :count) * (:spread / :count) END,
                   :hash, 1, :now, '', '{}'
            FROM n
            """,
            values,
        )
    connection.close()
