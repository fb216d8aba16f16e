"""Who we are on a Jira site, and what its fields are called there.

Jira answers anonymously instead of refusing bad credentials on many reads, and anonymously there is nothing to see:
an empty site. Only ``myself`` always tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connector.domain.ticket import ClockName
from connector.errors import Denied, Rejected
from connector.helpdesks.jira import pages, wire
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import ORGANIZATIONS_TYPE, PARTICIPANTS_TYPE, SLA_TYPE, FieldInfo, Myself
from connector.helpdesks.transport import Client

_REMEDY = "check this site's credentials"


class Accounts:
    """The accounts behind a site's two credentials, which may be one and the same."""

    def __init__(self, reader: Client, writer: Client) -> None:
        self._reader = reader
        self._writer = writer

    def complete(self, shape: Shape) -> Shape:
        """Return the shape with our accounts and the ids of the fields that the map names by title.

        Raises:
            Denied: A credential does not work, or a field that the map needs is not visible.
        """
        reader = _whoami(self._reader)
        same = self._writer.adapter is self._reader.adapter
        account = reader if same else _whoami(self._writer)
        known = replace(shape, account=account, readers=frozenset({reader, account}))
        return self._with_fields(known)

    def prove(self, shape: Shape) -> None:
        """Raise ``Denied`` when Jira does not take the reader for one of us (any more)."""
        if _whoami(self._reader) not in shape.ours:
            raise Denied("the reader's credentials stand for another account now", remedy=_REMEDY)

    def requests_made(self) -> int:
        """Return how many requests both have made."""
        adapters = {id(client.adapter): client.adapter for client in (self._reader, self._writer)}
        return sum(adapter.counts.total() for adapter in adapters.values())

    def _with_fields(self, shape: Shape) -> Shape:
        answer = self._reader.call(wire.all_fields())
        fields = pages.decoded(answer.body, list[FieldInfo], what="fields")
        by_id = all(name.startswith("customfield_") for name in shape.fields.clocks)
        return replace(
            shape,
            clocks=shape.fields.clocks if by_id else _clocks(fields, shape.fields.clocks),
            organizations=_first_of_type(fields, ORGANIZATIONS_TYPE) if shape.wants_organizations else "",
            participants=_first_of_type(fields, PARTICIPANTS_TYPE),
        )


def _whoami(client: Client) -> str:
    try:
        answer = client.call(wire.myself())
    except Rejected as error:
        raise Denied(f"the account cannot be read: {error}", remedy=_REMEDY) from error
    account = pages.decoded(answer.body, Myself, what="myself").account_id
    if not account:
        raise Denied("Jira takes us for nobody", remedy=_REMEDY)
    return account


def _clocks(fields: Sequence[FieldInfo], bound: Mapping[str, ClockName]) -> Mapping[str, ClockName]:
    """Return SLA field ids for the map's clocks, which may name a field by id or by its (renamed) title."""
    slas = _of_type(fields, SLA_TYPE)
    found = {f.id: bound[name] for f in slas for name in (f.name or "", f.id) if name in bound}
    missing = sorted(set(bound) - {f.name for f in slas} - {f.id for f in slas})
    if missing:
        raise Denied(
            f"SLA fields are not visible: {', '.join(missing)}",
            remedy="correct `clocks` in the site's map, or give the account an agent's seat",
        )
    return found


def _first_of_type(fields: Sequence[FieldInfo], type_: str) -> str:
    return next((field.id for field in _of_type(fields, type_)), "")


def _of_type(fields: Sequence[FieldInfo], type_: str) -> list[FieldInfo]:
    return [field for field in fields if field.schema_ is not None and field.schema_.custom == type_]
