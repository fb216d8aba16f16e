"""Independent readers: what would come alive on a screen. None of them shares a line with our escaping."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from connector.sandbox import wiki
from connector.sandbox.zendesk import prose

HARMLESS_TAGS = frozenset({"div", "p", "br"})
_AUTOLINK = re.compile(
    r"(?i)(?:https?|ftp|file|mailto|javascript):(?://)?[^\s]+|\bwww\.[^\s]+|[\w.+-]+@[\w-]+\.\w+"
    r"|(?<![\w.-])(?:[a-z0-9-]+\.)+(?:example|com|net|org|exe)\b"
)
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = frozenset("\u200c\u200d\u2060")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(f"{tag} {attrs}" if any(name != "dir" for name, _ in attrs) and tag != "div" else tag)

    def handle_comment(self, data: str) -> None:
        self.tags.append(f"comment {data}")


def live_in_zendesk(body: str, *, links: bool) -> list[tuple[str, str]]:
    """Return what acts in a comment body: placeholders, mentions, markup, tags; bare addresses only if ``links``."""
    shown = prose.plain(body, {})
    found = [(kind, what) for kind, what in shown.alive if links or kind not in {"url", "autolink"}]
    found += [("placeholder", mark) for mark in ("{{", "{%", "}}", "%}") if mark in body]
    parser = _Tags()
    parser.feed(shown.html)
    allowed = HARMLESS_TAGS if links else HARMLESS_TAGS | {"a"}
    return found + [("html", tag) for tag in parser.tags if tag.split(" ")[0] not in allowed]


def live_in_wiki(text: str) -> list[tuple[str, str]]:
    return [(live.kind, live.target) for live in wiki.render(text).live]


def live_in_adf(document: dict[str, Any]) -> list[str]:
    """Return every node that is more than text in paragraphs, and everything that a node carries besides."""
    found = []
    for node in _nodes(document):
        if node.get("type") not in {"doc", "paragraph", "text", "hardBreak"}:
            found.append(str(node.get("type")))
        found += [key for key in node if key not in {"type", "text", "content", "version"}]
    return found


def text_of_adf(document: dict[str, Any]) -> str:
    return "\n".join(str(node["text"]) for node in _nodes(document) if node.get("type") == "text")


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for child in node.get("content", ()):
            yield from _nodes(child)


def addresses(text: str) -> list[str]:
    """Return what a generous reader would make a link of."""
    return [found.group() for found in _AUTOLINK.finditer(text)]


def hidden(text: str, *, joiners: bool = True) -> list[str]:
    """Return characters that command, turn or hide; tabs and line ends are none. ``joiners``: these may stand."""
    return [
        f"U+{ord(c):04X}"
        for c in text
        if (unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or c in _TURNING)
        and c not in "\n\t"
        and not (joiners and c in _JOINERS)
    ]
