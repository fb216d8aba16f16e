"""What is known about tickets, read by the portion: a fixed number of queries for a page, never one per ticket."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeAlias

from sqlalchemy import Connection, and_, case, func, select

from connector.domain.change import Field
from connector.domain.events import History, TicketEvent
from connector.domain.occasion import Outcome, Said, SaidRows
from connector.domain.site import Effect
from connector.domain.situation import Applied, EscalationState
from connector.domain.ticket import Ticket, TicketRef
from connector.journal.documents import event_of, hits_of, state_of, ticket_digest, ticket_of
from connector.journal.histories import given_up
from connector.journal.moments import from_micros, maybe_moment, to_micros
from connector.journal.recalls import marks_of, waiting
from connector.journal.statements import IDS, MOST, SITE, AnyRow, parameter, portions
from connector.journal.tables import applied, escalation, op, said, ticket, ticket_event
from connector.journal.tables import site as site_table
from connector.ports import Previous, Stored
from connector.ports.intents import OpStatus

DAY = timedelta(hours=24)
_POSTED = (OpStatus.DONE.value, OpStatus.PARKED.value)
"""What is still looked for counts as wanted, not as said: it is planned until it is settled, and sent once."""
_SPOKEN = (Effect.NOTES.value, Effect.PUBLIC.value)


_BEGINNING = -(1 << 62)
"""Microseconds before every moment there is."""

Given: TypeAlias = Mapping[str, Any]
"""The parameters of a statement about some tickets of a site."""

_AT, _HASH = parameter("at"), parameter("hash")
_OPEN = select(ticket.c.id).where(ticket.c.site == SITE, ticket.c.is_open)
_OPEN_VERSIONS = select(ticket.c.id, ticket.c.version).where(ticket.c.site == SITE, ticket.c.is_open)
_OPEN_SCOPES = select(ticket.c.id, ticket.c.scope).where(ticket.c.site == SITE, ticket.c.is_open)
_THESE = (ticket.c.site == SITE, ticket.c.id.in_(IDS))
_TICKETS = select(ticket, given_up(SITE).label("given_up")).where(*_THESE)
_DIGESTS = select(ticket.c.id, ticket.c.version, ticket.c.digest).where(*_THESE)
_PREVIOUS = select(ticket.c.id, ticket.c.document, ticket.c.own_version).where(*_THESE)
_EVENTS = select(ticket_event.c.ticket, ticket_event.c.document).where(
    ticket_event.c.site == SITE, ticket_event.c.ticket.in_(IDS)
)
_STATES = select(escalation.c.ticket, escalation.c.document).where(
    escalation.c.site == SITE, escalation.c.ticket.in_(IDS)
)
_SAID = select(said).where(said.c.site == SITE, said.c.ticket.in_(IDS))
_APPLIED = select(applied).where(applied.c.site == SITE, applied.c.ticket.in_(IDS))
_NOTES = (
    select(
        op.c.ticket,
        func.sum(case((op.c.sent_at > _AT, 1), else_=0)).label("recent"),
        func.max(op.c.sent_at).label("latest"),
    )
    .where(op.c.site == SITE, op.c.ticket.in_(IDS), op.c.audience.in_(_SPOKEN), op.c.status.in_(_POSTED))
    .group_by(op.c.ticket)
)
_DUE = (
    select(ticket.c.id)
    .where(ticket.c.site == SITE, ticket.c.next_due_at <= _AT)
    .order_by(ticket.c.next_due_at)
    .limit(MOST)
)
_DUE_AND_READ = _DUE.where(~waiting())
_NEXT_DUE = select(func.min(ticket.c.next_due_at)).where(ticket.c.site == SITE, ticket.c.next_due_at > _AT)
_BY_HASH = (ticket.c.policy_hash, ticket.c.id)
_OTHERS = (ticket.c.policy_hash < _HASH, ticket.c.policy_hash > _HASH)
_UNDECIDED = tuple(_OPEN.where(other).order_by(*_BY_HASH).limit(MOST) for other in _OTHERS)
_UNDECIDED_AND_READ = tuple(wanted.where(~waiting()) for wanted in _UNDECIDED)
_WITHOUT_HISTORY = (
    _OPEN.where(~ticket.c.history_complete, ~given_up(SITE))
    .order_by(ticket.c.priority_rank, ticket.c.updated_at)
    .limit(MOST)
)
_READ_LAST = _OPEN.where(ticket.c.history_complete).order_by(ticket.c.history_until.desc(), ticket.c.id).limit(MOST)

_LEFT = select(ticket.c.id).where(*_THESE, ~ticket.c.history_complete, ~given_up(SITE))


def load(connection: Connection, site: str, ids: Sequence[str], *, now: datetime) -> tuple[Stored, ...]:
    """Return all that is known about tickets, in the order asked; unknown ids are absent."""
    found: dict[str, Stored] = {}
    for portion in portions(list(dict.fromkeys(ids))):
        found.update(_load(connection, site, portion, now))
    return tuple(found[id_] for id_ in ids if id_ in found)


def _load(connection: Connection, site: str, ids: Sequence[str], now: datetime) -> dict[str, Stored]:
    given = {SITE.key: site, IDS.key: ids}
    events = _events(connection, given)
    states = _states(connection, given)
    said_rows = _said(connection, given)
    values = _applied(connection, given)
    notes = _notes(connection, given, since=now - DAY)
    marks: dict[str, set[str]] = defaultdict(set)
    for of, ref in marks_of(connection, site, ids):
        marks[of].add(ref)
    return {
        row.id: Stored(
            ticket=ticket_of(row.document),
            history=_history(row, events.get(row.id, ())),
            state=states.get(row.id, _NO_STATE),
            said=said_rows.get(row.id, _NOTHING_SAID),
            applied=values.get(row.id, _NOTHING_APPLIED),
            text_hits=_hits(row),
            text_version=row.text_version,
            notes_today=notes.get(row.id, (0, None))[0],
            last_note_at=notes.get(row.id, (0, None))[1],
            next_due_at=maybe_moment(row.next_due_at),
            own_version=row.own_version,
            marks=frozenset(marks.get(row.id, ())),
        )
        for row in connection.execute(_TICKETS, given)
    }


_NO_STATE = EscalationState()
_NOTHING_SAID: SaidRows = MappingProxyType({})
_NOTHING_APPLIED: Mapping[Field, Applied] = MappingProxyType({})
_NO_HITS: Mapping[str, bool] = MappingProxyType({})


def _history(row: AnyRow, events: Iterable[TicketEvent]) -> History:
    ordered = tuple(sorted(events, key=lambda event: (event.at, event.id)))
    return History(
        events=ordered,
        complete=row.history_complete,
        read_until=maybe_moment(row.history_until),
        unreadable=bool(row.given_up),
    )


def _hits(row: AnyRow) -> Mapping[str, bool]:
    """Return results of word lists, which hold for the version that was read and no other."""
    if not row.text_hits or row.text_version != row.version:
        return _NO_HITS
    return MappingProxyType(hits_of(row.text_hits))


def _events(connection: Connection, given: Given) -> dict[str, list[TicketEvent]]:
    found: dict[str, list[TicketEvent]] = defaultdict(list)
    for of, document in connection.execute(_EVENTS, given):
        found[of].append(event_of(document))
    return found


def _states(connection: Connection, given: Given) -> dict[str, EscalationState]:
    return {of: state_of(document) for of, document in connection.execute(_STATES, given)}


def _said(connection: Connection, given: Given) -> dict[str, SaidRows]:
    found: dict[str, dict[tuple[str, Effect], Said]] = defaultdict(dict)
    for row in connection.execute(_SAID, given):
        outcome = Said(outcome=Outcome(row.outcome), at=from_micros(row.at))
        found[row.ticket][row.occasion, Effect(row.audience)] = outcome
    return {of: MappingProxyType(rows) for of, rows in found.items()}


def _applied(connection: Connection, given: Given) -> dict[str, Mapping[Field, Applied]]:
    found: dict[str, dict[Field, Applied]] = defaultdict(dict)
    for row in connection.execute(_APPLIED, given):
        value = Applied(value=row.value, at=from_micros(row.at), baseline=row.baseline)
        found[row.ticket][Field(row.field)] = value
    return {of: MappingProxyType(values) for of, values in found.items()}


def _notes(connection: Connection, given: Given, *, since: datetime) -> dict[str, tuple[int, datetime | None]]:
    """Return per ticket how many comments of ours it got since ``since``, and when the latest was sent."""
    rows = connection.execute(_NOTES, {**given, _AT.key: to_micros(since)})
    return {row.ticket: (int(row.recent), from_micros(row.latest)) for row in rows}


def unchanged(connection: Connection, site: str, seen: Sequence[Ticket]) -> frozenset[str]:
    """Return ids of those tickets whose facts are stored just so: one query, and no stored document is read."""
    stored: dict[str, tuple[str, str]] = {}
    for portion in portions([each.ref.id for each in seen]):
        rows = connection.execute(_DIGESTS, {SITE.key: site, IDS.key: portion}).all()  # at once: it is a page's worth
        stored |= {id_: (version, digest) for id_, version, digest in rows}
    return frozenset(each.ref.id for each in seen if _is_stored(each, stored.get(each.ref.id)))


def _is_stored(found: Ticket, stored: tuple[str, str] | None) -> bool:
    return stored is not None and stored[0] == found.version and ticket_digest(found) == stored[1]


def previous(connection: Connection, site: str, ids: Sequence[str]) -> Mapping[str, Previous]:
    """Return, per known id, what deriving events from two observations needs of the earlier one."""
    found: dict[str, Previous] = {}
    for portion in portions(list(dict.fromkeys(ids))):
        given = {SITE.key: site, IDS.key: portion}
        rows = connection.execute(_PREVIOUS, given).all()
        values = _applied(connection, given) if rows else {}
        for id_, document, own_version in rows:
            ours = values.get(id_, _NOTHING_APPLIED)
            found[id_] = Previous(ticket=ticket_of(document), applied=ours, own_version=own_version)
    return found


def due(connection: Connection, site: str, *, now: datetime, limit: int, unread: bool) -> tuple[str, ...]:
    """Return ids of open tickets whose due moment has come, earliest first."""
    given = {SITE.key: site, _AT.key: to_micros(now), MOST.key: limit}
    return tuple(connection.execute(_DUE if unread else _DUE_AND_READ, given).scalars())


def next_due(connection: Connection, site: str, *, after: datetime | None = None) -> datetime | None:
    """Return the earliest due moment of a site, or the earliest later than ``after``."""
    given = {SITE.key: site, _AT.key: _BEGINNING if after is None else to_micros(after)}
    return maybe_moment(connection.execute(_NEXT_DUE, given).scalar_one())


def undecided(connection: Connection, site: str, *, policy_hash: str, limit: int, unread: bool) -> tuple[str, ...]:
    """Return ids of open tickets whose last decision was made under another policy, or never."""
    found: list[str] = []
    for wanted in _UNDECIDED if unread else _UNDECIDED_AND_READ:
        given = {SITE.key: site, _HASH.key: policy_hash, MOST.key: limit - len(found)}
        found.extend(connection.execute(wanted, given).scalars())
    return tuple(found)


def decided_before(connection: Connection, site: str, *, policy_hash: str) -> tuple[str, ...]:
    """Return ids of open tickets whose last decision was made under another policy than this one."""
    found: list[str] = []
    earlier = and_(ticket.c.policy_hash > "", ticket.c.policy_hash < policy_hash)
    for other in (earlier, ticket.c.policy_hash > policy_hash):
        wanted = _OPEN.where(other).order_by(ticket.c.policy_hash, ticket.c.id)
        found.extend(connection.execute(wanted, {SITE.key: site}).scalars())
    return tuple(found)


def policies_of(connection: Connection, site: str, ids: Sequence[str]) -> Mapping[str, str]:
    """Return the hash of the policy that each known ticket was last decided under."""
    found: dict[str, str] = {}
    for portion in portions(ids):
        wanted = select(ticket.c.id, ticket.c.policy_hash).where(ticket.c.site == site, ticket.c.id.in_(portion))
        found |= {id_: digest for id_, digest in connection.execute(wanted)}  # noqa: C416 - rows are no pairs to mypy
    return found


def without_history(connection: Connection, site: str, *, limit: int) -> tuple[str, ...]:
    """Return ids of open tickets whose history is not in and may be read: highest priority first, then oldest."""
    return tuple(connection.execute(_WITHOUT_HISTORY, {SITE.key: site, MOST.key: limit}).scalars())


def read_last(connection: Connection, site: str, *, limit: int) -> tuple[str, ...]:
    """Return ids of open tickets whose history is in, the one read last first."""
    return tuple(connection.execute(_READ_LAST, {SITE.key: site, MOST.key: limit}).scalars())


def histories_left(connection: Connection, site: str, ids: Sequence[str]) -> tuple[str, ...]:
    """Return those of these tickets, open or not, whose history is not in and may be read, in the order asked."""
    found: set[str] = set()
    for portion in portions(list(dict.fromkeys(ids))):
        found.update(connection.execute(_LEFT, {SITE.key: site, IDS.key: portion}).scalars())
    return tuple(id_ for id_ in dict.fromkeys(ids) if id_ in found)


def known_open(connection: Connection, site: str) -> frozenset[str]:
    """Return ids of all tickets that we believe open."""
    return frozenset(connection.execute(_OPEN, {SITE.key: site}).scalars())


def open_versions(connection: Connection, site: str) -> Mapping[str, str]:
    """Return ids of all tickets that we believe open with the versions that are stored."""
    return dict(connection.execute(_OPEN_VERSIONS, {SITE.key: site}).all())


def open_by_scope(connection: Connection, site: str) -> Mapping[str, frozenset[str]]:
    """Return ids of all tickets that we believe open, by their scope."""
    found: dict[str, set[str]] = {}
    for id_, scope in connection.execute(_OPEN_SCOPES, {SITE.key: site}):
        found.setdefault(scope, set()).add(id_)
    return {scope: frozenset(ids) for scope, ids in found.items()}


def find(connection: Connection, text: str) -> tuple[TicketRef, ...]:
    """Return tickets that people may mean by ``text``: a key, an id, or either after ``site:``."""
    sites = list(connection.execute(select(site_table.c.name)).scalars())
    named, _, rest = text.partition(":")
    found = _spelled(connection, sites, text)
    if rest and named in sites:
        found |= {(site, id_) for site, id_ in _spelled(connection, [named], rest) if site == named}
    return tuple(TicketRef(site, id_) for site, id_ in sorted(found))


def _spelled(connection: Connection, sites: Sequence[str], text: str) -> set[tuple[str, str]]:
    """Return tickets by id in ``sites`` and by key in any; each way has its index."""
    by_id = select(ticket.c.site, ticket.c.id).where(ticket.c.site.in_(sites), ticket.c.id == text)
    by_key = select(ticket.c.site, ticket.c.id).where(ticket.c.key.in_(sorted({text, text.upper(), f"#{text}"})))
    return {(row.site, row.id) for wanted in (by_id, by_key) for row in connection.execute(wanted)}
