"""Recover: look for writes whose outcome is not known before anything else is written on their tickets.

A row is left ``sending`` by a crash, a time-out or an unreadable answer. The helpdesk is the truth; what follows from
what it shows is decided in ``next_step``, a pure function. Found is settled. What certainly was not applied is planned
again. What has to wait waits by a moment in the journal, so a daemon wakes for it and the next ``sync`` goes on with
it. What may be sent again is handed to ``apply``, which sends it if the plan still wants it said, byte for byte.

Nothing keeps a copy from landing later than we assume where a helpdesk compares nothing, so a write that was sent twice
is watched: two copies found are reported as a fault of ours, and the newer one is taken back.

A ticket that alone is not answered for is passed by (``ticket_trouble``): its row stays as it is, and all else goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from connector.domain.site import Effect
from connector.domain.ticket import Status
from connector.engine.aside import CONFIRM_AFTER, suspect
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.next_step import Evidence, Next, OpenRow, Step, is_dead, next_step
from connector.engine.pull import take_in
from connector.engine.quarantine import LOOKING, pardon, sparing, strike
from connector.engine.recovered import Ready, Recovered
from connector.engine.ticket_trouble import TicketTrouble
from connector.errors import Denied, HelpdeskError, Unavailable, what_failed, where_failed
from connector.ports import Alarm, AlarmKind, Lookup, Op, OpStatus, Presence, Receipt, TicketWriter

__all__ = ["Ready", "Recovered", "park", "recover"]

LOOK_BACK = timedelta(minutes=5)
"""How far before the sending we look: clocks differ."""

WATCH_FOR = timedelta(hours=24)
"""How long a write that was sent twice is watched, each time after twice the time."""

COPIES_TO_ALARM = 5
"""Copies under compare-and-set, all without a clear answer, after which somebody is called."""


def recover(site: SiteReading, writer: TicketWriter | None, around: Surroundings, *, every: bool = True) -> Recovered:
    """Look for the site's open writes (only those whose moment has come, unless ``every``) and settle what is clear.

    ``writer`` takes back what of ours must not stand there, and does nothing else; ``None`` while writes are paused.

    Raises:
        Unavailable: The helpdesk cannot be read; the rows stay as they are.
    """
    return _Recovery(site, writer, around).run(every=every)


class _Recovery:
    """One look at everything that is open."""

    def __init__(self, site: SiteReading, writer: TicketWriter | None, around: Surroundings) -> None:
        self._site = site
        self._writer = writer
        self._around = around
        self._journal = around.journal
        self._now = around.clock.now()
        self._trouble = TicketTrouble(site.name, around, doing=LOOKING)
        self._sound: set[str] = set()
        self._answers = False
        self._done = Recovered()
        self._found: dict[str, None] = {}

    def run(self, *, every: bool) -> Recovered:
        open_ = self._journal.sending(self._site.name)
        for op in open_:
            if every or op.look_at is None or op.look_at <= self._now:
                self._look(op, self._open, self._stumble)
        watched = self._journal.watched(self._site.name, now=self._now)
        for op in watched:
            self._look(op, self._watched, self._overlook)
        still = {op.write.ref.id for op in (*open_, *watched)}
        self._trouble.note(self._sound | self._trouble.of_no_more(still))
        self._read_again()
        return self._done

    def _look(self, op: Op, look: Callable[[Op], None], failed: Callable[[Op, str, Exception], None]) -> None:
        """Look for one write; one on a ticket that alone is not answered for stays as it is.

        A watch that is through by then ends: only a second copy might go unseen.
        """
        id_ = op.write.ref.id
        if self._trouble.is_resting(id_):
            self._done.waiting += 1
            return
        if not self._answers:
            self._prove()  # first: what fails for one ticket must not be all that tells whether the helpdesk is back
        try:
            with sparing(partial(failed, op), id_):
                look(op)
        except Unavailable as error:
            if not self._trouble.is_its_own(id_, error):
                self._trouble.note(self._sound)
                raise
            self._prove()
            self._done.stumbled += 1
            if op.settled_at is not None and self._now - op.settled_at >= WATCH_FOR:
                self._end_watch(op, error)
        else:
            self._sound.add(id_)

    def _prove(self) -> None:
        """Raise ``Unavailable`` where the helpdesk answers nothing at all."""
        self._site.reader.start_cursor()
        self._answers = True

    def _read_again(self) -> None:
        """Read tickets on which something was found, past any index: no receipt told which version is ours.

        An index that shows them as they were before would pass for somebody who took our values back.
        """
        if self._found:
            page = replace(self._site.reader.get(tuple(self._found)), gone=())  # only a second look tells gone
            take_in(self._site, self._around, self._around.policies.current(), page, now=self._now)

    def _stumble(self, op: Op, id_: str, error: Exception) -> None:
        """Try again with the next pass; after three times nobody can tell but a person, and the others go on."""
        self._done.stumbled += 1
        if strike(self._site.name, self._around, {id_: error}, doing=LOOKING, versions={}):
            self._park(op, f"it cannot be looked for: {what_failed(error)}")
            known = self._around.asides.aside(self._site.name)
            pardon(self._site.name, self._around, (id_,), doing=LOOKING, known=known)

    def _overlook(self, op: Op, _id: str, error: Exception) -> None:
        """Stop watching a write whose ticket cannot be looked at: it is done, only a second copy might go unseen."""
        self._done.stumbled += 1
        self._end_watch(op, error)

    def _end_watch(self, op: Op, error: Exception) -> None:
        self._say("watch_given_up", op, why=what_failed(error), where=where_failed(error))
        self._journal.look_again(op, at=None, absent_at=None)

    def _look_up(self, op: Op, *, since: datetime) -> Lookup:
        return self._site.reader.look_up(op.write, since=since, probe=self._trouble.is_known(op.write.ref.id))

    # ---- open writes

    def _open(self, op: Op) -> None:
        seen = self._look_up(op, since=op.sent_at - LOOK_BACK)
        if seen.copies:
            self._report_copies(op, seen.copies)
        if seen.exposed and not self._stands_hidden(op, seen.exposed):
            return
        if seen.presence is Presence.UNPROVABLE and op.write.comment is not None and self._is_gone(op):
            self._leave(op)
            return
        at = seen.at or self._now
        found = next_step(OpenRow.of(op), Evidence(presence=seen.presence, guard=seen.guard, at=at))
        match found.step:
            case Step.DONE:
                self._settle(op, seen)
            case Step.PLAN_AGAIN:
                self._plan_again(op, found.why)
            case Step.WAIT:
                self._wait(op, found, at)
            case Step.RESEND:
                self._ready(op, found, seen, at)
            case _:
                self._park(op, found.why)

    def _is_gone(self, op: Op) -> bool:
        """Return whether the helpdesk does not show the very ticket: then there is nothing to be proved on it."""
        id_ = op.write.ref.id
        return id_ in self._site.reader.get((id_,)).gone

    def _leave(self, op: Op) -> None:
        """Wait for the second look that settles whether a ticket is gone; on one that is, nothing is said any more."""
        id_ = op.write.ref.id
        stored = self._journal.load(self._site.name, [id_], now=self._now)
        if not stored or stored[0].ticket.status is Status.GONE:
            self._journal.withdraw(op, "the ticket is gone", now=self._now)
            return
        suspect(self._site, self._around, [id_], now=self._now)
        self._journal.look_again(op, at=self._now + CONFIRM_AFTER, absent_at=op.absent_at)
        self._done.waiting += 1

    def _settle(self, op: Op, seen: Lookup) -> None:
        receipt = Receipt(key=op.write.key, remote_id=seen.remote_id, version=seen.version, at=self._now, found=True)
        self._journal.settle(op, receipt, now=self._now)
        self._found[op.write.ref.id] = None
        self._done.found += 1
        self._say("write_found", op)

    def _plan_again(self, op: Op, why: str) -> None:
        self._journal.fail(op, OpStatus.FAILED, f"{why}; planned again", now=self._now)
        self._done.failed += 1

    def _wait(self, op: Op, found: Next, at: datetime) -> None:
        """Store when to look next: the wait is by the helpdesk's clock, the moment to wake by ours."""
        rest = found.until - at if found.until is not None else timedelta(0)
        self._journal.look_again(op, at=self._now + rest, absent_at=found.absent_at)
        self._done.waiting += 1

    def _ready(self, op: Op, found: Next, seen: Lookup, at: datetime) -> None:
        """Hand it on; what is not sent in this pass is looked for again with the next one."""
        if op.look_at is not None and op.look_at <= self._now:
            self._journal.look_again(op, at=None, absent_at=found.absent_at)
        dead = is_dead(OpenRow.of(op), at)
        self._done.ready[op.write.ref.id] = Ready(op=op, why=found.why, ticket=seen.ticket, dead=dead)
        if op.resent == COPIES_TO_ALARM:
            self._alarm(AlarmKind.FINDING, op, f"a write on {op.write.ref} had no clear answer {op.resent + 1} times")

    def _park(self, op: Op, why: str) -> None:
        park(op, why, self._around)
        self._done.parked += 1

    # ---- writes that were sent more than once

    def _watched(self, op: Op) -> None:
        seen = self._look_up(op, since=op.sent_at - WATCH_FOR)
        if seen.copies:
            self._report_copies(op, seen.copies)
        age = self._now - (op.settled_at or self._now)
        again = self._now + age if age < WATCH_FOR else None
        self._journal.look_again(op, at=again, absent_at=None)

    def _report_copies(self, op: Op, newer: tuple[str, ...]) -> None:
        """The same comment stands there more than once: keep the oldest, take back the others, and say so loudly."""
        try:
            for comment in newer:
                self._retract(op, comment)
            became = "the newer one is taken back" if len(newer) == 1 else "the newer ones are taken back"
        except HelpdeskError as error:
            became = f"the newer could NOT be taken back ({type(error).__name__})"
        message = f"{op.write.ref} got the same comment {len(newer) + 1} times from us; {became}"
        self._alarm(AlarmKind.SELF_REPORT, op, message, remedy="look at the ticket; our fault, please report it")

    def _retract(self, op: Op, comment: str) -> bool:
        if self._writer is None:
            raise Denied("writes are paused")
        return self._writer.retract(op.write.ref, comment)

    # ---- notes that customers can read

    def _stands_hidden(self, op: Op, exposed: tuple[str, ...]) -> bool:
        """Take notes out of customers' sight and freeze the site's notes; true when they stand as they should."""
        try:
            kept = [self._retract(op, comment) for comment in exposed]
        except HelpdeskError as error:
            self._freeze_notes(op, f"it could NOT be hidden ({type(error).__name__})")
            self._park(op, "an internal note of ours can be read by customers")
            return False
        self._freeze_notes(op, "it was made private" if all(kept) else "it was removed")
        if not all(kept):
            self._plan_again(op, "it came out public and was removed")
        return all(kept)

    def _freeze_notes(self, op: Op, became: str) -> None:
        why = f"an internal note on {op.write.ref} could be read by customers; {became}"
        remedy = f"look at the ticket and at the comment settings, then: connector resume {self._site.name}"
        self._alarm(AlarmKind.FREEZE, op, why, remedy=remedy)
        self._journal.freeze(self._site.name, Effect.NOTES, why, now=self._now)

    # ---- telling

    def _say(self, name: str, op: Op, **more: object) -> None:
        self._around.observer.event(name, site=self._site.name, ticket=str(op.write.ref), write=op.write, **more)

    def _alarm(self, kind: AlarmKind, op: Op, message: str, *, remedy: str = "") -> None:
        remedy = remedy or f"connector log --ticket {op.write.ref}"
        self._around.notifier.alarm(
            Alarm(
                kind=kind,
                site=self._site.name,
                ticket=str(op.write.ref),
                message=message,
                remedy=remedy,
                at=self._now,
            )
        )


def park(op: Op, why: str, around: Surroundings) -> None:
    """Leave an open write to a person, with an alarm."""
    ref, now = op.write.ref, around.clock.now()
    message = f"a write on {ref} is parked: {why}; it is not sent again by itself"
    remedy = f"look at the ticket, then: connector parked done {op.write.key[:12]}"
    alarm = Alarm(kind=AlarmKind.PARK, site=ref.site, ticket=str(ref), message=message, remedy=remedy, at=now)
    around.notifier.alarm(alarm)
    around.journal.fail(op, OpStatus.PARKED, why, now=now)  # after it: a crash must not lose the alarm
    around.observer.event("write_parked", site=ref.site, ticket=str(ref), write=op.write, why=why)
