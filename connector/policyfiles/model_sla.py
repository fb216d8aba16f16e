"""Conditions and the SLA section of the policy file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from connector.documents import Duration, Names, Strict, Text, as_written
from connector.domain.conditions import Op
from connector.domain.policy import Mark, ReopenThen, SlaSource
from connector.domain.ticket import ClockName, Status
from connector.policyfiles.kinds import MarkText, PausingStatus, PriorityName, SpanText, read_mark

_SCALARS = (str, int, float, bool)
_VALUE_SCHEMA = {
    "anyOf": [
        {"type": ["string", "number", "boolean"]},
        {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
        {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    ]
}


def _read_value(value: Any) -> Any:
    """Accept one value, a list of values or words per locale; what an operator wants is checked with it."""
    if isinstance(value, dict):
        value = {locale: [words] if isinstance(words, str) else words for locale, words in value.items()}
        lists = value.values()
    else:
        lists = [value if isinstance(value, list) else [value]]
    if not all(isinstance(items, list) and items and all(isinstance(i, _SCALARS) for i in items) for items in lists):
        raise ValueError("must be text, a number, a list of them, or lists of words per locale")
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise ValueError("is too large a number")
    return value


Value = Annotated[Any, BeforeValidator(_read_value), WithJsonSchema(_VALUE_SCHEMA)]


class TestFile(Strict):
    """One comparison."""

    __test__ = False  # not a pytest class

    field: Text = Field(description="An input that the sites bind, or `labels`, `status`, `text` …")
    op: Op = Field(description="How to compare.")
    value: Value | None = Field(default=None, description="What to compare with; `known` and `missing` take none.")


class WhenFile(Strict):
    """All of `all`, at least one of `any`, none of `none`."""

    all: tuple[TestFile, ...] = Field(default=(), description="Every one of these.")
    any: tuple[TestFile, ...] = Field(default=(), description="At least one of these.")
    none: tuple[TestFile, ...] = Field(default=(), description="Not one of these.")


class CalendarByFile(Strict):
    """A calendar by the value of an input."""

    by: Text | None = Field(default=None, description="Input that decides.")
    map: Mapping[Text, Text] = Field(default_factory=dict, description="Calendar for each value.")
    default: Text = Field(description="Calendar for all other values and for none.")


CalendarRef = Annotated[
    CalendarByFile,
    BeforeValidator(lambda value: {"default": value} if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [{"type": "string"}, CalendarByFile.model_json_schema()]}),
]
"""A name, or a choice by an input."""


class SlaTargetFile(Strict):
    """What is promised to whom; the first match applies."""

    priority: PriorityName | None = Field(default=None, description="For tickets of this priority; without it all.")
    targets: Text | None = Field(default=None, description="Only where a trigger asks for targets of this name.")
    when: WhenFile | None = Field(default=None, description="Only for tickets like these.")
    calendar: CalendarRef | None = Field(default=None, description="Business calendar on which time counts.")
    first_response: SpanText | None = Field(default=None, description="Until the first answer of a person.")
    update: SpanText | None = Field(default=None, description="Between two answers.")
    resolution: SpanText | None = Field(default=None, description="Until it is solved.")


class ActionFile(Strict):
    """What happens at a mark. Nothing is said unless a note is named."""

    note: Text | None = Field(default=None, description="Internal note.")
    tell_customer: Text | None = Field(default=None, description="Public comment; needs the effect `public`.")
    notify: Names = Field(default=(), description="Who hears of it.")
    escalate_to: int | None = Field(default=None, ge=1, le=9, description="Starts the path or moves it to this level.")
    approval: Text | None = Field(default=None, description="Who must agree first.")


def _marks(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


def _before_marks(value: Any) -> Any:
    return [item if isinstance(item, Mark) else read_mark(f"before {item}") for item in _marks(value)]


_ONE_OR_MORE = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})


class ThresholdFile(ActionFile):
    """One or more marks with the same action, in the form of a list."""

    at: Annotated[tuple[MarkText, ...], BeforeValidator(_marks), _ONE_OR_MORE] = Field(
        default=(), description="Percentages of the target."
    )
    before: Annotated[tuple[Mark, ...], BeforeValidator(_before_marks), _ONE_OR_MORE] = Field(
        default=(), description="Lead times before the deadline."
    )


Thresholds = Annotated[
    Annotated[Mapping[MarkText, ActionFile], Tag("by mark")] | Annotated[tuple[ThresholdFile, ...], Tag("list")],
    Discriminator(lambda value: "list" if isinstance(value, (list, tuple)) else "by mark"),
]
"""``{75%: {…}, before 30m: {…}}`` or a list of ``{at: 75%, …}`` and ``{before: [2h, 30m], …}``."""


class ReopenFile(Strict):
    """What a requester's reopening does to a clock."""

    within: SpanText = Field(default=as_written("7d"), description="Time after solving within which `then` applies.")
    then: ReopenThen = Field(default=ReopenThen.RESUME, description="`resume` leaves solved time out; or `new_cycle`.")
    after: ReopenThen = Field(default=ReopenThen.NEW_CYCLE, description="What applies later.")
    ignore_shorter_than: Duration = Field(
        default=as_written("0m"), description="A reopening that ends sooner is not one."
    )


ClockOrElse = Literal["first_response", "update", "resolution", "else"]
_BY_CLOCK = frozenset({"first_response", "update", "resolution", "else"})


def _per_clock(value: Any) -> str:
    return "per clock" if isinstance(value, dict) and _BY_CLOCK.intersection(value) else "all clocks"


Pausing = Annotated[
    Annotated[tuple[PausingStatus, ...], Tag("all clocks")]
    | Annotated[Mapping[ClockOrElse, tuple[PausingStatus, ...]], Tag("per clock")],
    Discriminator(_per_clock),
]
Reopening = Annotated[
    Annotated[ReopenFile, Tag("all clocks")] | Annotated[Mapping[ClockOrElse, ReopenFile], Tag("per clock")],
    Discriminator(_per_clock),
]


class SlaFile(Strict):
    """What is promised, and what happens on the way."""

    source: SlaSource = Field(default=SlaSource.OWN, description="`helpdesk`: its clock where it has one; or `own`.")
    pause_on: Pausing = Field(
        default=(Status.WAITING_CUSTOMER,),
        description="Statuses that pause clocks; for all of them, or per clock with `else`.",
    )
    max_pause: SpanText | None = Field(default=None, description="Longest pause; then a note to the owner.")
    reopen: Reopening = Field(default=ReopenFile(), description="Reopenings; for all clocks, or per clock with `else`.")
    targets: tuple[SlaTargetFile, ...] = Field(description="First match wins.")
    thresholds: Mapping[ClockName, Thresholds] = Field(default_factory=dict, description="Marks of each clock.")
