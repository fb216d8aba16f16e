"""A helpdesk in memory: tickets, their audits, people who act on them, and faults on demand."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connector.domain.events import Actor, EventKind, Role, TicketEvent
from connector.domain.policy import LevelTarget
from connector.domain.site import HOLD_UNTIL
from connector.domain.situation import Reach
from connector.domain.ticket import Activity, Fact, Link, LinkKind, Priority, Status, Text, Ticket, TicketRef
from connector.errors import Conflict, HelpdeskError, Rejected
from connector.helpdesks.memory.marks import mark
from connector.helpdesks.memory.records import Audit, Fault, Posted, Row, Update
from connector.ports import Clock, Guard

CUSTOMER = Actor("customer", Role.CUSTOMER)
AGENT = Actor("agent", Role.AGENT)
BOT = Actor("bot", Role.AUTOMATION)

_KINDS: Mapping[str, EventKind] = {
    "status": EventKind.STATUS,
    "priority": EventKind.PRIORITY,
    "group": EventKind.GROUP,
    "assignee": EventKind.ASSIGNEE,
    "labels": EventKind.LABELS,
}


Automation = Callable[[Ticket, Update], Mapping[str, Any]]
"""(ticket after the update, update) → attributes that a rule changes in the same audit, in answer to it."""


class MemoryHelpdesk:
    """The world behind ``MemoryReader``, ``MemoryWriter`` and ``MemoryDirectory``.

    Attributes:
        site, account: The site's name and our own account's id.
        hidden: Changes of this last stretch are not in deltas yet.
        lateness: How long a ``LATE`` write takes to arrive.
        unreadable: Ids of tickets whose payload a single read cannot make sense of.
        write_faults, read_faults: What happens to the next requests, first one first; ``None`` lets one pass.
        histories_left: How many histories may still be read; ``None``: a page's worth at a time, for ever.
        probes: The tickets whose histories were asked for as a probe, in the order asked.
        history_fault: With what the history of a ticket fails, by its id; ``None``: it is told.
        automations: Rules that answer every update.
        reach: Who can be reached; a target that is not here does not exist.
        comments: Every comment ever posted, by anybody.
        requests: Requests by kind.
        created: Tickets opened so far; ids are never given twice.
        compares: A write is refused unless the ticket is as it was seen, also one that arrives late. Without, only what
            is sent in time is compared, by whoever sends it.
        tells_versions: The list of open tickets has their versions.
    """

    def __init__(self, site: str, clock: Clock, *, account: str = "connector", page_size: int = 100) -> None:
        self.site = site
        self.clock = clock
        self.account = account
        self.page_size = page_size
        self.hidden = timedelta(0)
        self.lateness = timedelta(seconds=30)
        self.write_faults: deque[Fault | None] = deque()
        self.unreadable: set[str] = set()
        self.read_faults: deque[Fault | None] = deque()
        self.histories_left: int | None = None
        self.probes: list[str] = []
        self.history_fault: Callable[[str], HelpdeskError | None] = lambda _: None
        self.automations: list[Automation] = []
        self.reach: dict[LevelTarget, Reach] = {}
        self.comments: list[Posted] = []
        self.requests: Counter[str] = Counter()
        self.rows: dict[str, Row] = {}
        self.created = 0
        self.compares = True
        self.tells_versions = True
        self.log: list[tuple[str, datetime]] = []
        self.waiting: list[tuple[datetime, str, str, Update]] = []

    @property
    def us(self) -> Actor:
        """Return our own account."""
        return Actor(self.account, Role.OURS)

    # ---- people

    def create(self, *, text: Text | None = None, by: Actor = CUSTOMER, **values: Any) -> TicketRef:
        """Open a ticket; ``values`` are attributes of ``Ticket``."""
        self.land_late()
        self.created += 1
        ref = TicketRef(self.site, str(self.created))
        now = self.clock.now()
        attributes: dict[str, Any] = {"status": Status.NEW, "requester": by.id, "text": text or Text(subject="")}
        ticket = Ticket(ref=ref, key=f"#{ref.id}", version="", opened_at=now, updated_at=now, **(attributes | values))
        row = self.rows[ref.id] = Row(replace(ticket, activity=Activity(public_replies=0, last_comment_at=now)))
        created = TicketEvent(id="created", at=now, kind=EventKind.CREATED, actor=by, after=str(row.ticket.status))
        row.events.append(created)
        self._seal(row, Update(by=by, values=values))
        return ref

    def update(self, id: str, by: Actor = AGENT, **values: Any) -> None:  # noqa: A002 - it is the vendor's word
        """Let somebody change attributes of a ticket."""
        self.apply(id, Update(by=by, values=values))

    def comment(self, id: str, body: str, by: Actor = AGENT, *, public: bool = True) -> None:  # noqa: A002
        """Let somebody comment; an end user's public comment reopens a ticket that is solved or waits for them."""
        values: dict[str, Any] = {}
        waiting = self.rows[id].ticket.status in {Status.SOLVED, Status.WAITING_CUSTOMER}
        if by.role is Role.CUSTOMER and public and waiting:
            values["status"] = Status.OPEN
        self.apply(id, Update(by=by, values=values, comment=body, public=public))

    def set_fact(self, id: str, name: str, value: Fact, by: Actor = AGENT) -> None:  # noqa: A002
        """Let somebody fill in an input of the policy."""
        self.update(id, by, facts={**self.rows[id].ticket.facts, name: value})

    def merge(self, id: str, into: str, by: Actor = AGENT) -> None:  # noqa: A002
        """Merge a ticket into another one; it is closed for good."""
        link = Link(kind=LinkKind.MERGED_INTO, target=into, site=self.site)
        self.update(id, by, status=Status.CLOSED, links=(*self.rows[id].ticket.links, link))
        back = Link(kind=LinkKind.ABSORBED, target=id, site=self.site)
        self.update(into, by, links=(*self.rows[into].ticket.links, back))

    def delete(self, id: str) -> None:  # noqa: A002
        """Delete a ticket."""
        del self.rows[id]
        self.log.append((id, self.clock.now()))

    def ticket(self, id: str) -> Ticket:  # noqa: A002
        """Return the truth about a ticket."""
        self.land_late()
        return self.rows[id].ticket

    def keys_posted(self) -> Counter[str]:
        """Return how often each of our markers stands in a comment; more than once is a broken promise."""
        self.land_late()
        return Counter(c.key for c in self.comments if c.key)

    # ---- updates

    def write(self, id: str, seen: str, update: Update) -> str:  # noqa: A002
        """Apply an update of ours if the ticket is still as ``seen``; return the new version.

        Raises:
            Conflict: It changed since.
            Rejected: It is gone or closed for good.
        """
        self.land_late()
        row = self.rows.get(id)
        if row is None:
            raise Rejected(f"{self.site}:{id} does not exist")
        if row.ticket.status is Status.CLOSED:
            raise Rejected(f"{row.ticket.key} is closed", fields=("status",))
        if row.ticket.version != seen:
            raise Conflict(f"{row.ticket.key} changed since it was seen")
        self.apply(id, update)
        return row.ticket.version

    def land_later(self, id: str, seen: str, update: Update) -> None:  # noqa: A002
        """Keep an update that arrives after its sender has given up."""
        self.waiting.append((self.clock.now() + self.lateness, id, seen, update))

    def land_late(self) -> None:
        """Apply what has arrived by now; a stale one dies unseen."""
        due = [entry for entry in self.waiting if entry[0] <= self.clock.now()]
        self.waiting = [entry for entry in self.waiting if entry not in due]
        for _, id_, seen, update in due:
            row = self.rows.get(id_)
            if row is not None and self._takes(row.ticket, seen):
                self.apply(id_, update)

    def _takes(self, ticket: Ticket, seen: str) -> bool:
        return ticket.status is not Status.CLOSED and (ticket.version == seen or not self.compares)

    def guard(self, ticket: Ticket, seen: str) -> Guard:
        """Return what becomes of a copy that arrives from now on."""
        if not self.compares:
            return Guard.NONE
        return Guard.STANDS if ticket.version == seen else Guard.MOVED

    def retract(self, version: str) -> None:
        """Remove a comment of ours for good."""
        self.comments = [posted for posted in self.comments if posted.version != version]

    def apply(self, id: str, update: Update) -> None:  # noqa: A002
        """Apply an update and what rules do in answer to it, as one audit."""
        row = self.rows[id]
        self._set(row, update.by, update.values, reaction=False)
        if update.comment is not None:
            self._post(row, update)
        for rule in self.automations:
            self._set(row, BOT, rule(row.ticket, update), reaction=update.by.role is Role.OURS)
        self._seal(row, update)

    def _set(self, row: Row, by: Actor, values: Mapping[str, Any], *, reaction: bool) -> None:
        changed = {name: value for name, value in values.items() if getattr(row.ticket, name) != value}
        row.events.extend(self._events(row, by, changed, reaction=reaction))
        row.ticket = replace(row.ticket, **changed)

    def _events(self, row: Row, by: Actor, values: Mapping[str, Any], *, reaction: bool) -> Iterator[TicketEvent]:
        number = len(row.events)
        for name, value in values.items():
            for kind, what, before, after in _parts(name, getattr(row.ticket, name), value):
                number += 1
                yield TicketEvent(
                    id=f"e{number}",
                    at=self.clock.now(),
                    kind=kind,
                    actor=by,
                    before=before,
                    after=after,
                    name=what,
                    reaction=reaction,
                )

    def _post(self, row: Row, update: Update) -> None:
        now, body = self.clock.now(), update.comment or ""
        posted = Posted(
            ticket=row.ticket.ref.id,
            at=now,
            by=update.by,
            body=body,
            public=update.public,
            key=update.marker,
            version=str(len(self.log) + 1),
        )
        self.comments.append(posted)
        event = TicketEvent(
            id=f"e{len(row.events) + 1}", at=now, kind=EventKind.COMMENT, actor=update.by, public=update.public
        )
        row.events.append(event)
        row.ticket = replace(row.ticket, activity=_active(row.ticket.activity or Activity(), update, now))

    def _seal(self, row: Row, update: Update) -> None:
        now = self.clock.now()
        self.log.append((row.ticket.ref.id, now))
        version = str(len(self.log))
        row.ticket = replace(row.ticket, version=version, updated_at=now)
        public = update.public if update.comment is not None else None
        mark_ = mark(update.marker, update.also, update.riders, public=public, at=now)
        audit = Audit(version=version, at=now, by=update.by, marker=update.marker, values=update.values, mark=mark_)
        row.audits.append(audit)


def _parts(name: str, before: Any, after: Any) -> Iterator[tuple[EventKind, str, str | None, str | None]]:
    if name == "held_until" and before != after:
        yield EventKind.FACT, HOLD_UNTIL, before and before.isoformat(), after and after.isoformat()
    elif name == "facts":
        for fact in sorted({*before, *after}):
            if before.get(fact) != after.get(fact):
                yield EventKind.FACT, fact, _text(before.get(fact)), _text(after.get(fact))
    elif name in _KINDS:
        yield _KINDS[name], "", _text(before), _text(after)


def _text(value: Any) -> str | None:
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    return None if value is None else str(value)


def _active(before: Activity, update: Update, now: datetime) -> Activity:
    agent = update.by.role in {Role.AGENT, Role.OURS}
    return Activity(
        public_replies=(before.public_replies or 0) + (agent and update.public),
        last_comment_at=now,
        requester_at=now if update.by.role is Role.CUSTOMER else before.requester_at,
        agent_at=now if agent else before.agent_at,
    )


def as_priority(name: str | None) -> Priority | None:
    """Return the priority of a name as changes carry it."""
    return Priority[name] if name else None
