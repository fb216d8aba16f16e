r"""Plain text made safe for every vendor: nothing invisible that steers or hides, bounded length.

What goes out is quoted from templates and tickets. Control characters, overrides of the writing direction, invisible
characters that can smuggle text, blank letters, and code points that are no characters at all are dropped; joiners
stay, because emoji and several scripts need them, and so does one variation selector per character: a run of them
carries hidden bytes. A cut never falls inside of what a reader sees as one character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # without tab, line ends and the next-line character
_DIRECTION = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u00ad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_BLANK = "\u034f\u115f\u1160\u3164\uffa0"  # the grapheme joiner and the fillers of Hangul: letters that show nothing
_NO_CHARACTERS = "\ud800-\udfff\ufdd0-\ufdef" + "".join(
    f"{chr(p + 0xFFFE)}{chr(p + 0xFFFF)}" for p in range(0, 0x110000, 0x10000)
)
_NEVER = f"{_CONTROL}{_DIRECTION}{_INVISIBLE}{_BLANK}{_NO_CHARACTERS}"
_SELECTORS, _MORE_SELECTORS = (
    "\ufe00-\ufe0f",
    "\U000e0100-\U000e01ef",
)  # how a character looks; the latter: an ideograph
_IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
_HIDDEN = re.compile(
    f"[{_NEVER}]|(?<=[{_NEVER}{_SELECTORS}{_MORE_SELECTORS}])[{_SELECTORS}]|(?<![{_IDEOGRAPHS}])[{_MORE_SELECTORS}]"
)
_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
_ELLIPSIS = "…"
_JOINER, _NON_JOINER = "\u200d", "\u200c"
_LONGEST_CLUSTER = 200  # a longer pile of marks is cut through


def clean(text: str) -> str:
    r"""Return ``text`` without characters that hide or steer; every kind of line end becomes ``\n``."""
    if text.isascii() and text.isprintable():  # most lines are; whatever hides, steers or ends a line is not
        return text
    return _HIDDEN.sub("", _LINE_END.sub("\n", text))


def utf8(text: str) -> int:
    """Return the length in bytes of UTF-8."""
    return len(text.encode())


def utf16(text: str) -> int:
    """Return the length in units of UTF-16, as Java and JavaScript count characters."""
    return len(text.encode("utf-16-le")) // 2


def truncated(text: str, limit: int, *, size: Callable[[str], int] = utf8) -> str:
    """Return ``text``, where its ``size`` is over ``limit`` cut with an ellipsis between two visible characters."""
    if size(text) <= limit:
        return text
    fits = _longest(text, lambda cut: size(cut + _ELLIPSIS) <= limit)
    return text[: _boundary(text, fits)] + _ELLIPSIS


def _longest(text: str, fits: Callable[[str], bool]) -> int:
    """Return the length of the longest beginning that fits, at least 0."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(text[:middle]) else (low, middle - 1)
    return low


def _boundary(text: str, at: int) -> int:
    """Return the last place up to ``at`` where a new visible character begins."""
    for place in range(at, max(at - _LONGEST_CLUSTER, 0), -1):
        if _begins_one(text, place):
            return place
    return at if at > _LONGEST_CLUSTER else 0


def _begins_one(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if _extends(after) or before == _JOINER:
        return False
    return not (_is_flag_letter(before) and _is_flag_letter(after)) or _flag_letters_before(text, at) % 2 == 0


def _extends(character: str) -> bool:
    """True for what belongs to the character before it: marks, joiners, skin tones, vowels of Hangul."""
    if character in {_JOINER, _NON_JOINER} or unicodedata.category(character) in {"Mn", "Me", "Mc"}:
        return True
    return "\U0001f3fb" <= character <= "\U0001f3ff" or "\u1160" <= character <= "\u11ff"


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_letters_before(text: str, at: int) -> int:
    start = at
    while start > 0 and _is_flag_letter(text[start - 1]):
        start -= 1
    return at - start
