"""``explain``: decide again, from what is stored, and put every reason into words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector.bootstrap.helpdesks import bound_people
from connector.bootstrap.reports import ExplainReport, TicketNames, event_row
from connector.domain.decide import decide
from connector.domain.decision import Decision
from connector.domain.explain import explain_dict, explain_lines
from connector.domain.followups import followed
from connector.domain.plan import plan
from connector.domain.policy import LevelTarget, Policy
from connector.domain.rewind import rewind
from connector.domain.site import Effect
from connector.domain.situation import Reach, Situation
from connector.domain.ticket import TicketRef
from connector.engine.gather import goes_on, halted_by, situation
from connector.engine.linked import Linked
from connector.engine.storms import Alike
from connector.errors import ConnectorError
from connector.policyfiles import policy_from_document
from connector.ports import Delivery, Records, Stored

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

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
    policy = _policy_at(program, records, ref.site, at) if rewound else program.policies.current()
    zone = ZoneInfo(program.settings.site(ref.site).timezone or policy.defaults.timezone)
    seen = _situation(program, records, stored, policy, at=at, rewound=rewound)
    if rewound:
        seen = rewind(seen, at)
    seen, decision = _among_alike(program, records, seen, policy, at=at)
    ticket_plan = plan(decision, seen)
    events = records.events(site=ref.site, ticket=ref.id, since=None, limit=200)
    names = TicketNames(records, now=at)
    said = [event_row(e, names) for e in events if e.at <= at]
    header = f"{stored.ticket.key} ({ref}) · {seen.ticket.status} · policy {policy.name} @{policy.short_hash}"
    waiting = records.notifications(site=ref.site, status=Delivery.WAITING, ticket=ref.id)
    untold = [f"waits to be told: {q.target}, {q.why} (tried {q.attempts} times)" for q in waiting if q.at <= at]
    lines = [header, *explain_lines(decision, ticket_plan, zone=zone), *untold, *_done(said, zone)]
    data = explain_dict(decision, ticket_plan) | {"untold": untold, "done": said}
    return ExplainReport(lines=lines, data={"ticket": stored.ticket.key, "ref": str(ref), **data})


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


def _policy_at(program: Connector, records: Records, site: str, at: datetime) -> Policy:
    """Return the policy of the last run before ``at``, as far as its document was kept."""
    current = program.policies.current()
    last = next(iter(records.runs(site=site, limit=1, until=at)), None)
    digest = last.policy if last else current.hash
    if digest == current.hash or (document := records.policy(digest)) is None:
        return current
    return policy_from_document(document, today=at.date())


def _situation(
    program: Connector, records: Records, stored: Stored, policy: Policy, *, at: datetime, rewound: bool
) -> Situation:
    targets = {level.target for path in policy.escalation.paths.values() for level in path.levels}
    site = stored.ticket.ref.site
    since = records.policy_since(site, policy.hash) or at
    people = bound_people(program.policies.loaded.maps[site].fields)
    reach = {target: _assumed(target) for target in targets}
    found = situation(program.rules(site), stored, reach, policy_since=since, people=people)
    id_ = followed(stored.ticket)
    earlier = records.stored(TicketRef(site, id_), now=at) if id_ else None
    found = goes_on(found, earlier) if earlier is not None else found
    found = _linked(program, records, at=at).complete(found)
    halted, resumed_at = _halt_past(records, site, at) if rewound else _halt_now(program, records, site)
    return replace(found, halted=halted, resumed_at=resumed_at)


def _halt_now(program: Connector, records: Records, site: str) -> tuple[str, datetime | None]:
    """Return why nothing may be written on the site, as the next pass would see it, and when it last went on."""
    state = next((s for s in records.sites() if s.site == site), None)
    return program.pause_file() or (halted_by(state) if state else ""), records.resumed_at(site)


def _halt_past(records: Records, site: str, at: datetime) -> tuple[str, datetime | None]:
    """Return the same for a moment of the past, from the audit."""
    halted, resumed_at = "", None
    for line in records.events(site=site, ticket="", limit=1000):
        if line.at > at:
            break
        if line.kind == "resumed":
            halted, resumed_at = "", line.at
        elif line.kind == "paused" or (line.kind == "frozen" and Effect.FIELDS in line.data.get("effects", "").split()):
            halted = halted or line.data.get("why", line.kind)
    return halted, resumed_at


def _assumed(target: LevelTarget) -> Reach:
    return Reach(group=target.name if target.kind == "group" else None, why=NOT_ASKED)


def _done(rows: list[dict[str, Any]], zone: ZoneInfo) -> list[str]:
    if not rows:
        return []
    return ["done so far:", *(f"  {r['at'].astimezone(zone):%Y-%m-%d %H:%M} {r['what']}: {r['detail']}" for r in rows)]
