r"""Jira's two rich texts: ADF for the platform, wiki text for ``servicedeskapi``. Our text is only ever plain in both.

ADF is built from text nodes alone, so nothing in the text can become a mention, a link or a macro. Wiki text has no
such form: every character that could begin markup is escaped with a backslash, and what no backslash stops (addresses
with a scheme, headings, letters that make an icon) is broken up by a word joiner, which nobody sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from connector.helpdesks.jira.structs import Node
from connector.helpdesks.plaintext import clean, truncated, utf16

LONGEST_COMMENT = 32_767
"""Jira refuses longer comments; counted as Java counts characters."""

_JOINER = "\u2060"
_BACKSLASH = f"\\\\{_JOINER}"  # two of them before a space would break the line
_WIKI_SPECIAL = re.compile(r"[{}\[\]()*_\-+^~?!|#@<>&%$`]")
_SCHEME = re.compile(r"(?i)(?<=\w)(?=://)|(?<=\bmailto)(?=:)|(?<=\bwww)(?=\.)")
_BLOCK_START = re.compile(r"(?m)^(\s*(?:h[1-6]|bq))(?=\.)")
_ICON = re.compile(r"(?<=[:;])(?=[PDpd]\b)")
_REFERENCE = "Ref "
_REF_BEGINS = "ESC-"
_REFERENCES = re.compile(r"Ref ((?:ESC-[0-9A-F]{10})(?: ESC-[0-9A-F]{10})*)\s*$")


def adf(text: str) -> dict[str, Any]:
    """Return ``text`` as an ADF document: paragraphs at blank lines, hard breaks at line ends, text nodes only."""
    shown = truncated(clean(text), LONGEST_COMMENT, size=utf16)
    paragraphs = [p for p in re.split(r"\n\s*\n", shown.strip("\n")) if p.strip()]
    content = [{"type": "paragraph", "content": list(_lines(p))} for p in paragraphs]
    return {"type": "doc", "version": 1, "content": content or [{"type": "paragraph", "content": []}]}


def _lines(paragraph: str) -> Iterator[dict[str, Any]]:
    for index, line in enumerate(paragraph.split("\n")):
        if index:
            yield {"type": "hardBreak"}
        if line:
            yield {"type": "text", "text": line}


def wiki(text: str, *, limit: int = LONGEST_COMMENT) -> str:
    """Return ``text`` as wiki text that renders as itself, at most ``limit`` units of UTF-16 with all its escapes."""
    return _escaped(truncated(clean(text), limit, size=lambda cut: utf16(_escaped(cut))))


def wiki_note(text: str, ref: str) -> str:
    """Return an internal note: the text, and our reference on a line of its own."""
    ending = f"\n\n{_REFERENCE}{_escaped(ref)}"
    return wiki(text, limit=LONGEST_COMMENT - utf16(ending)) + ending


def references(document: Any) -> tuple[str, ...]:
    """Return the refs (ten digits each) in a note's last line, where it is one of ours."""
    shown = plain(document).replace("\\", "").replace(_JOINER, "")
    found = _REFERENCES.search(shown)
    return tuple(ref.removeprefix(_REF_BEGINS) for ref in found.group(1).split()) if found else ()


def refers_to(document: Any, ref: str) -> bool:
    """True when a comment's text carries our reference, whether its escapes were rendered or kept."""
    shown = plain(document).replace("\\", "").replace(_JOINER, "")
    return re.search(rf"{_REFERENCE}{re.escape(ref)}(?!\w)", shown) is not None


def _escaped(text: str) -> str:
    inert = _BLOCK_START.sub(rf"\1{_JOINER}", _ICON.sub(_JOINER, _SCHEME.sub(_JOINER, text)))
    return _WIKI_SPECIAL.sub(r"\\\g<0>", inert.replace("\\", _BACKSLASH))


def plain(document: Any, *, quotes: bool = True) -> str:
    """Return the text of an ADF document (or of a plain string), for triggers; unknown nodes give their text.

    ``quotes=False`` leaves out what is quoted or shown as code.
    """
    if isinstance(document, str):
        return document
    left_out = frozenset() if quotes else _QUOTES
    return "".join(_texts(document, left_out)).strip() if isinstance(document, dict) else ""


_QUOTES = frozenset({"blockquote", "codeBlock"})


def plain_of(document: msgspec.Raw) -> str:
    """Return the text of an ADF document (or of a plain string) that is still as it came; see ``plain``."""
    found: list[str] = []
    try:
        node = _read(document)
    except msgspec.ValidationError:  # plain text, or a node is not as nodes are
        return plain(msgspec.json.decode(document))
    if node is not None:
        _gather(node, found, 0)
    return "".join(found).strip()


_read = msgspec.json.Decoder(Node | None).decode


def _gather(node: Node, found: list[str], depth: int) -> None:
    if depth > _DEEPEST:
        return
    if node.type == "hardBreak":
        found.append("\n")
    elif node.text is not None:
        found.append(node.text)
    elif node.attrs is not None:
        found.extend(_own_text({"attrs": node.attrs}))
    for child in node.content or ():
        _gather(child, found, depth + 1)
    if node.type in _BLOCKS:
        found.append("\n")


_BLOCKS = frozenset({"paragraph", "heading", "blockquote", "listItem", "codeBlock", "tableRow", "panel", "rule"})
_SHOWN_ATTRIBUTES = ("text", "shortName", "url")  # of mentions and statuses, of emoji, of cards
_DEEPEST = 100


def _texts(node: Any, left_out: frozenset[str] = frozenset(), depth: int = 0) -> Iterator[str]:
    if not isinstance(node, dict) or depth > _DEEPEST or str(node.get("type")) in left_out:
        return
    kind, content = str(node.get("type")), node.get("content")
    if kind == "hardBreak":
        yield "\n"
    else:
        yield from _own_text(node)
    for child in content if isinstance(content, list) else ():
        yield from _texts(child, left_out, depth + 1)
    if kind in _BLOCKS:
        yield "\n"


def _own_text(node: dict[str, Any]) -> Iterator[str]:
    if isinstance(text := node.get("text"), str):
        yield text
    elif isinstance(attributes := node.get("attrs"), dict):
        shown = (attributes.get(name) for name in _SHOWN_ATTRIBUTES)
        yield next((text for text in shown if isinstance(text, str)), "")
