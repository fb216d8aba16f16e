"""Any order of calls, restarts in between: the journal holds what a plain model in memory holds."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from connector.domain.change import Field
from connector.domain.events import TicketEvent
from connector.domain.occasion import Outcome
from connector.domain.site import Effect
from connector.domain.ticket import Priority, Status, Ticket
from connector.domain.written import as_written
from connector.errors import Busy, ConnectorError
from connector.journal import open_journal
from connector.journal.intents import LOOK_SOON
from connector.ports import Candidate, Op, OpStatus
from tests.canaries import found_below
from tests.journal.samples import (
    FINGERPRINT,
    MINUTE,
    NOW,
    SITE,
    comment,
    event,
    field_change,
    page,
    receipt,
    record,
    ticket,
    verdict,
    write,
)

IDS = ("1", "2", "3", "4")
ids = st.sampled_from(IDS)
POLICIES = ("a" * 64, "b" * 64)
OPEN = {Outcome.WOULD_DO, Outcome.HELD}


@dataclass
class Known:
    """What the model holds about one ticket."""

    ticket: Ticket
    due: datetime | None
    policy: str = ""
    events: dict[str, TicketEvent] = field(default_factory=dict)
    said: dict[tuple[str, Effect], Outcome] = field(default_factory=dict)
    applied: dict[Field, str | None] = field(default_factory=dict)
    own_version: str = ""


class JournalMachine(RuleBasedStateMachine):
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.folder / "state.db")
        self.journal = self._open()
        self.now = NOW
        self.version = 0
        self.cursor: str | None = None
        self.known: dict[str, Known] = {}
        self.ops: dict[tuple[str, str], Op] = {}
        self.looks: dict[tuple[str, str], datetime] = {}
        self.written: dict[int, tuple[datetime, frozenset[Effect]]] = {}
        self.effects: dict[str, frozenset[Effect]] = {}
        self.audit = 0

    def _open(self):
        opened = open_journal(str(self.folder / "state.db"), least_free=0)
        opened.open_site(SITE, fingerprint=FINGERPRINT)
        return opened

    def teardown(self) -> None:
        self._check_audit()
        self.journal.close()
        found = found_below(self.folder)
        shutil.rmtree(self.folder)
        assert not found, found

    @initialize(chosen=st.sets(ids))
    def first_load(self, chosen: set[str]) -> None:
        for id_ in sorted(chosen):
            self.observe(id_, Status.OPEN, Priority.P3, events=frozenset(), older=False)

    # ---- what the helpdesk shows

    @rule(
        id_=ids,
        status=st.sampled_from([Status.OPEN, Status.SOLVED, Status.WAITING_CUSTOMER]),
        priority=st.sampled_from([None, *Priority]),
        events=st.frozensets(st.sampled_from(["e1", "e2", "e3"]), max_size=2),
        older=st.booleans(),
    )
    def observe(self, id_: str, status: Status, priority: Priority | None, events: frozenset[str], older: bool) -> None:
        self.version += 1
        before = self.known.get(id_)
        stale = older and before is not None
        at = before.ticket.updated_at - MINUTE if stale and before else self.now
        seen = ticket(id_, status=status, priority=priority, version=f"v{self.version}", updated_at=at)
        told = tuple(event(name) for name in sorted(events))
        self.cursor = f"c{self.version}"
        changed = self._store(seen, told)
        fresh = {one.id: one for one in told if before is None or one.id not in before.events}
        assert changed == len(fresh) + (not stale or bool(fresh))
        self._take_in(id_, seen, fresh, stale=stale)
        assert self._store(seen, told) == 0

    def _store(self, seen: Ticket, told: tuple[TicketEvent, ...]) -> int:
        candidate = Candidate(ticket=seen, events=told)
        return self.journal.store_page(SITE, [candidate], page=page(cursor=self.cursor or ""), now=self.now)

    def _take_in(self, id_: str, seen: Ticket, fresh: dict[str, TicketEvent], *, stale: bool) -> None:
        if (known := self.known.get(id_)) is None:
            known = self.known[id_] = Known(ticket=seen, due=None)
        elif not stale:
            self.audit += known.ticket.status is Status.GONE  # the audit says that it is back
            known.ticket = seen
        known.events |= fresh
        if not known.ticket.is_open:
            known.due = None
        elif not stale or fresh:
            known.due = min(known.due or self.now, self.now)

    @rule(id_=ids)
    def vanish(self, id_: str) -> None:
        changed = self.journal.store_page(SITE, [], page=page(gone=(id_,)), now=self.now)
        known = self.known.get(id_)
        assert changed == (known is not None and known.ticket.status is not Status.GONE)
        self.audit += changed
        if known:
            known.ticket, known.due = replace(known.ticket, status=Status.GONE), None

    # ---- what we decide

    @rule(
        id_=ids,
        minutes=st.none() | st.integers(1, 90),
        policy=st.sampled_from(POLICIES),
        outcome=st.sampled_from([Outcome.WOULD_DO, Outcome.HELD, Outcome.SUPERSEDED, Outcome.SILENCED]),
        audience=st.sampled_from([Effect.NOTES, Effect.PUBLIC]),
        occasion=st.sampled_from(["x:1", "x:2"]),
    )
    def decide(self, id_, minutes, policy, outcome, audience, occasion) -> None:
        due = None if minutes is None else self.now + minutes * MINUTE
        said = record(occasion, audience=audience, outcome=outcome)
        given = verdict(id_, due=due, policy=policy, records=(said,), now=self.now)
        if (known := self.known.get(id_)) is None:
            with pytest.raises(ConnectorError):
                self.journal.store_verdicts(SITE, [given], run="r")
            return
        self.journal.store_verdicts(SITE, [given], run="r")
        assert self.journal.store_verdicts(SITE, [given], run="r") == 0
        known.policy, known.due = policy, due if known.ticket.is_open else None
        if known.said.get((occasion, audience), Outcome.HELD) in OPEN:
            known.said[occasion, audience] = outcome

    # ---- what we write

    @rule(id_=ids, key=st.sampled_from(["k1", "k2"]), speaks=st.booleans())
    def arm(self, id_: str, key: str, speaks: bool) -> None:
        if (known := self.known.get(id_)) is None:
            return
        note = comment(f"note:{key}") if speaks else None
        intended = write(id_, key, seen=known.ticket.version, fields=[field_change()], comment=note)
        before = self.ops.get((id_, key))
        if before and before.status in {OpStatus.DONE, OpStatus.PARKED}:
            (found,) = self.journal.arm(SITE, [(intended, "d")], run="r", now=self.now)
            assert (found.id, found.status) == (before.id, before.status)
        elif self._is_busy(id_, key, speaks=speaks):
            with pytest.raises(Busy):
                self.journal.arm(SITE, [(intended, "d")], run="r", now=self.now)
        else:
            (found,) = self.journal.arm(SITE, [(intended, "d")], run="r", now=self.now)
            assert found.attempts == (before.attempts + 1 if before else 1)
            self.ops[id_, key] = found
            self.looks[id_, key] = self.now + LOOK_SOON

    def _is_busy(self, id_: str, key: str, *, speaks: bool) -> bool:
        """A write of fields holds up everything; a comment holds up comments, and itself in any form."""
        under_way = [op for (of, _), op in self.ops.items() if of == id_ and op.status is OpStatus.SENDING]
        return any(speaks or op.write.comment is None or op.write.key == key for op in under_way)

    def _open_ops(self, *statuses: OpStatus) -> list[Op]:
        return [op for _, op in sorted(self.ops.items()) if op.status in statuses]

    @precondition(lambda self: self._open_ops(OpStatus.SENDING, OpStatus.PARKED))
    @rule(data=st.data(), states_version=st.booleans())
    def settle(self, data, states_version: bool) -> None:
        op = data.draw(st.sampled_from(self._open_ops(OpStatus.SENDING, OpStatus.PARKED)))
        self.version += 1
        version = f"v{self.version}" if states_version else ""
        self.journal.settle(op, receipt(op.write.key, version=version, at=self.now), now=self.now)
        self.journal.settle(op, receipt(op.write.key, version="twice", at=self.now), now=self.now)
        known = self.known[op.write.ref.id]
        if op.status is OpStatus.SENDING:  # of what was parked a person confirms the comment alone
            if known.ticket.version in {op.write.seen, known.own_version}:
                known.ticket = as_written(known.ticket, op.write, version=version)
            known.own_version = version or known.own_version
            known.applied[Field.PRIORITY] = "P1"
            known.said["set:priority:P1", Effect.FIELDS] = Outcome.DONE
        if op.write.comment:
            known.said[str(op.write.comment.notice.occasion), Effect.NOTES] = Outcome.DONE
        self._close(op, OpStatus.DONE)

    @precondition(lambda self: self._open_ops(OpStatus.SENDING))
    @rule(data=st.data(), end=st.sampled_from(["failed", "parked", "rejected"]))
    def give_up(self, data, end: str) -> None:
        op = data.draw(st.sampled_from(self._open_ops(OpStatus.SENDING)))
        known = self.known[op.write.ref.id]
        note = op.write.comment and (str(op.write.comment.notice.occasion), Effect.NOTES)
        if end == "rejected":
            self.journal.reject(op, "why", now=self.now)
            self._say(known, ("set:priority:P1", Effect.FIELDS), Outcome.REJECTED)
            self._say(known, note, Outcome.REJECTED)
            self._close(op, OpStatus.FAILED)
        else:
            status = OpStatus(end)
            self.journal.fail(op, status, "why", now=self.now)
            self._say(known, note if status is OpStatus.PARKED else None, Outcome.PARKED)
            self._close(op, status)

    def _say(self, known: Known, key: tuple[str, Effect] | None, outcome: Outcome) -> None:
        if key and known.said.get(key) is not Outcome.DONE:
            known.said[key] = outcome

    def _close(self, op: Op, status: OpStatus) -> None:
        of = (op.write.ref.id, op.write.key)
        self.ops[of] = replace(self.ops[of], status=status)
        self.looks.pop(of, None)
        self.audit += 1
        if status is not OpStatus.FAILED:
            effects = frozenset({Effect.FIELDS} | ({Effect.NOTES} if op.write.comment else set()))
            self.written.setdefault(op.id, (self.now, effects))

    # ---- operators, time, restarts

    @rule(on=st.frozensets(st.sampled_from(Effect)))
    def switch(self, on: frozenset[Effect]) -> None:
        newly = on - self.effects.get("", frozenset())
        silenced = [
            (known, key)
            for known in self.known.values()
            for key, outcome in known.said.items()
            if outcome is Outcome.WOULD_DO and key[1] in newly
        ]
        assert self.journal.switch_effects(SITE, {"": on}, now=self.now) == len(silenced)
        for known, key in silenced:
            known.said[key] = Outcome.SILENCED
        self.audit += on != self.effects.get("", frozenset())
        self.effects = {"": on}

    @rule(minutes=st.integers(1, 60))
    def time_goes_by(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule()
    def restart(self) -> None:
        self._check_audit()
        self.journal.close()
        self.journal = self._open()

    # ---- what must hold

    @invariant()
    def everything_known_is_as_the_model_has_it(self) -> None:
        stored = self.journal.load(SITE, IDS, now=self.now)
        assert [found.ticket.ref.id for found in stored] == [id_ for id_ in IDS if id_ in self.known]
        for found in stored:
            known = self.known[found.ticket.ref.id]
            assert found.ticket == known.ticket
            assert found.own_version == known.own_version
            assert {one.id: one for one in found.history.events} == known.events
            assert {key: row.outcome for key, row in found.said.items()} == known.said
            assert {name: value.value for name, value in found.applied.items() if not value.baseline} == known.applied
            assert found.next_due_at == known.due

    @invariant()
    def questions_of_a_pass_are_answered_as_the_model_would(self) -> None:
        is_open = {id_ for id_, known in self.known.items() if known.ticket.is_open}
        assert self.journal.known_open(SITE) == is_open
        due = sorted((known.due, id_) for id_, known in self.known.items() if known.due is not None)
        wakes = [at for at, _ in due] + list(self.looks.values())
        assert self.journal.next_due(SITE) == min(wakes, default=None)
        found = self.journal.due(SITE, now=self.now, limit=99)
        assert sorted((self.known[id_].due, id_) for id_ in found) == [pair for pair in due if pair[0] <= self.now]
        undecided = set(self.journal.undecided(SITE, policy_hash=POLICIES[0], limit=99))
        assert undecided == {id_ for id_ in is_open if self.known[id_].policy != POLICIES[0]}

    @invariant()
    def intents_and_budgets_are_as_the_model_has_them(self) -> None:
        under_way = {(op.write.ref.id, op.write.key) for op in self.journal.sending(SITE)}
        assert under_way == {of for of, op in self.ops.items() if op.status is OpStatus.SENDING}
        kinds = Counter((op.write.ref.id, op.write.comment is None) for op in self.journal.sending(SITE))
        assert max(kinds.values(), default=1) == 1
        since = self.now - timedelta(minutes=30)
        used = self.journal.spent(SITE, windows=dict.fromkeys(Effect, since), now=self.now).used
        for effect in Effect:
            assert used[effect] == sum(at > since and effect in effects for at, effects in self.written.values())

    def _check_audit(self) -> None:
        records = self.journal.records()
        assert records.verify_chain() is None
        assert len(records.events(limit=10_000)) == self.audit
        assert records.sites()[0].cursor == self.cursor


def test_the_journal_holds_what_a_model_in_memory_holds(empty_state):
    JournalMachine.template = empty_state
    profile = settings.default or settings()
    fewer = settings(profile, max_examples=max(8, profile.max_examples // 4))  # every step is many transactions
    run_state_machine_as_test(JournalMachine, settings=fewer)
