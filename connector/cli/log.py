"""The log: one line per run, one line per write, alarms; nothing else at the default level.

NDJSON on stderr when it is not a terminal, short lines when it is, unless the configuration says otherwise. Every line
carries site, run and policy hash where they apply; no line carries a ticket's text, and every line is masked as a whole
before it is written. What the libraries log at warning or above comes the same way.
"""

from __future__ import annotations

import functools
import json
import os
import select
import stat
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any, TextIO

from connector.cli.harmless import in_json, json_for, one_line
from connector.cli.progress import ProgressLine
from connector.domain.change import Write
from connector.errors import ConnectorError
from connector.ports import Alarm

Line = tuple[str, str, dict[str, Any]]
"""Level, sentence for people, values for machines."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_PATIENCE_MS = 1000


@functools.cache
def _rendering() -> Callable[[Any, str, dict[str, Any]], str | bytes]:
    from structlog.processors import JSONRenderer  # noqa: PLC0415 - brings a third of what a short command loads

    return JSONRenderer(ensure_ascii=False)


class Log:
    """An ``Observer`` that writes the log; it never raises.

    Attributes of its making: ``now`` gives the moment that stands on a line, ``clean`` masks a line, ``level`` is the
    least one shown (``info``: runs, writes and alarms), ``form`` is ``auto``, ``json`` or ``text``.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        clean: Callable[[str], str] = str,
        level: str = "info",
        form: str = "auto",
        stream: TextIO | ProgressLine | None = None,
    ) -> None:
        self._now = now
        self._clean = clean
        self._stream = stream or sys.stderr
        self._least = _LEVELS[level]
        self._human = form == "text" or (form == "auto" and _is_terminal(self._stream))
        self._context: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        self._asking = threading.local()
        self._broken = False
        self._far_end = _FarEnd(self._stream)

    def event(self, name: str, /, **values: object) -> None:
        """Write one event's line; a log that cannot be written never stops the work."""
        try:
            self._event(name, values)
        except Exception as error:  # noqa: BLE001 - observers must not raise; a bug in a line is told by its kind
            self._put("error", "log_failed", "a line of the log failed", {"of": name, "why": type(error).__name__})

    def masked(self, text: str) -> str:
        """Return a text as it may stand on a line."""
        return self._clean(text)

    def _event(self, name: str, values: Mapping[str, Any]) -> None:
        if name == "run_started":
            self._context[str(values["site"])] = {"run": str(values["run"]), "policy": str(values["policy"])}
        level, sentence, data = _LINES.get(name, _plain)(name, values)
        if _LEVELS[level] >= self._least:
            self._put(level, name, sentence, {**self._context.get(str(data.get("site", "")), {}), **data})

    def _put(self, level: str, name: str, sentence: str, data: Mapping[str, Any]) -> None:
        line = self._clean(self._line(level, name, sentence, data))
        if not self._human:
            line = json_for(self._stream, line)  # after the masking, which knows a secret by its own characters
        with self._lock:
            if self._broken or not self._far_end.takes():
                return
            try:
                self._print(line)
            except (OSError, ValueError):  # the pipe or the stream is closed
                self._broken = True

    def _print(self, line: str) -> None:
        try:
            print(line, file=self._stream, flush=True)
        except UnicodeError:
            print(line.encode("ascii", "backslashreplace").decode(), file=self._stream, flush=True)

    def _line(self, level: str, name: str, sentence: str, data: Mapping[str, Any]) -> str:
        at = self._moment()
        if not self._human:
            stamp = at.isoformat() if at else None
            return in_json(str(_rendering()(None, "", {"time": stamp, "level": level, "event": name, **data})))
        mark = {"warning": " WARNING", "error": " ERROR"}.get(level, "")
        place = " ".join(str(data[k]) for k in ("site", "ticket") if data.get(k))
        shown = f"{at:%H:%M:%S}" if at else "--:--:--"
        return one_line(f"{shown}{mark} {place} {sentence}".rstrip())

    def _moment(self) -> datetime | None:
        if self.asks_the_time:
            return None
        self._asking.on = True
        try:
            return self._now()
        except ConnectorError:  # a simulated clock that has ended
            return None
        finally:
            self._asking.on = False

    @property
    def asks_the_time(self) -> bool:
        """True while this thread asks the clock: what the asking itself logs must not ask again."""
        return getattr(self._asking, "on", False)


class _FarEnd:
    """Whoever reads a log through a pipe: one that no longer reads must not hold up a send."""

    def __init__(self, stream: Any) -> None:
        self._poll = select.poll()
        self._is_stuck = False
        try:
            self._is_pipe = stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
            self._poll.register(stream.fileno(), select.POLLOUT)
        except (OSError, ValueError, AttributeError):  # no file behind it
            self._is_pipe = False

    def takes(self) -> bool:
        """Return whether a line can be written without waiting; a reader that is slow gets a second, once."""
        if not self._is_pipe:
            return True
        self._is_stuck = not self._poll.poll(0 if self._is_stuck else _PATIENCE_MS)
        return not self._is_stuck


def _is_terminal(stream: TextIO | ProgressLine) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def write_words(write: Write) -> list[str]:
    """Return one phrase per part of a write: old → new and why."""
    words = [f"{f.field} {f.before or '(none)'} -> {f.after} ({f.reason})" for f in write.fields]
    if write.comment is not None:
        notice = write.comment.notice
        kind = "public comment" if write.comment.public else "internal note"
        words.append(f"{kind} {notice.template} in {notice.locale} ({notice.reason})")
    return words


def _write_done(_: str, values: Mapping[str, Any]) -> Line:
    write: Write = values["write"]
    words = write_words(write)
    data = {
        "site": values["site"],
        "ticket": values["ticket"],
        "changes": [{"field": f.field, "before": f.before, "after": f.after, "why": f.reason} for f in write.fields],
    }
    if write.comment is not None:
        notice = write.comment.notice
        data["comment"] = {
            "audience": str(notice.audience),
            "template": notice.template,
            "locale": notice.locale,
            "why": notice.reason,
            "key": write.comment.key[:10],
        }
    return "info", "; ".join(words), data


def _write_failed(_: str, values: Mapping[str, Any]) -> Line:
    error = values["error"]
    data = {"site": values["site"], "ticket": values["ticket"], "error": type(error).__name__, "why": str(error)}
    return "warning", f"{type(error).__name__}: {error}", data


_BUSY = ("read", "decided", "written", "held", "failed", "parked", "would_do")


def _run_finished(_: str, values: Mapping[str, Any]) -> Line:
    summary = asdict(values["summary"])
    data = {k: values[k] for k in ("site", "run", "outcome", "why", "policy", "took")} | summary
    shown = ("read", "decided", "written", "held", "left", "failed")
    counts = ", ".join(f"{k} {summary[k]}" for k in shown)
    shadow = f", would do {summary['would_do']}" if summary["would_do"] else ""
    shadow += f", insufficient inputs {summary['insufficient']}" if summary["insufficient"] else ""
    why = f": {values['why']}" if values["why"] else ""
    level = "info" if values["outcome"] in {"ok", "held"} else "warning"
    if values.get("kind") == "run" and values["outcome"] == "ok" and not any(summary[k] for k in _BUSY):
        level = "debug"  # a daemon looks every few seconds; a look that found nothing says nothing
    return level, f"run {values['outcome']}{why}: {counts}{shadow}, took {values['took']:.1f} s", data


def _alarm(_: str, values: Mapping[str, Any]) -> Line:
    alarm: Alarm = values["alarm"]
    data = {k: str(v) for k, v in asdict(alarm).items() if k != "at"}
    return "error", f"ALARM {alarm.kind}: {alarm.message} -> {alarm.remedy}", data


def _loud(name: str, values: Mapping[str, Any]) -> Line:
    _, sentence, data = _plain(name, values)
    return "warning", sentence, data


def _library(_: str, values: Mapping[str, Any]) -> Line:
    data = {k: _simple(v) for k, v in values.items() if k != "severity"}
    where = f" at {values['where']}" if values.get("where") else ""
    error = f" ({values['error']}{where})" if values.get("error") else ""
    return str(values["severity"]), f"{values['library']}: {values['why']}{error}", data


def _crashed(name: str, values: Mapping[str, Any]) -> Line:
    _, sentence, data = _plain(name, values)
    return "error", sentence, data


def _plain(name: str, values: Mapping[str, Any]) -> Line:
    data = {k: _simple(v) for k, v in values.items() if not isinstance(v, Write)}
    rest = ", ".join(f"{k} {v}" for k, v in data.items() if k not in {"site", "ticket"})
    return "debug", f"{name.replace('_', ' ')}{': ' + rest if rest else ''}", data


def _simple(value: object) -> object:
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__
    try:
        return json.loads(json.dumps(value, default=lambda v: sorted(map(str, v))))
    except (TypeError, ValueError):
        return str(value)


_LINES: Mapping[str, Callable[[str, Mapping[str, Any]], Line]] = {
    "write_done": _write_done,
    "write_failed": _write_failed,
    "write_found": _loud,
    "write_parked": _loud,
    "run_finished": _run_finished,
    "alarm": _alarm,
    "alarm_failed": _loud,
    "ping_failed": _loud,
    "held": _loud,
    "notify_failed": _crashed,
    "notify_stopped": _loud,
    "backup_failed": _loud,
    "ticket_failed": _loud,
    "upkeep_failed": _loud,
    "crashed": _crashed,
    "site_crashed": _crashed,
    "pass_crashed": _crashed,
    "history_skipped": _loud,
    "histories_untold": _loud,
    "library": _library,
    "stopping": _loud,
    "policy_reloaded": _loud,
    "reload_refused": _loud,
    "no_control_socket": _loud,
}
