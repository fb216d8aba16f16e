"""Values for the journal's tests: small, with the few things that each test is about as arguments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connector.domain.change import Comment, Field, FieldChange, Notice, Write
from connector.domain.clocks import ClockReading
from connector.domain.decision import Decision, Explanation, PriorityVerdict
from connector.domain.events import Actor, EventKind, EventSource, Role, TicketEvent
from connector.domain.occasion import Occasion, Outcome, Record
from connector.domain.policy import SlaSource, Span
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.ticket import ClockName, Priority, Status, Ticket, TicketRef
from connector.ports import Candidate, Page, Quarantined, Receipt, Verdict

SITE = "zd"
FINGERPRINT = "f" * 64
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = "a" * 64


def ticket(id_: str = "1", **values: Any) -> Ticket:
    given: dict[str, Any] = {
        "ref": TicketRef(values.pop("site", SITE), id_),
        "key": f"#{id_}",
        "version": "v1",
        "status": Status.OPEN,
        "opened_at": NOW - timedelta(hours=2),
        "updated_at": NOW - timedelta(hours=1),
        "priority": Priority.P3,
        "group": "service-desk",
        "facts": {"impact": "user", "requester.tags": frozenset({"vip"}), "seats": 12.0, "paying": True},
    }
    return Ticket(**given | values)


def event(
    id_: str = "e1", *, at: datetime = NOW, source: EventSource = EventSource.DELTA, **values: Any
) -> TicketEvent:
    given: dict[str, Any] = {
        "kind": EventKind.STATUS,
        "actor": Actor("7", Role.AGENT),
        "before": "new",
        "after": "open",
    }
    return TicketEvent(id=id_, at=at, source=source, **given | values)


def page(
    *candidates: Candidate, cursor: str = "", gone: tuple[str, ...] = (), bad: tuple[Quarantined, ...] = ()
) -> Page:
    return Page(observations=(), cursor=cursor, gone=gone, malformed=bad)


def store(journal: Any, *tickets: Ticket, now: datetime = NOW, cursor: str = "", **candidate: Any) -> int:
    candidates = [Candidate(ticket=one, **candidate) for one in tickets]
    changed: int = journal.store_page(SITE, candidates, page=page(cursor=cursor), now=now)
    return changed


def verdict(  # noqa: PLR0913 - each is what some test is about
    id_: str = "1",
    *,
    due: datetime | None = NOW + timedelta(hours=1),
    now: datetime = NOW,
    policy: str = POLICY,
    state: EscalationState | None = None,
    records: tuple[Record, ...] = (),
    clocks: tuple[ClockReading, ...] = (),
    adopted: dict[Field, str | None] | None = None,
) -> Verdict:
    return Verdict(
        decision=Decision(
            ref=TicketRef(SITE, id_),
            now=now,
            policy_hash=policy,
            state=state or EscalationState(policy_hash=policy, priority=Priority.P2, decided_at=now),
            reasons=Explanation(priority=PriorityVerdict(computed=None, wanted=None, effective=None), clocks=clocks),
            next_due_at=due,
        ),
        records=records,
        adopted=adopted or {},
    )


def record(occasion: str = "x:1", *, audience: Effect = Effect.NOTES, outcome: Outcome = Outcome.WOULD_DO) -> Record:
    kind, *parts = occasion.split(":")
    return Record(occasion=Occasion(kind, tuple(parts)), audience=audience, outcome=outcome, at=NOW)


def reading(clock: ClockName = ClockName.RESOLUTION, *, start: datetime = NOW, **values: Any) -> ClockReading:
    given: dict[str, Any] = {
        "source": SlaSource.OWN,
        "target": Span(time=timedelta(hours=4)),
        "calendar": "always",
        "deadline": start + timedelta(hours=4),
        "elapsed": timedelta(minutes=5),
        "percent": 2.0,
        "paused": False,
        "met_at": None,
        "breached": False,
        "segments": (),
        "marks": (),
    }
    return ClockReading(clock=clock, cycle_start=start, **given | values)


def field_change(field: Field = Field.PRIORITY, after: str | None = "P1", before: str | None = "P3") -> FieldChange:
    occasion = Occasion("set", (field.value, after or ""))
    return FieldChange(field=field, before=before, after=after, reason=f"{field} because", occasion=occasion)


def comment(occasion: str = "threshold:1", *, audience: Effect = Effect.NOTES, covers: tuple[str, ...] = ()) -> Comment:
    notice = Notice(
        occasion=Occasion(*_named(occasion)),
        audience=audience,
        template="at-risk",
        locale="de",
        values={"subject": "SECRET-SUBJECT"},
        reason="75 % used",
        covers=tuple(Occasion(*_named(name)) for name in covers),
    )
    return Comment(notice=notice, key="k" * 64, body="SECRET-BODY in words")


def _named(occasion: str) -> tuple[str, tuple[str, ...]]:
    kind, *parts = occasion.split(":")
    return kind, tuple(parts)


def write(
    id_: str = "1", key: str = "k1", *, seen: str = "v1", fields: Any = None, comment: Comment | None = None
) -> Write:
    chosen = (field_change(),) if fields is None and comment is None else tuple(fields or ())
    return Write(ref=TicketRef(SITE, id_), key=key, seen=seen, fields=chosen, comment=comment, riders={"run": "r1"})


def receipt(key: str = "k1", *, version: str = "v2", at: datetime = NOW + MINUTE) -> Receipt:
    return Receipt(key=key, remote_id="r-1", version=version, at=at)
