"""Whose value stands in a field: the one table by which ours, a person's and another program's are told apart.

Three values meet in a field: what is live, what is wanted, and what we wrote last. Live and wanted alike: the value
becomes ours without a write. Nobody has touched it since us, or since the ticket was opened: ours to write. A person's
value stands until there is a new reason; another program's is yielded to at once, and where the same program takes a
field back again and again it owns it, whatever reasons come.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from connector.domain.events import Actor


class Claim(StrEnum):
    """What may be done with a field."""

    ADOPT = "adopt"  # it is as wanted
    WRITE = "write"
    HELD = "held"  # a person's value stands
    YIELDED = "yielded"  # another program's value stands
    OWNED = "owned"  # another program owns the field until a person releases the ticket
    UNREADABLE = "unreadable"  # the live value is one that we do not know


class Standing(NamedTuple):
    """How a field stands.

    Attributes:
        changed: Who changed it last since we wrote it, or since the ticket was opened; ``None``: nobody.
        renewed: There is a new reason since that change (an input rose, a level was entered, a release).
        owned: Another program has taken it back too often.
        readable: The live value is one that we know.
    """

    changed: Actor | None = None
    renewed: bool = False
    owned: bool = False
    readable: bool = True


def claim(standing: Standing, *, satisfied: bool) -> Claim:
    """Return what may be done with a field that is, or is not, as wanted."""
    if not standing.readable:
        return Claim.UNREADABLE
    if satisfied:
        return Claim.ADOPT
    if standing.owned:
        return Claim.OWNED
    if standing.changed is None or standing.renewed:
        return Claim.WRITE
    return Claim.HELD if standing.changed.is_person else Claim.YIELDED


STANDING = frozenset({Claim.HELD, Claim.YIELDED})
"""Somebody else's value stands until there is a new reason."""
