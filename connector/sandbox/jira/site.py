"""The front of a simulated Jira Cloud site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.sandbox.core.messages import BadBodyError, Request, Response, json_response
from connector.sandbox.core.roster import Roster
from connector.sandbox.core.world import World
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.accounts import (
    ANONYMOUS,
    CLOUD_ID,
    CONNECTOR_EMAIL,
    GATEWAY,
    SERVICE_EMAIL,
    TOKEN_PATH,
)
from connector.sandbox.jira.api_bulk import BulkApi
from connector.sandbox.jira.api_comment import CommentApi
from connector.sandbox.jira.api_desk import DeskApi
from connector.sandbox.jira.api_history import HistoryApi
from connector.sandbox.jira.api_issue import IssueApi
from connector.sandbox.jira.api_link import LinkApi
from connector.sandbox.jira.api_people import PeopleApi
from connector.sandbox.jira.api_search import SearchApi
from connector.sandbox.jira.api_setup import SetupApi
from connector.sandbox.jira.calls import DESK_API, Call, Router, check_query, refusal_response
from connector.sandbox.jira.desk import Desk
from connector.sandbox.jira.intake import as_object
from connector.sandbox.jira.load import load
from connector.sandbox.jira.model import Account, Issue, Refusal
from connector.sandbox.jira.options import JiraOptions
from connector.sandbox.jira.people import JiraPeople
from connector.sandbox.jira.shows import Show
from connector.sandbox.jira.state import State
from connector.sandbox.jira.throttle import Throttle
from connector.sandbox.jira.words import neutral_name, neutral_status, neutral_value

NOT_AUTHENTICATED = "Client must be authenticated to access this resource."


class JiraSite:
    """Answers Jira Cloud platform v3 and service desk requests."""

    def __init__(self, world: World, roster: Roster) -> None:
        self.options = JiraOptions.of(world.options)
        self.state = State(world, roster, self.options)
        self.desk = Desk(self.state)
        self._people = JiraPeople(self.state, self.desk)
        self._throttle = Throttle(self.options)
        self._asked = ""
        self._shows: dict[tuple[str, str, int], Show] = {}
        state, desk = self.state, self.desk
        apis = (
            SearchApi(state),
            IssueApi(state, desk),
            CommentApi(state, desk),
            DeskApi(state, desk),
            SetupApi(state),
            PeopleApi(state),
            HistoryApi(state),
            BulkApi(state, desk),
            LinkApi(state, desk),
        )
        load(self.state)
        self._router = Router([route for api in apis for route in api.routes()])

    @property
    def people(self) -> JiraPeople:
        """What people can do here."""
        return self._people

    # -- requests ------------------------------------------------------------------------------

    def identify(self, request: Request) -> str:
        """Name the account behind a request."""
        self._asked = request.path
        account = self._authenticate(request)
        return "invalid" if account is None else account.key

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        try:
            if request.path == TOKEN_PATH:
                return self._token(request)
            return self._answer(request)
        except Refusal as refusal:
            return refusal_response(refusal, request.path)

    def scope_of(self, request: Request) -> str | None:
        """The project that a request is about."""
        issue = self._issue_of(request.path)
        if issue is not None:
            return issue.project
        parts = request.path.split("/")
        named = request.param("projectKey") or (parts[-1] if "project" in parts else None)
        return named if named in self.state.projects else None

    def refuse(self, status: int, message: str) -> Response:
        """An error in the shape of the API that was asked last."""
        return refusal_response(Refusal(status, message), self._asked)

    def revoke(self, request: Request) -> None:
        """Make the credential of a request invalid."""
        self.state.people.revoke(request)

    def _answer(self, request: Request) -> Response:
        account = self._authenticate(request)
        if account is None:
            account = self._wrong(request)
        route, params = self._router.find(request.method, request.path)
        if account is ANONYMOUS and not route.anonymous:
            raise Refusal(401, NOT_AUTHENTICATED)
        if not (account.team or account is ANONYMOUS or route.method == "GET" or DESK_API in route.path):
            raise Refusal(403, "Portal customers cannot use the platform API.")
        headers = self._throttle.admit(route, self._write_target(params), self.state.now())
        check_query(route, request)
        response = route.answer(
            Call(request=request, account=account, params=params, show=self._show(request, account))
        )
        return replace(response, headers=(*response.headers, *headers.items())) if headers else response

    def _write_target(self, params: Mapping[str, str]) -> str | None:
        issue = self.state.find(params["key"]) if "key" in params else None
        return str(issue.id) if issue is not None else None

    def _authenticate(self, request: Request) -> Account | None:
        return self.state.people.authenticate(request, self.state.now())

    def _wrong(self, request: Request) -> Account:
        """Wrong credentials: the gateway refuses, the site address lets nobody in and may not say so."""
        if request.path.startswith(GATEWAY) or self.state.people.scoped_at_site(request):
            raise Refusal(401, "Unauthorized; scope does not match")
        if self.options.wrong_credentials == "refuse":
            raise Refusal(401, NOT_AUTHENTICATED)
        return ANONYMOUS

    def _show(self, request: Request, account: Account) -> Show:
        base = request.origin + GATEWAY if request.path.startswith(GATEWAY) else request.origin
        version = 2 if "/rest/api/2/" in request.path else 3
        key = (base, account.key, version)
        if key not in self._shows:
            self._shows[key] = Show(state=self.state, base=base, reader=account, version=version)
        return self._shows[key]

    def _token(self, request: Request) -> Response:
        try:
            given = request.json()
        except BadBodyError:
            given = {}
        given = as_object(given)
        now = self.state.now()
        token = self.state.people.issue_token(str(given.get("client_id")), str(given.get("client_secret")), now)
        if given.get("grant_type") != "client_credentials" or token is None:
            return json_response({"error": "access_denied", "error_description": "Unauthorized"}, status=401)
        life = self.options.token_seconds
        usual = "read:jira-work write:jira-work read:servicedesk-request write:servicedesk-request"
        scope = str(given.get("scope") or usual)
        return json_response({"access_token": token, "expires_in": life, "token_type": "Bearer", "scope": scope})

    def _issue_of(self, path: str) -> Issue | None:
        parts = path.split("/")
        for before in ("issue", "request"):
            if before in parts[:-1]:
                return self.state.find(parts[parts.index(before) + 1])
        return None

    # -- what others must know -----------------------------------------------------------------

    def describe(self) -> Mapping[str, Any]:
        """How to connect, and the ids of this site."""
        secrets = self.state.people.secrets
        return {
            "cloud_id": CLOUD_ID,
            "api_path": GATEWAY,
            "token_path": TOKEN_PATH,
            "account_id": self.state.people.connector.account_id,
            "auth": {
                "basic": {"email": CONNECTOR_EMAIL, "token": secrets["classic"]},
                "scoped": {"email": SERVICE_EMAIL, "token": secrets["scoped"]},
                "client": {"client_id": "connector-client", "client_secret": secrets["client"]},
            },
            "people": self.state.people.passwords(),
            "projects": list(self.state.projects),
            "fields": setup.NEUTRAL,
            "priorities": {p.id: p.name for p in setup.PRIORITIES},
            "statuses": [status.name for status in setup.STATUSES],
            "groups": [group.key for group in self.state.roster.groups],
        }

    def view(self) -> list[dict[str, Any]]:
        """Every issue as people see it."""
        return [self._seen(issue) for issue in self.state.issues.values()]

    def _seen(self, issue: Issue) -> dict[str, Any]:
        custom = {
            neutral_name(name): neutral_value(name, value)
            for name, value in issue.values.items()
            if name.startswith("customfield_") and neutral_name(name) != name
        }
        assignee = self.state.account(issue.get("assignee"))
        return {
            "ticket": issue.key,
            "id": str(issue.id),
            "subject": issue.get("summary"),
            "status": neutral_status(issue.values["status"]),
            "priority": neutral_value("priority", issue.get("priority")),
            "assignee": assignee.key if assignee else None,
            "group": issue.get(setup.NEUTRAL["group"]),
            "labels": list(issue.get("labels") or ()),
            "fields": custom,
            "created": issue.created.isoformat(),
            "updated": issue.updated.isoformat(),
            "vendor": {"status": self.state.status_of(issue).name, "properties": dict(issue.properties)},
            "comments": [
                {
                    "id": str(c.id),
                    "author": c.author.key,
                    "public": c.public,
                    "body": c.text,
                    "created": c.created.isoformat(),
                    "hidden": dict(c.properties),
                }
                for c in self.state.comments.get(issue.id, ())
            ],
        }
