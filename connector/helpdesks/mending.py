"""An answer that is almost JSON, made JSON: one odd value on a page must not cost all the other tickets on it.

What answers have carried although no JSON may: ``NaN``, numbers beyond a double, halves of surrogate pairs, control
characters inside of text, bytes that are no UTF-8. Text is kept with a replacement character; a number that is none
becomes the text that stood there, so that whoever expects a number refuses that one ticket.
"""

from __future__ import annotations

import json
import math

UNREADABLE = (ValueError, RecursionError)
"""What decoding may raise: msgspec's errors are ``ValueError``, and so are those of bytes that are no UTF-8."""


def mended(body: bytes) -> bytes:
    """Return ``body`` as valid JSON.

    Raises:
        ValueError: It is no JSON at all, or nested too deeply to be one that a helpdesk sends.
    """
    try:
        text = body.decode("utf-8-sig", errors="replace")
        value = json.loads(text, strict=False, parse_constant=str, parse_float=_number, parse_int=_whole)
        return json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace")
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _number(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _whole(text: str) -> int | str:
    return int(text) if len(text) < 20 else text
