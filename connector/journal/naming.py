"""Where a person is named: in the fields of a document that hold an account, and as a word in any sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, or_

GONE = "erased"

TELLING = 9
"""Characters from which on an account's id is hardly anything else, such as a count or a room."""

_ACCOUNT_KEYS = frozenset(
    {"requester", "assignee", "account", "by", "actor", "before", "after", "acknowledged_by", "person", "involved"}
)
_VALUES = frozenset({"facts", "labels"})
"""What the helpdesk's fields hold: a word there is the ticket's own, unless its key or its length says otherwise."""


class Person:
    """One account of a site under every name that stands for it: its id, ``id:…`` and what the map calls it."""

    def __init__(self, account: str, names: Collection[str] = ()) -> None:
        self._names = tuple(dict.fromkeys((account, *names)))
        self._whole = frozenset({*self._names, *(f"id:{name}" for name in self._names)})
        self._telling = frozenset({account, f"id:{account}"} if len(account) >= TELLING else ())
        words = "|".join(re.escape(name) for name in sorted(self._names, key=len, reverse=True))
        # `anna` is no part of `anna-maria`, `joanna` or `anna@acme.example`
        self._word = re.compile(rf"(?<![\w@])(?<!\w[-.:])(?:id:)?(?:{words})(?![\w@]|[-.:]\w)")

    def may_be_in(self, column: ColumnElement[str]) -> ColumnElement[bool]:
        """Return a condition that finds every row which names the person, and some that do not."""
        forms = {
            form for name in self._names for form in (name, _quoted(name, ascii_=False), _quoted(name, ascii_=True))
        }
        return or_(*(column.contains(form, autoescape=True) for form in sorted(forms)))

    def is_in(self, text: str) -> bool:
        """Return whether a text names the person."""
        return self._word.search(text) is not None

    def is_in_mapping(self, document: str) -> bool:
        """Return whether a value of a JSON mapping names the person."""
        return any(self.is_in(value) for value in json.loads(document).values() if isinstance(value, str))

    def out_of_text(self, text: str) -> str:
        """Return a text without the person."""
        return self._word.sub(lambda found: _gone(found.group()), text)

    def out_of_document(self, document: str) -> str:
        """Return a JSON document without the person; the same where it does not name them."""
        before = json.loads(document)
        after = self._without(before)
        return document if after == before else json.dumps(after, ensure_ascii=False, separators=(",", ":"))

    def _without(self, value: Any, key: str = "", *, own: bool = False) -> Any:
        """Return a value without the person; an actor's ``id`` is an account; ``own``: below a ticket's own values."""
        if isinstance(value, dict):
            return {
                name: self._without(inner, _place(name, key), own=own or name in _VALUES)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self._without(inner, key, own=own) for inner in value]
        return self._out_of(value, key, own=own) if isinstance(value, str) else value

    def _out_of(self, text: str, key: str, *, own: bool) -> str:
        if key in _ACCOUNT_KEYS and text in self._whole:
            return _gone(text)
        if own:
            return _gone(text) if text in self._telling else text
        is_sentence = any(letter.isspace() for letter in text)
        return self.out_of_text(text) if is_sentence or text.startswith("id:") else text


def _gone(name: str) -> str:
    return f"id:{GONE}" if name.startswith("id:") else GONE


def _place(name: str, outer: str) -> str:
    return outer if name == "id" and outer in _ACCOUNT_KEYS else name


def _quoted(name: str, *, ascii_: bool) -> str:
    return json.dumps(name, ensure_ascii=ascii_)[1:-1]
