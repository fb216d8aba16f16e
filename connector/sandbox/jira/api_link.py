"""Links between issues and to places elsewhere, and watchers."""

from __future__ import annotations

from typing import Any

from connector.sandbox.core.messages import Response, empty_response, json_response
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.calls import PLATFORM, Call, Route
from connector.sandbox.jira.desk import Desk, Edit
from connector.sandbox.jira.forms import NAMED, Form
from connector.sandbox.jira.model import Issue, Refusal
from connector.sandbox.jira.state import State

ONE = f"{PLATFORM}/issue/{{key}}"
FORM: Form = {"type": NAMED, "inwardIssue": NAMED, "outwardIssue": NAMED, "comment": "object"}


class LinkApi:
    """Issue links, remote links, watchers."""

    def __init__(self, state: State, desk: Desk) -> None:
        self._state = state
        self._desk = desk

    def routes(self) -> tuple[Route, ...]:
        """The operations."""
        return (
            Route(method="GET", path=f"{PLATFORM}/issueLinkType", answer=self._types),
            Route(method="POST", path=f"{PLATFORM}/issueLink", answer=self._link),
            Route(method="GET", path=f"{PLATFORM}/issueLink/{{id}}", answer=self._get),
            Route(method="DELETE", path=f"{PLATFORM}/issueLink/{{id}}", answer=self._delete),
            Route(method="GET", path=f"{ONE}/remotelink", answer=self._remote, queries=("globalId",)),
            Route(method="GET", path=f"{ONE}/watchers", answer=self._watchers),
            Route(method="POST", path=f"{ONE}/watchers", answer=self._watch),
        )

    def _types(self, call: Call) -> Response:
        shown = [
            {
                "id": number,
                "name": name,
                "inward": inward,
                "outward": outward,
                "self": f"{call.show.api}/issueLinkType/{number}",
            }
            for number, name, inward, outward in setup.LINK_TYPES
        ]
        return json_response({"issueLinkTypes": shown})

    def _link(self, call: Call) -> Response:
        actor, given = call.actor, call.body(FORM)
        kind = given.get("type") or {}
        found = next((t[0] for t in setup.LINK_TYPES if kind.get("name") == t[1] or kind.get("id") == t[0]), None)
        if found is None:
            raise Refusal(404, f"No issue link type with name '{kind.get('name')}' found.")
        inward, outward = (self._side(call, given.get(side)) for side in ("inwardIssue", "outwardIssue"))
        self._desk.link(inward, outward, actor, found)
        return Response(status=201)

    def _side(self, call: Call, given: Any) -> Issue:
        named = given if isinstance(given, dict) else {}
        return self._state.visible(str(named.get("key") or named.get("id")), call.account)

    def _get(self, call: Call) -> Response:
        for link in self._state.links:
            if str(link.id) == call.params["id"]:
                issue = self._state.visible(str(link.inward), call.account)
                shown = next(s for s in self._state.links_of(call.show, issue) if s["id"] == str(link.id))
                return json_response({**shown, "inwardIssue": call.show.linked(issue)})
        raise Refusal(404, f"No issue link with id '{call.params['id']}' exists.")

    def _delete(self, call: Call) -> Response:
        before = len(self._state.links)
        self._state.links = [link for link in self._state.links if str(link.id) != call.params["id"]]
        if len(self._state.links) == before:
            raise Refusal(404, f"No issue link with id '{call.params['id']}' exists.")
        return empty_response()

    def _remote(self, call: Call) -> Response:
        issue = self._state.visible(call.params["key"], call.account)
        return json_response(self._state.remote_links.get(issue.id, []))

    def _watchers(self, call: Call) -> Response:
        issue = self._state.visible(call.params["key"], call.account)
        watchers = issue.get("watches") or ()
        return json_response(
            {
                "self": f"{call.show.api}/issue/{issue.key}/watchers",
                "isWatching": call.account.account_id in watchers,
                "watchCount": len(watchers),
                "watchers": [call.show.user(self._state.account(each)) for each in watchers],
            }
        )

    def _watch(self, call: Call) -> Response:
        actor, issue = call.actor, self._state.visible(call.params["key"], call.account)
        account_id = call.json()
        if self._state.account(account_id) is None:
            raise Refusal(404, "The user does not exist.")
        watchers = tuple(dict.fromkeys((*(issue.get("watches") or ()), account_id)))
        self._desk.edit(issue, actor, Edit(values={"watches": watchers}, mail=False))
        return empty_response()
