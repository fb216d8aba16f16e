"""Where settings come from besides the file: variables ``CONNECTOR_…`` and a directory of secrets.

A variable names a key by its path with ``__`` between the parts; a site is named by its name with ``_`` for ``-``:
``CONNECTOR_SITES__JSM_EU__BASE_URL``. Its value is read as in the file, so ``[fields, notes]`` is a list.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from connector.documents import KeyPath, parse
from connector.errors import ConfigError, Problem
from connector.settings.auth import secret_name
from connector.settings.scopes import SCOPE_KEYS

PREFIX = "CONNECTOR_"
_MAX_SECRET = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One value from a variable, and the place in the document that it stands for."""

    path: KeyPath
    value: Any
    variable: str


def overrides(
    environ: Mapping[str, str], fields: Iterable[str], sites: Sequence[Any]
) -> tuple[tuple[Override, ...], tuple[Problem, ...]]:
    """Return the overrides in ``environ`` for the given top-level fields, and what is wrong with variables.

    ``sites`` is the file's list, which says at which position a named site stands. Other variables are not ours.
    """
    known = {name.upper(): name for name in fields}
    found: list[Override] = []
    problems: list[Problem] = []
    for variable in sorted(environ):
        first, *rest = variable.removeprefix(PREFIX).split("__")
        if not variable.startswith(PREFIX) or first not in known:
            continue
        try:
            path = _path(known[first], rest, sites)
            secret = known[first] == "secrets"
            value = environ[variable] if secret else parse(environ[variable], file=variable).value
            found.append(Override(path=path, value=value, variable=variable))
        except (LookupError, ConfigError) as error:
            problems.append(_unplaced(variable, error))
    return tuple(found), tuple(problems)


def _unplaced(variable: str, error: Exception) -> Problem:
    return Problem("environment", key=variable, message=f"cannot be used: {error.args[0]}")


def _path(first: str, rest: list[str], sites: Sequence[Any]) -> KeyPath:
    if first != "sites" or not rest:
        return (first, *(part.lower() for part in rest))
    named = {secret_name(str(site.get("name"))): n for n, site in enumerate(sites) if isinstance(site, dict)}
    position = named.get(rest[0].lower())
    if position is None:
        raise LookupError(f"there is no site {rest[0].lower()!r} in the file")
    return (first, position, *(_scope_or_key(rest, n) for n in range(1, len(rest))))


def _scope_or_key(rest: list[str], n: int) -> str:
    """Names of scopes keep their case, as project keys are capitals; keys are lower case."""
    return rest[n] if rest[1].lower() in SCOPE_KEYS and n == 2 else rest[n].lower()


class Environment(PydanticBaseSettingsSource):
    """The overrides of the environment, laid over the file's values."""

    def __init__(self, settings_cls: type[BaseSettings], file_values: Mapping[str, Any]) -> None:
        super().__init__(settings_cls)
        self._file = file_values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Answer nothing: all fields are read together, because a site is found by its name."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the file's values with those of the variables; what is wrong with variables is told elsewhere."""
        found, _ = overrides(os.environ, self.settings_cls.model_fields, sites_of(self._file))
        return laid_over(self._file, found)[0]


def laid_over(values: Mapping[str, Any], found: Iterable[Override]) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Return the file's values with those of the variables laid over, and which variables find no place; no secrets."""
    result: dict[str, Any] = _copied(dict(values))
    problems: list[Problem] = []
    for override in found:
        if override.path[0] == "secrets":
            continue
        try:
            _put(result, override.path, override.value)
        except LookupError as error:
            problems.append(_unplaced(override.variable, error))
    return result, tuple(problems)


class Secrets(PydanticBaseSettingsSource):
    """Secrets from variables, from files that variables name, and from directories, in that order."""

    def __init__(self, settings_cls: type[BaseSettings], directories: Iterable[Path]) -> None:
        super().__init__(settings_cls)
        self._directories = tuple(directories)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Answer nothing: there is one field."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the secrets that can be read, by name; what is wrong with others is told by ``read``."""
        found = self.read().found
        return {"secrets": found} if found else {}

    def read(self) -> SecretsRead:
        """Return the secrets by name, and everything that is wrong with where they stand."""
        found: dict[str, str] = {}
        problems = [problem for directory in self._directories for problem in _too_open(directory)]
        unusable: set[str] = set()
        for name, source in self._named():
            try:
                found[name] = read_secret(source) if isinstance(source, Path) else source
            except ConfigError as error:
                problems += error.problems
                unusable.add(name)
        return SecretsRead(found=found, problems=tuple(problems), unusable=frozenset(unusable))

    def places(self) -> Iterator[Path]:
        """Yield the folders of secrets and the files that hold one."""
        yield from self._directories
        yield from (source for _, source in self._named() if isinstance(source, Path))

    def _named(self) -> Iterator[tuple[str, str | Path]]:
        """Yield names with a secret or the file that holds it; later ones win."""
        for directory in reversed(self._directories):
            for path in sorted(directory.iterdir()) if directory.is_dir() else ():
                if path.is_file() and not path.name.startswith("."):
                    yield secret_name(path.name), path
        named, _ = overrides(os.environ, ["secrets"], ())
        given = {str(override.path[-1]): override.value for override in named}
        files = {name.removesuffix("_file"): Path(value) for name, value in given.items() if name.endswith("_file")}
        yield from files.items()
        yield from ((name, value) for name, value in given.items() if not name.endswith("_file"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsRead:
    """The secrets by name, what is wrong with them, and the names of those that are given but cannot be used."""

    found: dict[str, str]
    problems: tuple[Problem, ...]
    unusable: frozenset[str]


def read_secret(path: Path) -> str:
    """Return a secret file's content without its line end.

    Raises:
        ConfigError: it cannot be read, is empty, too large, or others may change or read it.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            risk = exposure(os.fstat(stream.fileno()).st_mode, owner=os.fstat(stream.fileno()).st_uid, us=os.geteuid())
            text = stream.read(_MAX_SECRET).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, "cannot be read", "check the path and its permissions") from error
    if risk:
        raise _unusable(path, risk, f"chmod 600 {path}")
    if not text:
        raise _unusable(path, "is empty", "write the secret into it")
    return text


def _too_open(folder: Path) -> Iterator[Problem]:
    """Yield a problem for a folder in which somebody else could put another secret in place of ours."""
    try:
        status = folder.stat()
    except OSError:
        return  # what is missing in it is told by name
    risk = exposure(status.st_mode & ~(stat.S_IRGRP | stat.S_IROTH), owner=status.st_uid, us=os.geteuid())
    if risk:
        yield Problem(str(folder), message=f"the secrets folder {risk}", remedy=f"chmod 700 {folder}")


def exposure(mode: int, *, owner: int, us: int) -> str:
    """Return what is too open about a secret file, or nothing.

    Files that an orchestrator mounts belong to root and may be readable; nobody else may ever change one.
    """
    if owner not in {0, us}:
        return "belongs to another user"
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "can be changed by other users"
    if owner and mode & (stat.S_IRGRP | stat.S_IROTH):
        return "can be read by other users"
    return ""


def sites_of(values: Mapping[str, Any]) -> Sequence[Any]:
    """Return the file's list of sites, or an empty one where it has none."""
    sites = values.get("sites")
    return sites if isinstance(sites, list) else ()


def _unusable(path: Path, message: str, remedy: str) -> ConfigError:
    return ConfigError((Problem(str(path), message=f"the secret file {message}", remedy=remedy),))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _put(into: dict[str, Any], path: KeyPath, value: Any) -> None:
    """Put one value in its place, making the mappings on its way; raises ``LookupError`` where other things stand."""
    at: Any = into
    for depth, part in enumerate(path[:-1], start=1):
        if isinstance(at, dict) and at.get(part) is None:
            at[part] = {}
        at = at[part]
        if not isinstance(at, dict | list):
            raise LookupError(f"{'.'.join(map(str, path[:depth]))} is no mapping")  # noqa: TRY004 - one kind for all
    at[path[-1]] = value
