"""The service desk API: requests, SLAs, comments in wiki text, organizations, queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.core.messages import Response, json_response
from connector.sandbox.jira import adf, desk_views
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.accounts import GATEWAY
from connector.sandbox.jira.calls import DESK_API, Call, Route
from connector.sandbox.jira.desk import Desk, Remark
from connector.sandbox.jira.jql import parse
from connector.sandbox.jira.matching import Matcher
from connector.sandbox.jira.model import Comment, Issue, Refusal
from connector.sandbox.jira.state import State
from connector.sandbox.jira.wikitext import read_wiki

ONE = f"{DESK_API}/request/{{key}}"
PAGING = ("start", "limit")
QUEUES: Sequence[tuple[str, str, str, tuple[str, ...]]] = (
    ("1", "All open", "statusCategory != Done", ("issuetype", "summary", "status", "created", "priority")),
    ("2", "Unassigned", "statusCategory != Done AND assignee is empty", ("summary", "priority", "reporter")),
)
TEXT_LIMIT = 32767


class DeskApi:
    """What agents' integrations use of Jira Service Management."""

    def __init__(self, state: State, desk: Desk) -> None:
        self._state = state
        self._desk = desk

    def routes(self) -> tuple[Route, ...]:
        """The operations."""
        root, desk = DESK_API, f"{DESK_API}/servicedesk/{{desk}}"
        comment = f"{ONE}/comment"
        listed = (
            "serviceDeskId",
            "requestTypeId",
            "requestStatus",
            "requestOwnership",
            "searchTerm",
            "expand",
            *PAGING,
        )
        return (
            Route(method="GET", path=f"{root}/info", answer=_info),
            Route(method="GET", path=f"{root}/request", answer=self._requests, queries=listed),
            Route(method="GET", path=ONE, answer=self._request, queries=("expand",)),
            Route(method="GET", path=f"{ONE}/sla", answer=self._slas, queries=PAGING),
            Route(method="GET", path=f"{ONE}/sla/{{metric}}", answer=self._sla),
            Route(method="GET", path=comment, answer=self._comments, queries=("public", "internal", "expand", *PAGING)),
            Route(method="POST", path=comment, answer=self._add),
            Route(method="GET", path=f"{comment}/{{id}}", answer=self._comment, queries=("expand",)),
            Route(
                method="GET", path=f"{root}/organization", answer=self._organizations, queries=("accountId", *PAGING)
            ),
            Route(method="GET", path=f"{root}/organization/{{id}}", answer=self._organization),
            Route(method="GET", path=f"{root}/organization/{{id}}/user", answer=self._members, queries=PAGING),
            Route(method="GET", path=f"{root}/servicedesk", answer=self._desks, queries=PAGING),
            Route(method="GET", path=desk, answer=self._one_desk),
            Route(
                method="GET", path=f"{desk}/organization", answer=self._organizations, queries=("accountId", *PAGING)
            ),
            Route(
                method="GET",
                path=f"{desk}/requesttype",
                answer=self._request_types,
                queries=("groupId", "expand", *PAGING),
            ),
            Route(method="GET", path=f"{desk}/customer", answer=self._customers, queries=("query", *PAGING)),
            Route(method="GET", path=f"{desk}/queue", answer=self._queues, queries=("includeCount", *PAGING)),
            Route(method="GET", path=f"{desk}/queue/{{queue}}", answer=self._queue, queries=("includeCount",)),
            Route(method="GET", path=f"{desk}/queue/{{queue}}/issue", answer=self._queue_issues, queries=PAGING),
        )

    # -- requests ------------------------------------------------------------------------------

    def _found(self, call: Call) -> Issue:
        issue = self._state.visible(call.params["key"], call.account)
        if issue.get(setup.NEUTRAL["request_type"]) is None:
            raise Refusal(404, "The request you are trying to view does not exist.")
        return issue

    def _request(self, call: Call) -> Response:
        issue = self._found(call)
        return json_response(self._as_request(call, issue, sla="sla" in call.listed("expand")))

    def _requests(self, call: Call) -> Response:
        desk, status = call.query("serviceDeskId"), call.query("requestStatus", "ALL_REQUESTS")
        found = [
            issue
            for issue in self._state.issues.values()
            if self._state.can_see(call.account, issue)
            and issue.get(setup.NEUTRAL["request_type"]) is not None
            and desk in ("", self._state.projects[issue.project].desk)
            and (status == "ALL_REQUESTS" or (issue.get("resolution") is None) == (status == "OPEN_REQUESTS"))
        ]
        sla = "sla" in call.listed("expand")
        return json_response(_page(call, [self._as_request(call, issue, sla=sla) for issue in found]))

    def _as_request(self, call: Call, issue: Issue, *, sla: bool) -> dict[str, Any]:
        shown = desk_views.request(call.show, issue)
        return {**shown, "sla": _page(call, desk_views.metrics(call.show, issue), whole=True)} if sla else shown

    def _slas(self, call: Call) -> Response:
        issue = self._licensed(call)
        return json_response(_page(call, desk_views.metrics(call.show, issue)))

    def _sla(self, call: Call) -> Response:
        issue, wanted = self._licensed(call), call.params["metric"]
        found = next((m for m in desk_views.metrics(call.show, issue) if m["id"] == wanted), None)
        if found is None:
            raise Refusal(404, "The SLA metric does not exist.")
        return json_response(found)

    def _licensed(self, call: Call) -> Issue:
        issue = self._found(call)
        if not call.account.team:
            raise Refusal(403, "You need an agent licence to view SLA information.")
        return issue

    # -- comments ------------------------------------------------------------------------------

    def _comments(self, call: Call) -> Response:
        issue = self._found(call)
        wanted = {True: call.flag("public", default=True), False: call.flag("internal", default=True)}
        held = [c for c in self._state.comments_of(issue, call.account) if wanted[c.public]]
        return json_response(_page(call, [self._shown(call, comment) for comment in held]))

    def _comment(self, call: Call) -> Response:
        issue = self._found(call)
        held = (c for c in self._state.comments_of(issue, call.account) if str(c.id) == call.params["id"])
        comment = next(held, None)
        if comment is None:
            raise Refusal(404, "The comment does not exist.")
        return json_response(self._shown(call, comment))

    def _shown(self, call: Call, comment: Comment) -> dict[str, Any]:
        shown = desk_views.comment(call.show, comment)
        if "renderedBody" in call.listed("expand"):
            shown["renderedBody"] = {"html": read_wiki(comment.text).html}
        return shown

    def _add(self, call: Call) -> Response:
        actor, issue = call.actor, self._found(call)
        given = call.body({"body": None, "public": None})
        body, public = given.get("body"), given.get("public")
        if not isinstance(public, bool):
            raise Refusal(400, "The public field is required.")
        if not isinstance(body, str) or not body.strip():
            raise Refusal(400, "The comment body must be a text that is not empty.")
        if len(body) > TEXT_LIMIT:
            raise Refusal(
                400, f"The entered text is too long. It exceeds the allowed limit of {TEXT_LIMIT} characters."
            )
        if not public and not call.account.team:
            raise Refusal(403, "You do not have permission to add internal comments.")
        read = read_wiki(body)
        remark = Remark(body=adf.document(read.text), text=body, public=public, live=read.live)
        return json_response(desk_views.comment(call.show, self._desk.comment(issue, actor, remark)), status=201)

    # -- organizations and desks ---------------------------------------------------------------

    def _organizations(self, call: Call) -> Response:
        wanted = call.query("accountId")
        account = self._state.account(wanted)
        numbers = [
            number
            for number, organization in self._state.organizations.items()
            if not wanted or (account is not None and account.organization == organization.key)
        ]
        return json_response(_page(call, [desk_views.organization(call.show, number) for number in numbers]))

    def _customers(self, call: Call) -> Response:
        self._project(call)
        query = call.query("query").lower()
        found = [a for a in self._state.people.by_key.values() if not a.team and query in f"{a.name} {a.email}".lower()]
        return json_response(_page(call, [desk_views.user(call.show, account) for account in found]))

    def _organization(self, call: Call) -> Response:
        return json_response(desk_views.organization(call.show, self._organization_number(call)))

    def _members(self, call: Call) -> Response:
        members = desk_views.account_of_organization(self._state, self._organization_number(call))
        return json_response(_page(call, [desk_views.user(call.show, account) for account in members]))

    def _organization_number(self, call: Call) -> int:
        text = call.params["id"]
        if not text.isdigit() or int(text) not in self._state.organizations:
            raise Refusal(404, "The organization does not exist.")
        return int(text)

    def _desks(self, call: Call) -> Response:
        return json_response(_page(call, [desk_views.desk(call.show, p) for p in self._state.projects.values()]))

    def _one_desk(self, call: Call) -> Response:
        return json_response(desk_views.desk(call.show, self._project(call)))

    def _request_types(self, call: Call) -> Response:
        project = self._project(call)
        shown = [desk_views.request_type(call.show, name, project) for name in setup.REQUEST_TYPES]
        return json_response(_page(call, shown))

    def _project(self, call: Call) -> setup.Project:
        wanted = call.params["desk"]
        found = next((p for p in self._state.projects.values() if wanted in (p.desk, p.key)), None)
        if found is None:
            raise Refusal(404, "The service desk does not exist.")
        return found

    # -- queues --------------------------------------------------------------------------------

    def _queues(self, call: Call) -> Response:
        project = self._project(call)
        return json_response(_page(call, [self._queue_shown(call, project, queue) for queue in QUEUES]))

    def _queue(self, call: Call) -> Response:
        return json_response(self._queue_shown(call, self._project(call), _queue_of(call)))

    def _queue_shown(self, call: Call, project: setup.Project, queue: tuple[Any, ...]) -> dict[str, Any]:
        number, name, jql, fields = queue
        url = f"{desk_views.api(call.show)}/servicedesk/{project.desk}/queue/{number}"
        shown = {"id": number, "name": name, "jql": f"project = {project.key} AND {jql}", "fields": list(fields)}
        if call.flag("includeCount", default=False):
            shown["issueCount"] = len(self._queued(call, shown["jql"]))
        return {**shown, "_links": {"self": url}}

    def _queue_issues(self, call: Call) -> Response:
        project = self._project(call)
        _, _, jql, fields = _queue_of(call)
        issues = self._queued(call, f"project = {project.key} AND {jql}")
        return json_response(_page(call, [call.show.issue(issue, fields) for issue in issues]))

    def _queued(self, call: Call, jql: str) -> list[Issue]:
        state = self._state
        state.index.settle(state.now())
        where = parse(jql).where
        assert where is not None  # noqa: S101 - a queue always has a condition
        test = Matcher(state=state, reader=call.account, now=state.now()).test(where)
        return [issue for issue in state.index.shown.values() if state.can_see(call.account, issue) and test(issue)]


def _queue_of(call: Call) -> tuple[str, str, str, tuple[str, ...]]:
    found = next((queue for queue in QUEUES if queue[0] == call.params["queue"]), None)
    if found is None:
        raise Refusal(404, "The queue does not exist.")
    return found


def _info(call: Call) -> Response:
    link = f"{desk_views.api(call.show)}/info"
    return json_response(
        {"version": "5.0", "platformVersion": "1001.0", "isLicensedForUse": True, "_links": {"self": link}}
    )


def _page(call: Call, values: Sequence[Mapping[str, Any]], *, whole: bool = False) -> dict[str, Any]:
    start, limit = (0, 50) if whole else (call.number("start", 0), call.number("limit", 50, most=100))
    chosen = list(values[start : start + limit])
    last = start + limit >= len(values)
    url = call.show.base + call.request.path.removeprefix(GATEWAY)
    links = {"base": call.show.base, "context": "", "self": f"{url}?start={start}&limit={limit}"}
    if not last:
        links["next"] = f"{url}?start={start + limit}&limit={limit}"
    return {
        "_expands": [],
        "size": len(chosen),
        "start": start,
        "limit": limit,
        "isLastPage": last,
        "_links": links,
        "values": chosen,
    }
