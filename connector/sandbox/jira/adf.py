"""Atlassian Document Format: what counts as one, and the text that people read in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

BLOCKS = frozenset(
    (
        *("paragraph", "heading", "codeBlock", "blockquote", "rule", "panel", "expand", "nestedExpand"),
        *("bulletList", "orderedList", "listItem", "taskList", "taskItem", "decisionList", "decisionItem"),
        *("table", "tableRow", "tableCell", "tableHeader", "layoutSection", "layoutColumn"),
        *("media", "mediaGroup", "mediaSingle", "blockCard", "embedCard", "extension", "bodiedExtension"),
    )
)
INLINES = frozenset(
    ("text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard", "inlineExtension", "mediaInline")
)
TEXT_BLOCKS = frozenset(("paragraph", "heading", "codeBlock", "taskItem", "decisionItem"))
DEEPEST = 100


def is_document(body: Any) -> bool:
    """Whether ``body`` is a document that v3 accepts; a string never is."""
    return (
        isinstance(body, Mapping)
        and body.get("type") == "doc"
        and body.get("version") == 1
        and set(body) <= {"type", "version", "content"}
        and _are_nodes(body.get("content", []), depth=0)
    )


def _are_nodes(nodes: Any, *, depth: int) -> bool:
    return isinstance(nodes, list) and depth < DEEPEST and all(_is_node(node, depth=depth) for node in nodes)


def _is_node(node: Any, *, depth: int) -> bool:
    if not isinstance(node, Mapping) or not isinstance(node.get("type"), str):
        return False
    if node["type"] not in BLOCKS | INLINES or not _are_decorations(node):
        return False
    if set(node) - {"type", "attrs", "content", "text", "marks"}:
        return False
    if (node["type"] == "text") != ("text" in node):
        return False
    if node["type"] == "text" and not (isinstance(node["text"], str) and node["text"]):
        return False
    if depth == 0 and node["type"] in INLINES:
        return False
    return _are_nodes(node.get("content", []), depth=depth + 1)


def _are_decorations(node: Mapping[str, Any]) -> bool:
    marks = node.get("marks", [])
    if not isinstance(marks, list) or not all(isinstance(mark, Mapping) for mark in marks):
        return False
    return all(isinstance(each.get("attrs", {}), Mapping) for each in (node, *marks))


def document(text: str) -> dict[str, Any]:
    """Plain text as a document: a paragraph per line, empty ones kept."""
    return {"type": "doc", "version": 1, "content": [_paragraph(line) for line in text.split("\n")]}


def _paragraph(line: str) -> dict[str, Any]:
    return {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}


def plain(body: Any) -> str:
    """The text of a document, a line per block."""
    return "\n".join(_lines(body)) if isinstance(body, Mapping) else ""


def _lines(node: Mapping[str, Any]) -> Iterator[str]:
    if node.get("type") in TEXT_BLOCKS:
        yield "".join(map(_inline, node.get("content", [])))
        return
    for child in node.get("content", []):
        yield from _lines(child)


def _inline(node: Mapping[str, Any]) -> str:
    attrs = node.get("attrs", {})
    kind = node.get("type")
    if kind == "hardBreak":
        return "\n"
    if kind == "text":
        return str(node["text"])
    return str(attrs.get("text") or attrs.get("url") or attrs.get("shortName") or "")


def live_parts(body: Any) -> tuple[str, ...]:
    """What in a document does something: mentions, links, cards, media, extensions."""
    if not isinstance(body, Mapping):
        return ()
    here = _live_here(body)
    return here + tuple(part for child in body.get("content", []) for part in live_parts(child))


def _live_here(node: Mapping[str, Any]) -> tuple[str, ...]:
    attrs = node.get("attrs", {})
    found: tuple[str, ...] = ()
    if node.get("type") == "mention":
        found += (f"mention {attrs.get('id')}",)
    if "ard" in str(node.get("type")) or node.get("type") in (
        "media",
        "extension",
        "inlineExtension",
        "bodiedExtension",
    ):
        found += (f"{node['type']} {attrs.get('url', attrs.get('id', ''))}",)
    links = (mark for mark in node.get("marks", []) if mark.get("type") == "link")
    return found + tuple(f"link {mark.get('attrs', {}).get('href')}" for mark in links)
