"""Who exists: people, organizations and groups, in words that both vendors share.

A site gives each entry its own vendor id; scripts name entries by ``key``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["customer", "employee", "light", "agent", "admin", "bot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A customer's company.

    Attributes:
        tier: Contract tier such as ``platinum``; vendors keep it in an organization field.
        region: ``eu``, ``us``, ``jp`` …; likewise.
    """

    key: str
    name: str
    tier: str | None = None
    region: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A team that tickets are given to."""

    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an account at a site.

    Attributes:
        role: ``bot`` is an automation with an agent's rights (a rival of the connector); ``light`` works inside without
            an agent's seat (a light agent, a collaborator); ``employee`` is a colleague who asks like a customer.
        locale: Language tag such as ``de`` or ``ja``.
        groups: Keys of the groups that an agent belongs to.
        organization: Key of a customer's organization.
    """

    key: str
    name: str
    email: str
    role: Role = "customer"
    locale: str = "en"
    timezone: str = "Europe/Berlin"
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    organization: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everybody at one site.

    The connector's own accounts are not in it: a site adds them itself (a reader and a writer)
    and describes their credentials in ``Site.describe``.

    Attributes:
        choices: Values of further select fields by neutral field name, such as ``category``.
    """

    people: tuple[Person, ...] = ()
    organizations: tuple[Organization, ...] = ()
    groups: tuple[Group, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def person(self, key: str) -> Person:
        """Find a person by key.

        Raises:
            KeyError: Nobody has this key.
        """
        found = next((person for person in self.people if person.key == key), None)
        if found is None:
            raise KeyError(f"no person {key!r} in the roster")
        return found
