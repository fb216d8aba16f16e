"""The journal's port: what the engine stores, in whole transactions.

Its methods are whole transactions on frozen values: each either happened or did not. Intent is stored before a
write is sent (``arm``), the outcome after (``settle``); a row that is left ``sending`` by a crash is looked up in the
helpdesk before anything else is written on that ticket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.change import Write
from connector.domain.policy import Policy
from connector.domain.site import Effect
from connector.domain.ticket import Ticket, TicketRef
from connector.ports.erasure import Forgetting
from connector.ports.helpdesk import Page, Receipt, TicketHistory, Version
from connector.ports.intents import Op, OpStatus
from connector.ports.links import Links
from connector.ports.outbox import Outbox
from connector.ports.recall import Recall, Stranger
from connector.ports.records import Records
from connector.ports.setaside import Asides
from connector.ports.stored import (
    Awaited,
    Candidate,
    JournalEvent,
    Previous,
    Progress,
    RunRow,
    SiteState,
    Spent,
    Stored,
    Verdict,
)


class Journal(Outbox, Asides, Forgetting, Links, Protocol):
    """The write side: one writing connection behind it, every method one durable transaction.

    Raises ``Busy`` when another process holds the state and ``ConnectorError`` when the disk fails.
    """

    def open_site(self, site: str, *, fingerprint: str) -> SiteState:
        """Return the site's state, making its row on first sight; a changed fingerprint raises ``UnsafePlan``."""

    def unchanged(self, site: str, seen: Sequence[Ticket]) -> frozenset[str]:
        """Return ids of those tickets whose facts are stored just so; texts and moving readings are not compared."""

    def previous(self, site: str, ids: Sequence[str]) -> Mapping[str, Previous]:
        """Return, per known id, what deriving events from two observations needs; one query per page."""

    def store_page(self, site: str, candidates: Sequence[Candidate], *, page: Page, now: datetime) -> int:
        """Store tickets, events, malformed and gone ids, and the page's cursor together; return rows changed.

        An unchanged ticket changes no row, and an observation older than the stored one is ignored: search indexes
        lag. Events are deduplicated by (ticket, id).
        """

    def store_history(self, histories: Sequence[TicketHistory]) -> None:
        """Replace what deltas implied by the vendor's own history and mark it complete."""

    def skip_history(self, site: str, histories: Sequence[TicketHistory], *, now: datetime) -> None:
        """Count that histories could not be read; after three times ``without_history`` leaves the ticket out.

        Its clocks stay provisional, ``Records.quarantined`` names it, and reading its history after all clears it.
        """

    def retry_histories(self, site: str) -> None:
        """Let ``without_history`` name those that were given up once more: what refused them may have been mended."""

    def recall(self, site: str, histories: Sequence[TicketHistory], *, policy: Policy, now: datetime) -> None:
        """Take in what our marks in histories tell: operations done, occasions settled, where paths stand.

        Marks of which the state knows nothing, on a site that is seen for the first time, mean that a state was lost.
        """

    def strangers(self, site: str, histories: Sequence[TicketHistory], *, since: datetime) -> tuple[Stranger, ...]:
        """Return writes of our own account after ``since`` that the state knows nothing of, one per ticket at most.

        What is older than the site's last ``resume`` is left out: a person knows of it.
        """

    def end_recall(self, site: str, *, policy_hash: str, now: datetime) -> Recall:
        """End the site's recall when every open ticket has been read back; return how far it is."""

    def advance(self, site: str, progress: Progress) -> None:
        """Move the site's bookkeeping."""

    def load(self, site: str, ids: Sequence[str], *, now: datetime) -> tuple[Stored, ...]:
        """Return all that is known about tickets, in the order asked; unknown ids are absent."""

    def due(self, site: str, *, now: datetime, limit: int, unread: bool = True) -> tuple[str, ...]:
        """Return ids of open tickets whose ``next_due_at`` has come, earliest first.

        ``unread`` off leaves out those that wait to be read back: nothing can be decided about them.
        """

    def next_due(self, site: str, *, after: datetime | None = None) -> datetime | None:
        """Return the earliest ``next_due_at`` of the site's open tickets, or the earliest one later than ``after``.

        Moments at which an open intent is to be looked at count as well.
        """

    def undecided(self, site: str, *, policy_hash: str, limit: int, unread: bool = True) -> tuple[str, ...]:
        """Return ids of open tickets whose last decision was made under another policy, or never; as ``due``."""

    def decided_before(self, site: str, *, policy_hash: str) -> tuple[str, ...]:
        """Return ids of open tickets whose last decision was made under another policy than this one."""

    def policy_since(self, site: str, policy_hash: str) -> datetime | None:
        """Return since when runs have applied this policy on the site without another between; ``None``: none has."""

    def applied_since(self, site: str, policy_hash: str) -> datetime | None:
        """Return since when runs applied a policy the last time that they did, whatever came after; ``None``: never."""

    def policies_of(self, site: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Return, per known id, the hash of the policy that the ticket was last decided under; empty: never decided."""

    def end_allowance(self, site: str, *, now: datetime) -> None:
        """Take back what is left of a ``resume --allow``."""

    def halted(self, site: str) -> str:
        """Return why nothing at all may be written on a site at this moment, empty where something may."""

    def resumed_at(self, site: str) -> datetime | None:
        """Return when an operator last let the site write again; ``None``: never."""

    def without_history(self, site: str, *, limit: int) -> tuple[str, ...]:
        """Return ids of open tickets whose vendor history is not in, most urgent first."""

    def awaited(self, site: str, *, limit: int) -> tuple[Awaited, ...]:
        """Return open tickets on which something waits for their own history, which may be read: most urgent first."""

    def read_last(self, site: str, *, limit: int) -> tuple[str, ...]:
        """Return ids of open tickets whose vendor history is in, the one read last first."""

    def histories_left(self, site: str, ids: Sequence[str]) -> tuple[str, ...]:
        """Return those of these tickets, open or not, whose vendor history is not in and may still be read."""

    def known_open(self, site: str) -> frozenset[str]:
        """Return ids of all tickets that we believe open."""

    def open_versions(self, site: str) -> Mapping[str, Version]:
        """Return the ids of all tickets that we believe open with the versions that are stored (for the sweep)."""

    def open_by_scope(self, site: str) -> Mapping[str, frozenset[str]]:
        """Return ids of all tickets that we believe open, by their scope."""

    def store_verdicts(self, site: str, verdicts: Sequence[Verdict], *, run: str) -> int:
        """Store states, due times, clock rows, occasion rows and adopted values together; return rows changed."""

    def put_off(
        self, site: str, due: Mapping[str, datetime | None], *, policy_hash: str, awaits: Mapping[str, int]
    ) -> None:
        """Store when tickets fall due next on which nothing that was decided may stand yet, and under which policy.

        ``awaits``: how urgently their own histories are awaited, of those that wait for them.
        """

    def fall_due(self, site: str, *, now: datetime) -> None:
        """Let all open tickets of a site fall due: nothing that was stored of their next time is to be believed."""

    def move_on(self, site: str, due: Mapping[str, datetime | None], *, since: datetime) -> None:
        """Store when tickets whose change is written fall due next, unless they were given another moment since."""

    def arm(
        self,
        site: str,
        writes: Sequence[tuple[Write, str]],
        *,
        run: str,
        now: datetime,
        sent_at: datetime | None = None,
        job: str = "",
    ) -> tuple[Op, ...]:
        """Store intents as ``sending`` with their before-values, stamps and request digests; durable on return.

        ``sent_at`` is the helpdesk's own time, ``now`` where that is not known. A key that is already done returns its
        settled row: the caller must not send it. Raises ``Busy`` for a ticket with another row in ``sending`` (fields
        alone are not held up by a comment's row), and for one that changes under our hands too often.
        """

    def arm_again(self, op: Op, digest: str, *, run: str, now: datetime, sent_at: datetime) -> Op:
        """Store that another copy of an open write is about to be sent; durable on return."""

    def not_resent(self, before: Op) -> None:
        """Store that the copy armed after ``before`` certainly never left: the row is as it was."""

    def look_again(self, op: Op, *, at: datetime | None, absent_at: datetime | None) -> None:
        """Store when to look at an open or watched row next (``None``: no more), and when it was first absent."""

    def withdraw(self, op: Op, why: str, *, now: datetime) -> None:
        """Mark an open write ``failed`` for good: its comment's occasions are superseded."""

    def watched(self, site: str, *, now: datetime) -> tuple[Op, ...]:
        """Return done writes that were sent more than once and are to be looked at by now: a copy may have landed."""

    def order_resend(self, op: Op, *, now: datetime, actor: str) -> None:
        """Open a parked comment again, without its fields, by a person's order.

        Raises ``Busy`` while the ticket has another open comment.
        """

    def drop(self, op: Op, *, now: datetime, actor: str) -> None:
        """Give a parked write up, by a person's order: it is never said, its text goes."""

    def attach_job(self, ops: Sequence[Op], job: str) -> None:
        """Note the vendor's job id on armed rows before it is polled."""

    def settle(self, op: Op, receipt: Receipt, *, now: datetime, actor: str = "connector") -> None:
        """Mark ``done``: drop the body, keep its hash, store applied values and occasion rows, count budgets.

        The stored ticket takes on what was written and the receipt's version, so that the next decision does not wait
        for the delta to show our own write. After a comment that was ``found`` the ticket's history is read again: what
        the helpdesk did in answer to it must not pass for a person's act. What people did that the write undid
        (``overwritten``) is stored with it; the ticket falls due at once. Of a parked write only the
        comment is settled: its fields were planned anew when it was parked.
        """

    def fail(self, op: Op, status: OpStatus, why: str, *, now: datetime) -> None:
        """Mark ``failed`` or ``parked`` with the reason; parking stores ``parked`` for the comment's occasions.

        The number of copies is stored as ``op`` has it: one that was given up unproven counts when it is armed again.
        """

    def conflict(self, op: Op, why: str, *, now: datetime, closed: bool = False) -> None:
        """Mark ``failed`` because the ticket changed since it was seen, or was ``closed``.

        Too many of these in a row slow us down.
        """

    def reject(self, op: Op, why: str, *, now: datetime, rest: Write | None = None) -> None:
        """Mark ``failed`` for good: the write's occasions are stored as ``rejected`` and are not tried again.

        Those of ``rest`` stay open: it is tried without the part that was refused.
        """

    def sending(self, site: str) -> tuple[Op, ...]:
        """Return intents that a crash or an unknown outcome left open, oldest first."""

    def spent(self, site: str, *, windows: Mapping[Effect, datetime], now: datetime) -> Spent:
        """Return what was written per effect since each window's start, and per ticket in the last 24 hours."""

    def switch_effects(self, site: str, effects: Mapping[str, frozenset[Effect]], *, now: datetime) -> int:
        """Store the effects in force; for each newly on, turn open would-do rows into silenced; return how many."""

    def freeze(self, site: str, effect: Effect | None, why: str, *, now: datetime) -> None:
        """Freeze an effect (``None``: all) until ``resume``."""

    def pause(self, site: str, why: str, *, now: datetime, actor: str) -> None:
        """Pause every write of a site."""

    def lift(self, site: str, *, now: datetime, actor: str) -> None:
        """Clear the pause alone; freezes stay. Levels have a fresh interval, as after ``resume``."""

    def resume(self, site: str, *, allow: int, now: datetime, actor: str) -> None:
        """Clear pause and freezes; ``allow`` lets that many held writes through beyond the budget."""

    def approve(self, site: str, ticket: str, *, now: datetime, actor: str) -> int:
        """Let every step of a ticket through that waits for approval; it is due at once. Return how many there were."""

    def release(self, ref: TicketRef, *, now: datetime, actor: str) -> None:
        """Let a ticket go on, as an agent's ``/esc release`` would: a person at the keyboard says so. It falls due."""

    def begin_run(self, row: RunRow) -> None:
        """Store that a run began."""

    def end_run(self, row: RunRow) -> None:
        """Store how a run ended."""

    def remember_policy(self, policy: Policy, document: str, *, now: datetime) -> None:
        """Keep a policy's document by hash."""

    def record(self, event: JournalEvent) -> None:
        """Append one line to the audit."""

    def records(self) -> Records:
        """Return the read side."""
