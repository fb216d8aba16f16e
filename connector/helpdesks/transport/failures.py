"""What it means that nobody answered, in words that an operator can act on. Nothing of the request is in them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError, ReadTimeoutError

from connector.errors import Denied, HelpdeskError, NotSent, Unknown
from connector.helpdesks.transport.body import LARGEST_BODY, TooLarge
from connector.helpdesks.transport.wire import distrusted

_CERTIFICATE = "check the site's certificate, base_url and ca_file, and this machine's clock"
_NAME = "check the site's base_url, and the name servers of this machine"
_REFUSED = "check the site's base_url and port, and whether a firewall or proxy stands between"


def lost(failure: BaseException, *, host: str, begun: bool, what: str) -> HelpdeskError:
    """Return the error for an exchange without an answer.

    ``begun``: the first byte of the request had left, so it may have been applied. A certificate that is not accepted
    is ``Denied``: trying again cannot mend it, and going on without is no choice.
    """
    causes = tuple(_causes(failure))
    if why := distrusted(failure):
        return Denied(f"{what}: the certificate of {host} is not accepted ({why})", remedy=_CERTIFICATE)
    if begun:
        return Unknown(f"{what}: {host} {_during(causes, failure)}")
    why, remedy = _before(causes, failure)
    return NotSent(f"{what}: not sent, {host} {why}", remedy=remedy)


def _during(causes: tuple[BaseException, ...], failure: BaseException) -> str:
    """Return how the answer to a request that had begun was lost."""
    if any(isinstance(cause, TooLarge) for cause in causes):
        return f"answered with more than the {LARGEST_BODY // 1024**2} MB that are read"
    if any(isinstance(cause, TimeoutError | ReadTimeoutError) for cause in causes):
        return "did not answer in time"
    return f"broke off its answer ({type(failure).__name__})"


def _before(causes: tuple[BaseException, ...], failure: BaseException) -> tuple[str, str]:
    """Return why nothing could be sent, and what to look at."""
    if any(isinstance(cause, NameResolutionError | socket.gaierror) for cause in causes):
        return "has no address: its name cannot be resolved", _NAME
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "refuses the connection: nothing listens there", _REFUSED
    if any(isinstance(cause, ConnectTimeoutError | TimeoutError) for cause in causes):
        return "does not take the connection in time", _REFUSED
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "breaks off while the connection is being secured", _REFUSED
    if any(isinstance(cause, NewConnectionError) for cause in causes):
        return "cannot be reached from this machine", _REFUSED
    return f"cannot be reached ({type(failure).__name__})", _REFUSED


def _causes(failure: BaseException) -> Iterator[BaseException]:
    """Yield an error and what is behind it: causes, contexts, and errors that are carried as arguments or reasons."""
    waiting, seen = [failure], set[int]()
    while waiting:
        error = waiting.pop(0)
        if id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        behind = (error.__cause__, error.__context__, getattr(error, "reason", None), *error.args)
        waiting += [each for each in behind if isinstance(each, BaseException)]
