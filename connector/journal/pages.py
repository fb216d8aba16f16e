"""What a page of tickets changes: only what differs is written, and the cursor moves with the rows that it covers.

A ticket that changed falls due at once: if the process ends before the new facts are decided upon, the next one finds
the ticket among those that are due, so nothing hangs on a pass being completed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connector.domain.events import EventSource, Role, TicketEvent
from connector.domain.ticket import Status, Ticket
from connector.journal import audit, endings, links, returning, setaside, unreadable
from connector.journal.documents import (
    event_document,
    hits_of,
    mapping_document,
    ticket_document,
    ticket_of,
)
from connector.journal.erasure import forget_tickets
from connector.journal.histories import want_histories
from connector.journal.moments import to_micros
from connector.journal.sites import move_cursor
from connector.journal.statements import IDS, SITE, AnyRow, add_rows, change_rows, parameter, portions
from connector.journal.tables import NO_PRIORITY, ticket, ticket_event
from connector.ports import Candidate
from connector.ports.helpdesk import Page

_KEY = ("site", "id")
_GRAIN = 1_000_000  # microseconds
_NEW = {"own_version": "", "policy_hash": "", "history_complete": False, "history_until": None}


_KNOWN = select(
    ticket.c.id,
    ticket.c.digest,
    ticket.c.status,
    ticket.c.updated_at,
    ticket.c.is_open,
    ticket.c.next_due_at,
    ticket.c.history_until,
    ticket.c.text_version,
    ticket.c.text_hits,
).where(ticket.c.site == SITE, ticket.c.id.in_(IDS))
_EVENTS = parameter("events", many=True)
_STORED_EVENTS = select(ticket_event.c.ticket, ticket_event.c.id).where(
    ticket_event.c.site == SITE, ticket_event.c.ticket.in_(IDS), ticket_event.c.id.in_(_EVENTS)
)


def store_page(connection: Connection, site: str, candidates: Sequence[Candidate], *, page: Page, now: datetime) -> int:
    """Store a page in one go; return the rows of tickets, events and unreadable payloads that changed.

    A page without a cursor (a single read, a sweep) leaves the site's cursor where it is.
    """
    latest = _latest(candidates)
    known = _known(connection, site, list(latest))
    events = _new_events(connection, site, latest, known)
    asked = [of for of, candidate in latest.items() if candidate.ask_history]
    want_histories(connection, site, sorted({*asked, *_doubtful(events, known)}))
    due = to_micros(now)
    changed = _store_tickets(connection, site, latest, known, touched={of for of, _ in events}, due=due)
    changed += add_rows(connection, ticket_event, [_event_row(site, of, found) for (of, _), found in events.items()])
    audit.append(connection, *(endings.back(site, of, now=now) for of, r in known.items() if _is_back(latest[of], r)))
    ended = _mark_gone(connection, site, (*page.gone, *page.unwanted), due=due)
    told = [of for of in ended if of not in page.unwanted]
    audit.append(connection, *(endings.end(site, of, page, now=now) for of in told))
    setaside.end_tickets(connection, site, told + [of for of, c in latest.items() if not c.ticket.is_open], now=now)
    changed += len(ended)
    forget_tickets(connection, site, page.unwanted)
    changed += unreadable.store(connection, site, page.malformed, now=now)
    read = {*latest, *(seen.ticket.ref.id for seen in page.observations)}.difference(bad.id for bad in page.malformed)
    changed += unreadable.clear(connection, site, readable=read, gone=page.gone)
    if page.cursor:
        move_cursor(connection, site, page.cursor)
    return changed


def _latest(candidates: Sequence[Candidate]) -> dict[str, Candidate]:
    """Return one candidate per ticket: the newest facts, with the events of all."""
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        earlier = found.get(candidate.ticket.ref.id)
        found[candidate.ticket.ref.id] = candidate if earlier is None else _merged(earlier, candidate)
    return found


def _merged(earlier: Candidate, later: Candidate) -> Candidate:
    newest = later if later.ticket.updated_at >= earlier.ticket.updated_at else earlier
    asked = earlier.ask_history or later.ask_history
    return replace(newest, events=earlier.events + later.events, ask_history=asked)


def _known(connection: Connection, site: str, ids: Sequence[str]) -> dict[str, AnyRow]:
    found: dict[str, AnyRow] = {}
    for portion in portions(ids):
        rows = connection.execute(_KNOWN, {SITE.key: site, IDS.key: portion})
        found.update((row.id, row) for row in rows)
    return found


def _new_events(
    connection: Connection, site: str, latest: Mapping[str, Candidate], known: Mapping[str, AnyRow]
) -> dict[tuple[str, str], TicketEvent]:
    """Return events that are not stored, without those that a delta implies and the vendor's history has told."""
    offered = {
        (of, event.id): event
        for of, candidate in latest.items()
        for event in candidate.events
        if not _is_told(event, known.get(of))
    }
    stored = _stored_events(connection, site, [key for key in offered if key[0] in known])
    return {key: event for key, event in offered.items() if key not in stored}


def _is_told(event: TicketEvent, row: AnyRow | None) -> bool:
    """Whether the history has told it. Of its last second nobody knows: helpdesks' stamps have no finer grain."""
    told_until = row.history_until if row else None
    return told_until is not None and event.source is EventSource.DELTA and to_micros(event.at) <= told_until - _GRAIN


def _doubtful(events: Mapping[tuple[str, str], TicketEvent], known: Mapping[str, AnyRow]) -> list[str]:
    """Return ids of tickets where somebody did something in the last second of their history: it is read once more."""
    return sorted(
        {
            of
            for (of, _), event in events.items()
            if of in known
            and event.source is EventSource.DELTA
            and event.actor.role is Role.UNKNOWN
            and (until := known[of].history_until) is not None
            and to_micros(event.at) <= until
        }
    )


def _stored_events(connection: Connection, site: str, keys: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for portion in portions(sorted({of for of, _ in keys})):
        wanted = set(portion)
        for ids in portions(sorted({id_ for of, id_ in keys if of in wanted})):
            rows = connection.execute(_STORED_EVENTS, {SITE.key: site, IDS.key: portion, _EVENTS.key: ids})
            found.update((row.ticket, row.id) for row in rows)
    return found


def _event_row(site: str, of: str, event: TicketEvent) -> dict[str, Any]:
    return {
        "site": site,
        "ticket": of,
        "id": event.id,
        "at": to_micros(event.at),
        "source": event.source.value,
        "document": event_document(event),
    }


def _store_tickets(
    connection: Connection,
    site: str,
    latest: Mapping[str, Candidate],
    known: Mapping[str, AnyRow],
    *,
    touched: set[str],
    due: int,
) -> int:
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    looked_at: list[dict[str, Any]] = []
    for of, candidate in latest.items():
        row = known.get(of)
        if row is None:
            new.append(_new_row(site, candidate, due))
        elif _is_older(candidate, row):
            looked_at.extend([_looked_at(site, row, _stored_hits(row), due)] if of in touched else ())
        elif (documented := ticket_document(candidate.ticket))[1] != row.digest:
            changed.append(_changed_row(site, candidate, documented, row, due))
        elif (hits := _hits(candidate, row)) != _stored_hits(row) or of in touched:
            looked_at.append(_looked_at(site, row, hits, due))
    rows = (
        add_rows(connection, ticket, new)
        + change_rows(connection, ticket, changed, key=_KEY)
        + change_rows(connection, ticket, looked_at, key=_KEY)
    )
    returning.remember(connection, site, [row["id"] for row in new])
    news = {row["id"] for row in (*new, *changed)}
    links.store(connection, site, [c.ticket for of, c in latest.items() if of in news], due=due)
    return rows


def _is_older(candidate: Candidate, row: AnyRow) -> bool:
    """True for an observation from an index that lags behind what we have seen."""
    return bool(to_micros(candidate.ticket.updated_at) < row.updated_at)


def _is_back(candidate: Candidate, row: AnyRow) -> bool:
    """True for a ticket that had ended and is shown again."""
    had_ended = row.status == Status.GONE.value and candidate.ticket.status is not Status.GONE
    return had_ended and not _is_older(candidate, row)


def _new_row(site: str, candidate: Candidate, due: int) -> dict[str, Any]:
    facts = facts_of(candidate.ticket, ticket_document(candidate.ticket))
    first = {"site": site, "id": candidate.ticket.ref.id, "next_due_at": due if facts["is_open"] else None}
    return first | facts | _hits(candidate, None) | _NEW


def _changed_row(site: str, candidate: Candidate, documented: tuple[str, str], row: AnyRow, due: int) -> dict[str, Any]:
    facts = facts_of(candidate.ticket, documented)
    moment = {"next_due_at": _due(row, due, is_open=facts["is_open"])}
    return {"site": site, "id": row.id} | facts | _hits(candidate, row) | moment


def _looked_at(site: str, row: AnyRow, hits: Mapping[str, str], due: int) -> dict[str, Any]:
    return {"site": site, "id": row.id, "next_due_at": _due(row, due, is_open=row.is_open), **hits}


def _due(row: AnyRow, due: int, *, is_open: bool) -> int | None:
    if not is_open:
        return None
    return due if row.next_due_at is None else min(row.next_due_at, due)


def facts_of(found: Ticket, documented: tuple[str, str]) -> dict[str, Any]:
    """Return the columns that follow from a ticket's facts; ``documented`` is its document and digest."""
    return {
        "key": found.key,
        "scope": found.scope,
        "status": found.status.value,
        "is_open": found.is_open,
        "priority_rank": int(found.priority or NO_PRIORITY),
        "version": found.version,
        "updated_at": to_micros(found.updated_at),
        "digest": documented[1],
        "document": documented[0],
    }


def _hits(candidate: Candidate, row: AnyRow | None) -> dict[str, str]:
    """Return the results of word lists: new ones join those of the same version and replace those of an older one."""
    version = candidate.ticket.version
    if candidate.text_hits is None:
        return _stored_hits(row)
    earlier = hits_of(row.text_hits) if row and row.text_version == version else {}
    return {"text_version": version, "text_hits": mapping_document({**earlier, **candidate.text_hits})}


def _stored_hits(row: AnyRow | None) -> dict[str, str]:
    if row is None:
        return {"text_version": "", "text_hits": ""}
    return {"text_version": row.text_version, "text_hits": row.text_hits}


def _mark_gone(connection: Connection, site: str, ids: Sequence[str], *, due: int) -> list[str]:
    """Store that tickets are gone; return the ids of those that were not before."""
    changed, left = [], []
    for portion in portions(ids):
        wanted = select(ticket.c.document).where(
            ticket.c.site == site, ticket.c.id.in_(portion), ticket.c.status != Status.GONE.value
        )
        for document in connection.execute(wanted).scalars():
            gone = replace(ticket_of(document), status=Status.GONE)
            left.append(gone)
            facts = facts_of(gone, ticket_document(gone))
            changed.append({"site": site, "id": gone.ref.id, "next_due_at": None} | facts)
    links.store(connection, site, left, due=due)
    change_rows(connection, ticket, changed, key=_KEY)
    return [found.ref.id for found in left]
