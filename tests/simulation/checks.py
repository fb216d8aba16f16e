"""What must hold after every step, by the sites' own account; each check names its promise."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connector.sandbox.core.exchange import Exchange
from connector.sandbox.core.ledger import Entry
from connector.sandbox.core.moments import FAR
from tests.crash.judge import Account, account, is_meant_for_customers

OURS = re.compile(r"^connector")
FLAP_WINDOW, FLAPS = timedelta(minutes=10), 3
RISING = {"impact", "urgency", "labels", "status", "type"}


class Violation(AssertionError):
    """A promise was broken."""


class Checks:
    """Reads the facts as they come and remembers what the promises need."""

    def __init__(self, exchanges: Mapping[str, Exchange], facts: list[Entry], state: Path) -> None:
        self._exchanges = exchanges
        self._facts = facts
        self._state = state
        self._read = 0
        self._held: dict[tuple[str, str], Entry] = {}
        self._reasons: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        self._own: dict[tuple[str, str, str], list[datetime]] = defaultdict(list)
        self._commented: set[str] = set()
        self.writes = 0
        self.events = 0
        self.requests = 0

    def step(self) -> None:
        """Check everything that has happened since the last step."""
        while self._read < len(self._facts):
            entry = self._facts[self._read]
            self._read += 1
            self._take(entry)
        if self._commented:
            self._comments()
            self._commented.clear()

    # ---- one fact after another

    def _take(self, entry: Entry) -> None:
        ours = bool(entry.actor) and OURS.match(str(entry.actor)) is not None
        if entry.kind == "problem" and "the sandbox failed" in str(entry.data):
            raise Violation(f"the sandbox failed: {entry.data}")
        if entry.kind == "request":
            self.requests += 1
            self.writes += _is_done_write(entry)
        elif entry.kind in {"field", "comment", "ticket"}:
            self.events += not ours
            self._change(entry, ours=ours)

    def _change(self, entry: Entry, *, ours: bool) -> None:
        key = (entry.site, str(entry.ticket))
        if ours and entry.kind == "comment":
            self._commented.add(entry.site)
        elif ours and entry.kind == "field":
            self._own_field(key, entry)
        elif entry.kind == "field" and entry.data["name"] == "priority":
            self._held[key] = entry
        if not ours and _is_reason(entry):
            self._reasons[key].append(entry.at)

    def _own_field(self, key: tuple[str, str], entry: Entry) -> None:
        name = str(entry.data["name"])
        moments = self._own[(*key, name)]
        moments.append(entry.at)
        recent = [at for at in moments if at > entry.at - FLAP_WINDOW]
        if name in {"priority", "group", "assignee"} and len(recent) > FLAPS:
            raise Violation(f"loop: {len(recent)} own writes of {name} on {key} within {FLAP_WINDOW}, at {recent}")
        held = self._held.get(key)
        if name == "priority" and held is not None:
            if not any(held.at - timedelta(minutes=3) <= at <= entry.at for at in self._reasons[key]):
                raise Violation(f"I3: {key}: {held.actor} set {held.data['after']} at {held.at}, we {entry.data}")
            del self._held[key]

    # ---- what stands in the helpdesks

    def _comments(self) -> None:
        views = {name: self._exchanges[name].site.view() for name in self._commented}
        told = account(views, [], FAR)
        self._said_once(told)
        for said in told.said:
            if said.public is not is_meant_for_customers(said):
                raise Violation(f"I5: {said}")

    def _said_once(self, told: Account) -> None:
        marks = Counter((said.ticket, said.mark) for said in told.said)
        if twice := [key for key, count in marks.items() if count > 1 and key[1]]:
            raise Violation(f"I1: said twice: {twice}")
        texts = Counter((said.ticket, said.body) for said in told.said if not said.public)
        if twice := [key for key, count in texts.items() if count > 1 and "regular update" not in key[1]]:
            raise Violation(f"I1: the same text twice: {twice}")

    # ---- at the moment of a write

    def armed(self, boundary: str) -> None:
        """No write leaves without an intent on disk."""
        if boundary != "sent":
            return
        with contextlib.closing(sqlite3.connect(f"file:{self._state}?mode=ro", uri=True)) as connection:
            (count,) = connection.execute("select count(*) from op where status = 'sending'").fetchone()
        if not count:
            raise Violation("I7: a write left without an intent in the journal")

    # ---- in the end

    def end(self, canaries: frozenset[bytes]) -> None:
        """Nothing is under way, nothing private is stored, and what is stored is what the helpdesks have."""
        with contextlib.closing(sqlite3.connect(f"file:{self._state}?mode=ro", uri=True)) as connection:
            rows = connection.execute("select ticket, status, why from op where status = 'sending'").fetchall()
            known = dict(connection.execute("select site || ':' || id, status from ticket").fetchall())
        if rows:
            raise Violation(f"I2: writes without an outcome at the end: {rows}")
        for name, exchange in self._exchanges.items():
            self._is_known(name, exchange.site.view(), known)
        for path in self._state.parent.glob(f"{self._state.name}*"):
            content = path.read_bytes()
            if found := [canary for canary in canaries if canary in content]:
                raise Violation(f"I9: {found} in {path.name}")

    def _is_known(self, name: str, view: list[dict[str, Any]], known: Mapping[str, str]) -> None:
        for row in view:
            stored = known.get(f"{name}:{row['id']}")
            if stored is None and row["status"] not in {"solved", "closed"}:
                raise Violation(f"I6: {name}:{row['ticket']} is {row['status']} and not stored")
            if stored is not None and not _same_status(stored, str(row["status"])):
                raise Violation(f"I6: {name}:{row['ticket']} is {row['status']}, stored as {stored}")


def _same_status(stored: str, real: str) -> bool:
    return stored == real or {stored, real} <= {"closed", "solved", "gone"}


def _is_done_write(entry: Entry) -> bool:
    data = entry.data
    wrote = data["method"] == "PUT" or (data["method"] == "POST" and str(data["path"]).endswith("/comment"))
    return bool(wrote and 200 <= int(data["status"]) < 300)


def _is_reason(entry: Entry) -> bool:
    if entry.kind == "comment":
        return "/esc release" in str(entry.data.get("body"))
    return entry.kind == "field" and entry.data["name"] in RISING
