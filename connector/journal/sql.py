"""The journal on a database: each method is one transaction, handed to the journal's thread and awaited."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Self

from sqlalchemy import Connection

from connector.domain.change import Write
from connector.domain.policy import Policy
from connector.domain.site import Effect
from connector.domain.ticket import Ticket, TicketRef
from connector.journal import (
    alarms,
    approvals,
    audit,
    control,
    erasure,
    histories,
    intents,
    outbox,
    outcomes,
    pages,
    recalls,
    recollection,
    runs,
    setaside,
    sites,
    standoffs,
    strangers,
    tickets,
    verdicts,
)
from connector.journal.links import SqlLinks
from connector.journal.records import SqlRecords
from connector.journal.worker import JournalThread, Runner
from connector.ports import (
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
from connector.ports.erasure import Erased
from connector.ports.helpdesk import Page, Receipt, TicketHistory, Version
from connector.ports.intents import Op, OpStatus
from connector.ports.outbox import Delivery, Queued
from connector.ports.recall import Recall, Stranger
from connector.ports.setaside import SetAside


class SqlJournal(SqlLinks):
    """``Journal`` on SQLite or PostgreSQL; callable from any thread.

    It writes the audit's lines about what it stores itself, in the same transaction.
    """

    def __init__(
        self, thread: JournalThread, readers: Runner, *, release: Callable[[], None], forgotten: str = ""
    ) -> None:
        """Make the journal; ``release`` lets the next process in, ``forgotten`` says what the state has lost."""
        super().__init__(thread)
        self.forgotten = forgotten
        self._thread = thread
        self._run = thread.run
        self._records = SqlRecords(readers)
        self._release = release

    def close(self) -> None:
        """Finish what is under way and let the next process in."""
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open_site(self, site: str, *, fingerprint: str) -> SiteState:
        """Return the site's state, making its row on first sight."""
        return self._run(lambda c: sites.open_site(c, site, fingerprint=fingerprint))

    def unchanged(self, site: str, seen: Sequence[Ticket]) -> frozenset[str]:
        """Return ids of those tickets whose facts are stored just so."""
        return self._run(lambda c: tickets.unchanged(c, site, seen))

    def previous(self, site: str, ids: Sequence[str]) -> Mapping[str, Previous]:
        """Return the stored observations of known ids."""
        return self._run(lambda c: tickets.previous(c, site, ids))

    def store_page(self, site: str, candidates: Sequence[Candidate], *, page: Page, now: datetime) -> int:
        """Store a page and its cursor; return the rows changed, the cursor's not counted."""
        return self._run(lambda c: pages.store_page(c, site, candidates, page=page, now=now))

    def store_history(self, histories_: Sequence[TicketHistory]) -> None:
        """Replace what deltas implied by the vendor's own history."""
        self._run(lambda c: histories.store_histories(c, histories_))

    def skip_history(self, site: str, histories_: Sequence[TicketHistory], *, now: datetime) -> None:
        """Count that histories could not be read."""
        self._run(lambda c: histories.skip_histories(c, site, histories_, now=now))

    def retry_histories(self, site: str) -> None:
        """Let histories that were given up be tried once more."""
        self._run(lambda c: histories.try_again(c, site))

    def recall(self, site: str, histories_: Sequence[TicketHistory], *, policy: Policy, now: datetime) -> None:
        """Take in what our marks in histories tell."""
        self._run(lambda c: recollection.learn(c, site, histories_, policy=policy, now=now))

    def strangers(self, site: str, histories_: Sequence[TicketHistory], *, since: datetime) -> tuple[Stranger, ...]:
        """Return writes of our own account that the state knows nothing of."""
        return self._run(lambda c: strangers.strangers(c, site, histories_, since=since))

    def end_recall(self, site: str, *, policy_hash: str, now: datetime) -> Recall:
        """End the site's recall when nothing is left to be read; return how far it is."""
        return self._run(lambda c: recalls.end(c, site, policy_hash=policy_hash, now=now))

    def advance(self, site: str, progress: Progress) -> None:
        """Move the site's bookkeeping."""
        self._run(lambda c: sites.advance(c, site, progress))

    def load(self, site: str, ids: Sequence[str], *, now: datetime) -> tuple[Stored, ...]:
        """Return all that is known about tickets, in the order asked."""
        return self._run(lambda c: tickets.load(c, site, ids, now=now))

    def due(self, site: str, *, now: datetime, limit: int, unread: bool = True) -> tuple[str, ...]:
        """Return ids of open tickets that are due, earliest first."""
        return self._run(lambda c: tickets.due(c, site, now=now, limit=limit, unread=unread))

    def policy_since(self, site: str, policy_hash: str) -> datetime | None:
        """Return since when runs have applied this policy on the site without another between."""
        return self._run(lambda c: runs.policy_since(c, site, policy_hash))

    def applied_since(self, site: str, policy_hash: str) -> datetime | None:
        """Return since when runs applied a policy the last time that they did."""
        return self._run(lambda c: runs.applied_since(c, site, policy_hash))

    def policies_of(self, site: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Return the hash of the policy that each ticket was last decided under."""
        return self._run(lambda c: tickets.policies_of(c, site, ids))

    def end_allowance(self, site: str, *, now: datetime) -> None:
        """Take back what is left of a ``resume --allow``."""
        self._run(lambda c: control.end_allowance(c, site, now=now))

    def halted(self, site: str) -> str:
        """Return why nothing at all may be written on a site at this moment, empty where something may."""
        return self._run(lambda c: control.halted(c, site))

    def resumed_at(self, site: str) -> datetime | None:
        """Return when an operator last let the site write again."""
        return self._run(lambda c: control.resumed_at(c, site))

    def next_due(self, site: str, *, after: datetime | None = None) -> datetime | None:
        """Return the earliest moment at which a ticket is due or an intent is looked at, or the earliest after one."""

        def earliest(connection: Connection) -> datetime | None:
            due = tickets.next_due(connection, site, after=after), intents.next_look(connection, site, after=after)
            return min((at for at in due if at is not None), default=None)

        return self._run(earliest)

    def undecided(self, site: str, *, policy_hash: str, limit: int, unread: bool = True) -> tuple[str, ...]:
        """Return ids of open tickets not decided under this policy."""
        return self._run(lambda c: tickets.undecided(c, site, policy_hash=policy_hash, limit=limit, unread=unread))

    def decided_before(self, site: str, *, policy_hash: str) -> tuple[str, ...]:
        """Return ids of open tickets whose last decision was made under another policy."""
        return self._run(lambda c: tickets.decided_before(c, site, policy_hash=policy_hash))

    def without_history(self, site: str, *, limit: int) -> tuple[str, ...]:
        """Return ids of open tickets whose history is not in, most urgent first."""
        return self._run(lambda c: tickets.without_history(c, site, limit=limit))

    def awaited(self, site: str, *, limit: int) -> tuple[Awaited, ...]:
        """Return open tickets on which something waits for their own history, which may be read: most urgent first."""
        return self._run(lambda c: histories.awaited(c, site, limit=limit))

    def read_last(self, site: str, *, limit: int) -> tuple[str, ...]:
        """Return ids of open tickets whose history is in, the one read last first."""
        return self._run(lambda c: tickets.read_last(c, site, limit=limit))

    def histories_left(self, site: str, ids: Sequence[str]) -> tuple[str, ...]:
        """Return those of these tickets, open or not, whose vendor history is not in and may still be read."""
        return self._run(lambda c: tickets.histories_left(c, site, ids))

    def known_open(self, site: str) -> frozenset[str]:
        """Return ids of all tickets that we believe open."""
        return self._run(lambda c: tickets.known_open(c, site))

    def open_versions(self, site: str) -> Mapping[str, Version]:
        """Return ids of all tickets that we believe open with the versions that are stored."""
        return self._run(lambda c: tickets.open_versions(c, site))

    def open_by_scope(self, site: str) -> Mapping[str, frozenset[str]]:
        """Return ids of all tickets that we believe open, by their scope."""
        return self._run(lambda c: tickets.open_by_scope(c, site))

    def store_verdicts(self, site: str, verdicts_: Sequence[Verdict], *, run: str) -> int:
        """Store decisions; return the rows changed."""
        return self._run(lambda c: verdicts.store_verdicts(c, site, verdicts_, run=run))

    def put_off(
        self, site: str, due: Mapping[str, datetime | None], *, policy_hash: str, awaits: Mapping[str, int]
    ) -> None:
        """Store when tickets fall due next on which nothing that was decided may stand yet."""
        self._run(lambda c: verdicts.put_off(c, site, due, policy_hash=policy_hash, awaits=awaits))

    def fall_due(self, site: str, *, now: datetime) -> None:
        """Let all open tickets of a site fall due."""
        self._run(lambda c: histories.fall_due(c, site, now=now))

    def move_on(self, site: str, due: Mapping[str, datetime | None], *, since: datetime) -> None:
        """Store when tickets whose change is written fall due next."""
        self._run(lambda c: verdicts.move_on(c, site, due, since=since))

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
        """Store intents; durable on return."""
        return self._run(lambda c: intents.arm(c, site, writes, run=run, now=now, sent_at=sent_at, job=job))

    def arm_again(self, op: Op, digest: str, *, run: str, now: datetime, sent_at: datetime) -> Op:
        """Store that another copy is about to be sent; durable on return."""
        return self._run(lambda c: intents.arm_again(c, op, digest, run=run, now=now, sent_at=sent_at))

    def not_resent(self, before: Op) -> None:
        """Store that the copy armed after ``before`` never left."""
        self._run(lambda c: intents.not_resent(c, before))

    def look_again(self, op: Op, *, at: datetime | None, absent_at: datetime | None) -> None:
        """Store when to look at a row next."""
        self._run(lambda c: intents.look_again(c, op, at=at, absent_at=absent_at))

    def watched(self, site: str, *, now: datetime) -> tuple[Op, ...]:
        """Return done writes that are to be looked at by now."""
        return self._run(lambda c: intents.watched(c, site, now=now))

    def withdraw(self, op: Op, why: str, *, now: datetime) -> None:
        """Give an open write up."""
        self._run(lambda c: outcomes.withdraw(c, op, why, now=now))

    def order_resend(self, op: Op, *, now: datetime, actor: str) -> None:
        """Open a parked write again, by a person's order."""
        self._run(lambda c: outcomes.order_resend(c, op, now=now, actor=actor))

    def drop(self, op: Op, *, now: datetime, actor: str) -> None:
        """Give a parked write up, by a person's order."""
        self._run(lambda c: outcomes.drop(c, op, now=now, actor=actor))

    def attach_job(self, ops: Sequence[Op], job: str) -> None:
        """Note the vendor's job id on armed rows."""
        self._run(lambda c: intents.attach_job(c, ops, job))

    def settle(self, op: Op, receipt: Receipt, *, now: datetime, actor: str = "connector") -> None:
        """Store what the helpdesk confirmed."""
        self._run(lambda c: outcomes.settle(c, op, receipt, now=now, actor=actor))

    def fail(self, op: Op, status: OpStatus, why: str, *, now: datetime) -> None:
        """Mark ``failed`` or ``parked``."""
        self._run(lambda c: outcomes.fail(c, op, status, why, now=now))

    def conflict(self, op: Op, why: str, *, now: datetime, closed: bool = False) -> None:
        """Mark ``failed``: the ticket changed."""
        self._run(lambda c: outcomes.conflict(c, op, why, now=now, closed=closed))

    def reject(self, op: Op, why: str, *, now: datetime, rest: Write | None = None) -> None:
        """Mark ``failed`` for good."""
        self._run(lambda c: outcomes.reject(c, op, why, now=now, rest=rest))

    def sending(self, site: str) -> tuple[Op, ...]:
        """Return intents without an outcome, oldest first."""
        return self._run(lambda c: intents.sending(c, site))

    def spent(self, site: str, *, windows: Mapping[Effect, datetime], now: datetime) -> Spent:
        """Return what was written of late."""
        return self._run(lambda c: outcomes.spent(c, site, windows=windows, now=now))

    def switch_effects(self, site: str, effects: Mapping[str, frozenset[Effect]], *, now: datetime) -> int:
        """Store the effects in force; return how many occasions were silenced."""
        return self._run(lambda c: control.switch_effects(c, site, effects, now=now))

    def freeze(self, site: str, effect: Effect | None, why: str, *, now: datetime) -> None:
        """Freeze an effect (``None``: all) until ``resume``."""
        self._run(lambda c: control.freeze(c, site, effect, why, now=now))

    def pause(self, site: str, why: str, *, now: datetime, actor: str) -> None:
        """Pause every write of a site."""
        self._run(lambda c: control.pause(c, site, why, now=now, actor=actor))

    def lift(self, site: str, *, now: datetime, actor: str) -> None:
        """Clear the pause alone."""
        self._run(lambda c: control.lift(c, site, now=now, actor=actor))

    def resume(self, site: str, *, allow: int, now: datetime, actor: str) -> None:
        """Clear pause and freezes."""
        self._run(lambda c: control.resume(c, site, allow=allow, now=now, actor=actor))

    def set_aside(self, site: str, items: Sequence[SetAside]) -> None:
        """Set things aside; one that is known keeps its beginning."""
        self._run(lambda c: setaside.put(c, site, items))

    def take_back(self, site: str, items: Sequence[SetAside], *, now: datetime) -> None:
        """End what was set aside."""
        self._run(lambda c: setaside.take_back(c, site, items, now=now))

    def aside(self, site: str) -> tuple[SetAside, ...]:
        """Return what is set aside on a site."""
        return self._run(lambda c: setaside.found(c, site))

    def alarm_told(self, key: str, *, site: str, since: datetime) -> bool:
        """Return whether an alarm was handed over after ``since`` and after the site's last ``resume``."""
        return self._run(lambda c: alarms.told(c, key, site=site, since=since))

    def owe_alarm(self, key: str, said: Mapping[str, str], *, site: str, since: datetime, now: datetime) -> None:
        """Store what an alarm says until it is handed over, or given up as it is from before ``since``."""
        self._run(lambda c: alarms.owe(c, key, said, site=site, since=since, now=now))

    def alarms_owed(self, *, since: datetime) -> tuple[Mapping[str, str], ...]:
        """Return what the alarms from ``since`` on say that were not handed over, oldest first; of others that goes."""
        return self._run(lambda c: alarms.owed(c, since=since))

    def note_alarm(self, key: str, *, site: str, kind: str, now: datetime) -> None:
        """Store that an alarm was handed over."""
        self._run(lambda c: alarms.note(c, key, site=site, kind=kind, now=now))

    def notifications_due(self, *, now: datetime, limit: int) -> tuple[Queued, ...]:
        """Return what waits in the outbox and may be tried now."""
        return self._run(lambda c: outbox.due(c, now=now, limit=limit))

    def settle_notification(
        self, queued: Queued, status: Delivery, *, now: datetime, next_at: datetime | None = None, error: str = ""
    ) -> None:
        """Store one attempt to deliver."""
        self._run(lambda c: outbox.settle(c, queued, status, now=now, next_at=next_at, error=error))

    def approve(self, site: str, ticket: str, *, now: datetime, actor: str) -> int:
        """Let the steps of a ticket through that wait for approval; return how many."""
        return self._run(lambda c: approvals.approve(c, site, ticket, now=now, actor=actor))

    def release(self, ref: TicketRef, *, now: datetime, actor: str) -> None:
        """Let a ticket go on, as an agent's ``/esc release`` would."""
        self._run(lambda c: standoffs.release(c, ref, now=now, actor=actor))

    def begin_run(self, row: RunRow) -> None:
        """Store that a run began."""
        self._run(lambda c: runs.begin_run(c, row))

    def end_run(self, row: RunRow) -> None:
        """Store how a run ended."""
        self._run(lambda c: runs.end_run(c, row))

    def remember_policy(self, policy: Policy, document: str, *, now: datetime) -> None:
        """Keep a policy's document by hash."""
        self._run(lambda c: runs.remember_policy(c, policy, document, now=now))

    def record(self, event: JournalEvent) -> None:
        """Append one line to the audit."""
        self._run(lambda c: audit.append(c, event))

    def erase(
        self,
        site: str,
        *,
        ticket: str = "",
        account: str = "",
        names: Collection[str] = (),
        line: JournalEvent | None = None,
    ) -> Erased:
        """Delete a ticket's data, or a person under every name, and say so in the audit."""
        return self._run(lambda c: erasure.erase(c, site, id_=ticket, account=account, names=names, line=line))

    def compact(self) -> None:
        """Overwrite what was freed."""
        self._thread.compact()

    def purge(self, *, now: datetime, most: int) -> int:
        """Delete what is past its time."""
        return self._run(lambda c: erasure.purge(c, now=now, most=most))

    def records(self) -> SqlRecords:
        """Return the read side."""
        return self._records
