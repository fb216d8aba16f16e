"""Apply: make the planned writes, one at a time, intent first. Only here is a writer used to carry out a plan.

The order is the plan's: most urgent first. Per ticket the fields come before what is said, and a comment whose outcome
is not known yet holds up comments alone, never the escalation itself. How each write ends is in ``sending``; what is
sent a second time, and what is given up instead, in ``resend``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connector.domain.ticket import Priority, Ticket
from connector.domain.written import as_written
from connector.engine.applied import Applied
from connector.engine.bulk import BULK_FROM, write_in_bulk
from connector.engine.kit import Surroundings
from connector.engine.lost_race import give_back
from connector.engine.quarantine import WRITING, pardon, quarantine
from connector.engine.reconcile import PassPlan, Planned
from connector.engine.recover import Ready
from connector.engine.resend import Resender
from connector.engine.sending import Sender, StopSite
from connector.ports import Op, TicketWriter

__all__ = ["Applied", "apply_plan"]


def apply_plan(
    plan: PassPlan,
    writer: TicketWriter,
    around: Surroundings,
    *,
    ready: Mapping[str, Ready] | None = None,
    may_write: Callable[[], bool] = lambda: True,
) -> Applied:
    """Make the plan's writes in its order and return what became of them.

    ``ready`` are comments that may be sent again, by ticket id. ``may_write`` is asked before every write: a pause or a
    stop lets the write in hand finish and begins no other.
    """
    if plan.planned:
        around.observer.event("writing", site=plan.site, tickets=len(plan.planned))
    hard = {planned.ticket.ref.id for planned in plan.planned if planned.change.hard}
    sender = Sender(
        writer, around, site=plan.site, run=plan.run, bindings=plan.bindings, hard=hard, may_write=may_write
    )
    done = _Apply(plan, sender, ready or {}).run()
    versions = {planned.ticket.ref.id: planned.ticket.version for planned in plan.planned}
    quarantine(plan.site, around, done.broken, doing=WRITING, versions=versions)
    was_through = not done.unreachable and done.retry_after is None
    wanted = {*versions, *(item.ref.id for item in plan.held)}
    ended = sender.trouble.of_no_more(wanted) if was_through else frozenset[str]()
    sender.trouble.note(done.complete | done.conflicted | ended)
    if done.complete:
        pardon(plan.site, around, done.complete, doing=WRITING, known=around.asides.aside(plan.site))
    return done


class _Apply:
    """One application of one plan."""

    def __init__(self, plan: PassPlan, sender: Sender, ready: Mapping[str, Ready]) -> None:
        self._plan = plan
        self._sender = sender
        self._writer = sender.writer
        self._resender = Resender(sender, self._open_comments(ready), ready)

    def _open_comments(self, ready: Mapping[str, Ready]) -> dict[str, Op]:
        if not ready and not any(planned.change.comments for planned in self._plan.planned):
            return {}
        found = self._sender.around.journal.sending(self._plan.site)
        return {op.write.ref.id: op for op in found if op.write.comment is not None}

    def run(self) -> Applied:
        before, bulk, after = self._sorted()
        try:
            self._send_ordered()
            for planned in before:
                self._one_ticket(planned)
            write_in_bulk(self._sender, bulk)
            for planned in after:
                self._one_ticket(planned)
            self._clear_up()
        except StopSite:
            pass
        return self._sender.done

    def _sorted(self) -> tuple[list[Planned], list[Planned], list[Planned]]:
        """Split the plan into field-only changes that bulk jobs may take, and single writes before and after them.

        The jobs come before what is less urgent than the most urgent of them: should the helpdesk ask to be left alone,
        nothing urgent has waited behind it.
        """
        plain = [p for p in self._plan.planned if not p.change.comments and not p.change.hard]
        if not self._writer.bulk_size or len(plain) < BULK_FROM:
            return list(self._plan.planned), [], []
        taken, first = {id(p) for p in plain}, min(_severity(p) for p in plain)
        single = [p for p in self._plan.planned if id(p) not in taken]
        before = [p for p in single if _severity(p) <= first]
        return before, plain, [p for p in single if _severity(p) > first]

    def _one_ticket(self, planned: Planned) -> None:
        self._resender.make_way(planned.change)
        part, ticket = self._resender.part_of(planned.change), planned.ticket
        writes = self._sender.split(part)
        for place, write in enumerate(writes):
            self._sender.check_may_write()
            if self._resender.concerns(write):
                self._resender.send(write, ticket)
                return  # what else is wanted is planned on what the helpdesk shows next
            receipt = self._sender.write(write, ticket)
            if receipt is None:
                self._sender.tell_of_an_end(planned.ticket, writes[place:])
                return
            if receipt.overwritten:
                give_back(self._sender, write, ticket, receipt)
                return  # the rest is planned anew, on what the person wants
            ticket = as_written(ticket, write, version=receipt.version)
        if ticket.ref.id in self._sender.done.broken.keys() | self._sender.owing:
            return
        if part == planned.change:
            self._sender.done.complete.add(ticket.ref.id)
        else:
            self._sender.wait(ticket, "an earlier comment is still looked for in the helpdesk")
            self._resender.tell_of_a_long_wait(planned.change)

    # ---- what is open

    def _send_ordered(self) -> None:
        for ready in self._resender.ordered():
            ticket = self._stored(ready.op.write.ref.id)
            if ticket is not None and not ticket.status.is_finished:
                self._sender.check_may_write()
                self._resender.send_ordered(ready, ticket)

    def _clear_up(self) -> None:
        """Give up what nobody wants said any more."""
        waiting = self._resender.unplanned()
        finished = {id_ for id_ in waiting if (t := self._stored(id_)) is None or t.status.is_finished}
        self._resender.give_up_the_unwanted(finished)

    def _stored(self, id_: str) -> Ticket | None:
        around = self._sender.around
        found = around.journal.load(self._plan.site, [id_], now=around.clock.now())
        return found[0].ticket if found else None


def _severity(planned: Planned) -> int:
    """Return the place of a change's severity in a plan: the smaller, the sooner."""
    return planned.change.severity or len(Priority) + 1
