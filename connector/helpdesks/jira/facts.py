"""The policy's inputs from an issue's fields. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connector.domain.site import Binding, BindingSource
from connector.domain.ticket import Fact
from connector.helpdesks.jira.shape import LOCALE, Shape
from connector.helpdesks.jira.structs import Fields


def facts(fields: Fields, shape: Shape) -> Iterator[tuple[str, Fact]]:
    """Yield name and value of every input that the issue states; what Jira leaves empty is missing."""
    for name, binding in shape.fields.inputs.items():
        if name == LOCALE:
            continue
        value = _value(fields, binding, shape)
        if value is not None:
            yield name, value


def locale(fields: Fields, shape: Shape) -> str | None:
    """Return the ticket's language where a field gives it (the language of the request form)."""
    binding = shape.fields.inputs.get(LOCALE)
    if binding is None or binding.source is not BindingSource.FIELD:
        return None
    value = _raw(fields, binding.id)
    text = value.get("languageCode") if isinstance(value, dict) else None
    return text if isinstance(text, str) and text else option(value)


def _value(fields: Fields, binding: Binding, shape: Shape) -> Fact | None:
    match binding.source:
        case BindingSource.FIELD:
            return fact(_raw(fields, binding.id), binding.values)
        case BindingSource.ORGANIZATION:
            return _of_organizations(_raw(fields, shape.organizations), binding)
    return None  # an account in Jira has no fields of its own


def _raw(fields: Fields, id_: str) -> Any:
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
    if isinstance(value, bool):
        return mapped((str(value).lower(),), values) if values else value
    if isinstance(value, int | float):
        return mapped((f"{value:g}", str(value)), values) if values else float(value)
    if isinstance(value, list):
        return frozenset(filter(None, (mapped(spellings(item), values) for item in value))) or None
    return mapped(spellings(value), values)


def _of_organizations(value: Any, binding: Binding) -> Fact | None:
    """Return what the map says of the first of a request's organizations that it names, by name or id."""
    names = [mapped(spellings(item), binding.values) for item in value] if isinstance(value, list) else []
    return next(filter(None, names), None)


def mapped(texts: Iterable[str | None], values: Mapping[str, str]) -> str | None:
    """Return the policy's word for a vendor's value, of which ``texts`` are the spellings, the readable one first.

    Without a map that is the first text, case-folded; with one, what is not in it is missing.
    """
    known = [text for text in texts if text]
    if not values:
        return known[0].casefold() if known else None
    found = (values.get(text, values.get(text.casefold())) for text in known)
    return next((word for word in found if word is not None), None)


def option(value: Any) -> str | None:
    """Return the text of a plain value, an option, a named thing or a request type."""
    return next(filter(None, spellings(value)), None)


def spellings(value: Any) -> tuple[str | None, ...]:
    """Return the texts by which a value may be known: its text or name, then its id."""
    if value is None or value == "":
        return ()
    if not isinstance(value, dict):
        return (str(value),)
    request_type = value.get("requestType")
    if isinstance(request_type, dict):
        return spellings(request_type)
    return tuple(str(value[key]) for key in ("value", "name", "id") if value.get(key) not in {None, ""})
