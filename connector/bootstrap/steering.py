"""``pause``, ``resume`` and ``approve``: here, or in the process that holds the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connector.bootstrap.explaining import one_ticket
from connector.engine.control import call
from connector.ports import Journal

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

ENOUGH_TO_STEER = 1024 * 1024
"""Bytes free on the state's disk with which a pause is still stored: nobody is to free space first to stop writing."""


def steer(program: Connector, command: str, names: Sequence[str], **arguments: Any) -> None:
    """Pause or resume sites; ``arguments`` are those of the journal's method but the moment."""
    with program.journal_if_free(least_free=ENOUGH_TO_STEER) as journal:
        if journal is not None:
            steer_with(program, journal, command, names, **arguments)
            return
    call(program.places.socket, command, sites=list(names), **arguments)


def steer_with(program: Connector, journal: Journal, command: str, names: Sequence[str], **arguments: Any) -> None:
    """Pause or resume with the state held."""
    now = program.moment()
    for name in names:
        journal.open_site(name, fingerprint=program.rules(name).fingerprint)
        if command == "pause":
            journal.pause(name, arguments["reason"], now=now, actor=arguments["actor"])
        else:
            journal.resume(name, allow=int(arguments["allow"]), now=now, actor=arguments["actor"])


def approve(program: Connector, text: str, *, actor: str) -> int:
    """Let the steps of a ticket through that wait for approval; return how many there were."""
    ref = one_ticket(program, program.records(), text)
    with program.journal_if_free() as journal:
        if journal is not None:
            return journal.approve(ref.site, ref.id, now=program.moment(), actor=actor)
    return int(call(program.places.socket, "approve", site=ref.site, ticket=ref.id, actor=actor)["approved"])
