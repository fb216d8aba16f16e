"""Gather: put together all that a decision may look at, from the journal, the directory and, rarely, a fresh read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.domain.confidential import admitted, without_involved
from connector.domain.followups import continued, followed
from connector.domain.own_writes import recognised
from connector.domain.policy import LevelTarget, Path, Policy
from connector.domain.site import Confidential, Effect, SiteRules
from connector.domain.situation import Reach, Situation, Twin
from connector.domain.ticket import TicketRef
from connector.domain.unread import unseen_until
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.linked import Linked
from connector.engine.pull import take_in
from connector.engine.quarantine import Failed, raised, sparing
from connector.ports import Page, SiteState, Stored


def reach_all(site: SiteReading, policy: Policy, *, now: datetime) -> Mapping[LevelTarget, Reach]:
    """Return who can be reached now for every target of the policy's paths; asked once per pass."""
    targets = frozenset(target for path in policy.escalation.paths.values() for target in _targets(path))
    return {target: site.directory.reach(target, at=now) for target in sorted(targets, key=str)}


def _targets(path: Path | None) -> frozenset[LevelTarget]:
    levels = path.levels if path is not None else ()
    return frozenset(target for level in levels for target in (level.target, level.fallback) if target is not None)


def situations(
    site: SiteReading,
    around: Surroundings,
    ids: Sequence[str],
    reach: Mapping[LevelTarget, Reach],
    *,
    now: datetime,
    failed: Failed = raised,
) -> Iterator[Situation]:
    """Yield a situation per stored ticket, in the order asked; one that cannot be put together goes to ``failed``."""
    since = _policy_since(site, around) or now
    halt = _halt(site, around)
    known, linked = dict(reach), looked_up(around, now=now)
    loaded = _wanted(site, around, around.journal.load(site.name, ids, now=now), now=now)
    linked.prepare(site.name, [stored.ticket for stored in loaded])
    for stored in loaded:
        for target in _targets(stored.state.path) - known.keys():  # of a running path that the policy has no more
            known[target] = site.directory.reach(target, at=now)
        with sparing(failed, stored.ticket.ref.id):
            reached = without_involved(known, stored.ticket, site.people)
            found = situation(site.rules, stored, reached, policy_since=since, people=site.people)
            found = _continued(found, around, now=now)
            found = linked.complete(found)
            yield replace(found, **halt) if halt else found


def _policy_since(site: SiteReading, around: Surroundings) -> datetime | None:
    """Return since when the policy applies here; of one before an edit that is held, since when it did."""
    digest = around.policies.current().hash
    return around.journal.policy_since(site.name, digest) or around.journal.applied_since(site.name, digest)


def _wanted(site: SiteReading, around: Surroundings, loaded: Sequence[Stored], *, now: datetime) -> Sequence[Stored]:
    """Return stored tickets without those of a scope that has become ignored meanwhile: they are let go unread."""
    if Confidential.IGNORE not in site.rules.confidential.values():
        return loaded
    ignored = [s for s in loaded if admitted(s.ticket, site.rules) is None]
    if ignored:
        page = Page(observations=(), cursor="", unwanted=tuple(s.ticket.ref.id for s in ignored))
        around.journal.store_page(site.name, [], page=page, now=now)
    return [stored for stored in loaded if stored not in ignored]


def _continued(found: Situation, around: Surroundings, *, now: datetime) -> Situation:
    """Return the situation of a follow-up with the closed ticket before it, where that one is known."""
    id_ = followed(found.ticket)
    known = around.journal.load(found.ticket.ref.site, [id_], now=now) if id_ else ()
    return goes_on(found, known[0]) if known else found


def looked_up(around: Surroundings, *, now: datetime) -> Linked:
    """Return what looks up in the journal the tickets that others hang together with."""

    def load(ref: TicketRef) -> Stored | None:
        return next(iter(around.journal.load(ref.site, [ref.id], now=now)), None)

    return Linked(around.journal, load, around.rules_of, around.journal.aside)


def goes_on(found: Situation, earlier: Stored) -> Situation:
    """Return a follow-up's situation with the stored ticket that it follows."""
    return continued(found, earlier.ticket, history=earlier.history, said=earlier.said)


def _halt(site: SiteReading, around: Surroundings) -> dict[str, Any]:
    """Return what a situation has to know of an operator's pause, a freeze and their end."""
    state = around.journal.open_site(site.name, fingerprint=site.rules.fingerprint)
    halted, resumed_at = halted_by(state), around.journal.resumed_at(site.name)
    return {"halted": halted, "resumed_at": resumed_at} if halted or resumed_at else {}


def halted_by(state: SiteState) -> str:
    """Return why no field may be written on a site now, empty where it may."""
    return state.paused or state.frozen.get(Effect.FIELDS, "")


def situation(
    rules: SiteRules,
    stored: Stored,
    reach: Mapping[LevelTarget, Reach],
    *,
    policy_since: datetime,
    people: Mapping[str, str],
) -> Situation:
    """Return the situation of one stored ticket; ``people`` is vendor account id → bound name."""
    return Situation(
        ticket=stored.ticket,
        rules=rules,
        history=stored.history,
        state=stored.state,
        said=stored.said,
        applied=recognised(stored.applied, stored.history.events),
        text_hits=stored.text_hits,
        reach=reach,
        twins=tuple(Twin(link=link) for link in stored.ticket.links),
        marks=stored.marks,
        notes_today=stored.notes_today,
        last_note_at=stored.last_note_at,
        policy_since=policy_since,
        people=people,
        unseen_until=unseen_until(stored.ticket, stored.history),
    )


def read_unread_text(
    site: SiteReading, around: Surroundings, ids: Sequence[str], policy: Policy, *, now: datetime
) -> tuple[str, ...]:
    """Read tickets whose text has no result under this policy and store the results; return the ids that were read.

    A policy edit that changes word lists makes earlier results unknown; the text itself is never stored, so the ticket
    is read again.
    """
    page = site.reader.get(ids)
    take_in(site, around, policy, replace(page, gone=()), now=now, reread=True)  # only a sweep tells gone
    return tuple(o.ticket.ref.id for o in page.observations)
