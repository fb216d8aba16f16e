"""Stored values as the platform API shows them, to one account at one address."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector.sandbox.jira import adf, desk_views
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.model import Account, Comment, History, Issue
from connector.sandbox.jira.moments import stamp
from connector.sandbox.jira.sla import Face

if TYPE_CHECKING:
    from connector.sandbox.jira.state import State

EXPANDABLE = (
    "operations,versionedRepresentations,editmeta,changelog,customfield_10010.requestTypePractice,renderedFields"
)
SIZES = ("48x48", "24x24", "16x16", "32x32")
Fields = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Show:
    """Turns stored things into the vendor's JSON.

    Attributes:
        base: Address that links start with, such as ``http://127.0.0.1:8123``.
        reader: Whose zone times are in.
        version: Of the platform API; version 2 has plain text where 3 has documents.
    """

    state: State
    base: str
    reader: Account
    version: int = 3

    @cached_property
    def zone(self) -> ZoneInfo:
        """The reader's profile zone."""
        return ZoneInfo(self.reader.zone)

    @property
    def api(self) -> str:
        """Where the platform API starts."""
        return f"{self.base}/rest/api/{self.version}"

    def at(self, moment: datetime) -> str:
        """A moment in the reader's zone."""
        return stamp(moment, self.zone)

    # -- people --------------------------------------------------------------------------------

    def user(self, account: Account | None) -> dict[str, Any] | None:
        """A user as embedded in issues; portal customers and apps hide their address."""
        if account is None:
            return None
        shown: dict[str, Any] = {
            "self": f"{self.api}/user?accountId={account.account_id}",
            "accountId": account.account_id,
        }
        if account.account_type == "atlassian" and account.email:
            shown["emailAddress"] = account.email
        avatar = f"{self.base}/avatar/{account.key}"
        return {
            **shown,
            "avatarUrls": {size: f"{avatar}?size={size}" for size in SIZES},
            "displayName": account.name,
            "active": account.active,
            "timeZone": account.zone,
            "accountType": account.account_type,
        }

    # -- set-up --------------------------------------------------------------------------------

    def status(self, status: setup.Status) -> dict[str, Any]:
        """A status with its category."""
        number, colour, name = setup.CATEGORIES[status.category]
        return {
            "self": f"{self.api}/status/{status.id}",
            "description": "",
            "iconUrl": f"{self.base}/images/icons/status_generic.gif",
            "name": status.name,
            "id": status.id,
            "statusCategory": {
                "self": f"{self.api}/statuscategory/{number}",
                "id": number,
                "key": status.category,
                "colorName": colour,
                "name": name,
            },
        }

    def priority(self, priority: setup.Named) -> dict[str, Any]:
        """A priority as embedded in issues."""
        icon = f"{self.base}/images/icons/priorities/{priority.name.lower()}.svg"
        return {"self": f"{self.api}/priority/{priority.id}", "iconUrl": icon, "name": priority.name, "id": priority.id}

    def project(self, project: setup.Project) -> dict[str, Any]:
        """A project as embedded in issues."""
        avatar = f"{self.api}/universal_avatar/view/type/project/avatar/10425"
        return {
            "self": f"{self.api}/project/{project.id}",
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "service_desk",
            "simplified": False,
            "avatarUrls": {size: f"{avatar}?size={size}" for size in SIZES},
        }

    def issue_type(self, kind: setup.Named) -> dict[str, Any]:
        """An issue type."""
        return {
            "self": f"{self.api}/issuetype/{kind.id}",
            "id": kind.id,
            "description": "",
            "iconUrl": f"{self.base}/images/icons/issuetypes/{kind.id}.svg",
            "name": kind.name,
            "subtask": False,
            "hierarchyLevel": 0,
        }

    def option(self, option: setup.Named) -> dict[str, Any]:
        """An option of a select field."""
        return {"self": f"{self.api}/customFieldOption/{option.id}", "value": option.name, "id": option.id}

    def named(self, kind: str, thing: setup.Named) -> dict[str, Any]:
        """Something plain: resolution, security level."""
        return {"self": f"{self.api}/{kind}/{thing.id}", "id": thing.id, "name": thing.name, "description": ""}

    # -- issues --------------------------------------------------------------------------------

    def issue(self, issue: Issue, fields: Fields) -> dict[str, Any]:
        """An issue with the wanted fields; ids alone are the shortest form there is."""
        if not fields:
            return {"id": str(issue.id)}
        return {
            "expand": EXPANDABLE,
            "id": str(issue.id),
            "self": f"{self.api}/issue/{issue.id}",
            "key": issue.key,
            "fields": {name: self.value(issue, name) for name in fields},
        }

    def issue_bytes(self, issue: Issue, fields: Fields) -> bytes:
        """The same, serialised once per version (and per moment while a clock runs)."""
        moving = issue.running and any(name in self.state.sla_ids for name in fields)
        key = (fields, self.api, self.reader.zone, self.state.now() if moving else None)
        found = issue.memo.get(key)
        if found is None:
            if len(issue.memo) >= 4:
                issue.memo.clear()
            found = issue.memo[key] = encode(self.issue(issue, fields))
        return found

    def value(self, issue: Issue, field_id: str) -> Any:
        """One field's value."""
        field = self.state.catalog.fields.get(field_id)
        if field is None:
            return issue.get(field_id)  # the loader's own synthetic fields are stored as shown
        shown = SHOWN.get(field.kind)
        if shown is None:
            return issue.get(field_id)
        return shown(self, issue, field_id)

    def comment(self, comment: Comment, *, properties: bool = False) -> dict[str, Any]:
        """A comment on the platform."""
        shown: dict[str, Any] = {
            "self": f"{self.api}/issue/{comment.issue_id}/comment/{comment.id}",
            "id": str(comment.id),
            "author": self.user(comment.author),
            "body": comment.body if self.version == 3 else comment.text,
            "updateAuthor": self.user(comment.editor),
            "created": self.at(comment.created),
            "updated": self.at(comment.updated),
            "jsdPublic": comment.public,
        }
        if comment.visibility is not None:
            shown["visibility"] = comment.visibility
        if properties:
            shown["properties"] = [{"key": key, "value": value} for key, value in comment.properties.items()]
        return shown

    def history(self, history: History, *, created: Any = None) -> dict[str, Any]:
        """One entry of a changelog; ``created`` replaces the moment's usual form."""
        return {
            "id": str(history.id),
            "author": self.user(history.author),
            "created": self.at(history.created) if created is None else created,
            "items": [
                {
                    "field": change.field,
                    "fieldtype": "custom" if change.custom else "jira",
                    "fieldId": change.field_id,
                    "from": change.before,
                    "fromString": change.before_text,
                    "to": change.after,
                    "toString": change.after_text,
                }
                for change in history.changes
            ],
        }

    def face(self) -> Face:
        """How clocks look at this moment."""
        return Face(now=self.state.now(), zone=self.zone, breach_time=self.state.options.breach_time)


def encode(payload: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def _user(show: Show, issue: Issue, field_id: str) -> Any:
    return show.user(show.state.people.by_id.get(issue.get(field_id) or ""))


def _moment(show: Show, issue: Issue, field_id: str) -> Any:
    own = {"created": issue.created, "updated": issue.updated}
    moment = own.get(field_id) or issue.get(field_id)
    return show.at(moment) if moment is not None else None


def _document(show: Show, issue: Issue, field_id: str) -> Any:
    value = issue.get(field_id)
    return adf.plain(value) if show.version == 2 and value is not None else value


def _status(show: Show, issue: Issue, _field_id: str) -> Any:
    return show.status(show.state.status_of(issue))


def _named(things: Iterable[setup.Named], form: Callable[[Show, setup.Named], Any]) -> Shown:
    by_id: Mapping[str, setup.Named] = {thing.id: thing for thing in things}

    def shown(show: Show, issue: Issue, field_id: str) -> Any:
        found = by_id.get(issue.get(field_id) or "")
        return form(show, found) if found else None

    return shown


def _option(show: Show, issue: Issue, field_id: str) -> Any:
    value = issue.get(field_id)
    found = show.state.catalog.option(field_id, value) if value else None
    return show.option(found) if found else None


def _project(show: Show, issue: Issue, _field_id: str) -> Any:
    return show.project(show.state.projects[issue.project])


def _labels(_show: Show, issue: Issue, field_id: str) -> Any:
    return list(issue.get(field_id) or ())


def _sla(show: Show, issue: Issue, field_id: str) -> Any:
    clock = next((c for c in issue.clocks if c.metric.field_id == field_id), None)
    if clock is None:
        return None
    url = f"{show.base}/rest/servicedeskapi/request/{issue.id}/sla/{clock.metric.number}"
    return show.face().clock(clock, url)


def _request_type(show: Show, issue: Issue, _field_id: str) -> Any:
    return desk_views.request_type_field(show, issue)


def _organizations(show: Show, issue: Issue, field_id: str) -> Any:
    return [desk_views.organization(show, number) for number in issue.get(field_id) or ()]


def _links(show: Show, issue: Issue, _field_id: str) -> Any:
    return show.state.links_of(show, issue)


def _comments(show: Show, issue: Issue, _field_id: str) -> Any:
    comments = [show.comment(c) for c in show.state.comments_of(issue, show.reader)]
    return {
        "comments": comments,
        "self": f"{show.api}/issue/{issue.id}/comment",
        "maxResults": len(comments),
        "total": len(comments),
        "startAt": 0,
    }


def _watches(show: Show, issue: Issue, _field_id: str) -> Any:
    watchers = issue.get("watches") or ()
    url = f"{show.api}/issue/{issue.key}/watchers"
    return {"self": url, "watchCount": len(watchers), "isWatching": show.reader.account_id in watchers}


def _array(_show: Show, issue: Issue, field_id: str) -> Any:
    return list(issue.get(field_id) or ())


Shown = Callable[[Show, Issue, str], Any]
SHOWN: Mapping[str, Shown] = {
    "user": _user,
    "datetime": _moment,
    "status": _status,
    "adf": _document,
    "priority": _named(setup.PRIORITIES, Show.priority),
    "issuetype": _named(setup.ISSUE_TYPES, Show.issue_type),
    "resolution": _named(setup.RESOLUTIONS, lambda show, thing: show.named("resolution", thing)),
    "securitylevel": _named((setup.SECURITY,), lambda show, thing: show.named("securitylevel", thing)),
    "select": _option,
    "project": _project,
    "labels": _labels,
    "array": _array,
    "sla": _sla,
    "request-type": _request_type,
    "organizations": _organizations,
    "links": _links,
    "comments-page": _comments,
    "watches": _watches,
}
