"""JQL trees as tests and sort keys over indexed issues."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.jql import Both, Clause, Node, Not, Order, Value
from connector.sandbox.jira.model import Account, Issue, Refusal
from connector.sandbox.jira.moments import millis

if TYPE_CHECKING:
    from connector.sandbox.jira.state import State

Test = Callable[[Issue], bool]
Read = Callable[[Issue], Any]
DATE_FORMATS = ("%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y-%m-%d")
PERIOD = re.compile(r"([+-]?\d+)([wdhm])")
UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
MINUTE = 60_000
CATEGORY_NAMES = {
    name.lower(): key for key, (number, _, shown) in setup.CATEGORIES.items() for name in (key, shown, str(number))
}
ALIASES = {
    "issuekey": "key",
    "issue": "key",
    "id": "key",
    "createddate": "created",
    "updateddate": "updated",
    "type": "issuetype",
    "resolved": "resolutiondate",
    "due": "duedate",
}


def depends_on_now(node: Node) -> bool:
    """Whether the same query may match otherwise a moment later though nothing changed."""
    if isinstance(node, Not):
        return depends_on_now(node.inner)
    if isinstance(node, Both):
        return any(depends_on_now(part) for part in node.parts)
    return any(value.call or PERIOD.match(value.text) is not None for value in node.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """Compiles queries for one account at one moment."""

    state: State
    reader: Account
    now: datetime

    def test(self, node: Node) -> Test:
        """Compile a condition.

        Raises:
            Refusal: Unknown field, value or date, or an operator that the field does not have.
        """
        if isinstance(node, Both):
            tests = [self.test(part) for part in node.parts]
            together = all if node.op == "and" else any
            return lambda issue: together(test(issue) for test in tests)
        if isinstance(node, Not):
            inner = self.test(node.inner)
            return lambda issue: not inner(issue)
        return self._clause(node)

    def sort_key(self, orders: tuple[Order, ...]) -> Callable[[Issue], Any]:
        """Compile an order; equal issues sort by id."""
        parts = [(self._sorter(order.field), order.descending) for order in orders]
        return lambda issue: (
            *(_Falling(read(issue)) if falling else _Rising(read(issue)) for read, falling in parts),
            _Rising(issue.id),
        )

    # -- clauses -------------------------------------------------------------------------------

    def _clause(self, clause: Clause) -> Test:
        name = clause.field.lower()
        name = ALIASES.get(name, name)
        if name in ("updated", "created", "resolutiondate", "statuscategorychangeddate"):
            return self._date(name, clause)
        if name in ("text", "summary", "description"):
            return self._text(name, clause)
        return self._choice(name, clause)

    def _choice(self, name: str, clause: Clause) -> Test:
        read = self._reader_of(name, clause.field)
        if clause.op == "empty":
            return lambda issue: not _many(read(issue))
        if clause.op in ("<", "<=", ">", ">="):
            return self._ordered(name, read, clause)
        if clause.op not in ("=", "!=", "in"):
            message = f"The operator '{clause.op}' is not supported by the '{clause.field}' field."
            raise Refusal(400, message)
        wanted = {self._wanted(name, value) for value in clause.values}
        found: Test = lambda issue: any(each in wanted for each in _many(read(issue)))  # noqa: E731
        return (lambda issue: bool(_many(read(issue))) and not found(issue)) if clause.op == "!=" else found

    def _ordered(self, name: str, read: Read, clause: Clause) -> Test:
        wanted = self._wanted(name, clause.values[0])
        bound = _number(self._position(name, wanted))
        compare = COMPARE[clause.op]
        return lambda issue: any(compare(_number(self._position(name, v)), bound) for v in _many(read(issue)))

    def _position(self, name: str, value: Any) -> Any:
        """Where a value stands in its field's order: keys by number, priorities by id, lowest first."""
        if name == "key":
            return int(value)
        return -int(value) if name == "priority" else value

    def _reader_of(self, name: str, as_written: str) -> Read:
        simple: dict[str, Read] = {
            "project": lambda issue: issue.project,
            "key": lambda issue: str(issue.id),
            "statuscategory": lambda issue: self.state.status_of(issue).category,
            "status": lambda issue: issue.get("status"),
            "level": lambda issue: issue.get("security"),
        }
        if name in simple:
            return simple[name]
        found = self.state.field_named(name)
        if found is None:
            message = f"Field '{as_written}' does not exist or you do not have permission to view it."
            raise Refusal(400, message)
        return lambda issue: issue.get(found.id)

    def _wanted(self, name: str, value: Value) -> Any:
        """The stored form of what a query names."""
        if value.call:
            return self._called(name, value)
        finders: dict[str, Callable[[str], str | None]] = {
            "project": self._project,
            "key": self._key,
            "status": self._status,
            "statuscategory": lambda text: CATEGORY_NAMES.get(text.lower()),
            "priority": lambda text: _by_name(setup.PRIORITIES, text),
            "resolution": lambda text: _by_name(setup.RESOLUTIONS, text),
            "issuetype": lambda text: _by_name(setup.ISSUE_TYPES, text),
        }
        finder = finders.get(name)
        found = finder(value.text) if finder else value.text
        if found is None:
            raise Refusal(400, f"The value '{value.text}' does not exist for the field '{name}'.")
        return found

    def _called(self, name: str, value: Value) -> Any:
        if value.text == "currentuser" and name in ("assignee", "reporter", "creator"):
            return self.reader.account_id
        raise Refusal(400, f"Unable to find JQL function '{value.text}()'.")

    def _project(self, text: str) -> str | None:
        known = (p for p in self.state.projects.values() if text.lower() in (p.key.lower(), p.id, p.name.lower()))
        return next((p.key for p in known), None)

    def _status(self, text: str) -> str | None:
        return next((s.id for s in setup.STATUSES if text.lower() in (s.name.lower(), s.id)), None)

    def _key(self, text: str) -> str | None:
        found = self.state.find(text)
        if found is not None:
            return str(found.id)
        return text if text.isdigit() else None

    # -- text and dates ------------------------------------------------------------------------

    def _text(self, name: str, clause: Clause) -> Test:
        if clause.op not in ("~", "!~"):
            raise Refusal(400, f"The operator '{clause.op}' is not supported by the '{name}' field.")
        words = clause.values[0].text.lower().strip('"').rstrip("*").split()
        fields = ("summary", "description") if name == "text" else (name,)

        def found(issue: Issue) -> bool:
            text = " ".join(str(issue.get(each) or "") for each in fields).lower()
            return all(word in text for word in words)

        return found if clause.op == "~" else lambda issue: not found(issue)

    def _date(self, name: str, clause: Clause) -> Test:
        read = _date_reader(name)
        if clause.op == "empty":
            return lambda issue: read(issue) is None
        if clause.op not in COMPARE:
            raise Refusal(400, f"The operator '{clause.op}' is not supported by the '{name}' field.")
        bound = self._moment(name, clause.values[0])
        compare = COMPARE[clause.op]
        return lambda issue: (at := read(issue)) is not None and compare(millis(at), bound)

    def _moment(self, name: str, value: Value) -> int:
        """A date operand in milliseconds."""
        if value.call:
            return self._date_function(value)
        if re.fullmatch(r"-?\d+", value.text) and not value.quoted:
            number = int(value.text)
            return number // MINUTE * MINUTE if self.state.options.epoch_grain == "minute" else number
        if (periods := PERIOD.findall(value.text)) and not PERIOD.sub("", value.text).strip():
            shift = sum((int(number) * UNITS[unit] for number, unit in periods), timedelta(0))
            return millis(self.now + shift)
        zone = ZoneInfo(self.reader.zone)
        for each in DATE_FORMATS:
            try:
                return millis(datetime.strptime(value.text, each).replace(tzinfo=zone).astimezone(UTC))
            except ValueError:
                continue
        raise Refusal(
            400,
            f"Date value '{value.text}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm',"
            " 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
        )

    def _date_function(self, value: Value) -> int:
        local = self.now.astimezone(ZoneInfo(self.reader.zone))
        if value.text == "now":
            return millis(self.now)
        if value.text == "startofday":
            return millis(local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC))
        raise Refusal(400, f"Unable to find JQL function '{value.text}()'.")

    def _sorter(self, field: str) -> Read:
        name = ALIASES.get(field.lower(), field.lower())
        simple: dict[str, Read] = {
            "updated": lambda issue: issue.updated,
            "created": lambda issue: issue.created,
            "key": lambda issue: (issue.project, int(issue.key.rpartition("-")[2])),
            "priority": lambda issue: -int(issue.get("priority") or 9),
        }
        return simple.get(name) or self._reader_of(name, field)


class _Rising:
    """A sort key that holds any value, nothing last."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rising) and self.value == other.value

    def __lt__(self, other: _Rising) -> bool:
        if self.value is None or other.value is None:
            return self.value is not None
        return bool(self.value < other.value)

    __hash__ = None  # type: ignore[assignment]


class _Falling(_Rising):
    """The same, turned round."""

    __slots__ = ()

    def __lt__(self, other: _Rising) -> bool:
        if self.value is None or other.value is None:
            return self.value is not None
        return bool(other.value < self.value)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a // MINUTE == b // MINUTE,
    "!=": lambda a, b: a // MINUTE != b // MINUTE,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _date_reader(name: str) -> Read:
    if name in ("updated", "created"):
        return attrgetter(name)
    field_id = {"statuscategorychangeddate": "statuscategorychangedate"}.get(name, name)
    return lambda issue: issue.get(field_id)


def _many(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _by_name(things: Iterable[setup.Named], text: str) -> str | None:
    return next((thing.id for thing in things if text.lower() in (thing.name.lower(), thing.id)), None)
