"""JSON Schemas (draft 7) of the files that operators write, for editors; made from the models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from connector.policyfiles.cases_file import CasesFile
from connector.policyfiles.model import PolicyFile
from connector.policyfiles.sitemap import SiteMapFile

_DRAFT = "http://json-schema.org/draft-07/schema#"


def schemas() -> Mapping[str, dict[str, Any]]:
    """Return the schema of every kind of file by file name."""
    kinds: Mapping[str, type[BaseModel]] = {"policy": PolicyFile, "site": SiteMapFile, "cases": CasesFile}
    return {f"{name}.schema.json": {"$schema": _DRAFT, **model.model_json_schema()} for name, model in kinds.items()}


def schema_text(schema: Mapping[str, Any]) -> str:
    """Return a schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def newer_keywords(node: Any) -> Iterator[str]:
    """Yield keywords that draft 7, and so the editors' language server, does not know."""
    if isinstance(node, Mapping):
        yield from (
            key for key in node if key in {"prefixItems", "$dynamicRef", "unevaluatedProperties", "dependentSchemas"}
        )
        for inner in node.values():
            yield from newer_keywords(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from newer_keywords(inner)
