"""``erase``, and the retention that a ``sync`` or a daemon sees to by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from connector.bootstrap.backups import folder_of
from connector.bootstrap.explaining import find_tickets
from connector.errors import ConnectorError
from connector.journal import backup_folder, ends_at, expire, made_at, state_file
from connector.ports import Erased, Journal, JournalEvent

if TYPE_CHECKING:
    from connector.bootstrap.certainty import Certainty
    from connector.bootstrap.connector import Connector

PURGE_STEP = 500
"""Rows of each class that one step deletes at most: a large backlog goes in many short transactions."""

PURGE_EVERY = timedelta(hours=1)
LOOK_AT_TIME = 60
"""Questions between two looks at the clock: in stepped time each look is a request."""

_LOGS = (".log", ".ndjson")
_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy of the state, or a log beside it, that may still hold what was erased until it is deleted.

    ``ends_at`` is when we delete it ourselves; ``None``: only its owner does.
    """

    path: str
    made_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseReport:
    """What ``erase`` did, by site, and the copies that remain."""

    done: dict[str, Erased]
    copies: tuple[Copy, ...]


def erase(program: Connector, *, ticket: str = "", user: str = "", actor: str, now: datetime) -> EraseReport:
    """Erase one ticket, or one person on every site that knows them or on the one before the first colon.

    A person is named by the vendor's account id or as the site's map calls them.

    Raises:
        Busy: Another process holds the state, or a write to the ticket or about the person is under way.
        UnsafePlan: The ticket is open.
        ConnectorError: There is no such ticket; or what is erased may still stand in the file, as the disk is full.
    """
    places = [(ref.site, ref.id) for ref in find_tickets(program, program.records(), ticket)] if ticket else []
    if len(places) > 1:
        known = ", ".join(f"{site}:{id_}" for site, id_ in places)
        raise ConnectorError(f"more than one ticket is called {ticket}", remedy=f"name one of {known}")
    sites, account = _account(program, user)
    line = JournalEvent(at=now, kind="erasure", site="", actor=actor, data={"what": "ticket" if ticket else "account"})
    done: dict[str, Erased] = {}
    with program.journal() as journal:
        try:
            for of, id_ in places:
                done[of] = journal.erase(of, ticket=id_, line=replace(line, site=of))
            for name in sites if user else ():
                people = program.policies.loaded.maps[name].fields.people
                id_ = people.get(account, account)
                names = [n for n, bound in people.items() if bound == id_]
                done[name] = journal.erase(name, account=id_, names=names, line=replace(line, site=name))
        finally:
            if done:
                journal.compact()
    return EraseReport(done=done, copies=tuple(copies(program)))


def _account(program: Connector, user: str) -> tuple[tuple[str, ...], str]:
    """Return the sites and the account that ``[SITE:]ACCOUNT`` means; a vendor's ids may hold colons themselves."""
    site, colon, account = user.partition(":")
    if colon and site in program.settings.site_names:
        return (site,), account
    return program.settings.site_names, user


def copies(program: Connector) -> Iterator[Copy]:
    """Yield what may still hold what was erased: SQLite files and logs beside the state, and where backups are kept.

    The state itself is none of them. Where else backups and logs were taken to is not known here.
    """
    state = state_file(program.settings.state_url)
    if state is None or not state.is_file():
        return
    regular = folder_of(program, state)
    beside = [*state.parent.glob("*"), *state.parent.glob("*/*"), *regular.glob("*")]
    for path in sorted(set(beside)):
        if path.is_file() and not _is_in_use(path, state) and (_is_state(path) or _is_log(path)):
            made_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            yield Copy(path=str(path), made_at=made_at, ends_at=_ends_at(program, path, state))


def _ends_at(program: Connector, path: Path, state: Path) -> datetime | None:
    """Return when a copy ends, where it is one that we tidy up."""
    if made_at(state, path) is not None:
        is_tidied = path.parent == folder_of(program, state) and bool(program.settings.backup.every)
    else:
        is_tidied = path.name.startswith(f"{state.name}.replaced-") or path.parent == backup_folder(state)
    return ends_at(state, path) if is_tidied else None


def _is_in_use(path: Path, state: Path) -> bool:
    return path in {state, *(state.with_name(state.name + suffix) for suffix in ("-wal", "-shm"))}


def _is_log(path: Path) -> bool:
    """Return whether a file is a write-ahead log or the log of a program; rotated ones have more after the dot."""
    return path.name.endswith("-wal") or any(suffix in _LOGS for suffix in path.suffixes)


def _is_state(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


class Retention:
    """Takes a purge's step once an hour while the clock is known; in stepped time the sandbox's hour counts."""

    def __init__(self, now: Callable[[], datetime], journal: Journal, state_url: str, certainty: Certainty) -> None:
        self._now = now
        self._journal = journal
        self._state_url = state_url
        self._certainty = certainty
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
        last = self._purged_at
        is_due = last is None or not last <= now < last + PURGE_EVERY  # one yet to come was reckoned by a wrong clock
        if is_due and self._certainty.may_delete():
            self._purged_at = now
            purge(self._journal, self._state_url, now=now)


def purge(journal: Journal, state_url: str, *, now: datetime) -> int:
    """Delete one step of what is past its time, old copies of the state included; return the rows that went.

    What counts is the last moment at which a helpdesk was read well, as its time is compared with ours then: a clock
    that is ahead forgets nothing.
    """
    good = (site.last_good_at for site in journal.records().sites())
    now = min(now, max((at for at in good if at is not None), default=now))
    state = state_file(state_url)
    if state is not None:
        expire(state, now=now)
    return journal.purge(now=now, most=PURGE_STEP)
