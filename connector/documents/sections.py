"""What can be read of a file whose syntax is broken: each top-level section, parsed as if it stood alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ruamel.yaml.composer import ComposerError
from ruamel.yaml.error import YAMLError

from connector.documents.document import Document, KeyPath, OtherReadings, PartlyRead, Place
from connector.documents.tree import MAX_VALUES, parsed, put_together, syntax
from connector.errors import ConfigError, Problem

_MOST_SECTIONS = 200
_SECTION = re.compile(r"^(?=([A-Za-z_][\w-]*):(?:\s|$))", re.MULTILINE)
_NOTHING_YET = re.compile(r"(?:[ \t]*(?:#.*)?\n|---[ \t]*\n)*")


def by_section(text: str, file: str, first: Problem) -> ConfigError:
    """Return what is wrong with a file whose syntax is broken, and the sections that can be read.

    ``first`` is what the parser says of the whole. It stands where no section is to blame by itself: else each broken
    section says it better, as what is opened in one may seem to end in another.
    """
    starts = [(found.start(), found[1]) for found in _SECTION.finditer(text)]
    if not 0 < len(starts) <= _MOST_SECTIONS or not _NOTHING_YET.fullmatch(text[: starts[0][0]]):
        return ConfigError((first,))
    rest = _Rest(file)
    for key, section, before in _cut(text, starts):
        rest.take(section, key, before=before)
        if len(rest.places) > MAX_VALUES:
            return ConfigError((first,))
    document = Document(file=file, value=rest.value, places=rest.places)
    problems = rest.problems if rest.is_to_blame else [first, *rest.problems]
    return PartlyRead(tuple(problems), document, frozenset({(), *rest.unread}), rest.others)


def _cut(text: str, starts: list[tuple[int, str]]) -> Iterator[tuple[str, str, int]]:
    """Yield the key of each section, its text, and how many lines of the file stand above it."""
    before = text.count("\n", 0, starts[0][0])
    ends = [start for start, _ in starts[1:]] + [len(text)]
    for (start, key), end in zip(starts, ends, strict=True):
        yield key, text[start:end], before
        before += text.count("\n", start, end)


class _Rest:
    """Gathers the top-level sections of a broken file, each parsed as if it stood alone."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.is_to_blame = False
        self.value: dict[str, Any] = {}
        self._both: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self._twice: set[KeyPath] = set()
        self.places: dict[KeyPath, Place] = {(): (1, 1)}
        self.unread: set[KeyPath] = set()

    @property
    def others(self) -> OtherReadings | None:
        """Return the other readings, where a key is given twice."""
        return OtherReadings(self._both, self._last, frozenset(self._twice)) if self._twice else None

    def take(self, text: str, key: str, *, before: int) -> None:
        """Take one section."""
        is_again = key in self.value
        if is_again:
            message = f"is given twice, first in line {self.places[(key,)][0]}"
            self.problems.append(Problem(self.file, before + 1, 1, key, message, "keep one of them"))
            self._twice.add((key,))
        document, others = self._read(text, key, before)
        value = {key: None} if document is None else document.value
        both, last = (value, value) if others is None else (others.both, others.last)
        self._both = put_together(self._both, both)
        self._last |= last
        if is_again:
            return
        self.value |= value
        found = {} if document is None else document.places
        self.places |= {path: (line + before, column) for path, (line, column) in found.items() if path}
        self.places.setdefault((key,), (before + 1, 1))

    def _read(self, text: str, key: str, before: int) -> tuple[Document | None, OtherReadings | None]:
        try:
            return parsed(text, self.file), None
        except PartlyRead as partly:
            self._note(partly, before)
            self.unread |= partly.unread
            self._twice |= partly.others.twice if partly.others else set()
            return partly.document, partly.others
        except ComposerError:
            pass  # an alias of another section's anchor: of this one nothing can be said
        except YAMLError as error:
            self.problems.append(syntax(error, text, self.file, before=before))
            self.is_to_blame = True
        except ConfigError as error:
            self._note(error, before)
        self.unread.add((key,))
        return None, None

    def _note(self, error: ConfigError, before: int) -> None:
        """Take an error's problems, each with its place in the file: its section's where it has none of its own."""
        for each in error.problems:
            self.problems.append(replace(each, line=max(each.line, 1) + before, column=max(each.column, 1)))
