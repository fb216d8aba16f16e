"""What the readers of a service desk comment meet: its wiki text rendered, and what came alive in it."""

from __future__ import annotations

import html
from dataclasses import dataclass

from connector.sandbox.wiki import render


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A wiki text as its readers meet it.

    Attributes:
        live: Mentions, links, macros, images … that work, as ``kind target``.
    """

    text: str
    html: str
    live: tuple[str, ...]


def read_wiki(text: str) -> Read:
    """Render a comment."""
    rendered = render(text)
    shown = html.escape(rendered.text).replace("\n", "<br/>")
    live = tuple(f"{each.kind} {each.target}" for each in rendered.live)
    return Read(text=rendered.text, html=f"<p>{shown}</p>", live=live)
