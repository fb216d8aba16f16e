"""The demo's story: what people did and what the connector made of it, in the order in which it happened."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TextIO

from connector.cli.harmless import visible
from connector.cli.telling import deeds, reasons_of, ticket_words, written_words
from connector.domain.change import Write
from connector.ports import Alarm

_PEOPLE = {"people", "bot", "trigger"}


class Stage(Protocol):
    """What the story needs of the sandbox."""

    def now(self) -> datetime:
        """Return the simulated moment."""

    def truth(self, site: str | None = None, **chosen: Any) -> list[dict[str, Any]]:
        """Return facts; ``since`` is the number of the last one known."""

    def view(self, site: str) -> list[dict[str, Any]]:
        """Return every ticket of a site as people see it."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class _Line:
    """One line of the story. Lines of one moment are told people first, then site by site, each in its own order."""

    at: datetime
    rank: int
    site: str
    text: str = field(compare=False)


_NOT_LEFT = {"waits: ": "not yet", "follows ": "in silence"}
"""How a reason begins that leaves nothing to people, and what stands before it."""


class Story:
    """An ``Observer`` that tells the demo. People's acts come from the sandbox's own ground truth.

    Sites work side by side, so a moment's lines are kept until time moves on and told in one order: same seed, same
    story.
    """

    def __init__(self, client: Stage, stream: TextIO) -> None:
        self._client = client
        self._stream = stream
        self._seen = max((int(fact["seq"]) for fact in client.truth()), default=0)  # the day's tale begins here
        self._subjects: dict[tuple[str, str], str] = {}
        self._waiting: list[_Line] = []
        self._why: dict[tuple[datetime, str, str], set[str]] = {}
        self._left: set[tuple[str, str, str, str]] = set()
        self._put_off: set[tuple[str, str, str, str]] = set()
        self._lock = threading.Lock()
        self.writes = 0
        self.touched: dict[tuple[str, str], int] = {}
        self.alarms = 0

    @property
    def left(self) -> int:
        """Return how many things were left to people, each counted once."""
        return len(self._left)

    def event(self, name: str, /, **values: Any) -> None:
        """Take one event, after what people did before it."""
        tellers = {
            "write_done": self._write,
            "alarm": self._alarm,
            "write_parked": self._parked,
            "left_alone": self._leave,
        }
        teller = tellers.get(name)
        if teller is None and name not in {"run_started", "run_finished"}:
            return
        with self._lock:
            now = self._client.now()
            self._watch()
            if teller is not None:
                teller(now, values)
            self._tell_before(now)

    def close(self) -> None:
        """Tell what is still untold."""
        with self._lock:
            self._watch()
            self._tell_before(None)

    def _watch(self) -> None:
        """Take in what people and bots did since the last time."""
        facts = self._client.truth(since=self._seen)
        self._seen = max((int(fact["seq"]) for fact in facts), default=self._seen)
        for first, told in deeds([fact for fact in facts if fact["via"] in _PEOPLE]):
            site, ticket = first["site"], first["ticket"]
            if told[0] == "opens":
                told[0] = f"opens “{self._subject(site, ticket)}”"
            at = datetime.fromisoformat(first["at"])
            self._keep(at, 0, (" ", site, ticket), f"{first['actor']}: {', '.join(told)}")

    def _subject(self, site: str, ticket: str) -> str:
        if (site, ticket) not in self._subjects:
            rows = self._client.view(site)
            self._subjects |= {(site, str(row.get("ticket", row["id"]))): str(row["subject"]) for row in rows}
        return self._subjects.get((site, ticket), "")

    def _write(self, now: datetime, values: Mapping[str, Any]) -> None:
        write: Write = values["write"]
        site, key = str(values["site"]), str(values["ticket"])
        self.writes += 1
        self.touched[site, key] = self.touched.get((site, key), 0) + 1
        told = self._why.setdefault((now, site, key), set())
        why = [reason for reason in reasons_of(write) if reason not in told]
        told.update(why)
        self._keep(now, 1, (">", site, key), written_words(write) + (f" — {'; '.join(why)}" if why else ""))

    def _leave(self, now: datetime, values: Mapping[str, Any]) -> None:
        told = (str(values["site"]), str(values["ticket"]), str(values["what"]), str(values["why"]))
        site, key, what, why = told
        called = next((words for start, words in _NOT_LEFT.items() if why.startswith(start)), "")
        seen = self._put_off if called else self._left
        if told not in seen:
            seen.add(told)
            self._keep(now, 2, ("=", site, key), f"{called or 'left to people'}: {what} — {why}")

    def _alarm(self, now: datetime, values: Mapping[str, Any]) -> None:
        alarm: Alarm = values["alarm"]
        self.alarms += 1
        self._keep(now, 3, ("!", alarm.site, alarm.ticket), f"ALARM {alarm.message} → {alarm.remedy}")

    def _parked(self, now: datetime, values: Mapping[str, Any]) -> None:
        self._keep(now, 3, ("!", str(values["site"]), str(values["ticket"])), f"parked: {values['why']}")

    def _keep(self, at: datetime, rank: int, place: tuple[str, str, str | None], words: str) -> None:
        mark, site, ticket = place
        text = f"{at:%H:%M} {mark} {site:<8} {ticket_words(ticket):<7} {words}"
        self._waiting.append(_Line(at=at, rank=rank, site=site, text=text))

    def _tell_before(self, moment: datetime | None) -> None:
        """Tell what happened before a moment: nobody can add to it any more."""
        ready = sorted(line for line in self._waiting if moment is None or line.at < moment)
        self._waiting = [line for line in self._waiting if moment is not None and line.at >= moment]
        self._why = {key: told for key, told in self._why.items() if moment is not None and key[0] >= moment}
        for line in ready:
            print(visible(line.text), file=self._stream, flush=True)
