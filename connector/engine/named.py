"""What a helpdesk refuses by its name, or takes and ignores: left out for the rest of a run, and set aside."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.change import Write
from connector.domain.ticket import Ticket
from connector.engine.aside import aside_for
from connector.engine.kit import Surroundings
from connector.engine.refusals import set_named, without_refused
from connector.errors import Rejected
from connector.ports import Op, Receipt

IGNORED = "it took the write and ignored this field: there is no such field"


class Named:
    """What was refused by its name in one run, under the site's map of these ``bindings``."""

    def __init__(self, around: Surroundings, bindings: str) -> None:
        self._around = around
        self._bindings = bindings
        self._missing: set[tuple[str, str]] = set()

    def sparing(self, write: Write, ticket: Ticket) -> Write | None:
        """Return a write without the fields that this run has found missing in the ticket's scope, or nothing."""
        missing = tuple(str(c.field) for c in write.fields if (ticket.scope, str(c.field)) in self._missing)
        return without_refused(write, Rejected("", fields=missing)) if missing else write

    def set_aside(self, write: Write, ticket: Ticket, error: Rejected, *, urgent: bool) -> None:
        """Set aside what a refusal names; an ``urgent`` one raises the alarm."""
        self._missing.update((ticket.scope, name) for name in error.missing)
        found = aside_for(write, ticket, error, now=self._around.clock.now())
        named = [replace(item, bindings=self._bindings) for item in found]
        set_named(self._around, ticket, named, urgent=urgent)


def ignored(receipt: Receipt) -> Rejected:
    """Return the refusal that it amounts to where a helpdesk ignored fields of a write that it took."""
    return Rejected(IGNORED, fields=receipt.ignored, missing=receipt.ignored)


def without_ignored(op: Op, receipt: Receipt) -> Op:
    """Return what of an intent was written."""
    fields = tuple(change for change in op.write.fields if str(change.field) not in receipt.ignored)
    return op if len(fields) == len(op.write.fields) else replace(op, write=replace(op.write, fields=fields))
