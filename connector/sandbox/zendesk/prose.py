"""Comment text: the size limit, placeholders, and which markup comes alive when people read it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

BODY_LIMIT = 65535
PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)\s*\}\}|\{\{.*?\}\}", re.DOTALL)
LIQUID = re.compile(r"\{%.*?%\}", re.DOTALL)
ALIVE = {
    "image": re.compile(r"!\[[^\]]*\]\([^)\s]+[^)]*\)"),
    "link": re.compile(r"(?<!\!)(?<!\\)\[[^\]]+\]\([^)\s]+[^)]*\)"),
    "url": re.compile(r"(?:https?://|www\.)[^\s<>()]+"),
    "mention": re.compile(r"(?<![\w@.\\])@[A-Za-z][\w.-]*"),
    "heading": re.compile(r"(?m)^#{1,6} \S"),
    "bold": re.compile(r"(?<!\\)\*\*[^*\s][^*]*\*\*"),
    "code": re.compile(r"(?<!\\)`[^`\n]+`"),
    "autolink": re.compile(r"<(?:https?://|mailto:)[^>\s]+>"),
}
HTML_ALIVE = {
    "link": re.compile(r"<a\s[^>]*href", re.IGNORECASE),
    "image": re.compile(r"<img\b", re.IGNORECASE),
    "script": re.compile(r"<script\b|\son\w+=", re.IGNORECASE),
}
TAG = re.compile(r"<[^>]+>")
ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!@<>|~])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """A comment's text as stored.

    Attributes:
        alive: (kind, text) of what a reader's screen would act on, placeholders that were expanded included.
        cut: Whether the size limit took something away.
    """

    body: str
    html: str
    alive: tuple[tuple[str, str], ...] = ()
    cut: bool = False


def plain(text: str, values: Mapping[str, str]) -> Prose:
    """Store a ``body``: placeholders expanded, Markdown rendered."""
    expanded, found = _expand(text, values)
    stored = _cut(expanded)
    found += [(kind, match) for kind, pattern in ALIVE.items() for match in pattern.findall(stored)]
    return Prose(body=stored, html=_framed(_rendered(stored)), alive=tuple(found), cut=stored != expanded)


def rich(text: str, values: Mapping[str, str]) -> Prose:
    """Store an ``html_body``; the plain form is what remains without tags."""
    expanded, found = _expand(text, values)
    stored = _cut(expanded)
    found += [(kind, match) for kind, pattern in HTML_ALIVE.items() for match in pattern.findall(stored)]
    body = html.unescape(TAG.sub("", stored))
    return Prose(body=body, html=_framed(stored), alive=tuple(found), cut=stored != expanded)


def _expand(text: str, values: Mapping[str, str]) -> tuple[str, list[tuple[str, str]]]:
    found: list[tuple[str, str]] = []

    def put(match: re.Match[str]) -> str:
        found.append(("placeholder", match.group(0)))
        return values.get(match.group(1) or "", "")

    def drop(match: re.Match[str]) -> str:
        found.append(("liquid", match.group(0)))
        return ""

    return LIQUID.sub(drop, PLACEHOLDER.sub(put, text)), found


def _cut(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= BODY_LIMIT else raw[:BODY_LIMIT].decode(errors="ignore")


def _rendered(text: str) -> str:
    safe = html.escape(text, quote=False)
    safe = re.sub(r"(?<!\\)!\[([^\]]*)\]\(([^)\s]+)\)", r'<img src="\2" alt="\1">', safe)
    safe = re.sub(r"(?<!\\)\[([^\]]+)\]\(([^)\s]+)\)", r'<a href="\2">\1</a>', safe)
    safe = re.sub(r"(?<!\\)\*\*([^*\s][^*]*)\*\*", r"<strong>\1</strong>", safe)
    safe = re.sub(r'(?<!["\'>=])(https?://[^\s<>()]+)', r'<a href="\1">\1</a>', safe)
    safe = ESCAPE.sub(r"\1", safe)
    return "".join(f'<p dir="auto">{part.replace(chr(10), "<br>")}</p>' for part in safe.split("\n\n"))


def _framed(inner: str) -> str:
    return f'<div class="zd-comment" dir="auto">{inner}</div>'
