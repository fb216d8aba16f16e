"""How a change becomes writes: fields with a comment where one request can hold both, else each for itself."""

from __future__ import annotations

import hashlib

from connector.domain.change import Change, Write


def split_change(change: Change) -> tuple[Write, ...]:
    """Return the fields with the first comment as one write, then each further comment as its own."""
    first = next(iter(change.comments), None)
    if not change.fields and first is None:
        return ()
    head = Write(
        ref=change.ref,
        key=first.key if first else fields_key(change),
        seen=change.seen,
        fields=change.fields,
        comment=first,
        riders=change.riders,
    )
    return (head, *(Write(ref=change.ref, key=c.key, seen=change.seen, comment=c) for c in change.comments[1:]))


def split_apart(change: Change) -> tuple[Write, ...]:
    """Return the fields' write first, then one per comment: what is sent again never brings fields along."""
    ref, seen, riders = change.ref, change.seen, change.riders
    comments = [Write(ref=ref, key=c.key, seen=seen, comment=c, riders=riders) for c in change.comments]
    if not change.fields:
        return tuple(comments)
    return (Write(ref=ref, key=fields_key(change), seen=seen, fields=change.fields, riders=riders), *comments)


def fields_key(change: Change) -> str:
    """Return the key of a write of fields alone: SHA-256 hex over ticket, fields, values and version."""
    values = "|".join(f"{f.field}={f.after}" for f in change.fields)
    return hashlib.sha256(f"{change.ref}|{change.seen}|{values}".encode()).hexdigest()
