"""The policy's inputs from an issue's fields. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from connector.domain.ticket import Fact
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import Fields, Value


def facts(fields: Fields, shape: Shape) -> dict[str, Fact]:
    """Return every input that the issue states, by name; what Jira leaves empty is missing."""
    found: dict[str, Fact] = {}
    customs = shape.custom_ids
    for name, id_, values in shape.field_inputs:
        raw = getattr(fields, id_) if id_ in customs else _system(fields, id_)
        if raw is not None and (value := fact(raw, values)) is not None:
            found[name] = value
    for name, values in shape.organization_inputs:
        word = _of_organizations(getattr(fields, shape.organizations, None), values)
        if word is not None:
            found[name] = word
    return found


def locale(fields: Fields, shape: Shape) -> str | None:
    """Return the ticket's language where a field gives it (the language of the request form)."""
    binding = shape.locale_binding
    if binding is None:
        return None
    value = _system(fields, binding.id)
    text = value.language_code if isinstance(value, Value) else None
    return text if isinstance(text, str) and text else option(value)


def _system(fields: Fields, id_: str) -> Any:
    match id_:
        case "type" | "issuetype":
            return fields.issuetype.name if fields.issuetype else None
        case "project":
            return fields.project.key if fields.project else None
        case "labels":
            return fields.labels
        case "security":
            return None if fields.security is None else "restricted"
        case "requester" | "reporter":
            return fields.reporter.account_id if fields.reporter else None
    return getattr(fields, id_, None)


def fact(value: Any, values: Mapping[str, str]) -> Fact | None:
    """Return a field's value in the policy's words; ``None`` when it is empty or the map does not name it."""
    if isinstance(value, Value):
        shown = value.request_type if isinstance(value.request_type, Value) else value
        text = shown.name if shown.value is None else shown.value  # nearly every one is an option, or a named thing
        if isinstance(text, str) and text and shown.request_type is None and (not values or text in values):
            return values[text] if values else text.casefold()
        return mapped(spellings(value), values)
    if isinstance(value, bool):
        return mapped((str(value).lower(),), values) if values else value
    if isinstance(value, (int, float)):
        return mapped((f"{value:g}", str(value)), values) if values else float(value)
    if isinstance(value, list):
        return frozenset(filter(None, (mapped(spellings(item), values) for item in value))) or None
    return mapped(spellings(value), values)


def _of_organizations(value: Any, values: Mapping[str, str]) -> str | None:
    """Return what the map says of the first of a request's organizations that it names, by name or id."""
    names = [mapped(spellings(item), values) for item in value] if isinstance(value, list) else []
    return next(filter(None, names), None)


def mapped(texts: Iterable[str | None], values: Mapping[str, str]) -> str | None:
    """Return the policy's word for a vendor's value, of which ``texts`` are the spellings, the readable one first.

    Without a map that is the first text, case-folded; with one, what is not in it is missing.
    """
    for text in filter(None, texts):
        if not values:
            return text.casefold()
        word = values.get(text, values.get(text.casefold()))
        if word is not None:
            return word
    return None


def option(value: Any) -> str | None:
    """Return the text of a plain value, an option, a named thing or a request type."""
    return None if value is None else next(filter(None, spellings(value)), None)


def spellings(value: Any) -> tuple[str | None, ...]:
    """Return the texts by which a value may be known: its text or name, then its id."""
    if value is None or value == "":
        return ()
    if isinstance(value, dict):  # inside of a list
        value = msgspec.convert(value, Value)
    if not isinstance(value, Value):
        return (str(value),)
    if isinstance(value.request_type, Value):
        return spellings(value.request_type)
    texts = (value.value, value.name, value.id)
    return tuple([str(text) for text in texts if text is not None and text != ""])
