"""What of a configuration is right by itself, so that it can be judged whatever is wrong beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from connector.settings.model import Settings, WebSettings
from connector.settings.scopes import NamedScope
from connector.settings.site import Account, SiteKind, SiteSettings

Scopes = Mapping[int, tuple[NamedScope, ...]]
_NO_SCOPES: Scopes = MappingProxyType({})
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapFile:
    """A site's map as the configuration names it; ``None`` where it does not say who or what the site is.

    Attributes:
        scopes: The scopes that the site's settings name, to be judged beside the map.
    """

    path: Path
    site: str | None
    kind: str | None
    scopes: tuple[NamedScope, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files that a configuration names.

    Attributes:
        policy: ``None`` where the configuration does not tell; so with ``templates``.
        maps: Those of the sites, in the order of the configuration.
        complete: True when every site names its map and itself: then nothing that a policy refers to can be missing
            here and stand elsewhere.
    """

    policy: Path | None
    templates: Path | None
    maps: tuple[MapFile, ...]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts that are right by themselves; paths are absolute.

    Attributes:
        state: The state's URL; ``None`` where it is no text.
        sites: By their position in the file.
        accounts: Likewise, of every site that says which secrets it needs.
        is_siteless: True when the list of sites is empty.
        web: As it is without any settings where its own are wrong.
    """

    state: str | None
    sites: Mapping[int, SiteSettings]
    accounts: Mapping[int, Account]
    is_siteless: bool
    web: WebSettings
    files: Files


def parts_of(values: Mapping[str, Any], base: Path, scopes: Scopes = _NO_SCOPES) -> Parts:
    """Return what of ``values`` is right; ``base`` is the folder where relative paths begin.

    ``scopes`` are those that each site names, by the site's position.
    """
    state = values.get("state", Settings.model_fields["state"].default)
    listed = values.get("sites")
    given = dict(enumerate(listed if isinstance(listed, list) else ()))
    sites = {n: _alone(SiteSettings, site) for n, site in given.items()}
    accounts = {n: _alone(Account, site) for n, site in given.items()}
    return Parts(
        state=state if isinstance(state, str) else None,
        sites={n: site.model_copy(update=site_paths(site, base)) for n, site in sites.items() if site is not None},
        accounts={n: account for n, account in accounts.items() if account is not None},
        is_siteless=listed == [],
        web=_alone(WebSettings, values.get("web")) or WebSettings(),
        files=_files(values, base, scopes),
    )


def files_of(settings: Settings) -> Files:
    """Return the files of a configuration without fault."""
    maps = tuple(
        MapFile(path=site.map, site=site.name, kind=str(site.kind), scopes=settings.named_scopes.get(n, ()))
        for n, site in enumerate(settings.sites)
    )
    return Files(policy=settings.policy, templates=settings.templates, maps=maps, complete=True)


def site_paths(site: SiteSettings, base: Path) -> dict[str, Path]:
    """Return the paths of a site, absolute."""
    paths = {"map": site.map} | ({"ca_file": site.ca_file} if site.ca_file else {})
    return {name: base / path for name, path in paths.items()}


def _alone(model: type[Model], value: Any) -> Model | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def _files(values: Mapping[str, Any], base: Path, scopes: Scopes) -> Files:
    listed = values.get("sites")
    sites = listed if isinstance(listed, list) else []
    maps = tuple(
        _map(site, base, scopes.get(n, ()))
        for n, site in enumerate(sites)
        if isinstance(site, dict) and isinstance(site.get("map"), str)
    )
    return Files(
        policy=_path(values, "policy", base),
        templates=_path(values, "templates", base),
        maps=maps,
        complete=bool(maps) and len(maps) == len(sites) and all(each.site for each in maps),
    )


def _path(values: Mapping[str, Any], key: str, base: Path) -> Path | None:
    given = values.get(key, Settings.model_fields[key].default)
    return base / given if isinstance(given, str | Path) else None


def _map(site: Mapping[str, Any], base: Path, scopes: tuple[NamedScope, ...]) -> MapFile:
    name, kind = site.get("name"), site.get("kind")
    return MapFile(
        path=base / site["map"],
        site=name if isinstance(name, str) else None,
        kind=kind if isinstance(kind, str) and kind in set(SiteKind) else None,
        scopes=scopes,
    )
