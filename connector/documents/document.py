"""A parsed document: plain values, and the place of every key and item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.errors import Problem

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the top of a document to one value."""

Place = tuple[int, int]
"""Line and column, both from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What one file says.

    Attributes:
        file: as the operator wrote it; problems begin with it.
        value: dictionaries with text keys, lists, text, numbers, booleans and ``None``.
        places: where the key (in a list: the item) of each path stands.
    """

    file: str
    value: Any
    places: Mapping[KeyPath, Place] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place:
        """Return where ``path`` stands, or its nearest parent that does; (0, 0) for an unplaced document."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (0, 0))

    def holds(self, path: KeyPath) -> bool:
        """True when the document has a value at ``path``."""
        return path in self.places

    def problem(self, path: KeyPath, message: str, remedy: str = "") -> Problem:
        """Return a problem with the value at ``path``."""
        line, column = self.place(path)
        key = ".".join(map(str, path))
        return Problem(file=self.file, line=line, column=column, key=key, message=message, remedy=remedy)


@dataclass(slots=True)
class Refused:
    """Collects everything that is wrong with one document, so that all of it is reported at once."""

    document: Document
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: KeyPath, message: str, remedy: str = "") -> None:
        """Take one more problem."""
        self.problems.append(self.document.problem(path, message, remedy))
