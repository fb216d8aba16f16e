"""Derive events from two observations of a ticket, for helpdesks whose deltas carry states and no history.

What is derived is attributed with care: a value that we wrote last is ours; a change that arrived together with our own
write is a reaction to it; everything else is by somebody unknown until the vendor's history says who.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from connector.domain.change import Field
from connector.domain.events import Actor, EventKind, EventSource, Role, TicketEvent
from connector.domain.site import HOLD_UNTIL
from connector.domain.situation import Applied
from connector.domain.ticket import Activity, Fact, Status, Ticket

_SOMEBODY = Actor("", Role.UNKNOWN)
_OURS = Actor("", Role.OURS)
_AUTOMATION = Actor("", Role.AUTOMATION)
_RISING = ("impact", "urgency")

AT_ONCE = timedelta(seconds=1)
"""A ticket that was changed no later than this after its opening is as it was opened: nobody is that quick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Events read off two observations.

    Attributes:
        ask: The vendor's history should be read: somebody changed a field that we may write, wrote a comment that the
            delta does not show, or more happened than the delta can tell.
    """

    events: tuple[TicketEvent, ...] = ()
    ask: bool = False


def derive(
    previous: Ticket | None,
    current: Ticket,
    *,
    applied: Mapping[Field, Applied] = MappingProxyType({}),
    own_version: str = "",
    unshown: bool = False,
) -> Derived:
    """Return what happened between ``previous`` and ``current`` as far as the two states tell.

    ``unshown``: not all comments were shown with ``current``. Whatever changed, a comment may be what is new.
    On first sight (``previous`` is ``None``) the ticket's creation and its present status are all that is known, and
    that somebody may have acted or commented in between.
    """
    if previous is None:
        return Derived(events=tuple(_first_sight(current, unshown=unshown)), ask=True)
    if previous.status is Status.GONE and current.status is not Status.GONE:
        return Derived(ask=True)  # it was out of our sight: only the history tells what happened meanwhile
    if previous.version == current.version:
        return Derived()
    reaction = bool(own_version) and current.version == own_version
    field_events = tuple(_field_events(previous, current, applied, reaction=reaction))
    comments = () if reaction else tuple(_comments(previous, current, unshown=unshown))
    facts = tuple(_fact_events(previous, current, reaction=reaction))
    asked = (*field_events, *(e for e in facts if e.name == HOLD_UNTIL))
    strangers = any(e.actor is _SOMEBODY and e.kind is not EventKind.STATUS for e in asked)
    return Derived(events=field_events + facts + comments, ask=strangers or bool(comments))


def _first_sight(ticket: Ticket, *, unshown: bool) -> Iterator[TicketEvent]:
    by = Actor(ticket.requester or "", Role.CUSTOMER)
    yield TicketEvent(
        id="created",
        at=ticket.opened_at,
        kind=EventKind.CREATED,
        actor=by,
        before=ticket.updated_at.isoformat(),
        after=Status.NEW,
        source=EventSource.DELTA,
    )
    if ticket.status is not Status.NEW:
        yield _event(ticket, EventKind.STATUS, Status.NEW, ticket.status, _SOMEBODY)
    said_at = ticket.updated_at if unshown else None
    if ticket.activity is not None:
        said_at = ticket.activity.last_comment_at
    if said_at is not None and said_at - ticket.opened_at > AT_ONCE:
        yield _comment(said_at, Role.UNKNOWN, public=False)  # whoever wrote last, a command may stand before it


def _field_events(
    previous: Ticket, current: Ticket, applied: Mapping[Field, Applied], *, reaction: bool
) -> Iterator[TicketEvent]:
    for kind, field, before, after in (
        (EventKind.STATUS, None, previous.status, current.status),
        (EventKind.PRIORITY, Field.PRIORITY, _text(previous.priority), _text(current.priority)),
        (EventKind.GROUP, Field.GROUP, previous.group, current.group),
        (EventKind.ASSIGNEE, Field.ASSIGNEE, previous.assignee, current.assignee),
        (EventKind.LABELS, None, _joined(previous.labels), _joined(current.labels)),
    ):
        if before != after:
            ours = field is not None and field in applied and applied[field].value == after
            answer = reaction or (kind is EventKind.STATUS and _opened_by_us(previous, current, applied))
            actor = _OURS if ours else _AUTOMATION if answer else _SOMEBODY
            yield _event(current, kind, before, after, actor, reaction=answer and not ours)


def _opened_by_us(previous: Ticket, current: Ticket, applied: Mapping[Field, Applied]) -> bool:
    """True for New → Open on the first sight after we assigned the ticket: helpdesks do that by themselves.

    Bulk receipts name no version, and a person may have changed the ticket once more before we see it: the version
    alone does not tell.
    """
    if (previous.status, current.status) != (Status.NEW, Status.OPEN):
        return False
    return any(
        field in applied and not applied[field].baseline and applied[field].at > previous.updated_at
        for field in (Field.GROUP, Field.ASSIGNEE)
    )


def _fact_events(previous: Ticket, current: Ticket, *, reaction: bool) -> Iterator[TicketEvent]:
    facts = [(name, previous.facts.get(name), current.facts.get(name)) for name in _RISING]
    found = [(name, _fact_text(before), _fact_text(after)) for name, before, after in facts]
    for name, before, after in (*found, (HOLD_UNTIL, _moment(previous.held_until), _moment(current.held_until))):
        if before != after:
            actor = _AUTOMATION if reaction else _SOMEBODY
            yield _event(current, EventKind.FACT, before, after, actor, name=name, reaction=reaction)


def _comments(previous: Ticket, current: Ticket, *, unshown: bool) -> Iterator[TicketEvent]:
    if unshown:
        yield _comment(current.updated_at, Role.UNKNOWN, public=False)
    else:
        yield from _comment_events(previous.activity, current.activity, current.updated_at)


def _comment_events(before: Activity | None, after: Activity | None, at: datetime) -> Iterator[TicketEvent]:
    """Yield the comments that counters and stamps imply; who wrote an internal one only the history tells."""
    if before is None or after is None:
        return
    if (after.public_replies or 0) > (before.public_replies or 0):
        yield _comment(after.agent_at or after.last_comment_at or at, Role.AGENT, public=True)
    elif _later(after.last_comment_at, before.last_comment_at):
        by_requester = _later(after.requester_at, before.requester_at)
        role = Role.CUSTOMER if by_requester else Role.UNKNOWN
        yield _comment(after.last_comment_at or at, role, public=by_requester)


def _comment(at: datetime, role: Role, *, public: bool) -> TicketEvent:
    return TicketEvent(
        id=f"delta:comment:{role}:{at:%Y%m%dT%H%M%S}",
        at=at,
        kind=EventKind.COMMENT,
        actor=Actor("", role),
        public=public,
        source=EventSource.DELTA,
    )


def _event(  # noqa: PLR0913 - one argument per part of the event
    ticket: Ticket,
    kind: EventKind,
    before: str | None,
    after: str | None,
    actor: Actor,
    *,
    name: str = "",
    reaction: bool = False,
) -> TicketEvent:
    return TicketEvent(
        id=f"delta:{kind}{':' + name if name else ''}:{ticket.version}",
        at=ticket.updated_at,
        kind=kind,
        actor=actor,
        before=before,
        after=after,
        name=name,
        reaction=reaction,
        source=EventSource.DELTA,
    )


def _later(a: datetime | None, b: datetime | None) -> bool:
    return a is not None and (b is None or a > b)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _joined(labels: frozenset[str]) -> str:
    return " ".join(sorted(labels))


def _fact_text(value: Fact | None) -> str | None:
    return _joined(value) if isinstance(value, frozenset) else _text(value)
