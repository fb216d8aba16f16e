"""Text → the tree of a YAML document → plain values and their places, within limits."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    ScalarEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from connector.documents.document import Document, KeyPath, OtherReadings, PartlyRead, Place
from connector.errors import ConfigError, Problem

MAX_ALIASES = 100
MAX_DEPTH = 40
MAX_VALUES = 50_000

_CORE = "tag:yaml.org,2002:"
_TRUE = frozenset({"true", "True", "TRUE"})
_PLAIN = frozenset({"str", "timestamp", "merge", "value"})  # dates stay text; their readers know what they expect
_COLLECTIONS = frozenset({f"{_CORE}map", f"{_CORE}seq"})
_WRITE_PLAIN = "write plain text, a number, true, false, null, a list or a mapping"
_EMPTY = "while parsing a flow node"
_OPENED = re.compile(r"\b(?:quoted scalar|flow sequence|flow mapping|flow node)$")
_ENDS = re.compile(r"\bend of stream$|'<stream end>'$")
_RADIX = {"0o": 8, "0x": 16, "0b": 2}


def parsed(text: str, file: str) -> Document:
    """Return the document.

    Raises:
        PartlyRead: with every duplicate key and refused tag.
        ConfigError: it exceeds a limit.
        YAMLError: the parser's own, where the syntax is broken.
    """
    yaml = YAML(typ="safe", pure=True)
    events = _refuse_excess(yaml.parse(text), file)
    root = _composed(events, yaml.version)
    builder = _Builder(file)
    value = None if root is None else builder.build(root, ())
    document = Document(file=file, value=value, places=builder.places)
    if builder.problems:
        others = None
        if root is not None and builder.twice:
            both, last = (_Builder(file, of_two).build(root, ()) for of_two in (put_together, _last))
            others = OtherReadings(both, last, frozenset(builder.twice))
        raise PartlyRead(tuple(builder.problems), document, frozenset(builder.unread), others)
    return document


def put_together(first: Any, second: Any) -> Any:
    """Return two values of one key as one: what the first lacks comes from the second."""
    if isinstance(first, dict) and isinstance(second, dict):
        shared = {key: put_together(first[key], second[key]) for key in first if key in second}
        return {**second, **first, **shared}
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *second]
    return second if first is None else first


def _first(first: Any, _second: Any) -> Any:
    return first


def _last(_first: Any, second: Any) -> Any:
    return second


def _refuse_excess(events: Iterable[Event], file: str) -> list[Event]:
    """Look at the flat events before any tree is built, so that no input can cost more than its length; return them."""
    seen: list[Event] = []
    depth = aliases = documents = 0
    anchors = set[str]()
    for event in events:
        if isinstance(event, ScalarEvent):
            event.value = _whole(event.value)
        seen.append(event)
        aliases += isinstance(event, AliasEvent)
        documents += isinstance(event, DocumentStartEvent)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise refused(file, f"is nested deeper than {MAX_DEPTH} levels", "flatten it", mark=event.start_mark)
        if aliases > MAX_ALIASES:
            raise refused(file, f"has more than {MAX_ALIASES} aliases", "write the values out", mark=event.start_mark)
        if documents > 1:
            raise refused(file, "holds a second document", "keep one document per file", mark=event.start_mark)
        name = "" if isinstance(event, AliasEvent) else getattr(event, "anchor", None) or ""
        if name in anchors:
            raise refused(file, f"gives the anchor {name} twice", "give each its own", mark=event.start_mark)
        anchors |= {name} - {""}
    return seen


class _Replay:
    """Hands a composer events that were parsed before: to parse them a second time would double what reading costs."""

    def __init__(self, events: Iterable[Event], **_: YAML) -> None:
        self._coming = deque(events)

    def peek_event(self) -> Event | None:
        return self._coming[0] if self._coming else None

    def get_event(self) -> Event | None:
        return self._coming.popleft() if self._coming else None

    def check_event(self, *kinds: type[Event]) -> bool:
        return bool(self._coming) and (not kinds or isinstance(self._coming[0], kinds))


def _composed(events: Iterable[Event], version: tuple[int, int] | None) -> Node | None:
    """Return the tree that ``events`` describe, by the rules of the YAML ``version`` that the text asks for."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    yaml.Parser = partial(_Replay, events)
    return yaml.composer.get_single_node()


class _Builder:
    """Turns composed nodes into plain values and notes their places; ``of_two`` chooses where a key is given twice."""

    def __init__(self, file: str, of_two: Callable[[Any, Any], Any] = _first) -> None:
        self.file = file
        self.twice: set[KeyPath] = set()
        self._of_two = of_two
        self.places: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self.unread: set[KeyPath] = set()
        self._values = 0

    def build(self, node: Node, path: KeyPath) -> Any:
        self.places.setdefault(path, _place(node))
        self._values += 1
        if self._values > MAX_VALUES or len(path) > MAX_DEPTH:
            message = "its aliases make it too large" if self._values > MAX_VALUES else "an alias holds itself"
            raise refused(self.file, message, "write the values out", mark=node.start_mark)
        if not isinstance(node, ScalarNode) and str(node.tag) not in _COLLECTIONS:
            self._problem(node, path, f"the tag {node.tag} is not accepted", _WRITE_PLAIN)
            self.unread.add(path)
        if isinstance(node, MappingNode):
            built = self._mapping(node, path)
            return built if not path or path not in self.unread else None
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, value in self._entries(node, path):
            inner = (*path, key.value)
            if key.value in built:
                self._problem(key, inner, f"is given twice, first in line {self.places[inner][0]}", "keep one of them")
                self.twice.add(inner)
                if self._of_two is not _first:
                    built[key.value] = self._of_two(built[key.value], self.build(value, inner))
                continue
            self.places[inner] = _place(key)
            built[key.value] = self.build(value, inner)
        return built

    def _entries(self, node: MappingNode, path: KeyPath) -> Iterator[tuple[ScalarNode, Node]]:
        """Yield what has a key of plain text; of a mapping with any other key nobody can say what is missing."""
        for key, value in node.value:
            if isinstance(key, ScalarNode) and _is_text(key):
                yield key, value
                continue
            remedy = "put quotes around it" if str(key.value).strip() else "write a name before the colon"
            self._problem(key, path, "a key must be plain text", remedy)
            self.unread.add(path)

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        kind = str(node.tag).removeprefix(_CORE)
        try:
            return _plain(kind, node.value)
        except ValueError as error:
            self._problem(node, path, str(error), _WRITE_PLAIN)
            self.unread.add(path)
            return None

    def _problem(self, node: Node, path: KeyPath, message: str, remedy: str) -> None:
        line, column = _place(node)
        key = ".".join(map(str, path))
        self.problems.append(Problem(self.file, line, column, key, message, remedy))


def _is_text(key: ScalarNode) -> bool:
    """True for a key that can be told as it is written: numbers and words can, nothing and strange tags cannot."""
    kind = str(key.tag).removeprefix(_CORE)
    try:
        _plain(kind, key.value)
    except ValueError:
        return False
    return kind != "null"


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


def _whole(text: str) -> str:
    """Return ``text`` with two halves in a row as one character: JSON escapes so (RFC 8259 §7), and JSON is YAML."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _finite(text: str) -> float:
    number = float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a number to reckon with")
    return number


def _place(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def refused(file: str, message: str, remedy: str, *, mark: Any = None) -> ConfigError:
    """Return the refusal of a whole file, with the place where that was seen."""
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return ConfigError((Problem(file=file, line=line, column=column, message=message, remedy=remedy),))


def syntax(error: YAMLError, text: str, file: str, *, before: int = 0) -> Problem:
    """Return what the parser found in ``text``, with its place and a remedy; ``before`` lines of the file stand above.

    What is opened and never closed has its place where it is opened: the parser sees it only where the text ends.
    """
    if isinstance(error, ReaderError):
        _, _, left = text[: error.position].rpartition("\n")
        line = before + text.count("\n", 0, error.position) + 1
        message = f"is not valid YAML: the character U+{error.character:04X} is not accepted"
        return Problem(file=file, line=line, column=len(left) + 1, message=message, remedy="remove it")
    mark, opened = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    context, problem = getattr(error, "context", None) or "", getattr(error, "problem", None) or "cannot be parsed"
    message, remedy = f"{context}: {problem}" if context else problem, "fix the syntax here"
    if context == _EMPTY and _ENDS.search(problem):
        opened = _left_open(text)
    if opened and _OPENED.search(context):
        what = "quote" if "quoted" in context else "bracket"
        if _ENDS.search(problem):
            mark, message, remedy = opened, f"a {what} is opened here and never closed", "close it"
        elif mark and mark.line > opened.line:
            remedy = f"fix the syntax here, or close the {what} of line {opened.line + 1 + before}"
    elif r"'\t'" in problem:
        remedy = "indent with spaces: YAML takes no tabs"
    place = mark or opened
    line, column = (place.line + 1, place.column + 1) if place else (1, 1)
    return Problem(file=file, line=line + before, column=column, message=f"is not valid YAML: {message}", remedy=remedy)


def _left_open(text: str) -> Any:
    """Return the mark of the innermost bracket that is open where the text ends."""
    marks: list[Any] = []
    with suppress(YAMLError):
        for event in YAML(typ="safe", pure=True).parse(text):
            if isinstance(event, CollectionStartEvent):
                marks.append(event.start_mark)
            elif isinstance(event, CollectionEndEvent):
                marks.pop()
    return marks[-1] if marks else None
