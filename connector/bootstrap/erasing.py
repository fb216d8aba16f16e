"""``erase``, and the retention that a ``sync`` or a daemon sees to by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from connector.bootstrap.explaining import find_tickets
from connector.errors import ConnectorError
from connector.ports import Erased, Journal, JournalEvent

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

PURGE_STEP = 500
"""Rows of each class that one step deletes at most: a large backlog goes in many short transactions."""

PURGE_EVERY = timedelta(hours=1)
LOOK_AT_TIME = 60
"""Questions between two looks at the clock: in stepped time each look is a request."""

BACKUPS_KEPT = timedelta(days=14)
_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy of the state beside it: it still holds what was erased until it is deleted."""

    path: str
    made_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseReport:
    """What ``erase`` did, by site, and the copies that remain."""

    done: dict[str, Erased]
    copies: tuple[Copy, ...]


def erase(program: Connector, *, ticket: str = "", user: str = "", actor: str, now: datetime) -> EraseReport:
    """Erase one ticket, or one account on every site that knows it.

    Raises:
        Busy: Another process holds the state, or a write to the ticket is under way.
        UnsafePlan: The ticket is open.
        ConnectorError: There is no such ticket.
    """
    places = [(ref.site, ref.id) for ref in find_tickets(program, program.records(), ticket)] if ticket else []
    if len(places) > 1:
        known = ", ".join(f"{site}:{id_}" for site, id_ in places)
        raise ConnectorError(f"more than one ticket is called {ticket}", remedy=f"name one of {known}")
    site, _, account = user.rpartition(":")
    names = program.select((site,)) if site else program.settings.site_names
    with program.journal() as journal:
        done = {of: journal.erase(of, ticket=id_) for of, id_ in places}
        if user:
            done |= {name: journal.erase(name, account=account) for name in names}
        for of, erased in done.items():
            data = {"what": "ticket" if ticket else "account", "rows": str(erased.rows), "lines": str(erased.lines)}
            journal.record(JournalEvent(at=now, kind="erasure", site=of, actor=actor, data=data))
    return EraseReport(done=done, copies=tuple(copies(program)))


def copies(program: Connector) -> Iterator[Copy]:
    """Yield every SQLite file beside the state or below its folder, the state itself apart."""
    state = Path(program.settings.state.removeprefix("sqlite:///"))
    if not state.is_file():
        return
    for path in sorted([*state.parent.glob("*"), *state.parent.glob("*/*")]):
        if path.is_file() and path != state and _is_state(path):
            made_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            yield Copy(path=str(path), made_at=made_at, ends_at=made_at + BACKUPS_KEPT)


def _is_state(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


class Retention:
    """Takes a purge's step once an hour; in stepped time the sandbox's hour counts."""

    def __init__(self, now: Callable[[], datetime], journal: Journal) -> None:
        self._now = now
        self._journal = journal
        self._purged_at: datetime | None = None
        self._asked = 0

    def step(self) -> None:
        """Purge when an hour has passed; asked once a second, it looks at the clock once a minute."""
        self._asked += 1
        if self._asked % LOOK_AT_TIME:
            return
        try:
            now = self._now()
        except ConnectorError:  # a simulated clock that has ended
            return
        if self._purged_at is None or now - self._purged_at >= PURGE_EVERY:
            self._purged_at = now
            purge(self._journal, now=now)


def purge(journal: Journal, *, now: datetime) -> int:
    """Delete one step of what is past its time; return the rows that went."""
    return journal.purge(now=now, most=PURGE_STEP)
