"""Trying the parts of a write that was refused as a whole, each for itself: one bad part keeps nothing else back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connector.domain.change import Write
from connector.domain.ticket import Ticket
from connector.domain.written import as_written
from connector.engine.refusals import smaller
from connector.errors import HelpdeskError, Rejected
from connector.ports import Op, OpStatus, Receipt

if TYPE_CHECKING:
    from connector.engine.sending import Sender


def isolate(sender: Sender, op: Op, ticket: Ticket, error: Rejected) -> Receipt | None:
    """Try the parts of a write that was refused without a name; the comment is to blame where all else goes in.

    Returns the receipt of the last part that was taken, ``None`` where none was.
    """
    receipt = one_by_one(sender, take_apart(sender, op, ticket, error), ticket)
    if receipt is not None and op.write.comment is not None and ticket.ref.id not in sender.refused:
        sender.done.failed += 1
        sender.refuse(op.write, ticket, error)
    return receipt


def take_apart(sender: Sender, op: Op, ticket: Ticket, error: Rejected) -> tuple[Write, ...]:
    """Store that a write was refused without a name; return the parts to try, none where it is set aside."""
    parts = smaller(op.write)
    if parts:
        put_off(sender, op, ticket, error)
    else:
        sender.failed(op, ticket, error, stop=False)
    return parts


def put_off(sender: Sender, op: Op, ticket: Ticket, error: HelpdeskError) -> None:
    """Store that a write was not applied, without any other consequence: what it holds is tried in another way."""
    sender.say("write_failed", op, ticket, error=error)
    sender.around.journal.fail(op, OpStatus.FAILED, str(error), now=sender.around.clock.now())


def one_by_one(sender: Sender, parts: Sequence[Write], ticket: Ticket) -> Receipt | None:
    """Make some writes on one ticket, each for itself; return the last receipt, ``None`` where there is none.

    Where a part is put off, and not set aside for good, the ticket is not done: it stays due.
    """
    last = None
    for part in parts:
        refusals = sender.refusals
        if ticket.ref.id in sender.done.conflicted | sender.ended.keys() or not sender.may_go_on():
            sender.owing.add(ticket.ref.id)
            break
        receipt = sender.write(part, ticket)
        if receipt is None and sender.refusals == refusals:
            sender.owing.add(ticket.ref.id)
        if receipt is not None:
            last, ticket = receipt, as_written(ticket, part, version=receipt.version)
            if receipt.overwritten:
                break
    return last
