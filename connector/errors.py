"""Every error that crosses a module boundary, named by what the caller must do.

::

    ConnectorError
    ├── ConfigError          the operator must edit a file; carries every problem found
    ├── WrongUse             the command names something that does not exist
    ├── NoState              nothing is stored yet: a first pass stores something
    ├── Busy                 another process holds the state, or asked for later: try again
    ├── StateFull            the state cannot be written for want of space: nothing is sent, try again
    ├── UnsafePlan           a person must look
    ├── Unforeseen           a fault of our own ended one site's pass: try again, other sites go on
    └── HelpdeskError
        ├── NotSent          nothing left this machine (DNS, refused, TLS): retry
        │   └── Unchecked    the ticket could not be read just before its write; its cause says why
        ├── Throttled        refused and not applied (429): retry at ``retry_after``
        ├── Unknown          may have been applied: look before repeating
        ├── Conflict         the ticket changed since it was seen: plan again
        ├── Rejected         the helpdesk will never accept this: record and go on
        ├── Denied           credentials or scope: freeze this site's writes
        │   ├── Exposed      an internal note could be read by customers: freeze this site's notes
        │   └── Mute         a public comment stands where customers do not read it: park it
        ├── Malformed        a payload that we cannot read: quarantine the ticket
        └── Unavailable      a read that failed for good after its retries: end this site's pass

Reads turn ``NotSent``, ``Throttled`` and ``Unknown`` into ``Unavailable`` after their retries; writes raise the first
seven as they are. No error text carries a secret or a ticket's text.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path


class ConnectorError(Exception):
    """Root of the tree; ``remedy`` is the next thing an operator can do."""

    remedy: str = ""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy or type(self).remedy


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with one file.

    Attributes:
        file: As the operator wrote it; ``environment`` for a variable.
        line: Starts at 1; 0 when the place is not known.
        column: Starts at 1; 0 when the place is not known.
        key: Dotted path of the value, for example ``triggers.0.at_least``.
        message: What is wrong.
        remedy: What to do about it.
    """

    file: str
    line: int = 0
    column: int = 0
    key: str = ""
    message: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        key = f"{self.key}: " if self.key else ""
        return f"{place}: {key}{self.message}" + (f" ({self.remedy})" if self.remedy else "")


class ConfigError(ConnectorError):
    """The operator must edit a file; every problem found is in ``problems``."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class WrongUse(ConnectorError):
    """The command line names something that does not exist; the remedy says what does."""


class NoState(ConnectorError):
    """There is no state yet."""

    remedy = "run `connector sync` (or `connector run`) first; `connector plan` works without one"


class Busy(ConnectorError):
    """Another process holds the state's lock; try again later."""


class StateFull(ConnectorError):
    """No space to store what is done: nothing may be sent until there is."""

    remedy = "free disk space; plan, explain, status and log go on working"


class UnsafePlan(ConnectorError):
    """A guard stopped the work; a person must look."""


class ClockIsOff(UnsafePlan):
    """Our clock and a helpdesk's are too far apart; ``at`` is the earlier of the two moments, which is not to come."""

    def __init__(self, message: str, *, at: datetime, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.at = at


class Unforeseen(ConnectorError):
    """An error of our own code that nobody foresaw, which is one site's alone; it quotes no words of that error."""


class HelpdeskError(ConnectorError):
    """Something between us and a helpdesk; subclasses say what to do."""


class NotSent(HelpdeskError):
    """No byte of the request left this machine; repeating is free."""


class Unchecked(NotSent):
    """The ticket could not be read just before a write on it; ``__cause__`` is why, which may be the ticket's own."""


class Throttled(HelpdeskError):
    """Refused and not applied. ``retry_after`` is the helpdesk's own wish, a lower bound."""

    def __init__(self, message: str, *, retry_after: timedelta, scope: str = "site", remedy: str = "") -> None:
        """Make the error; ``scope`` is ``site``, ``endpoint`` or ``ticket``: how much has to wait."""
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after
        self.scope = scope


class Unknown(HelpdeskError):
    """The request may have been applied; look before repeating."""


class Conflict(HelpdeskError):
    """The ticket changed since it was seen; plan again. ``closed``: it is closed by now."""

    def __init__(self, message: str, *, closed: bool = False, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.closed = closed


class Rejected(HelpdeskError):
    """The helpdesk will never accept this.

    Attributes:
        fields: What it refused, where it says so.
        missing: Those of ``fields`` that do not exist there at all: no value would be accepted.
        absent: It does not show the ticket: gone, or hidden from us.
        mute: The ticket takes no comment of this kind at all, whatever it says.
    """

    def __init__(
        self,
        message: str,
        *,
        fields: tuple[str, ...] = (),
        missing: tuple[str, ...] = (),
        absent: bool = False,
        mute: bool = False,
        remedy: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.fields = fields
        self.missing = missing
        self.absent = absent
        self.mute = mute


class Denied(HelpdeskError):
    """Credentials or permissions; this site's (or scope's) writes are frozen.

    ``about`` says what was refused: ``credentials`` (nobody is let in), ``permission`` (this account, here), or
    ``site``.
    """

    def __init__(self, message: str, *, about: str = "site", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.about = about


class Exposed(Denied):
    """An internal note came out public. ``mended``: it stands as an internal note now; ``removed``: it is gone."""

    def __init__(self, message: str, *, mended: bool = False, removed: bool = False, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.mended = mended
        self.removed = removed


class Mute(Denied):
    """A public comment came out internal and cannot be taken back: each further attempt would leave another."""


class Malformed(HelpdeskError):
    """A payload that cannot be read; the ticket is quarantined and the sample kept."""


class Unavailable(HelpdeskError):
    """A read failed after its retries; this site's pass ends, other sites go on."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


def what_failed(error: BaseException) -> str:
    """Return what an error is. Only our own errors show their words: a stranger's may quote a ticket or a secret."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, ConnectorError) else name


def of_one_ticket(error: Exception) -> Exception:
    """Return an error that one ticket's data explains, so that it costs that ticket alone; raise any other again.

    Such are a payload that cannot be read, a text that cannot be made, and whatever our own code did not foresee.
    Memory that has run out is no ticket's doing, whichever of them was looked at just then.
    """
    if isinstance(error, MemoryError):
        raise error
    if isinstance(error, ConnectorError) and not isinstance(error, Malformed | ConfigError):
        raise error
    return error


def why_unreadable(error: Exception) -> str:
    """Return why one ticket cannot be read; an error that concerns more than the ticket is raised again."""
    return str(error) if isinstance(of_one_ticket(error), Malformed) else what_failed(error)


def why_no_history(error: Exception) -> str:
    """Return why one ticket's history cannot be read, refusals of that ticket alone included; raise any other again."""
    refused = isinstance(error, Rejected) or (isinstance(error, Denied) and error.about == "permission")
    return (str(error) if refused else why_unreadable(error))[:200]


def where_failed(error: BaseException) -> str:
    """Return an error's traceback as places in the code, outermost first, without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames)
