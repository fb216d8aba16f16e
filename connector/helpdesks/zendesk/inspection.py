"""``check`` on a Zendesk site: roles and scopes of both credentials, and whether what the map names is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from connector.domain.site import Binding, BindingSource, FieldMap
from connector.helpdesks.signing_in import same_account
from connector.helpdesks.transport import Client, Request
from connector.helpdesks.zendesk import normalise, rights, wire
from connector.helpdesks.zendesk.roles import is_light
from connector.ports.inspection import Finding, Verdict, Wanted


class _User(msgspec.Struct):
    id: int = 0
    role: str = ""
    active: bool = True
    suspended: bool | None = False
    role_type: int | None = None
    only_private_comments: bool | None = None

    @property
    def can_own(self) -> bool:
        """True for an account that tickets can be given to."""
        light = is_light(self.role, self.role_type, only_private_comments=bool(self.only_private_comments))
        return self.active and not self.suspended and self.role in {"agent", "admin"} and not light


class _Users(msgspec.Struct):
    users: list[_User] = []


class _Option(msgspec.Struct):
    value: str = ""


class _Field(msgspec.Struct):
    id: int
    active: bool = True
    custom_field_options: list[_Option] | None = None


class _Meta(msgspec.Struct):
    has_more: bool = False
    after_cursor: str | None = None


class _Fields(msgspec.Struct):
    ticket_fields: list[_Field] = []
    meta: _Meta | None = None


class _Group(msgspec.Struct):
    id: int
    deleted: bool = False


class _Groups(msgspec.Struct):
    groups: list[_Group] = []
    meta: _Meta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ZendeskInspector:
    """An ``Inspector``. ``writer`` is the reader's client where one credential does both."""

    reader: Client
    writer: Client
    names: FieldMap

    def inspect(self, wanted: Wanted, /) -> Iterator[Finding]:
        """Yield who we are, roles and scopes of each credential, then the map's bindings."""
        alone = self.writer is self.reader
        reader = yield from rights.of_reader(self.reader, wanted, alone=alone)
        if not alone:
            writer = yield from rights.of_writer(self.writer, wanted)
            if reader and (one := same_account(reader, writer)):
                yield one
        if not reader:
            return
        fields = {str(f.id): f for f in self._all_fields() if f.active}
        yield from self._fields(fields)
        groups = {str(g.id) for g in self._all_groups() if not g.deleted}
        yield from _bound("group", self.names.groups, groups)
        yield from _bound("person", self.names.people, self._agents())

    def _fields(self, known: Mapping[str, _Field]) -> Iterator[Finding]:
        names = self.names
        own = {"level": names.level, "path": names.path, "next_due": names.next_due}
        bound: dict[str, Binding | None] = {f"input {name}": binding for name, binding in names.inputs.items()}
        bound.update(own)
        for what, binding in bound.items():
            if binding is None or binding.source is not BindingSource.FIELD or not binding.id.isdecimal():
                continue
            field = known.get(binding.id)
            if field is None:
                remedy = "correct it in the site's map"
                yield Finding(verdict=Verdict.BROKEN, what=f"{what}: field {binding.id}", remedy=remedy)
                continue
            yield Finding(verdict=Verdict.OK, what=f"{what}: field {binding.id}")
            options = {option.value for option in field.custom_field_options or ()}
            for value in sorted(set(binding.values) - options) if options else ():
                why = f"field {binding.id} has no such option"
                yield Finding(verdict=Verdict.BROKEN, what=f"{what}: option {value}", why=why, remedy="correct the map")

    def _agents(self) -> set[str]:
        ids = [int(id_) for id_ in self.names.people.values() if id_.isdecimal()]
        found: set[str] = set()
        for start in range(0, len(ids), wire.MOST_IDS):
            answer = self.reader.call(wire.people("users", ids[start : start + wire.MOST_IDS]))
            users = normalise.decoded(answer.body, _Users, what="users").users
            found |= {str(u.id) for u in users if u.can_own}
        return found

    def _all_fields(self) -> Iterator[_Field]:
        after = ""
        while True:
            answer = self.reader.call(_page("/api/v2/ticket_fields.json", after))
            page = normalise.decoded(answer.body, _Fields, what="ticket fields")
            yield from page.ticket_fields
            before, after = after, (page.meta.after_cursor or "") if page.meta and page.meta.has_more else ""
            if not after or after == before:
                return

    def _all_groups(self) -> Iterator[_Group]:
        after = ""
        while True:
            answer = self.reader.call(_page("/api/v2/groups.json", after))
            page = normalise.decoded(answer.body, _Groups, what="groups")
            yield from page.groups
            before, after = after, (page.meta.after_cursor or "") if page.meta and page.meta.has_more else ""
            if not after or after == before:
                return


def _page(path: str, after: str) -> Request:
    return Request("GET", path, (("page[size]", "100"), *((("page[after]", after),) if after else ())))


def _bound(kind: str, bound: Mapping[str, str], known: set[str]) -> Iterator[Finding]:
    for name, id_ in bound.items():
        there = id_ in known
        doubts = "unknown, not active or a light agent" if kind == "person" else "unknown or not active"
        why = "" if there else f"{id_} is {doubts}"
        remedy = "" if there else "correct it in the site's map"
        yield Finding(verdict=Verdict.OK if there else Verdict.BROKEN, what=f"{kind} {name}", why=why, remedy=remedy)
