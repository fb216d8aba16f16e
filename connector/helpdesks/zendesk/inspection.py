"""``check`` on a Zendesk site: roles and scopes of both credentials, and whether what the map names is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from connector.domain.site import Binding, BindingSource, FieldMap
from connector.errors import Denied, Rejected
from connector.helpdesks.transport import Client, Request
from connector.helpdesks.zendesk import normalise, wire
from connector.ports.inspection import Finding, Verdict, Wanted

_WRITE = ("write", "tickets:write")
_READ = ("read", "tickets:read")


class _User(msgspec.Struct):
    id: int = 0
    role: str = ""
    active: bool = True
    suspended: bool | None = False


class _Me(msgspec.Struct):
    user: _User


class _Users(msgspec.Struct):
    users: list[_User] = []


class _Token(msgspec.Struct):
    scopes: list[str] = []


class _Current(msgspec.Struct):
    token: _Token


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
        """Yield roles, scopes, then the map's bindings."""
        yield from self._reader(wanted)
        if self.writer is not self.reader:
            yield from self._writer(wanted)
        fields = {str(f.id): f for f in self._all_fields() if f.active}
        yield from self._fields(fields)
        groups = {str(g.id) for g in self._all_groups() if not g.deleted}
        yield from _bound("group", self.names.groups, groups)
        yield from _bound("person", self.names.people, self._agents())

    def _reader(self, wanted: Wanted) -> Iterator[Finding]:
        role, scopes = _role(self.reader), _scopes(self.reader)
        if role != "admin" and not wanted.searches:
            remedy = "use an admin's client with the scope read, or let the site be read by search"
            yield Finding(verdict=Verdict.MISSING, what="reader: role admin", why=f"it is {role}", remedy=remedy)
        else:
            yield Finding(verdict=Verdict.OK, what=f"reader: role {role}")
        yield from _scope_findings("reader", scopes, needs=_READ, excess=(*_WRITE, "impersonate"), both=self._is_one())

    def _writer(self, wanted: Wanted) -> Iterator[Finding]:
        role, scopes = _role(self.writer), _scopes(self.writer)
        if role == "admin":
            remedy = "use an agent's client: an agent's role is enough to write"
            yield Finding(verdict=Verdict.EXCESS, what="writer: role admin", remedy=remedy)
        elif role != "agent":
            why = f"it is {role}"
            yield Finding(verdict=Verdict.MISSING, what="writer: role agent", why=why, remedy="give it a seat")
        else:
            yield Finding(verdict=Verdict.OK, what="writer: role agent")
        yield from _scope_findings("writer", scopes, needs=_READ, excess=("impersonate",), both=False)
        if wanted.effects:
            yield from _scope_findings("writer", scopes, needs=_WRITE, excess=(), both=False)

    def _is_one(self) -> bool:
        return self.writer is self.reader

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
            found |= {str(u.id) for u in users if u.active and not u.suspended and u.role in {"agent", "admin"}}
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


def _role(client: Client) -> str:
    return normalise.decoded(client.call(wire.me()).body, _Me, what="users/me").user.role


def _scopes(client: Client) -> frozenset[str] | None:
    """Return the scopes of an OAuth token; ``None`` where the credential is none."""
    try:
        answer = client.call(Request("GET", "/api/v2/oauth/tokens/current.json"))
    except (Rejected, Denied):
        return None
    return frozenset(normalise.decoded(answer.body, _Current, what="token").token.scopes)


def _scope_findings(
    role: str, scopes: frozenset[str] | None, *, needs: tuple[str, ...], excess: tuple[str, ...], both: bool
) -> Iterator[Finding]:
    if scopes is None:
        if needs == _READ:
            why = "an API token may do whatever any user may, and cannot be narrowed"
            remedy = "use an OAuth client with its own scopes"
            yield Finding(verdict=Verdict.EXCESS, what=f"{role}: API token", why=why, remedy=remedy)
        return
    there = bool(scopes & set(needs))
    remedy = "" if there else "widen the client's scopes, and `scope` in connector.yaml"
    yield Finding(verdict=Verdict.OK if there else Verdict.MISSING, what=f"{role}: scope {needs[0]}", remedy=remedy)
    for scope in sorted(scopes & set(excess)) if not both else ():
        yield Finding(
            verdict=Verdict.EXCESS,
            what=f"{role}: scope {scope}",
            why="the connector never uses it there",
            remedy="narrow the client's scopes, and `scope` in connector.yaml",
        )


def _bound(kind: str, bound: Mapping[str, str], known: set[str]) -> Iterator[Finding]:
    for name, id_ in bound.items():
        there = id_ in known
        why = "" if there else f"{id_} is unknown or not active"
        remedy = "" if there else "correct it in the site's map"
        yield Finding(verdict=Verdict.OK if there else Verdict.BROKEN, what=f"{kind} {name}", why=why, remedy=remedy)
