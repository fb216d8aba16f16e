"""The scopes that a Zendesk site's settings name, judged beside the site's map, which says what a scope is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.documents import KeyPath, closest
from connector.errors import Problem

SCOPE_KEYS = ("scopes", "confidential")
"""The keys of a site whose keys are scopes."""

_ID = re.compile(r"[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class NamedScope:
    """A scope that a site's settings name, and where: a problem that says nothing yet."""

    name: str
    place: Problem


def named_scopes(site: Any, path: KeyPath, place: Callable[[KeyPath], Problem]) -> Iterator[NamedScope]:
    """Yield the scopes that a site's settings name, whatever else is wrong with them; they stand at ``path``."""
    for key in SCOPE_KEYS:
        named = site.get(key) if isinstance(site, dict) else None
        for name in named if isinstance(named, dict) else ():
            yield NamedScope(name.strip(), place((*path, key, name)))


def strange_scopes(scopes: Iterable[NamedScope], *, by: str, groups: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for every scope in which no ticket of a Zendesk site can be: nothing would be kept or switched.

    ``by`` is what the site's map takes a ticket's scope from, ``groups`` its bound name → id.
    """
    for scope in scopes:
        if by == "group" and not _may_be_group(scope.name, groups):
            message = "no ticket is ever in a group of that name, so that this would do nothing"
            yield replace(scope.place, message=message, remedy=_group(scope.name, groups))
        elif by != "group" and not _ID.fullmatch(scope.name):
            message = f"is no {by}'s id, and by the map a scope is a {by}'s id: this would do nothing"
            remedy = f"write the number in the {by}'s address in Zendesk"
            yield replace(scope.place, message=message, remedy=remedy)


def _may_be_group(name: str, groups: Mapping[str, str]) -> bool:
    """A group that the map binds goes by its name alone, any other by its id."""
    id_ = name.removeprefix("id:")
    return name in groups or (id_ != name and bool(_ID.fullmatch(id_)) and id_ not in groups.values())


def _group(name: str, groups: Mapping[str, str]) -> str:
    id_ = name.removeprefix("id:")
    bound = next((known for known, theirs in groups.items() if theirs == id_), None)
    if bound is not None:
        return f"{id_} is {bound} in the map: write {bound}"
    if _ID.fullmatch(id_):
        return f"write id:{id_}"
    known = "" if id_ != name else closest(name, groups)
    by_id = "id:<number> with the number in the group's address in Zendesk"
    return f"{known}, or {by_id}" if known.startswith("use ") else known or f"write the map's name of it, or {by_id}"
