"""What has to be known about one site before its issues can be read. Pure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec

from connector.domain.site import Binding, BindingSource, FieldMap
from connector.domain.ticket import ClockName, Priority
from connector.helpdesks.jira.decoders import fields_struct, page_decoder
from connector.helpdesks.jira.structs import FIXED_FIELDS, Fields, SearchPage
from connector.helpdesks.twins import bound_fields

SYSTEM_INPUTS = ("type", "project", "security", "requester")
"""System inputs that a map may name without a field id."""

LOCALE = "locale"
"""The input that gives a ticket its language instead of being a fact."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What normalising one site's issues needs to know.

    Attributes:
        site: The site's name.
        fields: How vendor fields bind to the policy's names.
        account: The account that we write as.
        readers: Other accounts of ours.
        clocks: SLA field id → our clock, once the names in the map have been looked up.
        organizations: Id of the field with a request's customer organizations; empty: not asked for.
        participants: Id of the field with a request's participants; empty: the site has none.
        web_url: Where people open issues, without a trailing slash.
        categories: Status id → Jira's own category (``new``, ``indeterminate``, ``done``), where they were asked for.
        team: Accounts of the service desk team; ``None`` where Jira does not show it.
    """

    site: str
    fields: FieldMap
    account: str
    web_url: str
    readers: frozenset[str] = frozenset()
    clocks: Mapping[str, ClockName] = field(default_factory=lambda: MappingProxyType({}))
    organizations: str = ""
    participants: str = ""
    team: frozenset[str] | None = None
    categories: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @functools.cached_property
    def ours(self) -> frozenset[str]:
        """Return every account of ours."""
        return self.readers | {self.account}

    @functools.cached_property
    def own(self) -> tuple[Binding, ...]:
        """Return the bindings of our own fields that are read."""
        bound = (self.fields.level, self.fields.path, self.fields.group_field, self.fields.hold_until)
        return tuple(b for b in bound if b is not None)

    @functools.cached_property
    def field_inputs(self) -> tuple[tuple[str, str, Mapping[str, str]], ...]:
        """Return the inputs that stand in the issue itself: name, field and value map."""
        bound = self.fields.inputs.items()
        return tuple((n, b.id, b.values) for n, b in bound if b.source is BindingSource.FIELD and n != LOCALE)

    @functools.cached_property
    def organization_inputs(self) -> tuple[tuple[str, Mapping[str, str]], ...]:
        """Return the inputs that a request's organization gives: name and value map."""
        bound = self.fields.inputs.items()
        return tuple((n, b.values) for n, b in bound if b.source is BindingSource.ORGANIZATION and n != LOCALE)

    @functools.cached_property
    def custom(self) -> tuple[str, ...]:
        """Return ids of the plain custom fields that we read."""
        bindings = [b for b in self.fields.inputs.values() if b.source is BindingSource.FIELD]
        ids = {b.id for b in (*bindings, *self.own)} | set(filter(None, (self.organizations, self.participants)))
        ids |= bound_fields(self.fields.twins)
        return tuple(sorted(ids - set(FIXED_FIELDS) - set(SYSTEM_INPUTS)))

    @functools.cached_property
    def custom_ids(self) -> frozenset[str]:
        """Return the same for asking whether one is among them."""
        return frozenset(self.custom)

    @functools.cached_property
    def slas(self) -> tuple[str, ...]:
        """Return ids of the SLA fields that we read."""
        return tuple(sorted(self.clocks))

    @functools.cached_property
    def asked(self) -> tuple[str, ...]:
        """Return every field to ask for."""
        return (*FIXED_FIELDS, *self.custom, *self.slas)

    @functools.cached_property
    def asked_for_writing(self) -> tuple[str, ...]:
        """Return the fields that a write depends on, read just before it."""
        custom = sorted(b.id for b in self.own)
        return ("status", "priority", "assignee", "labels", "created", "updated", "project", *custom)

    @functools.cached_property
    def decode(self) -> Callable[[bytes | msgspec.Raw], Fields]:
        """Return what decodes this site's fields, made once and not per issue."""
        return msgspec.json.Decoder(self._struct, strict=False).decode

    @functools.cached_property
    def decode_page(self) -> Callable[[bytes], SearchPage]:
        """Return what decodes a page of issues together with their fields."""
        return page_decoder(self._struct).decode

    @functools.cached_property
    def _struct(self) -> type[Fields]:
        return fields_struct(self.custom, self.slas)

    @functools.cached_property
    def priorities(self) -> Mapping[str, Priority]:
        """Return our priorities by Jira's ids."""
        return {theirs: ours for ours, theirs in reversed(tuple(self.fields.priorities.items()))}

    @functools.cached_property
    def people(self) -> Mapping[str, str]:
        """Return bound names of people by account id."""
        return {id_: name for name, id_ in reversed(tuple(self.fields.people.items()))}

    @functools.cached_property
    def locale_binding(self) -> Binding | None:
        """Return the field that gives a ticket its language, where one does."""
        binding = self.fields.inputs.get(LOCALE)
        return binding if binding is not None and binding.source is BindingSource.FIELD else None

    @property
    def wants_organizations(self) -> bool:
        """True when the map binds an input to the requester's organization."""
        return any(b.source is BindingSource.ORGANIZATION for b in self.fields.inputs.values())

    @property
    def wants_languages(self) -> bool:
        """True when the map takes the ticket's language from the requester's account, which has to be asked for."""
        binding = self.fields.inputs.get(LOCALE)
        return binding is not None and (binding.source, binding.id) == (BindingSource.REQUESTER, LOCALE)


def moment(text: str) -> datetime:
    """Return Jira's ``2026-11-22T02:00:00.000+0100`` in UTC; raises ``ValueError``, also without an offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def version_at(updated_at: datetime) -> str:
    """Return the version of an observation: ``updated`` in UTC, to the millisecond.

    Jira writes moments in the time zone of whoever asks, so the same one reads differently to reader and writer. It is
    spelled out, because ``isoformat`` asks the zone for an offset that is known and takes twice as long.
    """
    at = updated_at
    parts = at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 1000
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03d+00:00" % parts  # noqa: UP031 - half the time of an f-string's seven
