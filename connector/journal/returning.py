"""A ticket that was forgotten and comes back: what was said there outlives what is known of it, as refs of its keys.

A ticket is forgotten when it is erased, when its scope is ignored, and some time after it was closed. It may be shown
again: reopened, or moved back. Its occasions then have the names that they had, and none of them may be taken for new:
it would be wanted and never sent, because its key is known, and all that is to be said with it would wait for good.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from connector.domain.change import Write
from connector.domain.marks import ref_of
from connector.domain.occasion import Outcome, key_of
from connector.domain.site import Effect
from connector.domain.ticket import TicketRef
from connector.journal.documents import settled_document
from connector.journal.statements import IDS, SITE, add_rows, parameter
from connector.journal.tables import mark, op, said
from connector.journal.tables import site as site_table
from connector.ports.intents import OpStatus

REF = "ref:"
"""How the key of an operation begins of which no more than its ref is known."""

_KNOWN = (OpStatus.DONE.value, OpStatus.PARKED.value)
_FINAL = tuple(outcome.value for outcome in Outcome if outcome.is_final)
_SPOKEN = (Effect.NOTES.value, Effect.PUBLIC.value)

_TICKET = parameter("ticket")
_FINGERPRINT = select(site_table.c.fingerprint).where(site_table.c.name == SITE)
_SETTLED = select(said.c.occasion, said.c.audience, said.c.at).where(
    said.c.site == SITE, said.c.ticket == _TICKET, said.c.audience.in_(_SPOKEN), said.c.outcome.in_(_FINAL)
)
_KEYS = select(op.c.ticket, op.c.key, op.c.sent_at).where(
    op.c.site == SITE, op.c.ticket.in_(IDS), op.c.status.in_(_KNOWN)
)


def keep(connection: Connection, ref: TicketRef) -> None:
    """Keep the refs of all that is settled on a ticket which is about to be forgotten, and nothing else of it.

    What was said by itself has its operation; what came along with it, or was passed over, gets a row of its own.
    """
    of_ticket = {SITE.key: ref.site, _TICKET.key: ref.id}
    settled = connection.execute(_SETTLED, of_ticket).all()
    if not settled:
        return
    fingerprint = connection.execute(_FINGERPRINT, of_ticket).scalar_one()
    known = {_ref(row.key) for row in connection.execute(_KEYS, {SITE.key: ref.site, IDS.key: [ref.id]})}
    refs = {ref_of(key_of(row.occasion, fingerprint, ref.id, Effect(row.audience))): row.at for row in settled}
    add_rows(connection, op, [_kept(ref, name, at) for name, at in refs.items() if name not in known])


def remember(connection: Connection, site: str, ids: Sequence[str]) -> None:
    """Give tickets that were just stored for the first time the marks of what was said there before."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(_KEYS, {SITE.key: site, IDS.key: ids}) if ids else ():
        found[row.ticket][_ref(row.key)] = row.sent_at
    rows = (
        {"site": site, "ticket": of, "ref": ref, "at": at} for of, refs in found.items() for ref, at in refs.items()
    )
    add_rows(connection, mark, list(rows))


def _ref(key: str) -> str:
    return key.removeprefix(REF) if key.startswith(REF) else ref_of(key)


def _kept(ref: TicketRef, name: str, at: int) -> dict[str, Any]:
    key = REF + name
    return {
        "site": ref.site,
        "ticket": ref.id,
        "key": key,
        "run": "",
        "status": OpStatus.DONE.value,
        "audience": "",
        "request_digest": "",
        "attempts": 0,
        "sent_at": at,
        "settled_at": at,
        "remote_id": "",
        "job": "",
        "why": "",
        "document": settled_document(Write(ref=ref, key=key, seen="")),
        "body_digest": "",
    }
