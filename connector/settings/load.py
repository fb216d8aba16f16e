"""File, environment and secrets → ``Settings``, with every problem at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from connector.documents import Document, KeyPath, PartlyRead, judged, problems_of, read
from connector.errors import ConfigError, Problem
from connector.settings.checks import findings, missing_secrets
from connector.settings.model import Settings, secrets_of
from connector.settings.parts import Files, Scopes, parts_of, site_paths
from connector.settings.scopes import named_scopes
from connector.settings.sources import Override, laid_over, overrides, sites_of

_SECRET_KEYS = frozenset(
    {"token", "api_token", "access_token", "password", "passwd", "pwd", "client_secret", "secret_key", "api_key"}
    | {"apikey", "private_key"}
)
_PATHS = ("policy", "templates", "secrets_dir")


def load_settings(path: Path, *, need_secrets: bool = True) -> Settings:
    """Read ``connector.yaml``; relative paths in it begin at its folder.

    ``need_secrets`` is false for commands that talk to no helpdesk.

    Raises:
        ConfigError: with every problem of the file, the environment and the secrets.
    """
    _must_exist(path)
    judge = partial(read_settings, base=path.parent, need_secrets=need_secrets)
    return judged(path, judge, shown=str(path))


def named_files(path: Path) -> Files:
    """Return the files that ``connector.yaml`` and the environment name, whatever else is wrong with them.

    Raises:
        ConfigError: nothing of the file itself can be read.
    """
    _must_exist(path)
    try:
        document = read(path, shown=str(path))
    except PartlyRead as broken:
        document = broken.document
    given = document.value if isinstance(document.value, dict) else {}
    values, variables, _ = _values(given, path.parent)
    scopes = _scopes(values, _with_variables(document, variables), variables)
    return parts_of(values, path.parent.resolve(), scopes).files


def _must_exist(path: Path) -> None:
    if not path.exists():
        remedy = "name it with -c FILE, or write one as README.md shows; `connector demo` needs none"
        raise ConfigError((Problem(str(path), message="there is no such file", remedy=remedy),))


def read_settings(document: Document, *, base: Path, need_secrets: bool = True) -> Settings:
    """Return the settings of a document; ``base`` is where its relative paths begin."""
    given = document.value if isinstance(document.value, dict) else {}
    refused = [] if given or document.value is None else [document.problem((), "must be a mapping")]
    refused += list(_secrets_in(document, document.value, ()))
    values, variables, wrong_variables = _values(given, base)
    placed = _with_variables(document, variables)
    from_file = _located(_without_secrets(given), base)
    settings, problems = _validated(from_file, placed)
    secrets, parts = secrets_of(from_file), parts_of(values, base.resolve())
    refused += [*wrong_variables, *problems, *secrets.problems, *findings(parts, placed)]
    if need_secrets:
        refused += missing_secrets(parts, secrets, placed)
    if refused or settings is None:
        raise ConfigError(tuple(sorted({_from_variable(problem, variables) for problem in refused})))
    return _absolute(settings, base).naming(_scopes(values, placed, variables))


def _values(given: dict[str, Any], base: Path) -> tuple[dict[str, Any], tuple[Override, ...], tuple[Problem, ...]]:
    """Return the file's values with the environment's laid over, the variables used, and what is wrong with others."""
    variables, wrong = overrides(os.environ, Settings.model_fields, sites_of(given))
    values, unplaced = laid_over(_located(_without_secrets(given), base), variables)
    return values, variables, (*wrong, *unplaced)


def _scopes(values: Mapping[str, Any], placed: Document, laid_over: tuple[Override, ...]) -> Scopes:
    """Return the scopes that each site names, by its position, each with its place in the file or its variable."""

    def place(path: KeyPath) -> Problem:
        return _from_variable(placed.problem(path, ""), laid_over)

    return {n: tuple(named_scopes(site, ("sites", n), place)) for n, site in enumerate(sites_of(values))}


def _validated(values: Mapping[str, Any], document: Document) -> tuple[Settings | None, tuple[Problem, ...]]:
    private = [key for key in values if key.startswith("_")]
    problems = tuple(document.problem((key,), "unknown key") for key in private)
    try:
        return Settings(**{key: value for key, value in values.items() if key not in private}), problems
    except ValidationError as error:
        return None, problems + problems_of(error, document, Settings)
    except ConfigError as error:
        return None, problems + error.problems


def _secrets_in(document: Document, value: Any, path: KeyPath) -> Iterator[Problem]:
    """Yield a problem for every key of the file that holds a secret; its value is never shown."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secrets_in(document, item, (*path, index))
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if _holds_secret(key, path):
            remedy = (
                "delete it here, revoke it, and give the new one as CONNECTOR_SECRETS__NAME or a file in secrets_dir"
            )
            yield document.problem((*path, key), "a secret never stands in this file", remedy)
        else:
            yield from _secrets_in(document, inner, (*path, key))


def _holds_secret(key: str, path: KeyPath) -> bool:
    if (*path, key) == ("web", "token"):  # the name of a secret, not the secret
        return False
    return key.lower().replace("-", "_") in _SECRET_KEYS or (key == "secrets" and not path)


def _without_secrets(value: Any, path: KeyPath = ()) -> Any:
    if isinstance(value, list):
        return [_without_secrets(item, (*path, index)) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    return {k: _without_secrets(v, (*path, k)) for k, v in value.items() if not _holds_secret(k, path)}


def _located(values: dict[str, Any], base: Path) -> dict[str, Any]:
    """Make the secrets' folder absolute, because it is read before anything is validated."""
    folder = values.get("secrets_dir")
    return values | {"secrets_dir": str(base / folder)} if isinstance(folder, str) else values


def _absolute(settings: Settings, base: Path) -> Settings:
    base = base.resolve()
    paths = {name: base / getattr(settings, name) for name in _PATHS if getattr(settings, name)}
    web = {name: base / path for name, path in settings.web if isinstance(path, Path)}
    sites = tuple(site.model_copy(update=site_paths(site, base)) for site in settings.sites)
    paths["web"] = settings.web.model_copy(update=web)
    folder = settings.backup.folder
    backup = settings.backup.model_copy(update={"folder": base / folder if folder else None})
    own = {"sites": sites, "backup": backup, "state": _absolute_state(settings.state, base)}
    return settings.model_copy(update={**paths, **own})


def _absolute_state(url: str, base: Path) -> str:
    kind, _, path = url.partition(":///")
    if kind != "sqlite" or not path or path == ":memory:":
        return url
    return f"sqlite:///{base / path}"


def _with_variables(document: Document, laid_over: tuple[Override, ...]) -> Document:
    """Return the document with places for keys that only variables give, so that problems can name them."""
    added = {o.path[:n]: (0, 0) for o in laid_over for n in range(1, len(o.path) + 1)}
    return replace(document, places={**added, **document.places})


def _from_variable(problem: Problem, laid_over: tuple[Override, ...]) -> Problem:
    """Name the variable where a problem is one of its value, or of a key that only it gives."""
    named = {".".join(map(str, o.path[:n])): o for o in laid_over for n in range(1, len(o.path) + 1)}
    found = named.get(problem.key)
    if found is None or (problem.line and problem.key != ".".join(map(str, found.path))):
        return problem
    return replace(problem, file="environment", line=0, column=0, key=found.variable)
