"""Which custom fields a Zendesk account has: a ticket lists every one of them, those without a value as null.

Zendesk takes an update that names a custom field which does not exist, answers 200 and ignores it. That is seen by what
the ticket lists: in the answer to a single update; for a job, whose results show no fields, in what was read last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connector.domain.change import FieldChange
from connector.domain.site import FieldMap
from connector.helpdesks.zendesk import shapes, wire

_FROZEN = frozenset({"closed", "deleted"})
"""Tickets that may show the fields of another time."""


class Listed:
    """What was seen last; the site's thread owns it. ``ids`` is ``None`` as long as no ticket has told."""

    def __init__(self) -> None:
        self.ids: frozenset[int] | None = None

    def note(self, ids: frozenset[int] | None) -> None:
        """Note what a page's tickets list; ``None``: none of them tells."""
        if ids is not None:
            self.ids = ids


def listed_by(raws: Sequence[shapes.Ticket]) -> frozenset[int] | None:
    """Return the ids of the custom fields that the last of some tickets lists; ``None`` where none of them tells."""
    telling = (raw for raw in reversed(raws) if raw.custom_fields is not None and raw.status not in _FROZEN)
    last = next(telling, None)
    return None if last is None else frozenset(field.id for field in last.custom_fields or ())


def unlisted(changes: Iterable[FieldChange], fields: FieldMap, listed: frozenset[int] | None) -> tuple[str, ...]:
    """Return the names of changed fields that an account, whose tickets list these ids, has not."""
    if listed is None:
        return ()
    return tuple(name for name, id_ in wire.custom_ids(changes, fields) if id_ not in listed)
