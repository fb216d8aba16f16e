"""Tickets that most people must not hear of: left alone as a whole, or handled without a word getting out.

A scope is *ignored*: nothing of its tickets is stored. Or it is *restricted*, as is every ticket that the helpdesk
itself hides: its text is not read, nothing is said to customers, and nobody who is involved is called to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from connector.domain.policy import LevelTarget
from connector.domain.site import Confidential, SiteRules
from connector.domain.situation import Reach
from connector.domain.ticket import Text, Ticket

_NOTHING = Text(subject="")


def admitted(ticket: Ticket, rules: SiteRules) -> Ticket | None:
    """Return a ticket as it may be known, without its text where it is restricted; ``None`` where it is ignored."""
    treatment = rules.confidential.get(ticket.scope)
    if treatment is Confidential.IGNORE:
        return None
    if treatment is None and not ticket.restricted:
        return ticket
    return replace(ticket, restricted=True, text=None if ticket.text is None else _NOTHING)


def without_involved(reach: Mapping[LevelTarget, Reach], ticket: Ticket) -> Mapping[LevelTarget, Reach]:
    """Return who can be reached for a ticket: for a restricted one nobody who asked for it."""
    if not ticket.restricted or not ticket.requester:
        return reach
    return {target: _reached(found, ticket.requester) for target, found in reach.items()}


def _reached(found: Reach, requester: str) -> Reach:
    account = requester.removeprefix("id:")
    if found.person is None or not {account, f"id:{account}", requester} & {*found.member_ids, found.person}:
        return found
    return Reach(exists=True, reachable=False, why="is involved in this confidential ticket")
