"""What our own audits tell of what this account has written: the marks that a lost state is recalled from. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from connector.domain.marks import Mark, ref_of
from connector.errors import Malformed
from connector.helpdesks.zendesk import history, normalise, shapes


def marks(audits: Sequence[shapes.Audit], accounts: Collection[str]) -> Iterator[Mark]:
    """Yield our marks; only audits of our own accounts count, since anybody may send metadata."""
    for audit in audits:
        if history.is_ours(audit, frozenset(accounts)) and (key := history.marker(audit)):
            yield _mark(audit, key)


def _mark(audit: shapes.Audit, key: str) -> Mark:
    custom = audit.metadata.custom if audit.metadata else None
    esc = (custom.esc if custom else None) or shapes.EscMarker()
    said = [event for event in audit.events or () if event.type == "Comment"]
    also = (esc.also or "").split()
    try:
        at = normalise.moment(audit.created_at)
    except ValueError as error:
        raise Malformed(f"audit {audit.id}: {error}") from None
    return Mark(
        at=at,
        key=key,
        refs=frozenset({ref_of(key), *also}) if said else frozenset(),
        public=any(event.public is not False for event in said) if said else None,
        memory=esc.memory or "",
        policy=esc.policy or "",
    )
