"""A race that we lost: what a person set a moment before our write is given back, once, and stands from then on.

Only a helpdesk without compare-and-set can report one (``Receipt.overwritten``).
"""

from __future__ import annotations

import hashlib

from connector.domain.change import Field, FieldChange, Write
from connector.domain.events import TicketEvent
from connector.domain.occasion import lost_race
from connector.domain.standoffs import CONTESTED
from connector.domain.ticket import Ticket
from connector.domain.written import as_written
from connector.engine.sending import Sender
from connector.ports import Receipt


def give_back(sender: Sender, write: Write, ticket: Ticket, receipt: Receipt) -> None:
    """Write people's values again that ``write`` undid.

    That it was they who set them is stored with the receipt: whatever becomes of the second write, the next decision
    knows whose value it was. A field that a person had emptied is not emptied again: nothing is ever cleared.
    """
    around = sender.around
    for event in receipt.overwritten:
        told = {"field": str(CONTESTED[event.kind]), "theirs": event.after or "", "by": event.actor.id}
        around.observer.event("lost_race", site=ticket.ref.site, ticket=ticket.key, **told)
    fields = tuple(_restored(write, event, receipt) for event in receipt.overwritten if event.after)
    if fields:
        names = "|".join(f"{change.field}={change.after}" for change in fields)
        key = hashlib.sha256(f"{write.key}|lost race|{names}".encode()).hexdigest()
        live = as_written(ticket, write, version=receipt.version)
        sender.write(Write(ref=write.ref, key=key, seen=live.version, fields=fields, riders=write.riders), live)


def _restored(write: Write, event: TicketEvent, receipt: Receipt) -> FieldChange:
    field: Field = CONTESTED[event.kind]
    ours = next(change.after for change in write.fields if change.field is field)
    why = f"lost race: {event.actor.role} {event.actor.id} set it while we wrote"
    return FieldChange(field=field, before=ours, after=event.after, reason=why, occasion=lost_race(field, receipt.at))
