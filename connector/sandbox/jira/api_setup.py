"""Who one is, what the site is, and what an administrator set up."""

from __future__ import annotations

from typing import Any

from connector.sandbox.core.messages import Response, json_response
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.calls import PLATFORM, Call, Route, page_of
from connector.sandbox.jira.fields import Field
from connector.sandbox.jira.model import Refusal
from connector.sandbox.jira.state import State

PAGING = ("startAt", "maxResults")


class SetupApi:
    """Accounts, fields, priorities, statuses, projects, groups."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> tuple[Route, ...]:
        """The operations."""
        path = PLATFORM
        fields = ("type", "id", "query", "orderBy", "expand", *PAGING)
        priorities = ("id", "projectId", "priorityName", "onlyDefault", "expand", *PAGING)
        every = ("expand", "recent", "properties")
        projects = ("keys", "id", "query", "typeKey", "orderBy", "expand", *PAGING)
        return (
            Route(method="GET", path=f"{path}/serverInfo", answer=self._server, anonymous=True),
            Route(method="GET", path=f"{path}/field", answer=self._fields, anonymous=True),
            Route(method="GET", path=f"{path}/field/search", answer=self._field_search, queries=fields),
            Route(method="GET", path=f"{path}/field/{{id}}/context", answer=self._contexts, queries=PAGING),
            Route(
                method="GET", path=f"{path}/field/{{id}}/context/{{cid}}/option", answer=self._options, queries=PAGING
            ),
            Route(method="GET", path=f"{path}/priority/search", answer=self._priorities, queries=priorities),
            Route(method="GET", path=f"{path}/priority", answer=self._all_priorities),
            Route(method="GET", path=f"{path}/status", answer=self._statuses, anonymous=True),
            Route(method="GET", path=f"{path}/resolution", answer=self._resolutions),
            Route(method="GET", path=f"{path}/project", answer=self._every_project, queries=every, anonymous=True),
            Route(method="GET", path=f"{path}/project/search", answer=self._projects, queries=projects, anonymous=True),
            Route(method="GET", path=f"{path}/project/{{key}}", answer=self._project, queries=("expand", "properties")),
            Route(method="GET", path=f"{path}/issue/{{key}}/editmeta", answer=self._editmeta),
        )

    # -- site ----------------------------------------------------------------------------------

    def _server(self, call: Call) -> Response:
        return json_response(
            {
                "baseUrl": call.request.origin,
                "displayUrl": call.request.origin,
                "version": "1001.0.0-SNAPSHOT",
                "versionNumbers": [1001, 0, 0],
                "deploymentType": "Cloud",
                "buildNumber": 100287,
                "buildDate": "2026-11-20T09:00:00.000+0000",
                "serverTime": call.show.at(self._state.now()),
                "serverTimeZone": call.show.reader.zone,
                "scmInfo": "0" * 40,
                "serverTitle": "Jira",
            }
        )

    def _fields(self, _call: Call) -> Response:
        shown = [
            {
                "id": field.id,
                "key": field.id,
                "name": field.name,
                "custom": field.custom,
                "orderable": field.editable,
                "navigable": field.id != "comment",
                "searchable": True,
                "clauseNames": list(field.clauses),
                **({"schema": field.schema} if field.schema else {}),
            }
            for field in self._state.catalog.fields.values()
        ]
        return json_response(shown)

    def _field_search(self, call: Call) -> Response:
        self._admin(call)
        kinds, query = call.listed("type"), call.query("query").lower()
        found = [
            {
                "id": field.id,
                "key": field.id,
                "name": field.name,
                "schema": field.schema,
                "isLocked": field.kind == "sla",
            }
            for field in self._state.catalog.fields.values()
            if field.schema and query in field.name.lower() and (not kinds or ("custom" in kinds) == field.custom)
        ]
        return json_response(page_of(call, found))

    def _contexts(self, call: Call) -> Response:
        self._admin(call)
        self._known_field(call)
        context = {"id": "10100", "name": "Default", "description": "", "isGlobalContext": True, "isAnyIssueType": True}
        return json_response(page_of(call, [context]))

    def _options(self, call: Call) -> Response:
        self._admin(call)
        options = self._state.catalog.choices.get(self._known_field(call), ())
        return json_response(page_of(call, [{"id": o.id, "value": o.name, "disabled": False} for o in options]))

    def _known_field(self, call: Call) -> str:
        if call.params["id"] not in self._state.catalog.fields:
            raise Refusal(404, "The custom field was not found.")
        return call.params["id"]

    def _admin(self, call: Call) -> None:
        if not call.account.admin:
            raise Refusal(403, "Only Jira administrators can access this resource.")

    def _priorities(self, call: Call) -> Response:
        wanted, names = call.listed("id"), call.query("priorityName").lower()
        found = [
            {**call.show.priority(p), "description": "", "statusColor": "#ff0000", "isDefault": p.name == "Medium"}
            for p in setup.PRIORITIES
            if (not wanted or p.id in wanted) and names in p.name.lower()
        ]
        return json_response(page_of(call, found))

    def _all_priorities(self, call: Call) -> Response:
        return json_response([call.show.priority(p) for p in setup.PRIORITIES])

    def _statuses(self, call: Call) -> Response:
        return json_response([call.show.status(status) for status in setup.STATUSES])

    def _resolutions(self, call: Call) -> Response:
        return json_response([call.show.named("resolution", each) for each in setup.RESOLUTIONS])

    def _projects(self, call: Call) -> Response:
        keys = call.listed("keys")
        shown = [project for project in self._seen(call) if not keys or project["key"] in keys]
        return json_response(page_of(call, shown))

    def _every_project(self, call: Call) -> Response:
        return json_response(self._seen(call))  # deprecated, in no pages, and what ``jira.projects()`` asks for

    def _seen(self, call: Call) -> list[dict[str, Any]]:
        return [call.show.project(p) for p in self._state.projects.values() if call.account.team]

    def _project(self, call: Call) -> Response:
        wanted = call.params["key"]
        found = next((p for p in self._state.projects.values() if wanted in (p.key, p.id)), None)
        if found is None or not call.account.team:
            raise Refusal(404, f"No project could be found with key '{wanted}'.")
        kinds = [call.show.issue_type(kind) for kind in setup.ISSUE_TYPES]
        return json_response({**call.show.project(found), "issueTypes": kinds, "style": "classic", "isPrivate": False})

    def _editmeta(self, call: Call) -> Response:
        issue = self._state.visible(call.params["key"], call.account)
        catalog = self._state.catalog
        fields = [f for f in catalog.fields.values() if catalog.takes(f.id, issue.project, self._state.options)]
        return json_response({"fields": {field.id: self._meta(call, field) for field in fields}})

    def _meta(self, call: Call, field: Field) -> dict[str, Any]:
        operations = ["add", "set", "remove"] if field.kind == "labels" else ["set"]
        required = field.id == "summary"
        shown: dict[str, Any] = {
            "required": required,
            "schema": field.schema,
            "name": field.name,
            "key": field.id,
            "operations": operations,
        }
        if field.kind == "select":
            shown["allowedValues"] = [call.show.option(o) for o in self._state.catalog.choices.get(field.id, ())]
        if field.kind == "priority":
            shown["allowedValues"] = [call.show.priority(p) for p in setup.PRIORITIES]
        return shown
