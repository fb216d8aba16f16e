"""JQL: the part that integrations use, read into a tree."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.sandbox.jira.model import Refusal

TOKEN = re.compile(
    r"\s*(?:(?P<quoted>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<op>!=|<=|>=|!~|[=<>~(),])|(?P<word>[^\s=<>~!(),\"']+))"
)
COMPARISONS = frozenset(("=", "!=", "<", "<=", ">", ">=", "~", "!~"))


@dataclass(frozen=True, slots=True)
class Value:
    """An operand: a literal, a quoted text, or a function call."""

    text: str
    quoted: bool = False
    call: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """``field op values``; ``empty`` for ``is [not] empty``."""

    field: str
    op: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    inner: Node


@dataclass(frozen=True, slots=True)
class Both:
    """``and`` or ``or``."""

    op: str
    parts: tuple[Node, ...]


Node = Clause | Not | Both


@dataclass(frozen=True, slots=True)
class Order:
    """One key of ``ORDER BY``."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query; ``where`` is ``None`` when it is unbounded."""

    where: Node | None
    orders: tuple[Order, ...] = ()


def parse(text: str) -> Query:
    """Read a query.

    Raises:
        Refusal: 400 with the vendor's kind of sentence.
    """
    return _Reader(text).query()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def query(self) -> Query:
        where = None if self._is_word("order") or self._done() else self._either()
        orders = self._orders()
        if not self._done():
            raise self._refuse()
        return Query(where, orders)

    def _orders(self) -> tuple[Order, ...]:
        if not self._take_word("order"):
            return ()
        if not self._take_word("by"):
            raise self._refuse()
        orders = [self._order()]
        while self._take_op(","):
            orders.append(self._order())
        return tuple(orders)

    def _order(self) -> Order:
        name = self._name()
        descending = self._take_word("desc")
        if not descending:
            self._take_word("asc")
        return Order(name, descending)

    def _either(self) -> Node:
        parts = [self._all()]
        while self._take_word("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Both("or", tuple(parts))

    def _all(self) -> Node:
        parts = [self._one()]
        while self._take_word("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Both("and", tuple(parts))

    def _one(self) -> Node:
        if self._take_word("not"):
            return Not(self._one())
        if self._take_op("("):
            inner = self._either()
            self._expect(")")
            return inner
        return self._clause()

    def _clause(self) -> Node:
        name = self._name()
        negated = self._take_word("not")
        if self._take_word("in"):
            clause = Clause(name, "in", self._list())
            return Not(clause) if negated else clause
        if self._take_word("is"):
            negated = self._take_word("not")
            if not (self._take_word("empty") or self._take_word("null")):
                raise self._refuse()
            clause = Clause(name, "empty", ())
            return Not(clause) if negated else clause
        op = self._next()
        if negated or op[0] != "op" or op[1] not in COMPARISONS:
            self._at -= 1
            raise self._refuse()
        return Clause(name, op[1], (self._value(),))

    def _list(self) -> tuple[Value, ...]:
        if not self._take_op("("):
            return (self._value(),)
        values = [self._value()]
        while self._take_op(","):
            values.append(self._value())
        self._expect(")")
        return tuple(values)

    def _value(self) -> Value:
        kind, text = self._next()
        if kind == "quoted":
            return Value(_unquote(text), quoted=True)
        if kind != "word":
            self._at -= 1
            raise self._refuse()
        if self._take_op("("):
            self._expect(")")
            return Value(text.lower(), call=True)
        return Value(text)

    def _name(self) -> str:
        kind, text = self._next()
        if kind == "op":
            self._at -= 1
            raise self._refuse()
        return _unquote(text) if kind == "quoted" else text

    # -- tokens --------------------------------------------------------------------------------

    def _done(self) -> bool:
        return self._at >= len(self._tokens)

    def _peek(self) -> tuple[str, str]:
        return ("end", "") if self._done() else self._tokens[self._at]

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _is_word(self, word: str) -> bool:
        kind, text = self._peek()
        return kind == "word" and text.lower() == word

    def _take_word(self, word: str) -> bool:
        taken = self._is_word(word)
        self._at += taken
        return taken

    def _take_op(self, op: str) -> bool:
        taken = self._peek() == ("op", op)
        self._at += taken
        return taken

    def _expect(self, op: str) -> None:
        if not self._take_op(op):
            raise self._refuse()

    def _refuse(self) -> Refusal:
        text = self._peek()[1]
        if self._done():
            return Refusal(400, "Error in the JQL Query: The query ended where more was expected.")
        return Refusal(400, f"Error in the JQL Query: The token '{text}' was not expected here.")


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text.rstrip()):
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Refusal(400, f"Error in the JQL Query: The character '{text[at]}' is a reserved JQL character.")
        found.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in ("'", '"') else text
