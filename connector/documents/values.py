"""Kinds of value that several documents use, as annotated types for pydantic models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

_DURATION = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,8})s)?")
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s?%")


class Strict(BaseModel):
    """Base of every document model: unknown keys are mistakes, values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, coerce_numbers_to_str=True, str_strip_whitespace=True, validate_default=True
    )

    @model_validator(mode="wrap")
    @classmethod
    def _each_key_once(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Refuse keys that are two in the document and mean one: the last would silently win."""
        made = handler(value)
        for name, given in value.items() if isinstance(value, dict) else ():
            read = getattr(made, name, None)
            if isinstance(given, dict) and isinstance(read, Mapping) and len(read) < len(given):
                alone = ({**value, name: {written: inner}} for written, inner in given.items())
                keys = dict(zip(given, (next(iter(getattr(handler(each), name))) for each in alone), strict=True))
                raise ValidationError.from_exception_data(cls.__name__, list(_twice(name, keys)))
        return made


def _twice(name: str, keys: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    """Yield an error for every key that means what one above it means."""
    first: dict[Any, str] = {}
    for written, meant in keys.items():
        if (above := first.setdefault(meant, written)) != written:
            context = {"above": above, "remedy": "keep one of them"}
            kind = PydanticCustomError("given_twice", "is given twice in two spellings, as {above} above", context)
            yield {"type": kind, "loc": (name, written), "input": written}


def read_duration(value: Any) -> timedelta:
    """Read ``30m``, ``1h30m``, ``3d`` (24-hour days) or ``90s``; a length that is already one passes.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if not match or not any(match.groups()):
        raise ValueError(f"{value!r} is not a duration; write 30m, 4h, 1h30m or 3d")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def as_written(text: str) -> Any:
    """Return a default as it stands in a document: schemas show it so, and it is validated like any value."""
    return text


def duration_text(length: timedelta) -> str:
    """Return ``length`` as it is written in a document, in whole seconds."""
    rest = int(length.total_seconds())
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts) or "0m"


def _read_share(value: Any) -> float:
    """Read ``2%`` or ``0.02``; of a bare 1 nobody can tell whether 1% or 100% was meant."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1:
        return float(value)
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match or float(match[1]) > 100:
        raise ValueError(f"{value!r} is not a share; write a percentage from 0% to 100%")
    return float(match[1]) / 100


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, (str, int)) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(read_duration),
    PlainSerializer(duration_text),
    WithJsonSchema({"type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$", "examples": ["30m"]}),
]
"""A length of time; days have 24 hours here."""

Share = Annotated[
    float,
    BeforeValidator(_read_share),
    WithJsonSchema({"type": ["string", "number"], "format": "share", "examples": ["2%"]}),
]
"""A part of a whole: ``2%`` or 0.02; all of it is ``100%``."""

_TEXT = {"type": ["string", "number"]}

Text = Annotated[str, StringConstraints(min_length=1, max_length=500), WithJsonSchema(_TEXT)]
"""One line or a few; never empty."""

Names = Annotated[
    tuple[Text, ...],
    BeforeValidator(_one_or_many),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}),
]
"""Several names; one may stand without brackets."""
