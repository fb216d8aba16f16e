"""Who exists in the account: users, organizations, groups and memberships."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connector.sandbox.core.roster import Group, Organization, Person, Roster
from connector.sandbox.zendesk.errors import not_found

GROUP_IDS = {"service-desk": 101, "second-line": 102, "specialists": 103, "security-incident": 104, "legal": 105}
AGENT_IDS = {"duty-manager": 501, "anna": 502, "ben": 503}
WRITER, READER = 900, 901
ROLES = {
    "customer": "end-user",
    "employee": "end-user",
    "light": "agent",
    "agent": "agent",
    "admin": "admin",
    "bot": "agent",
}


@dataclass(slots=True, kw_only=True)
class User:
    """An account of the site; ``key`` is its name in scripts and in the ground truth."""

    id: int
    key: str
    name: str
    email: str
    role: str
    created_at: int
    is_bot: bool = False
    is_light: bool = False
    locale: str = "en"
    timezone: str = "Europe/Berlin"
    tags: tuple[str, ...] = ()
    organization_id: int | None = None
    group_ids: tuple[int, ...] = ()
    active: bool = True
    suspended: bool = False

    @property
    def is_agent(self) -> bool:
        """Whether it works here, as agent or admin."""
        return self.role != "end-user"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZendeskGroup:
    """A group of agents."""

    id: int
    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ZendeskOrganization:
    """A customer's organization."""

    id: int
    key: str
    name: str
    tier: str | None
    region: str | None
    tags: tuple[str, ...]


class Directory:
    """Everybody by id and by key, with ids given out in the roster's order."""

    def __init__(self, roster: Roster, created_at: int) -> None:
        self.created_at = created_at
        given = roster.groups or tuple(Group(key=key, name=key.replace("-", " ").title()) for key in GROUP_IDS)
        self.groups: dict[int, ZendeskGroup] = _by_id(_numbered_groups(given))
        self.organizations: dict[int, ZendeskOrganization] = _by_id(_numbered_organizations(roster.organizations))
        self._group_ids: dict[str, int] = {group.key: group.id for group in self.groups.values()}
        self._organization_ids: dict[str, int] = {
            organization.key: organization.id for organization in self.organizations.values()
        }
        self.users: dict[int, User] = {}
        self._user_ids: dict[str, int] = {}
        self._members: dict[int, tuple[int, ...]] | None = None
        self._next_free = {"customer": 1001, "agent": 504}
        for person in roster.people:
            self.add(self._user(person))
        for user in self._own_accounts():
            self.add(user)

    def add(self, user: User) -> None:
        """Take in one more user."""
        self.users[user.id] = user
        self._members = None
        self._user_ids[user.key] = user.id

    def user(self, key: str) -> User:
        """Find a user by roster key.

        Raises:
            KeyError: Nobody has it.
        """
        return self.users[self._user_ids[key]]

    def group_id(self, key: str) -> int:
        """Find a group's id by roster key.

        Raises:
            KeyError: There is no such group.
        """
        return self._group_ids[key]

    def group_key(self, group_id: int | None) -> str | None:
        """The roster key of a group."""
        return self.groups[group_id].key if group_id is not None else None

    def user_key(self, user_id: int | None) -> str | None:
        """The roster key of a user."""
        return self.users[user_id].key if user_id is not None else None

    def find_user(self, user_id: int) -> User:
        """A user by id, or 404."""
        if user_id not in self.users:
            raise not_found()
        return self.users[user_id]

    def members(self, group_id: int) -> tuple[int, ...]:
        """The ids of a group's agents, in order."""
        if self._members is None:
            self._members = _members(self.users)
        return self._members.get(group_id, ())

    def memberships(self) -> Iterator[tuple[int, User, int, bool]]:
        """Membership id, user, group id, and whether it is the user's default."""
        for user in sorted(self.users.values(), key=lambda u: u.id):
            for place, group_id in enumerate(user.group_ids):
                yield user.id * 100 + place, user, group_id, place == 0

    def _user(self, person: Person) -> User:
        return User(
            id=self._next_id(person),
            key=person.key,
            name=person.name,
            email=person.email,
            role=ROLES[person.role],
            created_at=self.created_at,
            is_bot=person.role == "bot",
            is_light=person.role == "light",
            locale=person.locale,
            timezone=person.timezone,
            tags=person.tags,
            organization_id=self._organization_ids[person.organization] if person.organization else None,
            group_ids=tuple(self._group_ids[key] for key in person.groups),
        )

    def _next_id(self, person: Person) -> int:
        if person.key in AGENT_IDS and ROLES[person.role] != "end-user":
            return AGENT_IDS[person.key]
        kind = "customer" if ROLES[person.role] == "end-user" else "agent"
        found = _free(self._next_free[kind], self.users)
        self._next_free[kind] = found + 1
        return found

    def _own_accounts(self) -> tuple[User, User]:
        writer = User(
            id=WRITER,
            key="connector-writer",
            name="Escalation Connector",
            email="connector-writer@sandbox.example",
            role="agent",
            created_at=self.created_at,
        )
        reader = User(
            id=READER,
            key="connector-reader",
            name="Escalation Connector (reader)",
            email="connector-reader@sandbox.example",
            role="admin",
            created_at=self.created_at,
        )
        return writer, reader


def _members(users: dict[int, User]) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = {}
    for user_id in sorted(users):
        for group_id in users[user_id].group_ids:
            found.setdefault(group_id, []).append(user_id)
    return {group_id: tuple(ids) for group_id, ids in found.items()}


def _by_id(things: Iterator[Any]) -> dict[int, Any]:
    return {thing.id: thing for thing in things}


def _free(start: int, taken: dict[int, Any]) -> int:
    while start in taken or start in (WRITER, READER):
        start += 1
    return start


def _numbered_groups(groups: tuple[Group, ...]) -> Iterator[ZendeskGroup]:
    taken = {GROUP_IDS[group.key]: group for group in groups if group.key in GROUP_IDS}
    for group in groups:
        group_id = GROUP_IDS[group.key] if group.key in GROUP_IDS else _free(106, taken)
        taken[group_id] = group
        yield ZendeskGroup(id=group_id, key=group.key, name=group.name)


def _numbered_organizations(organizations: tuple[Organization, ...]) -> Iterator[ZendeskOrganization]:
    for place, org in enumerate(organizations):
        yield ZendeskOrganization(
            id=3001 + place, key=org.key, name=org.name, tier=org.tier, region=org.region, tags=org.tags
        )
