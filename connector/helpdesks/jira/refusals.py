"""Values that an issue refused (a field on no screen, a person who cannot be assigned) are left alone for a while."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from connector.domain.change import FieldChange, Write
from connector.errors import Rejected

KEPT_FOR = timedelta(hours=1)
_MOST = 10_000

_Value = tuple[str, str, str | None]


class Refusals:
    """Refused values by issue and field. What an administrator mends is tried again within ``KEPT_FOR``."""

    def __init__(self) -> None:
        self._known: dict[_Value, datetime] = {}

    def remember(self, write: Write, fields: Collection[str], *, now: datetime) -> None:
        """Remember that these fields of a write were refused, by our names for them."""
        if len(self._known) > _MOST:
            self._known.clear()
        self._known |= {_value(write, change): now for change in write.fields if str(change.field) in fields}

    def stop(self, write: Write, *, now: datetime) -> None:
        """Raise ``Rejected`` without a request when the issue refused one of these values lately."""
        refused = tuple(str(change.field) for change in write.fields if self._is_known(_value(write, change), now))
        if refused:
            raise Rejected(
                f"{', '.join(refused)} of {write.ref} refused lately; not sent again yet",
                fields=refused,
                remedy="put the field on the project's screens and contexts, or take it out of the site's map",
            )

    def _is_known(self, value: _Value, now: datetime) -> bool:
        at = self._known.get(value)
        return at is not None and now - at < KEPT_FOR


def _value(write: Write, change: FieldChange) -> _Value:
    return write.ref.id, str(change.field), change.after
