"""What a Zendesk credential may, beside what the connector needs: its account's role and its token's scopes."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import msgspec

from connector.errors import Denied, Rejected
from connector.helpdesks.signing_in import refusal
from connector.helpdesks.transport import Client, Request
from connector.helpdesks.zendesk import normalise, wire
from connector.ports.inspection import Finding, Verdict, Wanted

_WRITE = frozenset({"write", "tickets:write", "tickets"})
_READ = frozenset({"read", "tickets:read", "tickets"})
"""A resource's name alone means both reading and writing it."""

_SCOPE_REMEDY = "the client's scopes, and `scope` in connector.yaml"


_SEARCHES = "use an agent's client: the search needs no more"


class _User(msgspec.Struct):
    id: int | None = None
    role: str = ""


class _Me(msgspec.Struct):
    user: _User


class _Token(msgspec.Struct):
    scopes: list[str] = []


class _Current(msgspec.Struct):
    token: _Token


def of_reader(client: Client, wanted: Wanted, *, alone: bool) -> Generator[Finding, None, str]:
    """Yield what the reader lacks and has too much; return its account, empty where it is not let in.

    ``alone``: there is no writer, so this credential writes as well.
    """
    me = _me("reader", client)
    if isinstance(me, Finding):
        yield me
        return ""
    if wanted.searches:
        yield _role("reader", "agent", me.role, remedy="give it a seat")
    else:
        remedy = "use an admin's client with the scope read, or let the site be read by search"
        yield _role("reader", "admin", me.role, remedy=remedy)
    if me.role == "admin" and alone and wanted.effects:
        remedy = _SEARCHES if wanted.searches else "use two: an admin's client that reads, and an agent's that writes"
        why = "an admin's credential that writes tickets can change everything else as well"
        yield _excess("reader and writer: one credential, of an admin", why, remedy)
    elif me.role == "admin" and wanted.searches:
        yield _excess("reader: role admin", "", _SEARCHES)
    yield from _credential("reader", client, me, writes=bool(wanted.effects) if alone else None)
    return str(me.id)


def of_writer(client: Client, wanted: Wanted) -> Generator[Finding, None, str]:
    """Yield what the writer lacks and has too much; return its account, empty where it is not let in."""
    me = _me("writer", client)
    if isinstance(me, Finding):
        yield me
        return ""
    if me.role == "admin":
        yield _excess("writer: role admin", "", "use an agent's client: an agent's role is enough to write")
    else:
        yield _role("writer", "agent", me.role, remedy="give it a seat")
    yield from _credential("writer", client, me, writes=bool(wanted.effects))
    return str(me.id)


def _me(role: str, client: Client) -> _User | Finding:
    """Return the account behind a credential, or what to say where the site does not let it in."""
    hint = ", or may not ask for the scopes that `scope` names"
    nobody = Denied("Zendesk takes us for nobody", about="credentials")
    try:
        user = normalise.decoded(client.call(wire.me()).body, _Me, what="users/me").user
    except (Denied, Rejected) as error:
        if isinstance(error, Denied) and error.about == "permission":
            remedy = f"widen {_SCOPE_REMEDY}"
            return Finding(verdict=Verdict.MISSING, what=f"{role}: scope read", why=str(error), remedy=remedy)
        return refusal(role, client, error, hint=hint)
    return user if user.id else refusal(role, client, nobody, hint=hint)


def _role(who: str, needed: str, held: str, *, remedy: str) -> Finding:
    if held in {needed, "admin"}:
        return Finding(verdict=Verdict.OK, what=f"{who}: role {held}")
    return Finding(verdict=Verdict.MISSING, what=f"{who}: role {needed}", why=f"it is {held}", remedy=remedy)


def _credential(role: str, client: Client, me: _User, *, writes: bool | None) -> Iterator[Finding]:
    """Yield what a credential lacks and what it has too much.

    ``writes``: whether what it may write is used; ``None`` for one that is there for reading alone.
    """
    if client.adapter.scheme == "Basic":
        holder = "an admin's API token" if me.role == "admin" else "an API token"
        why = f"{holder} may read and write whatever its account may, and cannot be narrowed"
        remedy = "use an OAuth client with its own scopes; API tokens end on 2027-04-30"
        yield _excess(f"{role}: API token", why, remedy)
        return
    try:
        scopes = _scopes(client)
    except (Rejected, Denied) as error:
        remedy = "look at the client's scopes by hand"
        yield Finding(verdict=Verdict.UNKNOWN, what=f"{role}: scopes", why=str(error), remedy=remedy)
        return
    yield _scope(role, "read", scopes & _READ)
    if writes:
        yield _scope(role, "write", scopes & _WRITE)
    yield from _too_wide(role, scopes, writes=writes)


def _scopes(client: Client) -> frozenset[str]:
    answer = client.call(Request("GET", "/api/v2/oauth/tokens/current.json"))
    return frozenset(normalise.decoded(answer.body, _Current, what="token").token.scopes)


def _scope(role: str, name: str, held: frozenset[str]) -> Finding:
    verdict, remedy = (Verdict.OK, "") if held else (Verdict.MISSING, f"widen {_SCOPE_REMEDY}")
    return Finding(verdict=verdict, what=f"{role}: scope {name}", remedy=remedy)


def _too_wide(role: str, scopes: frozenset[str], *, writes: bool | None) -> Iterator[Finding]:
    """Yield every scope with which more can be done than reading, and writing tickets where that is switched on."""
    harmless = {scope for scope in scopes if scope == "read" or scope.endswith(":read")}
    for scope in sorted(scopes - harmless - (_WRITE if writes else set())):
        why = "the connector never uses it"
        if scope in _WRITE:
            why = "the reader writes nothing" if writes is None else "needed only once an effect is switched on"
        yield _excess(f"{role}: scope {scope}", why, f"narrow {_SCOPE_REMEDY}")


def _excess(what: str, why: str, remedy: str) -> Finding:
    return Finding(verdict=Verdict.EXCESS, what=what, why=why, remedy=remedy)
