"""The account's state: tickets, the order of the export, the lagging search index, and what happened to whom."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from connector.sandbox.core.ledger import Act, Via
from connector.sandbox.core.roster import Roster
from connector.sandbox.core.world import World
from connector.sandbox.zendesk.accounts import Directory, User
from connector.sandbox.zendesk.errors import not_found
from connector.sandbox.zendesk.fields import Fields
from connector.sandbox.zendesk.metric_events import MetricEvents
from connector.sandbox.zendesk.options import Options
from connector.sandbox.zendesk.sla import Slas
from connector.sandbox.zendesk.ticket import Ticket

NEUTRAL_STATUS = {"pending": "waiting_customer", "hold": "on_hold"}
NEUTRAL_PRIORITY = {"urgent": "P1", "high": "P2", "normal": "P3", "low": "P4"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who changes something, and by which road.

    Attributes:
        user: ``None`` is the system itself.
        channel: ``api`` for requests, ``web`` for people at their screens.
        merging: Tickets that are being closed into the one that is changed.
    """

    user: User | None
    via: Via
    channel: str = "web"
    merging: tuple[int, ...] = ()

    @property
    def user_id(self) -> int:
        """The author of the audit; -1 is the system."""
        return self.user.id if self.user else -1

    def act(self, ticket_id: int) -> Act:
        """The ledger's view of this hand on a ticket."""
        return Act(ticket=str(ticket_id), actor=self.user.key if self.user else "zendesk", via=self.via)


class Desk:
    """Everything that the account knows; the parts that act on it are elsewhere."""

    def __init__(self, world: World, roster: Roster) -> None:
        self.world = world
        self.options = Options.read(world.options)
        self.directory = Directory(roster, created_at=self.now() - 365 * 86400)
        self.fields = Fields(roster, self.options, created_at=self.now() - 365 * 86400)
        self.slas = Slas(self.options.sla_policies)
        self.metric_events = MetricEvents(self.slas)
        self.tickets: dict[int, Ticket] = {}
        self.names: dict[str, int] = {}
        self.records: dict[str, dict[tuple[str, int], bytes]] = {}
        self._order: list[tuple[int, int]] = []
        self._late: dict[int, deque[tuple[int, Ticket]]] = {}
        self._next_ticket = 1
        self._next_id = 7_000_000_001

    def now(self) -> int:
        """The moment in whole epoch seconds."""
        return int(self.world.now().timestamp())

    def fresh_id(self) -> int:
        """An id for a comment, audit or event."""
        self._next_id += 1
        return self._next_id

    def fresh_ticket_id(self) -> int:
        """The next ticket's number."""
        self._next_ticket += 1
        return self._next_ticket - 1

    def find(self, ticket_id: int) -> Ticket:
        """A ticket that exists and was not deleted, or 404."""
        ticket = self.tickets.get(ticket_id)
        if ticket is None or ticket.deleted:
            raise not_found()
        return ticket

    def add(self, ticket: Ticket, *, indexed: bool = False) -> None:
        """Take in a new ticket; the search index learns of it late unless ``indexed``."""
        self.tickets[ticket.id] = ticket
        self._next_ticket = max(self._next_ticket, ticket.id + 1)
        insort(self._order, (ticket.generated_at, ticket.id))
        if not indexed:
            self._late[ticket.id] = deque([(self._indexed_at(), ticket)])

    def before_change(self, ticket: Ticket) -> Ticket:
        """Call before changing a ticket; returns its snapshot. ``after_change`` must follow."""
        snapshot = ticket.snapshot()
        late = self._shown_and_coming(ticket.id, self.now())
        if late is None:
            self._late[ticket.id] = deque([(0, snapshot), (self._indexed_at(), ticket)])
        else:
            shown_at, _ = late[-1]
            late[-1] = (shown_at, snapshot)
            late.append((max(shown_at, self._indexed_at()), ticket))
        return snapshot

    def after_change(self, ticket: Ticket, *, visible: bool = True) -> None:
        """Call after changing a ticket; a system update is not ``visible`` in ``updated_at``."""
        ticket.touched()
        place = bisect_left(self._order, (ticket.generated_at, ticket.id))
        del self._order[place]
        ticket.generated_at = self.now()
        if visible:
            ticket.updated_at = ticket.generated_at
        insort(self._order, (ticket.generated_at, ticket.id))

    def touch_later(self, ticket: Ticket) -> None:
        """Perhaps let the system write to the ticket after a while, as it does for its own sums."""
        options, rng = self.options, self.world.rng
        if rng.random() < options.system_touch_chance:
            delay = timedelta(seconds=rng.randint(*options.system_touch_delay))
            self.world.after(delay, f"system update of {ticket.id}", lambda: self.system_touch(ticket))

    def system_touch(self, ticket: Ticket) -> None:
        """A system update: the export shows the ticket again, ``updated_at`` stays."""
        self.before_change(ticket)
        self.after_change(ticket, visible=False)

    # -- how others see the tickets ------------------------------------------------------------

    def exported(self, after: tuple[int, int], until: int, limit: int) -> list[Ticket]:
        """Tickets generated after a place in the export and not later than ``until``, in its order."""
        start = bisect_left(self._order, (after[0], after[1] + 1))
        rows = self._order[start : start + limit]
        return [self.tickets[ticket_id] for generated_at, ticket_id in rows if generated_at <= until]

    def is_last(self, place: tuple[int, int], until: int) -> bool:
        """Whether the export shows nothing after this place."""
        return not self.exported(place, until, 1)

    def indexed(self) -> Iterator[Ticket]:
        """Tickets as the search index knows them, in the order of their ids."""
        now = self.now()
        for ticket_id in sorted(self.tickets):
            shown = self._shown(ticket_id, now)
            if shown is not None and not shown.deleted:
                yield shown

    def _shown(self, ticket_id: int, now: int) -> Ticket | None:
        late = self._shown_and_coming(ticket_id, now)
        if late is None:
            return self.tickets[ticket_id]
        return late[0][1] if late[0][0] <= now else None

    def _shown_and_coming(self, ticket_id: int, now: int) -> deque[tuple[int, Ticket]] | None:
        """What the index shows of a ticket and will show, or ``None`` where it is up to date."""
        late = self._late.get(ticket_id)
        if late is None:
            return None
        while len(late) > 1 and late[1][0] <= now:
            late.popleft()
        if len(late) == 1 and late[0][0] <= now:
            del self._late[ticket_id]
            return None
        return late

    def _indexed_at(self) -> int:
        return self.now() + self.world.rng.randint(*self.options.search_lag)

    # -- neutral words for the ground truth ----------------------------------------------------

    def neutral(self, name: str, value: object) -> object:
        """A vendor value in the words that scripts use."""
        if name == "status":
            return NEUTRAL_STATUS.get(str(value), value)
        if name == "priority":
            return NEUTRAL_PRIORITY.get(str(value), value)
        if name == "group_id":
            return self.directory.group_key(value if isinstance(value, int) else None)
        if name in ("assignee_id", "requester_id"):
            return self.directory.user_key(value if isinstance(value, int) else None)
        return value
