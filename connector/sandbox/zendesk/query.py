"""The search language, as far as clients use it. What is not understood is refused, not ignored."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.sandbox.zendesk.desk import Desk
from connector.sandbox.zendesk.errors import ApiError, stray
from connector.sandbox.zendesk.hours import ZONE
from connector.sandbox.zendesk.ticket import PRIORITIES, STATUSES, Ticket

TERM = re.compile(r'(-?)(\w+)(:|<=|>=|<|>)("[^"]*"|\S+)|(-?)("[^"]*"|\S+)')
RELATIVE = re.compile(r"(\d+)(minute|hour|day|week)s?")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ":": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
DATES = {"created": "created_at", "created_at": "created_at", "updated": "updated_at", "updated_at": "updated_at"}
RANKED = {"status": STATUSES, "priority": (None, *PRIORITIES)}
IDS = {"group": "group_id", "assignee": "assignee_id", "organization": "organization_id", "requester": "requester_id"}
IDS |= {name: name for name in IDS.values()} | {"form": "ticket_form_id", "brand": "brand_id"}
NOT_CONDITIONS = frozenset({"type", "order_by", "sort"})

Test = Callable[[Ticket], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """``-status:open`` is ``negated=True, name="status", sign=":", value="open"``; free words have no name."""

    negated: bool
    name: str
    sign: str
    value: str


def read_terms(text: str) -> tuple[Term, ...]:
    """Split a query."""
    return tuple(_term(match) for match in TERM.finditer(text))


def _term(match: re.Match[str]) -> Term:
    minus, name, sign, value, word_minus, word = match.groups()
    if name:
        return Term(negated=minus == "-", name=name, sign=sign, value=value.strip('"'))
    return Term(negated=word_minus == "-", name="", sign=":", value=word.strip('"'))


def matcher(desk: Desk, terms: Iterable[Term]) -> Test:
    """Make one test of a query's terms; equal names with ``:`` are alternatives.

    Raises:
        ApiError: 400 for a property that nobody knows, 422 for a value that is none.
    """
    tests: list[Test] = []
    alternatives: dict[str, list[Test]] = {}
    for term in terms:
        if term.name in NOT_CONDITIONS:
            continue
        test = _test(desk, term)
        if term.negated:
            tests.append(lambda ticket, test=test: not test(ticket))  # type: ignore[misc]
        elif term.sign == ":" and term.name:
            alternatives.setdefault(term.name, []).append(test)
        else:
            tests.append(test)
    return lambda ticket: (
        all(test(ticket) for test in tests)
        and all(any(test(ticket) for test in group) for group in alternatives.values())
    )


def _test(desk: Desk, term: Term) -> Test:
    if not term.name:
        word = term.value.lower()
        return lambda ticket: word in f"{ticket.subject} {ticket.description}".lower()
    if term.name in DATES:
        return _date(DATES[term.name], term, desk)
    if term.name in RANKED:
        return _ranked(term)
    if term.name in IDS:
        return _id(IDS[term.name], term)
    if term.name in ("tags", "ticket_type"):
        tagged: Test = lambda ticket: term.value in ticket.tags  # noqa: E731
        return tagged if term.name == "tags" else lambda ticket: ticket.type == term.value
    if match := re.fullmatch(r"custom_field_(\d+)", term.name):
        field_id = int(match.group(1))
        return lambda ticket: ticket.custom.get(field_id) == term.value
    raise stray((f"search property {term.name}",))


def _ranked(term: Term) -> Test:
    order, compare = RANKED[term.name], COMPARE[term.sign]
    value = None if term.value == "none" else term.value
    if value not in order:
        raise _invalid(f"{term.name} {term.value}")
    rank = order.index(value)
    return lambda ticket: compare(order.index(getattr(ticket, term.name)), rank)


def _id(attribute: str, term: Term) -> Test:
    if term.value == "none":
        return lambda ticket: getattr(ticket, attribute) is None
    if not term.value.isdigit():
        raise _invalid(f"{term.name} {term.value}")
    return lambda ticket: getattr(ticket, attribute) == int(term.value)


def _date(attribute: str, term: Term, desk: Desk) -> Test:
    start, end = _moments(term.value, desk)
    if term.sign == ":":
        return lambda ticket: start <= getattr(ticket, attribute) < end
    compare = COMPARE[term.sign]
    bound = end - 1 if term.sign in (">", "<=") else start
    return lambda ticket: compare(getattr(ticket, attribute), bound)


def _moments(text: str, desk: Desk) -> tuple[int, int]:
    """First second and end of what a date or time stands for; bare dates are the account's own days."""
    if match := RELATIVE.fullmatch(text):
        moment = desk.now() - int(timedelta(**{match.group(2) + "s": int(match.group(1))}).total_seconds())
        return moment, moment + 1
    try:
        moment_read = datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid(text) from error
    if len(text) <= len("2026-11-22"):
        day = moment_read.replace(tzinfo=ZONE)
        return int(day.timestamp()), int((day + timedelta(days=1)).timestamp())
    moment = int((moment_read if moment_read.tzinfo else moment_read.replace(tzinfo=UTC)).timestamp())
    return moment, moment + 1


def _invalid(what: str) -> ApiError:
    return ApiError(422, {"error": "invalid", "description": f"Invalid search: {what}"})
