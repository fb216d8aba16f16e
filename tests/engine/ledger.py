"""The promises that hold after every step, read off the ground truth of the simulated helpdesks."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from connector.domain import occasion
from connector.domain.change import Field, Write
from connector.domain.events import EventKind, TicketEvent
from connector.domain.occasion import Occasion
from connector.domain.site import Effect
from connector.helpdesks.memory import Audit
from connector.ports import AlarmKind, OpStatus
from tests.engine.stage import Desk, Stage

HANDS_OFF = timedelta(minutes=15)


def writes_by_key(desk: Desk) -> dict[str, Write]:
    return {each.write.key: each.write for each in desk.writer.sent}


def occasions_said(desk: Desk) -> Counter[tuple[str, str, Effect]]:
    """Count (ticket, occasion, audience) over all comments of ours that stand in the helpdesk."""
    writes = writes_by_key(desk)
    return Counter(
        (posted.ticket, str(about), comment.notice.audience)
        for posted in desk.world.comments
        if posted.key and (comment := writes[posted.key].comment)
        for about in (comment.notice.occasion, *comment.notice.covers)
    )


def nothing_is_said_twice(desk: Desk) -> None:
    assert not [key for key, count in desk.world.keys_posted().items() if count > 1]
    assert not [about for about, count in occasions_said(desk).items() if count > 1]


def internal_stays_internal(desk: Desk) -> None:
    writes = writes_by_key(desk)
    for posted in desk.world.comments:
        if posted.key:
            comment = writes[posted.key].comment
            assert comment is not None
            assert posted.public is (comment.notice.audience is Effect.PUBLIC)


def effects_of(write: Write) -> frozenset[Effect]:
    found = {change.field.effect for change in write.fields}
    return frozenset(found | ({write.comment.notice.audience} if write.comment else set()))


def effects_that_are_off_are_not_used(desk: Desk, on_at: list[tuple[datetime, frozenset[Effect]]]) -> None:
    for sent in desk.writer.sent:
        on = next(effects for since, effects in reversed(on_at) if since <= sent.at)
        assert effects_of(sent.write) <= on, f"{sent.write.ref} at {sent.at}"


def budgets_hold(desk: Desk, allowances: list[tuple[datetime, int]], *, most_open: int) -> None:
    """No window holds more writes of an effect than its limit, the reserve and what was let through.

    A copy that lands late is the same write as the first, and counts when it was sent. One of fields alone that was
    looked for in vain by then was planned again, and the helpdesk had refused it for all that anybody could see.
    """
    writes = writes_by_key(desk)
    now = desk.world.clock.now()
    for effect, budget in desk.rules.budgets.items():
        since = now - budget.window
        there = (a for on, a in desk.world.our_audits if writes[a.marker].comment or (on, a.at) not in desk.world.late)
        keys = {audit.marker for audit in there if _sent_at(desk, audit) > since}
        count = sum(effect in effects_of(writes[key]) for key in keys)
        before = [n for at, n in allowances if at <= since][-1:]
        extra = sum(before) + sum(n for at, n in allowances if at > since)
        assert count <= budget.limit(most_open) + budget.reserve + extra, f"{effect}: {count} since {since}"


class Entries:
    """When passes entered which level of which ticket: as the state told when it was first seen there."""

    def __init__(self) -> None:
        self._present: dict[tuple[str, str], str] = {}
        self._entered: dict[tuple[str, str, str], datetime] = {}

    def note(self, stage: Stage, site: str) -> None:
        """Look where the tickets of a site stand now."""
        ids = sorted(stage.desks[site].world.rows)
        for found in stage.journal.load(site, ids, now=stage.clock.now()):
            state, id_ = found.state, found.ticket.ref.id
            if state.path is None or state.entered_at is None or state.stepped_at is None:
                self._present.pop((site, id_), None)
                continue
            about = str(occasion.level(state.path.name, state.entered_at, state.level))
            if self._present.get((site, id_)) != about:
                self._present[site, id_] = about
                self._entered[site, id_, about] = state.stepped_at

    def entered(self, site: str, id_: str, level: Occasion) -> datetime:
        return self._entered[site, id_, str(level)]


def group_and_assignee_are_written_once_per_level(desk: Desk, entries: Entries) -> None:
    """A copy that lands late where nothing compares is judged as what it is: sent, once, at its own moment."""
    keys: dict[tuple[str, Field, str], list[str]] = defaultdict(list)
    writes = writes_by_key(desk)
    for ticket, audit in desk.world.our_audits:
        is_late = (ticket, audit.at) in desk.world.landed_late
        until = _sent_at(desk, audit) if is_late else audit.at
        for change in writes[audit.marker].fields:
            if change.field in {Field.GROUP, Field.ASSIGNEE}:
                written = keys[ticket, change.field, str(change.occasion)]
                if not (is_late and audit.marker in written):
                    written.append(audit.marker)
                entered_at = entries.entered(desk.name, ticket, change.occasion)
                assert not _moved(desk, ticket, since=entered_at - HANDS_OFF, until=until), (
                    f"{ticket}: a person's choice"
                )
    assert not [what for what, found in keys.items() if len(found) > 1]


def _sent_at(desk: Desk, audit: Audit) -> datetime:
    """Return when the last copy of a write was sent that can have become ``audit``."""
    return max(each.at for each in desk.writer.sent if each.write.key == audit.marker and each.at <= audit.at)


def _moved(desk: Desk, ticket: str, *, since: datetime, until: datetime) -> list[TicketEvent]:
    """Return who gave the ticket to somebody since shortly before its level was entered."""
    kinds = {EventKind.GROUP, EventKind.ASSIGNEE}
    return [
        event for event in events_of(desk, ticket) if event.kind in kinds and event.counts and since < event.at < until
    ]


def events_of(desk: Desk, ticket: str) -> list[TicketEvent]:
    row = desk.world.rows.get(ticket)
    return row.events if row else []


def a_persons_priority_stands(desk: Desk, rises: dict[tuple[str, str], list[datetime]]) -> None:
    """Our write over a value that somebody set after creation needs a reason that came after that.

    One that lands late where nothing compares has none to give.
    """
    for ticket, row in desk.world.rows.items():
        held: TicketEvent | None = None
        for event in row.events:
            if event.kind is not EventKind.PRIORITY:
                continue
            if event.counts:
                held = event
            elif event.actor == desk.world.us and held is not None and event.after != held.after:
                if (ticket, event.at) in desk.world.landed_late:
                    continue
                reasons = rises.get((desk.name, ticket), [])
                assert any(held.at <= at <= event.at for at in reasons), f"{ticket}: {held} overwritten by {event}"
                held = None


def the_cursor_is_not_ahead(stage: Stage, desk: Desk, *, loaded_from: int) -> None:
    """Whatever the cursor covers is stored, in that state or a later one."""
    state = stage.journal.open_site(desk.name, fingerprint=desk.rules.fingerprint)
    if not state.loaded or state.cursor is None:
        return
    last = {id_: n for n, (id_, _) in enumerate(desk.world.log[: int(state.cursor)], 1)}
    stored = {s.ticket.ref.id: s.ticket for s in stage.journal.load(desk.name, list(last), now=stage.clock.now())}
    for id_, n in last.items():
        if id_ not in stored and (n <= loaded_from or id_ not in desk.world.rows):
            continue  # finished before the first load, or gone before it was ever read
        assert id_ in stored, f"{id_} is missing"
        if id_ in desk.world.rows:
            assert int(stored[id_].version) >= n, f"{id_} is behind the cursor"


def what_is_parked_was_announced(stage: Stage, desk: Desk) -> None:
    announced = {alarm.ticket for alarm in stage.ears.alarms if alarm.kind is AlarmKind.PARK}
    for op in stage.ops(desk.name, OpStatus.PARKED):
        assert str(op.write.ref) in announced
