"""Which tickets of an account a site looks after, by brand and group: both stand in each ticket. Pure.

A ticket outside is left out of what is read. One that was known and has left is reported as gone: what is stored about
it stays, nothing is decided or written, and when it comes back its history is read first.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.helpdesks.zendesk import shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sieve:
    """Ids of brands and groups to look after; an empty set lets every one through."""

    brands: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def holds(self, raw: shapes.Ticket) -> bool:
        """True for a ticket of these brands and these groups."""
        in_brand = not self.brands or str(raw.brand_id) in self.brands
        return in_brand and (not self.groups or str(raw.group_id) in self.groups)

    def within(self, query: str) -> str:
        """Return a search query narrowed to these brands and groups; the same word twice means either."""
        words = [f"brand:{id_}" for id_ in sorted(self.brands)] + [f"group:{id_}" for id_ in sorted(self.groups)]
        return " ".join((query, *words))
