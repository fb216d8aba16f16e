"""A site's bookkeeping: cursor, load, effects, freezes and what is known to be open."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from connector.domain.site import Effect
from connector.errors import ConnectorError, UnsafePlan
from connector.journal import recalls
from connector.journal.documents import mapping_document, numbers_of, sets_of, texts_of
from connector.journal.moments import maybe_moment, to_micros
from connector.journal.statements import SITE, AnyRow, change_rows, put_row
from connector.journal.tables import cursor, recall, site, ticket
from connector.ports import Progress, SiteState

_OPEN = select(func.count()).select_from(ticket).where(ticket.c.site == site.c.name, ticket.c.is_open)
_ALL = (
    select(
        site,
        cursor.c.value.label("cursor"),
        _OPEN.correlate(site).scalar_subquery().label("open_tickets"),
        *recalls.COLUMNS,
    )
    .outerjoin(cursor, cursor.c.site == site.c.name)
    .outerjoin(recall, recall.c.site == site.c.name)
    .order_by(site.c.name)
)
"""A site's state at once: a pass asks for it again and again, and a statement costs more than what it finds."""
_ONE = _ALL.where(site.c.name == SITE)
_CURSOR = select(cursor.c.value).where(cursor.c.site == SITE)


def open_site(connection: Connection, name: str, *, fingerprint: str) -> SiteState:
    """Return the site's state, making its row on first sight; another helpdesk behind its name raises."""
    known = _found(connection, name)
    if known is None:
        connection.execute(insert(site).values(_new_site(name, fingerprint)))
        recalls.begin(connection, name)
        return read_site(connection, name)
    if known.fingerprint != fingerprint:
        raise UnsafePlan(
            f"site {name} now points at another helpdesk than the one that this state belongs to",
            remedy="set its address back, give the new helpdesk a new site name, or start with a new state",
        )
    return known


def _new_site(name: str, fingerprint: str) -> dict[str, Any]:
    return {
        "name": name,
        "fingerprint": fingerprint,
        "loaded": False,
        "paused": "",
        "effects": "",
        "frozen": "",
        "allowance": "",
    }


def read_site(connection: Connection, name: str) -> SiteState:
    """Return the state of a site that is known."""
    found = _found(connection, name)
    if found is None:
        raise ConnectorError(f"site {name} is not in this state", remedy="run `connector sync` for it first")
    return found


def _found(connection: Connection, name: str) -> SiteState | None:
    return next(iter(read_sites(connection, name)), None)


def read_sites(connection: Connection, name: str | None = None) -> tuple[SiteState, ...]:
    """Return every known site, by name; or the one called ``name``."""
    rows = connection.execute(_ALL) if name is None else connection.execute(_ONE, {SITE.key: name})
    return tuple(_state(connection, row) for row in rows.all())


def _state(connection: Connection, row: AnyRow) -> SiteState:
    effects = {scope: frozenset(map(Effect, names)) for scope, names in sets_of(row.effects).items()}
    return SiteState(
        site=row.name,
        fingerprint=row.fingerprint,
        cursor=row.cursor,
        loaded=row.loaded,
        paused=row.paused,
        effects=MappingProxyType(effects),
        frozen=MappingProxyType({Effect(name): why for name, why in texts_of(row.frozen).items()}),
        allowance=MappingProxyType({Effect(name): left for name, left in numbers_of(row.allowance).items()}),
        open_tickets=row.open_tickets,
        last_good_at=maybe_moment(row.last_good_at),
        last_sweep_at=maybe_moment(row.last_sweep_at),
        recall=recalls.recall_of(connection, row.name, row),
    )


def advance(connection: Connection, name: str, progress: Progress) -> None:
    """Move what ``progress`` names."""
    values: dict[str, Any] = {}
    if progress.loaded is not None:
        values["loaded"] = progress.loaded
    if progress.last_good_at is not None:
        values["last_good_at"] = to_micros(progress.last_good_at)
    if progress.last_sweep_at is not None:
        values["last_sweep_at"] = to_micros(progress.last_sweep_at)
    if values:
        change_rows(connection, site, [{"name": name, **values}], key=("name",))
    if progress.cursor is not None:
        move_cursor(connection, name, progress.cursor)


def move_cursor(connection: Connection, name: str, value: str) -> None:
    """Store the cursor where it differs from the stored one."""
    known = connection.execute(_CURSOR, {SITE.key: name}).scalar_one_or_none()
    if known != value:
        put_row(connection, cursor, {"site": name}, {"value": value})


def store_controls(connection: Connection, state: SiteState) -> None:
    """Store a site's pause, effects, freezes and allowance as they are in ``state``."""
    values = {
        "paused": state.paused,
        "effects": mapping_document(state.effects),
        "frozen": mapping_document(state.frozen),
        "allowance": mapping_document(state.allowance),
    }
    connection.execute(update(site).where(site.c.name == state.site).values(values))
