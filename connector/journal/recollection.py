"""Learning: what our own marks in tickets' histories tell goes into the rows that the journal would hold by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from connector.domain.change import Write
from connector.domain.marks import Mark, had_effects, level_records, recollect, ref_of
from connector.domain.policy import Policy
from connector.domain.site import Effect
from connector.domain.ticket import TicketRef
from connector.journal import audit
from connector.journal.documents import state_document, state_of, write_document
from connector.journal.moments import maybe_micros, to_micros
from connector.journal.recalls import MARKS_FOUND, OF_SITE
from connector.journal.returning import REF
from connector.journal.statements import IDS, SITE, AnyRow, add_rows, portions, put_row
from connector.journal.tables import budget, escalation, mark, op, recall, ticket
from connector.journal.verdicts import said_row, store_said
from connector.ports import JournalEvent
from connector.ports.helpdesk import TicketHistory
from connector.ports.intents import OpStatus

_OF_MARK = (mark.c.site == ticket.c.site, mark.c.ticket == ticket.c.id)
_BACK = select(ticket.c.id).where(
    ticket.c.site == SITE,
    ticket.c.id.in_(IDS),
    ticket.c.history_until.is_(None),
    select(mark).where(*_OF_MARK).exists(),
)
"""Tickets that have marks before their history is read for the first time: what was said there outlived them."""


def learn(
    connection: Connection, name: str, histories: Sequence[TicketHistory], *, policy: Policy, now: datetime
) -> None:
    """Take in what our marks in some histories tell; marks that the state knows change nothing.

    On a site that has forgotten nothing these are tickets alone that were forgotten one by one, and are back.
    """
    _take_up(connection, name, histories, policy)
    row = connection.execute(OF_SITE, {SITE.key: name}).one_or_none()
    if row is None or (row.done_at is not None and not row.why):
        return
    foreign = False
    for history in histories:
        foreign = _Learning(connection, history, policy).run() or foreign
    _learn_policy(connection, row, histories, policy)
    if foreign and not row.why and row.done_at is None:
        connection.execute(update(recall).where(recall.c.site == name).values(why=MARKS_FOUND))
        data = {"why": MARKS_FOUND}
        audit.append(connection, JournalEvent(at=now, kind="forgotten", site=name, data=data))


def _take_up(connection: Connection, name: str, histories: Sequence[TicketHistory], policy: Policy) -> None:
    """Let tickets that were forgotten and are back go on from where their marks say that they stood."""
    marked = {history.ref.id: history for history in histories if history.marks}
    for portion in portions(list(marked)):
        for of in connection.execute(_BACK, {SITE.key: name, IDS.key: portion}).scalars().all():
            _Learning(connection, marked[of], policy).take_up()


def _learn_policy(connection: Connection, row: AnyRow, histories: Sequence[TicketHistory], policy: Policy) -> None:
    under = [m.at for h in histories for m in h.marks if m.policy and policy.hash.startswith(m.policy)]
    earliest = min(under, default=None)
    if earliest is not None and (row.policy_from is None or to_micros(earliest) < row.policy_from):
        values = {"policy_from": to_micros(earliest)}
        connection.execute(update(recall).where(recall.c.site == row.site).values(values))


@dataclass(slots=True)
class _Learning:
    """One ticket's marks being taken in."""

    connection: Connection
    history: TicketHistory
    policy: Policy

    def run(self) -> bool:
        """Store what is news; return whether anything is that the state must have known."""
        keys = self._known_keys()
        if keys is None or not self.history.marks:
            return False
        refs = {ref_of(key) for key in keys}
        news = [one for one in self.history.marks if not (one.refs <= refs and (not one.key or one.key in keys))]
        self._store_marks(news, refs)
        self._store_ops([one for one in news if one.public is not None])
        self._store_state(news)
        return bool(news)

    def take_up(self) -> None:
        """Store what the marks tell of a ticket whose operations are known by their keys alone."""
        self._store_marks(self.history.marks, set())
        self._store_state(self.history.marks)

    @property
    def _ref(self) -> TicketRef:
        return self.history.ref

    def _known_keys(self) -> frozenset[str] | None:
        """Return the keys of operations on the ticket; ``None`` for a ticket that is not stored."""
        here = (ticket.c.site == self._ref.site, ticket.c.id == self._ref.id)
        if self.connection.execute(select(ticket.c.id).where(*here)).scalar_one_or_none() is None:
            return None
        wanted = select(op.c.key).where(op.c.site == self._ref.site, op.c.ticket == self._ref.id)
        return frozenset(self.connection.execute(wanted).scalars())

    def _store_marks(self, news: Iterable[Mark], refs: set[str]) -> None:
        place = {"site": self._ref.site, "ticket": self._ref.id}
        stored = select(mark.c.ref).where(mark.c.site == self._ref.site, mark.c.ticket == self._ref.id)
        known = refs | set(self.connection.execute(stored).scalars())
        rows = {ref: place | {"ref": ref, "at": to_micros(one.at)} for one in news for ref in one.refs - known}
        add_rows(self.connection, mark, list(rows.values()))

    def _store_ops(self, news: Iterable[Mark]) -> None:
        """Store what was said as operations that are done: budgets and cadence count them."""
        stored = set(self._known_keys() or ())
        for one in news:
            key = one.key or REF + min(one.refs, default="")
            if key in stored:
                continue
            stored.add(key)
            effect = Effect.PUBLIC if one.public else Effect.NOTES
            number = self.connection.execute(
                insert(op).values(_op_row(self._ref, key, effect, one))
            ).inserted_primary_key
            spent = {"op": number[0] if number else 0, "effect": effect.value, "at": to_micros(one.at)}
            self.connection.execute(insert(budget).values(spent | {"site": self._ref.site, "ticket": self._ref.id}))

    def _store_state(self, news: Iterable[Mark]) -> None:
        """Take up where the latest mark says that the ticket stood, unless the state knows something later."""
        for one in sorted((m for m in news if m.memory), key=lambda m: m.at, reverse=True):
            found = recollect(one.memory, self.policy, at=one.at)
            if found is None:
                continue
            if self._is_later(one.at):
                document, digest = state_document(found)
                self._put_state(found.path.name if found.path else "", found, document, digest)
                records = level_records(found, had_effects(one.memory), at=one.at)
                place = self._ref.site, self._ref.id
                rows = [said_row(*place, str(r.occasion), r.audience.value, r.outcome, r.at) for r in records]
                store_said(self.connection, self._ref.site, rows, proven=True)
            return

    def _is_later(self, at: datetime) -> bool:
        here = (escalation.c.site == self._ref.site, escalation.c.ticket == self._ref.id)
        stored = self.connection.execute(select(escalation.c.document).where(*here)).scalar_one_or_none()
        decided_at = state_of(stored).decided_at if stored else None
        return decided_at is None or at > decided_at

    def _put_state(self, path: str, found: Any, document: str, digest: str) -> None:
        values = {
            "path": path,
            "level": found.level,
            "entered_at": maybe_micros(found.entered_at),
            "acknowledged_at": None,
            "run": "recall",
            "digest": digest,
            "document": document,
        }
        put_row(self.connection, escalation, {"site": self._ref.site, "ticket": self._ref.id}, values)


def _op_row(ref: TicketRef, key: str, effect: Effect, one: Mark) -> dict[str, Any]:
    at = to_micros(one.at)
    return {
        "site": ref.site,
        "ticket": ref.id,
        "key": key,
        "run": "recall",
        "status": OpStatus.DONE.value,
        "audience": effect.value,
        "request_digest": "",
        "attempts": 1,
        "sent_at": at,
        "settled_at": at,
        "remote_id": "",
        "job": "",
        "why": "read back from the helpdesk",
        "document": write_document(Write(ref=ref, key=key, seen="")),
        "body_digest": "",
    }
