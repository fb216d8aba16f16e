"""Conditions compiled to closures: once per policy, then a few hundred nanoseconds per ticket.

Every closure answers ``True``, ``False`` or ``None`` (*unknown*: free text without a result). Values are compared as
case-folded text, so a number, a truth value and their spelling in a policy file are the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connector.domain.conditions import Op, Test, When, Words
from connector.domain.ticket import Priority, Ticket

Hits = Mapping[str, bool]
Answer = bool | None
Matcher = Callable[[Ticket, Hits], Answer]
_Getter = Callable[[Ticket], Any]

_NOTHING: tuple[object, ...] = (None, frozenset())

BUILT_IN: Mapping[str, _Getter] = {
    "labels": lambda ticket: ticket.labels,
    "status": lambda ticket: ticket.status.value,
    "priority": lambda ticket: ticket.priority,
    "group": lambda ticket: ticket.group,
    "assignee": lambda ticket: ticket.assignee,
    "requester": lambda ticket: ticket.requester,
    "locale": lambda ticket: ticket.locale,
    "scope": lambda ticket: ticket.scope or None,
    "level": lambda ticket: ticket.level,
    "path": lambda ticket: ticket.path,
}
"""Fields that every ticket has; all other names are inputs that the site's map binds."""


def compile_when(when: When) -> Matcher:
    """Return a closure that says whether a ticket meets ``when``."""
    if not when.tests:
        return lambda _ticket, _hits: True
    alls, anys, nones = (tuple(map(_compile_test, tests)) for tests in (when.all, when.any, when.none))
    if not nones and len(alls) + len(anys) == 1:
        return (alls + anys)[0]
    among = _compile_any(anys) if anys else _yes
    return among if not nones and not alls else _compile_all(alls, nones, among)


def _compile_all(alls: tuple[Matcher, ...], nones: tuple[Matcher, ...], among: Matcher) -> Matcher:
    def match(ticket: Ticket, hits: Hits) -> Answer:
        unknown = False
        for test in alls:
            answer = test(ticket, hits)
            if answer is False:
                return False
            unknown = unknown or answer is None
        for test in nones:
            answer = test(ticket, hits)
            if answer:
                return False
            unknown = unknown or answer is None
        any_of = among(ticket, hits)
        return False if any_of is False else None if unknown else any_of

    return match


def _yes(_ticket: Ticket, _hits: Hits) -> Answer:
    return True


def _compile_any(tests: tuple[Matcher, ...]) -> Matcher:
    def match(ticket: Ticket, hits: Hits) -> Answer:
        answer: Answer = False
        for test in tests:
            found = test(ticket, hits)
            if found:
                return True
            if found is None:
                answer = None
        return answer

    return match


def _compile_test(test: Test) -> Matcher:
    if isinstance(test.value, Words):
        key = test.value.key
        return lambda _ticket, hits: hits.get(key)
    name, compare = test.field, _COMPARISONS[test.op](test.value)
    get = BUILT_IN.get(name)
    if name == "labels" and test.op in {Op.IS, Op.IN, Op.INCLUDES}:
        return lambda ticket, _hits: bool(ticket.labels) and compare(ticket.labels)
    if get is None and test.op not in {Op.KNOWN, Op.MISSING}:
        return lambda ticket, _hits: (held := ticket.facts.get(name)) is not None and compare(held)
    if get is None:
        return lambda ticket, _hits: compare(ticket.facts.get(name))
    return lambda ticket, _hits: compare(get(ticket))


def spelled(value: object) -> str:
    """Return how a value is compared: case-folded text, whole numbers without a fraction."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).casefold()


def _spellings(value: Any) -> frozenset[str]:
    return frozenset(map(spelled, value)) if isinstance(value, tuple | frozenset) else frozenset({spelled(value)})


def _among(value: Any) -> Callable[[Any], bool]:
    wanted = _spellings(value)

    def compare(held: Any) -> bool:
        if not held and held in _NOTHING:
            return False
        if isinstance(held, frozenset):
            return any(spelled(item) in wanted for item in held)
        return spelled(held) in wanted

    return compare


def _not_among(value: Any) -> Callable[[Any], bool]:
    among = _among(value)
    return lambda held: held is not None and not among(held)


def _at_least(value: Any) -> Callable[[Any], bool]:
    wanted = magnitude(value)
    return lambda held: (found := magnitude(held)) is not None and wanted is not None and found >= wanted


def _at_most(value: Any) -> Callable[[Any], bool]:
    wanted = magnitude(value)
    return lambda held: (found := magnitude(held)) is not None and wanted is not None and found <= wanted


def magnitude(value: Any) -> float | None:
    """Return a number to compare by, ``None`` where there is none; of priorities P1 is the greatest."""
    if isinstance(value, Priority):
        return -float(value)
    if isinstance(value, str) and value.upper() in Priority.__members__:
        return -float(Priority[value.upper()])
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


_COMPARISONS: Mapping[Op, Callable[[Any], Callable[[Any], bool]]] = {
    Op.IS: _among,
    Op.IN: _among,
    Op.INCLUDES: _among,
    Op.IS_NOT: _not_among,
    Op.NOT_IN: _not_among,
    Op.EXCLUDES: _not_among,
    Op.AT_LEAST: _at_least,
    Op.AT_MOST: _at_most,
    Op.KNOWN: lambda _value: lambda held: held not in _NOTHING,
    Op.MISSING: lambda _value: lambda held: held in _NOTHING,
}
