"""Values ↔ the compact JSON documents of the journal's rows, straight from the values' own types.

The rows are read and written by the thousand, so the documents are coded by msgspec from the dataclasses instead of by
way of plain dictionaries (about a sixth of the time). A field that a later version adds with a default reads as its
default from an older row. Equal values give equal documents: sets and keys are sorted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import msgspec

from connector.domain.change import Comment, Notice, Write
from connector.domain.events import TicketEvent
from connector.domain.reason import Reason
from connector.domain.situation import EscalationState
from connector.domain.ticket import NativeClock, Ticket
from connector.ports import RunSummary


def _plain(value: Any) -> Any:
    """Return what msgspec can write for the read-only mappings of frozen values."""
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise NotImplementedError(type(value).__name__)


_facts_of = attrgetter(*(f.name for f in fields(Ticket) if f.name not in {"text", "native"}))
_reading_of = attrgetter(*(f.name for f in fields(NativeClock) if f.compare))
"""What moves by itself in a helpdesk's reading of its clock takes no part in comparisons."""

_DECIDED_AT = re.compile(r'"decided_at":(?:null|"[^"]*")')
"""A key, never part of a value: quotes inside of values are escaped."""

_write = msgspec.json.Encoder(order="deterministic", enc_hook=_plain).encode
_read_ticket = msgspec.json.Decoder(Ticket).decode
_read_event = msgspec.json.Decoder(TicketEvent).decode
_read_state = msgspec.json.Decoder(EscalationState).decode
_read_intent = msgspec.json.Decoder(Write).decode
_read_summary = msgspec.json.Decoder(RunSummary).decode
_read_hits = msgspec.json.Decoder(dict[str, bool]).decode
_read_texts = msgspec.json.Decoder(dict[str, str]).decode
_read_numbers = msgspec.json.Decoder(dict[str, int]).decode
_read_sets = msgspec.json.Decoder(dict[str, frozenset[str]]).decode


def digest_of(text: str) -> str:
    """Return SHA-256 hex of a document."""
    return hashlib.sha256(text.encode()).hexdigest()


def ticket_document(ticket: Ticket) -> tuple[str, str]:
    """Return a ticket's document without its text, and the digest that tells whether anything really changed."""
    kept = ticket if ticket.text is None else replace(ticket, text=None)
    return _write(kept).decode(), ticket_digest(ticket)


def ticket_digest(ticket: Ticket) -> str:
    """Return what is equal for tickets that differ in nothing but their text and in readings that move."""
    readings = [_reading_of(native) for native in ticket.native]
    return hashlib.sha256(_write((_facts_of(ticket), readings))).hexdigest()


def ticket_of(document: str) -> Ticket:
    """Read a ticket; its text is ``None``."""
    return _read_ticket(document)


def event_document(event: TicketEvent) -> str:
    """Return one event of a ticket's log."""
    return _write(event).decode()


def event_of(document: str) -> TicketEvent:
    """Read one event."""
    return _read_event(document)


def state_document(state: EscalationState) -> tuple[str, str]:
    """Return the state's document and its digest; the moment of the decision alone is no change."""
    document = _write(state).decode()
    return document, digest_of(_DECIDED_AT.sub("", document))


def state_of(document: str) -> EscalationState:
    """Read the state that a path and a priority had."""
    return _read_state(document)


def write_document(write: Write) -> str:
    """Return an intent with the text that is being sent; a template's inputs have done their work and stay out."""
    return _write(replace(write, comment=write.comment and _comment(write.comment, write.comment.body))).decode()


def settled_document(write: Write) -> str:
    """Return an intent that no longer needs its text."""
    return _write(replace(write, comment=write.comment and _comment(write.comment, ""))).decode()


def _comment(comment: Comment, body: str) -> Comment:
    return replace(comment, body=body, notice=_without_inputs(comment.notice))


def _without_inputs(notice: Notice) -> Notice:
    return replace(notice, values=MappingProxyType({}), why=Reason(), also=())


def write_of(document: str) -> Write:
    """Read an intent."""
    return _read_intent(document)


def body_digest(write: Write) -> str:
    """Return SHA-256 hex of the rendered text; empty without a comment."""
    return digest_of(write.comment.body) if write.comment else ""


def summary_document(summary: RunSummary) -> str:
    """Return a run's counts."""
    return _write(summary).decode()


def summary_of(document: str) -> RunSummary:
    """Read a run's counts."""
    return _read_summary(document) if document else RunSummary()


def mapping_document(mapping: Mapping[Any, Any]) -> str:
    """Return a small mapping with text keys."""
    return _write(dict(mapping)).decode()


def hits_of(document: str) -> dict[str, bool]:
    """Read results of word lists."""
    return _read_hits(document) if document else {}


def texts_of(document: str) -> dict[str, str]:
    """Read a mapping of texts."""
    return _read_texts(document) if document else {}


def numbers_of(document: str) -> dict[str, int]:
    """Read a mapping of whole numbers."""
    return _read_numbers(document) if document else {}


def sets_of(document: str) -> dict[str, frozenset[str]]:
    """Read a mapping of sets."""
    return _read_sets(document) if document else {}
