"""Text → ``Document``. Limits come first, then the tree is built; everything found is raised as one ``ConfigError``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, DocumentStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from connector.documents.document import Document, KeyPath, Place
from connector.errors import ConfigError, Problem

MAX_BYTES = 1_000_000
MAX_ALIASES = 100
MAX_DEPTH = 40
MAX_VALUES = 50_000

_CORE = "tag:yaml.org,2002:"
_TRUE = frozenset({"true", "True", "TRUE"})
_PLAIN = frozenset({"str", "timestamp", "merge", "value"})  # dates stay text; their readers know what they expect
_COLLECTIONS = frozenset({f"{_CORE}map", f"{_CORE}seq"})
_WRITE_PLAIN = "write plain text, a number, true, false, null, a list or a mapping"
_RADIX = {"0o": 8, "0x": 16, "0b": 2}


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
        raise _refused(
            name, f"cannot be read: {error.strerror or error}", "check the path and its permissions"
        ) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(raw) <= MAX_BYTES:
            raise _refused(name, f"is not UTF-8 at byte {error.start}", "save the file as UTF-8") from error
        text = raw.decode("utf-8", errors="replace")
    return parse(text, file=name)


def parse(text: str, *, file: str) -> Document:
    """Parse YAML text.

    Raises:
        ConfigError: with every duplicate key and refused tag, or the first syntax error.
    """
    if len(text.encode()) > MAX_BYTES:
        raise _refused(file, f"is larger than {MAX_BYTES:,} bytes", "split it or remove what is not needed")
    try:
        _refuse_excess(text, file)
        root = YAML(typ="safe", pure=True).compose(text)
    except (MarkedYAMLError, ReaderError, YAMLError) as error:
        raise ConfigError((_syntax(error, file),)) from error
    builder = _Builder(file)
    value = None if root is None else builder.build(root, ())
    if builder.problems:
        raise ConfigError(tuple(sorted(builder.problems)))
    return Document(file=file, value=value, places=builder.places)


def _refuse_excess(text: str, file: str) -> None:
    """Look at the flat events before any tree is built, so that no input can cost more than its length."""
    depth = aliases = documents = 0
    anchors = set[str]()
    for event in YAML(typ="safe", pure=True).parse(text):
        aliases += isinstance(event, AliasEvent)
        documents += isinstance(event, DocumentStartEvent)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _refused(file, f"is nested deeper than {MAX_DEPTH} levels", "flatten it", mark=event.start_mark)
        if aliases > MAX_ALIASES:
            raise _refused(file, f"has more than {MAX_ALIASES} aliases", "write the values out", mark=event.start_mark)
        if documents > 1:
            raise _refused(file, "holds a second document", "keep one document per file", mark=event.start_mark)
        name = "" if isinstance(event, AliasEvent) else getattr(event, "anchor", None) or ""
        if name in anchors:
            raise _refused(file, f"gives the anchor {name} twice", "give each its own", mark=event.start_mark)
        anchors |= {name} - {""}


class _Builder:
    """Turns composed nodes into plain values and notes their places."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self._values = 0

    def build(self, node: Node, path: KeyPath) -> Any:
        self.places.setdefault(path, _place(node))
        self._values += 1
        if self._values > MAX_VALUES or len(path) > MAX_DEPTH:
            message = "its aliases make it too large" if self._values > MAX_VALUES else "an alias holds itself"
            raise _refused(self.file, message, "write the values out", mark=node.start_mark)
        if not isinstance(node, ScalarNode) and str(node.tag) not in _COLLECTIONS:
            self._problem(node, path, f"the tag {node.tag} is not accepted", _WRITE_PLAIN)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, value in self._entries(node, path):
            inner = (*path, key.value)
            if key.value in built:
                self._problem(key, inner, f"is given twice, first in line {self.places[inner][0]}", "keep one of them")
                continue
            self.places[inner] = _place(key)
            built[key.value] = self.build(value, inner)
        return built

    def _entries(self, node: MappingNode, path: KeyPath) -> Iterator[tuple[ScalarNode, Node]]:
        for key, value in node.value:
            if isinstance(key, ScalarNode):
                yield key, value
            else:
                self._problem(key, path, "a key must be plain text", "put quotes around it")

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        kind = str(node.tag).removeprefix(_CORE)
        try:
            return _plain(kind, node.value)
        except ValueError as error:
            self._problem(node, path, str(error), _WRITE_PLAIN)
            return None

    def _problem(self, node: Node, path: KeyPath, message: str, remedy: str) -> None:
        line, column = _place(node)
        key = ".".join(map(str, path))
        self.problems.append(Problem(self.file, line, column, key, message, remedy))


def _plain(kind: str, text: str) -> str | bool | int | float | None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("an escape stands for half a character; write the character itself")
    if kind in _PLAIN:
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text in _TRUE
    if kind == "int":
        return int(text.replace("_", ""), _RADIX.get(text.lstrip("+-")[:2], 10))
    if kind == "float":
        return _finite(text)
    raise ValueError(f"the tag {kind} is not accepted")


def _finite(text: str) -> float:
    number = float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a number to reckon with")
    return number


def _place(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _refused(file: str, message: str, remedy: str, *, mark: Any = None) -> ConfigError:
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return ConfigError((Problem(file=file, line=line, column=column, message=message, remedy=remedy),))


def _syntax(error: YAMLError, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    message = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
    context = getattr(error, "context", None)
    said = f"{context}: {message}" if context else str(message)
    remedy = "indent with spaces: YAML takes no tabs" if r"'\t'" in said else "fix the syntax here"
    return Problem(file=file, line=line, column=column, message=f"is not valid YAML: {said}", remedy=remedy)
