"""One requests adapter for everything that goes to a helpdesk: our own calls and those of the vendors' clients.

What it does for every request, in this order: pin the origin, wait for (or refuse by) the budget, set the credentials,
send once on a watched connection, read at most 20 MB within 65 seconds, read the limits from the headers, and turn
anything but a readable 2xx into an error of ``connector.errors``. Reads are repeated; writes never are, with one
exception: a 401 that a fresh token may cure, because a 401 was not applied.

Not thread-safe: the site's thread owns it and every session that it is mounted on.
"""

from __future__ import annotations

import functools
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from connector.errors import Conflict, Denied, NotSent, Rejected, Throttled, Unavailable, Unknown
from connector.helpdesks.transport.body import read_body
from connector.helpdesks.transport.breaker import Breaker, Lockout
from connector.helpdesks.transport.budgets import Allowance
from connector.helpdesks.transport.calls import Call
from connector.helpdesks.transport.credentials import Credentials, granted
from connector.helpdesks.transport.dialect import Dialect
from connector.helpdesks.transport.failures import lost
from connector.helpdesks.transport.origin import Origin, Pin, is_loopback
from connector.helpdesks.transport.outcome import Outcome, Reply, classify, error_of, http_date, retry_after
from connector.helpdesks.transport.retry import PATIENCE, TOTAL_SECONDS, WRITE_PATIENCE, ReadRetry, pause
from connector.helpdesks.transport.sizes import PageSize
from connector.helpdesks.transport.surroundings import Surroundings
from connector.helpdesks.transport.wire import Watch, watched_pools

CONNECT_SECONDS = 10.0


class PinnedAdapter(HTTPAdapter):
    """See the module. ``counts`` is endpoint name → requests sent, for the run summary and the gates.

    ``scheme`` is how the last request signed in (``Basic``, ``Bearer``), ``scopes`` what its token was granted, where
    that was told.

    Mount it under every scheme of a session (``mount_on``). ``exchange`` is for our own calls, ``send`` is what
    requests calls; both do the same.
    """

    def __init__(
        self,
        pin: Pin,
        credentials: Credentials | None,
        dialect: Dialect,
        around: Surroundings,
        *,
        beside: PinnedAdapter | None = None,
    ) -> None:
        """Make one. ``beside``: another credential's on the same site, whose limits and outages are ours as well."""
        self.pin = pin
        self.counts: Counter[str] = Counter()
        self.scheme = ""
        self.scopes: frozenset[str] = frozenset()
        self.allowance: Allowance = beside.allowance if beside else Allowance()
        self.breaker: Breaker = beside.breaker if beside else Breaker()
        self._credentials = credentials
        self._dialect = dialect
        self._around = around
        self._clock = around.clock
        self._watch = Watch(around.clock.monotonic)
        self.retry = ReadRetry(around.clock, around.rng)
        self._lockout = Lockout()
        self._seconds = TOTAL_SECONDS
        self._skew = timedelta(0)
        self._learn_secrets()
        super().__init__(max_retries=0)

    def __repr__(self) -> str:
        return f"PinnedAdapter({self.pin.origin})"

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make pools whose connections report to our watch, check where they lead, and speak TLS 1.2 or later."""
        super().init_poolmanager(*args, ssl_minimum_version=ssl.TLSVersion.TLSv1_2, **options)
        here = is_loopback(self.pin.origin.host)
        self.poolmanager.pool_classes_by_scheme = watched_pools(self._watch, may_be_here=here)

    def mount_on(self, session: requests.Session) -> requests.Session:
        """Put a session on this adapter: nothing from the environment, no redirects, no other way out."""
        session.trust_env = False
        session.max_redirects = 0
        session.adapters.clear()
        for scheme in ("https://", "http://"):
            session.mount(scheme, self)
        return session

    def server_now(self) -> datetime:
        """Return the helpdesk's present time, as its last ``Date`` header lets us reckon (whole seconds)."""
        return self._clock.now() + self._skew

    def send(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> requests.Response:
        """Send for a session; its time-outs, proxies and verification settings are ours, not the session's.

        The answer carries the request as the session made it: the vendors' clients recognise their own address.
        """
        response = self.exchange(request)
        response.request, response.url = request, request.url or ""
        return response

    def exchange(
        self, request: requests.PreparedRequest, *, fresh: bool = False, urgent: bool = False
    ) -> requests.Response:
        """Make one request and return its answer, always a readable 2xx.

        Args:
            request: Prepared; credentials are added here.
            fresh: Use a new connection and close it afterwards (a reused one can die ambiguously).
            urgent: May use the larger share of a limit.

        Raises:
            Unavailable: A read failed after its retries, or its budget asks for a longer wait than we hold a read for.
            HelpdeskError: Writes: as ``outcome`` says. Reads too: ``Conflict``, ``Rejected`` and ``Denied``.
        """
        call = self._call(request, fresh=fresh, urgent=urgent)
        if call.endpoint.safe:
            return self.retry.call(functools.partial(self._read, call), what=call.what)
        return self._write(call)

    def read_page(
        self, prepare: Callable[[int], requests.PreparedRequest], size: PageSize, *, urgent: bool = False
    ) -> requests.Response:
        """Read one page, prepared for as many rows as ``size`` says by then; see ``exchange``.

        After a page that did not come, the repeat asks for fewer. A refusal, or a wish to wait, is no reason for that.
        """

        def once() -> requests.Response:
            with size.tried() as rows:
                return self._read(self._call(prepare(rows), urgent=urgent))

        return self.retry.call(once, what=self._call(prepare(size.rows)).what)

    def delay(self, endpoint: str, *, urgent: bool = False) -> timedelta:
        """Return how long the next request to an endpoint, by name, has to wait for its budget."""
        limits = next((e.limits for e in self._dialect.endpoints if e.name == endpoint), ())
        shared = [limit for limit in limits if not limit.per_ticket]
        return self.allowance.delay(shared, self._clock.now(), urgent=urgent)

    def room(self, limit: str) -> tuple[int, int]:
        """Return (left of our share, our share) of a limit by name, also before its first request."""
        found = next((own for e in self._dialect.endpoints for own in e.limits if own.name == limit), None)
        return self.allowance.room(found, self._clock.now()) if found else (0, 0)

    def remaining(self) -> Mapping[str, tuple[int, int]]:
        """Return limit name → (left of our share, our share) right now."""
        return self.allowance.remaining(self._clock.now())

    def _call(self, request: requests.PreparedRequest, *, fresh: bool = False, urgent: bool = False) -> Call:
        pinned = request.copy()
        pinned.url = self.pin.resolve(request.url or "")
        endpoint, ticket = self._dialect.find(request.method or "", self._path(pinned))
        return Call(request, pinned, endpoint, ticket, fresh=fresh, urgent=urgent)

    def _read(self, call: Call) -> requests.Response:
        if rest := self.breaker.rest(self._clock.now(), probe=True):
            raise Unavailable(f"{call.what}: not sent, {self.pin.origin.host} does not answer", retry_after=rest)
        wait = self._delay(call)
        if wait > PATIENCE:
            raise Unavailable(f"{call.what}: the budget is used up", retry_after=wait)
        pause(self._clock, wait, what=call.what)
        return self._try(call)

    def _write(self, call: Call) -> requests.Response:
        if self.breaker.rest(self._clock.now(), probe=False):
            raise NotSent(f"{call.what}: not sent, {self.pin.origin.host} does not answer")
        wait = self._delay(call)
        if wait > WRITE_PATIENCE or (wait and not self._clock.wait(self._clock.now() + wait)):
            only_ticket = not self.delay(call.endpoint.name, urgent=call.urgent)
            scope = "ticket" if only_ticket else "endpoint"
            raise Throttled(f"{call.what}: the budget is used up", retry_after=wait, scope=scope)
        return self._try(call)

    def _delay(self, call: Call) -> timedelta:
        now = self._clock.now()
        return self.allowance.delay(call.endpoint.limits, now, ticket=call.ticket, urgent=call.urgent)

    def _try(self, call: Call) -> requests.Response:
        response = self._told(call)
        if response.status_code == HTTPStatus.UNAUTHORIZED and self._credentials and self._credentials.forget():
            response = self._told(call)
        return self._judged(call, response)

    def _told(self, call: Call) -> requests.Response:
        """Send once, and remember whether somebody answered and took our credentials."""
        self._lockout.stop(self._clock.now(), what=call.what)
        try:
            response = self._once(call)
        except (NotSent, Throttled, Unknown) as silence:
            self.breaker.hear(silence, self._clock.now())
            raise
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._lockout.refused(self._clock.now())
        return response

    def _once(self, call: Call) -> requests.Response:
        request = call.request.copy()
        if self._credentials:
            request.headers["Authorization"] = self._authorization(self._credentials)
        if call.fresh:
            self.poolmanager.clear()
            request.headers["Connection"] = "close"
        self._watch.may_begin = _always if call.endpoint.safe else self._around.may_begin
        self.allowance.spend(call.endpoint.limits, self._clock.now(), ticket=call.ticket)
        self.counts[call.endpoint.name] += 1
        self._seconds = self.retry.seconds if call.endpoint.safe else TOTAL_SECONDS
        response = self._transmit(request, call.what)
        response.request = call.asked  # the copy with the credentials goes no further
        response.url = call.asked.url or ""
        return response

    def _authorization(self, credentials: Credentials) -> str:
        value = credentials.authorization(self._clock.now(), self._fetch_token)
        self.scheme = value.partition(" ")[0]
        self._learn_secrets()
        return value

    def _fetch_token(self, url: str, body: bytes) -> bytes:
        """Fetch a token for the request in hand; nothing of *that* has left, so a lost answer is ``NotSent``."""
        issuer = PinnedAdapter(Pin(Origin.parse(url.rpartition("/")[0])), None, Dialect(endpoints=()), self._around)
        request = requests.Request("POST", url, data=body, headers={"Content-Type": "application/json"}).prepare()
        self.counts["oauth.token"] += 1
        try:
            answer = issuer.exchange(request, fresh=True).content
        except Unknown as unanswered:
            raise NotSent(f"no token: {unanswered}") from None
        except (Denied, Rejected, Conflict) as refusal:  # of us, whatever its status: the request in hand never left
            self._lockout.refused(self._clock.now())
            if isinstance(refusal, Denied) and refusal.about != "permission":
                raise
            raise Denied(f"no token: {refusal}", about="credentials", remedy="check the OAuth client") from None
        self.scopes = granted(answer)
        return answer

    def _transmit(self, request: requests.PreparedRequest, what: str) -> requests.Response:
        self._watch.start(self._seconds)
        timeout = (CONNECT_SECONDS, self._seconds)
        verify = self._around.ca_file or True
        try:
            response = super().send(request, stream=True, timeout=timeout, verify=verify, proxies={})
            response._content = read_body(response)  # noqa: SLF001 - what reading ``content`` would set, with a limit
        except (requests.RequestException, HTTPError, OSError) as failure:
            raise lost(failure, host=self.pin.origin.host, begun=self._watch.begun, what=what) from None
        return response

    def _judged(self, call: Call, response: requests.Response) -> requests.Response:
        reply, now = self._reply(response), self._clock.now()
        for told in self._dialect.readings(call.endpoint, reply.headers):
            self.allowance.feed(told.limit, now, count=told.count, left=told.left, resets_in=told.resets_in)
        outcome = classify(reply, empty=call.endpoint.empty)
        if outcome is Outcome.APPLIED:
            self.breaker.hear(None, now)
            return response
        error = self._dialect.judge(reply, error_of(reply, outcome, what=call.what))
        if isinstance(error, Unknown) and call.endpoint.safe and reply.headers.get("retry-after"):
            error = Throttled(str(error), retry_after=retry_after(reply.headers, reply.at))  # a read did nothing
        self.breaker.hear(error, now)
        if isinstance(error, Throttled):
            self._hold_back(call, error)
        raise error

    def _hold_back(self, call: Call, error: Throttled) -> None:
        until = self._clock.now() + error.retry_after
        if error.scope == "site":
            self.allowance.block_all(until)
        for limit in call.endpoint.limits:
            if (error.scope == "ticket") == limit.per_ticket:
                self.allowance.block(limit, until, ticket=call.ticket)

    def _reply(self, response: requests.Response) -> Reply:
        headers = {name.lower(): value for name, value in response.headers.items()}
        now = self._clock.now()
        at = http_date(headers.get("date", "")) or now
        self._skew = at - now
        return Reply(status=response.status_code, headers=headers, body=response.content, at=at)

    def _path(self, request: requests.PreparedRequest) -> str:
        return request.path_url.partition("?")[0].removeprefix(self.pin.origin.prefix)

    def _learn_secrets(self) -> None:
        for secret in self._credentials.secrets() if self._credentials else ():
            self._around.redactor.learn(secret)


def _always(_seconds: float) -> bool:
    return True
