"""Values that a stranger may have written name things; they never become links, addresses or mentions.

A zero-width joiner, which nobody sees, goes where a helpdesk would recognise an address: after the scheme, after the
dots of a domain, after an at sign.
"""

from __future__ import annotations

import re

_JOINER = "\N{ZERO WIDTH JOINER}"
_PLACES = (
    r"(?<=\w)(?=:(?://|\\\\))",  # a scheme
    r"(?:(?<=mailto)|(?<=script)|(?<=https)|(?<=http)|(?<=ftp)|(?<=file))(?=:)",
    r"(?<=www)(?=\.)|(?<=[\w-]\.)(?=[^\W\d_]{2})",  # a domain
    r"(?<=@)(?=\S)",
)
_LIVE = re.compile("|".join(_PLACES), re.IGNORECASE)


def defanged(text: str) -> str:
    """Return ``text``, reading the same, without anything that a reader could click."""
    return _LIVE.sub(_JOINER, text)
