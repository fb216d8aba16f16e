"""The simulated Zendesk account as a site of the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.sandbox.core.messages import JSON_TYPE, Request, Response, empty_response
from connector.sandbox.core.roster import Roster
from connector.sandbox.core.site import People
from connector.sandbox.core.strict import unknown_params
from connector.sandbox.core.world import World
from connector.sandbox.zendesk.accounts import User
from connector.sandbox.zendesk.automations import Automations
from connector.sandbox.zendesk.bulk import Bulk
from connector.sandbox.zendesk.desk import Desk
from connector.sandbox.zendesk.errors import ApiError, database_conflict, forbidden, stray, unknown_path
from connector.sandbox.zendesk.export import Export
from connector.sandbox.zendesk.jobs import Jobs
from connector.sandbox.zendesk.office import Call, Office
from connector.sandbox.zendesk.people import ZendeskPeople
from connector.sandbox.zendesk.routes import PATHS, ROUTES, Route, read_path
from connector.sandbox.zendesk.search import Search
from connector.sandbox.zendesk.throttle import Throttle, Toll
from connector.sandbox.zendesk.tokens import Gate
from connector.sandbox.zendesk.update import Clerk
from connector.sandbox.zendesk.view import ticket_view
from connector.sandbox.zendesk.wire import encode

TOKENS = "/oauth/tokens"


class ZendeskSite:
    """Answers the API; see ``BEHAVIOUR.md`` for what it imitates and how well that is known."""

    def __init__(self, world: World, roster: Roster) -> None:
        desk = Desk(world, roster)
        clerk = Clerk(desk)
        throttle = Throttle(desk.options)
        self.world = world
        self.office = Office(
            desk=desk,
            clerk=clerk,
            gate=Gate(desk.directory, desk.options, world.rng),
            throttle=throttle,
            export=Export(desk),
            search=Search(desk),
            jobs=Jobs(clerk, throttle),
        )
        self._people = ZendeskPeople(clerk, throttle)
        self._automations = Automations(clerk)

    @property
    def people(self) -> People:
        """What people can do here."""
        return self._people

    def identify(self, request: Request) -> str:
        """Name who a request's credentials belong to."""
        return self.office.gate.who(request, self.office.desk.now())

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        try:
            if request.path.removesuffix(".json") == TOKENS:
                return self._grant(request)
            return self._serve(request)
        except ApiError as error:
            return _refusal(error)

    def scope_of(self, request: Request) -> str | None:
        """The group (roster key) of the ticket that a request is about."""
        pattern, ids = read_path(request.path)
        ticket = self.office.desk.tickets.get(int(ids[0])) if pattern.startswith("tickets/{id}") else None
        return self.office.desk.directory.group_key(ticket.group_id) if ticket else None

    def refuse(self, status: int, message: str) -> Response:
        """An error of this status in Zendesk's own shape."""
        if status == 403:
            return _refusal(forbidden(message))
        error = database_conflict() if status == 409 else ApiError(status, _refused_body(status, message))
        return _refusal(error)

    def revoke(self, request: Request) -> None:
        """Let the request's bearer token die."""
        if request.credentials is not None:
            self.office.gate.revoke(request.credentials.secret)

    def describe(self) -> Mapping[str, Any]:
        """Credentials, accounts, field and group ids."""
        gate, desk = self.office.gate, self.office.desk
        clients = {name: {"client_id": name, "client_secret": secret} for name, (_, secret) in gate.clients.items()}
        accounts = {user.key: {"id": user.id, "email": user.email} for user, _ in gate.clients.values()}
        return {
            "subdomain": self.world.site,
            "reader": clients["connector-reader"],
            "writer": clients["connector-writer"],
            "api_token": gate.api_token,
            "accounts": accounts,
            "fields": {name: field.id for name, field in desk.fields.by_name.items()},
            "forms": dict(desk.fields.forms),
            "groups": {group.key: group.id for group in desk.directory.groups.values()},
            "people": {user.key: user.id for user in desk.directory.users.values()},
            "organizations": {
                organization.key: organization.id for organization in desk.directory.organizations.values()
            },
        }

    def view(self) -> list[dict[str, Any]]:
        """Every ticket as people see it."""
        desk = self.office.desk
        return [ticket_view(desk, ticket) for _, ticket in sorted(desk.tickets.items())]

    # -- requests --------------------------------------------------------------------------------

    def _grant(self, request: Request) -> Response:
        if request.method != "POST":
            raise unknown_path()
        call = Call(request=request, user=_NOBODY, ids=())
        answer = self.office.gate.grant(call.body(), self.office.desk.now())
        return _json(201, encode(answer), {})

    def _serve(self, request: Request) -> Response:
        pattern, ids = read_path(request.path)
        if pattern not in PATHS:
            raise unknown_path()
        user = self.office.gate.admit(request, self.office.desk.now())
        route = ROUTES.get(f"{request.method} {pattern}")
        if route is None:
            raise ApiError(405, {"error": "MethodNotAllowed", "description": f"{request.method} is not allowed here"})
        call = Call(request=request, user=user, ids=ids, headers=self._toll(route, user, ids))
        return self._answer(route, call)

    def _toll(self, route: Route, user: User, ids: tuple[str, ...]) -> dict[str, str]:
        updates = (int(ids[0]),) if route.updates else ()
        toll = Toll(user_id=user.id, endpoint=route.limit, updates=updates)
        return self.office.throttle.charge(toll, self.world.now())

    def _answer(self, route: Route, call: Call) -> Response:
        try:
            if not call.user.is_agent or (route.who == "admin" and call.user.role != "admin"):
                raise forbidden()
            if unknown := unknown_params(call.request.query, route.params):
                raise stray(tuple(f"parameter {name}" for name in unknown))
            content = route.endpoint(self.office, call)
        except ApiError as error:
            error.headers = call.headers | error.headers
            raise
        if content is None:
            return empty_response(route.status, headers=call.headers)
        return _json(route.status, content if isinstance(content, bytes) else encode(content), call.headers)


_NOBODY = User(id=0, key="anonymous", name="", email="", role="end-user", created_at=0)


def _json(status: int, body: bytes, headers: Mapping[str, str]) -> Response:
    return Response(status=status, headers=(("Content-Type", JSON_TYPE), *headers.items()), body=body)


def _refusal(error: ApiError) -> Response:
    if isinstance(error.payload, str):
        kind = (("Content-Type", "text/plain; charset=utf-8"),)
        return Response(status=error.status, headers=(*kind, *error.headers.items()), body=error.payload.encode())
    return _json(error.status, encode(error.payload), error.headers)


def _refused_body(status: int, message: str) -> dict[str, Any]:
    names = {
        401: "Couldn't authenticate you",
        404: "RecordNotFound",
        422: "RecordInvalid",
        429: "APIRateLimitExceeded",
        500: "InternalError",
        503: "ServiceUnavailable",
    }
    return {"error": names.get(status, "Error"), "description": message}


def build(world: World, roster: Roster) -> ZendeskSite:
    """Build a Zendesk account; the options are those of ``options.Options``."""
    site = ZendeskSite(world, roster)
    if site.office.desk.options.synthetic:
        Bulk(site.office.desk).load(site.office.desk.options.synthetic)
    return site
