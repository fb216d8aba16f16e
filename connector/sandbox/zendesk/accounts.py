"""Who exists in the account: users, organizations, groups, memberships, and how they look on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connector.sandbox.core.roster import Group, Organization, Person, Roster
from connector.sandbox.zendesk.errors import not_found
from connector.sandbox.zendesk.wire import stamp

GROUP_IDS = {"service-desk": 101, "second-line": 102, "specialists": 103, "security-incident": 104, "legal": 105}
AGENT_IDS = {"duty-manager": 501, "anna": 502, "ben": 503}
WRITER, READER = 900, 901
LOCALES = {"en": ("en-US", 1), "es": ("es", 2), "de": ("de", 8), "fr": ("fr", 16), "nl": ("nl", 1005), "ja": ("ja", 67)}
RAILS_ZONES = {"America/New_York": "Eastern Time (US & Canada)", "Asia/Tokyo": "Tokyo", "UTC": "UTC"}
ROLES = {"customer": "end-user", "agent": "agent", "admin": "admin", "bot": "agent"}


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
    locale: str = "en"
    timezone: str = "Europe/Berlin"
    tags: tuple[str, ...] = ()
    organization_id: int | None = None
    group_ids: tuple[int, ...] = ()
    active: bool = True

    @property
    def is_agent(self) -> bool:
        """Whether it works here, as agent or admin."""
        return self.role != "end-user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A group of agents."""

    id: int
    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
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
        self.teams: dict[int, Team] = _by_id(_teams(given))
        self.companies: dict[int, Company] = _by_id(_companies(roster.organizations))
        self._team_ids: dict[str, int] = {team.key: team.id for team in self.teams.values()}
        self._company_ids: dict[str, int] = {company.key: company.id for company in self.companies.values()}
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

    def team_id(self, key: str) -> int:
        """Find a group's id by roster key.

        Raises:
            KeyError: There is no such group.
        """
        return self._team_ids[key]

    def team_key(self, team_id: int | None) -> str | None:
        """The roster key of a group."""
        return self.teams[team_id].key if team_id is not None else None

    def user_key(self, user_id: int | None) -> str | None:
        """The roster key of a user."""
        return self.users[user_id].key if user_id is not None else None

    def find_user(self, user_id: int) -> User:
        """A user by id, or 404."""
        if user_id not in self.users:
            raise not_found()
        return self.users[user_id]

    def members(self, team_id: int) -> tuple[int, ...]:
        """The ids of a group's agents, in order."""
        if self._members is None:
            found: dict[int, list[int]] = {}
            for user in sorted(self.users.values(), key=lambda user: user.id):
                for group_id in user.group_ids:
                    found.setdefault(group_id, []).append(user.id)
            self._members = {group_id: tuple(ids) for group_id, ids in found.items()}
        return self._members.get(team_id, ())

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
            locale=person.locale,
            timezone=person.timezone,
            tags=person.tags,
            organization_id=self._company_ids[person.organization] if person.organization else None,
            group_ids=tuple(self._team_ids[key] for key in person.groups),
        )

    def _next_id(self, person: Person) -> int:
        if person.key in AGENT_IDS and person.role != "customer":
            return AGENT_IDS[person.key]
        kind = "customer" if person.role == "customer" else "agent"
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


def _by_id(things: Iterator[Any]) -> dict[int, Any]:
    return {thing.id: thing for thing in things}


def _free(start: int, taken: dict[int, Any]) -> int:
    while start in taken or start in (WRITER, READER):
        start += 1
    return start


def _teams(groups: tuple[Group, ...]) -> Iterator[Team]:
    taken = {GROUP_IDS[group.key]: group for group in groups if group.key in GROUP_IDS}
    for group in groups:
        team_id = GROUP_IDS[group.key] if group.key in GROUP_IDS else _free(106, taken)
        taken[team_id] = group
        yield Team(id=team_id, key=group.key, name=group.name)


def _companies(organizations: tuple[Organization, ...]) -> Iterator[Company]:
    for place, org in enumerate(organizations):
        yield Company(id=3001 + place, key=org.key, name=org.name, tier=org.tier, region=org.region, tags=org.tags)


def user_json(user: User, origin: str) -> dict[str, Any]:
    """A user as an admin or agent reads it."""
    locale, locale_id = LOCALES.get(user.locale.split("-")[0], (user.locale, 1))
    moment = stamp(user.created_at)
    return {
        "id": user.id,
        "url": f"{origin}/api/v2/users/{user.id}.json",
        "name": user.name,
        "email": user.email,
        "created_at": moment,
        "updated_at": moment,
        "time_zone": RAILS_ZONES.get(user.timezone, user.timezone.rpartition("/")[2]),
        "iana_time_zone": user.timezone,
        "phone": None,
        "shared_phone_number": None,
        "photo": None,
        "locale_id": locale_id,
        "locale": locale,
        "organization_id": user.organization_id,
        "role": user.role,
        "verified": True,
        "external_id": None,
        "tags": list(user.tags),
        "alias": None,
        "active": user.active,
        "shared": False,
        "shared_agent": False,
        "last_login_at": moment if user.is_agent else None,
        "two_factor_auth_enabled": None,
        "signature": None,
        "details": None,
        "notes": None,
        **_rights(user),
        "user_fields": {},
    }


def _rights(user: User) -> dict[str, Any]:
    return {
        "role_type": {"admin": 4, "agent": 0}.get(user.role),
        "custom_role_id": None,
        "moderator": user.is_agent,
        "ticket_restriction": None if user.is_agent else "requested",
        "only_private_comments": False,
        "restricted_agent": not user.is_agent,
        "suspended": False,
        "default_group_id": user.group_ids[0] if user.group_ids else None,
        "report_csv": user.role == "admin",
    }


def team_json(team: Team, origin: str, created_at: int) -> dict[str, Any]:
    """A group."""
    return {
        "url": f"{origin}/api/v2/groups/{team.id}.json",
        "id": team.id,
        "is_public": True,
        "name": team.name,
        "description": "",
        "default": team.id == 101,
        "deleted": False,
        "created_at": stamp(created_at),
        "updated_at": stamp(created_at),
    }


def company_json(company: Company, origin: str, created_at: int) -> dict[str, Any]:
    """An organization with its custom fields ``tier`` and ``region``."""
    return {
        "url": f"{origin}/api/v2/organizations/{company.id}.json",
        "id": company.id,
        "name": company.name,
        "shared_tickets": False,
        "shared_comments": False,
        "external_id": None,
        "created_at": stamp(created_at),
        "updated_at": stamp(created_at),
        "domain_names": [],
        "details": None,
        "notes": None,
        "group_id": None,
        "tags": list(company.tags),
        "organization_fields": {"tier": company.tier, "region": company.region},
    }


def membership_json(row: tuple[int, User, int, bool], origin: str) -> dict[str, Any]:
    """A group membership."""
    membership_id, user, group_id, is_default = row
    return {
        "url": f"{origin}/api/v2/group_memberships/{membership_id}.json",
        "id": membership_id,
        "user_id": user.id,
        "group_id": group_id,
        "default": is_default,
        "created_at": stamp(user.created_at),
        "updated_at": stamp(user.created_at),
    }
