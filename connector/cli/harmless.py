"""What is printed is read by a terminal, a log collector or a spreadsheet: none of them may be steered by a ticket.

Names and values come from helpdesks, where strangers write. Characters that command a terminal, end a line, turn the
direction of writing or hide are shown as escapes, so that a reader sees that they were there.
"""

from __future__ import annotations

import codecs
import re
from typing import Any

from connector.domain.invisible import HIDING, TURNING

_STEERING = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"
_HALVES = "\ud800-\udfff"
_UNSAFE = re.compile(f"[{_STEERING}{TURNING}{HIDING}{_HALVES}]")
_UNSAFE_OR_BREAK = re.compile(f"[\t\n{_STEERING}{TURNING}{HIDING}{_HALVES}]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")
_FORMULA = re.compile(r"[=@]|[+-](?!\d+(?:[.:\s]?\d+|[dhms]\b|\s)*$)(?=.)")


def visible(text: str) -> str:
    """Return ``text`` with everything that steers or hides written out; line ends and tabs stay."""
    return _UNSAFE.sub(_escape, text)


def one_line(text: str) -> str:
    """Return ``text`` as one line, whatever stands in it."""
    return _UNSAFE_OR_BREAK.sub(_escape, text)


def in_json(document: str) -> str:
    """Return a JSON document that means the same and holds no character that steers or hides."""
    return _UNSAFE.sub(lambda found: _pairs(ord(found.group())), document)


def json_for(stream: Any, document: str) -> str:
    """Return a JSON document in characters that ``stream`` can write: ASCII alone where that is not UTF-8.

    An escape that the stream makes by itself is no JSON, and neither are a document's bytes in Latin-1.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if codecs.lookup(encoding).name == "utf-8":
        return document
    return _NOT_ASCII.sub(lambda found: _pairs(ord(found.group())), document)


def cell(text: str) -> str:
    """Return one field of a tab-separated line; what a spreadsheet would reckon out begins with an apostrophe."""
    told = visible(text).replace("\t", " ").replace("\n", " ")
    return f"'{told}" if _FORMULA.match(told) else told


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _pairs(code: int) -> str:
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
