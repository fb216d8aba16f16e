"""What whoever holds the state answers on its control socket: a daemon, and a ``sync`` or an ``apply`` at work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.bootstrap.parked import settle_parked
from connector.bootstrap.releasing import release_with
from connector.bootstrap.steering import steer_with
from connector.domain.ticket import TicketRef
from connector.engine.control import ControlServer, Handler
from connector.errors import Busy
from connector.ports import Journal

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

_DAEMONS = ("apply", "reload", "poll")
"""What a daemon alone can carry out, between two passes."""


def orders(
    program: Connector, journal: Journal, *, resumed: Callable[..., None], then: Callable[[], None]
) -> Mapping[str, Handler]:
    """Return what answers a person's orders; each is a transaction of its own, beside whatever pass is under way.

    A pass asks for a pause before every write. What else is ordered goes with the pass that begins next, which
    ``then`` may hasten. ``resumed`` is told of each site that goes on.
    """

    def pause(request: Mapping[str, Any]) -> Mapping[str, Any]:
        names = request["sites"]
        steer_with(program, journal, "pause", names, reason=request["reason"], actor=request["actor"])
        return {"sites": names}

    def resume(request: Mapping[str, Any]) -> Mapping[str, Any]:
        names = request["sites"]
        steer_with(program, journal, "resume", names, allow=request["allow"], actor=request["actor"])
        for name in names:
            resumed(name, at=program.now())
        then()
        return {"sites": names}

    def approve(request: Mapping[str, Any]) -> Mapping[str, Any]:
        now = program.now()
        count = journal.approve(request["site"], request["ticket"], now=now, actor=request["actor"])
        then()
        return {"approved": count}

    def release(request: Mapping[str, Any]) -> Mapping[str, Any]:
        release_with(program, journal, TicketRef(request["site"], request["ticket"]), actor=request["actor"])
        then()
        return {}

    def parked(request: Mapping[str, Any]) -> Mapping[str, Any]:
        settled = settle_parked(program, journal, request["action"], request["key"], actor=request["actor"])
        then()
        return settled

    return {"pause": pause, "resume": resume, "approve": approve, "release": release, "parked": parked}


@contextmanager
def answering(
    program: Connector, journal: Journal, work: str, *, resumed: Callable[..., None] = lambda *_, **__: None
) -> Iterator[None]:
    """Serve the control socket while ``work`` (``a sync``) holds the state; what a daemon alone can do is refused.

    Where no socket can be made that is told, and the work goes on as it would without one.
    """
    taken = orders(program, journal, resumed=resumed, then=lambda: None)
    since = datetime.now(UTC)  # noqa: TID251 - for status only
    status = {"since": f"{since:%Y-%m-%d %H:%M:%S} UTC", "pid": os.getpid(), "work": work, "sites": {}}

    def refuse(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Busy(f"{work} is under way; it takes {', '.join(taken)} and status", remedy="try again when it has ended")

    handlers = {**dict.fromkeys(_DAEMONS, refuse), **taken, "status": lambda _: status}
    server = ControlServer(program.places.socket, handlers)
    try:
        server.start()
    except OSError as error:
        program.observer.event("no_control_socket", path=str(program.places.socket), why=str(error))
        yield
        return
    try:
        yield
    finally:
        server.stop()
