"""Structured conditions: ``all`` / ``any`` / ``none`` of ``{field, op, value}``; no expressions, no patterns.

A condition has three answers: yes, no and *unknown*. Free text is not stored, so a text condition that has no result
for the ticket's current version is unknown until the ticket is read; every other condition on a missing input is simply
no (and ``op: missing`` is yes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Op(StrEnum):
    """Comparisons. Text is compared case-folded; sets by membership."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"
    INCLUDES = "includes"  # a set-valued input holds the value (or one of the values)
    EXCLUDES = "excludes"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    KNOWN = "known"
    MISSING = "missing"
    HAS_WORDS = "has_words"  # only for the field ``text``


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Words or phrases per locale for ``has_words``; whole words, case and diacritics folded.

    ``key`` is a digest of the content: stored results are found by it, so editing the words makes them unknown.
    """

    key: str
    by_locale: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One comparison. ``value`` is a tuple for set comparisons, ``None`` for ``known`` and ``missing``."""

    __test__ = False  # not a pytest class

    field: str
    op: Op
    value: str | float | bool | tuple[str, ...] | Words | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """All of ``all``, at least one of ``any`` (where given) and none of ``none``. Empty is always yes."""

    all: tuple[Test, ...] = ()
    any: tuple[Test, ...] = ()
    none: tuple[Test, ...] = ()

    @property
    def tests(self) -> tuple[Test, ...]:
        """Return every comparison, in file order."""
        return self.all + self.any + self.none

    @property
    def words(self) -> tuple[Words, ...]:
        """Return the word lists whose results must be known."""
        return tuple(t.value for t in self.tests if isinstance(t.value, Words))


ALWAYS = When()
