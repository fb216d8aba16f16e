"""Makes text safe for a Zendesk comment: what a template or a customer wrote is shown, never obeyed.

Zendesk expands ``{{placeholders}}`` and Liquid tags in comment bodies, reads them as Markdown, and cuts silently after
64 kB. Text that could be one of these is broken up or escaped, and we cut ourselves, visibly and between characters.
"""

from __future__ import annotations

import re
import unicodedata

LARGEST_BODY = 64 * 1024 - 1
_JOINER = "\N{ZERO WIDTH JOINER}"
_ELLIPSIS = "…"
_KEPT_CONTROLS = "\n\t"
_INVISIBLE = frozenset(
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0xFEFF, 0x200B)
)
_PLACEHOLDER = re.compile(r"\{(?=[{%])|[}%](?=\})")
_INLINE = re.compile(r"([\\`*\[\]<]|(?<!\w)_|_(?!\w)|~(?=~)|!(?=\[))")
_LINE_START = re.compile(r"^([ \t]*)(#|>|\+(?=\s)|-(?=\s|-|$)|=(?==)|\d+(?=[.)]\s))", re.MULTILINE)


def safe_body(text: str) -> str:
    """Return ``text`` as a body that Zendesk shows literally, at most 64 kB of UTF-8."""
    return truncated(_neutral(_escaped(cleaned(text))), LARGEST_BODY)


def cleaned(text: str) -> str:
    """Return ``text`` without control characters, direction overrides and lone surrogates, with plain line ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if char in _KEPT_CONTROLS or _is_shown(char))


def truncated(text: str, most: int) -> str:
    """Return ``text`` in at most ``most`` bytes of UTF-8, cut before a character that can stand alone."""
    if len(text.encode()) <= most:
        return text
    room = most - len(_ELLIPSIS.encode())
    end = len(text.encode()[:room].decode(errors="ignore"))
    while end > 0 and _clings(text, end):
        end -= 1
    return text[:end] + _ELLIPSIS


def _is_shown(char: str) -> bool:
    return char not in _INVISIBLE and unicodedata.category(char) not in {"Cc", "Cs"}


def _escaped(text: str) -> str:
    text = _INLINE.sub(r"\\\1", text)
    return _LINE_START.sub(_escape_start, text)


def _escape_start(match: re.Match[str]) -> str:
    indent, mark = match.groups()
    return f"{indent}{mark}" + "\N{ZERO WIDTH NON-JOINER}" if mark.isdigit() else f"{indent}\\{mark}"


def _neutral(text: str) -> str:
    return _PLACEHOLDER.sub(lambda match: match.group() + _JOINER, text)


def _clings(text: str, at: int) -> bool:
    """True when the character at ``at`` belongs to the one before it, so that a cut there would change what is seen."""
    char, before = text[at], text[at - 1]
    if unicodedata.combining(char) or char in {_JOINER, "\N{VARIATION SELECTOR-16}", "\N{VARIATION SELECTOR-15}"}:
        return True
    if before in {_JOINER, "\\"} or "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    return all("\U0001f1e6" <= letter <= "\U0001f1ff" for letter in (char, before))
