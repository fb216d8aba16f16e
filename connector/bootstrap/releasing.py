"""``release``: let a ticket go on that is held, or on which the connector stopped by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connector.bootstrap.explaining import held_now, one_ticket
from connector.bootstrap.reports import TicketNames
from connector.domain.ticket import TicketRef
from connector.engine.control import call
from connector.ports import Journal

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector


class Released(NamedTuple):
    """What a release came to: the ticket's key, and in words what holds it all the same, with how that ends."""

    key: str
    still_held: tuple[str, ...] = ()


def release(program: Connector, text: str, *, actor: str) -> Released:
    """Release the ticket that ``text`` means, here or in the process that holds the state.

    A label stands in the helpdesk, where we take none off: it holds the ticket until somebody does.
    """
    records, now = program.records(), program.now()
    ref = one_ticket(program, records, text)
    with program.journal_if_free() as journal:
        if journal is not None:
            release_with(program, journal, ref, actor=actor)
        else:
            call(program.places.socket, "release", site=ref.site, ticket=ref.id, actor=actor)
    label = f"label {program.rules(ref.site).hold_label}"
    still = held_now(program, ref, now=max(now, program.now()))
    told = tuple(f"{by}, until somebody takes it off in the helpdesk" if by == label else by for by in still)
    return Released(TicketNames(records, now=now).of(ref.site, ref.id), told)


def release_with(program: Connector, journal: Journal, ref: TicketRef, *, actor: str) -> None:
    """Release a ticket with the state held."""
    journal.open_site(ref.site, fingerprint=program.rules(ref.site).fingerprint)
    journal.release(ref, now=program.now(), actor=actor)
