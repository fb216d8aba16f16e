"""Decide tickets together: what many alike ones have in common shows only when all of them have been looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connector.domain.decide import decide
from connector.domain.decision import Decision, Look
from connector.domain.policy import LevelTarget, Policy
from connector.domain.situation import Reach, Situation, Storm
from connector.domain.storms import UNKNOWN, Group, Sight, group_of, is_storm
from connector.domain.ticket import TicketRef, highest
from connector.engine.gather import looked_up, situations
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.linked import Linked
from connector.engine.quarantine import Failed, raised, sparing
from connector.ports import Alarm, AlarmKind, JournalEvent, Links, Recall
from connector.ports.links import STORM

Decided = tuple[Situation, Decision]


def decided(  # noqa: PLR0913
    site: SiteReading,
    around: Surroundings,
    ids: Sequence[str],
    reach: Mapping[LevelTarget, Reach],
    *,
    policy: Policy,
    now: datetime,
    failed: Failed = raised,
    tells: bool = True,
) -> Iterator[Decided]:
    """Yield a decision per stored ticket, in the order asked; one of a storm knows of the others.

    A ticket on which our code fails goes to ``failed``. ``tells``: people hear of a new storm.
    """
    found: list[Decided] = []
    for situation in situations(site, around, ids, reach, now=now, failed=failed):
        with sparing(failed, situation.ticket.ref.id):
            found.append((situation, decide(situation, policy, now)))
    alike = Alike.among(found, site.name, around.journal, policy=policy)
    if alike.sights:
        alike.linked = looked_up(around, now=now)
        if tells:
            _tell_new_storms(site, around, found, alike)
    for situation, decision in found:
        with sparing(failed, situation.ticket.ref.id):
            yield alike.together(situation, decision)


@dataclass(slots=True)
class Alike:
    """The tickets that look like some that are being decided, by what they look like.

    ``stored`` are the looks and ids of those that looked so already when they were last decided.
    """

    policy: Policy
    linked: Linked | None
    sights: Mapping[str, list[Sight]]
    severities: Mapping[str, Decision]
    stored: Collection[tuple[str, str]] = ()

    @classmethod
    def among(
        cls, found: Iterable[Decided], site: str, links: Links, *, policy: Policy, linked: Linked | None = None
    ) -> Alike:
        """Look for tickets that are alike; those that are being decided count as they have just been decided."""
        fresh = {decision.ref.id: decision for _, decision in found if decision.look is not None}
        looks = [look for decision in fresh.values() if (look := decision.look) is not None]
        sights: dict[str, list[Sight]] = defaultdict(list)
        stored = set[tuple[str, str]]()
        if looks:
            since = min(look.opened_at for look in looks) - policy.storm.lasts
            for each in links.alike(site, sorted({look.digest for look in looks}), since=since):
                stored.add((each.signature, each.id))
                if each.id not in fresh:
                    sights[each.signature].append(Sight(each.opened_at, each.id, each.is_open, each.rank))
        for decision in fresh.values():
            if decision.look is not None:
                sights[decision.look.digest].append(_sight(decision, decision.look))
        many = {digest: found for digest, found in sights.items() if len(found) >= policy.storm.count}
        return cls(policy=policy, linked=linked, sights=many, severities=fresh, stored=stored)

    def together(self, situation: Situation, decision: Decision) -> Decided:
        """Return a situation and its decision again where it is one of a storm, as they are."""
        look = decision.look
        group = self.group(decision)
        if group is None or look is None or self.linked is None:
            return situation, decision
        first = None if group.first == decision.ref.id else self.linked.leading(situation, group.first)
        if first is not None:  # that it is silent would have shown when the group was made
            leader = self.severities.get(group.first)
            first = replace(first, priority=highest(first.priority, leader.severity if leader else None), silent="")
        storm = Storm(size=group.size, since=group.since, alike=look.words, first=first)
        situation = replace(situation, storm=storm)
        return situation, decide(situation, self.policy, decision.now)

    def group(self, decision: Decision) -> Group | None:
        """Return the storm that a ticket is part of, if it is."""
        look = decision.look
        if look is None or look.digest not in self.sights:
            return None
        alike, ours = self.sights[look.digest], _sight(decision, look)
        group = group_of(ours, alike, self.policy.storm)
        while group is not None and group.first != ours.id and self._is_silent(decision.ref.site, group.first):
            alike[:] = [each._replace(silent=each.silent or each.id == group.first) for each in alike]
            group = group_of(ours, alike, self.policy.storm)
        return group

    def _is_silent(self, site: str, id_: str) -> bool:
        """True where nothing is said on a ticket for now; one that is being decided tells itself."""
        stored = self.linked.stored(TicketRef(site, id_)) if self.linked is not None else None
        if stored is None or self.linked is None:
            return False
        return bool(self.linked.is_set_aside(stored.ticket) if id_ in self.severities else self.linked.silent(stored))


def _sight(decision: Decision, look: Look) -> Sight:
    rank = int(decision.severity or UNKNOWN)
    silent = bool(decision.state.silent)
    return Sight(opened_at=look.opened_at, id=decision.ref.id, is_open=True, rank=rank, silent=silent)


# ---- telling


def _tell_new_storms(site: SiteReading, around: Surroundings, found: Sequence[Decided], alike: Alike) -> None:
    """Tell people of each storm once: when the ticket that makes it one comes to look like the others.

    The line in the audit that remembers it comes after the alarm: a crash between the two repeats an alarm and never
    loses one.
    """
    seen: set[tuple[str, datetime]] = set()
    for situation, decision in found:
        look, group = decision.look, alike.group(decision)
        if look is None or group is None or (look.digest, group.since) in seen:
            continue
        seen.add((look.digest, group.since))
        if _was_one(site, around, found, alike, look, group):
            continue
        line = _told(site, around, alike, look, group)
        if line is None:
            _alarm(situation, decision, group, around)
        if line is None or line.key != look.digest:  # another edit finds it by how it looks from now on
            around.journal.record(_line(decision, look, group))


def _was_one(
    site: SiteReading, around: Surroundings, found: Sequence[Decided], alike: Alike, look: Look, group: Group
) -> bool:
    """Return whether a storm was one before, as far as is known.

    What a lost state may have told stays untold: its tickets count as if it had known how they look.
    """
    run = _run(alike, look, group)
    before = {each for each in run if (look.digest, each.id) in alike.stored}
    if is_storm(before, alike.policy.storm):
        return True
    recall = around.journal.open_site(site.name, fingerprint=site.rules.fingerprint).recall
    forgotten = {decision.ref.id for each, decision in found if _may_have_told(recall, each, now=decision.now)}
    return is_storm({*before, *(each for each in run if each.id in forgotten)}, alike.policy.storm)


def _run(alike: Alike, look: Look, group: Group) -> list[Sight]:
    return [each for each in alike.sights[look.digest] if group.since <= each.opened_at <= group.until]


def _told(site: SiteReading, around: Surroundings, alike: Alike, look: Look, group: Group) -> JournalEvent | None:
    """Return the line that tells that people were told of a storm, if one does.

    It meets it in time, and is of its look, or of its voice, or of how so many of its tickets look, or looked until the
    policy was edited. An edit is about all of them, but some may be decided before others: in a chunk, or pass, before.
    """
    rules, run = alike.policy.storm, _run(alike, look, group)
    ids = {each.id for each in run}
    lines = [line for line in around.journal.storms(site.name, since=group.since - rules.lasts) if _meets(line, group)]
    for line in lines:
        if line.key == look.digest or line.ticket in ids:
            return line
    for line in lines:
        looks = (
            around.journal.alike(site.name, [line.key], since=group.since, edited=edited) for edited in (False, True)
        )
        same = {each.id for found in looks for each in found}
        if is_storm([each for each in run if each.id in same], rules):
            return line
    return None


def _may_have_told(recall: Recall, situation: Situation, *, now: datetime) -> bool:
    """Return whether a state that has forgotten something may have known how a ticket looks: it was there by then."""
    if not recall.why:
        return False
    if recall.lost_at is not None and situation.ticket.opened_at >= recall.lost_at:
        return False
    if recall.done_at is None or recall.done_at >= now:
        return True
    return situation.state.decided_at is None and situation.ticket.opened_at < recall.done_at


def _meets(line: JournalEvent, group: Group) -> bool:
    """Return whether a line tells of a storm of the same time."""
    since, until = (datetime.fromisoformat(line.data[name]) for name in ("since", "until"))
    return since <= group.until and until >= group.since


def _line(decision: Decision, look: Look, group: Group) -> JournalEvent:
    moments = {"since": group.since.isoformat(), "until": group.until.isoformat()}
    data = {"tickets": str(group.size), **moments}
    ref = TicketRef(decision.ref.site, group.first)
    return JournalEvent(at=decision.now, kind=STORM, site=ref.site, ticket=ref.id, key=look.digest, data=data)


def _alarm(situation: Situation, decision: Decision, group: Group, around: Surroundings) -> None:
    ref = TicketRef(decision.ref.site, group.first)
    stored = next(iter(around.journal.load(ref.site, [ref.id], now=decision.now)), None)
    first = stored.ticket.key if stored is not None else situation.ticket.key
    alike = decision.look.words if decision.look is not None else ""
    why = f"{group.size} alike tickets since {group.since:%Y-%m-%d %H:%M} UTC ({alike}): {first} speaks for them"
    around.observer.event("storm", site=ref.site, ticket=first, tickets=group.size, why=why)
    around.notifier.alarm(
        Alarm(
            kind=AlarmKind.FINDING,
            site=ref.site,
            ticket=first,
            message=f"{ref.site}: {why}",
            remedy="attach them to a problem, or set the input that tells them apart",
            at=decision.now,
        )
    )
