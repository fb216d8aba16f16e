"""Operations on one issue, and reading many by id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connector.sandbox.core.messages import Response, empty_response, json_response
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.calls import PLATFORM, Call, Route, listed_ids
from connector.sandbox.jira.desk import Desk, Draft, Edit
from connector.sandbox.jira.forms import PROPERTIES, Form
from connector.sandbox.jira.intake import as_documents, as_object, read_fields, read_update
from connector.sandbox.jira.model import Issue, Refusal
from connector.sandbox.jira.state import NO_ISSUE, State
from connector.sandbox.jira.workflow import transitions_of

ONE = f"{PLATFORM}/issue/{{key}}"
EDIT_FORM: Form = {
    "fields": "object",
    "update": "object",
    "properties": PROPERTIES,
    "transition": {"id": "text!", "looped": "flag"},
    "historyMetadata": "object",
}
READ_QUERIES = frozenset(("fields", "fieldsByKeys", "expand", "properties", "updateHistory", "failFast"))
EDIT_QUERIES = frozenset(("notifyUsers", "overrideScreenSecurity", "overrideEditableFlag", "returnIssue", "expand"))
PROPERTY_LIMIT = 32768


class IssueApi:
    """Reads and edits issues, their properties, changelogs, transitions and assignee."""

    def __init__(self, state: State, desk: Desk) -> None:
        self._state = state
        self._desk = desk
        self._edits = 0

    def routes(self) -> tuple[Route, ...]:
        """The operations."""
        return (
            Route(method="GET", path=ONE, answer=self._get, queries=READ_QUERIES, anonymous=True),
            Route(method="PUT", path=ONE, answer=self._put, queries=EDIT_QUERIES),
            Route(method="DELETE", path=ONE, answer=self._delete, queries=("deleteSubtasks",)),
            Route(method="POST", path=f"{PLATFORM}/issue", answer=self._create, queries=("updateHistory",)),
            Route(method="PUT", path=f"{ONE}/assignee", answer=self._assign),
            Route(
                method="GET",
                path=f"{ONE}/transitions",
                answer=self._transitions,
                queries=("expand", "transitionId", "skipRemoteOnlyCondition", "includeUnavailableTransitions"),
            ),
            Route(method="POST", path=f"{ONE}/transitions", answer=self._transition),
            Route(method="GET", path=f"{ONE}/properties", answer=self._properties),
            Route(method="GET", path=f"{ONE}/properties/{{name}}", answer=self._property),
            Route(method="PUT", path=f"{ONE}/properties/{{name}}", answer=self._put_property),
            Route(method="DELETE", path=f"{ONE}/properties/{{name}}", answer=self._delete_property),
            Route(method="POST", path=f"{PLATFORM}/issue/bulkfetch", answer=self._bulkfetch, anonymous=True),
        )

    # -- reading -------------------------------------------------------------------------------

    def _get(self, call: Call) -> Response:
        issue = self._issue(call)
        fields = self._state.expand_fields(call.listed("fields"), "*all")
        shown = call.show.extended(issue, fields, expand=call.listed("expand"), properties=call.listed("properties"))
        return json_response(shown)

    def _bulkfetch(self, call: Call) -> Response:
        texts = dict.fromkeys(("issueIdsOrKeys", "fields", "properties", "expand"), "texts")
        given = call.body({**texts, "fieldsByKeys": "flag"})
        wanted = listed_ids(given, most=100)
        fields = self._state.expand_fields(given.get("fields") or (), "*navigable")
        found: dict[int, Issue] = {}
        errors = []
        for name in wanted:
            issue = self._state.find(name)
            if issue is None or not self._state.can_see(call.account, issue):
                errors.append({"id": name, "errorMessage": NO_ISSUE})
            else:
                found[issue.id] = issue
        expand, properties = given.get("expand") or [], given.get("properties") or []
        shown = [
            call.show.extended(found[number], fields, expand=expand, properties=properties) for number in sorted(found)
        ]
        return json_response({"issues": shown, "issueErrors": errors})

    # -- writing -------------------------------------------------------------------------------

    def _put(self, call: Call) -> Response:
        actor, issue = call.actor, self._issue(call)
        given = call.body(EDIT_FORM)
        mail = self._mails(call)
        if "transition" in given:
            raise Refusal(400, "Transitions are not supported by edit issue; use the transitions resource.")
        fields = self._fields(call, given)
        if twice := sorted(set(fields) & set(given.get("update") or {})):
            raise Refusal(400, errors={name: f"Field '{name}' is in both fields and update." for name in twice})
        self._check_editable(issue)
        values = read_fields(self._state, issue.project, fields)
        values |= read_update(self._state, issue, given.get("update") or {})
        properties = {p["key"]: _property_value(p["key"], p.get("value")) for p in given.get("properties") or []}
        if not (values or properties):
            raise Refusal(400, "one of 'fields' or 'update' required")
        self._maybe_conflict()
        new = self._desk.edit(issue, actor, Edit(values=values, properties=properties, mail=mail))
        if call.flag("returnIssue", default=False):
            shown = self._state.expand_fields((), "*all")
            return json_response(call.show.extended(new, shown, expand=call.listed("expand")))
        return empty_response()

    def _fields(self, call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
        fields = dict(given.get("fields") or {})
        return fields if call.rich else as_documents(self._state, fields)

    def _mails(self, call: Call) -> bool:
        """Whether the edit is mailed; leaving that out takes an administrator's right."""
        if call.flag("notifyUsers", default=True):
            return True
        if call.account.admin:
            return False
        if self._state.options.notify_flag == "ignore":
            return True
        raise Refusal(403, "To discard the user notification either admin or project admin permissions are required.")

    def _check_editable(self, issue: Issue) -> None:
        if self._state.status_of(issue).name == "Closed":
            raise Refusal(400, "You do not have permission to edit issues in this workflow status.")

    def _maybe_conflict(self) -> None:
        self._edits += 1
        every = self._state.options.conflict_every
        if every and self._edits % every == 0:
            raise Refusal(409, "The issue could not be updated due to a conflicting update.")

    def _create(self, call: Call) -> Response:
        actor, given = call.actor, call.body(EDIT_FORM)
        fields = self._fields(call, given)
        project = as_object(fields.pop("project", None))
        fields.pop("issuetype", None)
        key = next(
            (k for k, p in self._state.projects.items() if project.get("key") == k or project.get("id") == p.id), None
        )
        if key is None:
            raise Refusal(400, errors={"project": "Specify a valid project ID or key"})
        if "summary" not in fields:
            raise Refusal(400, errors={"summary": "You must specify a summary of the issue."})
        values = read_fields(self._state, key, fields)
        issue = self._desk.create(Draft(project=key, actor=actor, values=values))
        shown = {"id": str(issue.id), "key": issue.key, "self": f"{call.show.api}/issue/{issue.id}"}
        return json_response(shown, status=201)

    def _delete(self, call: Call) -> Response:
        issue = self._issue(call)
        if not call.actor.account.admin:
            raise Refusal(403, "You do not have permission to delete issues in this project.")
        self._desk.delete(issue, call.actor)
        return empty_response()

    def _assign(self, call: Call) -> Response:
        actor, issue = call.actor, self._issue(call)
        given = call.body(dict.fromkeys(("accountId", "name", "key"), "text"))
        account_id = given.get("accountId")
        wanted = None if account_id in (None, "-1") else {"accountId": account_id}
        values = read_fields(self._state, issue.project, {"assignee": wanted})
        self._desk.edit(issue, actor, Edit(values=values))
        return empty_response()

    def _transitions(self, call: Call) -> Response:
        issue = self._issue(call)
        shown = [
            {
                "id": transition.id,
                "name": transition.name,
                "to": call.show.status(transition.target),
                "hasScreen": False,
                "isGlobal": False,
                "isInitial": False,
                "isAvailable": True,
                "isConditional": False,
                "isLooped": False,
            }
            for transition in transitions_of(self._state.status_of(issue))
        ]
        return json_response({"expand": "transitions", "transitions": shown})

    def _transition(self, call: Call) -> Response:
        actor, issue = call.actor, self._issue(call)
        given = call.body(EDIT_FORM)
        wanted = str((given.get("transition") or {}).get("id"))
        possible = transitions_of(self._state.status_of(issue))
        chosen = next((t for t in possible if t.id == wanted), None)
        if chosen is None:
            message = "It seems that you have tried to perform a workflow operation that is not valid for this status."
            raise Refusal(400, message)
        fields = dict(given.get("fields") or {})
        resolution = as_object(fields.pop("resolution", None))
        found = next(
            (r.id for r in setup.RESOLUTIONS if resolution.get("name") == r.name or resolution.get("id") == r.id), None
        )
        if values := read_fields(self._state, issue.project, fields):
            issue = self._desk.edit(issue, actor, Edit(values=values))
        self._desk.move_to(issue, actor, chosen.target.id, resolution=found)
        return empty_response()

    # -- properties ----------------------------------------------------------------------------

    def _properties(self, call: Call) -> Response:
        issue = self._issue(call)
        url = f"{call.show.api}/issue/{issue.key}/properties"
        return json_response({"keys": [{"self": f"{url}/{key}", "key": key} for key in issue.properties]})

    def _property(self, call: Call) -> Response:
        issue, name = self._issue(call), call.params["name"]
        if name not in issue.properties:
            raise Refusal(404, f"The property with key '{name}' does not exist.")
        return json_response({"key": name, "value": issue.properties[name]})

    def _put_property(self, call: Call) -> Response:
        actor, issue, name = call.actor, self._issue(call), call.params["name"]
        value = call.json()
        known = name in issue.properties
        self._desk.edit(issue, actor, Edit(properties={name: _property_value(name, value)}))
        return Response(status=200 if known else 201)

    def _delete_property(self, call: Call) -> Response:
        actor, issue, name = call.actor, self._issue(call), call.params["name"]
        if name not in issue.properties:
            raise Refusal(404, f"The property with key '{name}' does not exist.")
        self._desk.edit(issue, actor, Edit(properties={name: None}))
        return empty_response()

    def _issue(self, call: Call) -> Issue:
        return self._state.visible(call.params["key"], call.account)


def _property_value(key: str, value: Any) -> Any:
    if len(key) > 255 or not key:
        raise Refusal(400, "The property key must be 1 to 255 characters long.")
    if len(json.dumps(value)) > PROPERTY_LIMIT:
        raise Refusal(400, f"The property value must not exceed {PROPERTY_LIMIT} characters.")
    return value
