"""The reference of every setting, made from the models, so that it cannot be out of date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.settings.model import Settings

_JSON = Mapping[str, Any]


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``connector.yaml``; secrets are not part of it."""
    schema = Settings.model_json_schema()
    schema["properties"].pop("secrets")
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema, "title": "connector.yaml"}


def config_reference() -> str:
    """Return the reference as Markdown: one row per key, with its kind, default, variable and meaning."""
    schema = config_schema()
    head = ["| Key | Kind | Default | Meaning |", "|---|---|---|---|"]
    merged: dict[str, list[list[str]]] = {}
    for key, *cells in _rows(schema, schema, ""):
        for column, cell in zip(merged.setdefault(key, [[], [], []]), cells, strict=True):
            column.extend({cell}.difference(column))
    rows = (f"| `{key}` | {', '.join(k)} | {', '.join(d)} | {' '.join(m)} |" for key, (k, d, m) in merged.items())
    return "\n".join([*head, *rows]) + "\n"


def _rows(node: _JSON, root: _JSON, prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield key, kind, default and meaning; a key of several alternatives comes several times."""
    required = set(node.get("required", ()))
    for name, field in node.get("properties", {}).items():
        key = f"{prefix}{name}"
        yield key, _kind(field, root), _default(name, field, required), _meaning(field, root)
        for inner, step in _inner(field, root):
            yield from _rows(inner, root, f"{key}{step}.")


def _inner(field: _JSON, root: _JSON) -> Iterator[tuple[_JSON, str]]:
    seen: set[str] = set()
    for option in _options(field, root):
        if "properties" in option and option.get("title") not in seen:
            seen.add(option.get("title", ""))
            yield option, ""
        elif option.get("type") == "array":
            yield from ((inner, "[]") for inner, _ in _inner(option.get("items", {}), root))
        elif isinstance(option.get("additionalProperties"), Mapping):
            yield from ((inner, ".<name>") for inner, _ in _inner(option["additionalProperties"], root))


def _options(field: _JSON, root: _JSON) -> Iterator[_JSON]:
    if "$ref" in field:
        yield from _options(root["$defs"][field["$ref"].rpartition("/")[2]], root)
        return
    alternatives = [*field.get("anyOf", ()), *field.get("oneOf", ()), *field.get("allOf", ())]
    for alternative in alternatives:
        yield from _options(alternative, root)
    if not alternatives:
        yield field


def _kind(field: _JSON, root: _JSON) -> str:
    kinds = [_word(option) for option in _options(field, root)]
    return " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))


def _word(option: _JSON) -> str:
    if values := option.get("enum"):
        return ", ".join(f"`{value}`" for value in values)
    if "const" in option:
        return f"`{option['const']}`"
    kind = option.get("format") or option.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    words = {
        "array": "list",
        "boolean": "true or false",
        "object": "mapping",
        "uri": "URL",
        "string": "text",
        "integer": "number",
    }
    return words.get(kind, str(kind))


def _default(name: str, field: _JSON, required: set[str]) -> str:
    if name in required:
        return "required"
    value = field.get("default")
    if value in (None, "", [], {}) or isinstance(value, dict):
        return ""
    return f"`{str(value).lower()}`"


def _meaning(field: _JSON, root: _JSON) -> str:
    words = field.get("description") or next((o.get("description", "") for o in _options(field, root)), "")
    return str(words).replace("|", "\\|").split("\n")[0]
