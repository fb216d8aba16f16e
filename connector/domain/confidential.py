"""Tickets that most people must not hear of: left alone as a whole, or handled without a word getting out.

A scope is *ignored*: nothing of its tickets is stored. Or it is *restricted*, as is every ticket that the helpdesk
itself hides: its text is not read, nothing is said to customers, and nobody who is involved is called to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.site import Confidential, SiteRules
from connector.domain.situation import Reach
from connector.domain.ticket import Text, Ticket

_NOTHING = Text(subject="")
_NO_ACCOUNTS: frozenset[str] = frozenset()
_NOBODY: Mapping[str, str] = MappingProxyType({})
_OUT = Reach(reachable=False, involved=True, why="is involved in this confidential ticket")


def admitted(ticket: Ticket, rules: SiteRules) -> Ticket | None:
    """Return a ticket as it may be known, without its text where it is restricted; ``None`` where it is ignored.

    Who else is involved matters where it is restricted, and is kept of no other ticket.
    """
    treatment = rules.confidential.get(ticket.scope)
    if treatment is Confidential.IGNORE:
        return None
    if treatment is None and not ticket.restricted:
        return replace(ticket, involved=_NO_ACCOUNTS) if ticket.involved else ticket
    return replace(ticket, restricted=True, text=None if ticket.text is None else _NOTHING)


def involved(ticket: Ticket, people: Mapping[str, str]) -> frozenset[str]:
    """Return every name of the people whom a restricted ticket is to be kept from; empty for any other ticket.

    ``people`` is vendor account id → bound name. Involved are its requester and whoever takes part in it, is in copy or
    follows it.
    """
    if not ticket.restricted:
        return _NO_ACCOUNTS
    named = {name.removeprefix("id:") for name in (ticket.requester or "", *ticket.involved) if name}
    accounts = {*named, *(id_ for id_, name in people.items() if name in named)}
    bound = {people[id_] for id_ in accounts if id_ in people}
    return frozenset({*accounts, *bound, *(f"id:{id_}" for id_ in accounts)})


def without_involved(
    reach: Mapping[LevelTarget, Reach], ticket: Ticket, people: Mapping[str, str] = _NOBODY
) -> Mapping[LevelTarget, Reach]:
    """Return who can be reached for a ticket: for a restricted one nobody who is involved in it.

    A group without anybody else in it cannot be reached either; one whose members nobody knows counts as others.
    """
    names = involved(ticket, people)
    return {target: _reached(target, found, names) for target, found in reach.items()} if names else reach


def may_hear(target: str, ticket: Ticket, *, people: Mapping[str, str], reach: Mapping[LevelTarget, Reach]) -> bool:
    """Return whether a person, role or channel may be told of a ticket: nobody who is involved in a restricted one."""
    if target in involved(ticket, people):
        return False
    return not any(found.involved for called, found in reach.items() if called.name == target)


def _reached(target: LevelTarget, found: Reach, names: frozenset[str]) -> Reach:
    if target.kind is TargetKind.USER:
        hit = not names.isdisjoint({target.name, *found.member_ids, *_one(found.person)})
        return _OUT if hit else found
    if found.person is not None and not names.isdisjoint({found.person, *found.member_ids}):
        return _OUT
    others = found.member_ids - names
    if found.member_ids and not others:
        return _OUT
    return replace(found, member_ids=others)


def _one(person: str | None) -> tuple[str, ...]:
    return () if person is None else (person,)
