"""Whether a ticket meets a target's condition. Targets read inputs and plain fields, never free text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from connector.domain.conditions import Op, Test, When
from connector.domain.ticket import Fact, Ticket

_PLAIN: Mapping[str, Callable[[Ticket], Fact | None]] = MappingProxyType(
    {
        "labels": lambda ticket: ticket.labels,
        "status": lambda ticket: str(ticket.status),
        "priority": lambda ticket: None if ticket.priority is None else str(ticket.priority),
        "group": lambda ticket: ticket.group,
        "assignee": lambda ticket: ticket.assignee,
        "locale": lambda ticket: ticket.locale,
        "scope": lambda ticket: ticket.scope or None,
    }
)


def holds(when: When, ticket: Ticket) -> bool:
    """True when all of `all`, one of `any` (where given) and none of `none` are met."""
    return (
        all(_met(test, ticket) for test in when.all)
        and (not when.any or any(_met(test, ticket) for test in when.any))
        and not any(_met(test, ticket) for test in when.none)
    )


def _met(test: Test, ticket: Ticket) -> bool:
    read = _PLAIN.get(test.field)
    known = ticket.facts.get(test.field) if read is None else read(ticket)
    if known is None or test.op in {Op.KNOWN, Op.MISSING}:
        return test.op is (Op.MISSING if known is None else Op.KNOWN)
    compare = _COMPARE.get(test.op)
    return compare is not None and compare(known, test.value)


def _folded(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value


def _members(value: object) -> frozenset[object]:
    listed = value if isinstance(value, (tuple, frozenset)) else (value,)
    return frozenset(_folded(entry) for entry in listed)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _at_least(known: object, wanted: object) -> bool:
    left, right = _number(known), _number(wanted)
    return left is not None and right is not None and left >= right


_COMPARE: Mapping[Op, Callable[[object, object], bool]] = MappingProxyType(
    {
        Op.IS: lambda known, wanted: _folded(known) == _folded(wanted),
        Op.IS_NOT: lambda known, wanted: _folded(known) != _folded(wanted),
        Op.IN: lambda known, wanted: bool(_members(known) & _members(wanted)),
        Op.NOT_IN: lambda known, wanted: not _members(known) & _members(wanted),
        Op.INCLUDES: lambda known, wanted: bool(_members(known) & _members(wanted)),
        Op.EXCLUDES: lambda known, wanted: not _members(known) & _members(wanted),
        Op.AT_LEAST: _at_least,
        Op.AT_MOST: lambda known, wanted: _at_least(wanted, known),
    }
)
