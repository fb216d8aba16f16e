"""``/esc`` lines in comments, for every vendor. Pure.

A command is a line of its own that the author wrote: in quoted text, in the mail replied to and in notes of ours it is
somebody else's. It is kept whoever gave it, so that what is refused can be explained; only an agent's acts (``Role``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from connector.domain.events import EventKind, Role, TicketEvent
from connector.domain.quotations import own_words

_COMMAND = re.compile(r"^[^\S\n]*/esc[^\S\n]+((\S+)[^\n]*)$", re.MULTILINE | re.IGNORECASE)
_LONGEST_COMMAND = 500
_ESCAPES = re.compile("[\\\\\u2060]")
_REF = re.compile(r"\bRef ESC-[0-9A-F]{10}\b")


def command_events(comment: TicketEvent, body: str, *, prefix: str, allowed: bool) -> Iterator[TicketEvent]:
    """Yield an event per command in a comment that the requester cannot read.

    ``prefix`` begins the ids; ``allowed`` says whether the site lets this agent command. One who may not stands there
    as a collaborator.
    """
    role = comment.actor.role
    if comment.public is not False or role not in {Role.AGENT, Role.COLLABORATOR}:
        return
    actor = comment.actor if allowed else replace(comment.actor, role=Role.COLLABORATOR)
    for n, line in enumerate(_COMMAND.finditer(own_words(body))):
        yield TicketEvent(
            id=f"{prefix}:{n}",
            at=comment.at,
            kind=EventKind.COMMAND,
            actor=actor,
            after=f"/esc {line.group(1).strip()}"[:_LONGEST_COMMAND],
            name=line.group(2),
            public=False,
            reaction=comment.reaction,
        )


def is_mirrored(comment: TicketEvent, body: str) -> bool:
    """True when a program brings our own note back (a connector between helpdesks): never anybody's word."""
    return comment.actor.role is Role.AUTOMATION and _REF.search(_ESCAPES.sub("", body)) is not None
