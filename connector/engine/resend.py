"""Send again what may be sent again, byte for byte as it was stored; give up what nobody wants said any more.

Whether a copy is *safe* was decided by looking for the first one. Whether it is still *wanted* is decided by the plan
of this very pass: it knows who holds the ticket, whether it is closed, and which threshold has been reached since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta

from connector.domain.change import Change, Write
from connector.domain.ticket import Ticket
from connector.engine.orders import forbids
from connector.engine.recover import Ready, park
from connector.engine.sending import Sender
from connector.errors import Conflict, Denied, Exposed, HelpdeskError, Mute, Rejected, Unknown
from connector.ports import Alarm, AlarmKind, JournalEvent, Op, OpStatus

TOO_OLD = timedelta(hours=24)
"""A copy that has waited for so long is given up. Whether its occasion is still to be said, a later plan decides."""

LONG_WAIT = timedelta(minutes=15)
"""How long a comment may wait behind another one before somebody is told: longer than any quarantine with its looks."""

WAITED = "comment-waits"
MOST_LINES = 1_000
"""Lines of one ticket's audit that are looked through for an alarm given before."""


class Resender:
    """The open comments of one site during one application of a plan.

    ``open_`` are all of them by ticket id, ``ready`` those of them that may be sent again.
    """

    def __init__(self, sender: Sender, open_: Mapping[str, Op], ready: Mapping[str, Ready]) -> None:
        self._sender = sender
        self._open = dict(open_)
        self._ready = dict(ready)

    def concerns(self, write: Write) -> bool:
        """True for a planned write whose comment is the one that may be sent again."""
        return write.comment is not None and self._is_ready(write.ref.id, write.comment.key)

    def part_of(self, change: Change) -> Change:
        """Return what of a change may be written now: never a second comment beside one of unknown outcome."""
        id_ = change.ref.id
        if id_ not in self._open:
            return change
        return replace(change, comments=tuple(c for c in change.comments if self._is_ready(id_, c.key)))

    def _is_ready(self, id_: str, key: str) -> bool:
        ready = self._ready.get(id_)
        return ready is not None and ready.op.write.key == key

    def make_way(self, change: Change) -> None:
        """Give an open comment up where the plan says something else in its place: to the same readers for good.

        To others it is as yet unsaid: it may be frozen, or switched off, and is planned anew when it is wanted again.
        Until then no copy of it may land any more.
        """
        ready = self._ready.get(change.ref.id)
        if ready is None or ready.op.ordered_by:
            return
        said = {comment.key: comment.notice.audience for comment in change.comments}
        mine = ready.op.write.comment
        if mine is None or mine.key in said:
            return
        if mine.notice.audience in said.values():
            self._give_up(ready, "a later threshold or level speaks in its place")
        elif said and ready.dead:
            self._put_off(ready, "it is not wanted now, and keeps something else from being said")

    def tell_of_a_long_wait(self, change: Change) -> None:
        """Raise the alarm, once for each open comment, when others have waited behind it for ``LONG_WAIT``."""
        around, ref = self._sender.around, change.ref
        op, now = self._open.get(ref.id), around.clock.now()
        if op is None or now - op.sent_at <= LONG_WAIT:
            return
        lines = around.journal.records().events(site=ref.site, ticket=ref.id, limit=MOST_LINES)
        if any(line.kind == WAITED and line.key == op.write.key for line in lines):
            return
        message = f"a comment on {ref} waits: what became of an earlier one is still not known"
        remedy = f"look at the ticket: connector explain {ref}"
        around.notifier.alarm(
            Alarm(kind=AlarmKind.FINDING, site=ref.site, ticket=str(ref), message=message, remedy=remedy, at=now)
        )
        around.journal.record(
            JournalEvent(at=now, kind=WAITED, site=ref.site, ticket=ref.id, key=op.write.key, run=self._sender.run)
        )

    def unplanned(self) -> tuple[str, ...]:
        """Return ids of tickets whose open comment may be sent again and was not."""
        return tuple(self._ready)

    def give_up_the_unwanted(self, finished: Collection[str]) -> None:
        """Give up what waited for a day, and what would speak on tickets that are ``finished``.

        What waited may have been held all the time, by a budget or by a person: it is planned anew once it is let go.
        """
        now = self._sender.around.clock.now()
        for id_, ready in list(self._ready.items()):
            if id_ in finished:
                self._give_up(ready, "the ticket is finished")
            elif not ready.op.ordered_by and now - ready.op.sent_at > TOO_OLD:
                self._put_off(ready, f"not sent again within {TOO_OLD}")

    def _put_off(self, ready: Ready, why: str) -> None:
        """Give a copy up whose occasion stays open; what is said of it another time is one copy more, and watched."""
        now, journal = self._sender.around.clock.now(), self._sender.around.journal
        journal.fail(replace(ready.op, resent=ready.op.resent + 1), OpStatus.FAILED, why, now=now)
        self._forget(ready.op)

    def _give_up(self, ready: Ready, why: str) -> None:
        self._sender.around.journal.withdraw(ready.op, why, now=self._sender.around.clock.now())
        self._forget(ready.op)

    def _forget(self, op: Op) -> None:
        self._open.pop(op.write.ref.id, None)
        self._ready.pop(op.write.ref.id, None)

    # ---- sending

    def ordered(self) -> tuple[Ready, ...]:
        """Return what a person ordered to be sent again, whatever the plan says."""
        return tuple(ready for ready in self._ready.values() if ready.op.ordered_by)

    def send_ordered(self, ready: Ready, ticket: Ticket) -> None:
        """Send a parked comment again; its fields were planned anew long ago and stay out.

        Where nothing of its kind may be written by now it is parked again, aloud: somebody waits for it.
        """
        if why := self._forbids(ready, ticket):
            park(ready.op, f"ordered, and not sent: {why}", self._sender.around)
            self._sender.done.failed += 1
            self._forget(ready.op)
            return
        alone = replace(ready.op.write, fields=(), seen=ticket.version)
        self._send(replace(ready.op, write=alone), ticket)

    def _forbids(self, ready: Ready, ticket: Ticket) -> str:
        around, site = self._sender.around, self._sender.site
        rules = around.rules_of(site)
        if rules is None:
            return f"{site} is not configured"
        state = around.journal.open_site(site, fingerprint=rules.fingerprint)
        return forbids(ready.op.write, ticket, rules, state=state, aside=around.journal.aside(site))

    def send(self, planned: Write, ticket: Ticket) -> None:
        """Send the open comment again, as it was stored.

        The stamp is the first copy's wherever the helpdesk compares it: of all copies at most one is applied.
        """
        ready = self._ready[planned.ref.id]
        self._send(ready.op, ready.ticket or ticket)

    def _send(self, before: Op, ticket: Ticket) -> None:
        sender = self._sender
        if sender.is_closed(ticket):
            return
        sender.around.fence.arm()
        try:
            self._send_armed(before, ticket)
        finally:
            sender.around.fence.disarm()

    def _send_armed(self, before: Op, ticket: Ticket) -> None:
        sender = self._sender
        digest = sender.writer.request_digest(before.write, seen=ticket)
        now, sent_at = sender.around.clock.now(), sender.writer.server_now()
        op = sender.around.journal.arm_again(before, digest, run=sender.run, now=now, sent_at=sent_at)
        sender.say("write_resent", op, ticket, same=digest == before.request_digest)
        self._ready.pop(op.write.ref.id, None)
        try:
            receipt = sender.writer.send(op.write, seen=ticket)
        except (Unknown, Rejected, Exposed, Mute) as error:
            sender.failed(op, ticket, error)
            sender.tell_of_an_end(ticket, [op.write])
        except HelpdeskError as error:
            self._not_applied(before, op, ticket, error)
        else:
            self._forget(op)
            sender.settle(op, ticket, receipt)

    def _not_applied(self, before: Op, op: Op, ticket: Ticket, error: HelpdeskError) -> None:
        """This copy was not applied, which says nothing of the first: the row stays open, as it was before."""
        sender = self._sender
        sender.around.journal.not_resent(before)
        sender.say("write_failed", op, ticket, error=error)
        if isinstance(error, Conflict):
            sender.done.conflicted.add(op.write.ref.id)
            return
        sender.done.failed += 1
        if isinstance(error, Denied) and error.about == "permission":
            sender.close(ticket.scope, error)
            return
        if not sender.trouble.is_its_own(op.write.ref.id, error):
            sender.hold_up(error)
