"""What switches writing on and off: effects per scope, freezes, pause and resume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select
from sqlalchemy.sql.elements import ColumnElement

from connector.domain.baseline import rebased
from connector.domain.change import Field
from connector.domain.guard import by_budget
from connector.domain.occasion import Outcome
from connector.domain.site import Effect
from connector.domain.written import live_value
from connector.journal import audit, histories, setaside
from connector.journal.documents import state_of, texts_of, ticket_of
from connector.journal.moments import maybe_moment, to_micros
from connector.journal.sites import read_site, store_controls
from connector.journal.statements import SITE, AnyRow, add_rows, change_rows, portions
from connector.journal.tables import applied, escalation, event, said, ticket
from connector.journal.tables import site as site_table
from connector.journal.verdicts import state_row
from connector.ports import JournalEvent

Effects = Mapping[str, frozenset[Effect]]
"""Scope (``""``: the site's default) → effects that are on."""

_RESUMED = select(func.max(event.c.at)).where(event.c.site == SITE, event.c.ticket == "", event.c.kind == "resumed")

_HALTED = select(site_table.c.paused, site_table.c.frozen).where(site_table.c.name == SITE)

_NO_BASELINE = frozenset({Field.LABELS, Field.NEXT_DUE})
"""Labels are only ever added, and the visible due moment is ours alone: neither has a value to take over."""


def switch_effects(connection: Connection, site: str, effects: Effects, *, now: datetime) -> int:
    """Store the effects in force; what shadow would have done under a newly switched-on one stays unsaid for good.

    The live values of those tickets become the baseline: they count as ours, so only what the policy wants later is
    written. Returns the number of occasions that were silenced.
    """
    state = read_site(connection, site)
    if dict(state.effects) == dict(effects):
        return 0
    silenced = sum(
        _silence(connection, site, scope, effect, named=_named(state.effects, effects), now=now)
        for scope, effect in _newly_on(state.effects, effects)
    )
    for scope in sorted(_named(state.effects, effects) | {""}):
        if _in(effects, scope) and not _in(state.effects, scope):
            _leave_shadow(connection, site, _in_scope(scope, _named(state.effects, effects)), now)
    store_controls(connection, replace(state, effects=MappingProxyType(dict(effects))))
    histories.fall_due(connection, site, histories.AWAITING, now=now)
    audit.append(connection, *_switch_lines(site, state.effects, effects, now))
    return silenced


def _named(before: Effects, after: Effects) -> frozenset[str]:
    return frozenset(before) | frozenset(after)


def _in(effects: Effects, scope: str) -> frozenset[Effect]:
    return effects.get(scope, effects.get("", frozenset()))


def _newly_on(before: Effects, after: Effects) -> Iterator[tuple[str, Effect]]:
    for scope in sorted(_named(before, after) | {""}):
        for effect in sorted(_in(after, scope) - _in(before, scope)):
            yield scope, effect


def _switch_lines(site: str, before: Effects, after: Effects, now: datetime) -> Iterator[JournalEvent]:
    for scope in sorted(_named(before, after) | {""}):
        was, is_now = _in(before, scope), _in(after, scope)
        if was != is_now:
            data = {"scope": scope, "before": " ".join(sorted(was)), "after": " ".join(sorted(is_now))}
            yield JournalEvent(at=now, kind="effect", site=site, data=data)


def _silence(
    connection: Connection, site: str, scope: str, effect: Effect, *, named: frozenset[str], now: datetime
) -> int:
    """Silence what one effect would have done in one scope; the default scope is every ticket in no named one."""
    rows = connection.execute(_would_do(site, scope, effect, named)).all()
    key = ("site", "ticket", "occasion", "audience")
    silenced = [
        {"site": site, "ticket": row.ticket, "occasion": row.occasion, "audience": effect.value}
        | {"outcome": Outcome.SILENCED.value, "at": to_micros(now)}
        for row in rows
    ]
    _take_baseline(connection, site, effect, sorted({row.ticket for row in rows}), now)
    return change_rows(connection, said, silenced, key=key)


def _would_do(site: str, scope: str, effect: Effect, named: frozenset[str]) -> Select[Any]:
    of_ticket = and_(ticket.c.site == said.c.site, ticket.c.id == said.c.ticket)
    return (
        select(said.c.ticket, said.c.occasion)
        .join(ticket, of_ticket)
        .where(
            said.c.site == site,
            said.c.audience == effect.value,
            said.c.outcome == Outcome.WOULD_DO.value,
            _in_scope(scope, named),
        )
    )


def _in_scope(scope: str, named: frozenset[str]) -> ColumnElement[bool]:
    return ticket.c.scope == scope if scope else ticket.c.scope.not_in(sorted(named - {""}))


def _leave_shadow(connection: Connection, site: str, in_scope: ColumnElement[bool], now: datetime) -> None:
    """Let paths that ran in shadow go on from what really stands in the helpdesk; such tickets are due at once."""
    of_ticket = and_(ticket.c.site == escalation.c.site, ticket.c.id == escalation.c.ticket)
    wanted = select(escalation.c.ticket, escalation.c.document).join(ticket, of_ticket)
    rows = connection.execute(wanted.where(escalation.c.site == site, escalation.c.path != "", in_scope)).all()
    for portion in portions([row.ticket for row in rows]):
        levels = _levels(connection, site, portion)
        documents = {row.ticket: row.document for row in rows if row.ticket in set(portion)}
        after = {of: rebased(state_of(text), levels.get(of, {}), at=now) for of, text in documents.items()}
        change_rows(
            connection, escalation, [state_row(site, of, state) for of, state in after.items()], key=("site", "ticket")
        )
        due = [{"site": site, "id": of, "next_due_at": to_micros(now)} for of in after]
        change_rows(connection, ticket, due, key=("site", "id"))


def _levels(connection: Connection, site: str, ids: Sequence[str]) -> dict[str, dict[str, Outcome]]:
    """Return, per ticket, its level occasions and what became of them in the helpdesk's fields."""
    wanted = select(said.c.ticket, said.c.occasion, said.c.outcome).where(
        said.c.site == site,
        said.c.ticket.in_(ids),
        said.c.audience == Effect.FIELDS.value,
        said.c.occasion.startswith("level:"),
    )
    found: dict[str, dict[str, Outcome]] = {}
    for of, occasion, outcome in connection.execute(wanted):
        found.setdefault(of, {})[occasion] = Outcome(outcome)
    return found


def _take_baseline(connection: Connection, site: str, effect: Effect, ids: list[str], now: datetime) -> None:
    """Take live values over as ours where nothing of ours is known."""
    fields = [field for field in Field if field.effect is effect and field not in _NO_BASELINE]
    if not fields or effect not in {Effect.FIELDS, Effect.ASSIGN}:
        return
    for portion in portions(ids):
        ours = select(applied.c.ticket, applied.c.field).where(applied.c.site == site, applied.c.ticket.in_(portion))
        known = {(of, field) for of, field in connection.execute(ours)}
        live = select(ticket.c.id, ticket.c.document).where(ticket.c.site == site, ticket.c.id.in_(portion))
        rows = connection.execute(live).all()
        add_rows(connection, applied, [r for row in rows for r in _baseline(site, row, fields, known, now)])


def _baseline(
    site: str, row: AnyRow, fields: list[Field], known: set[tuple[str, str]], now: datetime
) -> Iterator[dict[str, Any]]:
    found = ticket_of(row.document)
    for field in fields:
        if (row.id, field.value) not in known:
            value = {"value": live_value(found, field), "at": to_micros(now), "baseline": True}
            yield {"site": site, "ticket": row.id, "field": field.value} | value


def freeze(connection: Connection, site: str, effect: Effect | None, why: str, *, now: datetime) -> None:
    """Freeze an effect, or all; a first reason stays, unless it is a budget's, with its reserve, and this is none."""
    state = read_site(connection, site)
    fresh = [one for one in ((effect,) if effect else Effect) if not _is_frozen(state.frozen.get(one, ""), why)]
    if not fresh:
        return
    frozen = {**state.frozen, **dict.fromkeys(fresh, why)}
    store_controls(connection, replace(state, frozen=MappingProxyType(frozen)))
    histories.fall_due(connection, site, histories.AWAITING, now=now)
    data = {"effects": " ".join(sorted(fresh)), "why": why}
    audit.append(connection, JournalEvent(at=now, kind="frozen", site=site, data=data))


def _is_frozen(before: str, why: str) -> bool:
    return bool(before) and (by_budget(why) or not by_budget(before))


def pause(connection: Connection, site: str, why: str, *, now: datetime, actor: str) -> None:
    """Pause every write of a site."""
    state = read_site(connection, site)
    reason = why or f"paused by {actor}"
    if state.paused == reason:
        return
    store_controls(connection, replace(state, paused=reason))
    histories.fall_due(connection, site, histories.AWAITING, now=now)
    audit.append(connection, JournalEvent(at=now, kind="paused", site=site, actor=actor, data={"why": reason}))


def lift(connection: Connection, site: str, *, now: datetime, actor: str) -> None:
    """Clear the pause alone."""
    state = read_site(connection, site)
    if state.paused:
        store_controls(connection, replace(state, paused=""))
        histories.fall_due(connection, site, histories.AWAITING, now=now)
        data = {"paused": state.paused}
        audit.append(connection, JournalEvent(at=now, kind="resumed", site=site, actor=actor, data=data))


def resume(connection: Connection, site: str, *, allow: int, now: datetime, actor: str) -> None:
    """Clear pause and freezes; ``allow`` more writes per effect may go beyond the budget, replacing an earlier word.

    What is set aside is tried again, and so are histories that were given up. That an operator spoke is kept even
    where nothing was stopped, since what goes wrong from then on is news; said twice in a row, it is kept once, unless
    with a number, which counts from when it was said.
    """
    state = read_site(connection, site)
    tried = setaside.clear(connection, site, now=now) + histories.try_again(connection, site)
    allowance = dict.fromkeys(Effect, allow) if allow > 0 else {}
    after = replace(state, paused="", frozen=MappingProxyType({}), allowance=MappingProxyType(allowance))
    if not (allowance or tried) and after == state and not _has_news(connection, site):
        return
    store_controls(connection, after)
    histories.fall_due(connection, site, histories.AWAITING, now=now)
    data = {"allow": str(allow), "paused": state.paused, "frozen": " ".join(sorted(state.frozen))}
    audit.append(connection, JournalEvent(at=now, kind="resumed", site=site, actor=actor, data=data))


def _has_news(connection: Connection, site: str) -> bool:
    """Return whether the audit has anything of a site as a whole, an alarm say, since it was last resumed."""
    lines = select(event.c.kind).where(event.c.site == site, event.c.ticket == "")
    return connection.execute(lines.order_by(event.c.id.desc()).limit(1)).scalar_one_or_none() not in {None, "resumed"}


def end_allowance(connection: Connection, site: str, *, now: datetime) -> None:
    """Take back what is left of a ``resume --allow``: a word for what was held then is none for what comes later."""
    state = read_site(connection, site)
    if state.allowance:
        store_controls(connection, replace(state, allowance=MappingProxyType({})))
        data = {"left": " ".join(f"{effect}={left}" for effect, left in sorted(state.allowance.items()))}
        audit.append(connection, JournalEvent(at=now, kind="allowance-ended", site=site, data=data))


def halted(connection: Connection, site: str) -> str:
    """Return a pause's reason, or that of a freeze of every effect; empty where something may be written.

    What a budget freezes does not count: its reserve may be used, and what may not is planned no more.
    """
    row = connection.execute(_HALTED, {SITE.key: site}).one_or_none()
    if row is None:
        return ""
    frozen = {name: why for name, why in texts_of(row.frozen).items() if not by_budget(why)}
    return row.paused or (next(iter(frozen.values())) if frozen.keys() >= set(Effect) else "")


def resumed_at(connection: Connection, site: str) -> datetime | None:
    """Return when a site was last resumed; its line in the audit says so."""
    return maybe_moment(connection.execute(_RESUMED, {SITE.key: site}).scalar_one())


def held_edit(connection: Connection, site: str, policy_hash: str) -> JournalEvent | None:
    """Return the line that holds the edit to a policy, unless an operator has spoken since it was written."""
    told = event.c.kind.in_(("edit-held", "resumed"))
    of_site = select(event).where(event.c.site == site, event.c.ticket == "", told)
    row = connection.execute(of_site.order_by(event.c.id.desc()).limit(1)).one_or_none()
    line = audit.line_of(row) if row is not None else None
    return line if line is not None and line.kind == "edit-held" and line.key == policy_hash else None
