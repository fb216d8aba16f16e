"""Conditions: does each comparison compare something it can?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from connector.documents import KeyPath, Refused, closest
from connector.domain.conditions import Op
from connector.domain.matching import spelled
from connector.domain.ticket import Priority, Status
from connector.policyfiles.model_sla import TestFile, WhenFile

BUILT_IN = frozenset(
    {"labels", "status", "priority", "group", "assignee", "requester", "locale", "scope", "level", "path"}
)
"""Fields that every ticket has."""

USUAL = frozenset(
    {"impact", "urgency", "risk", "business_value", "type", "category", "requester.tags"}
    | {"org.tier", "org.region", "org.tags"}
)
"""Inputs that policies share across helpdesks: one that no site binds is simply missing, not a mistake."""

_CLOSED: Mapping[str, tuple[str, ...]] = {
    "status": tuple(status.value for status in Status),
    "priority": tuple(Priority.__members__),
    "path": (),
}
"""Fields whose values are known beforehand; the paths are those of the policy."""

TEXT = "text"
_LISTS = frozenset({Op.IN, Op.NOT_IN})
_EITHER = frozenset({Op.INCLUDES, Op.EXCLUDES})
_NUMBERS = frozenset({Op.AT_LEAST, Op.AT_MOST})
_NOTHING = frozenset({Op.KNOWN, Op.MISSING})


def check_when(
    when: WhenFile | None,
    path: KeyPath,
    inputs: frozenset[str] | None,
    refused: Refused,
    *,
    paths: Collection[str],
) -> None:
    """Note what is wrong with a condition.

    ``inputs`` are the names that some site binds, where they are known; ``paths`` those of the policy's paths.
    """
    if when is None:
        return
    for key in ("all", "any", "none"):
        tests: tuple[TestFile, ...] = getattr(when, key)
        for index, test in enumerate(tests):
            at = (*path, key, index)
            _field(test, at, inputs, refused)
            if message := _mismatch(test):
                refused.add((*at, "value" if refused.document.holds((*at, "value")) else "op"), *message)
            else:
                _closed(test, at, paths, refused)


def _field(test: TestFile, at: KeyPath, inputs: frozenset[str] | None, refused: Refused) -> None:
    if (test.field == TEXT) != (test.op is Op.HAS_WORDS):
        message = (
            "free text is read with has_words only" if test.field == TEXT else "has_words reads the field text only"
        )
        refused.add((*at, "op"), message, "write {field: text, op: has_words, value: {en: [word]}}")
    elif inputs is not None and test.field not in BUILT_IN | USUAL | inputs | {TEXT}:
        options = BUILT_IN | USUAL | inputs
        remedy = closest(test.field, options) or "bind it under inputs in a site's map"
        refused.add((*at, "field"), f"no site binds the input {test.field}", remedy)


def _closed(test: TestFile, at: KeyPath, paths: Collection[str], refused: Refused) -> None:
    """Note values that no ticket can have, so that the comparison would never say what it seems to."""
    if test.field not in _CLOSED or test.value is None or isinstance(test.value, dict):
        return
    options = _CLOSED[test.field] or paths
    if test.op in _NUMBERS and test.field != "priority":
        refused.add((*at, "op"), f"a {test.field} is neither more nor less than another", "use op: in for a list")
        return
    known = set(map(spelled, options))
    many = isinstance(test.value, list)
    for index, value in enumerate(test.value if many else [test.value]):
        if spelled(value) not in known:
            place = (*at, "value", index) if many else (*at, "value")
            refused.add(place, f"no {test.field} is ever {value}", closest(str(value), options))


def _mismatch(test: TestFile) -> tuple[str, str] | None:
    """Return what does not fit between comparison and value, and the remedy."""
    op, value = test.op, test.value
    if op in _NOTHING:
        return (f"{op} takes no value", "remove it") if value is not None else None
    if value is None:
        return f"{op} needs a value", "add value: …"
    if op is Op.HAS_WORDS:
        return (
            None if isinstance(value, dict) else ("has_words needs words per locale", "write {en: [word], de: [Wort]}")
        )
    if isinstance(value, dict):
        return f"{op} takes no words per locale", "write one value or a list"
    return _list_or_number(op, value)


def _list_or_number(op: Op, value: Any) -> tuple[str, str] | None:
    is_list = isinstance(value, list)
    if op in _LISTS and not is_list:
        return f"{op} needs a list", f"write [{value}]"
    if is_list and op not in _LISTS | _EITHER:
        return f"{op} compares with one value", "use op: in for a list"
    if op in _NUMBERS and not _is_magnitude(value):
        return f"{op} needs a number or a priority", "use op: is for text"
    return None


def _is_magnitude(value: Any) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)) or str(value).upper() in {
        "P1",
        "P2",
        "P3",
        "P4",
    }
