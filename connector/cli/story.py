"""The demo's story: what people did and what the connector made of it, in the order in which it happened."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TextIO

from connector.cli.log import write_words
from connector.domain.change import Write
from connector.ports import Alarm
from connector.sandbox.client import SandboxClient

_PEOPLE = {"people", "bot", "trigger"}


class Story:
    """An ``Observer`` that tells the demo. People's acts come from the sandbox's own ground truth."""

    def __init__(self, client: SandboxClient, stream: TextIO, *, quiet_people: bool = False) -> None:
        self._client = client
        self._stream = stream
        self._seen = max((int(fact["seq"]) for fact in client.truth()), default=0)  # the day's tale begins here
        self._subjects: dict[tuple[str, str], str] = {}
        self._quiet_people = quiet_people
        self._lock = threading.Lock()
        self.writes = 0
        self.touched: dict[tuple[str, str], int] = {}
        self.alarms = 0

    def event(self, name: str, /, **values: Any) -> None:
        """Tell one event, after what people did before it."""
        teller = {"write_done": self._write, "alarm": self._alarm, "write_parked": self._parked}.get(name)
        with self._lock:
            if name in {"run_started", "run_finished"} or teller:
                self.catch_up()
            if teller:
                teller(values)

    def catch_up(self) -> None:
        """Tell what people and bots did since the last time."""
        for fact in self._client.truth(since=self._seen):
            self._seen = max(self._seen, int(fact["seq"]))
            words = _people_words(fact)
            if words and fact["via"] in _PEOPLE and not self._quiet_people:
                self._tell(fact["at"], fact["site"], fact["ticket"], f"{fact['actor']}: {words}", mark=" ")

    def _write(self, values: Mapping[str, Any]) -> None:
        write: Write = values["write"]
        site, key = str(values["site"]), str(values["ticket"])
        self.writes += 1
        self.touched[site, key] = self.touched.get((site, key), 0) + 1
        at = self._client.now().isoformat()
        for words in write_words(write):
            self._tell(at, site, key, words, mark=">")
        if write.comment is not None:
            first = write.comment.body.strip().splitlines()[0]
            self._tell(at, site, key, f"“{first}”", mark=" ")

    def _alarm(self, values: Mapping[str, Any]) -> None:
        alarm: Alarm = values["alarm"]
        self.alarms += 1
        self._tell(alarm.at.isoformat(), alarm.site, alarm.ticket, f"ALARM {alarm.message} → {alarm.remedy}", mark="!")

    def _parked(self, values: Mapping[str, Any]) -> None:
        at = self._client.now().isoformat()
        self._tell(at, str(values["site"]), str(values["ticket"]), str(values["why"]), mark="!")

    def _tell(self, at: str, site: str, ticket: str | None, words: str, *, mark: str) -> None:
        moment = datetime.fromisoformat(at)
        print(f"{moment:%H:%M} {mark} {site:<8} {ticket or '':<8} {words}", file=self._stream, flush=True)


def _people_words(fact: Mapping[str, Any]) -> str:
    """Return what a person did, in a few words; nothing for what is not worth telling."""
    data = fact["data"]
    match fact["kind"]:
        case "ticket":
            subject = data.get("subject")
            return f"{data['event']}" + (f" “{subject}”" if subject else "")
        case "comment":
            text = " ".join(str(data["body"]).split())
            return f"{'writes' if data['public'] else 'notes'} “{text[:70]}{'…' if len(text) > 70 else ''}”"
        case "field" if data.get("name") in {"status", "priority", "assignee", "group", "impact", "urgency", "labels"}:
            return f"{data['name']} {data.get('before') or '(none)'} -> {data.get('after') or '(none)'}"
    return ""
