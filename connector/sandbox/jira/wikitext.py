"""Jira wiki text of service desk comments, read far enough to see what is live in it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

LIVE = re.compile(
    r"(?<!\\)(?P<mention>\[~[^\]]+\])|(?<!\\)(?P<link>\[[^\]~]+\])|(?P<url>\b(?:https?|ftp|mailto):\S+)"
    r"|(?<!\\)(?P<macro>\{[a-zA-Z][^}]*\})|(?<!\\)(?P<image>![^!\s][^!\n]*!)"
)
ESCAPE = re.compile(r"\\([^\w\s])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A wiki text as its readers meet it.

    Attributes:
        live: Mentions, links, macros and images that work.
    """

    text: str
    html: str
    live: tuple[str, ...]


def read_wiki(text: str) -> Read:
    """Render a comment."""
    live = tuple(f"{match.lastgroup} {match.group()}" for match in LIVE.finditer(text))
    plain = ESCAPE.sub(r"\1", text)
    return Read(text=plain, html=f"<p>{html.escape(plain)}</p>", live=live)
