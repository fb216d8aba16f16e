"""Jira wiki markup, rendered just enough to see what came alive in a text.

An internal note travels as wiki text, so a ticket's subject that is quoted in one may ping a
person, fetch an image or open a macro unless every metacharacter is escaped. ``render`` tells:
the text as a reader sees it, and each construct that the renderer would act upon.

What counts as live follows the public notation guide of the vendor; details that the guide
leaves open (closing marks beside punctuation, autolinks of bare addresses) are read generously:
in doubt a construct is live.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["mention", "link", "image", "macro", "autolink", "ticket", "emphasis", "icon", "block"]

_TARGET = r"(?:[a-z][a-z0-9+.-]*:|www\.|\#|\^|/|\\\\)"
_TOKENS = re.compile(
    r"""
      (?P<line>\\\\(?!\S))                                              # two backslashes break the line
    | \\(?P<escape>[^\w\s]|_)
    | (?P<verbatim>\{(?P<fence>code|noformat)(?::[^}\n]*)?\}(?P<inside>.*?)\{(?P=fence)\})
    | (?P<mono>\{\{(?P<typed>[^\n]+?)\}\})
    | (?P<macro>\{(?P<name>[A-Za-z][\w-]*)(?::[^{}\n]*)?\})
    | (?P<mention>\[~(?P<who>[^\]\n]+)\])
    | (?P<link>\[(?:(?P<label>[^\]|\n]*)\|(?P<to>[^\]\n]+)|(?P<bare>TARGET[^\]\n]*))\])
    | (?P<image>!(?P<file>[^\s!|][^!|\n]*\.[^!|\n]+)(?:\|[^!\n]*)?!)
    | (?P<autolink>(?<![\w/])(?:(?:https?|ftp|file|irc|news|nntp)://|mailto:|www\.)[^\s\[\]{}|\\]+)
    | (?P<address>(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    | (?P<ticket>(?<![\w-])[A-Z][A-Z0-9]+-\d+(?![\w-]))
    | (?P<icon>\((?:[!?/xiyn+-]|on|off|\*[rgby]?)\)|(?<!\w):-?[)(PD](?!\w)|(?<!\w);-?\))
    | (?P<block>^[ ]*(?:h[1-6]\.|bq\.|\|\|?|[*\#-]+(?=[ ])|-{4,5}[ ]*$))
    | (?P<emphasis>(?<![\w\\])(?:(?P<mark>[*_+^~-])|\?\?)(?=\S)(?=[^\n]*?(?<![\s\\])(?:(?P=mark)|\?\?)(?!\w)))
    """.replace("TARGET", _TARGET),
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_KINDS: dict[str, tuple[Kind, str, str]] = {  # group → kind, group that names the target, group that is read
    "verbatim": ("macro", "fence", "inside"),
    "mono": ("emphasis", "typed", "typed"),
    "macro": ("macro", "name", ""),
    "mention": ("mention", "who", "who"),
    "image": ("image", "file", ""),
    "autolink": ("autolink", "autolink", "autolink"),
    "address": ("autolink", "address", "address"),
    "ticket": ("ticket", "ticket", "ticket"),
    "icon": ("icon", "icon", "icon"),
    "block": ("block", "block", ""),
    "emphasis": ("emphasis", "emphasis", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """One construct that the renderer acts upon, with what it points at."""

    kind: Kind
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A text after rendering: as read, and what is live in it in order of appearance."""

    text: str
    live: tuple[Live, ...]

    def of(self, *kinds: Kind) -> tuple[Live, ...]:
        """The live constructs of these kinds."""
        return tuple(live for live in self.live if live.kind in kinds)


def render(source: str) -> Rendered:
    """Render wiki markup. Never fails: whatever is no markup is text."""
    live: list[Live] = []
    parts: list[str] = []
    position = 0
    for match in _TOKENS.finditer(source):
        parts.append(source[position : match.start()])
        position = match.end()
        found, shown = _read(match)
        live += found
        parts.append(shown)
    parts.append(source[position:])
    return Rendered(text="".join(parts), live=tuple(live))


def _read(match: re.Match[str]) -> tuple[list[Live], str]:
    if match["escape"] is not None:
        return [], match["escape"]
    if match["line"] is not None:
        return [], "\n"
    if match["link"] is not None:
        target = match["to"] or match["bare"]
        return [Live(kind="link", target=target)], match["label"] or target
    group = next(name for name in _KINDS if match[name] is not None)
    kind, target_group, shown_group = _KINDS[group]
    return [Live(kind=kind, target=match[target_group].strip())], match[shown_group] if shown_group else ""
