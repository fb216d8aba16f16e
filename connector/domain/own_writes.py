"""Which values are ours because we wrote them, also where only the helpdesk's history tells of it.

A write whose answer was lost and which lands after it was given up shows a value that is already what we want, so the
value is taken over as ours unwritten. Once the history names us as its author it counts as written, from the moment
that the history states: what is changed afterwards was taken from us.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connector.domain.change import Field
from connector.domain.copying import changed
from connector.domain.events import EventSource, Role, TicketEvent
from connector.domain.situation import Applied
from connector.domain.standoffs import CONTESTED


def recognised(applied: Mapping[Field, Applied], events: Iterable[TicketEvent]) -> Mapping[Field, Applied]:
    """Return the values that are ours, those that the vendor's history shows to be written by us as written.

    Only the vendor's own record proves an author: an event that we made from two polls takes every change to a value
    of ours for our own.
    """
    taken_over = {field: ours for field, ours in applied.items() if ours.baseline}
    if not taken_over:
        return applied
    proven: dict[Field, Applied] = {}
    for event in events:
        field = CONTESTED.get(event.kind)
        ours = taken_over.get(field) if field is not None else None
        if field is None or ours is None or not _is_our_record(event):
            continue
        if event.after == ours.value:
            proven[field] = changed(ours, at=event.at, baseline=False)
        else:
            proven.pop(field, None)
    return {**applied, **proven} if proven else applied


def _is_our_record(event: TicketEvent) -> bool:
    return event.actor.role is Role.OURS and event.source is EventSource.HISTORY
