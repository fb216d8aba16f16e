"""Tickets on the wire, quickly, and the records that ride along with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from connector.sandbox.zendesk.account_json import group_json, organization_json, user_json
from connector.sandbox.zendesk.desk import Desk
from connector.sandbox.zendesk.errors import stray
from connector.sandbox.zendesk.tally import metric_set
from connector.sandbox.zendesk.ticket import Ticket
from connector.sandbox.zendesk.wire import encode

INSIDE = frozenset({"slas", "metric_sets"})
BESIDE = ("users", "groups", "organizations")


def read_include(words: Iterable[str]) -> tuple[str, ...]:
    """Check the sideloads asked for.

    Raises:
        ApiError: There is no such sideload.
    """
    asked = tuple(words)
    if unknown := tuple(f"include={word}" for word in asked if word not in INSIDE and word not in BESIDE):
        raise stray(unknown)
    return asked


class Wagon:
    """Carries tickets of one desk to one client."""

    def __init__(self, desk: Desk, origin: str, include: Collection[str] = ()) -> None:
        self._desk = desk
        self._origin = origin
        self._include = include
        self._now = desk.now() if desk.options.sla_countdown else None

    def ticket(self, ticket: Ticket, tail: bytes = b"") -> bytes:
        """One ticket with its inner sideloads; ``tail`` is further members, starting with a comma."""
        parts = [ticket.wire(self._desk.fields, self._origin), tail]
        if "slas" in self._include:
            parts += (b',"slas":', self._slas(ticket))
        if "metric_sets" in self._include:
            parts += (b',"metric_set":', self._metric_set(ticket))
        parts.append(b"}")
        return b"".join(parts)

    def page(self, name: str, rows: Iterable[bytes], tickets: Collection[Ticket], rest: dict[str, Any]) -> bytes:
        """A list of tickets under ``name``, the records beside it, and the rest of the answer."""
        parts = [b'{"', name.encode(), b'":[', b",".join(rows), b"]"]
        parts += [b',"' + key.encode() + b'":[' + self._beside(key, tickets) + b"]" for key in self._beside_keys()]
        parts += (b",", encode(rest)[1:]) if rest else (b"}",)
        return b"".join(parts)

    def _beside_keys(self) -> list[str]:
        return [key for key in BESIDE if key in self._include]

    def _slas(self, ticket: Ticket) -> bytes:
        if self._now is not None:
            return encode(self._desk.slas.sideload(ticket, self._now))
        if ticket.slas is None:
            ticket.slas = encode(self._desk.slas.sideload(ticket, None))
        return ticket.slas

    def _metric_set(self, ticket: Ticket) -> bytes:
        if ticket.metrics is None or ticket.metrics[0] != self._origin:
            ticket.metrics = (self._origin, encode(metric_set(ticket, self._origin)))
        return ticket.metrics[1]

    def _beside(self, key: str, tickets: Collection[Ticket]) -> bytes:
        return b",".join(
            {"users": self._users, "groups": self._groups, "organizations": self._organizations}[key](tickets)
        )

    def _users(self, tickets: Collection[Ticket]) -> list[bytes]:
        ids = {t.requester_id for t in tickets} | {t.submitter_id for t in tickets}
        ids |= {t.assignee_id for t in tickets if t.assignee_id is not None}
        users = self._desk.directory.users
        return [self._record(("user", user_id), users[user_id]) for user_id in sorted(ids)]

    def _groups(self, tickets: Collection[Ticket]) -> list[bytes]:
        ids = {t.group_id for t in tickets if t.group_id is not None}
        return [self._record(("group", group_id), self._desk.directory.groups[group_id]) for group_id in sorted(ids)]

    def _organizations(self, tickets: Collection[Ticket]) -> list[bytes]:
        ids = {t.organization_id for t in tickets if t.organization_id is not None}
        organizations = self._desk.directory.organizations
        return [
            self._record(("organization", organization_id), organizations[organization_id])
            for organization_id in sorted(ids)
        ]

    def _record(self, key: tuple[str, int], thing: Any) -> bytes:
        cache = self._desk.records.setdefault(self._origin, {})
        if key not in cache:
            cache[key] = encode(self._record_json(key[0], thing))
        return cache[key]

    def _record_json(self, kind: str, thing: Any) -> dict[str, Any]:
        if kind == "user":
            return user_json(thing, self._origin)
        created_at = self._desk.directory.created_at
        make = group_json if kind == "group" else organization_json
        return make(thing, self._origin, created_at)
