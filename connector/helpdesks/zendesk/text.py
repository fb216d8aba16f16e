"""Makes text safe for a Zendesk comment: what a template or a customer wrote is shown, never obeyed.

Zendesk expands ``{{placeholders}}`` and Liquid tags in comment bodies, reads them as Markdown, and cuts silently after
64 kB. Text that could be one of these is broken up or escaped, and we cut ourselves, visibly and between characters.
"""

from __future__ import annotations

import re

from connector.helpdesks.plaintext import clean, truncated

LARGEST_BODY = 64 * 1024 - 1
_JOINER = "\N{ZERO WIDTH JOINER}"
_NON_JOINER = "\N{ZERO WIDTH NON-JOINER}"
_MENTION = re.compile(r"(?<![\w.])@(?=\w)")
_PLACEHOLDER = re.compile(r"\{(?=[{%])|[}%](?=\})")
_INLINE = re.compile(r"([\\`*\[\]<]|(?<!\w)_|_(?!\w)|~(?=~)|!(?=\[))")
_LINE_START = re.compile(r"^([ \t]*)(#|>|\+(?=\s)|-(?=\s|-|$)|=(?==)|\d+(?=[.)]\s))", re.MULTILINE)


def safe_body(text: str) -> str:
    """Return ``text`` as a body that Zendesk shows literally, at most 64 kB of UTF-8."""
    return truncated(_neutral(_escaped(clean(text))), LARGEST_BODY)


def _escaped(text: str) -> str:
    return _LINE_START.sub(_escape_start, _INLINE.sub(r"\\\1", text))


def _escape_start(match: re.Match[str]) -> str:
    indent, mark = match.groups()
    return f"{indent}{mark}{_NON_JOINER}" if mark.isdigit() else f"{indent}\\{mark}"


def _neutral(text: str) -> str:
    return _PLACEHOLDER.sub(_broken, _MENTION.sub(_broken, text))


def _broken(match: re.Match[str]) -> str:
    return match.group() + _JOINER
