"""The log: one line per run, one line per write, alarms; nothing else at the default level.

NDJSON on stderr when it is not a terminal, short lines when it is. Every line carries site, run and policy hash where
they apply; no line carries a ticket's text or a secret.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any, TextIO

import structlog

from connector.domain.change import Write
from connector.ports import Alarm

Line = tuple[str, str, dict[str, Any]]
"""Level, sentence for people, values for machines."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """An ``Observer`` that writes the log.

    ``now`` gives the moment that stands on a line; ``verbosity`` 0 shows runs, writes and alarms, 1 everything, -1
    warnings only.
    """

    def __init__(self, now: Callable[[], datetime], *, stream: TextIO | None = None, verbosity: int = 0) -> None:
        self._now = now
        self._stream = stream or sys.stderr
        self._least = {-1: 30, 0: 20}.get(verbosity, 10)
        self._human = self._stream.isatty()
        self._context: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        self._broken = False
        self._logger = structlog.wrap_logger(
            structlog.PrintLogger(self._stream), processors=[structlog.processors.JSONRenderer(ensure_ascii=False)]
        )

    def event(self, name: str, /, **values: object) -> None:
        """Write one event's line; a log that cannot be written never stops the work."""
        if name == "run_started":
            self._context[str(values["site"])] = {"run": str(values["run"]), "policy": str(values["policy"])}
        level, sentence, data = _LINES.get(name, _plain)(name, values)
        if _LEVELS[level] < self._least or self._broken:
            return
        context = self._context.get(str(data.get("site", "")), {})
        with self._lock:
            try:
                self._write(level, name, sentence, {**context, **data})
            except (OSError, ValueError):
                self._broken = True

    def _write(self, level: str, name: str, sentence: str, data: Mapping[str, Any]) -> None:
        at = self._now()
        if not self._human:
            self._logger.msg(name, time=at.isoformat(), level=level, **data)
            return
        mark = {"warning": " WARNING", "error": " ERROR"}.get(level, "")
        place = " ".join(str(data[k]) for k in ("site", "ticket") if data.get(k))
        print(f"{at:%H:%M:%S}{mark} {place} {sentence}".rstrip(), file=self._stream, flush=True)


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


def _run_finished(_: str, values: Mapping[str, Any]) -> Line:
    summary = asdict(values["summary"])
    data = {k: values[k] for k in ("site", "run", "outcome", "why", "policy", "took")} | summary
    shown = ("read", "decided", "written", "held", "left", "failed")
    counts = ", ".join(f"{k} {summary[k]}" for k in shown)
    shadow = f", would do {summary['would_do']}" if summary["would_do"] else ""
    why = f": {values['why']}" if values["why"] else ""
    quiet = values["outcome"] == "ok" and not any(summary[k] for k in ("read", "decided"))
    level = "debug" if quiet else "info" if values["outcome"] in {"ok", "held"} else "warning"
    return level, f"run {values['outcome']}{why}: {counts}{shadow}, took {values['took']:.1f} s", data


def _alarm(_: str, values: Mapping[str, Any]) -> Line:
    alarm: Alarm = values["alarm"]
    data = {k: str(v) for k, v in asdict(alarm).items() if k != "at"}
    return "error", f"ALARM {alarm.kind}: {alarm.message} -> {alarm.remedy}", data


def _loud(name: str, values: Mapping[str, Any]) -> Line:
    _, sentence, data = _plain(name, values)
    return "warning", sentence, data


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
    "site_crashed": _loud,
    "policy_reloaded": _loud,
    "reload_refused": _loud,
}
