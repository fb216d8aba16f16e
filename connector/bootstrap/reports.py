"""What the reading commands show, as plain values."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from connector.bootstrap.asides import to_settle
from connector.domain.ticket import TicketRef
from connector.engine.held import PAUSED
from connector.engine.recall import is_stuck
from connector.engine.steering import FILE
from connector.engine.unread import to_go_on_without
from connector.notify.outbox import NO_COMMAND
from connector.ports import Delivery, JournalEvent, OpStatus, Records, RunRow, SiteState

BY_FILE = f"{PAUSED}{FILE}: "
"""How the reason begins of what the pause file holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainReport:
    """The answer of ``explain``."""

    lines: Sequence[str]
    data: Mapping[str, Any]


class TicketNames:
    """What people call tickets, looked up once each; an id stands for itself where the ticket is not stored."""

    def __init__(self, records: Records, *, now: datetime) -> None:
        """Look up in ``records`` as of ``now``."""
        self._records = records
        self._now = now
        self._known: dict[tuple[str, str], str] = {}

    def of(self, site: str, ticket: str) -> str:
        """Return the key of a ticket, given its id."""
        if ticket and (site, ticket) not in self._known:
            stored = self._records.stored(TicketRef(site, ticket), now=self._now)
            self._known[site, ticket] = stored.ticket.key if stored else ticket
        return self._known.get((site, ticket), "")


@dataclass(slots=True)
class ApplyReport:
    """The answer of ``apply``; ``held`` of those that are refused stand, and a budget or a freeze keeps them back."""

    written: int = 0
    held: int = 0
    failed: int = 0
    stopped: str = ""
    refused: list[tuple[str, str]] = field(default_factory=list)


def run_row(row: RunRow) -> dict[str, Any]:
    """Return a run as a row of ``log --runs``."""
    counts = {name: n for name, n in asdict(row.summary).items() if n}
    return {
        "at": row.started_at,
        "site": row.site,
        "run": row.id,
        "outcome": row.outcome or "unfinished",
        "counts": ", ".join(f"{name} {n}" for name, n in counts.items()) + (f"; {row.why}" if row.why else ""),
        "kind": row.kind,
        "policy": row.policy[:7],
    }


def event_row(event: JournalEvent, names: TicketNames) -> dict[str, Any]:
    """Return an audit line as a row of ``log``."""
    return {
        "at": event.at,
        "site": event.site,
        "ticket": names.of(event.site, event.ticket),
        "what": event.kind,
        "detail": _detail(event.data),
        "run": event.run,
        "actor": event.actor,
        "data": dict(event.data),
    }


_FOR_MACHINES = {"remote_id", "text", "why"}


def _detail(data: Mapping[str, str]) -> str:
    """Return an audit line's values for people: what, and why at the end; ids and digests are for machines."""
    told = "; ".join(f"{name} {value}" for name, value in data.items() if value and name not in _FOR_MACHINES)
    why = data.get("why", "")
    return f"{told} ({why})" if told and why else told or why


def attention_items(
    records: Records, names: Sequence[str], *, now: datetime, pause_file: Path | None = None
) -> list[dict[str, Any]]:
    """Return what waits for a person: kind, place, since when, consequence and the command that settles it.

    ``pause_file`` is the one that stands. What a file held that is gone waits for the next pass, and for nobody.
    """
    called = TicketNames(records, now=now)
    items = [] if pause_file is None else [_paused_by_file(pause_file)]
    for state in (s for s in records.sites() if s.site in names):
        resume = f"connector resume {state.site}"
        if state.paused and not state.paused.startswith(FILE):
            items.append(_item("paused", state.site, "", None, state.paused, "nothing is written", resume))
        items += [
            _item("frozen", state.site, "", None, f"{effect}: {why}", f"no {effect} is written", resume)
            for effect, why in sorted(state.frozen.items())
        ]
        items += _recalling(state, now=now)
        items += _held(records, state, called, pause_file=pause_file, now=now)
        items += [
            _item(
                "parked",
                state.site,
                called.of(state.site, op.write.ref.id),
                op.settled_at or op.sent_at,
                op.why,
                "may or may not stand in the ticket; it is not sent again by itself",
                f"look at the ticket, then: connector parked done|resend|drop {op.write.key[:12]}",
            )
            for op in records.ops(site=state.site, status=OpStatus.PARKED)
        ]
        items += [
            _item(
                "approval",
                state.site,
                called.of(state.site, e.ticket),
                e.at,
                f"level {e.data['level']} is asked for by {e.data['threshold']}",
                "the path stays where it is until somebody lets the step through",
                f"connector approve {state.site}:{e.ticket}",
            )
            for e in records.approvals(state.site)
        ]
        items += [
            _item(
                "unread",
                state.site,
                called.of(state.site, e.ticket),
                e.at,
                e.data["why"],
                "left as it is; goes on when the history is read",
                to_go_on_without(f"{state.site}:{e.ticket}"),
            )
            for e in records.unread(state.site, now=now)
        ]
        items += [
            _item(
                "untold",
                state.site,
                each.ticket,
                each.at,
                f"{each.target} was not told: {each.why} ({each.error})",
                "it is not tried again",
                f"connector explain {state.site}:{each.of}",
            )
            for each in records.notifications(site=state.site, status=Delivery.FAILED)
            if each.error != NO_COMMAND
        ]
        items += [
            _item(
                "standoff",
                state.site,
                called.of(state.site, ref.id),
                None,
                why,
                "left alone until somebody releases it",
                f"settle who is to write it, then: connector release {ref}",
            )
            for ref, why in records.standoffs(site=state.site)
        ]
        items += [
            _item(
                "quarantined",
                state.site,
                called.of(state.site, e.ticket),
                e.at,
                e.data.get("why", ""),
                _what_follows(e, state),
                resume if e.ticket in state.recall.blind else f"connector log --site {state.site}",
            )
            for e in records.quarantined(site=state.site)
        ]
        items += to_settle(state.site, records.aside(site=state.site), called.of, now=now)
    return items


def _held(
    records: Records, state: SiteState, called: TicketNames, *, pause_file: Path | None, now: datetime
) -> list[dict[str, Any]]:
    """Return the items for what is held, each with the word that lets it through.

    What a pause holds goes on with the pause: a number that is read off it would let other writes through.
    """
    resume = f"connector resume {state.site}"
    held = [(e, e.data.get("why", "")) for e in records.held(site=state.site, until=now)]
    wait = Counter(e.data.get("effect", "") for e, why in held if not why.startswith(PAUSED))  # --allow counts so
    settle = f"{resume} --allow {max(wait.values(), default=0)}"
    items = []
    for e, why in held:
        command = settle if e.ticket else why
        if why.startswith(BY_FILE):
            if pause_file is None:
                continue
            command = _remove(pause_file)
        elif why.startswith(PAUSED):
            command = resume
        what = f"{e.data.get('effect', '')}: {e.data.get('what', '')}"
        key = called.of(state.site, e.ticket) if e.ticket else e.key
        items.append(_item("held", state.site, key, e.at, what, "waits, is not lost", command))
    return items


def _recalling(state: SiteState, *, now: datetime) -> list[dict[str, Any]]:
    """Return the item for a site that is read back, where that silences all of it or gets no further."""
    recall, stuck = state.recall, is_stuck(state.recall, now=now)
    if not recall.freezes and not stuck:
        return []
    what = f"{recall.left} open tickets are still to be read back" + (f": {recall.why}" if recall.why else "")
    follows = "comments wait" if recall.freezes else "nothing is written on them"
    if stuck:
        what += "; no history could be read for an hour"
    since = recall.read_at if stuck else None
    return [_item("recalling", state.site, "", since, what, follows, "connector status")]


def _what_follows(event: JournalEvent, state: SiteState) -> str:
    """Return what follows from something that cannot be read: the ticket, its history, or what was said there."""
    if "of" not in event.data:
        return "this ticket is not decided; the others are"
    if event.ticket in state.recall.blind:
        return "nothing is written there: what was said before the state was lost is not known"
    return "its clocks stay provisional: nothing public is said for them"


def _paused_by_file(path: Path) -> dict[str, Any]:
    """Return the item for a pause file, which stops every site."""
    return _item("paused", "", "", None, f"the file {path} exists", "nothing is written on any site", _remove(path))


def _remove(path: Path) -> str:
    return f"rm {shlex.quote(str(path))}"


def _item(  # noqa: PLR0913, PLR0917 - one argument per column
    kind: str, site: str, ticket: str, since: datetime | None, what: str, consequence: str, command: str
) -> dict[str, Any]:
    return {
        "kind": kind,
        "site": site,
        "ticket": ticket,
        "since": since,
        "what": what,
        "consequence": consequence,
        "command": command,
    }
