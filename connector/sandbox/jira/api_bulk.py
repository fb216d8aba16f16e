"""Bulk edit: accepted at once, done later, perhaps in part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from connector.sandbox.core.messages import Response, json_response
from connector.sandbox.jira.calls import PLATFORM, Call, Route
from connector.sandbox.jira.desk import Desk, Edit
from connector.sandbox.jira.forms import Form
from connector.sandbox.jira.intake import as_object, read_fields
from connector.sandbox.jira.model import Account, Actor, Issue, Refusal, Task
from connector.sandbox.jira.moments import SECOND
from connector.sandbox.jira.state import State

FORM: Form = {
    "selectedActions": "texts",
    "selectedIssueIdsOrKeys": "texts",
    "editedFieldsInput": {
        "priority": {"priorityId": "text!"},
        "labelsFields": [
            {"fieldId": "text!", "bulkEditMultiSelectFieldOption": "text!", "labels": [{"name": "text!"}]},
        ],
        "singleSelectFields": [{"fieldId": "text!", "option": {"optionId": "number"}}],
        "clearableNumberFields": [{"fieldId": "text!", "value": "decimal"}],
        "singleLineTextFields": [{"fieldId": "text!", "text": "text!"}],
        "dateTimePickerFields": [{"fieldId": "text!", "dateTime": {"formattedDateTime": "text!"}}],
        "singleSelectClearableUserPickerFields": [{"fieldId": "text!", "user": {"accountId": "text!"}}],
    },
    "sendBulkNotification": "flag",
}
LABEL_WAYS = frozenset(("ADD", "REMOVE", "REPLACE", "REMOVE_ALL"))
KEPT = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a bulk edit does to each issue; ``labels`` are lists by ``ADD``, ``REMOVE``, ``REPLACE``, ``REMOVE_ALL``."""

    fields: Mapping[str, Any]
    labels: Mapping[str, tuple[str, ...]]
    mail: bool


class BulkApi:
    """Bulk edits and their progress."""

    def __init__(self, state: State, desk: Desk) -> None:
        self._state = state
        self._desk = desk

    def routes(self) -> tuple[Route, ...]:
        """The operations."""
        return (
            Route(method="POST", path=f"{PLATFORM}/bulk/issues/fields", answer=self._start),
            Route(method="GET", path=f"{PLATFORM}/bulk/queue/{{id}}", answer=self._progress),
        )

    def _start(self, call: Call) -> Response:
        actor, given = call.actor, call.body(FORM)
        names = given.get("selectedIssueIdsOrKeys") or []
        if not 0 < len(names) <= 1000:
            raise Refusal(400, "Between 1 and 1000 issues can be edited at once.")
        actions, edited = given.get("selectedActions") or [], given.get("editedFieldsInput") or {}
        if not actions or len(actions) > 200:
            raise Refusal(400, "Between 1 and 200 actions must be selected.")
        fields, labels = _fields_of(edited)
        if stray := sorted({*fields, *(("labels",) if labels else ())} ^ set(actions)):
            raise Refusal(400, f"selectedActions and editedFieldsInput differ in {', '.join(stray)}.")
        state = self._state
        task = Task(id=str(next(state.numbers["task"])), owner=actor.account, created=state.now(), total=len(names))
        state.tasks[task.id] = task
        mail = given.get("sendBulkNotification") is not False
        self._plan(task, actor, names, Work(fields=fields, labels=labels, mail=mail))
        return json_response({"taskId": task.id}, status=201)

    def _plan(self, task: Task, actor: Actor, names: list[str], work: Work) -> None:
        each = SECOND * self._state.options.bulk_seconds
        for number, name in enumerate(names, 1):
            self._state.world.after(each * number, f"bulk {task.id}", partial(self._one, task, actor, name, work))
        self._state.world.after(each * (len(names) + 1), f"bulk {task.id} ends", lambda: self._end(task))

    def _one(self, task: Task, actor: Actor, name: str, work: Work) -> None:
        now = self._state.now()
        task.status, task.started, task.updated = "RUNNING", task.started or now, now
        issue = self._state.find(name)
        if issue is None or not self._state.can_see(actor.account, issue):
            task.invalid += 1
            return
        try:
            values = read_fields(self._state, issue.project, work.fields) | _labelled(issue, work.labels)
            self._desk.edit(issue, actor, Edit(values=values, mail=work.mail, bulk=True))
            task.done.append(issue.id)
        except Refusal as refusal:
            task.failed[issue.id] = [*refusal.messages, *refusal.errors.values()]

    def _end(self, task: Task) -> None:
        task.status, task.updated = "COMPLETE", self._state.now()

    def _progress(self, call: Call) -> Response:
        account: Account = call.actor.account
        task = self._state.tasks.get(call.params["id"])
        if task is None or task.owner is not account or self._state.now() - task.created > KEPT:
            raise Refusal(400, f"Task with ID {call.params['id']} not found.")
        finished = len(task.done) + len(task.failed) + task.invalid
        shown: dict[str, Any] = {
            "taskId": task.id,
            "status": task.status,
            "progressPercent": 100 * finished // task.total,
            "submittedBy": {"accountId": account.account_id},
            "created": call.show.at(task.created),
            "totalIssueCount": task.total,
            "invalidOrInaccessibleIssueCount": task.invalid,
            "processedAccessibleIssues": list(task.done),
            "failedAccessibleIssues": {str(number): why for number, why in task.failed.items()},
        }
        shown |= {name: call.show.at(at) for name, at in (("started", task.started), ("updated", task.updated)) if at}
        return json_response(shown)


def _fields_of(edited: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """Bring the bulk form of fields into the edit form.

    Raises:
        Refusal: 400 for an unknown way to edit labels.
    """
    fields: dict[str, Any] = {}
    labels: dict[str, tuple[str, ...]] = {}
    for kind, given in edited.items():
        if kind == "priority":
            fields["priority"] = {"id": given["priorityId"]}
        elif kind == "labelsFields":
            labels |= dict(map(_labels, given))
        else:
            fields |= {each["fieldId"]: LISTS[kind](each) for each in given}
    return fields, labels


def _labels(each: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    way = each["bulkEditMultiSelectFieldOption"]
    if way not in LABEL_WAYS:
        raise Refusal(400, f"bulkEditMultiSelectFieldOption cannot be {way}.")
    return way, tuple(label["name"] for label in each.get("labels") or ())


def _option(each: Mapping[str, Any]) -> Any:
    return {"id": str(as_object(each.get("option")).get("optionId"))}


def _user(each: Mapping[str, Any]) -> Any:
    user = each.get("user")
    return {"accountId": user["accountId"]} if user else None


LISTS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "singleSelectFields": _option,
    "clearableNumberFields": lambda each: each.get("value"),
    "singleLineTextFields": lambda each: each["text"],
    "dateTimePickerFields": lambda each: as_object(each.get("dateTime")).get("formattedDateTime"),
    "singleSelectClearableUserPickerFields": _user,
}


def _labelled(issue: Issue, labels: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    if not labels:
        return {}
    now = frozenset(issue.get("labels") or ())
    for option, names in labels.items():
        ways = {"ADD": now | {*names}, "REMOVE": now - {*names}, "REPLACE": frozenset(names), "REMOVE_ALL": frozenset()}
        now = ways[option]
    return {"labels": tuple(sorted(now))}
