"""Stored values as the platform API shows them, to one account at one address."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.model import Account, Comment, History, Issue
from connector.sandbox.jira.moments import stamp
from connector.sandbox.jira.sla import Face
from connector.sandbox.jira.values import SHOWN

if TYPE_CHECKING:
    from connector.sandbox.jira.state import State

EXPANDABLE = (
    "operations,versionedRepresentations,editmeta,changelog,customfield_10010.requestTypePractice,renderedFields"
)
EMBEDDED_HISTORIES = 40
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

    def extended(
        self, issue: Issue, fields: Fields, *, expand: Sequence[str] = (), properties: Sequence[str] = ()
    ) -> dict[str, Any]:
        """An issue with expansions (``changelog``, ``names``) and chosen properties."""
        shown = self.issue(issue, fields)
        if "changelog" in expand:
            shown["changelog"] = self.embedded_changelog(issue)
        if "names" in expand:
            shown["names"] = {name: self.state.catalog.fields[name].name for name in fields}
        if properties:
            wanted = issue.properties if "*all" in properties else properties
            shown["properties"] = {key: issue.properties[key] for key in wanted if key in issue.properties}
        return shown

    def embedded_changelog(self, issue: Issue) -> dict[str, Any]:
        """The newest entries of the changelog, newest first."""
        histories = self.state.histories.get(issue.id, [])
        newest = histories[::-1][:EMBEDDED_HISTORIES]
        return {
            "startAt": 0,
            "maxResults": len(newest),
            "total": len(histories),
            "histories": [self.history(entry) for entry in newest],
        }

    def linked(self, issue: Issue) -> dict[str, Any]:
        """An issue as the other side of a link."""
        shown = self.issue(issue, ("summary", "status", "priority", "issuetype"))
        del shown["expand"]
        return shown

    def issue_bytes(self, issue: Issue, fields: Fields) -> bytes:
        """The same, serialised once per version (and per moment while a clock runs)."""
        moving = issue.running and any(name in self.state.sla_ids for name in fields)
        key = (fields, self.api, self.reader.zone, self.state.now() if moving else None)
        found = issue.memo.get(key)
        if found is None:
            found = encode(self.issue(issue, fields))
            self.state.keep(issue, key, found)
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
