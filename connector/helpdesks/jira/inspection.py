"""``check`` on a Jira site: what both accounts may, and whether what the map names is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from connector.domain.site import Effect, FieldMap
from connector.errors import HelpdeskError, Rejected
from connector.helpdesks.jira import pages, wire
from connector.helpdesks.jira.structs import FieldInfo
from connector.helpdesks.transport import Client
from connector.ports.inspection import Finding, Verdict, Wanted

READING = ("BROWSE_PROJECTS", "SERVICEDESK_AGENT")
WRITING: Mapping[Effect, tuple[str, ...]] = MappingProxyType(
    {
        Effect.FIELDS: ("EDIT_ISSUES",),
        Effect.NOTES: ("ADD_COMMENTS", "DELETE_OWN_COMMENTS"),
        Effect.ASSIGN: ("EDIT_ISSUES", "ASSIGN_ISSUES"),
        Effect.PUBLIC: ("ADD_COMMENTS", "DELETE_OWN_COMMENTS"),
    }
)
_WRITES = tuple(dict.fromkeys(right for rights in WRITING.values() for right in rights))
HARMFUL = ("ADMINISTER", "ADMINISTER_PROJECTS", "DELETE_ISSUES", "DELETE_ALL_COMMENTS")


class _Permission(msgspec.Struct):
    have: bool = msgspec.field(default=False, name="havePermission")


class _Permissions(msgspec.Struct):
    permissions: dict[str, _Permission] = {}


class _Named(msgspec.Struct):
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraInspector:
    """An ``Inspector``. ``writer`` is the reader's client where one account does both."""

    reader: Client
    writer: Client
    names: FieldMap
    projects: Sequence[str]

    def inspect(self, wanted: Wanted, /) -> Iterator[Finding]:
        """Yield rights per account and project, then the map's bindings."""
        for project in self.projects:
            yield from self._rights(project, wanted)
        fields = pages.decoded(self.reader.call(wire.all_fields()).body, list[FieldInfo], what="fields")
        yield from self._fields({f.id for f in fields} | {f.name for f in fields if f.name})
        yield from self._priorities()
        yield from self._people()

    def _rights(self, project: str, wanted: Wanted) -> Iterator[Finding]:
        needed = tuple(dict.fromkeys(right for e in sorted(wanted.effects) for right in WRITING[e]))
        if self.reader is self.writer:
            yield from self._of("account", self.reader, project, needs=(*READING, *needed), excess=HARMFUL)
            return
        yield from self._of("reader", self.reader, project, needs=READING, excess=(*HARMFUL, *_WRITES))
        yield from self._of("writer", self.writer, project, needs=(*READING, *needed), excess=HARMFUL)

    def _of(
        self, role: str, client: Client, project: str, *, needs: Sequence[str], excess: Sequence[str]
    ) -> Iterator[Finding]:
        asked = sorted({*needs, *excess})
        try:
            answer = client.call(wire.may(project, asked))
        except Rejected as error:
            yield Finding(verdict=Verdict.MISSING, what=f"{role}: project {project}", why=str(error), remedy="share it")
            return
        told = pages.decoded(answer.body, _Permissions, what="mypermissions").permissions
        held = {name for name, permission in told.items() if permission.have}
        for right in needs:
            missing = right not in held
            yield Finding(
                verdict=Verdict.MISSING if missing else Verdict.OK,
                what=f"{role}: {right} in {project}",
                remedy=f"give it in {project}'s permission scheme" if missing else "",
            )
        for right in (r for r in excess if r in held and r not in needs):
            yield Finding(
                verdict=Verdict.EXCESS,
                what=f"{role}: {right} in {project}",
                why="the connector never uses it",
                remedy="take it away",
            )

    def _fields(self, known: set[str]) -> Iterator[Finding]:
        names = self.names
        own = {"level": names.level, "path": names.path, "next_due": names.next_due, "group_field": names.group_field}
        bound = {**{f"input {name}": binding for name, binding in names.inputs.items()}, **own}
        ids = {what: binding.id for what, binding in bound.items() if binding is not None}
        clocks = {f"clock {clock}": field for field, clock in names.clocks.items()}
        for what, id_ in {**ids, **clocks}.items():
            custom = id_.startswith("customfield_") or what in clocks or what in own
            if custom and id_ not in known:
                yield Finding(
                    verdict=Verdict.BROKEN, what=f"{what}: field {id_}", remedy="correct it in the site's map"
                )
            elif custom:
                yield Finding(verdict=Verdict.OK, what=f"{what}: field {id_}")

    def _priorities(self) -> Iterator[Finding]:
        try:
            answer = self.reader.call(wire.priorities())
        except HelpdeskError as error:
            yield Finding(verdict=Verdict.UNKNOWN, what="priorities", why=str(error))
            return
        known = {row.id for row in pages.decoded(answer.body, list[_Named], what="priorities")}
        for id_ in self.names.priorities.values():
            there = id_ in known
            remedy = "" if there else "correct it in the site's map"
            yield Finding(verdict=Verdict.OK if there else Verdict.BROKEN, what=f"priority {id_}", remedy=remedy)

    def _people(self) -> Iterator[Finding]:
        accounts = self.names.people
        answer = self.reader.call(wire.users(tuple(accounts.values()))) if accounts else None
        told = pages.decoded(answer.body, _Users, what="users").values if answer else []
        active = {user.account for user in told if user.active}
        for name, account in accounts.items():
            there = account in active
            yield Finding(
                verdict=Verdict.OK if there else Verdict.BROKEN,
                what=f"person {name}",
                why="" if there else f"account {account} is unknown or deactivated",
                remedy="" if there else "correct it in the site's map",
            )


class _User(msgspec.Struct):
    account: str = msgspec.field(default="", name="accountId")
    active: bool = False


class _Users(msgspec.Struct):
    values: list[_User] = []
