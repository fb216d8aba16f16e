"""A parsed document: plain values, and the place of every key and item; and what is left of one that is broken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.errors import ConfigError, Problem

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


class PartlyRead(ConfigError):
    """A file of which something cannot be read. The rest is there to be judged, never to be used.

    Attributes:
        document: What can be read. A top-level key that cannot is there, with ``None``.
        unread: Paths whose values are not what the file says; the empty path where a top-level key may be missing.
    """

    def __init__(self, problems: tuple[Problem, ...], document: Document, unread: frozenset[KeyPath]) -> None:
        super().__init__(tuple(sorted(problems)))
        self.document = document
        self.unread = unread

    def with_findings(self, findings: Iterable[Problem]) -> ConfigError:
        """Return the error with what is wrong in the rest; what is said of a value that was not read is left out.

        So is what the environment's variables are told, as it may be the lost part that has a place for them.
        """
        kept = (found for found in findings if found.file != "environment" and not self._is_of_unread(found.key))
        return ConfigError(tuple(dict.fromkeys([*self.problems, *kept])))

    def _is_of_unread(self, key: str) -> bool:
        names = [".".join(map(str, path)) for path in self.unread if path]
        if any(f"{key}.".startswith(f"{name}.") for name in names):
            return True
        top, value = key.partition(".")[0], self.document.value
        return () in self.unread and not (isinstance(value, dict) and top in value)


@dataclass(slots=True)
class Refused:
    """Collects everything that is wrong with one document, so that all of it is reported at once."""

    document: Document
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: KeyPath, message: str, remedy: str = "") -> None:
        """Take one more problem."""
        self.problems.append(self.document.problem(path, message, remedy))
