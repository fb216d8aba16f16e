"""What became of a story, by the sandboxes' own account, held against the same story told without a death.

The other telling is *attended* (``play``): the connector looked at the same moments and was never killed. So the two
may differ only in what a lost answer costs: a comment is looked for before it is repeated, up to six minutes, and one
that waits meanwhile is said with it, or by a later mark or level of its own kind. All else is a duplicate or a loss.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

OURS = re.compile(r"^connector")
_SAYS = {
    "level": re.compile(r"\S+ was escalated: path (?P<path>\w+), level (?P<level>\d)\.|Level (\d) of path (\w+): "),
    "overdue": re.compile(r"[Tt]he first response (of \S+ )?is overdue"),
    "at-risk": re.compile(r"[Tt]he resolution(: | of \S+ is at risk: )75% of the time is used"),
    "breached": re.compile(r"The promised resolution of \S+ was missed|the resolution is overdue since"),
    "hold": re.compile(r"The priority of \S+ stays|.* set P\d, the policy says P\d"),
    "flapping": re.compile(r"[Tt]he priority that the policy wants .*goes to and fro"),
    "update": re.compile(r"[Aa] status update (of \S+ )?is due"),
}
"""How what is announced begins: with the first sentence of a comment, or with an item of its list "Also".

The reasons in between ("Why: the first response is overdue since …") announce nothing.
"""
_ITEM = "• "
_INTERNAL = re.compile(r"Ref ESC|\blevel \d")
_LATER = {"at-risk": {"breached"}}
"""What also stands for an earlier mark: of what is missed meanwhile only the latest speaks."""

BETWEEN_UPDATES = timedelta(minutes=25)
"""Two regular updates to a customer are never nearer to one another (the policy says 40 minutes)."""

LATE = timedelta(minutes=15)
"""How much later something may be said: its look-up (six minutes) and the five between two comments, with some room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One comment of ours as it stands in the helpdesk."""

    at: datetime
    ticket: str
    public: bool
    body: str
    mark: str

    @property
    def statements(self) -> tuple[str, ...]:
        """What it announces to agents: each level, what is due or missed, who holds what.

        Raises:
            AssertionError: It cannot be read; a judge who does not understand what is said would see nothing twice.
        """
        first, *lines = self.body.replace("\\", "").splitlines()  # wiki text and Markdown escape with it
        items = [line.removeprefix(_ITEM) for line in lines if line.startswith(_ITEM)]
        return tuple(each for each in map(_statement, (first, *items)) if each != "update")


def _statement(text: str) -> str:
    for name, pattern in _SAYS.items():
        if found := pattern.match(text):
            return name if name != "level" else f"{found[1] or found[4]} level {found[2] or found[3]}"
    raise AssertionError(f"the judge cannot read {text!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The truth about a story: what was said, how every ticket stands, and the mails that left because of us."""

    said: tuple[Said, ...]
    tickets: Mapping[str, Mapping[str, Any]]
    ends_at: datetime
    problems: tuple[str, ...] = ()
    mails: tuple[str, ...] = ()


@dataclass(slots=True)
class Verdict:
    """What is wrong; nothing is what is wanted."""

    duplicates: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    parked: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.duplicates or self.losses or self.leaks)


def account(views: Mapping[str, list[dict[str, Any]]], facts: list[dict[str, Any]], ends_at: datetime) -> Account:
    """Read the truth."""
    tickets = {f"{site}:{row['ticket']}": row for site, rows in views.items() for row in rows}
    said = [each for name, row in tickets.items() for each in _said(name, row)]
    problems = [str(f["data"]) for f in facts if f["kind"] == "problem" and "sandbox failed" in str(f["data"])]
    mails = [f"{f['ticket']}: {f['data']['body']}" for f in facts if f["kind"] == "mail" and _to_customer(f)]
    return Account(said=tuple(said), tickets=tickets, ends_at=ends_at, problems=tuple(problems), mails=tuple(mails))


def _to_customer(fact: Mapping[str, Any]) -> bool:
    return fact["via"] == "api" and not str(fact["data"]["to"]).endswith("@support.example")


def _said(ticket: str, row: Mapping[str, Any]) -> Iterable[Said]:
    for comment in row["comments"]:
        if OURS.match(str(comment["author"])):
            at = datetime.fromisoformat(str(comment.get("created") or comment.get("at")))
            yield Said(at=at, ticket=ticket, public=bool(comment["public"]), body=comment["body"], mark=_mark(comment))


def _mark(comment: Mapping[str, Any]) -> str:
    """The operation that a comment names: hidden where the vendor can carry that, else its visible ``Ref``."""
    for hidden in (comment.get("hidden") or {}).values():
        if isinstance(hidden, dict) and (key := hidden.get("key")):
            return str(key)
    found = re.search(r"Ref ESC\\?-([0-9A-F]+)", str(comment["body"]))
    return found[1] if found else ""


def judge(told: Account, attended: Account, *, parked: frozenset[str] = frozenset()) -> Verdict:
    """Hold an interrupted story against the attended one.

    ``parked`` are ids of tickets on which a write waits for a person, who was alarmed: nothing of them is lost.
    """
    verdict = Verdict()
    _duplicates(told, attended, verdict)
    _losses(told, attended, verdict)
    waiting = {name for name, row in told.tickets.items() if str(row["id"]) in parked}
    verdict.parked += sorted(waiting)
    verdict.losses = [loss for loss in verdict.losses if loss.partition(": ")[0] not in waiting]
    verdict.leaks += [f"{s.ticket}: {s.body!r}" for s in told.said if s.public is not is_meant_for_customers(s)]
    verdict.leaks += [f"mailed {mail!r}" for mail in told.mails if _INTERNAL.search(mail)]
    return verdict


def is_meant_for_customers(said: Said) -> bool:
    """The regular update alone is for customers; levels, deadlines and references are internal."""
    return said.body.startswith("A status update") and not said.statements and not _INTERNAL.search(said.body)


def _duplicates(told: Account, attended: Account, verdict: Verdict) -> None:
    marks = Counter((s.ticket, s.mark) for s in told.said if s.mark)
    verdict.duplicates += [f"{ticket}: {mark} x{n}" for (ticket, mark), n in marks.items() if n > 1]
    usual = _spoken(attended)
    for what, count in _spoken(told).items():
        if count > max(1, usual[what]):
            verdict.duplicates.append(f"{what[0]}: {what[2]} x{count}, attended x{usual[what]}")
    verdict.duplicates += _too_near(told)


def _spoken(told: Account) -> Counter[tuple[str, bool, str]]:
    return Counter((s.ticket, s.public, each) for s in told.said for each in set(s.statements))


def _too_near(told: Account) -> Iterable[str]:
    """Yield customers' updates that follow one another too soon."""
    updates = sorted((s.ticket, s.at) for s in told.said if s.public)
    for (ticket, first), (same, second) in itertools.pairwise(updates):
        if ticket == same and second - first < BETWEEN_UPDATES:
            yield f"{ticket}: updates to the customer at {first:%H:%M} and {second:%H:%M}"


def _losses(told: Account, attended: Account, verdict: Verdict) -> None:
    for name, wanted in attended.tickets.items():
        got = told.tickets.get(name)
        if got is None:
            verdict.losses.append(f"{name} is missing")
            continue
        for what in ("priority", "group", "assignee", "status"):
            if got[what] != wanted[what]:
                verdict.losses.append(f"{name}: {what} is {got[what]}, attended {wanted[what]}")
        for what in ("level", "path"):
            if str(got["fields"].get(what)) != str(wanted["fields"].get(what)):
                was = wanted["fields"].get(what)
                verdict.losses.append(f"{name}: {what} is {got['fields'].get(what)}, attended {was}")
    verdict.losses += _unsaid(told, attended)


def _unsaid(told: Account, attended: Account) -> Iterable[str]:
    """Yield what the attended story said in good time and this one did not, or not in time."""
    heard: dict[str, list[Said]] = defaultdict(list)
    for said in told.said:
        heard[said.ticket].append(said)
    for said in attended.said:
        if said.at <= attended.ends_at - LATE:
            yield from _missing(said, heard[said.ticket])
    updates, wanted = _updates(told), _updates(attended, before=attended.ends_at - LATE)
    for ticket in wanted:
        if updates[ticket] < wanted[ticket]:
            yield f"{ticket}: {updates[ticket]} updates to the customer, attended {wanted[ticket]}"


def _missing(said: Said, heard: Iterable[Said]) -> Iterable[str]:
    for each in said.statements:
        at = min((other.at for other in heard if _stands_for(each) & set(other.statements)), default=None)
        if at is None:
            yield f"{said.ticket}: {each} was never said"
        elif at > said.at + LATE:
            yield f"{said.ticket}: {each} was said at {at:%H:%M}, attended at {said.at:%H:%M}"


def _stands_for(statement: str) -> set[str]:
    """What counts as having said it: itself, a later mark of its clock, a higher level of its path."""
    path, level, number = statement.rpartition(" level ")
    higher = {f"{path} level {n}" for n in range(int(number), 10)} if level else set()
    return {statement, *higher, *_LATER.get(statement, ())}


def _updates(told: Account, before: datetime | None = None) -> Counter[str]:
    return Counter(s.ticket for s in told.said if s.public and (before is None or s.at <= before))
