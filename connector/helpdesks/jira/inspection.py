"""``check`` on a Jira site: what both accounts may, and whether what the map names is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from connector.domain.site import FieldMap
from connector.errors import Denied, HelpdeskError, Rejected
from connector.helpdesks.jira import pages, rights, wire
from connector.helpdesks.jira.structs import FieldInfo, Myself
from connector.helpdesks.signing_in import refusal, same_account
from connector.helpdesks.transport import Client
from connector.ports.inspection import Finding, Verdict, Wanted


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
        """Yield who we are, rights per account and project, then the map's bindings.

        Who we are comes first: Jira answers a wrong token as if nobody had asked, and then every right is missing.
        """
        accounts = dict[str, str]()
        for role, client in self._roles():
            told = _account(role, client)
            if isinstance(told, Finding):
                yield told
                continue
            accounts[role] = told
            yield Finding(verdict=Verdict.OK, what=f"{role}: sign-in")
            effects = () if role == "reader" else wanted.effects
            yield from _scopes(role, client, writes=bool(effects))
            needs = rights.needed(effects)
            for project in self.projects:
                yield from _rights(role, client, project, needs)
        if len(accounts) > 1 and (one := same_account(*accounts.values())):
            yield one
        if "reader" in accounts or "account" in accounts:
            yield from self._bindings()

    def _roles(self) -> tuple[tuple[str, Client], ...]:
        if self.reader is self.writer:
            return (("account", self.reader),)
        return (("reader", self.reader), ("writer", self.writer))

    def _bindings(self) -> Iterator[Finding]:
        fields = pages.decoded(self.reader.call(wire.all_fields()).body, list[FieldInfo], what="fields")
        yield from self._fields({f.id for f in fields} | {f.name for f in fields if f.name})
        yield from self._priorities()
        yield from self._people()

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


def _account(role: str, client: Client) -> str | Finding:
    """Return the account's id, or what to say where the site does not let it in."""
    nobody = Denied("Jira takes us for nobody", about="credentials")
    hint = "; a scoped token and a service account need `api_base`"
    try:
        account = pages.decoded(client.call(wire.myself()).body, Myself, what="myself").account_id
    except (Denied, Rejected) as error:
        return refusal(role, client, error, hint=hint)
    return account or refusal(role, client, nobody, hint=hint)


def _scopes(role: str, client: Client, *, writes: bool) -> Iterator[Finding]:
    """Yield what an OAuth token was granted too much; a token of another kind tells nothing of its scopes."""
    for scope in rights.scopes_beyond(client.adapter.scopes, writes=writes):
        why = "the connector never uses it"
        if scope in rights.SCOPES:
            why = "the reader writes nothing" if role == "reader" else "needed only once an effect is switched on"
        remedy = "narrow the client's scopes, and `scope` in connector.yaml"
        yield Finding(verdict=Verdict.EXCESS, what=f"{role}: scope {scope}", why=why, remedy=remedy)


def _rights(role: str, client: Client, project: str, needs: Sequence[str]) -> Iterator[Finding]:
    try:
        held = _held(client, project, needs)
    except Rejected as error:
        yield Finding(verdict=Verdict.MISSING, what=f"{role}: project {project}", why=str(error), remedy="share it")
        return
    for right in needs:
        missing = right not in held
        yield Finding(
            verdict=Verdict.MISSING if missing else Verdict.OK,
            what=f"{role}: {right} in {project}",
            remedy=f"give it in {project}'s permission scheme" if missing else "",
        )
    yield from _excess(role, client, project, rights.beyond(needs))


def _excess(role: str, client: Client, project: str, beyond: Sequence[str]) -> Iterator[Finding]:
    try:
        held = _held(client, project, beyond)
    except Rejected as error:  # a permission that this site does not know spoils the question, not the needed ones
        what, remedy = f"{role}: rights beyond need in {project}", "look at the account's groups and roles by hand"
        yield Finding(verdict=Verdict.UNKNOWN, what=what, why=str(error), remedy=remedy)
        return
    for right in (r for r in beyond if r in held):
        place = "the global permissions" if right in rights.GLOBAL else f"{project}'s permission scheme"
        yield Finding(
            verdict=Verdict.EXCESS,
            what=f"{role}: {right} in {project}",
            why=_why_unneeded(role, right),
            remedy=f"take it away in {place}",
        )


def _why_unneeded(role: str, right: str) -> str:
    effects = rights.effects_with(right)
    if effects and role == "reader":
        return "the reader writes nothing"
    return f"needed only with {' or '.join(effects)}, switched off here" if effects else "the connector never uses it"


def _held(client: Client, project: str, asked: Sequence[str]) -> set[str]:
    answer = client.call(wire.may(project, sorted(asked)))
    told = pages.decoded(answer.body, _Permissions, what="mypermissions").permissions
    return {name for name, permission in told.items() if permission.have}


class _User(msgspec.Struct):
    account: str = msgspec.field(default="", name="accountId")
    active: bool = False


class _Users(msgspec.Struct):
    values: list[_User] = []
