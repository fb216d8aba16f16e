"""Sites in memory, a real journal in a file, and the real engine between them; it can die at any call and come back."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, update

from connector.domain.change import Change, Field, Write
from connector.domain.events import Actor
from connector.domain.plan import plan
from connector.domain.policy import LevelTarget, Policy, TargetKind
from connector.domain.site import Effect, SiteRules
from connector.domain.situation import Reach
from connector.domain.ticket import Text, Ticket, TicketRef
from connector.engine.apply import Applied
from connector.engine.gather import reach_all
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.passes import PassResult, Site, run_pass
from connector.engine.reconcile import PassPlan
from connector.engine.storms import decided
from connector.helpdesks.memory import (
    CUSTOMER,
    Audit,
    MemoryDirectory,
    MemoryHelpdesk,
    MemoryReader,
    MemoryWriter,
    Update,
)
from connector.journal import open_journal
from connector.journal.sql import SqlJournal
from connector.journal.tables import event, metadata, ticket
from connector.policyfiles import load_policy, policy_from_document
from connector.ports import Alarm, BulkResult, OpStatus, Page, Receipt
from connector.render import TextRenderer, load_templates
from tests.canaries import BODY, SUBJECT, found_below
from tests.helpdesks.stopped_clock import StoppedClock

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
"""10:00 in Berlin: the office is open."""

ALL_EFFECTS = frozenset(Effect)
MAPPINGS = Path(__file__).parents[2] / "mappings"
TEMPLATES = load_templates(MAPPINGS / "templates")
POLICY, DOCUMENT = load_policy(MAPPINGS / "policy.yaml", today=date(2026, 11, 23), templates=TEMPLATES.names)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

EPHEMERAL = frozenset({"cursor", "run", "event", "site", "lease", "identity", "recall", "alembic_version"})
"""Tables that tell of passes and not of tickets: every pass has its row in ``run`` and moves cursor and moments."""


def reach_of(policy: Policy) -> dict[LevelTarget, Reach]:
    """Everybody whom the policy names exists and can be reached."""
    levels = [level for path in policy.escalation.paths.values() for level in path.levels]
    return {level.target: _reach(level.target) for level in levels}


def _reach(target: LevelTarget) -> Reach:
    if target.kind is TargetKind.GROUP:
        return Reach(member_ids=frozenset({"id:agent"}))
    return Reach(person=target.name)


class Killed(BaseException):
    """The process is gone: nothing catches this."""


T = TypeVar("T")


READS = re.compile(
    r"open_site|sending|watched|previous|unchanged|without_\w+|load|due|next_\w+|undecided|decided_before|applied_since|policies_of|aside|"
    r"records|policy_since|resumed_at|halted|spent|known_open|open_versions|open_by_scope|links?\w*|linked\w*|to_\w+|strangers"
)
"""What changes nothing: to die after it is to die before the next call, which is tried anyway in the whole run."""


class Death:
    """Ends the process at the n-th call of a journal or a writer, before or after the call had its effect."""

    def __init__(self) -> None:
        self.dead = False
        self.spares: Callable[[str], bool] = lambda _name: False
        self._calls_left: int | None = None
        self._after = False

    def comes_at(self, call: int, *, after: bool) -> None:
        self._calls_left, self._after = call, after

    def never(self) -> None:
        self._calls_left, self.dead = None, False

    def around(self, call: Callable[[], T]) -> T:
        if self.dead:
            raise Killed
        comes = self._comes()
        if comes and not self._after:
            self._die()
        result = call()
        if comes:
            self._die()
        return result

    def _comes(self) -> bool:
        if self._calls_left is None:
            return False
        self._calls_left -= 1
        return self._calls_left < 0

    def _die(self) -> None:
        self.dead = True
        raise Killed


class Mortal:
    """A journal of a process that may die at any of its calls."""

    def __init__(self, real: Any, death: Death) -> None:
        self._real = real
        self._death = death

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        if self._death.spares(name) and not self._death.dead:
            return method
        return lambda *args, **kwargs: self._death.around(lambda: method(*args, **kwargs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A write as it was handed to the writer."""

    at: datetime
    write: Write
    seen: Ticket


class Witness:
    """A writer that sees every write before it is sent: no send without an armed row."""

    def __init__(self, world: MemoryHelpdesk, *, bulk_size: int) -> None:
        self.real = MemoryWriter(world, bulk_size=bulk_size)
        self.sent: list[Sent] = []
        self.before_send: Callable[[Write], None] = lambda _: None
        self._world = world
        self._armed: Callable[[], set[str]] = set
        self._death = Death()

    def watch(self, armed: Callable[[], set[str]], death: Death) -> None:
        self._armed, self._death = armed, death

    @property
    def bulk_size(self) -> int:
        return self.real.bulk_size

    def split(self, change: Change) -> tuple[Write, ...]:
        return self.real.split(change)

    def request_digest(self, write: Write, *, seen: Ticket) -> str:
        return self.real.request_digest(write, seen=seen)

    def send(self, write: Write, *, seen: Ticket) -> Receipt:
        return self._death.around(lambda: self._send(write, seen))

    def _send(self, write: Write, seen: Ticket) -> Receipt:
        self._note([(write, seen)])
        self.before_send(write)
        return self.real.send(write, seen=seen)

    def server_now(self) -> datetime:
        return self.real.server_now()

    def retract(self, ref: TicketRef, comment: str) -> bool:
        return self._death.around(lambda: self.real.retract(ref, comment))

    def submit(self, writes: Sequence[tuple[Write, Ticket]]) -> str:
        return self._death.around(lambda: self._submit(writes))

    def _submit(self, writes: Sequence[tuple[Write, Ticket]]) -> str:
        self._note(writes)
        return self.real.submit(writes)

    def _note(self, writes: Sequence[tuple[Write, Ticket]]) -> None:
        armed = self._armed()
        for write, seen in writes:
            assert write.key in armed, f"{write.ref}: sent without an armed row"
            self.sent.append(Sent(at=self._world.clock.now(), write=write, seen=seen))

    def collect(self, job_ids: Sequence[str]) -> Mapping[str, tuple[BulkResult, ...] | None]:
        return self._death.around(lambda: self.real.collect(job_ids))


class IndexedReader(MemoryReader):
    """Reads deltas from a search index by time: it lags, so a window before the last poll is read again every time."""

    OVERLAP = timedelta(minutes=6)

    def __init__(self, world: RememberingWorld) -> None:
        super().__init__(world)
        self._past = world
        self.lag = timedelta(0)

    def start_cursor(self) -> str:
        super().start_cursor()
        return self._past.clock.now().isoformat()

    def changes(self, cursor: str) -> Iterator[Page]:
        since = datetime.fromisoformat(cursor) - self.OVERLAP
        before = sum(1 for _, at in self._past.log if at < since)
        for page in super().changes(str(before)):
            observations = tuple(replace(o, ticket=self._indexed(o.ticket)) for o in page.observations)
            is_last = int(page.cursor) == len(self._past.log)
            yield replace(
                page, observations=observations, cursor=self._past.clock.now().isoformat() if is_last else cursor
            )

    def _indexed(self, ticket: Ticket) -> Ticket:
        shown_until = self._past.clock.now() - self.lag
        old = [t for t in self._past.past[ticket.ref.id] if t.updated_at <= shown_until]
        return old[-1] if old else ticket


class RememberingWorld(MemoryHelpdesk):
    """A helpdesk that keeps every state that a ticket ever had, and every audit of tickets that are gone.

    ``late`` tells (ticket, moment) of writes of ours that arrived late, and ``landed_late`` of those among them where
    nothing compares: beyond our reach.
    """

    def __init__(self, site: str, clock: StoppedClock) -> None:
        super().__init__(site, clock)
        self.past: dict[str, list[Ticket]] = {}
        self.our_audits: list[tuple[str, Audit]] = []
        self.late: set[tuple[str, datetime]] = set()
        self.landed_late: set[tuple[str, datetime]] = set()
        self._landing = False

    def create(self, *, text: Text | None = None, by: Actor = CUSTOMER, **values: Any) -> TicketRef:
        return super().create(text=text or Text(subject=SUBJECT, first_message=BODY), by=by, **values)

    def land_late(self) -> None:
        self._landing = True
        super().land_late()
        self._landing = False

    def apply(self, id: str, update: Update) -> None:  # noqa: A002 - it is the vendor's word
        super().apply(id, update)
        if update.marker:
            audit = self.rows[id].audits[-1]
            self.our_audits.append((id, audit))
            self.late |= {(id, audit.at)} if self._landing else set()
            self.landed_late |= {(id, audit.at)} if self._landing and not self.compares else set()

    def _seal(self, row: Any, update: Update) -> None:
        super()._seal(row, update)
        self.past.setdefault(row.ticket.ref.id, []).append(row.ticket)


class Ears:
    """A notifier and an observer that remember what they are told."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []
        self.events: list[tuple[str, dict[str, object]]] = []
        self.pings: list[bool] = []

    def alarm(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)

    def ping(self, *, ok: bool) -> None:
        self.pings.append(ok)

    def event(self, name: str, /, **values: object) -> None:
        self.events.append((name, values))

    def heard(self, name: str) -> list[dict[str, object]]:
        return [values for event, values in self.events if event == name]


class Shelf:
    """The policy in force, which a test may exchange."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy

    def current(self) -> Policy:
        return self.policy

    def document(self, digest: str) -> str | None:
        return None if digest != self.policy.hash else "{}"

    def kept(self, document: str, *, today: date) -> Policy | None:
        return policy_from_document(document, today=today)


class Desk:
    """One site: its world, and the ports that the engine is given."""

    def __init__(self, name: str, clock: StoppedClock, *, bulk_size: int = 0, indexed: bool = False) -> None:
        self.name = name
        self.world = RememberingWorld(name, clock)
        self.world.reach = reach_of(POLICY)
        self.reader = IndexedReader(self.world) if indexed else MemoryReader(self.world)
        self.writer = Witness(self.world, bulk_size=bulk_size)
        self.bindings = ""
        self.rules = SiteRules(name=name, fingerprint=f"fingerprint of {name}", effects=ALL_EFFECTS)

    def allow(self, *effects: Effect) -> None:
        """Switch effects on, all others off."""
        self.rules = replace(self.rules, effects=frozenset(effects))

    @property
    def reading(self) -> SiteReading:
        directory = MemoryDirectory(self.world)
        return SiteReading(rules=self.rules, reader=self.reader, directory=directory, bindings=self.bindings)

    @property
    def site(self) -> Site:
        return Site(reading=self.reading, writer=self.writer)

    def sent(self) -> list[str]:
        """Return what was handed to the writer, in words: ``1 priority=P1 level=1 notes escalated``."""
        return [told(each.write) for each in self.writer.sent]

    def live(self, id_: str) -> Ticket:
        return self.world.ticket(id_)


def told(write: Write) -> str:
    parts = [write.ref.id, *(f"{f.field}={f.after}" for f in write.fields if f.field is not Field.PATH)]
    if write.comment:
        parts.append(f"{write.comment.notice.audience} {write.comment.notice.template}")
    return " ".join(parts)


class Stage:
    """Sites under one policy with one journal; ``folder`` keeps its file."""

    def __init__(self, template: Path, *desks: Desk, clock: StoppedClock, policy: Policy = POLICY) -> None:
        self.clock = clock
        self.desks = {desk.name: desk for desk in desks}
        self.policies = Shelf(policy)
        self.ears = Ears()
        self.death = Death()
        self.folder = Path(tempfile.mkdtemp(prefix="engine-"))
        self.state = self.folder / "state.db"
        shutil.copy(template, self.state)
        self._real = self._open()

    def _open(self, *, forgotten: str = "") -> SqlJournal:
        journal = open_journal(str(self.state), least_free=0, forgotten=forgotten)
        for desk in self.desks.values():
            journal.open_site(desk.name, fingerprint=desk.rules.fingerprint)
            desk.writer.watch(partial(_keys_armed, journal, desk.name), self.death)
        return journal

    @property
    def journal(self) -> SqlJournal:
        """The journal itself, for a test to look into."""
        return self._real

    @property
    def around(self) -> Surroundings:
        return Surroundings(
            journal=Mortal(self._real, self.death),
            policies=self.policies,
            renderer=TextRenderer(TEMPLATES),
            notifier=self.ears,
            observer=self.ears,
            clock=self.clock,
            rules_of=lambda name: self.desks[name].rules if name in self.desks else None,
        )

    def run(self, name: str, *, fetch: bool = True, may_write: Callable[[], bool] = lambda: True) -> PassResult:
        return run_pass(self.desks[name].site, self.around, kind="sync", fetch=fetch, may_write=may_write)

    def run_with(self, name: str, around: Surroundings) -> PassResult:
        """Pass in other surroundings, for example with a journal that counts."""
        return run_pass(self.desks[name].site, around, kind="sync")

    def restart(self) -> None:
        """Come back after a death, or in good order: what is in the file is all that is left."""
        self._real.close()
        self.death.never()
        self._real = self._open()

    def lose_state(self, why: str) -> None:
        """Begin with a new state that is known to have forgotten everything."""
        self._real.close()
        self.state.unlink()
        self._real = self._open(forgotten=why)

    def forget_lines(self, kind: str) -> None:
        """Take lines of a kind out of the audit, as if the version that ran so far had not written them."""
        self._real._run(lambda connection: connection.execute(delete(event).where(event.c.kind == kind)))

    def waiting_are_due(self, name: str) -> None:
        """Let every ticket that waits for its own history be decided by the next pass."""
        mine = update(ticket).where(ticket.c.site == name, ticket.c.is_open, ticket.c.awaits.is_not(None))
        self._real._run(lambda connection: connection.execute(mine.values(next_due_at=0)))

    def close(self) -> None:
        self._real.close()
        found = found_below(self.folder)
        shutil.rmtree(self.folder)
        assert not found, found

    # ---- what is stored

    def stored(self, name: str, id_: str) -> Any:
        (found,) = self._real.load(name, [id_], now=self.clock.now())
        return found

    def ops(self, name: str, status: OpStatus | None = None) -> Any:
        return self._real.records().ops(site=name, status=status, limit=100_000)

    def rows(self, *, without: frozenset[str] = EPHEMERAL) -> frozenset[str]:
        """Return every row of every table that is not left out, as text."""
        return self._real._run(lambda connection: _rows(connection, without))

    def wanted(self, name: str) -> dict[str, list[str]]:
        """Decide every open ticket anew; return what would be written on which, whether or not it is due."""
        desk, journal, policy = self.desks[name], self._real, self.policies.current()
        now, found = self.clock.now(), {}
        ids = sorted(journal.known_open(name))
        reach = reach_all(desk.reading, policy, now=now)
        for situation, decision in decided(desk.reading, self.around, ids, reach, policy=policy, now=now):
            made = plan(decision, situation)
            parts = [f"{f.field}={f.after}" for f in made.fields] + [f"{n.audience} {n.template}" for n in made.notices]
            if parts:
                found[situation.ticket.ref.id] = parts
        return found


def _keys_armed(journal: SqlJournal, site: str) -> set[str]:
    return {op.write.key for op in journal.sending(site)}


def planned(result: PassResult) -> PassPlan:
    assert result.plan is not None, result.error
    return result.plan


def applied(result: PassResult) -> Applied:
    assert result.applied is not None, result.error
    return result.applied


def _rows(connection: Connection, without: frozenset[str]) -> frozenset[str]:
    tables = [table for table in metadata.sorted_tables if table.name not in without]
    return frozenset(f"{table.name}: {row!r}" for table in tables for row in connection.execute(table.select()))
