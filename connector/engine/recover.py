"""Recover: look up writes whose outcome is not known before anything else is written on their tickets.

A row is left ``sending`` by a crash, a time-out or an unreadable answer. The helpdesk is the truth: a marker that is
found settles the row. Fields alone are idempotent by value, so an absent field write is simply planned again. A comment
that is absent is looked for until its grace is over (a slow request may still land) and is then *parked* with an alarm:
it is never sent again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.engine.kit import SiteReading, Surroundings
from connector.ports import Alarm, AlarmKind, Lookup, Op, OpStatus, Presence, Receipt

LOOK_BACK = timedelta(minutes=5)
"""How far before the sending we look: clocks differ."""


@dataclass(slots=True)
class Recovered:
    """What became of open intents."""

    found: int = 0
    failed: int = 0
    parked: int = 0
    waiting: int = 0


def recover(site: SiteReading, around: Surroundings) -> Recovered:
    """Look up every open intent of the site and settle, fail or park it.

    Raises:
        Unavailable: The helpdesk cannot be read; the rows stay as they are.
    """
    done = Recovered()
    now = around.clock.now()
    for op in around.journal.sending(site.name):
        answer = site.reader.look_up(op.write, since=op.sent_at - LOOK_BACK)
        _settle(site, around, op, answer, done, now=now)
    return done


def _settle(site: SiteReading, around: Surroundings, op: Op, answer: Lookup, done: Recovered, *, now: datetime) -> None:
    if answer.presence is Presence.FOUND:
        receipt = Receipt(key=op.write.key, remote_id=answer.remote_id, version=answer.version, at=now)
        around.journal.settle(op, receipt, now=now)
        done.found += 1
        around.observer.event("write_found", site=site.name, ticket=str(op.write.ref), write=op.write)
    elif op.write.comment is None:
        if answer.presence is Presence.ABSENT:
            around.journal.fail(op, OpStatus.FAILED, "looked up and not found; planned again", now=now)
            done.failed += 1
        else:
            _park(site, around, op, now=now)
            done.parked += 1
    elif now - op.sent_at < site.grace:
        done.waiting += 1
    else:
        _park(site, around, op, now=now)
        done.parked += 1


def _park(site: SiteReading, around: Surroundings, op: Op, *, now: datetime) -> None:
    why = "the outcome is unknown and the helpdesk does not show it"
    around.journal.fail(op, OpStatus.PARKED, why, now=now)
    around.observer.event("write_parked", site=site.name, ticket=str(op.write.ref), write=op.write, why=why)
    around.notifier.alarm(
        Alarm(
            kind=AlarmKind.PARK,
            site=site.name,
            ticket=str(op.write.ref),
            message=f"a write on {op.write.ref} is parked: {why}; it is not sent again",
            remedy="look at the ticket; the text was not repeated. connector attention lists what is parked",
            at=now,
        )
    )
