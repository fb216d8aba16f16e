"""One write: intent first, then the request, then what became of it. Every outcome has one answer here.

=============  ========================================================================================
receipt        settle: receipt, applied values and occasion rows in one transaction; what was ignored is set aside
``Conflict``   the ticket changed since it was seen: drop the change, the next pass plans anew
``Rejected``   never accepted: what was refused is set aside, and where nothing was named the parts are tried apart
``NotSent``    nothing left this machine: stop this site, the next pass plans anew
``Unchecked``  the ticket alone cannot be read just before: leave it for this pass, and go on with the others
``Throttled``  refused: skip the ticket, or stop the site until the helpdesk's own time
``Unknown``    may have been applied: the row stays ``sending`` and is looked for before anything else
``Exposed``    an internal note came out public: freeze the site's notes and raise the alarm
``Mute``       a public comment stands where customers do not read it: parked, and the site's writes are frozen
``Denied``     credentials: freeze the site's writes, a permission: those of the scope; raise the alarm
=============  ========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from connector.domain.change import Change, Write
from connector.domain.site import Effect
from connector.domain.ticket import Ticket
from connector.engine.apart import isolate
from connector.engine.applied import Applied
from connector.engine.kit import Surroundings
from connector.engine.named import Named, ignored, without_ignored
from connector.engine.quarantine import WRITING, sparing
from connector.engine.refusals import is_named, is_urgent, set_refused, without_refused
from connector.engine.ticket_trouble import TicketTrouble
from connector.errors import Busy, Conflict, Denied, Exposed, HelpdeskError, Mute, NotSent, Rejected, Throttled, Unknown
from connector.ports import Alarm, AlarmKind, AsideKind, Op, OpStatus, Receipt, SetAside, TicketWriter

NOT_NOW = "paused or stopping"
"""Why the rest of a plan waits when nothing may be written: a person's word, no failure."""


class StopSite(Exception):
    """The rest of this site's plan has to wait."""


class Sender:
    """Sends single writes to one site in one run, and counts what becomes of them.

    ``refused`` are ids of tickets on which something was set aside by a refusal, ``ended`` of those that are closed,
    with the reason.
    """

    def __init__(  # noqa: PLR0913 - one run's circumstances
        self,
        writer: TicketWriter,
        around: Surroundings,
        *,
        site: str,
        run: str,
        bindings: str = "",
        hard: Collection[str] = (),
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        self.writer = writer
        self.around = around
        self.site = site
        self.run = run
        self.bindings = bindings
        self._hard = hard
        self.refused: set[str] = set()
        self.refusals = 0
        self.owing: set[str] = set()  # tickets of which a part was put off
        self.ended: dict[str, str] = {}
        self._closed: dict[str, str] = {}
        self._named = Named(around, bindings)
        self.trouble = TicketTrouble(site, around, doing=WRITING)
        self.done = Applied()
        self._may_write = may_write

    def check_may_write(self) -> None:
        """Raise ``StopSite`` while writes are paused or the process is stopping; asked before every write."""
        if not self.may_go_on():
            self.done.stopped = NOT_NOW
            raise StopSite

    def may_go_on(self) -> bool:
        """True unless somebody has paused the site, everything on it froze, or the process is stopping."""
        return self._may_write() and not self.around.journal.halted(self.site)

    # ---- intents

    def split(self, change: Change) -> tuple[Write, ...]:
        """Return the writes that a change takes, in order; none where our own code fails on them."""
        writes: list[Write] = []
        with sparing(self._breaks, change.ref.id):
            writes += self.writer.split(change)
        return tuple(writes)

    def _breaks(self, id_: str, error: Exception) -> None:
        self.done.failed += 1
        self.done.broken[id_] = error

    def arm(self, writes: Sequence[tuple[Write, Ticket]]) -> list[Op | None]:
        """Store intents; ``None`` stands for a write that is settled, blocked or impossible and must not be sent.

        Where nothing is to be sent, nothing stays armed: that would hold for what is sent long after it, too.
        """
        ops: list[Op | None] = []
        try:
            ops += [self._arm(replace(write, seen=ticket.version), ticket) for write, ticket in writes]
        finally:
            if not any(ops):
                self.around.fence.disarm()
        return ops

    def _arm(self, write: Write, ticket: Ticket) -> Op | None:
        self.around.fence.arm()
        digest = ""
        with sparing(self._breaks, write.ref.id):
            digest = self.writer.request_digest(write, seen=ticket)
        if not digest:
            return None
        now, sent_at = self.around.clock.now(), self.writer.server_now()
        try:
            (op,) = self.around.journal.arm(self.site, [(write, digest)], run=self.run, now=now, sent_at=sent_at)
        except Busy as busy:
            self.wait(ticket, str(busy))
            return None
        if op.status is OpStatus.SENDING:
            return op
        self.done.skipped += 1
        return None

    def wait(self, ticket: Ticket, why: str) -> None:
        """Leave what is wanted on a ticket to a later pass, and say why."""
        self.around.observer.event("write_waits", site=self.site, ticket=ticket.key, why=why)
        self.done.skipped += 1

    # ---- one write

    def write(self, write: Write, ticket: Ticket) -> Receipt | None:
        """Arm, send, settle; return the receipt, or ``None`` when the ticket's other writes have to wait."""
        if self.is_closed(ticket):
            return None
        spared = self._named.sparing(write, ticket)
        op = self.arm([(spared, ticket)])[0] if spared is not None else None
        if op is None:
            return None
        try:
            receipt = self._send(op.write, ticket)
        except Rejected as error:
            if not is_named(error, op.write):
                return isolate(self, op, ticket, error)
            rest = without_refused(op.write, error)
            self.failed(op, ticket, error)
            return self.write(rest, ticket) if rest is not None else None
        except HelpdeskError as error:
            self.failed(op, ticket, error)
            return None
        self.settle(op, ticket, receipt)
        return receipt

    def is_closed(self, ticket: Ticket) -> bool:
        """Return whether a ticket's writes wait: we may not write in its scope, or it alone could not be read."""
        if self.trouble.is_resting(ticket.ref.id):
            self.wait(ticket, "it could not be read just before a write")
            return True
        if ticket.scope not in self._closed:
            return False
        self.wait(ticket, f"{ticket.scope} is frozen: {self._closed[ticket.scope]}")
        return True

    def _send(self, write: Write, ticket: Ticket) -> Receipt:
        try:
            return self.writer.send(write, seen=ticket)
        finally:
            self.around.fence.disarm()

    def settle(self, op: Op, ticket: Ticket, receipt: Receipt) -> None:
        """Store what the helpdesk confirmed; a field that it ignored was not written, and is set aside."""
        done = without_ignored(op, receipt)
        self.around.journal.settle(done, receipt, now=self.around.clock.now())
        self.done.written += 1
        self.say("write_done", done, ticket, remote=receipt.remote_id)
        if receipt.ignored:
            self._named.set_aside(op.write, ticket, ignored(receipt), urgent=self._is_urgent(op.write, ticket))

    def say(self, name: str, op: Op, ticket: Ticket, **more: object) -> None:
        """Tell the observer about one write."""
        self.around.observer.event(name, site=self.site, ticket=ticket.key, write=op.write, **more)

    # ---- outcomes

    def failed(self, op: Op, ticket: Ticket, error: HelpdeskError, *, stop: bool = True) -> None:
        """Give one failed write its answer; raise ``StopSite`` when the others have to wait."""
        now, why, journal = self.around.clock.now(), str(error), self.around.journal
        self.say("write_failed", op, ticket, error=error)
        match error:
            case Unknown():
                self.done.unknown += 1
            case Conflict():
                self.done.conflicted.add(op.write.ref.id)
                journal.conflict(op, why, now=now, closed=error.closed)
                if error.closed:
                    self.ended[op.write.ref.id] = why
            case Rejected():
                self.done.failed += 1
                self._rejected(op, ticket, error)
            case Exposed():
                self._exposed(op, error, now=now)
            case Denied(about="permission") if stop:
                self.done.failed += 1
                journal.fail(op, OpStatus.FAILED, why, now=now)
                self.close(ticket.scope, error)
            case _:
                self.done.failed += 1
                journal.fail(op, OpStatus.PARKED if isinstance(error, Mute) else OpStatus.FAILED, why, now=now)
                if not self.trouble.is_its_own(op.write.ref.id, error):
                    self.hold_up(error, stop=stop)

    def _rejected(self, op: Op, ticket: Ticket, error: Rejected) -> None:
        """Set aside what was refused; a ticket that is closed by now is told nothing any more."""
        now, journal = self.around.clock.now(), self.around.journal
        if "status" in error.fields:
            self.ended[op.write.ref.id] = str(error)
            journal.reject(op, str(error), now=now)
            return
        journal.fail(op, OpStatus.FAILED, str(error), now=now)
        if not is_named(error, op.write):
            self.refuse(op.write, ticket, error)
            return
        self._named.set_aside(op.write, ticket, error, urgent=self._is_urgent(op.write, ticket))

    def tell_of_an_end(self, ticket: Ticket, unsent: Sequence[Write]) -> None:
        """Raise the alarm where a ticket was closed before it could be told: that is for a person to know."""
        ref, why = ticket.ref, self.ended.get(ticket.ref.id)
        if why is not None and any(write.comment is not None for write in unsent):
            message = f"{ref} was closed before it could be told: {why}"
            self._alarm(AlarmKind.FINDING, message, f"connector explain {ref}", ticket=str(ref))

    def refuse(self, write: Write, ticket: Ticket, error: Rejected) -> None:
        """Set aside what was refused without a name."""
        urgent = self._is_urgent(write, ticket)
        set_refused(self.around, write, ticket, error, bindings=self.bindings, urgent=urgent)
        self.refused.add(ticket.ref.id)
        self.refusals += 1

    def _is_urgent(self, write: Write, ticket: Ticket) -> bool:
        return is_urgent(write, ticket) or ticket.ref.id in self._hard

    def _exposed(self, op: Op, error: Exposed, *, now: datetime) -> None:
        """An internal note was public for a moment: what stands now is settled, and the site's notes are frozen."""
        journal, why = self.around.journal, str(error)
        self.done.denied, self.done.stopped = True, why
        if error.mended:
            receipt = Receipt(key=op.write.key, remote_id="made private", version="", at=now)
            journal.settle(op, receipt, now=now)
            self.done.written += 1
        else:
            journal.fail(op, OpStatus.FAILED if error.removed else OpStatus.PARKED, why, now=now)
            self.done.failed += 1
        self.freeze(Effect.NOTES, why, error.remedy)
        raise StopSite

    def close(self, scope: str, error: Denied) -> None:
        """Freeze one scope, where we lack a permission, and raise the alarm; the others go on."""
        why, now = str(error)[:200], self.around.clock.now()
        self._closed[scope] = why
        message = f"writes to {scope} on {self.site} are frozen: {why}"
        self._alarm(AlarmKind.FREEZE, message, f"{error.remedy}, then: connector resume {self.site}")
        self.around.asides.set_aside(self.site, [SetAside(kind=AsideKind.SCOPE, scope=scope, why=why, since=now)])

    def hold_up(self, error: HelpdeskError, *, stop: bool = True) -> None:
        """Draw the consequences of an error that concerns more than one write; raise ``StopSite`` where told to."""
        if isinstance(error, Throttled):
            if error.scope == "ticket":
                return
            self.done.retry_after = error.retry_after
        if isinstance(error, Denied):
            self.done.denied = True
            self.freeze(None, str(error), "mend the credentials or permissions")
        self.done.unreachable = isinstance(error, NotSent)
        self.done.stopped = str(error)
        if stop:
            raise StopSite

    def freeze(self, effect: Effect | None, why: str, remedy: str) -> None:
        """Raise the alarm and freeze the site's writes, or those of one effect.

        In this order: a crash between the two repeats an alarm and never loses one.
        """
        what = "writes to" if effect is None else f"{effect} on"
        command = f"connector resume {self.site}"
        self._alarm(AlarmKind.FREEZE, f"{what} {self.site} are frozen: {why}", f"{remedy}, then: {command}")
        self.around.journal.freeze(self.site, effect, why, now=self.around.clock.now())

    def _alarm(self, kind: AlarmKind, message: str, remedy: str, *, ticket: str = "") -> None:
        at = self.around.clock.now()
        self.around.notifier.alarm(
            Alarm(kind=kind, site=self.site, ticket=ticket, message=message, remedy=remedy, at=at)
        )
