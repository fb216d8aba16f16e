"""Reconcile: one pass over one site, up to the plan. It is handed a reader and cannot write to a helpdesk.

A pass looks at *changed ∪ due*: what the helpdesk reports as changed, plus every open ticket whose stored due time has
come, plus those whose last decision was made under another policy. It is level-triggered: whatever made us look, the
state read now decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from connector.domain.change import Change
from connector.domain.decision import Decision, LeftAlone, TicketPlan
from connector.domain.escalation import needs_history
from connector.domain.guard import Held
from connector.domain.plan import change, plan
from connector.domain.policy import LevelTarget, Policy
from connector.domain.site import Effect
from connector.domain.situation import Reach, Situation
from connector.domain.ticket import Priority, Ticket
from connector.domain.written import live_value
from connector.engine.allowed import allowed
from connector.engine.aside import Aside
from connector.engine.edits import held_edit, under_earlier
from connector.engine.gather import reach_all, read_unread_text
from connector.engine.histories import chunks, read_wanted
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.pull import Pulled, pull
from connector.engine.quarantine import DECIDING, given_up, pardon, quarantine, sparing, under
from connector.engine.readable import Readable
from connector.engine.recall import UNREAD, go_on, memory, only_priority, waits_for
from connector.engine.refusals import tell_urgent
from connector.engine.shadow import Shadowed, in_shadow, rendered
from connector.engine.standoffs import tell_standoffs, tell_unreachable
from connector.engine.steering import notice_pause_file, notice_switches
from connector.engine.storms import decided
from connector.engine.strangers import might_be_a_strangers
from connector.engine.targets import note_targets
from connector.engine.unread import Round, Wanted, tell_overdue, urgency
from connector.errors import what_failed
from connector.ports import Recall, SetAside, Verdict

CHUNK = 500
"""Tickets per transaction and per turn of long work."""

MOST = 1_000_000
"""Tickets that one pass decides at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A change with the ticket that it was decided on, and when that ticket falls due next once it is written."""

    change: Change
    ticket: Ticket
    next_due_at: datetime | None = None
    remembers: Callable[[frozenset[Effect]], Mapping[str, str]] = lambda _: {}

    def going(self, part: Change) -> Planned:
        """Return it with the part of the change that may be written, which remembers the ticket."""
        return replace(self, change=replace(part, riders={**part.riders, **self.remembers(part.effects)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something wanted on a ticket that is not written, and why."""

    key: str
    item: LeftAlone


@dataclass(slots=True, kw_only=True)
class PassPlan:
    """What one pass wants to write on one site, most urgent first, and what it leaves.

    Attributes:
        planned: Changes within the budgets.
        held: Parts of changes over a budget, frozen or paused.
        left: What people hold, what was silenced.
        failed: Tickets that could not be decided, because our own code failed on them.
        decided: Tickets that had changed or fell due; the others are as their last decision left them.
        open_tickets: Open tickets that are known, whether they were decided or not.
        bindings: Digest of the map that the plan was made under.
        shadow: What effects that are off keep from being written; each occasion once.
    """

    site: str
    run: str
    policy: Policy
    now: datetime
    planned: tuple[Planned, ...] = ()
    held: tuple[Held, ...] = ()
    left: tuple[Left, ...] = ()
    shadow: tuple[Shadowed, ...] = ()
    read: int = 0
    decided: int = 0
    open_tickets: int = 0
    would_do: int = 0
    insufficient: int = 0
    malformed: int = 0
    failed: int = 0
    alarms: list[str] = field(default_factory=list)
    bindings: str = ""


@dataclass(slots=True)
class Work:
    """What accumulates while a pass decides chunk by chunk: changes, what is left and why, counts, alarms.

    ``alone``: nothing is decided but what is asked for, whosever history could be read.
    """

    aside: Aside = field(default_factory=Aside)
    alone: bool = False
    changes: list[Planned] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    shadow: list[Shadowed] = field(default_factory=list)
    decided: int = 0
    would_do: int = 0
    insufficient: int = 0
    alarms: list[tuple[str, str]] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    recall: Recall = Recall()
    failed: dict[str, Exception] = field(default_factory=dict)
    over: list[SetAside] = field(default_factory=list)
    as_before: tuple[str, ...] = ()
    put_off: dict[str, datetime | None] = field(default_factory=dict)
    awaits: dict[str, int] = field(default_factory=dict)

    def fails(self, id_: str, error: Exception) -> None:
        """Take note that a ticket could not be decided."""
        self.failed[id_] = error


def reconcile(site: SiteReading, around: Surroundings, *, run: str, fetch: bool = True) -> PassPlan:
    """Pull (unless ``fetch`` is off), decide what is changed or due, and return the plan. One ``now`` for all of it.

    Raises:
        Unavailable, Denied: The helpdesk cannot be read.
        UnsafePlan: The helpdesk looks empty although many tickets are known.
    """
    now = around.clock.now()
    policy = around.policies.current()
    state = around.journal.open_site(site.name, fingerprint=site.rules.fingerprint)
    notice_switches(site, around, state, now=now)
    notice_pause_file(site, around, state, now=now)
    pulled = pull(site, around, state, now=now) if fetch else Pulled()
    if fetch and around.time is not None:
        now = around.time.settle(site, around, now)
    work = Work(aside=Aside.of(site, around), recall=go_on(site, around, now=now))
    reach = reach_all(site, policy, now=now)
    note_targets(site, around, reach, now=now)
    ids = _looked_at(site, around, pulled, reach, work, policy=policy, now=now)
    first = Round(around=around, policy=policy, reach=reach, ids=ids)
    rounds = (first, *_as_before(site, around, pulled, work, now=now))
    decide_rounds(site, around, rounds, work, now=now, run=run)
    for each in rounds:
        _count_failures(site, each.around, work, each.ids)
    if work.over:
        around.asides.take_back(site.name, work.over, now=now)
    tell_unreachable(site, around, work.alarms, now=now)
    return guarded(site, around, work, pulled, policy=policy, now=now, run=run)


def _looked_at(  # noqa: PLR0913
    site: SiteReading,
    around: Surroundings,
    pulled: Pulled,
    reach: Mapping[LevelTarget, Reach],
    work: Work,
    *,
    policy: Policy,
    now: datetime,
) -> Collection[str]:
    """Return ids of changed, due and differently decided tickets, each once, without those that a held edit keeps.

    What is quarantined is left out as well, unless it changed, and what waits to be read back: for hours after a first
    load that is nearly everything, and it is decided once it is read.
    """
    ids, unread = dict(pulled.changed), work.recall.is_over
    ids.update((id_, None) for id_ in around.journal.due(site.name, now=now, limit=MOST, unread=unread))
    undecided = around.journal.undecided(site.name, policy_hash=policy.hash, limit=MOST, unread=unread)
    if undecided:
        edit = held_edit(site, around, frozenset(ids), reach, policy=policy, now=now)
        work.held += edit.held
        work.as_before = tuple(id_ for id_ in ids if id_ in edit.waits)
        ids.update((id_, None) for id_ in undecided)
        ids = {id_: None for id_ in ids if id_ not in edit.waits}
    left = given_up(work.aside.items, DECIDING, bindings=under(around)) - pulled.changed.keys()
    return [id_ for id_ in ids if id_ not in left] if left else ids


def _as_before(
    site: SiteReading, around: Surroundings, pulled: Pulled, work: Work, *, now: datetime
) -> Iterator[Round]:
    """Yield what changed or fell due, and waits for a held edit: it is decided under the policy that it had."""
    for earlier, policy, ids in under_earlier(site, around, work.as_before, now=now) if work.as_before else ():
        left = given_up(work.aside.items, DECIDING, bindings=under(earlier)) - pulled.changed.keys()
        mine = [id_ for id_ in ids if id_ not in left]
        yield Round(around=earlier, policy=policy, reach=reach_all(site, policy, now=now), ids=mine)


def _count_failures(site: SiteReading, around: Surroundings, work: Work, ids: Collection[str]) -> None:
    """Quarantine what failed again and again; what went well this time is forgotten."""
    failed = {id_: work.failed[id_] for id_ in ids if id_ in work.failed}
    for id_, error in failed.items():
        why = LeftAlone(what="everything", why=f"deciding fails: {what_failed(error)}")
        work.left.append(Left(key=f"{site.name}:{id_}", item=why))
    quarantine(site.name, around, failed, doing=DECIDING, versions={})
    well = set(ids) - failed.keys() if work.aside.items else ()
    pardon(site.name, around, well, doing=DECIDING, known=work.aside.items)


def decide_rounds(
    site: SiteReading, around: Surroundings, rounds: Sequence[Round], work: Work, *, now: datetime, run: str
) -> None:
    """Decide and plan stored tickets, store the verdicts chunk by chunk and add what is wanted to ``work``.

    What cannot be decided before something is read, and can be read, comes last: only when all have been looked at is
    it known which histories are the most urgent.
    """
    readable = Readable(site.reader.history_allowance())
    for each in rounds:
        for chunk in chunks(each.ids, CHUNK):
            _decide_chunk(site, each, chunk, work, now=now, run=run, readable=readable)
    left, learned = read_wanted(site, around, Wanted.by(rounds), alone=work.alone)
    for each in rounds:
        fails = given_up(work.aside.items, DECIDING, bindings=under(each.around))
        for chunk in chunks(each.to_decide(learned, without=fails), CHUNK):
            if texts := [id_ for id_ in chunk if id_ in each.unread.texts]:
                read_unread_text(site, each.around, texts, each.policy, now=now)
            _decide_chunk(site, each, chunk, work, now=now, run=run, left=left)


def _decide_chunk(  # noqa: PLR0913
    site: SiteReading,
    each: Round,
    ids: Sequence[str],
    work: Work,
    *,
    now: datetime,
    run: str,
    readable: Readable | None = None,
    left: frozenset[str] = frozenset(),
) -> None:
    """Decide and plan some tickets, now or once what is ``readable`` was read; ``left`` is what could not be."""
    verdicts: list[Verdict] = []
    tells = readable is None  # what is one of a storm is decided once all has been read
    found = decided(site, each.around, ids, each.reach, policy=each.policy, now=now, failed=work.fails, tells=tells)
    for situation, decision in found:
        with sparing(work.fails, situation.ticket.ref.id):
            if readable is not None and readable.postpones(each.unread, situation, decision):
                continue
            waits = not left.isdisjoint(situation.unread)
            verdicts += _take(site, each.around, situation, decision, work, run=run, waits=waits)
    each.around.journal.store_verdicts(site.name, verdicts, run=run)
    if work.put_off:
        each.around.journal.put_off(site.name, work.put_off, policy_hash=each.policy.hash, awaits=work.awaits)
        work.put_off.clear()
        work.awaits.clear()
    each.around.observer.event("decided", site=site.name, tickets=work.decided)


def _take(  # noqa: PLR0913
    site: SiteReading,
    around: Surroundings,
    situation: Situation,
    decision: Decision,
    work: Work,
    *,
    run: str,
    waits: bool = False,
) -> tuple[Verdict, ...]:
    """Plan one ticket: compare wants with what is live, render what is to be said, remember the rest.

    One that waits for its own history is decided again when that comes in, or is given up; one that ``waits`` for
    another ticket's stays due. While the ticket, or its site, is being recalled there is no verdict: what is decided
    before is not to be believed.
    """
    wanted = plan(decision, situation)
    work.over += work.aside.over(wanted, situation.ticket)
    ticket_plan = work.aside.without(wanted, situation)
    why = waits_for(situation, work.recall)
    if why or work.recall.freezes:
        _put_off(situation, ticket_plan, work, why=why, run=run)
        return ()
    work.decided += 1
    work.would_do += sum(1 for r in ticket_plan.records if r.outcome == "would-do")
    work.insufficient += situation.ticket.is_open and not decision.reasons.sufficient
    ticket = situation.ticket
    decision = _tell_left(site, around, situation, ticket_plan, work)
    work.alarms.extend((ticket.key, text) for text in decision.alarms)
    tell_standoffs(around, ticket, decision)
    tell_overdue(around, ticket, decision)
    if decision.hard or ticket.priority is Priority.P1:
        tell_urgent(around, ticket, work.aside.refused_of(wanted, ticket), now=decision.now)
    comments = rendered(site, around, ticket_plan, ticket_plan.notices)
    made = change(ticket_plan, comments, situation)
    adopted = {f: live_value(ticket, f) for f in ticket_plan.adopted}
    shadowed, told = in_shadow(site, around, ticket_plan), ticket_plan.notifications
    work.shadow += () if shadowed is None else (shadowed,)
    verdict = Verdict(
        decision=decision,
        records=ticket_plan.records,
        adopted=adopted,
        unwritten=made is not None or waits,
        notifications={n.occasion.key(site.rules.fingerprint, ticket.ref.id, Effect.NOTES): n for n in told},
        would_do={} if shadowed is None else shadowed.told,
        ask_history=needs_history(situation) or might_be_a_strangers(ticket_plan, situation),
        awaits=urgency(decision) if decision.unread_history else None,
    )
    if made is not None:  # last: what fails above has planned nothing
        work.changes.append(_planned(made, situation, decision, run=run, waits=waits))
    return (verdict,)


def _planned(made: Change, situation: Situation, decision: Decision, *, run: str, waits: bool) -> Planned:
    return Planned(
        change=_with_run(made, run, decision),
        ticket=situation.ticket,
        next_due_at=decision.now if waits else decision.next_due_at,
        remembers=partial(memory, decision.state, situation),
    )


def _put_off(situation: Situation, ticket_plan: TicketPlan, work: Work, *, why: str, run: str) -> None:
    """Leave a ticket for as long as it, or its site, waits to be read back; on a read one the priority goes on.

    All are due once the recall is over. One that waits alone, while the others are still being read, is not asked for;
    after that its history is read in its turn, as the most urgent come first.
    """
    decision = ticket_plan.decision
    if not why and (first := only_priority(ticket_plan, situation)) is not None:
        made = _with_run(first, run, decision)
        work.changes.append(Planned(change=made, ticket=situation.ticket, next_due_at=decision.next_due_at))
        return
    if ticket_plan.fields or ticket_plan.notices:
        work.left.append(Left(key=situation.ticket.key, item=LeftAlone(what="everything", why=why or UNREAD)))
    if work.recall.why and (work.recall.is_over or not why):
        work.put_off[situation.ticket.ref.id] = decision.next_due_at
        work.awaits |= {situation.ticket.ref.id: urgency(decision)} if why else {}


def _with_run(made: Change, run: str, decision: Decision) -> Change:
    return replace(made, riders={**made.riders, "run": run, "policy": decision.policy_hash[:7]})


def _tell_left(
    site: SiteReading, around: Surroundings, situation: Situation, ticket_plan: TicketPlan, work: Work
) -> Decision:
    """Tell what is left to people, each thing once until it changes; return the decision that remembers it."""
    decision, key = ticket_plan.decision, situation.ticket.key
    for item in ticket_plan.left:
        work.left.append(Left(key=key, item=item))
        if f"{item.what}: {item.why}" not in situation.state.left:
            around.observer.event("left_alone", site=site.name, ticket=key, what=item.what, why=item.why)
    told = tuple(sorted(f"{item.what}: {item.why}" for item in ticket_plan.left))
    return decision if told == decision.state.left else replace(decision, state=replace(decision.state, left=told))


def guarded(  # noqa: PLR0913
    site: SiteReading, around: Surroundings, work: Work, pulled: Pulled, *, policy: Policy, now: datetime, run: str
) -> PassPlan:
    """Order the changes, keep what the budgets allow and report the rest as held."""
    wanted = {planned.change.ref.id: planned for planned in work.changes}
    closed = [item for planned in work.changes for item in work.aside.held(planned.change, planned.ticket)]
    stopped = {item.ref.id for item in closed}
    state = around.journal.open_site(site.name, fingerprint=site.rules.fingerprint)
    changes = [p.change for p in work.changes if p.change.ref.id not in stopped]
    go, held = allowed(site, around, changes, state=state, now=now)
    return PassPlan(
        site=site.name,
        run=run,
        policy=policy,
        now=now,
        planned=tuple(wanted[c.ref.id].going(c) for c in go),
        held=(*work.held, *held, *closed),
        left=tuple(work.left),
        shadow=tuple(work.shadow),
        read=pulled.read,
        decided=work.decided,
        open_tickets=state.open_tickets,
        would_do=work.would_do,
        insufficient=work.insufficient,
        malformed=pulled.malformed,
        failed=len(work.failed),
        alarms=[text for _, text in work.alarms],
        bindings=site.bindings,
    )
