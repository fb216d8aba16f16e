"""A parsed document: plain values, and the place of every key and item; and what is left of one that is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True)
class OtherReadings:
    """How a file with keys that are given twice may have been meant, besides by the first of each alone.

    Attributes:
        both: With both put together: what a mapping or list lacks is taken from the second, which gives way elsewhere.
        last: With the last of each alone.
        twice: The paths that are given twice.
    """

    both: Any
    last: Any
    twice: frozenset[KeyPath]


class PartlyRead(ConfigError):
    """A file of which something cannot be read. The rest is there to be judged, never to be used.

    Attributes:
        document: What can be read. A top-level key that cannot is there, with ``None``; of a key that is given twice
            the first counts.
        unread: Paths whose values are not what the file says; the empty path where a top-level key may be missing.
        others: The other readings, where a key is given twice.
    """

    def __init__(
        self,
        problems: tuple[Problem, ...],
        document: Document,
        unread: frozenset[KeyPath],
        others: OtherReadings | None = None,
    ) -> None:
        super().__init__(tuple(sorted(problems)))
        self.document = document
        self.unread = unread
        self.others = others

    def with_findings(self, judge: Callable[[Document], Iterable[Problem]]) -> ConfigError:
        """Return the error with what is wrong in the rest; what is said of a value that was not read is left out.

        So is what the environment's variables are told, as it may be the lost part that has a place for them, and what
        another reading of a key that is given twice mends: its other half is not missing, it only stands elsewhere.
        """
        kept = [
            found
            for found in judge(self.document)
            if found.file != "environment" and not _is_below(found.key, self.unread) and not self._may_be_lost(found)
        ]
        if kept and self.others is not None:
            both, last = (_told(judge(replace(self.document, value=v))) for v in (self.others.both, self.others.last))
            twice = self.others.twice
            kept = [f for f in kept if _of(f) in both and (_of(f) in last or _is_below(f.key, twice))]
        return ConfigError(tuple(dict.fromkeys([*self.problems, *kept])))

    def _may_be_lost(self, found: Problem) -> bool:
        top, value = found.key.partition(".")[0], self.document.value
        return () in self.unread and not (isinstance(value, dict) and top in value)


def _is_below(key: str, paths: Iterable[KeyPath]) -> bool:
    names = (".".join(map(str, path)) for path in paths if path)
    return any(f"{key}.".startswith(f"{name}.") for name in names)


def _of(problem: Problem) -> tuple[str, str]:
    """Return what a problem says of what; where that stands differs between two readings."""
    return problem.key, problem.message


def _told(problems: Iterable[Problem]) -> frozenset[tuple[str, str]]:
    return frozenset(map(_of, problems))


@dataclass(slots=True)
class Refused:
    """Collects everything that is wrong with one document, so that all of it is reported at once."""

    document: Document
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: KeyPath, message: str, remedy: str = "") -> None:
        """Take one more problem."""
        self.problems.append(self.document.problem(path, message, remedy))
