"""Telling people where we stopped by ourselves on a ticket, and letting it go on when one of them says so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from connector.domain.decision import Decision
from connector.domain.ticket import Ticket
from connector.engine.kit import SiteReading, Surroundings
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


def tell_unreachable(
    site: SiteReading, around: Surroundings, found: Iterable[tuple[str, str]], *, now: datetime
) -> None:
    """Raise the alarms of tickets, given as key and text: nobody can be reached, or a target is not there."""
    for ticket, text in found:
        around.notifier.alarm(
            Alarm(
                kind=AlarmKind.UNREACHABLE,
                site=site.name,
                ticket=ticket,
                message=f"{ticket}: {text}",
                remedy=f"connector explain {ticket}",
                at=now,
            )
        )
