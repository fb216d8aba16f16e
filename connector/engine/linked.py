"""What a situation knows of the tickets that its own hangs together with, from what is stored of them.

Everything comes from the journal, also where a twin is of another site: nothing is asked of a helpdesk, so no site
waits for another one. Of another ticket a situation learns its key, its status, its priority and whether anything is
said on it; of one that is restricted no more than that it is there.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from connector.domain.cases import MOST_MEMBERS
from connector.domain.events import History
from connector.domain.merges import Merged, absorbed, merged_ids, merged_into
from connector.domain.site import Effect, SiteRules
from connector.domain.situation import Situation, Twin
from connector.domain.ticket import Link, LinkKind, Ticket, TicketRef, highest
from connector.engine.quarantine import DECIDING, WRITING, given_up
from connector.engine.refusals import takes_no_comments
from connector.ports import AsideKind, Links, SetAside, Stored

Load = Callable[[TicketRef], Stored | None]
RulesOf = Callable[[str], SiteRules | None]
AsideOf = Callable[[str], Iterable[SetAside]]

_OTHER_END = {
    LinkKind.TWIN: LinkKind.TWIN,
    LinkKind.WORK: LinkKind.WORKS_FOR,
    LinkKind.WORKS_FOR: LinkKind.WORK,
}
_MATTERS = frozenset({LinkKind.PROBLEM, *_OTHER_END})


_FOLLOWS = frozenset({LinkKind.PROBLEM, LinkKind.WORKS_FOR})
_WORK = LinkKind.WORK


def _order(ref: TicketRef) -> tuple[str, int, str]:
    """Return the place of a ticket among others; ids are numbers, and 9 comes before 10."""
    return (ref.site, len(ref.id), ref.id)


class _Edge(NamedTuple):
    """How a ticket stands to another one; ``ref`` is where that is, ``None`` where it is not known."""

    link: Link
    ref: TicketRef | None


class Linked:
    """Looks up the tickets that others hang together with, each once.

    ``rules_of`` tells what is switched on on another site; a site that is not configured says nothing. ``aside_of``
    tells what is set aside on a site.
    """

    def __init__(self, links: Links, load: Load, rules_of: RulesOf, aside_of: AsideOf = lambda _: ()) -> None:
        self._links = links
        self._load = load
        self._rules_of = rules_of
        self._aside_of = aside_of
        self._aside: dict[str, tuple[SetAside, ...]] = {}
        self._stored: dict[TicketRef, Stored | None] = {}
        self._named_by: dict[TicketRef, list[Link]] = defaultdict(list)
        self._asked: set[TicketRef] = set()

    def prepare(self, site: str, tickets: Iterable[Ticket]) -> None:
        """Ask once for all of these tickets which others name them."""
        owners = {name: t.ref for t in tickets if t.ref not in self._asked for name in (t.ref.id, t.key)}
        self._asked.update(owners.values())
        for target, ref, kind in self._links.naming(site, list(owners)) if owners else ():
            self._named_by[owners[target]].append(Link(kind=_OTHER_END[kind], target=ref.id, site=ref.site))

    def complete(self, found: Situation) -> Situation:
        """Return a situation that knows the tickets it is linked with, and has taken over the merged ones."""
        found = self._with_merged(found)
        alone = not found.ticket.links and found.ticket.ref not in self._named_by
        if alone and not merged_ids(found.ticket, found.history):
            return found
        twins = tuple(self._known(edge, found) for edge in self._case(found))
        return replace(found, twins=twins)

    def stored(self, ref: TicketRef) -> Stored | None:
        """Return what is stored of a ticket."""
        if ref not in self._stored:
            self._stored[ref] = self._load(ref)
        return self._stored[ref]

    def leading(self, found: Situation, id_: str) -> Twin:
        """Return a ticket of the same site as one that may speak for this one."""
        ref = TicketRef(found.ticket.ref.site, id_)
        return self._known(_Edge(Link(kind=LinkKind.PROBLEM, target=id_, site=ref.site), ref), found)

    def _with_merged(self, found: Situation, within: Collection[TicketRef] = ()) -> Situation:
        """Return a situation with those that were merged into it, each with those that were merged into that one.

        ``within`` are the tickets on the way here, which are taken over once. A case that is too large is followed no
        further.
        """
        site, ids = found.ticket.ref.site, merged_ids(found.ticket, found.history)
        refs = [ref for id_ in ids if (ref := TicketRef(site, id_)) not in within]
        if within and len(within) + len(refs) > MOST_MEMBERS:
            refs = []
        known = {*within, found.ticket.ref, *refs}
        return absorbed(found, [self._merged(one, found, known) for ref in refs if (one := self.stored(ref))])

    def _merged(self, one: Stored, into: Situation, known: Collection[TicketRef]) -> Merged:
        ticket, history = one.ticket, one.history
        alone = Situation(
            ticket=ticket, rules=into.rules, history=history, state=one.state, said=one.said, people=into.people
        )
        whole = self._with_merged(alone, known)
        unread = whole.unread if history.complete else (ticket.ref.id, *whole.unread)
        return Merged(
            ticket=whole.ticket,
            history=whole.history,
            state=whole.state,
            said=whole.said,
            unread=unread,
            members=(alone, *whole.merged),
        )

    # ---- who belongs to a case

    def _case(self, one: Situation) -> list[_Edge]:
        """Return how a ticket stands to others; twins of twins are its twins, as far as a case may be large.

        So are those of a ticket that was merged into one of them, and the one that a twin was merged into.
        """
        ticket = one.ticket
        found = list(dict.fromkeys((*self._edges(ticket), *self._through_merges(ticket, one.history, {ticket.ref}))))
        members = {ticket.ref, *(edge.ref for edge in found if edge.link.kind is LinkKind.TWIN)}
        for edge in found:  # grows while it is read
            if edge.link.kind is not LinkKind.TWIN or edge.ref is None or len(members) > MOST_MEMBERS:
                continue
            other = self.stored(edge.ref)
            for further in self._twins_of(other) if other is not None else ():
                if further.ref not in members:
                    members.add(further.ref)
                    found.append(further)
        return found

    def _twins_of(self, other: Stored) -> Iterator[_Edge]:
        ticket, history = other.ticket, other.history
        yield from (edge for edge in self._edges(ticket) if edge.link.kind is LinkKind.TWIN)
        if (into := merged_into(ticket, history)) is not None:
            ref = TicketRef(ticket.ref.site, into)
            yield _Edge(Link(kind=LinkKind.TWIN, target=into, site=ref.site), ref)
        yield from self._through_merges(ticket, history, {ticket.ref})

    def _through_merges(self, ticket: Ticket, history: History, seen: set[TicketRef]) -> Iterator[_Edge]:
        """Yield the twins of the tickets that were merged into one; those themselves are over and do not count."""
        for id_ in merged_ids(ticket, history):
            ref = TicketRef(ticket.ref.site, id_)
            other = self.stored(ref) if ref not in seen and len(seen) <= MOST_MEMBERS else None
            if other is None or not other.ticket.status.is_finished:
                continue
            seen.add(ref)
            yield from (e for e in self._edges(other.ticket) if e.link.kind is LinkKind.TWIN and e.ref not in seen)
            yield from self._through_merges(other.ticket, other.history, seen)

    def _edges(self, ticket: Ticket) -> Iterator[_Edge]:
        """Yield a ticket's own links and those that others have with it, each once."""
        self.prepare(ticket.ref.site, [ticket])
        own = [li if li.site else replace(li, site=ticket.ref.site) for li in ticket.links if li.kind in _MATTERS]
        known = self._identified(own)
        seen: set[tuple[LinkKind, TicketRef | str]] = set()
        for link in (*own, *self._named_by.get(ticket.ref, ())):
            ref = known.get(link) or (None if link in own else TicketRef(link.site, link.target))
            key = (link.kind, ref or link.target)
            if key not in seen and ref != ticket.ref:
                seen.add(key)
                yield _Edge(link if ref is None else replace(link, target=ref.id), ref)

    def _identified(self, links: Sequence[Link]) -> dict[Link, TicketRef]:
        """Return which stored tickets links mean, by their ids or keys; one question per site."""
        by_site: dict[str, list[Link]] = defaultdict(list)
        for link in links:
            by_site[link.site].append(link)
        found: dict[Link, TicketRef] = {}
        for site, named in by_site.items():
            ids = self._links.identify(site, [link.target for link in named])
            found.update({link: TicketRef(site, ids[link.target]) for link in named if link.target in ids})
        return found

    # ---- what is known of it

    def silent(self, stored: Stored) -> str:
        """Return in words why nothing is said on a ticket for now, empty where it speaks."""
        return "it is set aside" if self.is_set_aside(stored.ticket) else stored.state.silent

    def is_set_aside(self, ticket: Ticket) -> bool:
        """True where nothing can be written or said on a ticket until somebody, or a change, lets it go on."""
        site = ticket.ref.site
        if site not in self._aside:
            self._aside[site] = tuple(self._aside_of(site))
        items = self._aside[site]
        if not items:
            return False
        whole = {(AsideKind.SCOPE, ticket.scope), (AsideKind.TICKET, ticket.ref.id)}
        left = given_up(items, DECIDING) | given_up(items, WRITING)
        left |= {item.ticket for item in items if takes_no_comments(item)}
        return ticket.ref.id in left or any(
            (item.kind, item.scope if item.kind is AsideKind.SCOPE else item.ticket) in whole for item in items
        )

    def _known(self, edge: _Edge, found: Situation) -> Twin:
        """Return what is known of a linked ticket; one that follows ours in turn leads nobody."""
        if edge.ref is None or edge.link.kind is LinkKind.WORK:  # our work says nothing in our place
            return Twin(link=edge.link)
        ours, stored = found.ticket, self.stored(edge.ref)
        if stored is None or (edge.link.kind is not LinkKind.TWIN and self._follows_us(ours, stored.ticket, edge)):
            return Twin(link=edge.link)
        twin = self._described(edge, stored, found)
        if not twin.silent or twin.status is None or twin.status.is_finished or edge.link.kind is LinkKind.TWIN:
            return twin
        return replace(twin, deputies=tuple(itertools.islice(self._deputies(stored, found), MOST_MEMBERS)))

    def _deputies(self, leader: Stored, found: Situation) -> Iterator[Twin]:
        """Yield those that follow a silent ticket as ours does, come before it and say what falls due on them.

        All see the same order. One that follows another ticket as well speaks for nobody.
        """
        ours, front = found.ticket.ref, leader.ticket
        work = self._identified([replace(li, site=li.site or front.ref.site) for li in front.links if li.kind is _WORK])
        named = self._links.attached(front.ref.site, list({front.ref.id, front.key}))
        for ref in sorted({*named, *work.values()}, key=_order):
            stored = self.stored(ref) if _order(ref) < _order(ours) else None
            if stored is None or sum(1 for link in stored.ticket.links if link.kind in _FOLLOWS) > 1:
                continue
            link = Link(kind=LinkKind.PROBLEM, target=ref.id, site=ref.site)
            twin = self._described(_Edge(link, ref), stored, found)
            if twin.speaks and not twin.silent and stored.ticket.is_open:
                yield twin

    def _described(self, edge: _Edge, stored: Stored, found: Situation) -> Twin:
        ours, other = found.ticket, stored.ticket
        rules = found.rules if other.ref.site == ours.ref.site else self._rules_of(other.ref.site)
        hidden = other.restricted and not ours.restricted
        return Twin(
            link=edge.link,
            status=other.status,
            key="another ticket" if hidden else other.key,
            opened_at=other.opened_at,
            priority=highest(other.priority, stored.state.priority),
            speaks=rules is not None and rules.allows(Effect.NOTES, other.scope),
            silent=self.silent(stored),
            customer_facing=rules is not None and rules.allows(Effect.PUBLIC, other.scope) and not other.restricted,
        )

    def _follows_us(self, ours: Ticket, other: Ticket, edge: _Edge) -> bool:
        """True where the other one is attached to ours: then the earlier one leads, a problem before work."""
        attached = any(li.kind is LinkKind.PROBLEM and li.target == ours.ref.id for li in other.links)
        if not attached or ours.ref.site != other.ref.site:
            return False
        first = (ours.opened_at, ours.ref.id) <= (other.opened_at, other.ref.id)
        return first or edge.link.kind is LinkKind.WORKS_FOR
