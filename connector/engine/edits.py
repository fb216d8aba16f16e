"""A policy edit that would change more than its share is held as a whole, until an operator lets it through.

Tickets that were decided under the policy before go on under that one meanwhile, whatever else happens to them: under
the edited policy each of them might get what nobody has looked at. Where the policy before is not kept any more, or
does not go with the present texts and maps, they stand still, and that is said. Tickets that are new since then are
served. Putting the policy back ends the hold by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial

from connector.domain.decision import TicketPlan
from connector.domain.edits import EditWeight, edit_limit, weigh
from connector.domain.guard import Held
from connector.domain.plan import plan
from connector.domain.policy import LevelTarget, Policy
from connector.domain.site import Effect
from connector.domain.situation import Reach
from connector.domain.ticket import TicketRef
from connector.engine.gather import read_unread_text
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.quarantine import sparing
from connector.engine.storms import decided
from connector.ports import Alarm, AlarmKind, JournalEvent, Policies

CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a held edit keeps back: the ids of the tickets that wait for it, and the line that says so."""

    waits: frozenset[str] = frozenset()
    held: tuple[Held, ...] = ()


def held_edit(
    site: SiteReading,
    around: Surroundings,
    anyway: frozenset[str],
    reach: Mapping[LevelTarget, Reach],
    *,
    policy: Policy,
    now: datetime,
) -> Edit:
    """Return which tickets of the policy before have to wait; nothing where the edit is within its share.

    ``anyway`` are tickets that changed or were due: they are looked at whatever the policy, and weigh nothing. An edit
    is weighed when it is first seen and after every ``resume``, not with every pass.
    """
    before = around.journal.decided_before(site.name, policy_hash=policy.hash)
    if not before:
        return Edit()
    line = around.journal.records().held_edit(site.name, policy.hash)
    if line is None:
        line = _weighed(site, around, before, anyway, reach, policy=policy, now=now)
    return Edit() if line is None else Edit(waits=frozenset(before), held=(_held(site, line),))


class _Earlier:
    """A ``Policies`` in which the policy before an edit is in force."""

    def __init__(self, policies: Policies, policy: Policy) -> None:
        self._policies = policies
        self._policy = policy

    def current(self) -> Policy:
        return self._policy

    def document(self, digest: str) -> str | None:
        return self._policies.document(digest)

    def kept(self, document: str, *, today: date) -> Policy | None:
        return self._policies.kept(document, today=today)


def under_earlier(
    site: SiteReading, around: Surroundings, ids: Sequence[str], *, now: datetime
) -> Iterator[tuple[Surroundings, Policy, tuple[str, ...]]]:
    """Yield the policies that tickets were decided under before an edit, each with surroundings and its tickets.

    Tickets whose policy is not at hand any more are left out: they stand still.
    """
    by_policy: dict[str, list[str]] = {}
    for id_, digest in around.journal.policies_of(site.name, ids).items():
        by_policy.setdefault(digest, []).append(id_)
    for digest, mine in sorted(by_policy.items()):
        policy = _kept(around, digest, now=now)
        if policy is not None:
            yield replace(around, policies=_Earlier(around.policies, policy)), policy, tuple(mine)


def _kept(around: Surroundings, digest: str, *, now: datetime) -> Policy | None:
    document = around.journal.records().policy(digest) if digest else None
    return None if document is None else around.policies.kept(document, today=now.date())


def _meanwhile(site: SiteReading, around: Surroundings, before: Sequence[str], *, now: datetime) -> str:
    """Return in words what becomes of the tickets of the policy before while an edit is held."""
    going = sum(len(mine) for _, _, mine in under_earlier(site, around, before, now=now))
    still = len(before) - going
    told = [f"{going} open tickets go on under the policy before"] if going else []
    if still:
        told.append(f"the paths and clocks of {still} open tickets stand still: the policy before is not at hand")
    return "; ".join(told)


def _weighed(  # noqa: PLR0913
    site: SiteReading,
    around: Surroundings,
    before: Sequence[str],
    anyway: frozenset[str],
    reach: Mapping[LevelTarget, Reach],
    *,
    policy: Policy,
    now: datetime,
) -> JournalEvent | None:
    """Weigh an edit; one over its share is noted and told, once."""
    ids = [id_ for id_ in before if id_ not in anyway]
    state = around.journal.open_site(site.name, fingerprint=site.rules.fingerprint)
    limit = edit_limit(state.open_tickets, allowed=max(state.allowance.values(), default=0))
    if len(ids) <= limit:
        return None
    weight = weigh(_plans(site, around, ids, reach, policy=policy, now=now))
    if weight.tickets <= limit:
        return None
    why = f"the policy edit would change {weight.tickets} of {state.open_tickets} open tickets, more than {limit}"
    meanwhile = _meanwhile(site, around, before, now=now)
    told = {"what": str(weight), "why": why, "tickets": str(weight.tickets), "meanwhile": meanwhile}
    line = JournalEvent(at=now, kind="edit-held", site=site.name, key=policy.hash, data=told)
    around.journal.record(line)
    around.observer.event("edit_held", site=site.name, policy=policy.short_hash, why=why, what=str(weight))
    around.notifier.alarm(_alarm(site, weight, f"{why}; it is held ({weight}); {meanwhile}", now))
    return line


def _plans(
    site: SiteReading,
    around: Surroundings,
    ids: Sequence[str],
    reach: Mapping[LevelTarget, Reach],
    *,
    policy: Policy,
    now: datetime,
) -> Iterator[TicketPlan]:
    """Yield what the policy would do now; texts that it has to read again are read, as they will be anyway."""
    weighing = partial(decided, site, around, reach=reach, policy=policy, now=now, failed=_weighs_nothing, tells=False)
    for start in range(0, len(ids), CHUNK):
        unread: list[str] = []
        chunk = ids[start : start + CHUNK]
        for situation, decision in weighing(ids=chunk):
            with sparing(_weighs_nothing, situation.ticket.ref.id):
                if decision.unread_text:
                    unread.append(situation.ticket.ref.id)
                else:
                    yield plan(decision, situation)
        if unread:
            read_unread_text(site, around, unread, policy, now=now)
            for situation, decision in weighing(ids=unread):
                with sparing(_weighs_nothing, situation.ticket.ref.id):
                    yield plan(decision, situation)


def _weighs_nothing(_id: str, _error: Exception) -> None:
    """Pass over a ticket on which our code fails: deciding it for good counts that."""


def _held(site: SiteReading, line: JournalEvent) -> Held:
    return Held(
        key=f"policy @{line.key[:7]}",
        ref=TicketRef(site.name, ""),
        effect=Effect.FIELDS,
        what=line.data["what"],
        why=f"{line.data['why']}; {line.data.get('meanwhile', 'they wait')}: {_remedy(site, line.data['tickets'])}",
        freezes=False,
    )


def how_it_goes_on(site: str, tickets: str) -> str:
    """Return the command that lets a held edit through, which would change so many tickets."""
    return f"connector resume {site} --allow {tickets}"


def _remedy(site: SiteReading, tickets: str) -> str:
    return f"put the policy back, or: {how_it_goes_on(site.name, tickets)}"


def _alarm(site: SiteReading, weight: EditWeight, why: str, now: datetime) -> Alarm:
    return Alarm.of_site(
        AlarmKind.HOLD, site.name, f"{site.name}: {why}", remedy=_remedy(site, str(weight.tickets)), at=now
    )
