"""A request on its way to the operation that answers it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.sandbox.core.messages import BadBodyError, Request, Response, json_response
from connector.sandbox.core.strict import unknown_params
from connector.sandbox.jira.accounts import ANONYMOUS, GATEWAY
from connector.sandbox.jira.forms import Form, objections
from connector.sandbox.jira.model import Account, Actor, Refusal

if TYPE_CHECKING:
    from connector.sandbox.jira.shows import Show
    from connector.sandbox.jira.state import State

PLATFORM = "/rest/api/3"
DESK_API = "/rest/servicedeskapi"
INVALID = "Invalid request payload. Refer to the REST API documentation and try again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of one account.

    Attributes:
        params: Values of the path's placeholders.
        show: How things look to this account at this address.
    """

    request: Request
    account: Account
    params: Mapping[str, str]
    show: Show

    @property
    def state(self) -> State:
        """The site's things."""
        return self.show.state

    @property
    def actor(self) -> Actor:
        """The caller as somebody who acts.

        Raises:
            Refusal: 401 for nobody.
        """
        if self.account is ANONYMOUS:
            raise Refusal(401, "Client must be authenticated to access this resource.")
        return Actor(account=self.account, via="api")

    @property
    def rich(self) -> bool:
        """Whether rich text is a document (version 3) rather than wiki text (version 2)."""
        return self.show.version == 3

    def query(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.request.param(name) or default

    def number(self, name: str, default: int, *, most: int | None = None) -> int:
        """A whole number from the query.

        Raises:
            Refusal: 400 when it is none, or negative.
        """
        text = self.query(name)
        if not text:
            return default
        if not re.fullmatch(r"\d{1,9}", text):
            raise Refusal(400, f"The value '{text}' of {name} is not a whole number.")
        return min(int(text), most) if most is not None else int(text)

    def flag(self, name: str, *, default: bool) -> bool:
        """A boolean from the query."""
        return self.query(name, str(default)).lower() == "true"

    def listed(self, name: str) -> list[str]:
        """A parameter that may be repeated or hold commas."""
        given = (value for key, value in self.request.query if key == name)
        return [part.strip() for value in given for part in value.split(",") if part.strip()]

    def json(self) -> Any:
        """Whatever JSON is in the body.

        Raises:
            Refusal: 400 when it is none.
        """
        try:
            return self.request.json()
        except BadBodyError as error:
            raise Refusal(400, f"{INVALID} {error}") from error

    def body(self, form: Form) -> dict[str, Any]:
        """The JSON object in the body, as far as it keeps to a form.

        Raises:
            Refusal: 400 saying where it does not.
        """
        given = self.json()
        if wrong := tuple(objections(given, form)):
            raise Refusal(400, f"{INVALID} {'; '.join(wrong)}.")
        found: dict[str, Any] = given
        return found


Answer = Callable[[Call], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation.

    Attributes:
        path: Template with placeholders in braces, from the address on.
        queries: Query parameters that it has.
        anonymous: Whether nobody may ask (and is shown nothing).
    """

    method: str
    path: str
    answer: Answer
    queries: Collection[str] = ()
    anonymous: bool = False


class Router:
    """Finds the operation of a request."""

    def __init__(self, routes: Collection[Route]) -> None:
        self._routes: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
        self._paths: set[int] = set()
        for route in routes:
            parts = tuple(route.path.strip("/").split("/"))
            self._routes.setdefault((route.method, len(parts)), []).append((parts, route))
        for known in self._routes.values():
            known.sort(key=lambda pair: sum(part.startswith("{") for part in pair[0]))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The operation and what its placeholders hold.

        Raises:
            Refusal: 404 for an unknown path, 405 for a known one with another method.
        """
        given = path.removeprefix(GATEWAY).strip("/").split("/")
        if given[:2] == ["rest", "api"] and given[2:3] in (["2"], ["latest"]):
            given[2] = "3"
        for parts, route in self._routes.get((method, len(given)), ()):
            if (held := _fit(parts, given)) is not None:
                return route, held
        if any(
            _fit(p, given) is not None for (_, n), known in self._routes.items() if n == len(given) for p, _ in known
        ):
            raise Refusal(405, "Method Not Allowed")
        raise Refusal(404, f"null for uri: {path}")


def check_query(route: Route, request: Request) -> None:
    """Refuse parameters that the operation does not have.

    Raises:
        Refusal: 400 naming them.
    """
    if request.query and (stray := unknown_params(request.query, route.queries)):
        raise Refusal(400, f"Unknown query parameter {', '.join(stray)}.")


def refusal_response(refusal: Refusal, path: str) -> Response:
    """A refusal in the shape of the API that was asked."""
    if DESK_API in path:
        message = "; ".join((*refusal.messages, *refusal.errors.values()))
        payload: dict[str, Any] = {
            "errorMessage": message,
            "i18nErrorMessage": {"i18nKey": message, "parameters": []},
        }
    elif "/rest/api/3/bulk/" in path:
        messages = (*refusal.messages, *refusal.errors.values())
        payload = {"errors": [{"message": message} for message in messages]}
    else:
        payload = {"errorMessages": list(refusal.messages), "errors": refusal.errors}
    if refusal.status == 429:
        payload["status"] = 429
    return json_response(payload, status=refusal.status, headers=refusal.headers)


def _fit(parts: tuple[str, ...], given: list[str]) -> dict[str, str] | None:
    held: dict[str, str] = {}
    for part, actual in zip(parts, given, strict=True):
        if part.startswith("{"):
            held[part[1:-1]] = actual
        elif part != actual:
            return None
    return held


def page_of(call: Call, values: Sequence[Any]) -> dict[str, Any]:
    """A page of the platform's usual kind, by ``startAt`` and ``maxResults``."""
    start, size = call.number("startAt", 0), call.number("maxResults", 50, most=1000)
    last = start + size >= len(values)
    url = call.show.base + call.request.path
    shown = {
        "self": f"{url}?startAt={start}&maxResults={size}",
        "maxResults": size,
        "startAt": start,
        "total": len(values),
        "isLast": last,
        "values": list(values[start : start + size]),
    }
    if not last:
        shown["nextPage"] = f"{url}?startAt={start + size}&maxResults={size}"
    return shown


def listed_ids(given: Mapping[str, Any], *, most: int) -> list[str]:
    """The ids or keys that a body lists.

    Raises:
        Refusal: 400 when there are none or too many.
    """
    wanted = given.get("issueIdsOrKeys")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(each, str) for each in wanted):
        raise Refusal(400, "issueIdsOrKeys must be a list of texts with at least one element.")
    if len(wanted) > most:
        raise Refusal(400, f"At most {most} issues can be fetched at once.")
    return wanted
