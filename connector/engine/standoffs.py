"""Telling people where we stopped by ourselves on a ticket, and letting it go on when one of them says so."""

from __future__ import annotations

from connector.domain.decision import Decision
from connector.domain.ticket import Ticket
from connector.engine.kit import Surroundings
from connector.ports import Alarm, AlarmKind


def tell_standoffs(around: Surroundings, ticket: Ticket, decision: Decision) -> None:
    """Raise an alarm for each stand-off that is new.

    That is before the state that remembers it is stored: a crash between the two repeats an alarm and never loses one.
    """
    for told in decision.standoffs:
        around.observer.event("stood_off", site=ticket.ref.site, ticket=ticket.key, why=told)
        around.notifier.alarm(
            Alarm(
                kind=AlarmKind.STANDOFF,
                site=ticket.ref.site,
                ticket=ticket.key,
                message=f"{ticket.key}: {told}",
                remedy=f"settle who is to write it, then: connector release {ticket.ref}",
                at=decision.now,
            )
        )
