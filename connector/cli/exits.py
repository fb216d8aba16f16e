"""Exit codes, as documented in the README. Click's own code 2 for usage would collide with "changes pending"."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from connector.engine.passes import PassOutcome
from connector.errors import Busy, ConfigError, ConnectorError, Denied, UnsafePlan, WrongUse


class Exit(IntEnum):
    """What the process says when it ends."""

    OK = 0
    FAILED = 1
    CHANGES = 2  # only with --detailed-exitcode
    PARTIAL = 3
    DENIED = 4
    HELD = 5
    USAGE = 64
    LATER = 75
    CONFIG = 78
    INTERRUPTED = 130
    UNREAD = 141  # whoever read the output left, as other programs end then


def exit_of(error: ConnectorError) -> Exit:
    """Return the exit code for an error that ended the command."""
    match error:
        case ConfigError():
            return Exit.CONFIG
        case WrongUse():
            return Exit.USAGE
        case Busy():
            return Exit.LATER
        case Denied():
            return Exit.DENIED
        case UnsafePlan():
            return Exit.HELD
    return Exit.FAILED


_PASS_EXITS = {
    PassOutcome.OK: Exit.OK,
    PassOutcome.PARTIAL: Exit.PARTIAL,
    PassOutcome.HELD: Exit.HELD,
    PassOutcome.FAILED: Exit.FAILED,
    PassOutcome.DENIED: Exit.DENIED,
}


def exit_of_passes(outcomes: Iterable[PassOutcome]) -> Exit:
    """Return one code for several sites: the common one, ``PARTIAL`` when some failed and others did not."""
    codes = {_PASS_EXITS[o] for o in outcomes}
    if codes <= {Exit.OK}:
        return Exit.OK
    if len(codes) == 1:
        return codes.pop()
    if codes == {Exit.OK, Exit.HELD}:
        return Exit.HELD
    return Exit.PARTIAL
