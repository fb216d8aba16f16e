"""Decoders for the fields that one site has, made once: a whole page is decoded with one look at its bytes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import msgspec

from connector.helpdesks.jira.structs import FIXED_FIELDS, CustomValue, Fields, Issue, SearchPage, SlaValue


@lru_cache(maxsize=32)
def fields_struct(plain: tuple[str, ...], slas: tuple[str, ...]) -> type[Fields]:
    """Return the struct of a site's fields: the fixed ones, ``plain`` custom fields and ``slas``."""
    extra: list[Any] = [(name, CustomValue, None) for name in plain if name not in FIXED_FIELDS]
    extra += [(name, SlaValue | None, None) for name in slas]
    made = msgspec.defstruct("SiteFields", extra, bases=(Fields,), gc=False, rename=lambda name: name)
    return cast("type[Fields]", made)


@lru_cache(maxsize=32)
def page_decoder(fields: type[Fields]) -> msgspec.json.Decoder[SearchPage]:
    """Return a decoder for whole pages whose issues have ``fields``: one look at the bytes instead of two."""
    issue = msgspec.defstruct(
        "SiteIssue", [("fields", fields, msgspec.field(default_factory=fields))], bases=(Issue,), gc=False
    )
    page = msgspec.defstruct("SitePage", [("issues", list[issue], [])], bases=(SearchPage,), gc=False, rename="camel")  # type: ignore[valid-type]
    return msgspec.json.Decoder(cast("type[SearchPage]", page), strict=False)
