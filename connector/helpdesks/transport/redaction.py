"""Keeps credentials out of logs, representations and error texts."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterable
from urllib.parse import quote

_MASK = "***"
_SHORTEST = 6  # a shorter "secret" would mask ordinary words


class Redactor:
    """Replaces every known secret, and its base64, URL-encoded and JSON-quoted forms, by ``***``.

    One per program: whatever one site's transport learns is masked in everybody's output. Callable from any thread:
    what is known is replaced as a whole, never changed in place.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        for secret in secrets:
            self.learn(secret)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"

    def learn(self, secret: str) -> None:
        """Mask ``secret`` from now on; a token fetched later is learned then."""
        if len(secret) >= _SHORTEST:
            encoded = base64.b64encode(secret.encode()).decode()
            quoted = json.dumps(secret)[1:-1]
            forms = {*self._forms, secret, encoded, encoded.rstrip("="), quote(secret, safe=""), quoted}
            self._forms = tuple(sorted(forms, key=len, reverse=True))  # a longer form may hold a shorter one

    def clean(self, text: str) -> str:
        """Return ``text`` without secrets."""
        for form in self._forms:
            text = text.replace(form, _MASK)
        return text


class RedactionFilter(logging.Filter):
    """Cleans log records, arguments and tracebacks included; put it on every handler."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; always lets it through."""
        record.msg = self._redactor.clean(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._redactor.clean(record.exc_text)
        return True
