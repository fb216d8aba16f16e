"""How one site's tickets are to be read: its field map, made ready once, and what was sideloaded. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec

from connector.domain.site import Binding, BindingSource, FieldMap
from connector.domain.ticket import Fact, Priority
from connector.helpdesks.twins import bound_fields
from connector.helpdesks.zendesk import shapes
from connector.helpdesks.zendesk.sieve import Sieve
from connector.helpdesks.zendesk.wire import PRIORITIES

LOCALE = "locale"
"""The input that gives a ticket its language instead of being a fact."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8}){0,3}")


@dataclass(frozen=True, slots=True)
class Known:
    """Sideloaded people and organizations by id."""

    users: Mapping[int, shapes.User] = field(default_factory=dict)
    organizations: Mapping[int, shapes.Organization] = field(default_factory=dict)

    @classmethod
    def of(cls, users: Iterable[shapes.User] | None, organizations: Iterable[shapes.Organization] | None) -> Known:
        """Index what a page brought along."""
        return cls({u.id: u for u in users or () if u.id is not None}, {o.id: o for o in organizations or ()})


@dataclass(frozen=True, kw_only=True)
class View:
    """How one site's tickets are to be read: its name, its map, where people open a ticket, and which are its own."""

    site: str
    fields: FieldMap
    web_base: str
    sieve: Sieve = field(default_factory=Sieve)

    @functools.cached_property
    def custom_ids(self) -> frozenset[int]:
        """Return the ids of the custom fields that anybody reads; the others are skipped."""
        bound = [
            *self.fields.inputs.values(),
            self.fields.level,
            self.fields.path,
            self.fields.next_due,
            self.fields.hold_until,
        ]
        ids = {b.id for b in bound if b and b.source is BindingSource.FIELD} | bound_fields(self.fields.twins)
        return frozenset(int(id_) for id_ in ids if id_.isdecimal())

    @functools.cached_property
    def hold_field(self) -> int | None:
        """Return the id of the field that holds a ticket."""
        bound = self.fields.hold_until
        return int(bound.id) if bound is not None and bound.id.isdecimal() else None

    @functools.cached_property
    def inputs(self) -> tuple[tuple[str, int | Callable[[Parts], Any], Mapping[str, str]], ...]:
        """Return the policy's inputs: name, custom field or how to take the value from a ticket's parts, value map."""
        bound = {name: binding for name, binding in self.fields.inputs.items() if name != LOCALE}
        return tuple((name, _custom_id(b) or _taker(b), dict(b.values)) for name, b in bound.items())

    @functools.cached_property
    def locale(self) -> tuple[Callable[[Parts], str | None], ...]:
        """Return how to read a ticket's language: from the ticket, else its requester, else their organization.

        Every requester in Zendesk has a language; the others have one where the site's map binds a field to it.
        """
        bound = self.fields.inputs.get(LOCALE)
        if bound is None:
            return (_locale_of_user,)
        read = _language_reader(bound)
        is_last = bound.source is BindingSource.ORGANIZATION
        return (_locale_of_user, read) if is_last else (read, _locale_of_user)

    @functools.cached_property
    def priorities(self) -> Mapping[str, Priority]:
        """Return our priorities by Zendesk's names."""
        return {theirs: ours for ours, theirs in (self.fields.priorities or PRIORITIES).items()}

    @functools.cached_property
    def groups(self) -> Mapping[str, str]:
        """Return bound names of groups by vendor id."""
        return {id_: name for name, id_ in self.fields.groups.items()}

    @functools.cached_property
    def people(self) -> Mapping[str, str]:
        """Return bound names of people by vendor id."""
        return {id_: name for name, id_ in self.fields.people.items()}

    @functools.cached_property
    def own(self) -> tuple[Callable[[Parts], Fact | None], Callable[[Parts], Fact | None]]:
        """Return how to read our own fields for level and path."""
        return _reader(self.fields.level), _reader(self.fields.path)


def facts(parts: Parts, view: View) -> Mapping[str, Fact]:
    """Return the policy's inputs of one ticket; those that are missing are absent."""
    found: dict[str, Fact] = {}
    custom = parts.custom
    for name, take, names in view.inputs:
        value = custom.get(take) if isinstance(take, int) else take(parts)
        if value is None:
            continue
        fact = as_fact(value, names)
        if fact is not None:
            found[name] = fact
    return MappingProxyType(found)


def locale(parts: Parts, view: View) -> str | None:
    """Return the ticket's language, ``None`` where nothing names one."""
    return next(filter(None, (read(parts) for read in view.locale)), None)


def named(names: Mapping[str, str], id_: int | None) -> str | None:
    """Return the bound name of a vendor id, ``id:…`` when unbound, ``None`` for none."""
    return None if id_ is None else names.get(str(id_)) or f"id:{id_}"


def id_text(id_: int | None) -> str | None:
    """Return an id as text."""
    return None if id_ is None else str(id_)


_SYSTEM: Mapping[str, Callable[[shapes.Ticket], Any]] = MappingProxyType(
    {
        "type": lambda raw: raw.type,
        "priority": lambda raw: raw.priority,
        "status": lambda raw: raw.status,
        "tags": lambda raw: raw.tags,
        "brand": lambda raw: id_text(raw.brand_id),
        "form": lambda raw: id_text(raw.ticket_form_id),
        "via": lambda raw: raw.via.channel if raw.via else None,
    }
)


class Parts(msgspec.Struct, gc=False):
    """What inputs are taken from; ``custom`` holds only the fields that some input asks for."""

    raw: shapes.Ticket
    custom: dict[int, Any]
    user: shapes.User | None
    organization: shapes.Organization | None


def _reader(binding: Binding | None) -> Callable[[Parts], Fact | None]:
    if binding is None:
        return lambda _parts: None
    take, names = _taker(binding), binding.values
    return lambda parts: None if (value := take(parts)) is None else as_fact(value, names)


def _locale_of_user(parts: Parts) -> str | None:
    return parts.user.locale if parts.user else None


def _language_reader(binding: Binding) -> Callable[[Parts], str | None]:
    take, names = _taker(binding), binding.values

    def read(parts: Parts) -> str | None:
        value = take(parts)
        text = value.strip() if isinstance(value, str) else ""
        tag = names.get(text, "") if names else text
        return tag.replace("_", "-") if _LANGUAGE.fullmatch(tag) else None

    return read


def _custom_id(binding: Binding) -> int:
    """Return the id of the custom field that is bound; 0 for any other binding."""
    return int(binding.id) if binding.source is BindingSource.FIELD and binding.id.isdecimal() else 0


def _taker(binding: Binding) -> Callable[[Parts], Any]:
    name = binding.id
    match binding.source:
        case BindingSource.REQUESTER:
            return _of_user(name)
        case BindingSource.ORGANIZATION:
            return _of_organization(name)
        case BindingSource.FIELD if name.isdecimal():
            id_ = int(name)
            return lambda parts: parts.custom.get(id_)
        case BindingSource.FIELD:
            read = _SYSTEM.get(name)
            return lambda parts: read(parts.raw) if read else None


def as_fact(value: Any, names: Mapping[str, str]) -> Fact | None:
    """Return a vendor's value as the policy knows it; ``None`` when it is empty or the map does not name it."""
    if isinstance(value, str):
        text = value.strip()
        return names.get(text) if names else text.casefold() or None
    if isinstance(value, bool):
        return names.get(str(value).lower()) if names else value
    if isinstance(value, list):
        return frozenset(name for item in value if isinstance(name := as_fact(item, names), str)) or None
    if isinstance(value, (int, float)):
        return names.get(str(value)) if names else float(value)
    return None


def _of_user(name: str) -> Callable[[Parts], Any]:
    if name in {"tags", "locale"}:
        return lambda parts: getattr(parts.user, name, None)

    def read(parts: Parts) -> Any:
        user = parts.user
        return None if user is None or user.user_fields is None else user.user_fields.get(name)

    return read


def _of_organization(name: str) -> Callable[[Parts], Any]:
    if name == "tags":
        return lambda parts: parts.organization.tags if parts.organization else None

    def read(parts: Parts) -> Any:
        found = parts.organization
        return None if found is None or found.organization_fields is None else found.organization_fields.get(name)

    return read


def as_text(value: Fact | None) -> str | None:
    """Return a fact that is text; ``None`` for any other."""
    return value if isinstance(value, str) else None


def as_number(value: Fact | None) -> int | None:
    """Return a fact that is a whole number or reads as one; ``None`` for any other."""
    if isinstance(value, bool) or not isinstance(value, (str, float)):
        return None
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        return None
