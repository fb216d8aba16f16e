"""The line that tells a person at a terminal how far each site is, below the log."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from connector.cli.harmless import one_line

if TYPE_CHECKING:
    from connector.ports import Observer

_ERASE = "\r\x1b[K"


class ProgressLine:
    """The last line of a terminal; also the stream of the log, whose lines go above it. Never raises."""

    def __init__(self, stream: TextIO) -> None:
        """Begin with nothing shown."""
        self._stream = stream
        self._text = ""
        self._is_shown = False
        self._lock = threading.Lock()

    def show(self, text: str) -> None:
        """Show a text instead of the last one, cut to the terminal's width; an empty one takes the line away."""
        with self._lock:
            self._text = one_line(text)[: shutil.get_terminal_size().columns - 1]
            self._draw()

    def write(self, text: str) -> int:
        """Write a part of a line of the log in place of the text."""
        with self._lock:
            if self._is_shown:
                self._stream.write(_ERASE)
                self._is_shown = False
            return self._stream.write(text)

    def flush(self) -> None:
        """Send what was written on its way, and show the text again below it."""
        with self._lock:
            self._draw()

    def isatty(self) -> bool:
        """Return whether a person reads it."""
        return self._stream.isatty()

    @property
    def encoding(self) -> str:
        """Return how what is written becomes bytes."""
        return self._stream.encoding

    def fileno(self) -> int:
        """Return the file behind it."""
        return self._stream.fileno()

    def _draw(self) -> None:
        try:
            if self._text or self._is_shown:
                self._stream.write(_ERASE + self._text)
                self._is_shown = bool(self._text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal is gone; the work goes on
            self._text, self._is_shown = "", False


class Watched:
    """An ``Observer`` that passes every event to the log and shows how far each site is."""

    def __init__(self, log: Observer, line: ProgressLine) -> None:
        """Show progress on ``line``."""
        self._log = log
        self._line = line
        self._far: dict[str, str] = {}
        self._written: dict[str, set[str]] = {}
        self._wanted: dict[str, int] = {}
        self._lock = threading.Lock()

    def event(self, name: str, /, **values: Any) -> None:
        """Take one event."""
        self._log.event(name, **values)
        site = str(values.get("site", ""))
        with self._lock:
            told = self._told(name, site, values)
            if told is None:
                return
            self._far[site] = told
            text = " · ".join(f"{name}: {far}" for name, far in self._far.items() if far)
        self._line.show(text)

    def _told(self, name: str, site: str, values: Mapping[str, Any]) -> str | None:
        """Return how far a site is, empty when it is done; ``None`` where an event says nothing about that."""
        match name:
            case "run_started":
                return "reading"
            case "page_read":
                return f"reading, {values['read']:,} tickets"
            case "history_read":
                return "reading histories"
            case "decided":
                return f"deciding, {values['tickets']:,} tickets"
            case "writing":
                self._wanted[site], self._written[site] = int(values["tickets"]), set()
                return f"writing, 0 of {self._wanted[site]:,} tickets"
            case "write_done" if site in self._wanted:
                self._written[site].add(str(values["ticket"]))
                return f"writing, {len(self._written[site]):,} of {self._wanted[site]:,} tickets"
            case "run_finished":
                return ""
        return None
