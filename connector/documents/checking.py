"""pydantic's findings → problems with a place, a plain sentence and a remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from connector.documents.document import Document, KeyPath
from connector.errors import ConfigError, Problem

Schema = Mapping[str, Any]

_SENTENCES = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "frozen_set_type": "must be a list",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "timezone_aware": "needs a time zone, such as Z or +01:00 at its end",
    "union_tag_not_found": "does not say which kind it is",
}


_QUOTED = re.compile(r"'([^']*)'")

Model = TypeVar("Model", bound=BaseModel)


def checked(model: type[Model], document: Document) -> Model:
    """Return ``document`` as a value of ``model``.

    Raises:
        ConfigError: with a problem for every place where it does not fit.
    """
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        raise ConfigError(problems_of(error, document, model)) from error


def problems_of(error: ValidationError, document: Document, model: type[BaseModel]) -> tuple[Problem, ...]:
    """Return what pydantic found, each with its place, sorted by place and without repetitions."""
    schema = _schema_of(model)
    found = {_problem(detail, document, schema) for detail in error.errors(include_url=False)}
    return tuple(sorted(found))


def closest(word: str, options: Iterable[str]) -> str:
    """Return a remedy for an unknown ``word``: the nearest of ``options``, or all of them when they are few."""
    known = sorted(set(options))
    near = difflib.get_close_matches(word.casefold(), [k.casefold() for k in known], n=1, cutoff=0.6)
    if near:
        return f"did you mean {next(k for k in known if k.casefold() == near[0])}?"
    return f"use {', '.join(known)}" if 0 < len(known) <= 12 else ""


@lru_cache(maxsize=16)
def _schema_of(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def _problem(detail: Any, document: Document, schema: Schema) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    path = _path(detail["loc"], document)
    if kind == "missing":
        return document.problem((*path, detail["loc"][-1]), _SENTENCES[kind], "add it")
    if kind == "extra_forbidden":
        return document.problem(path, _SENTENCES[kind], closest(str(path[-1]), _keys(schema, path[:-1])))
    if expected := context.get("expected") or context.get("expected_tags"):
        given = context.get("tag", detail["input"])
        return document.problem(
            path, f"{_shown(given)} is not known here", closest(str(given), _QUOTED.findall(expected))
        )
    return document.problem(path, _sentence(kind, detail["msg"], context), context.get("remedy", ""))


def _sentence(kind: str, message: str, context: Mapping[str, Any]) -> str:
    if kind == "string_pattern_mismatch":
        return f"must be of the form {context['pattern']}"
    said = _SENTENCES.get(kind) or message.removeprefix("Value error, ")
    return said[:1].lower() + said[1:] if said[:2].istitle() else said


def _shown(value: Any) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else f"{text[:37]}…")


def _path(loc: tuple[int | str, ...], document: Document) -> KeyPath:
    """Return the part of pydantic's location that stands in the document; tags of unions and the like do not."""
    path: KeyPath = ()
    for segment in loc:
        if document.holds((*path, segment)):
            path = (*path, segment)
    return path


def _keys(schema: Schema, path: KeyPath) -> Iterator[str]:
    """Yield the keys that the schema knows at ``path``."""
    at = list(_resolved(schema, schema))
    for segment in path:
        at = [inner for outer in at for step in _steps(outer, segment) for inner in _resolved(step, schema)]
    for node in at:
        yield from node.get("properties", ())


def _steps(node: Schema, segment: str | int) -> Iterator[Schema]:
    if isinstance(segment, int):
        candidates = [node.get("items")]
    else:
        candidates = [node.get("properties", {}).get(segment, node.get("additionalProperties"))]
    yield from (c for c in candidates if isinstance(c, Mapping))


def _resolved(node: Schema, root: Schema) -> Iterator[Schema]:
    """Yield the plain schemas behind references and alternatives."""
    if "$ref" in node:
        yield from _resolved(root["$defs"][node["$ref"].rpartition("/")[2]], root)
        return
    alternatives = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
    for inner in alternatives:
        yield from _resolved(inner, root)
    if not alternatives:
        yield node
