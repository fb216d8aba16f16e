"""Field values as the platform API shows them, by kind of field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from connector.sandbox.jira import adf, desk_views
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.model import Issue

if TYPE_CHECKING:
    from connector.sandbox.jira.shows import Show

EMBEDDED_COMMENTS = 20
Shown = Callable[["Show", Issue, str], Any]


def _user(show: Show, issue: Issue, field_id: str) -> Any:
    return show.user(show.state.people.by_id.get(issue.get(field_id) or ""))


def _users(show: Show, issue: Issue, field_id: str) -> Any:
    accounts = (show.state.people.by_id.get(id_) for id_ in issue.get(field_id) or ())
    return [show.user(account) for account in accounts if account is not None]


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
    """The first comments, and how many there are: the rest is read page by page."""
    comments = show.state.comments_of(issue, show.reader)
    embedded = [show.comment(c) for c in comments[:EMBEDDED_COMMENTS]]
    return {
        "comments": embedded,
        "self": f"{show.api}/issue/{issue.id}/comment",
        "maxResults": len(embedded),
        "total": len(comments),
        "startAt": 0,
    }


def _watches(show: Show, issue: Issue, _field_id: str) -> Any:
    watchers = issue.get("watches") or ()
    url = f"{show.api}/issue/{issue.key}/watchers"
    return {"self": url, "watchCount": len(watchers), "isWatching": show.reader.account_id in watchers}


def _array(_show: Show, issue: Issue, field_id: str) -> Any:
    return list(issue.get(field_id) or ())


SHOWN: Mapping[str, Shown] = {
    "user": _user,
    "participants": _users,
    "datetime": _moment,
    "status": _status,
    "adf": _document,
    "priority": _named(setup.PRIORITIES, lambda show, thing: show.priority(thing)),
    "issuetype": _named(setup.ISSUE_TYPES, lambda show, thing: show.issue_type(thing)),
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
