"""Who one is, what the site is, and what an administrator set up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from connector.sandbox.core.messages import Response, json_response
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.calls import PLATFORM, Call, Route
from connector.sandbox.jira.model import Account, Refusal
from connector.sandbox.jira.state import State

PERMISSIONS = {
    "BROWSE_PROJECTS": "PROJECT",
    "EDIT_ISSUES": "PROJECT",
    "ASSIGN_ISSUES": "PROJECT",
    "ASSIGNABLE_USER": "PROJECT",
    "TRANSITION_ISSUES": "PROJECT",
    "ADD_COMMENTS": "PROJECT",
    "DELETE_OWN_COMMENTS": "PROJECT",
    "EDIT_OWN_COMMENTS": "PROJECT",
    "LINK_ISSUES": "PROJECT",
    "SERVICEDESK_AGENT": "PROJECT",
    "ADMINISTER_PROJECTS": "PROJECT",
    "DELETE_ISSUES": "PROJECT",
    "DELETE_ALL_COMMENTS": "PROJECT",
    "SET_ISSUE_SECURITY": "PROJECT",
    "ADMINISTER": "GLOBAL",
    "BULK_CHANGE": "GLOBAL",
    "USER_PICKER": "GLOBAL",
}
ADMIN_ONLY = frozenset(("ADMINISTER_PROJECTS", "ADMINISTER", "DELETE_ISSUES", "DELETE_ALL_COMMENTS"))
WHERE = ("projectKey", "projectId", "issueKey", "issueId", "permissions")
PAGING = ("startAt", "maxResults")


class SetupApi:
    """Accounts, fields, priorities, statuses, projects, groups."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> tuple[Route, ...]:
        """The operations."""
        return (*self._people_routes(), *self._setup_routes())

    def _people_routes(self) -> tuple[Route, ...]:
        path = PLATFORM
        old = ("includeActive", "includeInactive")  # a public client sends them still; they mean nothing
        finding = ("query", "accountId", "username", "property", *old, *PAGING)
        assignable = (*finding, "project", "issueKey", "issueId", "recommend")
        return (
            Route(method="GET", path=f"{path}/myself", answer=self._myself, queries=("expand",)),
            Route(method="GET", path=f"{path}/mypermissions", answer=self._permissions, queries=WHERE, anonymous=True),
            Route(
                method="GET", path=f"{path}/user", answer=self._user, queries=("accountId", "username", "key", "expand")
            ),
            Route(method="GET", path=f"{path}/user/search", answer=self._users, queries=finding),
            Route(method="GET", path=f"{path}/user/assignable/search", answer=self._assignable, queries=assignable),
            Route(
                method="GET", path=f"{path}/groups/picker", answer=self._group_picker, queries=("query", "maxResults")
            ),
            Route(
                method="GET", path=f"{path}/group/bulk", answer=self._groups, queries=("groupId", "groupName", *PAGING)
            ),
            Route(
                method="GET",
                path=f"{path}/group/member",
                answer=self._members,
                queries=("groupname", "groupId", "includeInactiveUsers", *PAGING),
            ),
        )

    def _setup_routes(self) -> tuple[Route, ...]:
        path = PLATFORM
        fields = ("type", "id", "query", "orderBy", "expand", *PAGING)
        priorities = ("id", "projectId", "priorityName", "onlyDefault", "expand", *PAGING)
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
            Route(method="GET", path=f"{path}/project/search", answer=self._projects, queries=projects, anonymous=True),
            Route(method="GET", path=f"{path}/project/{{key}}", answer=self._project, queries=("expand", "properties")),
            Route(method="GET", path=f"{path}/issue/{{key}}/editmeta", answer=self._editmeta),
        )

    # -- people --------------------------------------------------------------------------------

    def _myself(self, call: Call) -> Response:
        account = call.actor.account
        shown = call.show.user(account) or {}
        groups = [
            {"name": name, "groupId": name, "self": f"{call.show.api}/group?groupId={name}"} for name in account.groups
        ]
        if "groups" in call.listed("expand"):
            shown["groups"] = {"size": len(groups), "items": groups}
        return json_response({**shown, "locale": account.locale, "expand": "groups,applicationRoles"})

    def _permissions(self, call: Call) -> Response:
        wanted = call.listed("permissions")
        if not wanted:
            raise Refusal(400, "The 'permissions' query parameter is required.")
        if unknown := sorted(set(wanted) - set(PERMISSIONS)):
            raise Refusal(400, f"Unrecognized permission(s): {', '.join(unknown)}")
        account = call.account
        shown = {
            key: {
                "id": str(number),
                "key": key,
                "name": key.replace("_", " ").capitalize(),
                "type": PERMISSIONS[key],
                "description": "",
                "havePermission": account.team and (account.admin or key not in ADMIN_ONLY),
            }
            for number, key in enumerate(wanted, 1)
        }
        return json_response({"permissions": shown})

    def _user(self, call: Call) -> Response:
        found = self._state.account(call.query("accountId"))
        if found is None:
            raise Refusal(404, "The user does not exist or you do not have permission to see it.")
        return json_response(call.show.user(found))

    def _users(self, call: Call) -> Response:
        return self._people(call, lambda _account: True)

    def _assignable(self, call: Call) -> Response:
        if not (call.query("project") or call.query("issueKey") or call.query("issueId")):
            raise Refusal(400, "A project or an issue is required.")
        return self._people(call, lambda account: account.team and account.active and account.account_type != "app")

    def _people(self, call: Call, fits: Callable[[Account], bool]) -> Response:
        query, wanted = call.query("query").lower(), call.query("accountId")
        if not (query or wanted or "assignable" in call.request.path):
            raise Refusal(400, "At least one search parameter is required.")
        found = [
            account
            for account in self._state.people.by_key.values()
            if fits(account)
            and (not wanted or account.account_id == wanted)
            and (not query or query in account.name.lower() or account.email.lower().startswith(query))
        ]
        start, size = call.number("startAt", 0), call.number("maxResults", 50, most=1000)
        return json_response([call.show.user(account) for account in found[start : start + size]])

    def _group_names(self) -> list[str]:
        return ["jira-servicemanagement-users", *(group.key for group in self._state.roster.groups)]

    def _group_picker(self, call: Call) -> Response:
        query = call.query("query").lower()
        found = [name for name in self._group_names() if query in name.lower()]
        groups = [{"name": name, "html": name, "labels": [], "groupId": name} for name in found]
        header = f"Showing {len(found)} of {len(found)} matching groups"
        return json_response({"header": header, "total": len(found), "groups": groups})

    def _groups(self, call: Call) -> Response:
        wanted = {*call.listed("groupId"), *call.listed("groupName")}
        found = [{"name": name, "groupId": name} for name in self._group_names() if not wanted or name in wanted]
        return json_response(_page(call, found))

    def _members(self, call: Call) -> Response:
        name = call.query("groupId") or call.query("groupname")
        if name not in self._group_names():
            raise Refusal(404, f"The group named '{name}' does not exist.")
        people = [a for a in self._state.people.by_key.values() if name in a.groups]
        return json_response(_page(call, [call.show.user(account) or {} for account in people]))

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
        return json_response(_page(call, found))

    def _contexts(self, call: Call) -> Response:
        self._admin(call)
        self._known_field(call)
        context = {"id": "10100", "name": "Default", "description": "", "isGlobalContext": True, "isAnyIssueType": True}
        return json_response(_page(call, [context]))

    def _options(self, call: Call) -> Response:
        self._admin(call)
        options = self._state.catalog.choices.get(self._known_field(call), ())
        return json_response(_page(call, [{"id": o.id, "value": o.name, "disabled": False} for o in options]))

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
        return json_response(_page(call, found))

    def _all_priorities(self, call: Call) -> Response:
        return json_response([call.show.priority(p) for p in setup.PRIORITIES])

    def _statuses(self, call: Call) -> Response:
        return json_response([call.show.status(status) for status in setup.STATUSES])

    def _resolutions(self, call: Call) -> Response:
        return json_response([call.show.named("resolution", each) for each in setup.RESOLUTIONS])

    def _projects(self, call: Call) -> Response:
        keys = call.listed("keys")
        found = [p for p in self._state.projects.values() if call.account.team and (not keys or p.key in keys)]
        return json_response(_page(call, [call.show.project(p) for p in found]))

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

    def _meta(self, call: Call, field: setup.Field) -> dict[str, Any]:
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


def _page(call: Call, values: Sequence[Any]) -> dict[str, Any]:
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
