"""Who is who on one Zendesk site, and who may write commands: learnt from pages, asked for where they do not tell.

A light agent works inside without an agent's seat: they can neither answer nor own a ticket, and command nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from connector.domain.events import Role
from connector.domain.site import FieldMap
from connector.errors import Denied, Rejected
from connector.helpdesks.transport import Client
from connector.helpdesks.zendesk import normalise, shapes, wire

KEPT_FOR = timedelta(minutes=10)
"""How long the members of the groups that may command are taken as read."""

KNOWN_FOR = timedelta(hours=1)
"""How long roles are taken as read: an agent may become a light one, or a customer."""

MOST_PAGES = 100
_MOST_ROLES = 50_000
_LIGHT = 1
"""``role_type`` of a light agent."""


class Roles:
    """The site's thread owns it. ``ours`` are our own accounts, once they are known."""

    def __init__(self, client: Client, fields: FieldMap) -> None:
        self._http = client
        self._fields = fields
        self._known: dict[int, Role] = {}
        self._known_since: datetime | None = None
        self._members: frozenset[str] = frozenset()
        self._members_at: datetime | None = None
        self.ours: frozenset[str] = frozenset()

    def of(self, id_: int) -> Role:
        """Return an account's role as far as it is known; what the site's map says of it goes first."""
        if str(id_) in self.ours:
            return Role.OURS
        if str(id_) in self._fields.automations:
            return Role.AUTOMATION
        return self._known.get(id_, Role.UNKNOWN)

    def note(self, roles: Mapping[int, Role]) -> None:
        """Note the roles that came along with a page: of all agents, and of whoever was known as something else."""
        self._known |= {id_: role for id_, role in roles.items() if role is Role.AGENT or id_ in self._known}

    def learn(self, ids: Iterable[int]) -> None:
        """Ask for the roles of accounts that are not known yet; what is known is forgotten every ``KNOWN_FOR``.

        Raises:
            Unavailable: Zendesk does not answer.
        """
        now = self._http.adapter.server_now()
        if self._known_since is None or now - self._known_since >= KNOWN_FOR or len(self._known) > _MOST_ROLES:
            self._known.clear()
            self._known_since = now
        unknown = sorted(id_ for id_ in ids if self.of(id_) is Role.UNKNOWN)
        for chunk in _chunks(unknown, wire.MOST_IDS):
            answer = self._http.call(wire.people("users", chunk))
            reply = normalise.decoded(answer.body, shapes.UsersReply, what="users")
            self._known |= {user.id: role_of(user) for user in reply.users if user.id is not None}

    # ---- commands

    def may_command(self, account: str) -> bool:
        """True when the site's map lets this agent write ``/esc`` commands; without a rule there every agent may.

        Raises:
            Unavailable: Zendesk does not answer.
        """
        fields = self._fields
        if account in fields.commanders or not (fields.commanders or fields.command_groups):
            return True
        return account in self._commanders()

    def _commanders(self) -> frozenset[str]:
        now = self._http.adapter.server_now()
        if self._members_at is None or now - self._members_at >= KEPT_FOR:
            groups = sorted(self._fields.command_groups)
            self._members = frozenset(id_ for group in groups for id_ in self._members_of(group))
            self._members_at = now
        return self._members

    def _members_of(self, group: str) -> Iterator[str]:
        """Yield the members of a group; one that is gone, or hidden from us, has none."""
        after = ""
        for _ in range(MOST_PAGES):
            try:
                answer = self._http.call(wire.memberships(group, after=after))
            except (Rejected, Denied):
                return
            page = normalise.decoded(answer.body, shapes.Memberships, what=f"members of group {group}")
            yield from (str(m.user_id) for m in page.group_memberships if m.user_id is not None)
            before, after = after, (page.meta.after_cursor or "") if page.meta and page.meta.has_more else ""
            if not after or after == before:
                return


def told_roles(users: Mapping[int, shapes.User]) -> Mapping[int, Role]:
    """Return the roles that a page's users tell by themselves.

    An agent's record may come without what tells a light agent from a full one: then it says nothing, since whoever is
    light would be taken for somebody who may command.
    """
    return {id_: role_of(user) for id_, user in users.items() if user.role and _is_telling(user)}


def _is_telling(user: shapes.User) -> bool:
    return user.role != "agent" or user.role_type is not None or user.only_private_comments is not None


def role_of(user: shapes.User) -> Role:
    """Return what an account is by its own record."""
    if user.role == "end-user":
        return Role.CUSTOMER
    light = is_light(user.role, user.role_type, only_private_comments=bool(user.only_private_comments))
    return Role.COLLABORATOR if light else Role.AGENT


def is_light(role: str | None, role_type: int | None, *, only_private_comments: bool) -> bool:
    """True for a light agent, who can own no ticket."""
    return role_type == _LIGHT or (only_private_comments and role == "agent")


def _chunks(items: list[int], size: int) -> Iterator[tuple[int, ...]]:
    iterator = iter(items)
    while chunk := tuple(itertools.islice(iterator, size)):
        yield chunk
