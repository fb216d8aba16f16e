"""One vendor request from arrival to what goes back on the wire, faults included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from connector.sandbox.core.faults import Fault, FaultPlan, Sighting
from connector.sandbox.core.messages import Request, Response, html_response
from connector.sandbox.core.site import Site
from connector.sandbox.core.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How an answer leaves.

    Attributes:
        response: ``None`` closes the connection without a word.
        cut_after: Close after this many bytes.
        drip: Send so many bytes at a time, zero for all at once.
        pause: Real seconds before the answer, or between drips.
    """

    response: Response | None
    cut_after: int | None = None
    drip: int = 0
    pause: float = 0.0


class Exchange:
    """The front door of one site: identifies, strikes faults, lets the site answer, records."""

    def __init__(self, site: Site, world: World, faults: FaultPlan) -> None:
        self.site = site
        self.world = world
        self.faults = faults

    def run(self, request: Request, _present: Callable[[], bool] = lambda: True) -> Delivery:
        """Let the site answer one request."""
        with self.world.clock.request(), self.world.clock.lock:
            identity = self.site.identify(request)
            fault = self._pick(request, identity)
            delivery = self._deliver(request, fault) if fault else Delivery(response=self._answer(request))
            self._record(request, identity, fault, delivery)
            return delivery

    def _pick(self, request: Request, identity: str) -> Fault | None:
        if not self.faults:
            return None
        scope = self.site.scope_of(request)
        return self.faults.pick(Sighting(request=request, identity=identity, scope=scope, now=self.world.now()))

    def _answer(self, request: Request) -> Response:
        try:
            return self.site.handle(request)
        except Exception as error:  # noqa: BLE001 - a fault of the sandbox shows as a 500 and as a problem
            self.world.ledger.problem(f"{request.method} {request.path}", error)
            return self.site.refuse(500, f"the sandbox failed: {error!r}")

    def _deliver(self, request: Request, fault: Fault) -> Delivery:
        if fault.action in ("status", "html", "forbid", "redirect"):
            return Delivery(response=self._refusal(fault))
        if fault.action == "drop":
            return Delivery(response=None)
        if fault.action == "late":
            delay = timedelta(seconds=fault.seconds)
            self.world.after(delay, f"late {request.method} {request.path}", lambda: self._land(request))
            return Delivery(response=None)
        if fault.action == "revoke":
            self.site.revoke(request)
        if fault.action == "slow":
            self.world.clock.pass_time(timedelta(seconds=fault.seconds))
        return _spoiled(self._answer(request), fault)

    def _refusal(self, fault: Fault) -> Response:
        if fault.action == "html":
            answer = html_response(fault.status, fault.message or f"{fault.status} Gateway error")
        elif fault.action == "redirect":
            answer = Response(status=302, headers=(("Location", fault.location),))
        else:
            status = 403 if fault.action == "forbid" else fault.status
            answer = self.site.refuse(status, fault.message or "ordered by the fault plan")
        extra = tuple(fault.headers.items())
        if fault.retry_after is not None:
            extra += (("Retry-After", str(fault.retry_after)),)
        return replace(answer, headers=answer.headers + extra)

    def _land(self, request: Request) -> None:
        answer = self._answer(request)
        self.world.ledger.fault(action="landed", method=request.method, path=request.path, status=answer.status)

    def _record(self, request: Request, identity: str, fault: Fault | None, delivery: Delivery) -> None:
        status = delivery.response.status if delivery.response else 0
        self.world.ledger.request(
            identity,
            method=request.method,
            path=request.path,
            query=request.query,
            status=status,
            fault=fault.action if fault else None,
        )


def _spoiled(response: Response, fault: Fault) -> Delivery:
    """The site has answered; spoil the way back as ordered."""
    if fault.action == "lose":
        return Delivery(response=None)
    if fault.action == "cut":
        return Delivery(response=response, cut_after=fault.after_bytes)
    if fault.action == "drip":
        return Delivery(response=response, drip=max(1, fault.after_bytes), pause=fault.pause)
    if fault.action == "hang":
        return Delivery(response=response, pause=fault.pause)
    if fault.action == "empty":
        return Delivery(response=replace(response, body=b""))
    if fault.action == "mistype":
        others = tuple(pair for pair in response.headers if pair[0].lower() != "content-type")
        return Delivery(response=replace(response, headers=(("Content-Type", fault.content_type), *others)))
    return Delivery(response=response)
