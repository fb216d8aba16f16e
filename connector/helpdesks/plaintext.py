"""Plain text made safe for every vendor: no control or direction-changing characters, bounded length."""

from __future__ import annotations

import re
import unicodedata

_CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f"  # all of them but line end and tab
_DIRECTION = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SURROGATES = "\ud800-\udfff"
_HIDDEN = re.compile(f"[{_CONTROL}{_DIRECTION}{_SURROGATES}]")
_ELLIPSIS = "…"


def clean(text: str) -> str:
    r"""Return ``text`` without control, direction and surrogate characters; line ends become ``\n``."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return _HIDDEN.sub("", unified)


def truncated(text: str, limit: int) -> str:
    """Return ``text`` cut to at most ``limit`` bytes of UTF-8, never inside a character or before a combining mark."""
    if len(text.encode()) <= limit:
        return text
    room = limit - len(_ELLIPSIS.encode())
    cut = text.encode()[: max(room, 0)].decode(errors="ignore")
    while cut and len(cut) < len(text) and _joins(text[len(cut)]):
        cut = cut[:-1]
    return cut + _ELLIPSIS


def _joins(character: str) -> bool:
    return unicodedata.combining(character) != 0 or character in "\u200d\ufe0e\ufe0f"
