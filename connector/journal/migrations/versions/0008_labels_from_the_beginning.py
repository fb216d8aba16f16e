"""Histories of labelled tickets are read once more: who gave a ticket its first labels was not learned before.

A label that holds a ticket counts by whoever put it on. Earlier versions stored no event for the labels with which a
ticket was opened, so they would pass for its requester's, who may hold nothing. Until its history is read again, who
opened such a ticket counts as untold, and the label holds.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def _tells(document: str, part: str) -> str:
    """Return the condition that a document has a part, spelled without signs that some driver reads otherwise."""
    return f"replace({document}, '{part}', '') <> {document}"


_FROM_NONE = ('"before":""', '"before"\\:null')

_FIRST_LABELS = f"""
    SELECT 1 FROM ticket_event AS first WHERE first.site = ticket.site AND first.ticket = ticket.id
    AND {_tells("first.document", '"kind":"labels"')}
    AND ({" OR ".join(_tells("first.document", none) for none in _FROM_NONE)})
"""
_LABELLED = f"""
    ticket.is_open AND {_tells("ticket.document", '"labels":["')} AND NOT EXISTS ({_FIRST_LABELS})
"""


def upgrade() -> None:
    op.execute(f"""
        UPDATE ticket_event
        SET source = 'delta', document = replace(document, '"source":"history"', '"source":"delta"')
        WHERE id = 'created' AND source = 'history' AND EXISTS (
            SELECT 1 FROM ticket WHERE ticket.site = ticket_event.site AND ticket.id = ticket_event.ticket
            AND {_LABELLED}
        )
    """)
    op.execute(f"UPDATE ticket SET history_complete = false WHERE history_complete AND {_LABELLED}")
