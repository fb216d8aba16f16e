"""What our own audits tell of what this account has written: the marks that a lost state is recalled from. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from connector.domain.marks import Mark, ref_of, without_effect
from connector.domain.site import Effect
from connector.errors import Malformed
from connector.helpdesks.zendesk import history, normalise, shapes


def marks(audits: Sequence[shapes.Audit], accounts: Collection[str]) -> Iterator[Mark]:
    """Yield our marks; only audits of our own accounts count, since anybody may send metadata."""
    events = [event for audit in audits for event in audit.events or ()]
    hidden = frozenset(str(event.comment_id) for event in events if event.type == "CommentPrivacyChange")
    for audit in audits:
        if history.is_ours(audit, frozenset(accounts)) and (key := history.marker(audit)):
            yield _mark(audit, key, hidden)


def _mark(audit: shapes.Audit, key: str, hidden: Collection[str]) -> Mark:
    """Return the mark of one audit; comments in ``hidden`` were public once, and were read."""
    custom = audit.metadata.custom if audit.metadata else None
    esc = (custom.esc if custom else None) or shapes.EscMarker()
    said = [event for event in audit.events or () if event.type == "Comment"]
    is_muted = bool(esc.public and said) and all(e.public is False and str(e.id) not in hidden for e in said)
    said = [] if is_muted else said  # the customer, for whom it was meant, has not read it
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
        memory=without_effect(esc.memory or "", Effect.PUBLIC) if is_muted else esc.memory or "",
        policy=esc.policy or "",
    )
