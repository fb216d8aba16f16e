"""The control API: clock, people, faults and ground truth, on ports that no helpdesk has.

    GET    /_sandbox/clock                                   now, mode, speed, parties, next event
    POST   /_sandbox/clock/join | leave | poke               {"party": name}; leave takes a trailing *
    POST   /_sandbox/clock/wait                              {"party", "until": moment|null, "patience": s}
    POST   /_sandbox/clock/set | advance                     {"to": moment} | {"seconds": s}
    POST   /_sandbox/clock/mode                              {"mode", "speed"}
    GET    /_sandbox/sites                                   what each site describes of itself
    GET    /_sandbox/view?site=                              every ticket as people see it
    GET    /_sandbox/truth?site=&kind=&ticket=&since=        facts
    GET    /_sandbox/faults?site=
    POST   /_sandbox/faults                                  {"site", "faults": [...]}
    DELETE /_sandbox/faults?site=&name=
    POST   /_sandbox/people                                  {"site", "do": verb, "with": {...}, "at": moment?}
    GET    /_sandbox/story                                   name, opens_at, ends_at, tickets by site and handle

The clock's calls alone are also served on a port of their own, for parties that must not see the rest.
Moments are ISO 8601 with an offset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.sandbox.core.clock import SandboxClock
from connector.sandbox.core.exchange import Delivery, Exchange
from connector.sandbox.core.faults import Fault
from connector.sandbox.core.ledger import Entry
from connector.sandbox.core.messages import Request, json_response
from connector.sandbox.core.site import NewTicket, People, Site
from connector.sandbox.people import Cast
from connector.sandbox.script import Scenario

Present = Callable[[], bool]
VERBS = frozenset(name for name in vars(People) if not name.startswith("_"))


class Control:
    """Answers control requests; refusals are 400 with ``{"error": sentence}``."""

    def __init__(self, clock: SandboxClock, exchanges: Mapping[str, Exchange], facts: list[Entry]) -> None:
        self._clock = clock
        self._exchanges = exchanges
        self._facts = facts
        self._told: tuple[Scenario, Cast] | None = None
        self._clock_calls: dict[str, Callable[[dict[str, Any], Present], Any]] = {
            "GET /_sandbox/clock": lambda _body, _present: self._clock_state(),
            "POST /_sandbox/clock/join": self._join,
            "POST /_sandbox/clock/leave": self._leave,
            "POST /_sandbox/clock/poke": self._poke,
            "POST /_sandbox/clock/wait": self._wait,
            "POST /_sandbox/clock/set": self._set,
            "POST /_sandbox/clock/advance": self._advance,
            "POST /_sandbox/clock/mode": self._mode,
        }
        self._calls = self._clock_calls | {
            "GET /_sandbox/sites": lambda _body, _present: self._sites(),
            "GET /_sandbox/view": self._view,
            "GET /_sandbox/truth": self._truth,
            "GET /_sandbox/faults": self._show_faults,
            "POST /_sandbox/faults": self._add_faults,
            "DELETE /_sandbox/faults": self._clear_faults,
            "POST /_sandbox/people": self._people,
            "GET /_sandbox/story": lambda _body, _present: self._story(),
        }

    def story(self, scenario: Scenario, cast: Cast) -> None:
        """Say which story is told, once it is known."""
        self._told = (scenario, cast)

    def handles(self) -> dict[str, dict[str, str]]:
        """By site: the story's own names of tickets, with their ids or keys."""
        if self._told is None:
            raise ValueError("no story is told here")
        with self._clock.lock:
            return self._told[1].handles()

    def run(self, request: Request, present: Present) -> Delivery:
        """Answer any control request."""
        return self._dispatch(self._calls, request, present)

    def run_clock(self, request: Request, present: Present) -> Delivery:
        """Answer clock requests alone."""
        return self._dispatch(self._clock_calls, request, present)

    def _dispatch(
        self, calls: Mapping[str, Callable[[dict[str, Any], Present], Any]], request: Request, present: Present
    ) -> Delivery:
        call = calls.get(f"{request.method} {request.path}")
        if call is None:
            return Delivery(response=json_response({"error": f"no {request.method} {request.path} here"}, status=404))
        try:
            given = request.json() if request.body else dict(request.query)
            return Delivery(response=json_response(call(given, present)))
        except (ValueError, KeyError, TypeError) as error:
            return Delivery(response=json_response({"error": str(error)}, status=400))

    # -- clock -------------------------------------------------------------------------------

    def _clock_state(self) -> dict[str, Any]:
        due = self._clock.next_event_at()
        return {
            "now": self._clock.now().isoformat(),
            "mode": self._clock.mode,
            "speed": self._clock.speed,
            "parties": {name: until and until.isoformat() for name, until in self._clock.parties().items()},
            "next_event_at": due and due.isoformat(),
        }

    def _join(self, body: dict[str, Any], _present: Present) -> dict[str, Any]:
        self._clock.join(body["party"])
        return self._clock_state()

    def _leave(self, body: dict[str, Any], _present: Present) -> dict[str, Any]:
        return {"left": self._clock.leave(body["party"]), **self._clock_state()}

    def _poke(self, body: dict[str, Any], _present: Present) -> dict[str, Any]:
        self._clock.poke(body["party"])
        return self._clock_state()

    def _wait(self, body: dict[str, Any], present: Present) -> dict[str, Any]:
        until = moment(body["until"]) if body.get("until") else None
        wake = self._clock.wait(body["party"], until, patience=float(body.get("patience", 30.0)), present=present)
        mode = self._clock.mode
        return {"now": wake.now.isoformat(), "mode": mode, "reached": wake.reached, "poked": wake.poked}

    def _set(self, body: dict[str, Any], _present: Present) -> dict[str, Any]:
        self._clock.set(moment(body["to"]))
        return self._clock_state()

    def _advance(self, body: dict[str, Any], _present: Present) -> dict[str, Any]:
        self._clock.advance(timedelta(seconds=float(body["seconds"])))
        return self._clock_state()

    def _mode(self, body: dict[str, Any], _present: Present) -> dict[str, Any]:
        if body["mode"] not in ("stepped", "running", "manual"):
            raise ValueError(f"there is no mode {body['mode']!r}")
        self._clock.switch(body["mode"], speed=body.get("speed"))
        return self._clock_state()

    # -- sites -------------------------------------------------------------------------------

    def _exchange(self, given: Mapping[str, Any]) -> Exchange:
        name = str(given.get("site"))
        if name not in self._exchanges:
            raise ValueError(f"no site {name!r}; there are {', '.join(self._exchanges)}")
        return self._exchanges[name]

    def _sites(self) -> dict[str, Any]:
        with self._clock.lock:
            return {name: dict(exchange.site.describe()) for name, exchange in self._exchanges.items()}

    def _view(self, given: dict[str, Any], _present: Present) -> list[dict[str, Any]]:
        with self._clock.lock:
            return self._exchange(given).site.view()

    def _truth(self, given: dict[str, Any], _present: Present) -> list[dict[str, Any]]:
        with self._clock.lock:
            found = self._facts[int(given.get("since", 0)) :]
        return [entry.as_json() for entry in _chosen(found, given)]

    def _people(self, body: dict[str, Any], _present: Present) -> dict[str, Any]:
        exchange = self._exchange(body)
        verb, details = body["do"], dict(body.get("with", {}))
        if verb not in VERBS:
            raise ValueError(f"people cannot {verb!r}; they can {', '.join(sorted(VERBS))}")
        if body.get("at"):
            exchange.world.at(moment(body["at"]), f"people {verb}", lambda: act(exchange.site, verb, details))
            return {"scheduled": body["at"]}
        with self._clock.lock:
            return {"result": act(exchange.site, verb, details)}

    def _story(self) -> dict[str, Any]:
        tickets = self.handles()
        scenario = self._told[0] if self._told else None
        return {
            "name": scenario and scenario.name,
            "opens_at": scenario and scenario.opens_at.isoformat(),
            "ends_at": scenario and scenario.ends_at.isoformat(),
            "tickets": tickets,
        }

    # -- faults ------------------------------------------------------------------------------

    def _show_faults(self, given: dict[str, Any], _present: Present) -> list[dict[str, Any]]:
        return self._exchange(given).faults.status()

    def _add_faults(self, body: dict[str, Any], _present: Present) -> list[dict[str, Any]]:
        exchange = self._exchange(body)
        faults = [Fault.from_json(raw) for raw in body["faults"]]
        with self._clock.lock:
            for fault in faults:
                exchange.faults.add(fault)
        return exchange.faults.status()

    def _clear_faults(self, given: dict[str, Any], _present: Present) -> list[dict[str, Any]]:
        exchange = self._exchange(given)
        with self._clock.lock:
            exchange.faults.clear(given.get("name"))
        return exchange.faults.status()


def moment(text: str) -> datetime:
    """Read a moment.

    Raises:
        ValueError: Not ISO 8601, or without an offset.
    """
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write it like 2026-11-23T08:00:00+00:00")
    return read.astimezone(UTC)


def act(site: Site, verb: str, details: Mapping[str, Any]) -> Any:
    """Let somebody at ``site`` do ``verb``; ``details`` are the method's arguments as JSON has them."""
    given = dict(details)
    if "labels" in given:
        given["labels"] = tuple(given["labels"])
    if verb == "create_ticket":
        return site.people.create_ticket(NewTicket(**given))
    return getattr(site.people, verb)(**given)


def _chosen(entries: Iterable[Entry], given: Mapping[str, Any]) -> Iterable[Entry]:
    for entry in entries:
        if all(given.get(name) in (None, getattr(entry, name)) for name in ("site", "kind", "ticket", "actor")):
            yield entry
