"""Who stands behind the bound names on one Zendesk site, asked through zenpy: rare calls, kept for a while."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests
from zenpy import Zenpy

from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.site import FieldMap
from connector.domain.situation import Reach
from connector.errors import Denied, HelpdeskError, Rejected
from connector.helpdesks.transport import Pin, PinnedAdapter
from connector.helpdesks.zendesk import wire
from connector.helpdesks.zendesk.roles import is_light

KEPT_FOR = timedelta(minutes=10)
"""How long groups, their members and the bound people are taken as read."""

MOST_ALONE = 25
"""People who are asked for one by one, where they are missing from an answer; of the others nothing is told."""

ZENPY_SUBDOMAIN, ZENPY_DOMAIN = "pinned", "zendesk.invalid"
ZENPY_ORIGIN = f"https://{ZENPY_SUBDOMAIN}.{ZENPY_DOMAIN}"
"""What zenpy builds by itself; the transport maps it to the configured origin."""

_UNTOLD = "Zendesk does not tell whether its people are active agents"
_AGENTS = frozenset({"agent", "admin"})


def zenpy_client(adapter: PinnedAdapter) -> Zenpy:
    """Return a zenpy client on our transport, its cache off; it belongs to the calling thread alone."""
    logging.getLogger("zenpy").setLevel(logging.WARNING)
    session = adapter.mount_on(requests.Session())
    # "anonymous" to zenpy: the transport adds the credentials, zenpy never sees them
    return Zenpy(domain=ZENPY_DOMAIN, subdomain=ZENPY_SUBDOMAIN, session=session, anonymous=True, disable_cache=True)


def zenpy_pin(pin: Pin) -> Pin:
    """Return ``pin`` with the prefix that zenpy builds standing for its origin."""
    return Pin(pin.origin, {**pin.aliases, ZENPY_ORIGIN: ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """Groups as they were at ``read_at``; ``people`` are the active agents asked for by name.

    ``members`` are those of the groups that the site's map binds, without whoever can own no ticket. Of whom Zendesk
    refuses to tell they are taken to be able; these are ``untold``, with the reason.
    """

    read_at: datetime
    groups: frozenset[str]
    members: dict[str, frozenset[str]] = field(default_factory=dict)
    people: frozenset[str] = frozenset()
    untold: Mapping[str, str] = field(default_factory=dict)


class ZendeskDirectory:
    """``Directory`` over one site. A look-up that fails leaves a target *unknown*, it never says that nobody is there.

    One that is refused says so as well: it will not mend itself.

    Zendesk has no on-call schedules: a schedule counts as the person, else as the group, that the site's map binds to
    its name.
    """

    def __init__(self, adapter: PinnedAdapter, fields: FieldMap) -> None:
        self._zenpy: Any = zenpy_client(adapter)
        self._fields = fields
        self._known: _People | None = None
        self._failure: tuple[datetime, Exception] | None = None

    def reach(self, target: LevelTarget, *, at: datetime) -> Reach:
        """Return who can be reached for ``target``."""
        try:
            known = self._people(at)
        except (Rejected, Denied) as error:
            why = f"{target} could not be looked up: {error}"
            return Reach(why=why, refused=why)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - zenpy raises whatever an odd answer leads it to
            return Reach(why=f"{target} could not be looked up: {type(error).__name__}", unasked=True)
        is_person = target.kind is TargetKind.SCHEDULE and target.name in self._fields.people
        if target.kind is TargetKind.USER or is_person:
            return self._person(target, known)
        return self._group(target, known)

    def _group(self, target: LevelTarget, known: _People) -> Reach:
        id_ = self._fields.groups.get(target.name)
        if id_ is None or id_ not in known.groups:
            return _missing(target, "group", bound=id_ is not None)
        members = known.members.get(id_, frozenset())
        why = "" if members else f"group {target.name} has no member who can own a ticket"
        untold = members & known.untold.keys()
        return Reach(
            reachable=bool(members),
            member_ids=self._names(members),
            group=target.name,
            why=why,
            refused=known.untold[min(untold)] if untold else "",
            known=len(members - untold),
            untold=len(untold),
        )

    def _person(self, target: LevelTarget, known: _People) -> Reach:
        id_ = self._fields.people.get(target.name)
        if id_ is None or id_ not in known.people:
            return _missing(target, "active agent", bound=id_ is not None)
        refused = known.untold.get(id_, "")
        return Reach(member_ids=self._names(frozenset({id_})), person=target.name, why=refused, refused=refused)

    def _names(self, ids: frozenset[str]) -> frozenset[str]:
        """Return every way in which these accounts may be named: vendor id, ``id:…`` and bound name."""
        bound = {name for name, id_ in self._fields.people.items() if id_ in ids}
        return ids | {f"id:{id_}" for id_ in ids} | bound

    def _people(self, at: datetime) -> _People:
        """Return what is known at a moment; what failed is asked for again at another one, not for every target."""
        if self._failure is not None and self._failure[0] == at:
            raise self._failure[1].with_traceback(None)
        if self._known is None or not timedelta(0) <= at - self._known.read_at < KEPT_FOR:
            try:
                self._known = self._read(at)
            except Exception as error:
                self._failure = at, error
                raise
        return self._known

    def _read(self, at: datetime) -> _People:
        groups = frozenset(str(group.id) for group in self._zenpy.groups() if not getattr(group, "deleted", False))
        members: dict[str, set[str]] = {}
        for membership in self._zenpy.group_memberships():
            members.setdefault(str(membership.group_id), set()).add(str(membership.user_id))
        bound = {id_: members[id_] for id_ in self._fields.groups.values() if id_ in members}
        untold: dict[str, str] = {}
        able = self._able(frozenset().union(*bound.values()), untold)
        return _People(
            read_at=at,
            groups=groups,
            members={id_: able & people for id_, people in bound.items()},
            people=frozenset(id_ for id_ in self._fields.people.values() if self._is_active_agent(id_, untold)),
            untold=untold,
        )

    def _able(self, ids: frozenset[str], untold: dict[str, str]) -> frozenset[str]:
        """Return who of these can own a ticket, with those of whom nothing is told; the reason goes to ``untold``.

        Whoever is missing from an answer is asked for alone, as long as they are few: only that tells who is gone from
        who is not shown.
        """
        able, missing = set[str](), list[str]()
        asked = sorted(ids)
        for first in range(0, len(asked), wire.MOST_IDS):
            chunk = asked[first : first + wire.MOST_IDS]
            try:
                found = {str(user.id): user for user in self._zenpy.users(ids=chunk)}
            except (Rejected, Denied) as error:
                untold |= dict.fromkeys(chunk, _refused(error))
                able.update(chunk)
                continue
            able |= {id_ for id_, user in found.items() if _is_able(user)}
            missing += [id_ for id_ in chunk if id_ not in found]
        able |= {id_ for id_ in missing[:MOST_ALONE] if self._is_active_agent(id_, untold)}
        if unasked := missing[MOST_ALONE:]:
            untold |= dict.fromkeys(unasked, f"{_UNTOLD}: {len(missing)} of them are missing from its answers")
        return frozenset((*able, *unasked))

    def _is_active_agent(self, id_: str, untold: dict[str, str]) -> bool:
        """Return whether a person is an active agent: true for one of whom Zendesk refuses to tell."""
        try:
            user = self._zenpy.users(id=int(id_))
        except ValueError:
            return False
        except (Rejected, Denied) as error:
            if isinstance(error, Rejected) and error.absent:
                return False
            untold[id_] = _refused(error)
            return True
        return _is_able(user)


def _refused(error: HelpdeskError) -> str:
    return f"{_UNTOLD}: {error}"[:200]


def _is_able(user: Any) -> bool:
    """True for an active agent who is no light one."""
    light = is_light(
        user.role,
        getattr(user, "role_type", None),
        only_private_comments=bool(getattr(user, "only_private_comments", False)),
    )
    return bool(user.active) and not user.suspended and user.role in _AGENTS and not light


def _missing(target: LevelTarget, what: str, *, bound: bool) -> Reach:
    why = f"no {what} in Zendesk stands behind {target.name}" if bound else f"{target} is not bound on this site"
    return Reach(exists=False, reachable=False, why=why)
