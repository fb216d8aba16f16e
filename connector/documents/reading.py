"""Text → ``Document``. Limits come first, then the tree is built; everything found is raised as one ``ConfigError``.

Where the syntax is broken, each top-level section is read by itself, so that one bad line hides no other mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from ruamel.yaml.error import YAMLError

from connector.documents.document import Document, PartlyRead
from connector.documents.sections import by_section
from connector.documents.tree import parsed, refused, syntax
from connector.errors import ConfigError, Problem

MAX_BYTES = 1_000_000

T = TypeVar("T")


def judged(path: Path, judge: Callable[[Document], T], *, shown: str = "") -> T:
    """Read a file and return what ``judge`` makes of it.

    Raises:
        ConfigError: it cannot be read, or ``judge`` refuses it; of a file that can be read in part, with both.
    """
    try:
        document = read(path, shown=shown)
    except PartlyRead as broken:
        raise broken.with_findings(partial(_findings, judge)) from broken
    return judge(document)


def _findings(judge: Callable[[Document], object], document: Document) -> tuple[Problem, ...]:
    try:
        judge(document)
    except ConfigError as error:
        return error.problems
    return ()


def read(path: Path, *, shown: str = "") -> Document:
    """Read a file; ``shown`` is what problems call it.

    Raises:
        ConfigError: it is missing, unreadable, too large, not UTF-8 or not YAML that we accept.
    """
    name = shown or str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise refused(
            name, f"cannot be read: {error.strerror or error}", "check the path and its permissions"
        ) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(raw) <= MAX_BYTES:
            raise refused(name, f"is not UTF-8 at byte {error.start}", "save the file as UTF-8") from error
        text = raw.decode("utf-8", errors="replace")
    return parse(text, file=name)


def parse(text: str, *, file: str) -> Document:
    """Parse YAML text; the values are the caller's own.

    Raises:
        PartlyRead: with every duplicate key and refused tag, or the syntax errors of all top-level sections.
        ConfigError: it exceeds a limit, or nothing of it can be read.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise refused(file, f"is larger than {MAX_BYTES:,} bytes", "split it or remove what is not needed")
    try:
        known = _parsed_once(text)
    except ConfigError:
        return parsed(text, file)  # which refuses it again, by the name of this file
    except YAMLError as error:
        raise by_section(text, file, syntax(error, text, file)) from error
    return replace(known, file=file, value=deepcopy(known.value))


@lru_cache(maxsize=8)
def _parsed_once(text: str) -> Document:
    """Parse what this process has not met lately: a reload reads all files again, of which one has changed."""
    return parsed(text, file="")
