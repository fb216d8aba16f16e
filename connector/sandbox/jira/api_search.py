"""``/search/jql`` and its relatives."""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from connector.sandbox.core.messages import JSON_TYPE, Response, json_response
from connector.sandbox.jira.calls import PLATFORM, Call, Route
from connector.sandbox.jira.forms import Form
from connector.sandbox.jira.index import Sorted
from connector.sandbox.jira.jql import Query, parse
from connector.sandbox.jira.matching import Matcher, depends_on_now
from connector.sandbox.jira.model import Issue, Refusal
from connector.sandbox.jira.shows import Show, encode
from connector.sandbox.jira.state import State

QUERIES = frozenset(
    (
        "jql",
        "nextPageToken",
        "maxResults",
        "fields",
        "expand",
        "properties",
        "fieldsByKeys",
        "failFast",
        "reconcileIssues",
    )
)
OLD_QUERIES = frozenset(
    ("jql", "startAt", "maxResults", "validateQuery", "fields", "expand", "properties", "fieldsByKeys")
)
FORM: Form = {
    **dict.fromkeys(("jql", "nextPageToken", "expand"), "text"),
    **dict.fromkeys(("fields", "properties"), "texts"),
    "maxResults": "number",
    "fieldsByKeys": "flag",
    "reconcileIssues": "numbers",
}
REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline"
    " is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
BAD_TOKEN = "The nextPageToken is invalid or has expired."  # noqa: S105
TOKEN_LIFE = timedelta(days=7)
MOST = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one search asks for."""

    jql: str
    fields: tuple[str, ...]
    size: int
    token: str | None
    properties: tuple[str, ...]
    expand: tuple[str, ...]
    reconcile: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a page ended; what a token stands for."""

    jql: str
    account_id: str
    after: Any
    made: datetime
    first: bool = False


class SearchApi:
    """Searches with opaque tokens over an index that lags."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._marks: dict[str, Mark] = {}
        self._tokens = count(1)
        self._pages = {"continued": 0, "all": 0}

    def routes(self) -> tuple[Route, ...]:
        """The operations."""
        path = f"{PLATFORM}/search"
        return (
            Route(method="GET", path=f"{path}/jql", answer=self._get, queries=QUERIES, anonymous=True),
            Route(method="POST", path=f"{path}/jql", answer=self._post, anonymous=True),
            Route(method="POST", path=f"{path}/approximate-count", answer=self._count, anonymous=True),
            Route(method="GET", path=path, answer=_removed, queries=OLD_QUERIES, anonymous=True),
            Route(method="POST", path=path, answer=_removed, anonymous=True),
        )

    def _get(self, call: Call) -> Response:
        given: dict[str, Any] = {
            "jql": call.query("jql"),
            "fields": call.listed("fields"),
            "maxResults": call.number("maxResults", 50),
            "nextPageToken": call.query("nextPageToken") or None,
            "properties": call.listed("properties"),
            "expand": call.query("expand"),
            "reconcileIssues": [int(n) for n in call.listed("reconcileIssues") if n.isdigit()],
        }
        return self._answer(call, given)

    def _post(self, call: Call) -> Response:
        return self._answer(call, call.body(FORM))

    def _answer(self, call: Call, given: Mapping[str, Any]) -> Response:
        wanted = self._read(given)
        issues, token = self._page(call, wanted)
        body = _issues_bytes(call.show, issues, wanted)
        ending = b'],"isLast":true}' if token is None else b'],"nextPageToken":' + encode(token) + b',"isLast":false}'
        return Response(headers=(("Content-Type", JSON_TYPE),), body=b'{"issues":[' + body + ending)

    def _read(self, given: Mapping[str, Any]) -> Wanted:
        size = given.get("maxResults") or 50
        properties, reconcile = given.get("properties") or (), given.get("reconcileIssues") or ()
        if not 1 <= size <= MOST:
            raise Refusal(400, f"maxResults must be between 1 and {MOST}.")
        if len(properties) > 5:
            raise Refusal(400, "At most 5 issue properties can be requested.")
        if len(reconcile) > 50:
            raise Refusal(400, "At most 50 issue ids can be reconciled.")
        fields = self._state.expand_fields(given.get("fields") or (), "id") if given.get("fields") else ()
        return Wanted(
            jql=given.get("jql") or "",
            fields=fields,
            size=min(size, self._state.options.page_limit) if fields else size,
            token=given.get("nextPageToken"),
            properties=tuple(properties),
            expand=tuple((given.get("expand") or "").split(",")) if given.get("expand") else (),
            reconcile=tuple(reconcile),
        )

    def _page(self, call: Call, wanted: Wanted) -> tuple[list[Issue], str | None]:
        query = _bounded(wanted.jql)
        mark = self._mark(call, wanted)
        matches = self._matches(call, query, wanted)
        start = bisect_right(matches, mark.after, key=lambda pair: pair[0]) if mark and not mark.first else 0
        size = self._size(wanted, continued=mark is not None)
        chosen = matches[start : start + size]
        found = self._found(chosen, wanted)
        if start + size >= len(matches):
            return found, None
        if self._due("repeat_token_every", "all") and wanted.token:
            return found, wanted.token
        if chosen:
            after = Mark(
                jql=wanted.jql, account_id=call.account.account_id, after=chosen[-1][0], made=self._state.now()
            )
        else:
            after = mark or Mark(
                jql=wanted.jql, account_id=call.account.account_id, after=None, made=self._state.now(), first=True
            )
        return found, self._token(after)

    def _found(self, chosen: Sorted, wanted: Wanted) -> list[Issue]:
        state = self._state
        live = {number: state.issues[number] for number in wanted.reconcile if number in state.issues}
        return [live.get(number) or state.index.shown[number] for _, number in chosen]

    def _size(self, wanted: Wanted, *, continued: bool) -> int:
        self._pages["all"] += 1
        self._pages["continued"] += continued
        if continued and self._due("empty_page_every", "continued"):
            return 0
        return max(1, wanted.size // 2) if self._due("short_page_every", "all") else wanted.size

    def _due(self, option: str, counter: str) -> bool:
        every: int = getattr(self._state.options, option)
        return bool(every) and self._pages[counter] % every == 0

    def _matches(self, call: Call, query: Query, wanted: Wanted) -> Sorted:
        state = self._state
        now = state.now()
        state.index.settle(now)
        matcher = Matcher(state=state, reader=call.account, now=now)
        if query.where is None:
            raise Refusal(400, UNBOUNDED)
        test, sort_key = matcher.test(query.where), matcher.sort_key(query.orders)

        def make(shown: Mapping[int, Issue]) -> Sorted:
            live = {number: state.issues[number] for number in wanted.reconcile if number in state.issues}
            seen = {**shown, **live} if live else shown
            keyed = [(sort_key(i), i.id) for i in seen.values() if state.can_see(call.account, i) and test(i)]
            return sorted(keyed, key=lambda pair: pair[0])

        if wanted.reconcile:
            return make(state.index.shown)
        moving = now if depends_on_now(query.where) else None
        return state.index.sorted((wanted.jql, call.account.account_id, moving), make)

    # -- tokens --------------------------------------------------------------------------------

    def _token(self, mark: Mark) -> str:
        name = f"{next(self._tokens)}:{self._state.world.rng.getrandbits(64):016x}"
        token = base64.urlsafe_b64encode(name.encode()).decode()
        self._marks[token] = mark
        return token

    def _mark(self, call: Call, wanted: Wanted) -> Mark | None:
        if not wanted.token:
            return None
        mark = self._marks.get(wanted.token)
        fits = mark is not None and (mark.jql, mark.account_id) == (wanted.jql, call.account.account_id)
        if mark is None or not fits or self._state.now() - mark.made > TOKEN_LIFE:
            raise Refusal(400, BAD_TOKEN)
        return mark

    def _count(self, call: Call) -> Response:
        jql = call.body({"jql": "text"}).get("jql") or ""
        query = _bounded(jql)
        wanted = Wanted(jql=jql, fields=(), size=1, token=None, properties=(), expand=(), reconcile=())
        return json_response({"count": len(self._matches(call, query, wanted))})


def _bounded(jql: str) -> Query:
    query = parse(jql)
    if query.where is None:
        raise Refusal(400, UNBOUNDED)
    return query


def _issues_bytes(show: Show, issues: list[Issue], wanted: Wanted) -> bytes:
    if not (wanted.properties or wanted.expand):
        return b",".join(show.issue_bytes(issue, wanted.fields) for issue in issues)
    shown = (
        show.extended(issue, wanted.fields, expand=wanted.expand, properties=wanted.properties) for issue in issues
    )
    return b",".join(map(encode, shown))


def _removed(_call: Call) -> Response:
    raise Refusal(410, REMOVED)
