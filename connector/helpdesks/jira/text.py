"""Jira's two rich texts: ADF for the platform, wiki text for ``servicedeskapi``. Our text is only ever plain in both.

ADF is built from text nodes alone, so nothing in the text can become a mention, a link or a macro. Wiki text has no
such form: every character that could begin markup is escaped with a backslash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from connector.helpdesks.plaintext import clean, truncated

LONGEST_COMMENT = 32_000
"""Jira refuses comments over 32,767 characters."""

_WIKI_SPECIAL = re.compile(r"([\\{}\[\]*_\-+^~?!|#@<>&%$`])")
_LINK = re.compile(r"(?i)\b(https?|ftp|file|mailto|www)(:|\.)")
_LIST_START = re.compile(r"(?m)^(\s*)(h[1-6]|bq)\.")
_JOINER = "\u2060"  # word joiner: shows nothing and breaks "://"


def adf(text: str) -> dict[str, Any]:
    """Return ``text`` as an ADF document: paragraphs at blank lines, hard breaks at line ends, text nodes only."""
    shown = truncated(clean(text), LONGEST_COMMENT)
    paragraphs = [p for p in re.split(r"\n\s*\n", shown.strip("\n")) if p.strip()]
    content = [{"type": "paragraph", "content": list(_lines(p))} for p in paragraphs]
    return {"type": "doc", "version": 1, "content": content or [{"type": "paragraph", "content": []}]}


def _lines(paragraph: str) -> Iterator[dict[str, Any]]:
    for index, line in enumerate(paragraph.split("\n")):
        if index:
            yield {"type": "hardBreak"}
        if line:
            yield {"type": "text", "text": line}


def wiki(text: str) -> str:
    """Return ``text`` as wiki text that renders as itself: metacharacters escaped, bare addresses made inert."""
    shown = truncated(clean(text), LONGEST_COMMENT // 2)
    escaped = _WIKI_SPECIAL.sub(r"\\\1", shown)
    inert = _LINK.sub(lambda m: f"{m[1]}{_JOINER}{m[2]}", escaped)
    return _LIST_START.sub(lambda m: f"{m[1]}{m[2]}{_JOINER}.", inert)


def plain(document: Any) -> str:
    """Return the text of an ADF document (or of a plain string), for triggers; unknown nodes give their text."""
    if isinstance(document, str):
        return document
    return "".join(_texts(document)).strip() if isinstance(document, dict) else ""


_BLOCKS = frozenset({"paragraph", "heading", "blockquote", "listItem", "codeBlock", "tableRow", "panel", "rule"})
_DEEPEST = 100


def _texts(node: Any, depth: int = 0) -> Iterator[str]:
    if not isinstance(node, dict) or depth > _DEEPEST:
        return
    kind = node.get("type")
    if kind == "text" and isinstance(node.get("text"), str):
        yield node["text"]
    elif kind == "hardBreak":
        yield "\n"
    for child in node.get("content") or ():
        yield from _texts(child, depth + 1)
    if kind in _BLOCKS:
        yield "\n"
