"""Keeps credentials out of logs, representations and error texts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

_MASK = "***"
SHORTEST = 6
"""Characters of the shortest secret that is masked: a shorter one would mask ordinary words. Settings refuse it."""
_LONG = 9  # the middle of a shorter one, encoded, could be any word


class Redactor:
    """Replaces every known secret by ``***``, in every form in which it may turn up.

    As it is, in base64 wherever it stands in what was encoded, URL-encoded, quoted as JSON or by ``repr``, in
    hexadecimal.

    One per program: whatever one site's transport learns is masked in everybody's output. Callable from any thread:
    what is known is replaced as a whole, never changed in place.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self._known: frozenset[str] = frozenset()
        for secret in secrets:
            self.learn(secret)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"

    def learn(self, secret: str) -> None:
        """Mask ``secret`` from now on; a token fetched later is learned then."""
        if len(secret) < SHORTEST or secret in self._known:  # every request says its secrets again
            return
        forms = {*self._forms, *_forms(secret)}
        self._forms = tuple(sorted(forms, key=len, reverse=True))  # a longer form may hold a shorter one
        self._known |= {secret}

    def clean(self, text: str) -> str:
        """Return ``text`` without secrets."""
        for form in self._forms:
            text = text.replace(form, _MASK)
        return text


def _forms(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield from (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], raw.hex(), raw.hex().upper())
    for once in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield from (once, re.sub("%..", lambda code: code.group().lower(), once), quote(once, safe=""))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode()
        yield from (_core(encode, raw, before) for before in range(3) if len(raw) >= _LONG)


def _core(encode: Callable[[bytes], bytes], raw: bytes, before: int) -> str:
    """Return the part of an encoding that is the same whatever stands around, ``before`` bytes into a group of 3."""
    lead = (before * 4 + 2) // 3
    whole = (before + len(raw)) * 8 // 6
    return encode(b"\0" * before + raw).decode()[lead:whole]
