"""``release``: let a ticket go on that is held, or on which the connector stopped by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.bootstrap.explaining import one_ticket
from connector.bootstrap.reports import TicketNames
from connector.domain.ticket import TicketRef
from connector.engine.control import call
from connector.ports import Journal

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector


def release(program: Connector, text: str, *, actor: str) -> str:
    """Release the ticket that ``text`` means, here or in the process that holds the state; return its key."""
    records, now = program.records(), program.now()
    ref = one_ticket(program, records, text)
    with program.journal_if_free() as journal:
        if journal is not None:
            release_with(program, journal, ref, actor=actor)
        else:
            call(program.places.socket, "release", site=ref.site, ticket=ref.id, actor=actor)
    return TicketNames(records, now=now).of(ref.site, ref.id)


def release_with(program: Connector, journal: Journal, ref: TicketRef, *, actor: str) -> None:
    """Release a ticket with the state held."""
    journal.open_site(ref.site, fingerprint=program.rules(ref.site).fingerprint)
    journal.release(ref, now=program.now(), actor=actor)
