"""``explain``: decide again, from what is stored, and put every reason into words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector.bootstrap.governing import governed, governing
from connector.bootstrap.helpdesks import bound_people
from connector.bootstrap.reports import ExplainReport, TicketNames, event_row
from connector.domain.confidential import without_involved
from connector.domain.decide import decide
from connector.domain.decision import Decision
from connector.domain.explain import explain_dict, explain_lines
from connector.domain.followups import followed
from connector.domain.foresee import foresee
from connector.domain.past import Halt, Past, Ruled
from connector.domain.plan import plan
from connector.domain.policy import LevelTarget, Policy
from connector.domain.retrace import retrace
from connector.domain.rewind import OwnWrite
from connector.domain.site import Effect, SiteRules
from connector.domain.situation import Reach, Situation
from connector.domain.ticket import TicketRef
from connector.engine.gather import goes_on, halted_by, situation
from connector.engine.linked import Linked
from connector.engine.storms import Alike
from connector.errors import ConnectorError
from connector.ports import Delivery, JournalEvent, OpStatus, Records, Stored

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

FORESEEN = "foreseen: as if nobody did anything until then and all that is planned were written"
NOT_ASKED = "not asked: explain reads only what is stored"


def explain_ticket(program: Connector, text: str, *, at: datetime, rewound: bool) -> ExplainReport:
    """Return the explanation of one ticket at a moment; raises ``ConnectorError`` when it is not known."""
    records = program.records()
    ref = one_ticket(program, records, text)
    stored = records.stored(ref, now=at)
    if stored is None:
        raise ConnectorError(f"{ref} is not stored", remedy="connector sync")
    if at < stored.ticket.opened_at:
        raise ConnectorError(
            f"{stored.ticket.key} did not exist yet at {at:%Y-%m-%d %H:%M} UTC",
            remedy="--at MOMENT asks about another moment",
        )
    seen, policy, remarks = _as_of(program, records, stored, at=at, rewound=rewound)
    zone = ZoneInfo(program.settings.site(ref.site).timezone or policy.defaults.timezone)
    seen, decision = _among_alike(program, records, seen, policy, at=at)
    ticket_plan = plan(decision, seen)
    events = records.events(site=ref.site, ticket=ref.id, since=None, limit=200)
    names = TicketNames(records, now=at)
    said = [event_row(e, names) for e in events if e.at <= at]
    header = f"{stored.ticket.key} ({ref}) · {seen.ticket.status} · policy {policy.name} @{policy.short_hash}"
    waiting = records.notifications(site=ref.site, status=Delivery.WAITING, ticket=ref.id)
    untold = [f"waits to be told: {q.target}, {q.why} (tried {q.attempts} times)" for q in waiting if q.at <= at]
    lines = [header, *remarks, *explain_lines(decision, ticket_plan, zone=zone), *untold, *_done(said, zone)]
    data = explain_dict(decision, ticket_plan) | {"remarks": list(remarks), "untold": untold, "done": said}
    return ExplainReport(lines=lines, data={"ticket": stored.ticket.key, "ref": str(ref), **data})


def held_now(program: Connector, ref: TicketRef, *, now: datetime) -> tuple[str, ...]:
    """Return in words what holds a whole ticket, from what is stored; empty where it may go on, or is not known."""
    records = program.records()
    stored = records.stored(ref, now=now)
    if stored is None:
        return ()
    found = governing(program, records, stored, now=now)
    situation_ = _situation(program, records, stored, (found.policy,), since=found.since, now=now)
    holds = decide(situation_, found.policy, now).explanation.holds
    return tuple(dict.fromkeys(hold.by for hold in holds if hold.value is None))


def _among_alike(
    program: Connector, records: Records, seen: Situation, policy: Policy, *, at: datetime
) -> tuple[Situation, Decision]:
    """Return the situation and its decision, of one of many alike tickets with what is known of the others."""
    found = (seen, decide(seen, policy, at))
    linked = _linked(program, records, at=at)
    return Alike.among([found], seen.ticket.ref.site, records, policy=policy, linked=linked).together(*found)


def _linked(program: Connector, records: Records, *, at: datetime) -> Linked:
    """Return what looks up the tickets that others hang together with, as they are stored."""
    return Linked(
        records,
        lambda ref: records.stored(ref, now=at),
        program.rules_if_known,
        lambda site: records.aside(site=site),
    )


def find_tickets(program: Connector, records: Records, text: str) -> tuple[TicketRef, ...]:
    """Return the tickets of configured sites that ``text`` may mean; raises ``ConnectorError`` when there is none."""
    found = tuple(ref for ref in records.find(text) if ref.site in program.settings.site_names)
    if not found:
        counts = {s.site: s.open_tickets for s in records.sites()}
        known = ", ".join(f"{name} ({counts.get(name, 0)} open tickets)" for name in program.settings.site_names)
        remedy = "use its key, its id or site:id; `connector sync` reads what is new"
        raise ConnectorError(f"no ticket {text!r} is known; sites: {known}", remedy=remedy)
    return found


def one_ticket(program: Connector, records: Records, text: str) -> TicketRef:
    """Return the one ticket that ``text`` means; raises ``ConnectorError`` for none and for several."""
    found = find_tickets(program, records, text)
    if len(found) > 1:
        raise ConnectorError(f"{text!r} is ambiguous", remedy=f"use one of: {', '.join(map(str, found))}")
    return found[0]


def _as_of(
    program: Connector, records: Records, stored: Stored, *, at: datetime, rewound: bool
) -> tuple[Situation, Policy, tuple[str, ...]]:
    """Return the situation at a moment, the policy in force then, and remarks on how far it is known."""
    since = _present(program, records, stored, at) if rewound else at
    if not rewound or since < at:
        by = governing(program, records, stored, now=since)
        now = _situation(program, records, stored, (by.policy,), since=by.since, now=at)
        if not rewound:
            return now, by.policy, by.remarks
        ahead, until = foresee(now, by.policy, since=since, at=at)
        short = () if until == at else (f"not foreseen beyond {until:%Y-%m-%d %H:%M} UTC: too much falls due",)
        return ahead, by.policy, (FORESEEN, *short, *by.remarks)
    past, missing = _past(program, records, stored, at=at)
    found = retrace(past, at)
    return found.situation, found.policy, tuple(f"not known any more: {each}" for each in (*missing, *found.unknown))


def _present(program: Connector, records: Records, stored: Stored, at: datetime) -> datetime:
    """Return the moment after which nothing is stored yet: now, by the last pass or, for a later ``at``, the clock."""
    last = next(iter(records.runs(site=stored.ticket.ref.site, limit=1)), None)
    if last is not None and at <= last.started_at:
        return last.started_at  # the clock need not be asked: in stepped time nobody may be there to answer
    now = max(program.now(), stored.ticket.opened_at)
    return now if last is None else max(now, last.started_at)


def _past(program: Connector, records: Records, stored: Stored, *, at: datetime) -> tuple[Past, tuple[str, ...]]:
    """Return what is stored of a ticket's past, and what of it is not kept any more."""
    site, opened_at = stored.ticket.ref.site, stored.ticket.opened_at
    audit = records.events(site=site, ticket="", limit=1000)
    policies, missing = governed(program, records, stored, audit=audit, at=at)
    since = records.policy_since(site, policies[-1].policy.hash)
    found = _situation(program, records, stored, [each.policy for each in policies], since=since, now=at)
    done = records.ops(site=site, ticket=stored.ticket.ref.id, status=OpStatus.DONE, limit=MOST_WRITES)
    past = Past(
        situation=found,
        policies=policies,
        writes=tuple(OwnWrite(op.sent_at, op.write.fields, op.write.comment is not None) for op in done),
        looks=records.passes(site, since=opened_at, until=at),
        halts=tuple(_halts(audit)),
        ruled=tuple(reversed([*_earlier_rules(found.rules, audit)])),
        delay=_SEARCHED if program.settings.site(site).poll.by == "search" else _SHOWN,
    )
    return past, missing


MOST_WRITES = 1000
"""Own writes on one ticket that are taken back at most; the latest ones."""

_SHOWN, _SEARCHED = timedelta(minutes=2), timedelta(minutes=10)
"""How long a change is there before a helpdesk's feed, or Zendesk's search, shows it."""


def _situation(
    program: Connector,
    records: Records,
    stored: Stored,
    policies: Iterable[Policy],
    *,
    since: datetime | None,
    now: datetime,
) -> Situation:
    targets = {
        level.target for policy in policies for path in policy.escalation.paths.values() for level in path.levels
    }
    site = stored.ticket.ref.site
    people = bound_people(program.policies.loaded.maps[site].fields)
    reach = without_involved({target: _assumed(target) for target in targets}, stored.ticket, people)
    found = situation(program.rules(site), stored, reach, policy_since=since or now, people=people)
    id_ = followed(stored.ticket)
    earlier = records.stored(TicketRef(site, id_), now=now) if id_ else None
    found = goes_on(found, earlier) if earlier is not None else found
    found = _linked(program, records, at=now).complete(found)
    halted, resumed_at = _halt_now(program, records, site)
    return replace(found, halted=halted, resumed_at=resumed_at)


def _halt_now(program: Connector, records: Records, site: str) -> tuple[str, datetime | None]:
    """Return why nothing may be written on the site, as the next pass would see it, and when it last went on."""
    state = next((s for s in records.sites() if s.site == site), None)
    return program.pause_file() or (halted_by(state) if state else ""), records.resumed_at(site)


def _halts(audit: Iterable[JournalEvent]) -> Iterator[Halt]:
    """Yield when the site stood still and when it went on, from its audit lines, oldest first."""
    halted, resumed_at = "", None
    for line in audit:
        before = halted
        if line.kind == "resumed":
            halted, resumed_at = "", line.at
        elif line.kind == "paused" or (line.kind == "frozen" and Effect.FIELDS in line.data.get("effects", "").split()):
            halted = halted or line.data.get("why", line.kind)
        if halted != before or line.kind == "resumed":
            yield Halt(line.at, halted, resumed_at)


def _earlier_rules(rules: SiteRules, audit: Sequence[JournalEvent]) -> Iterator[Ruled]:
    """Yield the rules before each switch of effects, the latest first."""
    for line in reversed(audit):
        if line.kind != "effect":
            continue
        before, scope = frozenset(map(Effect, line.data.get("before", "").split())), line.data.get("scope", "")
        rules = replace(rules, scopes={**rules.scopes, scope: before}) if scope else replace(rules, effects=before)
        yield Ruled(line.at, rules)


def _assumed(target: LevelTarget) -> Reach:
    return Reach(group=target.name if target.kind == "group" else None, why=NOT_ASKED)


def _done(rows: list[dict[str, Any]], zone: ZoneInfo) -> list[str]:
    if not rows:
        return []
    return ["done so far:", *(f"  {r['at'].astimezone(zone):%Y-%m-%d %H:%M} {r['what']}: {r['detail']}" for r in rows)]
