"""The reading side of the helpdesk in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from connector.domain.change import Write
from connector.domain.policy import LevelTarget
from connector.domain.situation import Reach
from connector.domain.ticket import TicketRef
from connector.errors import Denied, Unavailable
from connector.helpdesks.memory.records import Fault
from connector.helpdesks.memory.world import MemoryHelpdesk
from connector.ports import (
    Budgets,
    Cursor,
    Lookup,
    Observation,
    Page,
    Presence,
    Quarantined,
    TicketHistory,
    Version,
    fetched,
)


class MemoryReader:
    """``TicketReader`` over a ``MemoryHelpdesk``. A cursor is the number of log lines read."""

    def __init__(self, world: MemoryHelpdesk) -> None:
        self._world = world

    @property
    def account(self) -> str:
        """Return our own account's id."""
        return self._world.account

    def check(self) -> None:
        """Prove that we may read."""
        self._request("check")

    def start_cursor(self) -> Cursor:
        """Return a cursor for now."""
        self._request("cursor")
        return str(self._visible())

    def load_open(self, *, cursor: Cursor) -> Iterator[Page]:
        """Yield every open ticket."""
        for chunk in self._chunks(self._open()):
            self._request("load")
            yield Page(observations=self._observe(chunk), cursor=cursor)

    def changes(self, cursor: Cursor) -> Iterator[Page]:
        """Yield what changed since ``cursor``; at least one page, so that the cursor is stored."""
        start, end = int(cursor), self._visible()
        while True:
            self._request("delta")
            stop = min(start + self._world.page_size, end)
            ids = tuple(dict.fromkeys(id_ for id_, _ in self._world.log[start:stop]))
            gone = tuple(id_ for id_ in ids if id_ not in self._world.rows)
            yield Page(observations=self._observe(ids), cursor=str(stop), gone=gone)
            start = stop
            if start >= end:
                return

    def open_ids(self) -> Iterator[Mapping[str, Version]]:
        """Yield the ids of open tickets with their versions, where they are told."""
        told = self._world.tells_versions
        for chunk in self._chunks(self._open()):
            self._request("sweep")
            yield {id_: self._world.rows[id_].ticket.version if told else "" for id_ in chunk}

    def get(self, ids: Sequence[str]) -> Page:
        """Return tickets as they are now; those in the world's ``unreadable`` cannot be read."""
        for chunk in self._chunks(ids):
            self._request("get")
            del chunk
        broken = [Quarantined(id=id_, why="unreadable", digest="") for id_ in ids if id_ in self._world.unreadable]
        readable = [id_ for id_ in ids if id_ not in self._world.unreadable]
        return fetched(ids, self._observe(readable), broken)

    def history(self, ids: Sequence[str], *, probe: bool = False) -> Iterator[TicketHistory]:
        """Yield the histories of tickets that exist."""
        self._world.probes += ids if probe else ()
        for id_ in ids:
            self._request("history")
            if (error := self._world.history_fault(id_)) is not None:
                raise error
            if self._world.histories_left is not None:
                self._world.histories_left -= 1
            row = self._world.rows.get(id_)
            if row is not None:
                ref = TicketRef(self._world.site, id_)
                marks = tuple(a.mark for a in row.audits if a.mark is not None and a.by == self._world.us)
                now = self._world.clock.now()
                yield TicketHistory(ref=ref, events=tuple(row.events), read_until=now, marks=marks)

    def history_allowance(self) -> int:
        """Return a page's worth, or what is left where that is less."""
        left = self._world.histories_left
        return self._world.page_size if left is None else min(left, self._world.page_size)

    def look_up(self, write: Write, *, since: datetime, probe: bool = False) -> Lookup:  # noqa: ARG002 - in memory
        """Look through our own audits for the write's key; of several the first counts."""
        self._request("look up")
        row, now = self._world.rows.get(write.ref.id), self._world.clock.now()
        if row is None:
            return Lookup(presence=Presence.UNPROVABLE, at=now)
        found = [audit for audit in row.audits if audit.marker == write.key and audit.at >= since]
        if not found:
            guard = self._world.guard(row.ticket, write.seen)
            return Lookup(presence=Presence.ABSENT, guard=guard, at=now, ticket=row.ticket)
        first, *newer = (audit.version for audit in found)
        standing = {posted.version for posted in self._world.comments}
        copies = tuple(version for version in newer if version in standing)
        return Lookup(presence=Presence.FOUND, remote_id=first, version=first, copies=copies, at=now)

    def server_now(self) -> datetime:
        """Return the world's time."""
        return self._world.clock.now()

    def requests_made(self) -> int:
        """Return the number of requests so far."""
        return self._world.requests.total()

    def budgets(self) -> Budgets:
        """Return no limits: there are none here."""
        return Budgets(remaining={})

    def pause_before_reads(self) -> timedelta:
        """Return zero: there is always room."""
        return timedelta(0)

    def _open(self) -> tuple[str, ...]:
        return tuple(id_ for id_, row in self._world.rows.items() if row.ticket.is_open)

    def _observe(self, ids: Sequence[str]) -> tuple[Observation, ...]:
        rows = (self._world.rows.get(id_) for id_ in ids)
        return tuple(Observation(ticket=row.ticket) for row in rows if row is not None)

    def _chunks(self, ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
        for start in range(0, len(ids), self._world.page_size):
            yield tuple(ids[start : start + self._world.page_size])

    def _visible(self) -> int:
        shown_until = self._world.clock.now() - self._world.hidden
        return sum(1 for _, at in self._world.log if at <= shown_until)

    def _request(self, kind: str) -> None:
        self._world.requests[kind] += 1
        self._world.land_late()
        fault = self._world.read_faults.popleft() if self._world.read_faults else None
        if fault is Fault.DENIED:
            raise Denied(f"{self._world.site} refuses our credentials")
        if fault is not None:
            raise Unavailable(f"{self._world.site} cannot be read: {fault}")


class MemoryDirectory:
    """``Directory`` over a ``MemoryHelpdesk``."""

    def __init__(self, world: MemoryHelpdesk) -> None:
        self._world = world

    def reach(self, target: LevelTarget, *, at: datetime) -> Reach:
        """Return what the world says; a target that it does not know does not exist."""
        missing = Reach(exists=False, reachable=False, why=f"{target} is not known to {self._world.site} at {at:%H:%M}")
        return self._world.reach.get(target, missing)
