"""What a situation knows of the tickets that its own hangs together with, from what is stored of them.

Only tickets of the same site are looked up: nothing of a case ever reaches another site, and of a restricted ticket
others learn no more than that it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from connector.domain.merges import MOST_MEMBERS, Merged, absorbed
from connector.domain.site import Effect
from connector.domain.situation import Situation, Twin
from connector.domain.ticket import LinkKind, Ticket, highest
from connector.ports import Stored

_LOOKED_UP = frozenset({LinkKind.PROBLEM, LinkKind.TWIN, LinkKind.ABSORBED})


def linked_ids(ticket: Ticket) -> frozenset[str]:
    """Return the ids, on its own site, of the tickets that matter for this one."""
    return frozenset(_ids(ticket, _LOOKED_UP)) if ticket.links else frozenset()


def among_linked(found: Situation, linked: Mapping[str, Stored | None]) -> Situation:
    """Return a situation that knows the stored tickets it is linked with, and has taken over the merged ones."""
    ids = _ids(found.ticket, {LinkKind.ABSORBED})
    sources = [source for id_ in ids if (source := linked.get(id_)) is not None]
    merged = [Merged(ticket=s.ticket, history=s.history, state=s.state, said=s.said) for s in sources]
    found = absorbed(found, merged)
    if not found.twins:
        return found
    return replace(found, twins=tuple(_known(twin, found, linked.get(twin.link.target)) for twin in found.twins))


def _ids(ticket: Ticket, kinds: Iterable[LinkKind]) -> tuple[str, ...]:
    here, wanted = {"", ticket.ref.site}, frozenset(kinds)
    return tuple(link.target for link in ticket.links if link.kind in wanted and link.site in here)


def _known(twin: Twin, found: Situation, stored: Stored | None) -> Twin:
    """Return what is known of one linked ticket; a problem that is attached to its own child leads nobody."""
    ours = found.ticket
    if stored is None or twin.link.site not in {"", ours.ref.site}:
        return twin
    if twin.link.kind is LinkKind.TWIN:
        return _twin(twin, found, stored)
    if twin.link.kind is not LinkKind.PROBLEM or _leads(ours, stored.ticket):
        return twin
    return replace(
        twin,
        status=stored.ticket.status,
        key=_shown(ours, stored.ticket),
        priority=highest(stored.ticket.priority, stored.state.priority),
        speaks=found.rules.allows(Effect.NOTES, stored.ticket.scope),
    )


def _twin(twin: Twin, found: Situation, stored: Stored) -> Twin:
    """Return a twin that speaks to its customer where it may; a case with too many members is left to people."""
    other, many = stored.ticket, len(_ids(found.ticket, {LinkKind.TWIN})) >= MOST_MEMBERS
    may_speak = found.rules.allows(Effect.PUBLIC, other.scope) and not other.restricted and not many
    link = replace(twin.link, site=other.ref.site)
    return replace(twin, link=link, status=other.status, key=_shown(found.ticket, other), customer_facing=may_speak)


def _shown(ours: Ticket, other: Ticket) -> str:
    return "another ticket" if other.restricted and not ours.restricted else other.key


def _leads(ours: Ticket, other: Ticket) -> bool:
    """True where two tickets are attached to one another and ours is the earlier one, or there is but one."""
    attached = ours.ref.id in _ids(other, {LinkKind.PROBLEM})
    return attached and (ours.opened_at, ours.ref.id) <= (other.opened_at, other.ref.id)
