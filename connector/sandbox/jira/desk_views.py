"""Stored things as the service desk API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.model import Account, Comment, Issue
from connector.sandbox.jira.moments import date_dto

if TYPE_CHECKING:
    from connector.sandbox.jira.shows import Show
    from connector.sandbox.jira.state import State

CATEGORIES = {"new": "NEW", "indeterminate": "INDETERMINATE", "done": "DONE"}


def api(show: Show) -> str:
    """Where the service desk API starts."""
    return f"{show.base}/rest/servicedeskapi"


def user(show: Show, account: Account | None) -> dict[str, Any]:
    """A user in the service desk's own words."""
    if account is None:
        return {}
    shown: dict[str, Any] = {"accountId": account.account_id}
    if account.account_type == "atlassian" and account.email:
        shown["emailAddress"] = account.email
    link = f"{show.api}/user?accountId={account.account_id}"
    avatar = f"{show.base}/avatar/{account.key}"
    return {
        **shown,
        "displayName": account.name,
        "active": account.active,
        "timeZone": account.zone,
        "_links": {"jiraRest": link, "avatarUrls": {"48x48": avatar}, "self": link},
    }


def comment(show: Show, comment: Comment) -> dict[str, Any]:
    """A comment with its plain text."""
    url = f"{api(show)}/request/{comment.issue_id}/comment/{comment.id}"
    return {
        "_expands": ["attachment", "renderedBody"],
        "id": str(comment.id),
        "body": comment.text,
        "public": comment.public,
        "author": user(show, comment.author),
        "created": date_dto(comment.created, show.zone),
        "_links": {"self": url},
    }


def organization(show: Show, number: int) -> dict[str, Any]:
    """A customer organization."""
    found = show.state.organizations[number]
    url = f"{api(show)}/organization/{number}"
    uuid = f"00000000-0000-4000-8000-{number:012d}"
    return {"id": str(number), "uuid": uuid, "name": found.name, "_links": {"self": url}}


def request_type(show: Show, name: str, project: setup.Project) -> dict[str, Any]:
    """A request type."""
    number = str(setup.REQUEST_TYPES.index(name) + 11)
    url = f"{api(show)}/servicedesk/{project.desk}/requesttype/{number}"
    return {
        "_expands": ["field"],
        "id": number,
        "_links": {"self": url},
        "name": name,
        "description": "",
        "helpText": "",
        "issueTypeId": issue_type_of(name),
        "serviceDeskId": project.desk,
        "portalId": project.desk,
        "groupIds": [],
    }


def issue_type_of(name: str) -> str:
    """The issue type behind a request type."""
    return "10010" if "incident" in name else "10011"


def current_status(show: Show, issue: Issue) -> dict[str, Any]:
    """The status that a customer sees."""
    status = show.state.status_of(issue)
    since = issue.get("statuscategorychangedate") or issue.created
    return {
        "status": status.name,
        "statusCategory": CATEGORIES[status.category],
        "statusDate": date_dto(since, show.zone),
    }


def request_links(show: Show, issue: Issue, project: setup.Project) -> dict[str, Any]:
    """Where a request can be found."""
    return {
        "self": f"{api(show)}/request/{issue.id}",
        "jiraRest": f"{show.api}/issue/{issue.id}",
        "web": f"{show.base}/servicedesk/customer/portal/{project.desk}/{issue.key}",
        "agent": f"{show.base}/browse/{issue.key}",
    }


def request_type_field(show: Show, issue: Issue) -> dict[str, Any] | None:
    """The request type field of an issue; ``None`` where nobody raised a request."""
    name = issue.get(setup.NEUTRAL["request_type"])
    if name is None:
        return None
    project = show.state.projects[issue.project]
    return {
        "_links": request_links(show, issue, project),
        "requestType": request_type(show, name, project),
        "currentStatus": current_status(show, issue),
    }


def request(show: Show, issue: Issue) -> dict[str, Any]:
    """A customer request."""
    state = show.state
    project = state.projects[issue.project]
    name = issue.get(setup.NEUTRAL["request_type"])
    return {
        "_expands": ["participant", "status", "sla", "requestType", "serviceDesk", "attachment", "action", "comment"],
        "issueId": str(issue.id),
        "issueKey": issue.key,
        "summary": issue.get("summary"),
        "requestTypeId": str(setup.REQUEST_TYPES.index(name) + 11),
        "serviceDeskId": project.desk,
        "createdDate": date_dto(issue.created, show.zone),
        "reporter": user(show, state.account(issue.get("reporter"))),
        "requestFieldValues": [{"fieldId": "summary", "label": "Summary", "value": issue.get("summary")}],
        "currentStatus": current_status(show, issue),
        "_links": request_links(show, issue, project),
    }


def metrics(show: Show, issue: Issue) -> list[dict[str, Any]]:
    """The SLA metrics of a request that ever ran."""
    face = show.face()
    base = f"{api(show)}/request/{issue.id}/sla"
    shown = (face.clock(clock, f"{base}/{clock.metric.number}") for clock in issue.clocks)
    return [each for each in shown if each is not None]


def desk(show: Show, project: setup.Project) -> dict[str, Any]:
    """A service desk."""
    return {
        "id": project.desk,
        "projectId": project.id,
        "projectName": project.name,
        "projectKey": project.key,
        "_links": {"self": f"{api(show)}/servicedesk/{project.desk}"},
    }


def account_of_organization(state: State, number: int) -> list[Account]:
    """Who belongs to an organization."""
    key = state.organizations[number].key
    return [account for account in state.people.by_key.values() if account.organization == key]
